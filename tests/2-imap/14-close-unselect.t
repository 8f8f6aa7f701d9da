# SPDX-License-Identifier: MIT
# RFC 9051 6.4.1, 6.4.2, RFC 3691 2: CLOSE removes what is marked \Deleted, without saying so; UNSELECT and EXAMINE + CLOSE do not
deliver simple.eml bob
deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 1 +FLAGS.SILENT (\Deleted)
A < a OK
A > b UNSELECT
A < b OK
mails bob 2
A > c EXAMINE INBOX
A <... c OK
A > d CLOSE
A < d OK
mails bob 2
A > e SELECT INBOX
A <... e OK
A > f CLOSE
A < f OK
mails bob 1
A > g SELECT INBOX
A <all g OK
out * 1 EXISTS

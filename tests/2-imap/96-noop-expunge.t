# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of expunged messages, once
repeat 4 deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
B > a STORE 2:3 +FLAGS.SILENT (\Deleted)
B < a OK
B > b EXPUNGE
B <... b OK
A > a NOOP
A <= * 2 EXPUNGE
A <= * 2 EXPUNGE
A <= * 2 RECENT
A < a OK
A > b NOOP
A < b OK
# by CLOSE, and by POP3
B > c STORE 1 +FLAGS.SILENT (\Deleted)
B < c OK
B > d CLOSE
B < d OK
A > c NOOP
A <= * 1 EXPUNGE
A <= * 1 RECENT
A < c OK
P connect pop3 as bob
P > DELE 1
P < +OK
A > d NOOP
A < d OK
P > QUIT
P < +OK
A > e NOOP
A <= * 1 EXPUNGE
A <= * 0 RECENT
A < e OK
A > f NOOP
A < f OK

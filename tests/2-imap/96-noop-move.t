# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of moved messages, in both mailboxes, once
repeat 2 deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
C connect imap as bob in Archive
B > a MOVE 1 Archive
B <... a OK
A > a NOOP
A <= * 1 EXPUNGE
A <= * 1 RECENT
A < a OK
A > b NOOP
A < b OK
C > a NOOP
C <= * 1 EXISTS
C <= * 1 RECENT
C < a OK
C > b NOOP
C < b OK

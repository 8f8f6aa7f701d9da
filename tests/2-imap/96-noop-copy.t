# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of copied messages, where they come, once
repeat 2 deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
C connect imap as bob in Archive
B > a COPY 1:2 Archive
B < a OK
A > a NOOP
A < a OK
C > a NOOP
C <= * 2 EXISTS
C <= * 2 RECENT
C < a OK
C > b NOOP
C < b OK
B > b COPY 1 INBOX
B <... b OK
A > b NOOP
A <= * 3 EXISTS
A < b OK
A > c NOOP
A < c OK

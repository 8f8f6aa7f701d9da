# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of the selected mailbox being deleted by a BYE (RFC 2180 3.3), once
B connect imap as bob
B > a CREATE one
B < a OK
A connect imap as bob in one
C connect imap as bob in one
C > a IDLE
C < +
B > b DELETE one
B < b OK
C <= * BYE the selected mailbox was deleted
C eof
A > a NOOP
A <= * BYE the selected mailbox was deleted
A eof

# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of a mailbox that has come again with another UIDVALIDITY by a BYE, and SELECT has the new one, once
B connect imap as bob
B > a CREATE one
B < a OK
B >> b APPEND one {8+}\r\nA: b\r\n\r\n\r\n
B < b OK [APPENDUID $old 1]
A connect imap as bob in one
B > c DELETE one
B < c OK
B > d CREATE one
B < d OK
A > a NOOP
A <= * BYE the selected mailbox was deleted
A eof
B >> e APPEND one {8+}\r\nA: b\r\n\r\n\r\n
B < e OK [APPENDUID $new 1]
C connect imap as bob
C > a SELECT one
C <... * OK [UIDVALIDITY $new]
C <... a OK
C > b STATUS one (UIDVALIDITY)
C <all b OK
out * STATUS one (UIDVALIDITY $new)
out! * STATUS one (UIDVALIDITY $old)

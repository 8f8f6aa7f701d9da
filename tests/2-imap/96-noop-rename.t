# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: the selected mailbox is renamed: NOOP has nothing to tell, it stays selected, with all that comes into it
B connect imap as bob
B > a CREATE one
B < a OK
A connect imap as bob in one
B > b RENAME one two
B < b OK
A > a NOOP
A < a OK
B >> c APPEND two {8+}\r\nA: b\r\n\r\n\r\n
B < c OK
A > b NOOP
A <= * 1 EXISTS
A <= * 1 RECENT
A < b OK
A > c FETCH 1 UID
A < * 1 FETCH (UID 1)
A < c OK
# of INBOX only the messages go
repeat 2 deliver simple.eml bob
D connect imap as bob in INBOX
B > d RENAME INBOX three
B < d OK
D > a NOOP
D <= * 1 EXPUNGE
D <= * 1 EXPUNGE
D <= * 0 RECENT
D < a OK
D > b NOOP
D < b OK
deliver simple.eml bob
D > c NOOP
D <= * 1 EXISTS
D <= * 1 RECENT
D < c OK

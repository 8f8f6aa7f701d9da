# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of what another session appends, once
A connect imap as bob in INBOX
B connect imap as bob
B >> a APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B < a OK
B >> b APPEND INBOX (\Seen) {8+}\r\nA: b\r\n\r\n {8+}\r\nA: b\r\n\r\n\r\n
B < b OK
A > a NOOP
A <= * 3 EXISTS
A <= * 3 RECENT
A < a OK
A > b NOOP
A < b OK

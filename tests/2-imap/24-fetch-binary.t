# SPDX-License-Identifier: MIT
# RFC 9051 6.4.5.1 (BINARY), RFC 3516 4.3: parts decoded by the server, and their sizes
A connect imap as bob
A > a APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 BINARY.SIZE[2]
A <= * 1 FETCH (BINARY.SIZE[2] 16)
A < c OK
A > d FETCH 1 BINARY.PEEK[2]
A < * 1 FETCH (BINARY[2] ~{16}
A <bytes 16
A < )
A < d OK
A > e FETCH 1 (BINARY.SIZE[1.1] BINARY.PEEK[1.1])
A < * 1 FETCH (BINARY.SIZE[1.1] 21 BINARY[1.1] {21}
A <= Grüße aus Zürich
A < )
A < e OK
A > f FETCH 1 BINARY.PEEK[1.2]
A < * 1 FETCH (BINARY[1.2] {28}
A <= <p>Grüße aus Zürich</p>
A < )
A < f OK
A > g FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Recent))
A < g OK
A > h FETCH 1 BINARY[2]
A < * 1 FETCH (*BINARY[2] ~{16}
A <bytes 16
A <... h OK
A > i FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Seen \Recent))
A < i OK
A > j FETCH 1 BINARY[2.MIME]
A < j BAD
# an encoding that nobody knows
A >> k APPEND INBOX {59+}\r\nContent-Transfer-Encoding: x-rot13\r\nSubject: odd\r\n\r\nUryyb\r\n\r\n
A <... k OK
A > l FETCH 2 BINARY.PEEK[1]
A <... l NO [UNKNOWN-CTE]

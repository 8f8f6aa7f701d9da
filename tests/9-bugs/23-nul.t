# SPDX-License-Identifier: MIT
# RFC 9051 4.3.1, 9 (note 3): NUL is sent in a literal8 only, so BODY has 0x80 in its place; sizes and pieces stay, and BINARY has it as it is
A connect imap as bob
A >> a APPEND INBOX ~{24+}\r\nSubject: n\x00l\r\n\r\na\x00b\x00\x00c\r\n\r\n
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 (RFC822.SIZE BODY.PEEK[])
A < * 1 FETCH (RFC822.SIZE 24 BODY[] {24}
A <bytes 24 = nul-8bit.raw
A <= )
A < c OK
A > d FETCH 1 RFC822
A < * 1 FETCH (*RFC822 {24}
A <bytes 24 = nul-8bit.raw
A <= )
A < d OK
A > e FETCH 1 (BODY.PEEK[HEADER] BODY.PEEK[TEXT]<0.3> BODY.PEEK[TEXT]<4.2>)
A >> f FETCH 1 (BINARY.PEEK[]<0.12> BINARY.SIZE[])\r\n
A < * 1 FETCH (BODY[HEADER] {16}
A < Subject: n�l
A <= 
A <=  BODY[TEXT]<0> {3}
A <= a�b BODY[TEXT]<4> {2}
A <= �c)
A < e OK
A <= * 1 FETCH (BINARY[]<0> ~{12}
A <bytes 11
A <= l BINARY.SIZE[] 24)
A < f OK

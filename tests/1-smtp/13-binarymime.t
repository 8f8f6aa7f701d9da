# SPDX-License-Identifier: MIT
# RFC 3030 3: BODY=BINARYMIME needs BDAT; then any byte is kept, line ends or not
S connect smtp hello
S > MAIL FROM:<carol@example.org> BODY=BINARYMIME
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > DATA
S < 503 5.5.1
S > RSET
S < 250
S > MAIL FROM:<carol@example.org> BODY=BINARYMIME
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 65 LAST\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\x01\n\r\xff.\r\nz
S < 250 2.
I connect imap as bob in INBOX
I > a FETCH 1 BINARY.SIZE[1]
I < * 1 FETCH (BINARY.SIZE[1] 9)
I < a OK
I > b FETCH 1 BINARY.PEEK[1]
I < * 1 FETCH (BINARY[1] ~{9}
I <bytes 9
I < )
I < b OK
# RFC 6152: BODY=8BITMIME and 7BIT are for either
S > MAIL FROM:<carol@example.org> BODY=8BITMIME
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > DATA
S < 354
S data 8bit.eml
S < 250
S > MAIL FROM:<carol@example.org> BODY=7BIT
S < 250

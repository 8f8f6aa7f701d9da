# SPDX-License-Identifier: MIT
# RFC 3030 2: a message in chunks; the last may be empty; nothing in a chunk is taken for a command or a dot
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 16\r\nSubject: a\r\n\r\nab
S < 250 2.
S >> BDAT 9\r\n\r\n.\r\nQUIT
S < 250 2.
S >> BDAT 3\r\n\r\nx
S < 250 2.
S >> BDAT 0 LAST\r\n
S < 250 2.
I connect imap as bob in INBOX
I > a FETCH 1 BODY.PEEK[TEXT]
I < * 1 FETCH (BODY[TEXT] {14}
I <= ab
I <= .
I <= QUIT
I < x)
I < a OK
# all at once, pipelined; and the whole message in one chunk
S >> MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nBDAT 12\r\nSubject: b\r\nBDAT 5 LAST\r\n\r\nx\r\nNOOP\r\n
S < 250
S < 250
S < 250
S < 250
S < 250
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > BDAT $size.simple.eml LAST
S bytes simple.eml
S < 250 2.
mails bob 3
S > RCPT TO:<bob@example.test>
S < 503 5.5.1

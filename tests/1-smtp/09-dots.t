# SPDX-License-Identifier: MIT
# RFC 5321 4.5.2: one leading dot is taken away from each line of DATA, and only there
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: dots\r\n\r\n..\r\n..one\r\n...two\r\nin . the .. middle\r\n.lenient\r\n.\r\n
S < 250 2.0.0
I connect imap as bob in INBOX
I > a FETCH 1 BODY.PEEK[TEXT]
I < * 1 FETCH (BODY[TEXT] {$n}
I <= .
I <= .one
I <= ..two
I <= in . the .. middle
I <= lenient
I < *)
# An empty message is a message
S mail carol@example.org bob@example.test
S >> .\r\n
S < 250 2.0.0
# The dot in pieces
S mail carol@example.org bob@example.test
S >> Subject: pieces\r\n\r\nx\r
sleep 50
S >> \n
sleep 50
S >> .
sleep 50
S >> \r
S silent 100
S >> \n
S < 250 2.0.0
mails bob 3

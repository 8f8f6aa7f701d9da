# SPDX-License-Identifier: MIT
# RFC 5321 6.1: what was answered 250 survives kill -9 of the server right behind the answer, with every byte
S connect smtp hello
S mail carol@example.org bob@example.test alice@example.test
S data simple.eml
S < 250 2.0.0
crash
mails bob 1
mails alice 1
S connect smtp hello
S mail carol@example.org bob@example.test
S data long.eml
S < 250
crash
I connect imap as bob in INBOX
I > a FETCH 1:2 (BODY.PEEK[TEXT])
I < * 1 FETCH (BODY[TEXT] {$n}
I <bytes $n
I < )
I < * 2 FETCH (BODY[TEXT] {$m}
I <... a OK
# killed in the middle of a message: nothing is there, and nothing is broken
T connect smtp hello
T mail carol@example.org bob@example.test
T >> Subject: half\r\n\r\n
crash
mails bob 2
deliver simple.eml bob
mails bob 3

# SPDX-License-Identifier: MIT
# RFC 5321 4.2.5, 6.1: when the body cannot be made durable, nothing is accepted; 451, and later mail works
S connect smtp hello
S mail carol@example.org bob@example.test
fail pack-sync 1
S data simple.eml
S < 451 4.3.0
mails bob 0
S mail carol@example.org bob@example.test
S data simple.eml
S < 250 2.0.0
S mail carol@example.org bob@example.test
fail commit 1
S data simple.eml
S < 451 4.3.0
S mail carol@example.org bob@example.test
S data multipart.eml
S < 250 2.0.0
mails bob 2
crash
mails bob 2
I connect imap as bob in INBOX
I > a FETCH 2 BODY.PEEK[TEXT]
I < * 2 FETCH (BODY[TEXT] {$n}
I <... a OK

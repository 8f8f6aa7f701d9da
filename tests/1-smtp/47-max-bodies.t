# SPDX-License-Identifier: MIT
# RFC 5321 4.2.5: more messages in transfer than the server wants to hold: the next one is put off, and later served
set net max_bodies = 1
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: slow\r\n
sleep 100
T connect smtp hello
T > MAIL FROM:<carol@example.org>
T < 250
T > RCPT TO:<bob@example.test>
T < 250
T > DATA
T < 4
S >> \r\nx\r\n.\r\n
S < 250
U connect smtp hello
U mail carol@example.org bob@example.test
U data simple.eml
U < 250
mails bob 2

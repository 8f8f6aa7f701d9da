# SPDX-License-Identifier: MIT
# RFC 5321 4.2.5: more messages under way than the server has places for: one that says nothing makes room, one that sends keeps its place
set net max_bodies = 1
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: slow\r\n
sleep 100
T connect smtp hello
T mail carol@example.org bob@example.test
S < 421 4.3.2
S eof
repeat 1000 T >> $i 3456789 123456789 123456789 123456789 123456789 123456789 12345678\r\n
sleep 100
U connect smtp hello
U > MAIL FROM:<carol@example.org>
U < 250
U > RCPT TO:<bob@example.test>
U < 250
U > DATA
U < 421 4.3.2
U eof
T >> .\r\n
T < 250
V connect smtp hello
V mail carol@example.org bob@example.test
V data simple.eml
V < 250
mails bob 2

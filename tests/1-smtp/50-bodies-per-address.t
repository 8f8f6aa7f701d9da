# SPDX-License-Identifier: MIT
# RFC 5321 7.8: one address has a share of the messages under way; chunks of BDAT keep theirs between them
set net max_bodies_per_address = 2
set net loopback_exempt = no
S connect smtp hello
S mail carol@example.org bob@example.test
T connect smtp hello
T > MAIL FROM:<carol@example.org>
T < 250
T > RCPT TO:<bob@example.test>
T < 250
T >> BDAT 14\r\nSubject: b\r\n\r\n
T < 250
U connect smtp hello
U > MAIL FROM:<carol@example.org>
U < 250
U > RCPT TO:<bob@example.test>
U < 250
U > DATA
U < 421 4.3.2
U eof
T >> BDAT 3 LAST\r\nx\r\n
T < 250 2.0.0
V connect smtp hello
V mail carol@example.org bob@example.test
V data simple.eml
V < 250
S >> Subject: s\r\n\r\n.\r\n
S < 250
mails bob 3

# SPDX-License-Identifier: MIT
# RFC 5321 7.8: one address has a share of the messages under way, and its slowest makes room; chunks of BDAT keep their place between them
set net max_bodies_per_address = 2
set net loopback_exempt = no
S connect smtp hello
S mail carol@example.org bob@example.test
sleep 100
T connect smtp hello
T > MAIL FROM:<carol@example.org>
T < 250
T > RCPT TO:<bob@example.test>
T < 250
T >> BDAT 14\r\nSubject: b\r\n\r\n
T < 250
U connect smtp hello
U mail carol@example.org bob@example.test
S < 421 4.3.2
S eof
T >> BDAT 3 LAST\r\nx\r\n
T < 250 2.0.0
U data simple.eml
U < 250
mails bob 2

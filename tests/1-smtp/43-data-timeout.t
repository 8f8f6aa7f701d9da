# SPDX-License-Identifier: MIT
# RFC 5321 4.5.3.2.5: a client that stops in the middle of a message is sent away, and nothing is kept
set smtp data_idle_timeout = 1s
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: half\r\n
S < 421 4.4.2
S eof
mails bob 0
T connect smtp hello
T > MAIL FROM:<carol@example.org>
T < 250
T > RCPT TO:<bob@example.test>
T < 250
T >> BDAT 100 LAST\r\nSubject: half
T < 421 4.4.2
T eof
mails bob 0

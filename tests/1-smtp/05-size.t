# SPDX-License-Identifier: MIT
# RFC 1870 6: a message that is announced as too large is refused at MAIL; one that turns out too large, at its end
set smtp max_message_size = 256K
S connect smtp
S < 220
S > EHLO client.example
S <all 250 *
out *SIZE 262144
S > MAIL FROM:<carol@example.org> SIZE=262145
S < 552 5.3.4
S > MAIL FROM:<carol@example.org> SIZE=99999999999999999999
S < 55
S > MAIL FROM:<carol@example.org> SIZE=262144
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > DATA
S < 354
S data long.eml
S < 552 5.3.4
S mail carol@example.org bob@example.test
S data simple.eml
S < 250
# A chunk that goes beyond it: RFC 3030 2
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > BDAT $size.long.eml LAST
S bytes long.eml
S < 552 5.3.4
S > NOOP
S < 250
mails bob 1

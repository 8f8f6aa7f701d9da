# SPDX-License-Identifier: MIT
# RFC 2033 4: LHLO instead of HELO and EHLO, one reply to each accepted recipient after the message
cli account add dora@example.test --quota 5K < demo
S connect lmtp
S < 220
S > EHLO client.example
S < 500
S > HELO client.example
S < 500
S > MAIL FROM:<carol@example.org>
S < 503
S > LHLO client.example
S <all 250 *
out *PIPELINING
out *ENHANCEDSTATUSCODES
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > RCPT TO:<nobody@example.test>
S < 550 5.1.1
S > RCPT TO:<dora@example.test>
S < 250
S > RCPT TO:<alice@example.test>
S < 250
S > DATA
S < 354
S data long.eml
S < 250 2.
S < 452 4.2.2
S < 250 2.
mails bob 1
mails dora 0
mails alice 1
# the same recipient twice: two replies, 4.2
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > BDAT $size.simple.eml LAST
S bytes simple.eml
S < 250 2.
S < 250 2.
# 4.2: without a recipient DATA is refused at once
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<nobody@example.test>
S < 550
S > DATA
S < 503
S > QUIT
S < 221
S eof

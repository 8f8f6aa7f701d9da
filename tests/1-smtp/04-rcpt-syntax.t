# SPDX-License-Identifier: MIT
# RFC 5321 4.1.1.3, 4.1.2: forms of the forward-path that are taken, and forms that are refused
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250 2.1.5
S > rcpt to:<BOB@EXAMPLE.TEST>
S < 250 2.1.5
S > RCPT TO:<"bob"@example.test>
S < 250 2.1.5
S > RCPT TO:<"b\ob"@example.test>
S < 250 2.1.5
S > RCPT TO:<@relay.example:bob@example.test>
S < 250 2.1.5
S > RCPT TO:<>
S < 5
S > RCPT TO:
S < 501 5
S > RCPT FROM:<bob@example.test>
S < 501 5
S > RCPT TO:<bob>
S < 5
S > RCPT TO:<bob@example.test
S < 501 5
S > RCPT TO:<"bob@example.test>
S < 501 5
S > RCPT TO:<bob@example.test> WHAT=1
S < 555 5.5.4
S > RCPT TO:<bob@example.test> SIZE=100
S < 555 5.5.4
S > DATA
S < 354
S data simple.eml
S < 250 2.0.0
# one message, although it was addressed four times
mails bob 1

# SPDX-License-Identifier: MIT
# RFC 5321 4.1.4: commands out of order are answered 503, and the session goes on
S connect smtp
S < 220
S > MAIL FROM:<carol@example.org>
S < 503 5.5.1
S > EHLO client.example
S <... 250 *
S > RCPT TO:<bob@example.test>
S < 503 5.5.1
S > DATA
S < 503 5.5.1
S > BDAT 3 LAST
S >> xyz
S < 503 5.5.1
S > MAIL FROM:<carol@example.org>
S < 250 2.1.0
S > MAIL FROM:<carol@example.org>
S < 503 5.5.1
S > DATA
S < 503 5.5.1
S > RCPT TO:<nobody@example.test>
S < 550 5.1.1
# RFC 5321 3.3: no valid recipients
S > DATA
S < 5
S > RCPT TO:<bob@example.test>
S < 250 2.1.5
# EHLO in a transaction ends it, as RSET does
S > EHLO client.example
S <... 250 *
S > RCPT TO:<bob@example.test>
S < 503 5.5.1
S mail carol@example.org bob@example.test
S data simple.eml
S < 250 2.0.0
S > DATA
S < 503 5.5.1
S > QUIT
S < 221
mails bob 1

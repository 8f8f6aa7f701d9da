# SPDX-License-Identifier: MIT
# RFC 5321 3.6.2, 7.9; RFC 3463 3.8: on port 25 nothing is relayed, and users that do not exist are said not to
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<dan@example.net>
S < 550 5.7.1
log smtp.reject to=dan@example.net code=550 enhanced=5.7.1 reply="Relaying
S > RCPT TO:<bob%example.net@elsewhere.example>
S < 550 5.7.1
S > RCPT TO:<"bob@example.test"@example.net>
S < 550 5.7.1
S > RCPT TO:<bob@sub.example.test>
S < 550 5.7.1
S > RCPT TO:<bob@[127.0.0.1]>
S < 550 5.
S > RCPT TO:<nobody@example.test>
S < 550 5.1.1
S > RCPT TO:<dan%example.net@example.test>
S < 550 5.1.1
S > RCPT TO:<bob@example.test>
S < 250
# A local sender address proves nothing here
S > RSET
S < 250
S > MAIL FROM:<alice@example.test>
S < 250
S > RCPT TO:<dan@example.net>
S < 550 5.7.1
cli queue list
out! *example.net

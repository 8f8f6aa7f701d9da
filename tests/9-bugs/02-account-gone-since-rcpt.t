# SPDX-License-Identifier: MIT
# An account that is removed between RCPT and DATA does not make the other recipients fail for good
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<alice@example.test>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
cli account remove alice@example.test
S > DATA
S < 354
S data simple.eml
S < 451 4.3.0
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<alice@example.test>
S < 550 5.1.1
S > RCPT TO:<bob@example.test>
S < 250
S > DATA
S < 354
S data simple.eml
S < 250
mails bob 1

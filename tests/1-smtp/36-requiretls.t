# SPDX-License-Identifier: MIT
# RFC 8689 2, 4.1: REQUIRETLS is a parameter of MAIL, under TLS only, without a value
S connect smtp hello
S > MAIL FROM:<carol@example.org> REQUIRETLS
S < 5
S > STARTTLS
S < 220
S starttls
S > EHLO client.example
S <all 250 *
out *REQUIRETLS
S > MAIL FROM:<carol@example.org> REQUIRETLS=yes
S < 501 5.5.4
S > MAIL FROM:<carol@example.org> REQUIRETLS
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S > DATA
S < 354
S data simple.eml
S < 250
mails bob 1

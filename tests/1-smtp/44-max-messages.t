# SPDX-License-Identifier: MIT
# RFC 9422 4.1, RFC 5321 4.5.3.1.10: a bound of transactions in one session is announced and kept
set smtp max_messages = 2
S connect smtp
S < 220
S > EHLO client.example
S <all 250 *
out *LIMITS *MAILMAX=2*
S mail carol@example.org bob@example.test
S data simple.eml
S < 250
S mail carol@example.org bob@example.test
S data simple.eml
S < 250
S > MAIL FROM:<carol@example.org>
S < 4
mails bob 2

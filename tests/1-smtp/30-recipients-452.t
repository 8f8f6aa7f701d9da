# SPDX-License-Identifier: MIT
# RFC 5321 4.5.3.1.10, RFC 9422 4: recipients beyond the limit get 452 4.5.3, and the message goes to the others
set smtp max_recipients = 100
S connect smtp
S < 220
S > EHLO client.example
S <all 250 *
out *LIMITS RCPTMAX=100
S > MAIL FROM:<carol@example.org>
S < 250
repeat 100 S > RCPT TO:<bob+$i@example.test>
repeat 100 S < 250 2.1.5
S > RCPT TO:<alice@example.test>
S < 452 4.5.3
S > DATA
S < 354
S data simple.eml
S < 250
mails alice 0

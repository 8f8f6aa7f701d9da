# SPDX-License-Identifier: MIT
# Who is in no relay network may not send elsewhere
set smtp relay_networks = 192.0.2.0/24 ::1
S connect smtp hello
S > MAIL FROM:<carol@example.com>
S < 250
S > RCPT TO:<dan@example.net>
S < 550 5.7.1

# SPDX-License-Identifier: MIT
# RFC 8689 3, 4.1, 5: the header field is taken from any message; a notification about one that needs TLS has its header alone
set queue send = no
S connect submissions as alice
S > MAIL FROM:<alice@example.test> REQUIRETLS RET=FULL
S < 250
S > RCPT TO:<dan@example.net>
S < 250
S > DATA
S < 354
S data simple.eml
S < 250 2.0.0 queued as $qid
cli queue remove $qid --notify
mails alice 1
P connect pop3 as alice
P > RETR 1
P < +OK
P <all .
out *text/rfc822-headers*
out! *message/rfc822*

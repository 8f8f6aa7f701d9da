# SPDX-License-Identifier: MIT
# RFC 8689 5: a notification about one that needs TLS has its header alone
set queue send = no
S connect submissions as alice
S mail alice@example.test REQUIRETLS RET=FULL dan@example.net
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

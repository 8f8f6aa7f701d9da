# SPDX-License-Identifier: MIT
# Clients of a relay network may send to anybody on port 25 too, others may not; submission still wants its login
set smtp relay_networks = 192.0.2.0/24 127.0.0.0/8
S connect smtp hello
S mail carol@example.com dan@example.net
S data simple.eml
S < 250 2.0.0 queued as $qid
cli queue list
out $qid*carol@example.com*dan@example.net*
T connect submission hello
T > MAIL FROM:<alice@example.test>
T < 530

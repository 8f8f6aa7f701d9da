# SPDX-License-Identifier: MIT
# RFC 6710: forms, the clause in Received, and that strangers raise nothing
S connect submission as alice
S > MAIL FROM:<alice@example.test> MT-PRIORITY=10
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> MT-PRIORITY=-0
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> MT-PRIORITY=1 MT-PRIORITY=1
S < 501 5.5.4
S mail alice@example.test MT-PRIORITY=7 bob@example.test
S data simple.eml
S < 250
T connect smtp hello
T mail carol@example.com MT-PRIORITY=7 bob@example.test
T data simple.eml
T < 250
P connect pop3 as bob
P > TOP 1 0
P < +OK
P <all .
out *PRIORITY 7
P > TOP 2 0
P < +OK
P <all .
out *PRIORITY 0

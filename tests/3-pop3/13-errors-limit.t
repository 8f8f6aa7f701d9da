# SPDX-License-Identifier: MIT
# RFC 1939 3: a client that only makes errors is sent away
set pop3 max_errors = 5
P connect pop3
P < +OK
repeat 5 P > WRONG
repeat 4 P < -ERR
P < -ERR
P eof

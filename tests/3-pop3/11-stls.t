# SPDX-License-Identifier: MIT
# RFC 2595 4: STLS; what was pipelined behind it in the clear is dropped
P connect pop3
P < +OK
P >> STLS\r\nUSER bob@example.test\r\nPASS demo\r\nSTAT\r\n
P < +OK
P starttls
P silent 200
P > PASS demo
P < -ERR
P > STLS
P < -ERR
P > USER bob@example.test
P < +OK
P > PASS demo
P < +OK
Q connect pop3s as alice
Q > STAT
Q < +OK 0 0
R connect pop3
R < +OK
R > STLS now
R < -ERR

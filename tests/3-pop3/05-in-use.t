# SPDX-License-Identifier: MIT
# RFC 1939 4, RFC 2449 8.1.1: one session holds the mailbox; a second one is refused with [IN-USE] until the first is gone
P connect pop3 as bob
Q connect pop3
Q < +OK
Q > USER bob@example.test
Q < +OK
Q > PASS demo
Q < -ERR [IN-USE]
P > QUIT
P < +OK
P eof
Q > USER bob@example.test
Q < +OK
Q > PASS demo
Q < +OK
Q > RETR 1
Q < -ERR
Q close
log pop3.end errors=1
R connect pop3 as bob
R > STAT
R < +OK

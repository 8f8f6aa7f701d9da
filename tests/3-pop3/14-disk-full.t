# SPDX-License-Identifier: MIT
# RFC 1939 6: when QUIT cannot delete, it says so, and the messages stay
repeat 2 deliver simple.eml bob
P connect pop3 as bob
P > DELE 1
P < +OK
sleep 2500
fail commit 1 full
P > QUIT
P < -ERR
P eof
mails bob 2
Q connect pop3 as bob
Q > DELE 1
Q < +OK
Q > QUIT
Q < +OK
mails bob 1

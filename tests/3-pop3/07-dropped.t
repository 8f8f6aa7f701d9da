# SPDX-License-Identifier: MIT
# RFC 1939 6: a session that ends without QUIT deletes nothing
repeat 2 deliver simple.eml bob
P connect pop3 as bob
P > DELE 1
P < +OK
P > DELE 2
P < +OK
P close
sleep 200
mails bob 2
Q connect pop3 as bob
Q > DELE 1
Q < +OK
crash
mails bob 2
R connect pop3 as bob
R > DELE 1
R < +OK
R > QUIT
R < +OK
crash
mails bob 1

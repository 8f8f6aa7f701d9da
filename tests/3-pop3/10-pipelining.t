# SPDX-License-Identifier: MIT
# RFC 2449 6.6: commands in one segment are answered in order; QUIT among them does its work
repeat 3 deliver simple.eml bob
P connect pop3
P < +OK
P >> USER bob@example.test\r\nPASS demo\r\nSTAT\r\nDELE 1\r\nDELE 2\r\nNOOP\r\nQUIT\r\n
P < +OK
P < +OK
P < +OK 3
P < +OK
P < +OK
P < +OK
P < +OK
P eof
mails bob 1
Q connect pop3
Q < +OK
Q >> US
sleep 50
Q >> ER bob@example.test\r
sleep 50
Q >> \nPASS de
Q < +OK
Q >> mo\r\n
Q < +OK

# SPDX-License-Identifier: MIT
# RFC 1939 3 to 7, 10: a whole session: USER, PASS, STAT, LIST, RETR, DELE, NOOP, RSET, QUIT
repeat 2 deliver simple.eml bob
P connect pop3
P < +OK
P > USER bob@example.test
P < +OK
P > PASS demo
P < +OK
P > STAT
P < +OK 2 $total
P > LIST
P < +OK
P < 1 $one
P < 2 $two
P <= .
P > LIST 2
P < +OK 2 $two
P > RETR 1
P < +OK
P < Return-Path: <carol@example.org>
P <... Subject: A simple message
P <... .
P > DELE 1
P < +OK
P > LIST
P < +OK
P < 2 $two
P <= .
P > STAT
P < +OK 1 $two
P > RETR 1
P < -ERR
P > DELE 1
P < -ERR
P > LIST 1
P < -ERR
P > NOOP
P < +OK
P > RSET
P < +OK
P > STAT
P < +OK 2 $total
P > DELE 2
P < +OK
P > QUIT
P < +OK
P eof
mails bob 1

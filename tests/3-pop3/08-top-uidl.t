# SPDX-License-Identifier: MIT
# RFC 1939 7: TOP gives the header and so many lines; UIDL identifies a message for ever, over sessions and restarts
deliver simple.eml bob
deliver multipart.eml bob
P connect pop3 as bob
P > TOP 1 0
P < +OK
P < Return-Path:
P <... Content-Type: text/plain; charset=us-ascii
P <=
P <= .
P > TOP 1 1
P < +OK
P <... Content-Type: text/plain; charset=us-ascii
P <=
P <= Hello Bob,
P <= .
P > TOP 1 3
P <... Hello Bob,
P <=
P <= ..a line that begins with a dot
P <= .
P > TOP 1 1000
P <... This is the end.
P <= .
P > UIDL
P < +OK
P < 1 $first
P < 2 $second
P <= .
P > UIDL 2
P <= +OK 2 $second
P > DELE 1
P < +OK
P > UIDL 1
P < -ERR
P > QUIT
P < +OK
restart
deliver simple.eml bob
Q connect pop3 as bob
Q > UIDL
Q < +OK
Q < 1 $second
Q < 2 $third
Q <= .

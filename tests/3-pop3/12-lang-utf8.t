# SPDX-License-Identifier: MIT
# RFC 6856 2, 3: UTF8 and LANG
cli account add jürgen@example.test < demo
P connect pop3
P < +OK
P > LANG
P < +OK
P <all .
out en*
P > LANG en
P < +OK
P > LANG *
P < +OK
P > LANG zz-unknown
P < -ERR
P > UTF8
P < +OK
P > USER jürgen@example.test
P < +OK
P > PASS demo
P < +OK
# 2.1: UTF8 belongs to the AUTHORIZATION state
P > UTF8
P < -ERR

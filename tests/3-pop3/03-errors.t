# SPDX-License-Identifier: MIT
# RFC 1939 3, 5: commands in the wrong state, with wrong arguments, and unknown ones get -ERR
deliver simple.eml bob
P connect pop3
P < +OK
P > STAT
P < -ERR
P > PASS demo
P < -ERR
P > FROBNICATE
P < -ERR
P > USER
P < -ERR
P > APOP bob c4c9334bac560ecc979e58001b3e22fb
P < -ERR
P >
P < -ERR
P > user bob@example.test
P < +OK
P > pass demo
P < +OK
P > USER alice@example.test
P < -ERR
P > RETR
P < -ERR
P > RETR 0
P < -ERR
P > RETR 2
P < -ERR
P > RETR -1
P < -ERR
P > RETR 99999999999999999999999
P < -ERR
P > RETR x
P < -ERR
P > TOP 1
P < -ERR
P > TOP 1 -1
P < -ERR
P > TOP 2 1
P < -ERR
P > LIST 3
P < -ERR
P > UIDL 3
P < -ERR
P > DELE
P < -ERR
P > STAT now
P < -ERR
P >> NO\0OP\r\n
P < -ERR
P > NOOP
P < +OK

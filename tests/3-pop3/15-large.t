# SPDX-License-Identifier: MIT
# RFC 1939 7: a large message comes whole, and a client that reads nothing of it costs only its own session
deliver long.eml bob
P connect pop3 as bob
P > RETR 1
P < +OK
P <... Line 00000 of
P <... Line 03000 of
P <... .
Q connect pop3 as alice
Q > NOOP
Q < +OK

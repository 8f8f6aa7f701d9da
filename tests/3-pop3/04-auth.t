# SPDX-License-Identifier: MIT
# RFC 5034 4, RFC 3206 4: AUTH with and without initial response, cancelled, wrong; [AUTH]
P connect pop3
P < +OK
P > AUTH PLAIN
P < +
P > *
P < -ERR
P > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=
P < -ERR [AUTH]
P > USER bob@example.test
P < +OK
P > PASS wrong
P < -ERR [AUTH]
# RFC 1939 7: whether the name exists is not told
P > USER nobody@example.test
P < +OK
P > PASS wrong
P < -ERR [AUTH]
P > AUTH FROBNICATE
P < -ERR
P > AUTH PLAIN ###
P < -ERR
P > AUTH PLAIN
P < +
P > AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
P < +OK
P > STAT
P < +OK 0 0
Q connect pop3
Q < +OK
Q > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
Q < +OK
Q > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
Q < -ERR
# RFC 1939 7: a password may have spaces
cli account add sam@example.test < two words
R connect pop3
R < +OK
R > USER sam@example.test
R < +OK
R > PASS two words
R < +OK

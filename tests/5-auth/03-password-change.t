# SPDX-License-Identifier: MIT
# RFC 4616 4: a new password holds at once; the old one is forgotten, also where it had just been used
A connect imap as bob
B connect imap as bob
cli account password bob@example.test < new secret
C connect imap
C < * OK
C > a LOGIN bob@example.test demo
C < a NO [AUTHENTICATIONFAILED]
C > b LOGIN bob@example.test "new secret"
C < b OK
S connect submission hello
S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
S < 535
P connect pop3
P < +OK
P > USER bob@example.test
P < +OK
P > PASS demo
P < -ERR [AUTH]
crash
D connect imap
D < * OK
D > a LOGIN bob@example.test demo
D < a NO
D > b LOGIN bob@example.test "new secret"
D < b OK

# SPDX-License-Identifier: MIT
# RFC 5530 3, RFC 2449 8.1.2, RFC 5321 3.8: an account has a number of connections over all protocols, and each end of a session gives one back
set auth max_connections_per_account = 3
A connect imap as bob
B connect submission as bob
C connect pop3 as bob
cli status
out logged_in: 3
D connect imap
D < * OK
D > a LOGIN bob@example.test demo
D < a NO [LIMIT]
D > b AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
D < b NO [LIMIT]
log imap.login-refused user=bob@example.test err=LIMIT
E connect pop3
E < +OK
E > USER bob@example.test
E < +OK
E > PASS demo
E < -ERR [IN-USE]
E > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
E < -ERR [IN-USE]
F connect submission hello
F > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
F < 421 4.7.0
F eof
# it is no failed login, and no other account is concerned
cli status
out logins_failed: 0
G connect imap as alice
# LOGOUT
A > z LOGOUT
A <... z OK
A eof
H connect imap as bob
# QUIT of POP3 and SMTP
C > QUIT
C < +OK
C eof
I connect imap as bob
B > QUIT
B < 221
B eof
J connect submission as bob
K connect imap
K < * OK
K > a LOGIN bob@example.test demo
K < a NO [LIMIT]
# a maildrop that is in use costs nothing
H > z LOGOUT
H <... z OK
H eof
L connect pop3 as bob
I > z LOGOUT
I <... z OK
I eof
M connect pop3
M < +OK
M > USER bob@example.test
M < +OK
M > PASS demo
M < -ERR [IN-USE] another session
L > QUIT
L < +OK
L eof
J > QUIT
J < 221
J eof
cli status
out logged_in: 1
# TLS that is begun after the login forgets it
N connect submission hello
N > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
N < 235
cli status
out logged_in: 2
N > STARTTLS
N < 220
N starttls
cli status
out logged_in: 1
N > EHLO client.example
N <... 250 
N > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
N < 235
cli status
out logged_in: 2
# RFC 8437: so does logging out without closing
O connect imap as bob
O > a UNAUTHENTICATE
O < a OK
cli status
out logged_in: 2
O > b LOGIN alice@example.test demo
O < b OK
O > c UNAUTHENTICATE
O < c OK
O > d LOGIN bob@example.test demo
O < d OK
cli status
out logged_in: 3

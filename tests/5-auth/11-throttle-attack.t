# SPDX-License-Identifier: MIT
# An account that is guessed at from several addresses: those are refused there, the addresses that it knows are not,
# and a new one has its turn, one each few seconds
set auth throttle_exempt = 192.0.2.0/24
set auth max_account_failures = 6
set auth known_memory = 1d
set auth failure_delay = 1ms
O connect imap from 127.0.0.2 as bob
A connect imap from 127.0.1.1
A < * OK
A >> a LOGIN bob@example.test 1\r\nb LOGIN bob@example.test 2\r\nc LOGIN bob@example.test 3\r\n
A < a NO [AUTHENTICATIONFAILED]
A < b NO [AUTHENTICATIONFAILED]
A < c NO [AUTHENTICATIONFAILED]
B connect imap from 127.0.1.2
B < * OK
B >> a LOGIN bob@example.test 4\r\nb LOGIN bob@example.test 5\r\nc LOGIN bob@example.test 6\r\nd LOGIN bob@example.test 7\r\n
B < a NO [AUTHENTICATIONFAILED]
B < b NO [AUTHENTICATIONFAILED]
B < c NO [AUTHENTICATIONFAILED]
B < d NO [UNAVAILABLE]
log imap.login-refused err=THROTTLED reason=account account_failures=6
A > d LOGIN bob@example.test demo
A < d NO [UNAVAILABLE]
# somebody else's account is not concerned
A > e LOGIN alice@example.test demo
A < e OK
cli status
out accounts_attacked: 1
P connect imap from 127.0.0.2 as bob
C connect imap from 127.0.1.3
C < * OK
C > a LOGIN bob@example.test 8
C < a NO [AUTHENTICATIONFAILED]
D connect imap from 127.0.1.4
D < * OK
D > a LOGIN bob@example.test demo
D < a NO [UNAVAILABLE]
P connect imap from 127.0.0.2 as bob
sleep 5100
D > b LOGIN bob@example.test demo
D < b OK
# which is known from now on
E connect imap from 127.0.1.4 as bob
F connect imap from 127.0.1.4 as bob

# SPDX-License-Identifier: MIT
# RFC 5530 3, RFC 4954 6, RFC 3206 4: an address that has guessed too often is told "later" by all protocols, not "wrong";
# with the right password too, and only this address
set auth throttle_exempt = 192.0.2.0/24
set auth max_address_failures = 3
set auth max_wait = 10s
A connect imap from 127.0.0.2
A < * OK
A > a LOGIN bob@example.test wrong1
A < a NO [AUTHENTICATIONFAILED]
P connect pop3 from 127.0.0.2
P < +OK
P > USER nobody@example.test
P < +OK
P > PASS wrong1
P < -ERR [AUTH]
S connect submission from 127.0.0.2 hello
S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=
S < 535 5.7.8
log smtp.login-refused user=bob@example.test err=AUTH_FAILED peer=127.0.0.2 reason=wrong-password address_failures=3 account_failures=2 wait_s=10
S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
S < 454 4.7.0
log smtp.login-refused err=THROTTLED peer=127.0.0.2 reason=address address_failures=3
A > b LOGIN bob@example.test demo
A < b NO [UNAVAILABLE]
A > c AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
A < c NO [UNAVAILABLE]
P > USER bob@example.test
P < +OK
P > PASS demo
P < -ERR [SYS/TEMP]
P > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
P < -ERR [SYS/TEMP]
# after too many of these submission closes
S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
S < 454 4.7.0
S < 421 4.7.0
S eof
B connect imap from 127.0.0.3 as bob
B > a NOOP
B < a OK
cli auth list
out address  127.0.0.2 *
out account *bob@example.test *
out account *nobody@example.test *
cli status
out logins_failed: 3
out logins_throttled: 6
out addresses_refused: 1
# time heals it
sleep 10100
A > d LOGIN bob@example.test demo
A < d OK

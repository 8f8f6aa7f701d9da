# SPDX-License-Identifier: MIT
# The same wrong password counts once, by whatever way and from wherever it comes: an old telephone locks nobody out
set auth throttle_exempt = 192.0.2.0/24
set auth max_address_failures = 2
set auth failure_delay = 1ms
set smtp max_auth_failures = 100
A connect imap from 127.0.0.2
A < * OK
repeat 10 A > a LOGIN bob@example.test wrong
repeat 10 A < a NO [AUTHENTICATIONFAILED]
B connect pop3 from 127.0.0.2
B < +OK
repeat 5 B >> USER bob@example.test\r\nPASS wrong\r\n
repeat 5 B <... -ERR [AUTH]
S connect submission from 127.0.0.2 hello
repeat 10 S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=
repeat 10 S < 535 5.7.8
log smtp.login-refused reason=wrong-password-again address_failures=1 account_failures=1
C connect imap from 127.0.0.3
C < * OK
repeat 10 C > a LOGIN Bob@example.test wrong
repeat 10 C < a NO [AUTHENTICATIONFAILED]
cli status
out logins_failed: 1
out logins_failed_again: 34
# and when the owner comes
A > b LOGIN bob@example.test demo
A < b OK
# for nobody too, and it becomes right when it is made the password
D connect imap from 127.0.0.4
D < * OK
repeat 10 D > a LOGIN nobody@example.test other
repeat 10 D < a NO [AUTHENTICATIONFAILED]
cli account password bob@example.test < wrong
D > b LOGIN bob@example.test wrong
D < b OK

# SPDX-License-Identifier: MIT
# RFC 5321 3.5.3 and 7.3, RFC 4954 4: what is said about a user that exists is said about one that does not
A connect imap
A < * OK
A > a LOGIN bob@example.test wrong
A <= a NO [AUTHENTICATIONFAILED] authentication failed
A > a LOGIN nobody@example.test wrong
A <= a NO [AUTHENTICATIONFAILED] authentication failed
A > a LOGIN bob@elsewhere.example wrong
A <= a NO [AUTHENTICATIONFAILED] authentication failed
P connect pop3
P < +OK
P > USER bob@example.test
P <= +OK now the password
P > USER nobody@example.test
P <= +OK now the password
P > PASS wrong
P <= -ERR [AUTH] authentication failed
P > USER bob@example.test
P <= +OK now the password
P > PASS wrong
P <= -ERR [AUTH] authentication failed
S connect submission hello
S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=
S <= 535 5.7.8 Authentication credentials invalid
S > AUTH PLAIN AG5vYm9keUBleGFtcGxlLnRlc3QAd3Jvbmc=
S <= 535 5.7.8 Authentication credentials invalid
# before the login submission says nothing about recipients
T connect submission hello
T > MAIL FROM:<bob@example.test>
T < 530 5.7.0
T > RCPT TO:<bob@example.test>
T < 503 5.5.1
M connect smtp hello
M > VRFY bob@example.test
M <= 252 2.5.0 Cannot verify the user, but will take mail for it
M > VRFY nobody@example.test
M <= 252 2.5.0 Cannot verify the user, but will take mail for it
M > EXPN bob
M < 502 5.5.1
M > EXPN nobody
M < 502 5.5.1

# SPDX-License-Identifier: MIT
# RFC 8314 3.1: without TLS no password is taken, by no protocol; not even asked for
set auth plaintext_on_loopback = no
A connect imap
A < * OK *LOGINDISABLED*
A > a LOGIN bob@example.test demo
A < a NO
A > b AUTHENTICATE SCRAM-SHA-256
A < b NO
S connect submission hello
S > AUTH LOGIN
S < 5
P connect pop3
P < +OK
P > USER bob@example.test
P < -ERR
P > AUTH LOGIN
P < -ERR
# and with TLS it is
B connect imaps as bob
C connect submissions as alice
Q connect pop3s as bob

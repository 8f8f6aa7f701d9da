# SPDX-License-Identifier: MIT
# RFC 5321 7.8: connections beyond the server's limit get 421, and the others are served
set net max_connections = 3
A connect smtp hello
B connect imap as bob
C connect pop3
C < +OK
D connect smtp
D < 421 4.
D eof
A > QUIT
A < 221
A eof
sleep 1000
E connect smtp
E < 220

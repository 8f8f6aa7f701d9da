# SPDX-License-Identifier: MIT
# Few workers serve many sessions; those that wait for their peer in a body hold none of them up
set net max_workers = 2
A connect smtp hello
A mail carol@example.org bob@example.test
A >> Subject: slow\r\n
B connect smtp hello
B mail carol@example.org bob@example.test
B >> Subject: slow\r\n
C connect smtp hello
C mail carol@example.org bob@example.test
C >> Subject: slow\r\n
D connect imap as bob in INBOX
D > a IDLE
D < +
E connect smtp hello
E mail carol@example.org bob@example.test
E data simple.eml
E < 250
D < * 1 EXISTS
A >> \r\n.\r\n
A < 250
B >> \r\n.\r\n
B < 250
C >> \r\n.\r\n
C < 250
mails bob 4

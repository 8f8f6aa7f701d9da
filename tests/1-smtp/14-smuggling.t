# SPDX-License-Identifier: MIT
# RFC 5321 2.3.8, 4.1.1.4: only CR LF . CR LF ends a message. Each published imitation of it stays inside the message, which is
# refused at its real end; what was smuggled behind the imitation is never run
A connect smtp hello
A mail carol@example.org bob@example.test
A >> Subject: outer\r\n\r\ntext\n.\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
A < 5
A > NOOP
A < 250 2.0.0
A silent 20
B connect smtp hello
B mail carol@example.org bob@example.test
B >> Subject: outer\r\n\r\ntext\n.\r\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
B < 5
B > NOOP
B < 250 2.0.0
B silent 20
C connect smtp hello
C mail carol@example.org bob@example.test
C >> Subject: outer\r\n\r\ntext\r\n.\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
C < 5
C > NOOP
C < 250 2.0.0
C silent 20
D connect smtp hello
D mail carol@example.org bob@example.test
D >> Subject: outer\r\n\r\ntext\r\n.\rMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
D < 5
D > NOOP
D < 250 2.0.0
D silent 20
E connect smtp hello
E mail carol@example.org bob@example.test
E >> Subject: outer\r\n\r\ntext\r.\rMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
E < 5
E > NOOP
E < 250 2.0.0
E silent 20
F connect smtp hello
F mail carol@example.org bob@example.test
F >> Subject: outer\r\n\r\ntext\r.\r\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
F < 5
F > NOOP
F < 250 2.0.0
F silent 20
G connect smtp hello
G mail carol@example.org bob@example.test
G >> Subject: outer\r\n\r\ntext\n.\rMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
G < 5
G > NOOP
G < 250 2.0.0
G silent 20
H connect smtp hello
H mail carol@example.org bob@example.test
H >> Subject: outer\r\n\r\ntext\r.\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
H < 5
H > NOOP
H < 250 2.0.0
H silent 20
I connect smtp hello
I mail carol@example.org bob@example.test
I >> Subject: outer\r\n\r\ntext\r\n\0.\r\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
I < 5
I > NOOP
I < 250 2.0.0
I silent 20
J connect smtp hello
J mail carol@example.org bob@example.test
J >> Subject: outer\r\n\r\ntext\r\n.\0\r\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
J < 5
J > NOOP
J < 250 2.0.0
J silent 20
K connect smtp hello
K mail carol@example.org bob@example.test
K >> Subject: outer\r\n\r\ntext\r\n.\r\r\nMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
K < 5
K > NOOP
K < 250 2.0.0
K silent 20
L connect smtp hello
L mail carol@example.org bob@example.test
L >> Subject: outer\r\n\r\ntext\r\r\n.\r\n
L < 5
L > NOOP
L < 250 2.0.0
L silent 20
M connect smtp hello
M mail carol@example.org bob@example.test
M >> Subject: outer\r\n\r\ntext\n\r.\n\rMAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
M < 5
M > NOOP
M < 250 2.0.0
M silent 20
mails bob 0

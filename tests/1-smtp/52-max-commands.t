# SPDX-License-Identifier: MIT
# RFC 5321 7.8: commands without end that lead to no message; recipients that are taken and chunks with content do not count
set smtp max_commands = 20
A connect smtp hello
repeat 18 A > NOOP
repeat 18 A < 250
A > RSET
A < 250
A < 421 4.7.0
A eof
B connect smtp hello
B > MAIL FROM:<carol@example.org>
B < 250
repeat 30 B > RCPT TO:<bob@example.test>
repeat 30 B < 250
repeat 30 B >> BDAT 1\r\nx
repeat 30 B < 250
B >> BDAT 2 LAST\r\n\r\n
B < 250 2.0.0
repeat 15 B > NOOP
repeat 15 B < 250
B mail carol@example.org bob@example.test
B data simple.eml
B < 250 2.0.0
C connect lmtp hello
repeat 40 C > NOOP
repeat 40 C < 250
mails bob 2

# SPDX-License-Identifier: MIT
# RFC 2920 3.1: a whole group of commands in one segment is answered in order
S connect smtp
S < 220
S >> EHLO client.example\r\n
S <... 250 *
S >> MAIL FROM:<carol@example.org>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n
S < 250 2.1.0
S < 550 5.1.1
S < 250 2.1.5
S < 250 2.1.5
S < 354
S >> Subject: one\r\n\r\nBody\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nRSET\r\nNOOP\r\nQUIT\r\n
S < 250 2.0.0
S < 250 2.1.0
S < 250 2.1.5
S < 250 2.0.0
S < 250 2.0.0
S < 221 2.0.0
S eof
mails bob 1
mails alice 1
# 3.1: all recipients refused, DATA pipelined behind them: whatever DATA gets, the session stays in step
T connect smtp hello
T >> MAIL FROM:<carol@example.org>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n
T < 250
T < 550 5.1.1
T < 5
T > NOOP
T < 250
# A command in pieces of one byte is a command
T >> N
sleep 50
T >> OO
sleep 50
T >> P\r
sleep 50
T >> \n
T < 250

# SPDX-License-Identifier: MIT
# RFC 3463 3.3 (X.2.2), RFC 1870 6.1: a full mailbox gets 452 4.2.2, at RCPT, by the announced size
cli account add dora@example.test --quota 10K < demo
S connect smtp hello
S > MAIL FROM:<carol@example.org> SIZE=20000
S < 250
S > RCPT TO:<dora@example.test>
S < 452 4.2.2
S > RCPT TO:<bob@example.test>
S < 250
S > RSET
S < 250
# RFC 5321 4.2.5: one reply for all recipients, so a message of unknown size may go beyond the quota once
S mail carol@example.org dora@example.test bob@example.test
S data long.eml
S < 250 2.0.0
mails dora 1
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<dora@example.test>
S < 452 4.2.2
S > RSET
S < 250
# POP3 makes room, and mail comes in again
cli account add emil@example.test --quota 1K < demo
deliver simple.eml emil
S > MAIL FROM:<carol@example.org> SIZE=900
S < 250
S > RCPT TO:<emil@example.test>
S < 452 4.2.2
P connect pop3 as emil
P > DELE 1
P < +OK
P > QUIT
P < +OK
S > RCPT TO:<emil@example.test>
S < 250

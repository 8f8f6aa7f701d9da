# SPDX-License-Identifier: MIT
# RFC 5321 4.5.3.2.5: a message that stops between two chunks is not waited for longer than one that stops inside; RSET ends it
set smtp data_idle_timeout = 3s
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 14\r\nSubject: b\r\n\r\n
S < 250
S > RSET
S < 250
sleep 3500
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 14\r\nSubject: b\r\n\r\n
S < 250
S < 421 4.4.2
S eof
mails bob 0

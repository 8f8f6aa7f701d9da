# SPDX-License-Identifier: MIT
# RFC 3030 2: chunks behind refused recipients are read and dropped; DATA and BDAT do not mix; a bad size is an error
S connect smtp hello
S >> MAIL FROM:<carol@example.org>\r\nRCPT TO:<nobody@example.test>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n
S < 250
S < 550 5.1.1
S < 5
S < 250 2.0.0
S > RSET
S < 250
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 2\r\nab
S < 250
S > DATA
S < 503 5.5.1
S > RSET
S < 250
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 2\r\nab
S < 250
# RFC 3030 4.2: RSET in the middle drops what came; a new MAIL begins a new message
S > RSET
S < 250
S > BDAT 0 LAST
S < 503 5.5.1
# How much follows is not known here, so the session ends
S > BDAT x LAST
S < 501 5.5.
S eof
mails bob 0
T connect smtp hello
T > MAIL FROM:<carol@example.org>
T < 250
T > RCPT TO:<bob@example.test>
T < 250
T > BDAT 99999999999999999999999 LAST
T < 5
U connect smtp hello
U > MAIL FROM:<carol@example.org>
U < 250
U > RCPT TO:<bob@example.test>
U < 250
U >> BDAT 100 LAST\r\nonly half
U close
sleep 100
mails bob 0

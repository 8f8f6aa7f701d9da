# SPDX-License-Identifier: MIT
# RFC 3030 2: octets follow a BDAT also when its line is refused (bare LF, NUL, not UTF-8); what
# they say is no command, so the session ends
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 60 LAST\nSubject: x\r\n\r\nRSET\r\nMAIL FROM:<eve@example.org>\r\nQUIT\r\n\r\n
S < 500 5.5.
S eof
T connect smtp hello
T >> BDAT 6\0 LAST\r\nNOOP\r\n
T < 500 5.5.
T eof
U connect smtp hello
U >> BDAT \xff LAST\r\nNOOP\r\n
U < 500 5.5.
U eof
mails bob 0

# SPDX-License-Identifier: MIT
# RFC 5321 2.3.8, 4.1.1: a command line ends with CR LF; bare LF, bare CR and NUL in it are errors and end nothing
S connect smtp hello
S >> NOOP\nMAIL FROM:<carol@example.org>\r\n
S < 500 5.5.
S > RCPT TO:<bob@example.test>
S < 503 5.5.1
S >> NOOP\0\r\n
S < 50
S >> NO\rOP\r\n
S < 500 5.5.
S >> \r\n
S < 500 5.5.
S >> \xff\xfe\r\n
S < 500 5.5.
S > NOOP
S < 250

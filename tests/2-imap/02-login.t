# SPDX-License-Identifier: MIT
# RFC 9051 6.2.3: LOGIN with atoms, quoted strings and literals; wrong passwords and wrong syntax
A connect imap
A < * OK
A > a LOGIN bob@example.test wrong
A < a NO [AUTHENTICATIONFAILED]
A > b LOGIN nobody@example.test demo
A < b NO [AUTHENTICATIONFAILED]
A > c LOGIN bob@example.test
A < c BAD
A > d LOGIN "bob@example.test" "demo
A < d BAD
A > e LOGIN {16}
A < +
A >> bob@example.test {4}\r\n
A < +
A >> demo\r\n
A < e OK
A > f LOGIN bob@example.test demo
A < f BAD
B connect imap
B < * OK
B >> a login {16+}\r\nbob@example.test "demo"\r\n
B < a OK
C connect imap
C < * OK
C > a LOGIN BOB@EXAMPLE.TEST demo
C < a OK

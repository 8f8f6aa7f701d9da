# SPDX-License-Identifier: MIT
# RFC 9051 7.1.5: too many bad commands end the session with BYE
set imap max_errors = 4
A connect imap
A < * OK
repeat 3 A > $i WRONG
repeat 3 A < $i BAD
A > x WRONG
A <... * BYE
A eof

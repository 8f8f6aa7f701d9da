# SPDX-License-Identifier: MIT
# RFC 9051 5.4, 7.1.5: who does not log in is sent away with BYE; who is logged in may be silent longer
set imap login_timeout = 4s
B connect imap as bob
A connect imap
A < * OK
A < * BYE
A eof
B > a NOOP
B < a OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.1.3: LOGOUT: BYE, then OK, then the end; in every state
A connect imap
A < * OK
A > a LOGOUT
A < * BYE
A < a OK
A eof
B connect imap as bob in INBOX
B > a LOGOUT
B < * BYE
B < a OK
B eof

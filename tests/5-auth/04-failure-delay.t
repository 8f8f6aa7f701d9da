# SPDX-License-Identifier: MIT
# RFC 4954 9, RFC 5034 7: the answer to a wrong password is held back, and costs the others nothing
set auth failure_delay = 1s
A connect imap
A < * OK
A > a LOGIN bob@example.test wrong
A silent 700
B connect imap as bob
B > a NOOP
B < a OK
A < a NO [AUTHENTICATIONFAILED]

# SPDX-License-Identifier: MIT
# RFC 9051 6.2.1: STARTTLS; what was pipelined behind it in the clear is dropped
A connect imap
A < * OK
A >> a STARTTLS\r\nb LOGIN bob@example.test demo\r\nc NOOP\r\n
A < a OK
A starttls
A silent 200
A > d SELECT INBOX
A < d BAD
A > e STARTTLS
A < e *
A > f LOGIN bob@example.test demo
A < f OK
A > g STARTTLS
A < g BAD
B connect imaps
B < * OK [CAPABILITY *
B > a STARTTLS
B < a *

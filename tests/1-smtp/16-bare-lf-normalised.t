# SPDX-License-Identifier: MIT
# A setting turns bare LF in submitted messages into CR LF, for programs that cannot do better; dots stay inside the message
set smtp submission_bare_lf = normalise
T connect submission as alice
T mail alice@example.test bob@example.test
T >> Subject: x\n\na\n.\nb\r\n.\r\n
T < 250 2.0.0
I connect imap as bob in INBOX
I > a FETCH 1 BODY.PEEK[TEXT]
I < * 1 FETCH (BODY[TEXT] {9}
I <= a
I <= .
I <= b
I < )
# RFC 5321 2.3.8: other servers are held to the rule
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: x\n\na\r\n.\r\n
S < 5
mails bob 1

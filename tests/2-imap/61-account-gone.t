# SPDX-License-Identifier: MIT
# An account that is removed while it is in use: its sessions are cut, and the server lives
deliver simple.eml bob
A connect imap as bob in INBOX
P connect pop3 as bob
S connect submission as bob
I connect imap as bob in INBOX
I > i IDLE
I < +
cli account remove bob@example.test
A eof
P eof
S eof
T connect imap as alice in INBOX
T > a NOOP
T < a OK
cli account add bob@example.test < demo
U connect imap as bob in INBOX
U > a STATUS INBOX (MESSAGES)
U < * STATUS INBOX (MESSAGES 0)

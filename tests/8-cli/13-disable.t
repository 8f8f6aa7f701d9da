# SPDX-License-Identifier: MIT
# A disabled account: whoever is logged in is cut, nobody comes in, mail still comes, and all is there when it is enabled again
A connect imap as bob in INBOX
I connect imap as bob in INBOX
I > i IDLE
I < +
P connect pop3 as bob
S connect submission as bob
N connect imap as alice in INBOX
cli account disable bob@example.test
out disconnected: 4
A eof
I eof
P eof
S eof
cli account list
out bob@example.test * no
B connect imap
B < * OK
B > a LOGIN bob@example.test demo
B <... a NO [AUTHENTICATIONFAILED]
Q connect pop3
Q < +OK
Q > USER bob@example.test
Q < +OK
Q > PASS demo
Q < -ERR [AUTH]
deliver simple.eml bob
cli account enable bob@example.test
C connect imap as bob
C > a STATUS INBOX (MESSAGES)
C < * STATUS INBOX (MESSAGES 1)
C < a OK
# The others of an account, not those of another
cli account disconnect bob@example.test
out disconnected: 1
C eof
N > a NOOP
N < a OK
D connect imap as bob in INBOX
cli!3 account disable nobody@example.test
cli!3 account disconnect nobody@example.test
# Removed: nobody stays that was logged in
P connect pop3 as bob
S connect submission as bob
cli account remove bob@example.test
D eof
P eof
S eof
N > b NOOP
N < b OK

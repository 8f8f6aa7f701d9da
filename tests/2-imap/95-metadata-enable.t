# SPDX-License-Identifier: MIT
# RFC 5464 4.1, 4.4.2: METADATA responses that nobody asked for, after ENABLE METADATA
A connect imap as bob
B connect imap as bob
C connect imap as bob
D connect imap as alice
D > a ENABLE METADATA
D < * ENABLED METADATA
D < a OK
A > a ENABLE METADATA METADATA-SERVER
A < * ENABLED METADATA METADATA-SERVER
A < a OK
C > a NOOP
C < a OK
B > a SETMETADATA "" (/private/comment "x")
B < a OK
A < * METADATA "" /private/comment
B > b SETMETADATA INBOX (/shared/comment "x" /private/comment "y")
B < b OK
A < * METADATA INBOX /private/comment
A < * METADATA INBOX /shared/comment
# values never; removed ones too
B > c SETMETADATA INBOX (/shared/comment NIL)
B < c OK
A < * METADATA INBOX /shared/comment
# its own are no news; what is refused is none
A > b SETMETADATA INBOX (/shared/comment "own")
A < b OK
B > d SETMETADATA "" (/shared/comment "x")
B < d NO
# nothing else is told without NOTIFY
B > e CREATE new
B < e OK
B > f SUBSCRIBE new
B < f OK
A silent 100
# in IDLE as well
A > c IDLE
A < +
B > g SETMETADATA new (/private/vendor/a/b "x")
B < g OK
A < * METADATA new /private/vendor/a/b
A > DONE
A < c OK
# NOTIFY adds to it, and NOTIFY NONE does not take it away
A > d NOTIFY SET (personal (MailboxName))
A < d OK
B > h SETMETADATA new (/private/vendor/a/b "y")
B < h OK
A < * METADATA new /private/vendor/a/b
A > e NOTIFY NONE
A < e OK
B > i SETMETADATA new (/private/vendor/a/b "z")
B < i OK
A < * METADATA new /private/vendor/a/b
# a mailbox that is gone has nothing to tell
B > j DELETE new
B < j OK
# who has not enabled it hears nothing, nor does another user
C > b NOOP
C < b OK
C silent 100
D silent 100
A > f UNAUTHENTICATE
A < f OK
B > k SETMETADATA INBOX (/private/comment "z")
B < k OK
A silent 100

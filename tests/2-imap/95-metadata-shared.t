# SPDX-License-Identifier: MIT
# RFC 5464 4.4.2 with RFC 4314: entries in another one's mailbox are told by the name that the user has for it, and only
# while he may see it
A connect imap as alice
A > a CREATE Work
A < a OK
A > a1 SETACL Work bob@example.test lr
A < a1 OK
B connect imap as bob
B > a ENABLE METADATA
B < * ENABLED METADATA
B < a OK
C connect imap as bob
C > a NOTIFY SET (personal (MailboxMetadataChange)) (subscribed (MailboxMetadataChange))
C < a OK
D connect imap as bob
D > a SETMETADATA "Other Users/alice@example.test/Work" (/private/comment "x")
D < a OK
B <= * METADATA "Other Users/alice@example.test/Work" /private/comment
# it is not personal
C silent 100
D > b SUBSCRIBE "Other Users/alice@example.test/Work"
D < b OK
A > b RENAME Work Play
A < b OK
D > c SETMETADATA "Other Users/alice@example.test/Play" (/private/comment "y")
D < c OK
B <= * METADATA "Other Users/alice@example.test/Play" /private/comment
C silent 100
D > d SUBSCRIBE "Other Users/alice@example.test/Play"
D < d OK
D > e SETMETADATA "Other Users/alice@example.test/Play" (/private/comment "z")
D < e OK
B <= * METADATA "Other Users/alice@example.test/Play" /private/comment
C <= * METADATA "Other Users/alice@example.test/Play" /private/comment
# the owner is told of what is shared, not of what is private
A > c ENABLE METADATA
A < * ENABLED METADATA
A < c OK
D > f SETMETADATA "Other Users/alice@example.test/Play" (/private/comment "z")
D < f OK
A silent 100

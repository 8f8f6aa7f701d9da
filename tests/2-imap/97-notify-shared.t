# SPDX-License-Identifier: MIT
# RFC 5465 with RFC 4314: NOTIFY of mailboxes of others; what is shared, renamed, deleted and taken back is told at once, and nothing that may not be known
A connect imap as alice
B connect imap as bob
A > a CREATE Team
A < a OK
A > b SETACL Team bob@example.test lr
A < b OK
A > c CREATE Hidden
A < c OK
A > d CREATE Look
A < d OK
A > e SETACL Look bob@example.test l
A < e OK
A > f CREATE Put
A < f OK
A > g SETACL Put bob@example.test ri
A < g OK
# 3.1: what may be seen and not read is told; of what may not be seen nothing, named or not
B > a NOTIFY SET STATUS (mailboxes ("Other Users/ALICE@example.test/Team" "Other Users/alice@example.test/Look" "Other Users/alice@example.test/Hidden" "Other Users/alice@example.test/Put") (MessageNew MessageExpunge FlagChange MailboxName MailboxMetadataChange))
B < * LIST (\NoAccess \Noselect \HasNoChildren) "/" "Other Users/alice@example.test/Look"
B < * STATUS "Other Users/alice@example.test/Team" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0 HIGHESTMODSEQ *)
B < a OK
# messages: as in an own one
A >> h APPEND Team {8+}\r\nA: b\r\n\r\n\r\n
A <... h OK
B < * STATUS "Other Users/alice@example.test/Team" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * UNSEEN 1)
A > i SELECT Team
A <... i OK
A > j STORE 1 +FLAGS (\Seen)
A <... j OK
B < * STATUS "Other Users/alice@example.test/Team" (UIDVALIDITY * UNSEEN 0)
# 5.6: shared entries; private ones are their owner's
A > k SETMETADATA Team (/private/comment "x")
A < k OK
A > l SETMETADATA Team (/shared/comment "x" /private/vendor/x/y "y")
A < l OK
A > m SETMETADATA Hidden (/shared/comment "x")
A < m OK
A > m1 SETMETADATA Look (/shared/comment "x")
A < m1 OK
B < * METADATA "Other Users/alice@example.test/Team" /shared/comment
# nothing of these
A >> n APPEND Hidden {8+}\r\nA: b\r\n\r\n\r\n
A <... n OK
A >> o APPEND Look {8+}\r\nA: b\r\n\r\n\r\n
A <... o OK
A >> p APPEND Put {8+}\r\nA: b\r\n\r\n\r\n
A <... p OK
B silent 100
# 5.9: access comes, and goes again
A > q SETACL Look bob@example.test +r
A < q OK
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Look"
B < * STATUS "Other Users/alice@example.test/Look" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * UNSEEN 1)
A >> r APPEND Look {8+}\r\nA: b\r\n\r\n\r\n
A <... r OK
B < * STATUS "Other Users/alice@example.test/Look" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY * UNSEEN 2)
A > s SETACL Look bob@example.test -r
A < s OK
B < * LIST (\NoAccess \Noselect \HasNoChildren) "/" "Other Users/alice@example.test/Look"
A > t DELETEACL Look bob@example.test
A < t OK
B < * LIST (\NoAccess \NonExistent \HasNoChildren) "/" "Other Users/alice@example.test/Look"
A >> u APPEND Look {8+}\r\nA: b\r\n\r\n\r\n
A <... u OK
A > v RENAME Look Elsewhere
A < v OK
A > w RENAME Hidden Look
A < w OK
B silent 100
# the same answer for what is deleted
A > x DELETE Team
A <... x OK
B < * LIST (\NoAccess \NonExistent \HasNoChildren) "/" "Other Users/alice@example.test/Team"
A > y CREATE Team
A < y OK
B silent 100
A > z SETACL Team anyone lr
A < z OK
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Team"
B < * STATUS "Other Users/alice@example.test/Team" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0)
A > z1 SETACL Team -bob@example.test r
A < z1 OK
B < * LIST (\NoAccess \Noselect \HasNoChildren) "/" "Other Users/alice@example.test/Team"
A > z2 SETACL Team -bob@example.test ""
A <... z2 OK
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Team"
B < * STATUS "Other Users/alice@example.test/Team"
# 5.4, 6.5: a subtree; children inherit rights, go along untold; the superior is affected
B > b NOTIFY SET (subtree "Other Users" (MailboxName SubscriptionChange))
B < b OK
A > b1 CREATE Team/one
A < b1 OK
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Team/one"
B < * LIST (\HasChildren) "/" "Other Users/alice@example.test/Team"
A > b2 RENAME Team Club
A <... b2 OK
B < * LIST (\HasChildren) "/" "Other Users/alice@example.test/Club" ("OLDNAME" ("Other Users/alice@example.test/Team"))
B silent 100
A > b3 RENAME Club/one Club/two
A <... b3 OK
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Club/two" ("OLDNAME" ("Other Users/alice@example.test/Club/one"))
A > b4 DELETE Club/two
A <... b4 OK
B < * LIST (\NoAccess \NonExistent \HasNoChildren) "/" "Other Users/alice@example.test/Club/two"
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Club"
# messages are not wanted
A >> b5 APPEND Club {8+}\r\nA: b\r\n\r\n\r\n
A <... b5 OK
B silent 100
# 6.4: subscribed; what an other session of the user does is told as it is
C connect imap as bob
B > c NOTIFY SET (subscribed (MessageNew MessageExpunge MailboxName SubscriptionChange))
B < c OK
A >> c1 APPEND Club {8+}\r\nA: b\r\n\r\n\r\n
A <... c1 OK
B silent 100
C > a SUBSCRIBE "Other Users/alice@example.test/Club"
C < a OK
B < * LIST (\Subscribed \HasNoChildren) "/" "Other Users/alice@example.test/Club"
A >> c2 APPEND Club {8+}\r\nA: b\r\n\r\n\r\n
A <... c2 OK
B < * STATUS "Other Users/alice@example.test/Club" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY *)
C > b SUBSCRIBE "Other Users/alice@example.test/Elsewhere"
C < b OK
B < * LIST (\NonExistent \Subscribed \HasNoChildren) "/" "Other Users/alice@example.test/Elsewhere"
# what the client does itself is no news, and is watched from then on
A > d1 SETACL Club bob@example.test lrkxia
A < d1 OK
B > d NOTIFY SET (subtree "Other Users/alice@example.test" (MessageNew MessageExpunge MailboxName))
B < d OK
B > e CREATE "Other Users/alice@example.test/Club/mine"
B < e OK
B silent 100
A >> d2 APPEND Club/mine {8+}\r\nA: b\r\n\r\n\r\n
A <... d2 OK
B < * STATUS "Other Users/alice@example.test/Club/mine" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *)
B > f RENAME "Other Users/alice@example.test/Club/mine" "Other Users/alice@example.test/Club/ours"
B < f OK
B silent 100
A > d3 RENAME Club/ours Club/all
A <... d3 OK
B < * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Club/all" ("OLDNAME" ("Other Users/alice@example.test/Club/ours"))
# personal and inboxes are the user's own ones
B > g NOTIFY SET (personal (MessageNew MessageExpunge MailboxName)) (inboxes (MessageNew MessageExpunge MailboxName))
B < g OK
A > e1 SETACL INBOX bob@example.test lr
A < e1 OK
A > e2 CREATE Club/three
A <... e2 OK
A >> e3 APPEND Club {8+}\r\nA: b\r\n\r\n\r\n
A <... e3 OK
B silent 100
# in IDLE, and the selected one is not told twice
B > h NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) (subtree "Other Users" (MessageNew MessageExpunge MailboxName))
B < h OK
B > i SELECT "Other Users/alice@example.test/INBOX"
B <... i OK
B > j IDLE
B < +
A > f1 SETACL Club -bob@example.test lr
A < f1 OK
B < * LIST (\NoAccess \NonExistent \Subscribed \HasChildren) "/" "Other Users/alice@example.test/Club"
B < * LIST (\NonExistent \HasChildren) "/" "Other Users/alice@example.test"
A >> f2 APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
A <... f2 OK
B < * 1 EXISTS
B <... * 1 FETCH (UID 1)
B silent 100
# what an earlier NOTIFY has watched is not watched any more
D connect imap as bob
A > g1 CREATE Data
A < g1 OK
A > g2 SETACL Data bob@example.test lr
A < g2 OK
D > a ENABLE METADATA
D <... a OK
D > b NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge))
D < b OK
A > g3 SETMETADATA Data (/shared/comment "x")
A < g3 OK
D < * METADATA "Other Users/alice@example.test/Data" /shared/comment
D > c NOTIFY SET (personal (MessageNew MessageExpunge))
D < c OK
A > g4 SETMETADATA Data (/shared/comment "y")
A < g4 OK
D silent 100

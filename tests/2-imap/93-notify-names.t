# SPDX-License-Identifier: MIT
# RFC 5465 5.4 to 5.7, 6: names, subscriptions and annotations, with the examples of the RFC
A connect imap as bob
B connect imap as bob
A > a NOTIFY SET (personal (MailboxName SubscriptionChange MailboxMetadataChange)) (inboxes (ServerMetadataChange))
A < a OK
B > a CREATE NewMailbox
B < a OK
A < * LIST (\HasNoChildren) "/" NewMailbox
B > b CREATE INBOX/DeletedMailbox
B < b OK
A < * LIST (\HasNoChildren) "/" INBOX/DeletedMailbox
A < * LIST (\HasChildren \Subscribed) "/" INBOX
B > c DELETE INBOX/DeletedMailbox
B < c OK
A < * LIST (\NonExistent \HasNoChildren) "/" INBOX/DeletedMailbox
A < * LIST (\HasNoChildren \Subscribed) "/" INBOX
B > d RENAME NewMailbox OldMailbox
B < d OK
A < * LIST (\HasNoChildren) "/" OldMailbox ("OLDNAME" (NewMailbox))
B > e RENAME OldMailbox NewMailbox
B < e OK
A < * LIST (\HasNoChildren) "/" NewMailbox ("OLDNAME" (OldMailbox))
# the children go along untold; a new superior is made
B > f CREATE NewMailbox/kid
B < f OK
A < * LIST (\HasNoChildren) "/" NewMailbox/kid
A < * LIST (\HasChildren) "/" NewMailbox
B > g RENAME NewMailbox top/NewMailbox
B < g OK
A < * LIST (\HasChildren) "/" top
A < * LIST (\HasChildren) "/" top/NewMailbox ("OLDNAME" (NewMailbox))
# several at once, each once
B > h CREATE one/two/three
B < h OK
A < * LIST (\HasChildren) "/" one
A < * LIST (\HasChildren) "/" one/two
A < * LIST (\HasNoChildren) "/" one/two/three
# INBOX: a new one is there, of which nothing is told
B > i RENAME INBOX saved
B < i OK
A < * LIST (\HasNoChildren) "/" saved ("OLDNAME" (INBOX))
A silent 100
# 5.5
B > j SUBSCRIBE SubscribedMailbox
B < j OK
A < * LIST (\NonExistent \Subscribed \HasNoChildren) "/" SubscribedMailbox
B > k CREATE SubscribedMailbox
B < k OK
A < * LIST (\Subscribed \HasNoChildren) "/" SubscribedMailbox
B > l UNSUBSCRIBE SubscribedMailbox
B < l OK
A < * LIST (\HasNoChildren) "/" SubscribedMailbox
# 5.6, 5.7: names of entries only, those that are removed too
B > m SETMETADATA INBOX (/shared/comment "x" "/private/vendor/x y/z" NIL)
B < m OK
A < * METADATA INBOX "/private/vendor/x y/z"
A < * METADATA INBOX /shared/comment
B > n SETMETADATA "" (/private/comment "x")
B < n OK
A < * METADATA "" /private/comment
B > o SETMETADATA saved (/private/specialuse "\\Archive")
B < o OK
A < * METADATA Archive /private/specialuse
A < * METADATA saved /private/specialuse
B > p SETMETADATA "" (/shared/comment "x")
B < p NO
A silent 100
# what it does itself is no news to it (5)
A > b CREATE mine
A < b OK
A > c SUBSCRIBE mine
A < c OK
A > d SETMETADATA mine (/shared/comment "x")
A < d OK
A > e RENAME mine own
A < e OK
A silent 100
# 6.4 to 6.6: subscribed, subtree, mailboxes
A > f NOTIFY SET (subscribed (SubscriptionChange MailboxName)) (subtree (one top) (MailboxName)) (mailboxes "own" (MailboxMetadataChange MailboxName))
A < f OK
B > q CREATE other
B < q OK
B > r CREATE onemore
B < r OK
B > s CREATE own/kid
B < s OK
A < * LIST (\HasChildren) "/" own
B > t CREATE top/x
B < t OK
A < * LIST (\HasNoChildren) "/" top/x
A < * LIST (\HasChildren) "/" top
B > u SETMETADATA own (/shared/comment "y")
B < u OK
A < * METADATA own /shared/comment
B > v SETMETADATA other (/shared/comment "y")
B < v OK
B > w SUBSCRIBE other
B < w OK
A < * LIST (\Subscribed \HasNoChildren) "/" other
B > x DELETE other
B < x OK
A < * LIST (\NonExistent \Subscribed \HasNoChildren) "/" other
B > y UNSUBSCRIBE other
B < y OK
A < * LIST (\NonExistent \HasNoChildren) "/" other
B > z RENAME own elsewhere
B < z OK
A < * LIST (\HasChildren) "/" elsewhere ("OLDNAME" (own))
B > z1 RENAME elsewhere one/own
B < z1 OK
A < * LIST (\HasChildren) "/" one/own ("OLDNAME" (elsewhere))
# a mailbox that comes again has another UIDVALIDITY (5.1)
A > g NOTIFY SET (mailboxes again (MessageNew MessageExpunge FlagChange))
A < g OK
B > z2 CREATE again
B < z2 OK
B > z3 DELETE again
B < z3 OK
A silent 100
A > h NOTIFY SET (mailboxes again (MessageNew MessageExpunge FlagChange MailboxName))
A < h OK
B > z4 CREATE again
B < z4 OK
A < * LIST (\HasNoChildren) "/" again
A < * STATUS again (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0)
# names as the session spells them
A > i NOTIFY SET (personal (MailboxName))
A < i OK
B > z5 CREATE "b&APw-cher"
B < z5 OK
A < * LIST (\HasNoChildren) "/" "b&APw-cher"
A > j ENABLE UTF8=ACCEPT
A <... j OK
B > z6 DELETE "b&APw-cher"
B < z6 OK
A < * LIST (\NonExistent \HasNoChildren) "/" "bücher"
# NOTIFY ends with the login (RFC 8437 3)
A > k UNAUTHENTICATE
A < k OK
B > z7 CREATE late
B < z7 OK
A silent 100

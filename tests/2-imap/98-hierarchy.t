# SPDX-License-Identifier: MIT
# RFC 9051 6.3.4 to 6.3.7: names of any depth, INBOX and what is below it, what is below two names at once, subscriptions of what is not there
A connect imap as bob
# as deep as a name can be: each level is a mailbox
A > a CREATE 0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9
A < a OK
A > b LIST "" "0/*9"
A <all b OK
out * LIST (\HasNoChildren) "/" 0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9
A > c RENAME 0 deep
A < c OK
A > d LIST "" "0*"
A < d OK
A > e STATUS deep/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9 (MESSAGES)
A <... e OK
# the one in the middle goes: those below it stay, and its name is only implied
A > f DELETE deep/1/2
A < f OK
A > g LIST "" "deep/1/%"
A < * LIST (\Noselect \HasChildren) "/" deep/1/2
A < g OK
A > h SELECT deep/1/2
A < h NO [NONEXISTENT]
A > i RENAME deep/1/2 elsewhere
A < i NO [NONEXISTENT]
A > j DELETE deep/1/2
A < j NO [NONEXISTENT]
A > k CREATE deep/1/2
A < k OK
A > l RENAME deep/1/2 elsewhere
A < l OK
A > m LIST "" "elsewhere/3/4/%"
A < * LIST (\HasChildren) "/" elsewhere/3/4/5
A < m OK
# two names with the same inferior: all of it or nothing
A > n CREATE one/x
A < n OK
A > o CREATE two/x
A < o OK
A > p DELETE two
A < p OK
A > q RENAME one two
A < q NO [ALREADYEXISTS]
A > r LIST "" (one* two*)
A < * LIST (\HasChildren) "/" one
A < * LIST (\HasNoChildren) "/" one/x
A < * LIST (\NonExistent \HasChildren) "/" two
A < * LIST (\HasNoChildren) "/" two/x
A < r OK
# INBOX: its inferiors stay below it, and it cannot go or be a new name; in any case
A > s CREATE inbox/kid
A < s OK
A > t RENAME InBox saved
A < t OK
A > u LIST "" (INBOX* saved*)
A < * LIST (\HasChildren) "/" INBOX
A < * LIST (\HasNoChildren) "/" INBOX/kid
A < * LIST (\HasNoChildren) "/" saved
A < u OK
A > v RENAME inbox INBOX/saved
A < v OK
A > w DELETE inbox
A < w NO [CANNOT]
A > x RENAME saved iNBOX
A < x NO [ALREADYEXISTS]
A > y CREATE INBOX
A < y NO [ALREADYEXISTS]
A > z RENAME iNBox/kid INBOX/child
A < z OK
# a name that nobody has can be subscribed, and its superior is told by those who ask for it
A > a1 SUBSCRIBE nothing/there
A < a1 OK
A > a2 LIST (SUBSCRIBED) "" "nothing*"
A < * LIST (\NonExistent \Subscribed \HasNoChildren) "/" nothing/there
A < a2 OK
A > a3 LIST (SUBSCRIBED RECURSIVEMATCH) "" "nothing%"
A <all a3 OK
A > a4 LIST "" "nothing*"
A < a4 OK
A > a5 LSUB "" "nothing%"
A <all a5 OK
A > a6 CREATE nothing
A < a6 OK
A > a7 LIST (SUBSCRIBED RECURSIVEMATCH) "" "nothing%"
A < * LIST (\HasNoChildren) "/" nothing ("CHILDINFO" ("SUBSCRIBED"))
A < a7 OK
A > a8 LSUB "" "nothing%"
A < * LSUB (\Noselect) "/" nothing
A < a8 OK
A > a9 UNSUBSCRIBE nothing/there
A < a9 OK
A > b1 LSUB "" "nothing*"
A < b1 OK
A > b2 UNSUBSCRIBE never/was
A < b2 OK

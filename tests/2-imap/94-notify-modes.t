# SPDX-License-Identifier: MIT
# RFC 5465 4, 5, 6.1.2: NOTIFY with CONDSTORE, QRESYNC, UIDONLY, IDLE, and delayed expunges
A connect imap as bob
A > a ENABLE CONDSTORE IMAP4rev2
A <... a OK
B connect imap as bob
B > a CREATE misc
B < a OK
A > b NOTIFY SET STATUS (mailboxes misc (MessageNew MessageExpunge FlagChange)) (selected-delayed (MessageNew (flags) MessageExpunge FlagChange))
A < * STATUS misc (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0 HIGHESTMODSEQ *)
A < b OK
B >> b APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B < b OK
A < * STATUS misc (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * UNSEEN 1 HIGHESTMODSEQ *)
# 5.1: "with CONDSTORE in use"
B > c SELECT misc
B <... c OK
B > d STORE 1 +FLAGS.SILENT ($Junk)
B <... d OK
A < * STATUS misc (UIDVALIDITY * UNSEEN 1 HIGHESTMODSEQ *)
# the status that NOTIFY gives has the modseq whether CONDSTORE is on or not, and does not switch it on (3.1)
C connect imap as bob
C > a NOTIFY SET STATUS (mailboxes misc (MessageNew MessageExpunge FlagChange))
C < * STATUS misc (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * UNSEEN 1 HIGHESTMODSEQ *)
C < a OK
B > e STORE 1 +FLAGS.SILENT (\Flagged)
B < e OK
C < * STATUS misc (UIDVALIDITY * UNSEEN 1)
A < * STATUS misc (UIDVALIDITY * UNSEEN 1 HIGHESTMODSEQ *)
C > b LOGOUT
C <... b OK
# 6.1.2: expunges wait for a command that allows them; the rest comes at once
A > c SELECT INBOX
A <... c OK
B >> f APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B < f OK
A < * 1 EXISTS
A < * 1 FETCH (UID 1 FLAGS () MODSEQ (*))
B >> g APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B < g OK
A < * 2 EXISTS
A < * 2 FETCH (UID 2 FLAGS () MODSEQ (*))
B > h SELECT INBOX
B <... h OK
B > i STORE 1 +FLAGS.SILENT (\Deleted)
B <... i OK
A < * 1 FETCH (UID 1 FLAGS (\Deleted) MODSEQ (*))
B > j EXPUNGE
B <... j OK
B >> k APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B <... k OK
A < * 3 EXISTS
A < * 3 FETCH (UID 3 FLAGS () MODSEQ (*))
A > d FETCH 2 UID
A < * 2 FETCH (UID 2)
A < d OK
A > e NOOP
A < * 1 EXPUNGE
A < e OK
# 4: IDLE has the same events, and allows expunges
A > f IDLE
A < +
B > l STORE 1 +FLAGS.SILENT (\Deleted)
B <... l OK
A < * 1 FETCH (UID 2 FLAGS (\Deleted) MODSEQ (*))
B > m EXPUNGE
B <... m OK
A < * 1 EXPUNGE
B >> n APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B <... n OK
A < * STATUS misc (MESSAGES 2 UIDNEXT 3 UIDVALIDITY * UNSEEN 2 HIGHESTMODSEQ *)
B >> o APPEND Drafts {8+}\r\nA: b\r\n\r\n\r\n
B <... o OK
B >> p APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B <... p OK
A < * 2 EXISTS
A < * 2 FETCH (UID 4 FLAGS () MODSEQ (*))
A > DONE
A < f OK
# IDLE tells what NOTIFY wants, and nothing else: here flags are not wanted
A > g NOTIFY SET (selected (MessageNew MessageExpunge))
A < g OK
A > h IDLE
A < +
B > q STORE 1:* +FLAGS.SILENT (\Flagged)
B <... q OK
A silent 100
A > DONE
A < h OK
A > i NOTIFY NONE
A < i OK
A > j IDLE
A < +
B > r STORE 1 +FLAGS.SILENT (\Deleted)
B <... r OK
B > s EXPUNGE
B <... s OK
A silent 100
A > DONE
A < j OK
# 5.3: with QRESYNC, and with UIDONLY
D connect imap as bob
D > a ENABLE QRESYNC IMAP4rev2
D <... a OK
D > b NOTIFY SET (selected (MessageNew (uid) MessageExpunge FlagChange))
D < b OK
D > c SELECT misc
D <... c OK
E connect imap as bob
E > a ENABLE UIDONLY IMAP4rev2
E <... a OK
E > b SELECT misc
E <... b OK
E > c NOTIFY SET (selected (MessageNew (uid) MessageExpunge FlagChange))
E < c OK
B > t SELECT misc
B <... t OK
B > u STORE 1 +FLAGS.SILENT (\Deleted)
B <... u OK
D < * 1 FETCH (UID 1 FLAGS (\Deleted \Flagged $Junk) MODSEQ (*))
E < * 1 UIDFETCH (FLAGS (\Deleted \Flagged $Junk))
B > v EXPUNGE
B <... v OK
D < * VANISHED 1
E < * VANISHED 1
B >> w APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B <... w OK
D < * 2 EXISTS
D < * 2 FETCH (UID 3)
E < * 2 EXISTS
E < * 3 UIDFETCH (*)
# the selected mailbox goes
F connect imap as bob
F > a CREATE gone
F < a OK
F > b SELECT gone
F <... b OK
F > c NOTIFY SET (selected (MessageNew MessageExpunge))
F < c OK
B > x DELETE gone
B <... x OK
F < * BYE
F eof
# not within a command: a literal that is on its way
D > d CREATE {4}
D < +
B >> y APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B <... y OK
D silent 100
D >> he
D silent 100
D >> re\r\n
D < * 3 EXISTS
D < * 3 FETCH (UID 4)
D < d OK
# 6: the selected mailbox has its own group, and the others do not count for it; several groups may name one mailbox
G connect imap as bob in misc
G > a notify set (selected (Messagenew (uid flags) messageExpunge)) (personal (MessageNew FlagChange MessageExpunge))
G < a OK
B >> z APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B <... z OK
G < * 4 EXISTS
G <... * 4 FETCH (UID 5 FLAGS (*))
B >> z1 APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B < z1 OK
G < * STATUS INBOX (MESSAGES *
G silent 100
G > b notify set (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))
G < b OK
B >> z2 APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B <... z2 OK
B >> z3 APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B < z3 OK
G < * STATUS INBOX (MESSAGES *
B > z4 UNSUBSCRIBE INBOX
B < z4 OK
G < * LIST (\HasNoChildren) "/" INBOX
B > z5 SUBSCRIBE INBOX
B < z5 OK
G < * LIST (\Subscribed \HasNoChildren) "/" INBOX
G silent 100

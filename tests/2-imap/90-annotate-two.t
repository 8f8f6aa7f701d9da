# SPDX-License-Identifier: MIT
# RFC 5257 4.2, 4.4: who has said ANNOTATE learns which annotations others have changed; RFC 7162 3.1: modseqs; RFC 5465 5.1: NOTIFY
repeat 3 deliver simple.eml alice
A connect imap as alice
B connect imap as alice
C connect imap as alice in INBOX
A > a SELECT INBOX (ANNOTATE)
A <... a OK
B > a SELECT INBOX (CONDSTORE ANNOTATE)
B <... a OK
# one's own are not told; names only, with everything else that is told
A > b STORE 1:2 ANNOTATION (/comment (value.shared "a" value.priv "b") /altsubject (value.priv "c"))
A < b OK
A > c NOOP
A < c OK
B > b NOOP
B < * 1 FETCH (UID 1 FLAGS () MODSEQ ($first) ANNOTATION (/altsubject /comment))
B < * 2 FETCH (UID 2 FLAGS () MODSEQ ($first) ANNOTATION (/altsubject /comment))
B < b OK
# 4.2: it is for each SELECT
C > b NOOP
C <= * 1 FETCH (UID 1 FLAGS (\Recent))
C <= * 2 FETCH (UID 2 FLAGS (\Recent))
C < b OK
# flags alone have no ANNOTATION
B > c STORE 1 +FLAGS (\Seen)
B <... c OK
A > d NOOP
A <= * 1 FETCH (UID 1 FLAGS (\Seen))
A < d OK
# one that is removed is told; what has not changed has no new modseq
B > d STORE 2 ANNOTATION (/comment (value.shared NIL) /nothing (value.priv NIL))
B < * 2 FETCH (UID 2 MODSEQ ($second))
B < d OK
B > e STORE 2 ANNOTATION (/comment (value.shared NIL) /nothing (value.priv NIL))
B <... e OK
A > e NOOP
A <= * 2 FETCH (UID 2 FLAGS () ANNOTATION (/comment))
A < e OK
# in front of a command, and in IDLE
B > f STORE 2 ANNOTATION ("/a b" (value.shared "x"))
B <... f OK
A > f STORE 2 ANNOTATION (/comment (value.shared "y"))
A <= * 2 FETCH (UID 2 FLAGS () ANNOTATION ("/a b"))
A < f OK
A > g IDLE
A < +
B > g STORE 3 ANNOTATION (/comment (value.priv "z"))
B < * 2 FETCH (UID 2 FLAGS () MODSEQ (*) ANNOTATION (/comment))
B < * 3 FETCH (UID 3 MODSEQ ($third))
B < g OK
A <= * 3 FETCH (UID 3 FLAGS () ANNOTATION (/comment))
A > DONE
A < g OK
# RFC 7162 3.1.3, 3.1.4
B > h STORE 1:3 (UNCHANGEDSINCE $second) ANNOTATION (/comment (value.priv "cond"))
B < * 1 FETCH (UID 1 MODSEQ ($fourth))
B <= h OK [MODIFIED 2:3] conditional STORE failed for some
B > i FETCH 1:* (ANNOTATION (/comment value.priv)) (CHANGEDSINCE $third)
B < * 1 FETCH (MODSEQ ($fourth) ANNOTATION (/comment (value.priv "cond")))
B < i OK
B > j SEARCH MODSEQ $third
B < * SEARCH 1 3 (MODSEQ $fourth)
B < j OK
# RFC 5465 5.1: UID and ANNOTATION, whether SELECT has said ANNOTATE or not; and nothing without AnnotationChange
C > c NOTIFY SET (selected (MessageNew MessageExpunge AnnotationChange)) (mailboxes Archive (MessageNew MessageExpunge AnnotationChange))
C <... c OK
A > h NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))
A <... h OK
B > k STORE 3 ANNOTATION (/altsubject (value.priv "new"))
B <... k OK
C <= * 3 FETCH (UID 3 ANNOTATION (/altsubject))
A <= * 3 FETCH (UID 3 FLAGS ())
B > l STORE 3 +FLAGS (\Answered)
B <... l OK
A <= * 3 FETCH (UID 3 FLAGS (\Answered))
C silent 100
B > m COPY 3 Archive
B < m OK
C < * STATUS Archive (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *)
B > n SELECT Archive
B <... n OK
B > o STORE 1 ANNOTATION (/altsubject (value.priv "newer"))
B <... o OK
C < * STATUS Archive (UIDVALIDITY *)
B > p STORE 1 +FLAGS (\Answered)
B <... p OK
C silent 100
# RFC 7162 3.2.5: what has changed while one was away
D connect imap as alice
D > a ENABLE QRESYNC
D <... a OK
D > b SELECT INBOX (QRESYNC (1 1) ANNOTATE)
D <all b OK
out * OK [UIDVALIDITY *
D > c SELECT INBOX
D <... * OK [UIDVALIDITY $uidvalidity]
D <... c OK
D > d SELECT INBOX (ANNOTATE QRESYNC ($uidvalidity $third))
D <... * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (*) ANNOTATION (/comment))
D < * 3 FETCH (UID 3 FLAGS (\Answered) MODSEQ (*) ANNOTATION (/altsubject))
D < d OK
D > e SELECT INBOX (QRESYNC ($uidvalidity $third))
D <... * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (*))
D < * 3 FETCH (UID 3 FLAGS (\Answered) MODSEQ (*))
D < e OK
# RFC 9586: with UIDONLY
D > f ENABLE UIDONLY
D <... f OK
D > g SELECT INBOX (ANNOTATE)
D <... g OK
B > q SELECT INBOX
B <... q OK
B > r STORE 3 ANNOTATION (/x (value.shared "y"))
B <... r OK
D > h NOOP
D < * 3 UIDFETCH (FLAGS (\Answered) MODSEQ (*) ANNOTATION (/x))
D < h OK
D > i UID FETCH 2:3 (ANNOTATION (/x value.shared) ANNOTATION (/x* value.shared))
D <= * 2 UIDFETCH (ANNOTATION (/x (value.shared NIL)))
D <= * 3 UIDFETCH (ANNOTATION (/x (value.shared "y")))
D < i OK
D > j UID STORE 3 ANNOTATION (/x (value.shared "z"))
D < * 3 UIDFETCH (MODSEQ (*))
D < j OK
# each is told once, also while an expunge may not be told (RFC 9051 7.5.1)
E connect imap as alice
E > a SELECT Archive (ANNOTATE)
E <... a OK
B > s COPY 1:3 Archive
B <... s OK
E > b NOOP
E < * 4 EXISTS
E <... b OK
B > t SELECT Archive
B <... t OK
B > u UID STORE 2 +FLAGS (\Deleted)
B <... u OK
B > v UID EXPUNGE 2
B <... v OK
B > w STORE 1 ANNOTATION (/once (value.priv "x"))
B <... w OK
E > c SEARCH 1
E < * 1 FETCH (UID 1 FLAGS (*) ANNOTATION (/once))
E <= * SEARCH 1
E < c OK
B > x STORE 1 +FLAGS (\Draft)
B <... x OK
E > d SEARCH 1
E <= * 1 FETCH (UID 1 FLAGS (\Answered \Draft))
E <= * SEARCH 1
E < d OK
E > e NOOP
E <= * 2 EXPUNGE
E <... e OK
# RFC 5465 5.2: annotations of new mail, if NOTIFY asks for them
F connect imap as alice in Drafts
F > a NOTIFY SET (selected (MessageNew (UID ANNOTATION ((/x /%/comment) value.priv)) MessageExpunge))
F < a OK
B >> y APPEND Drafts ANNOTATION (/1/comment (value.priv "part")) {12+}\r\nSubject: x\r\n\r\n
B <... y OK
F < * 1 EXISTS
F <... * 1 FETCH (UID 1 ANNOTATION (/x (value.priv NIL) /1/comment (value.priv "part")))

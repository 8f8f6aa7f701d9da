# SPDX-License-Identifier: MIT
# RFC 7162 3.2: ENABLE QRESYNC, SELECT (QRESYNC ...), UID FETCH (CHANGEDSINCE n VANISHED), VANISHED instead of EXPUNGE
repeat 12 deliver simple.eml bob
# \Recent goes to somebody else
X connect imap as bob in INBOX
X close
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * QRESYNC
A < a OK
# 3.2.5, 3.2.6: BAD before ENABLE QRESYNC, and nothing is selected
A > b SELECT INBOX (QRESYNC (1 1))
A < b BAD
A > c FETCH 1 FLAGS
A < c BAD
A > d SELECT INBOX
A <all d OK
out * OK [UIDVALIDITY $v] *
out * OK [HIGHESTMODSEQ $m0] *
A > e UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)
A < e BAD
A > f ENABLE QRESYNC CONDSTORE
A < * ENABLED CONDSTORE QRESYNC
A < * OK [HIGHESTMODSEQ $m0]
A < f OK
# 3.2.6: not with FETCH, not without CHANGEDSINCE
A > g FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)
A < g BAD
A > h UID FETCH 1:* (FLAGS) (VANISHED)
A < h BAD
A > i UID FETCH 1:* (FLAGS) (VANISHED VANISHED CHANGEDSINCE 1)
A < i BAD

# 3.2.7, 3.2.9, 3.2.10: VANISHED with UIDs, and the new HIGHESTMODSEQ with the tagged OK
A > k UID STORE 5,7,10 +FLAGS.SILENT (\Deleted)
A <... k OK
A > l EXPUNGE
A < * VANISHED 5,7,10
A < l OK [HIGHESTMODSEQ $m1]
A > m UID STORE 4,8 +FLAGS.SILENT (\Deleted)
A <... m OK
A > n UID EXPUNGE 4:8
A < * VANISHED 4,8
A < n OK [HIGHESTMODSEQ $m2]
A > o EXPUNGE
A <= o OK EXPUNGE completed
A > p CREATE Other
A < p OK
A > q UID MOVE 12 Other
A < * OK [COPYUID *
A < * VANISHED 12
A < q OK [HIGHESTMODSEQ $m3]
# left: 1 2 3 6 9 11
A > r UID STORE 9 +FLAGS (\Flagged)
A < * 5 FETCH (UID 9 FLAGS (\Flagged) MODSEQ ($m4))
A < r OK

# 3.2.6: from the beginning; the one at the end is in 1:* too
A > s UID FETCH 1:* (FLAGS) (CHANGEDSINCE $m0 VANISHED)
A < * VANISHED (EARLIER) 4:5,7:8,10,12
A < * 5 FETCH (UID 9 FLAGS (\Flagged) MODSEQ ($m4))
A < s OK
A > t UID FETCH 6:10 (FLAGS) (VANISHED CHANGEDSINCE $m0)
A < * VANISHED (EARLIER) 7:8,10
A < * 5 FETCH (UID 9 *
A < t OK
A > u UID FETCH 1:* (FLAGS) (CHANGEDSINCE $m1 VANISHED)
A < * VANISHED (EARLIER) 4,8,12
A < * 5 FETCH (UID 9 *
A < u OK
A > w UID FETCH 1:* (FLAGS) (CHANGEDSINCE $m4 VANISHED)
A < w OK

# 3.2.5: the same with SELECT, after all its other answers
B connect imap as bob
B > a ENABLE QRESYNC
B < * ENABLED QRESYNC
B < a OK
B > b SELECT INBOX (QRESYNC ($v $m0))
B <... * 6 EXISTS
B <... * OK [MAILBOXID
B < * VANISHED (EARLIER) 4:5,7:8,10,12
B < * 5 FETCH (UID 9 FLAGS (\Flagged) MODSEQ ($m4))
B < b OK [READ-WRITE]
# 3.2.11: CLOSED comes before all of the new mailbox; only the known UIDs count
B > c EXAMINE INBOX (QRESYNC ($v $m0 1:6,11:12))
B < * OK [CLOSED]
B <... * OK [MAILBOXID
B < * VANISHED (EARLIER) 4:5,12
B < c OK [READ-ONLY]
# 3.2.5.2: 3 is where the client believes it, and so is 6: it knows what went before
B > d SELECT INBOX (QRESYNC ($v $m0 1:12 (3:4,6 3,6,12)))
B <... * OK [MAILBOXID
B < * VANISHED (EARLIER) 7:8,10,12
B < * 5 FETCH (UID 9 *
B < d OK
B > e SELECT INBOX (CONDSTORE QRESYNC ($v $m0 (6 11)))
B <... * OK [MAILBOXID
B < * VANISHED (EARLIER) 12
B < * 5 FETCH (UID 9 *
B < e OK
# who knows the newest is told nothing
B > f SELECT INBOX (QRESYNC ($v $m4))
B <... * OK [MAILBOXID
B < f OK
# another UIDVALIDITY: the rest does not count
B > g SELECT INBOX (QRESYNC (67890007 $m0 1:12))
B <... * OK [MAILBOXID
B < g OK
# a mailbox that never had a message
B > h CREATE Empty
B < h OK
B > i SELECT Empty
B <all i OK
out * OK [UIDVALIDITY $w] *
B > j SELECT Empty (QRESYNC ($w 1))
B <... * OK [MAILBOXID
B < j OK
# what is not the syntax leaves the old mailbox selected
B > k SELECT INBOX (QRESYNC ($v $m0 1:*))
B < k BAD
B > l SELECT INBOX (QRESYNC ($v $m0 1:12 (1:2 3)))
B < l BAD
B > m SELECT INBOX (QRESYNC ($v $m0) QRESYNC ($v $m0))
B < m BAD
B > n SEARCH ALL
B < * SEARCH
B < n OK

# STORE tells UID and MODSEQ (3.2.4); CLOSE says no HIGHESTMODSEQ (3.2.8)
A > x STORE 1 +FLAGS (\Deleted)
A < * 1 FETCH (UID 1 FLAGS (\Deleted) MODSEQ (*))
A < x OK
A > y FETCH 2 BODY[HEADER.FIELDS (X-None)]
A < * 2 FETCH (UID 2 FLAGS (\Seen) MODSEQ (*) BODY[HEADER.FIELDS (X-None)] {2}
A <... y OK
A > z CLOSE
A <= z OK CLOSE completed
B > o SELECT INBOX (QRESYNC ($v $m4))
B <all o OK
out * VANISHED (EARLIER) 1

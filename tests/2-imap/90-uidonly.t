# SPDX-License-Identifier: MIT
# RFC 9586: no sequence number goes either way
repeat 8 deliver simple.eml bob
X connect imap as bob in INBOX
X close
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * UIDONLY
A < a OK
# 3.1
A > b ENABLE UIDONLY
A < * ENABLED UIDONLY
A < b OK
A > c SELECT INBOX
A <all c OK
out * 8 EXISTS
out * OK [UIDVALIDITY $v] *
out * OK [HIGHESTMODSEQ $m0] *
out! * OK [UNSEEN
# 3.2, 3.8
A > d1 FETCH 1:4 (UID FLAGS)
A < d1 BAD [UIDREQUIRED]
A > d2 STORE 1 +FLAGS (\Seen)
A < d2 BAD [UIDREQUIRED]
A > d3 SEARCH ALL
A < d3 BAD [UIDREQUIRED]
A > d4 COPY 1 INBOX
A < d4 BAD [UIDREQUIRED]
A > d5 MOVE 1 INBOX
A < d5 BAD [UIDREQUIRED]
A > d6 SORT (DATE) UTF-8 ALL
A < d6 BAD [UIDREQUIRED]
A > d7 THREAD REFERENCES UTF-8 ALL
A < d7 BAD [UIDREQUIRED]
# 3.5
A > e1 UID SEARCH 1:4
A < e1 BAD [UIDREQUIRED]
A > e2 UID SEARCH NOT (OR 1 SEEN)
A < e2 BAD [UIDREQUIRED]
A > e3 UID SEARCH UID 7:*
A < * SEARCH 7 8
A < e3 OK
A > e4 UID SORT (REVERSE ARRIVAL) UTF-8 * 
A < e4 BAD
# 3.3
A > f1 UID STORE 2:3 +FLAGS.SILENT (\Deleted)
A < f1 OK
A > f2 UID EXPUNGE 1:8
A < * VANISHED 2:3
A < f2 OK
A > g1 UID FETCH 1:4 (FLAGS)
A <= * 1 UIDFETCH (FLAGS ())
A <= * 4 UIDFETCH (FLAGS ())
A < g1 OK
A > g2 UID FETCH 4:5 (UID FLAGS)
A <= * 4 UIDFETCH (UID 4 FLAGS ())
A <= * 5 UIDFETCH (UID 5 FLAGS ())
A < g2 OK
A > g3 UID STORE 5 +FLAGS (\Answered)
A <= * 5 UIDFETCH (FLAGS (\Answered))
A < g3 OK
A > g4 UID FETCH 6 BODY[HEADER.FIELDS (X-None)]
A <= * 6 UIDFETCH (FLAGS (\Seen) BODY[HEADER.FIELDS (X-None)] {2}
A <... g4 OK
# 3.4, 3.6: what happens by others
B connect imap as bob in INBOX
B > a UID STORE 7 +FLAGS (\Flagged \Deleted)
B <... a OK
A > h NOOP
A < * 7 UIDFETCH (FLAGS (\Deleted \Flagged))
A < h OK
B > b EXPUNGE
B <... b OK
deliver simple.eml bob
A > i NOOP
A < * VANISHED 7
A < * 6 EXISTS
A <... i OK
A > j UID MOVE 8 Archive
A < * OK [COPYUID * 8 *]
A < * VANISHED 8
A < j OK
# 3.7
A > k UID FETCH 5 (FLAGS) (CHANGEDSINCE $m0)
A < * OK [HIGHESTMODSEQ
A < * 5 UIDFETCH (FLAGS (\Answered) MODSEQ (*))
A < k OK
A > l ENABLE QRESYNC
A < * ENABLED QRESYNC
A < l OK
A > m SELECT INBOX (QRESYNC ($v $m0 1:9 (1:2 1,4)))
A < m BAD [UIDREQUIRED]
A > n SELECT INBOX (QRESYNC ($v $m0 1:5))
A <... * OK [MAILBOXID
A < * VANISHED (EARLIER) 2:3
A < * 5 UIDFETCH (FLAGS (\Answered) MODSEQ (*))
A < n OK

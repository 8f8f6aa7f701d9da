# SPDX-License-Identifier: MIT
# RFC 9051 6.3.2, 6.3.3, RFC 3501 6.3.1: what SELECT and EXAMINE say, and the states they lead to
deliver simple.eml bob
deliver simple.eml bob
A connect imap as bob
A > a SELECT INBOX
A <all a OK [READ-WRITE]
out * 2 EXISTS
out * 2 RECENT
out * FLAGS (*\Answered*)
out * FLAGS (*\Flagged*)
out * FLAGS (*\Deleted*)
out * FLAGS (*\Seen*)
out * FLAGS (*\Draft*)
out * OK [PERMANENTFLAGS (*\**)]
out * OK [UIDVALIDITY $validity]
out * OK [UIDNEXT 3]
out * OK [UNSEEN 1]
out * OK [HIGHESTMODSEQ *]
# RFC 3501 2.3.2: \Recent belongs to the first session
B connect imap as bob
B > a SELECT INBOX
B <all a OK [READ-WRITE]
out * 0 RECENT
A > b FETCH 1:* FLAGS
A < * 1 FETCH (FLAGS (\Recent))
A < * 2 FETCH (FLAGS (\Recent))
A < b OK
# a SELECT that fails leaves nothing selected
A > c SELECT nothing
A <all c NO
A > d FETCH 1 FLAGS
A < d BAD
A > e EXAMINE INBOX
A <all e OK [READ-ONLY]
out * 2 EXISTS
out * OK [PERMANENTFLAGS ()]
A > f STORE 1 +FLAGS (\Seen)
A < f NO
A > g EXPUNGE
A < g NO
A > h FETCH 1 BODY[HEADER.FIELDS (Subject)]
A < * 1 FETCH (BODY[HEADER.FIELDS (Subject)] {29}
A <... h OK
A > i FETCH 1 FLAGS
A < * 1 FETCH (FLAGS ())
A < i OK
# RFC 9051 7.1: CLOSED where one mailbox is left for another
A > j ENABLE IMAP4rev2
A < * ENABLED
A < j OK
A > k SELECT Sent
A <all k OK [READ-WRITE]
out * OK [CLOSED]
out * LIST (*) "/" Sent
out! *RECENT
A > l UNSELECT
A < l OK
A > m UNSELECT
A < m BAD
A > n CLOSE
A < n BAD
A > o SELECT
A < o BAD

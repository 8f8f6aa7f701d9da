# SPDX-License-Identifier: MIT
# RFC 7162 3.1: MODSEQ, CHANGEDSINCE, UNCHANGEDSINCE with MODIFIED, SEARCH MODSEQ
repeat 3 deliver simple.eml bob
A connect imap as bob
A > a SELECT INBOX (CONDSTORE)
A <... * OK [HIGHESTMODSEQ $m0]
A <... a OK
A > b STORE 1 +FLAGS (\Seen)
A < * 1 FETCH (*MODSEQ ($m1)*
A < b OK
A > c FETCH 1:3 (UID) (CHANGEDSINCE $m0)
A < * 1 FETCH (UID 1 MODSEQ ($m1))
A < c OK
A > d STORE 1:2 (UNCHANGEDSINCE $m0) +FLAGS.SILENT (\Flagged)
A < * 2 FETCH (*MODSEQ ($m2)*)
A < d OK [MODIFIED 1]
A > e UID STORE 1 (UNCHANGEDSINCE $m1) +FLAGS.SILENT (\Flagged)
A < * 1 FETCH (*MODSEQ (*)*)
A < e OK
A > f SEARCH MODSEQ $m2
A < * SEARCH 1 2 (MODSEQ *)
A < f OK
A > g FETCH 3 (MODSEQ)
A < * 3 FETCH (MODSEQ (*))
A < g OK
A > h STATUS INBOX (HIGHESTMODSEQ)
A < * STATUS INBOX (HIGHESTMODSEQ *)
A < h OK
# RFC 7162 3.1.3: with UNCHANGEDSINCE 0 nothing that exists passes
A > i STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\Draft)
A < i * [MODIFIED 1:3]
A > j FETCH 1 FLAGS (CHANGEDSINCE 99999999)
A < j OK
A > k FETCH 1 FLAGS (FROBNICATE)
A < k BAD
# a session that did not ask hears no MODSEQ
B connect imap as bob in INBOX
B > a STORE 2 +FLAGS (\Answered)
B < * 2 FETCH (FLAGS (\Answered \Flagged))
B < a OK
# a no-op changes no MODSEQ
A > l NOOP
A < * 2 FETCH (*MODSEQ ($m9)*
A < l OK
A > m STORE 2 +FLAGS.SILENT (\Answered)
A <... m OK
A > n FETCH 2 (MODSEQ)
A < * 2 FETCH (MODSEQ ($m9))
A < n OK

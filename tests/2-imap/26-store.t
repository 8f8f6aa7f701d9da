# SPDX-License-Identifier: MIT
# RFC 9051 6.4.6: STORE replaces, adds and removes flags and keywords; .SILENT says nothing
deliver simple.eml bob
deliver simple.eml bob
deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 1:2 +FLAGS (\Deleted)
A < * 1 FETCH (FLAGS (\Deleted \Recent))
A < * 2 FETCH (FLAGS (\Deleted \Recent))
A < a OK
A > b STORE 1 FLAGS (\Seen $Forwarded Project-X)
A <... * 1 FETCH (FLAGS (\Seen $Forwarded Project-X \Recent))
A <... b OK
A > c STORE 1 -FLAGS ($forwarded)
A < * 1 FETCH (FLAGS (\Seen Project-X \Recent))
A < c OK
A > d STORE 1:3 +FLAGS.SILENT (\Flagged)
A < d OK
A > e UID STORE 2 -FLAGS \Deleted
A < * 2 FETCH (UID 2 FLAGS (\Flagged \Recent))
A < e OK
A > f FETCH 1:3 FLAGS
A < * 1 FETCH (FLAGS (\Seen \Flagged Project-X \Recent))
A < * 2 FETCH (FLAGS (\Flagged \Recent))
A < * 3 FETCH (FLAGS (\Flagged \Recent))
A < f OK
A > g STORE 1 FLAGS ()
A < * 1 FETCH (FLAGS (\Recent))
A < g OK
A > h STORE 1 FLAGS \Seen \Draft
A < * 1 FETCH (FLAGS (\Seen \Draft \Recent))
A < h OK
A > i STORE 1 +FLAGS (\Recent)
A < i BAD
A > j STORE 1 +FLAGS (\Frobnicate)
A < j *
A > k STORE 1 FLAG (\Seen)
A < k BAD
A > l STORE 1 +FLAGS (a b
A < l BAD
A > m UID STORE 77 +FLAGS (\Seen)
A < m OK
A > n STORE 77 +FLAGS (\Seen)
A < n *
# a new keyword is told to whoever selects
A > o UNSELECT
A < o OK
A > p SELECT INBOX
A <all p OK
out * FLAGS (*Project-X*)
restart
B connect imap as bob in INBOX
B > a FETCH 1:2 FLAGS
B < * 1 FETCH (FLAGS (\Seen \Draft))
B < * 2 FETCH (FLAGS (\Flagged))
B < a OK

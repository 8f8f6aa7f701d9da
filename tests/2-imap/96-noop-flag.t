# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of changed flags, once
deliver simple.eml bob
deliver simple.eml bob
A connect imap as bob in INBOX
A > a FETCH 1:* UID
A <... a OK
B connect imap as bob in INBOX
B > a STORE 1:2 +FLAGS.SILENT (\Flagged)
B < a OK
B > b STORE 2 FLAGS.SILENT (\Answered \Seen)
B < b OK
A > b NOOP
A < * 1 FETCH (UID 1 FLAGS (\Flagged \Recent))
A < * 2 FETCH (UID 2 FLAGS (\Answered \Seen \Recent))
A < b OK
A > c NOOP
A < c OK
# there and back again: the flags are as they were, the modseq is not
B > c STORE 1 -FLAGS.SILENT (\Flagged)
B < c OK
B > d STORE 1 +FLAGS.SILENT (\Flagged)
B < d OK
A > d NOOP
A < * 1 FETCH (UID 1 FLAGS (\Flagged \Recent))
A < d OK
A > e NOOP
A < e OK
# what it sets itself is answered by STORE, and not told again
A > f STORE 1 FLAGS (\Seen)
A < * 1 FETCH (FLAGS (\Seen \Recent))
A < f OK
A > g NOOP
A < g OK

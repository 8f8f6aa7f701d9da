# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of a new keyword, once
deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
B > a STORE 1 +FLAGS.SILENT ($Work)
B <... a OK
A > a NOOP
A < * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
A < * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work \*)]
A < * 1 FETCH (UID 1 FLAGS ($Work \Recent))
A < a OK
A > b NOOP
A < b OK
# the keyword stays known when nobody has it any more
B > b STORE 1 -FLAGS.SILENT ($Work)
B < b OK
A > c NOOP
A < * 1 FETCH (UID 1 FLAGS (\Recent))
A < c OK
A > d NOOP
A < d OK

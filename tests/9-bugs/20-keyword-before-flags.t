# SPDX-License-Identifier: MIT
# RFC 9051 7.3.5: a keyword that is new in the mailbox is announced before the first FETCH that uses it, and once
deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
A > a STORE 1 +FLAGS (brand-new)
A < * FLAGS (\Answered \Flagged \Deleted \Seen \Draft brand-new)
A < * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft brand-new \*)]
A < * 1 FETCH (FLAGS (brand-new \Recent))
A < a OK
A > b NOOP
A < b OK
B > a STORE 1 +FLAGS.SILENT (Newer)
B < * FLAGS (\Answered \Flagged \Deleted \Seen \Draft brand-new)
B < * OK [PERMANENTFLAGS
B < * 1 FETCH (UID 1 FLAGS (brand-new))
B < * FLAGS (\Answered \Flagged \Deleted \Seen \Draft brand-new Newer)
B < * OK [PERMANENTFLAGS
B <... a OK
B > b NOOP
B < b OK
A > c NOOP
A < * FLAGS (\Answered \Flagged \Deleted \Seen \Draft brand-new Newer)
A < * OK [PERMANENTFLAGS
A < * 1 FETCH (UID 1 FLAGS (brand-new Newer \Recent))
A < c OK

# SPDX-License-Identifier: MIT
# RFC 7162 3.2: with METADATA, a change of an annotation is a change of the mailbox
A connect imap as bob
A > a ENABLE CONDSTORE QRESYNC
A <... a OK
A > b STATUS Sent (HIGHESTMODSEQ)
A < * STATUS Sent (HIGHESTMODSEQ $first)
A < b OK
A > c SETMETADATA Sent (/private/comment "x")
A < c OK
A > d STATUS Sent (HIGHESTMODSEQ)
A <all d OK
out! * STATUS Sent (HIGHESTMODSEQ $first)
# one of the server is no change of a mailbox; and the view goes on
A > e SELECT INBOX
A <all e OK
out * OK [HIGHESTMODSEQ $inbox]*
A > f SETMETADATA "" (/private/comment "x")
A < f OK
A > g STATUS INBOX (HIGHESTMODSEQ)
A < * STATUS INBOX (HIGHESTMODSEQ $inbox)
A < g OK
A > h SETMETADATA INBOX (/private/comment "x")
A < h OK
deliver simple.eml bob
A > i NOOP
A <all i OK
out * 1 EXISTS
A > j FETCH 1 (FLAGS)
A <... j OK

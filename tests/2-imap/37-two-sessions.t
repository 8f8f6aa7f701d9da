# SPDX-License-Identifier: MIT
# RFC 9051 7.5.1, 5.2, 5.5: no EXPUNGE is told while FETCH, STORE or SEARCH run, so that sequence numbers keep their meaning
repeat 4 deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
B > a STORE 2 +FLAGS.SILENT (\Deleted)
B <... a OK
B > b EXPUNGE
B < * 2 EXPUNGE
B <... b OK
A > a FETCH 3 UID
A <... * 3 FETCH (UID 3)
A <all a OK
out! * EXPUNGE
A > b STORE 4 +FLAGS (\Seen)
A <all b OK
out * 4 FETCH (FLAGS (\Seen*
out! * EXPUNGE
A > c SEARCH ALL
A <all c OK
out! * EXPUNGE
out * SEARCH * 4
# the one that is gone can still be read, or not at all; but it is never another one
A > d FETCH 2 (UID BODY.PEEK[HEADER.FIELDS (Message-ID)])
A <all d 
out! * UID 3*
A > e NOOP
A < * 2 EXPUNGE
A <... e OK
A > f FETCH 1:* UID
A < * 1 FETCH (UID 1)
A < * 2 FETCH (UID 3)
A < * 3 FETCH (UID 4)
A < f OK
# with UID commands EXPUNGE may be told; new mail and flags are told by any command
deliver simple.eml bob
B > c UID STORE 1 +FLAGS.SILENT (\Flagged)
B <... c OK
A > g NOOP
A <all g OK
out * 4 EXISTS
out * 1 FETCH (*FLAGS (\Flagged \Recent)*
B > d UID MOVE 1 Trash
B <... d OK
A > h UID FETCH 3 FLAGS
A <all h OK
A > i NOOP
A <... i OK
A > j FETCH 1 UID
A < * 1 FETCH (UID 3)
A < j OK

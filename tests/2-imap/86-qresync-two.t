# SPDX-License-Identifier: MIT
# RFC 7162 3.2.10.2, 5: what another session expunges; a delayed VANISHED is announced by a low HIGHESTMODSEQ
repeat 8 deliver simple.eml bob
# \Recent goes to somebody else
X connect imap as bob in INBOX
X close
A connect imap as bob
A > a ENABLE QRESYNC
A <... a OK
A > b SELECT INBOX
A <all b OK
out * OK [HIGHESTMODSEQ $m0] *
A > b2 UID SEARCH ALL
A <... b2 OK
B connect imap as bob in INBOX
B > a STORE 2,8 +FLAGS.SILENT (\Deleted)
B <... a OK
A > c NOOP
A < * 2 FETCH (UID 2 FLAGS (\Deleted) MODSEQ (*))
A < * 8 FETCH (UID 8 FLAGS (\Deleted) MODSEQ ($m1))
A < c OK
B > b EXPUNGE
B <all b OK
out * 2 EXPUNGE
# example of section 5: STORE, while VANISHED waits
A > d STORE 3:4 +FLAGS.SILENT (\Seen)
A <all d OK
out * 3 FETCH (UID 3 MODSEQ (*))
out * 4 FETCH (UID 4 MODSEQ (*))
out * OK [HIGHESTMODSEQ $m1] *
out! * VANISHED
A > e SEARCH 2
A <all e OK
out! * VANISHED
# UID SEARCH with sequence numbers is as SEARCH; without it may tell
A > f UID SEARCH 1:3
A <all f OK
out! * VANISHED
A > g UID SEARCH UID 1:3
A < * SEARCH
A < * VANISHED 2,8
A <... g OK
# a new message that goes before it was told is no VANISHED
deliver simple.eml bob
B > c UID STORE 9 +FLAGS.SILENT (\Deleted)
B <... c OK
B > d EXPUNGE
B <... d OK
A > h NOOP
A < h OK
# in IDLE
A > i IDLE
A < + idling
B > e UID STORE 1 +FLAGS.SILENT (\Deleted)
B <... e OK
B > f EXPUNGE
B <... f OK
A <... * VANISHED 1
A > DONE
A < i OK
# the view of the session is what VANISHED (EARLIER) is about: what is not told yet is not gone
B > g UID STORE 3 +FLAGS.SILENT (\Deleted)
B <... g OK
B > h EXPUNGE
B <... h OK
A > j UID FETCH 1:* (FLAGS) (CHANGEDSINCE $m1 VANISHED)
A < * VANISHED (EARLIER) 1:2,8:9
A <... * VANISHED 3
A < j OK

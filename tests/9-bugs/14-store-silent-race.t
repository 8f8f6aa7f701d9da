# SPDX-License-Identifier: MIT
# RFC 9051 6.4.6: the status of the flags is determinate: what others did is told in front of a silent STORE, so its own result follows
repeat 2 deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
A > a FETCH 1:2 FLAGS
A <... a OK
B > a STORE 1 +FLAGS.SILENT (\Flagged)
B <all a OK
A > b STORE 1:2 +FLAGS.SILENT (\Seen)
A < * 1 FETCH (UID 1 FLAGS (\Flagged *
A < * 1 FETCH (FLAGS (\Flagged \Seen *
A < b OK
# without news it stays silent
A > c STORE 1:2 +FLAGS.SILENT (\Answered)
A < c OK
# with UIDs and modseqs too
A > d ENABLE CONDSTORE
A <... d OK
B > b STORE 2 +FLAGS.SILENT (\Draft)
B <... b OK
A > e UID STORE 1:2 -FLAGS.SILENT (\Seen)
A < * 2 FETCH (UID 2 FLAGS (*\Draft*
A < * 1 FETCH (UID 1 MODSEQ ($m))
A < * 2 FETCH (UID 2 FLAGS (\Answered \Draft *) MODSEQ ($m))
A < e OK
# RFC 5465: NOTIFY tells at once, so it may cross the STORE: what was told since the last tagged answer is followed by the result, too
C connect imap as bob in INBOX
C > a NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))
C < a OK
C > b FETCH 1:2 FLAGS
C <... b OK
B > c STORE 1 +FLAGS.SILENT (word)
B <all c OK
C < * FLAGS
C < * OK [PERMANENTFLAGS
C < * 1 FETCH (UID 1 FLAGS (*word*
C > c UID STORE 1:2 -FLAGS.SILENT (word)
C < * 1 FETCH (UID 1 FLAGS (\Answered \Flagged))
C < c OK
# that answer has settled it
C > d UID STORE 1:2 +FLAGS.SILENT (\Seen)
C < d OK
B > d STORE 2 +FLAGS.SILENT (word)
B <all d OK
C < * 2 FETCH (UID 2 FLAGS (*word*
C > e NOOP
C < e OK
C > f UID STORE 1:2 -FLAGS.SILENT (word)
C < f OK

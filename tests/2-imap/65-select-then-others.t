# SPDX-License-Identifier: MIT
# A mailbox is selected, and changed by others before the first look at its messages: the numbers are those that SELECT told.
# After a restart no mailbox is in memory, so the first SELECT sees counters only.
repeat 6 deliver simple.eml bob
restart
# expunged, flagged, added, then FETCH: RFC 9051 7.5.1, no EXPUNGE yet; RFC 2180 4.1.2, nothing is left of the expunged one
A connect imap as bob in INBOX
B connect imap as bob in INBOX
B > a UID STORE 2 +FLAGS.SILENT (\Deleted)
B <... a OK
B > b UID EXPUNGE 2
B <... b OK
B > c UID STORE 5 +FLAGS.SILENT (\Answered)
B <... c OK
deliver simple.eml bob
A > a FETCH 1:5 (UID FLAGS)
A <all a NO [EXPUNGEISSUED]
out * 7 EXISTS
out * 1 FETCH (UID 1 FLAGS*
out * 3 FETCH (UID 3 FLAGS*
out * 5 FETCH (UID 5 FLAGS (*\Answered*
out! * 2 FETCH*
out! * EXPUNGE
A > b UID FETCH 1:* UID
A <all b OK
out * 1 FETCH (UID 1)
out * 3 FETCH (UID 3)
out * 7 FETCH (UID 7)
out * 2 EXPUNGE
A > c FETCH 6 UID
A <= * 6 FETCH (UID 7)
A < c OK
# NOOP: mail, which needs no look, and then all the rest
restart
C connect imap as bob in INBOX
deliver simple.eml bob
C > a NOOP
C < * 7 EXISTS
C < * * RECENT
C < a OK
D connect imap as bob in INBOX
D > a UID STORE 1 +FLAGS.SILENT (\Flagged)
D <... a OK
D > b UID STORE 3,4 +FLAGS.SILENT (\Deleted)
D <... b OK
D > c EXPUNGE
D <... c OK
C > b NOOP
C < * 2 EXPUNGE
C < * 2 EXPUNGE
C <all b OK
out * 1 FETCH (UID 1 FLAGS (*\Flagged*
out! * EXISTS
C > c FETCH 2 UID
C <= * 2 FETCH (UID 5)
C < c OK
# IDLE, woken by mail and then by an expunge
restart
E connect imap as bob in INBOX
E > a IDLE
E < +
deliver simple.eml bob
E < * 6 EXISTS
E < * * RECENT
F connect imap as bob in INBOX
F > a UID MOVE 5 Trash
F <... a OK
E < * 2 EXPUNGE
E > DONE
E <... a OK
# STORE and SEARCH by numbers
restart
G connect imap as bob in INBOX
H connect imap as bob in INBOX
H > a UID MOVE 1 Trash
H <... a OK
G > a STORE 2 +FLAGS (\Seen)
G <all a OK
out * 2 FETCH (FLAGS (*\Seen*
out! * EXPUNGE
G > b SEARCH SEEN
G < * SEARCH 2
G < b OK
G > c NOOP
G < * 1 EXPUNGE
G < c OK
G > d UID SEARCH SEEN
G < * SEARCH 6
G < d OK
# EXPUNGE and COPY by the session that has not looked
restart
I connect imap as bob in INBOX
J connect imap as bob in INBOX
J > a UID STORE 6 +FLAGS.SILENT (\Deleted)
J <... a OK
I > a EXPUNGE
I < * 1 EXPUNGE
I <... a OK
restart
K connect imap as bob in INBOX
L connect imap as bob in INBOX
L > a UID MOVE 7 Trash
L <... a OK
K > a COPY 1:2 Archive
K < * 1 EXPUNGE
K < a NO [EXPUNGEISSUED]
K > b COPY 1 Archive
K < b OK [COPYUID $archive 8 1]
restart
P connect imap as bob in INBOX
Q connect imap as bob in INBOX
Q >> a APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
Q <... a OK [APPENDUID $inbox 10]
Q > b UID MOVE 8 Trash
Q <... b OK
P >> a REPLACE 2 INBOX {14+}\r\nSubject: y\r\n\r\n\r\n
P < * OK [APPENDUID $inbox 11]
P < * 1 EXPUNGE
P < * 1 EXPUNGE
P < * 2 EXISTS
P <... a OK
P > b FETCH 1:2 UID
P <= * 1 FETCH (UID 10)
P <= * 2 FETCH (UID 11)
P < b OK
# CLOSE, and what only asks for counters
restart
M connect imap as bob in INBOX
M > a STATUS INBOX (MESSAGES DELETED)
M < * STATUS INBOX (MESSAGES 2 DELETED 0)
M < a OK
N connect imap as bob in INBOX
N > a UID STORE 10 +FLAGS.SILENT (\Deleted)
N <... a OK
M > b CLOSE
M < b OK
M > c SELECT INBOX
M <all c OK
out * 1 EXISTS
# deleted
O connect imap as bob
O > a CREATE box
O < a OK
O >> b APPEND box {14+}\r\nSubject: x\r\n\r\n\r\n
O <... b OK
O > c SELECT box
O <... c OK
N > b DELETE box
N <... b OK
O > d FETCH 1 UID
O < * BYE
O eof

# SPDX-License-Identifier: MIT
# RFC 9051 5.5: what is sent without waiting means what it says, whatever others do meanwhile: the valid sequences of the RFC
repeat 5 deliver simple.eml bob
A connect imap as bob in INBOX
A > a FETCH 1:* (FLAGS)
A <... a OK
B connect imap as bob in INBOX
B > a STORE 1 +FLAGS.SILENT (\Deleted)
B <... a OK
B > b EXPUNGE
B <... b OK
# FETCH + STORE + SEARCH + NOOP: the numbers of before, until NOOP
A >> b FETCH 3 UID\r\nc STORE 3 +FLAGS.SILENT (\Answered)\r\nd SEARCH ANSWERED\r\ne NOOP\r\nf FETCH 1:2 UID\r\n
A <all b OK
out * 3 FETCH (UID 3)
out! * EXPUNGE
A <all c OK
out! * EXPUNGE
A <all d OK
out * SEARCH 3
out! * EXPUNGE
A < * 1 EXPUNGE
A <... e OK
A < * 1 FETCH (UID 2)
A < * 2 FETCH (UID 3)
A < f OK
# a FETCH that sets \Seen, and what looks for it; a STORE and what reads it
A >> g SEARCH UNSEEN 1\r\nh FETCH 1 BODY[TEXT]<0.1>\r\ni SEARCH UNSEEN 1\r\nj STORE 1 FLAGS.SILENT (\Draft)\r\nk FETCH 1 FLAGS\r\n
A < * SEARCH 1
A <... g OK
A <... h OK
A < * SEARCH
A < i OK
A < j OK
A < * 1 FETCH (FLAGS (\Draft \Recent))
A < k OK
# STORE + COPY + EXPUNGE: COPY has the messages that STORE had
B > c STORE 1 +FLAGS.SILENT (\Deleted)
B <... c OK
B > d EXPUNGE
B <... d OK
A >> l STORE 3 FLAGS.SILENT (\Flagged)\r\nm COPY 3 Archive\r\nn UID EXPUNGE 99\r\n
A <all l OK
out! * EXPUNGE
A <all m OK [COPYUID * 4 1]
A <... n OK
# UID SEARCH with numbers tells no EXPUNGE, so the next one means the same messages
B > e UID STORE 3 +FLAGS.SILENT (\Deleted)
B <... e OK
B > f EXPUNGE
B <... f OK
A >> o UID SEARCH 2\r\np UID SEARCH 2:3\r\nq NOOP\r\nr UID SEARCH 1\r\n
A <all o OK
out * SEARCH 4
out! * EXPUNGE
A <all p OK
out * SEARCH 4 5
out! * EXPUNGE
A < * 1 EXPUNGE
A <... q OK
A < * SEARCH 4
A < r OK
# "$" is what the command before it has saved (6.4.4.2)
A >> s UID SEARCH RETURN (SAVE) UID 5\r\nt UID FETCH $ UID\r\nu SEARCH RETURN (SAVE) UID 77\r\nv FETCH $ UID\r\n
A <... s OK
A < * 2 FETCH (UID 5)
A < t OK
A < u OK
A < v OK
# a continuation is settled before the next command begins; what comes with the literal is the next command
A >> w CREATE {3}\r\n
A < +
A >> new\r\nx SELECT new\r\ny IDLE\r\nDONE\r\nz CLOSE\r\n
A < w OK
A <... x OK
A < +
A < y OK
A < z OK
# what a command needs to be is decided when its turn comes
A >> a1 FETCH 1 UID\r\na2 SELECT INBOX\r\na3 FETCH 1 UID\r\na4 UNSELECT\r\na5 FETCH 1 UID\r\n
A < a1 BAD
A <... a2 OK
A < * 1 FETCH (UID 4)
A < a3 OK
A < a4 OK
A < a5 BAD

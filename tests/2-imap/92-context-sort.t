# SPDX-License-Identifier: MIT
# RFC 5267 4.3.3, 4.3.4: positions in the order of a SORT
A connect imap as bob in INBOX
A >> m1 APPEND INBOX {54+}\r\nSubject: d\r\nDate: Mon, 04 Mar 2020 10:00:00 +0000\r\n\r\nx\r\n
A <all m1 OK
A >> m2 APPEND INBOX {54+}\r\nSubject: b\r\nDate: Mon, 02 Mar 2020 10:00:00 +0000\r\n\r\nx\r\n
A <all m2 OK
A > a UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNDELETED
A <= * ESEARCH (TAG "a") UID ALL 2,1
A < a OK
A > b SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 ALL
A <= * ESEARCH (TAG "b") ALL 1:2
A < b OK
# between, before, after
A >> m3 APPEND INBOX {54+}\r\nSubject: c\r\nDate: Mon, 03 Mar 2020 10:00:00 +0000\r\n\r\nx\r\n
A <all m3 OK
out * ESEARCH (TAG "a") UID ADDTO (2 3)
out * ESEARCH (TAG "b") ADDTO (2 3)
A >> m4 APPEND INBOX {54+}\r\nSubject: a\r\nDate: Mon, 01 Mar 2020 10:00:00 +0000\r\n\r\nx\r\n
A <all m4 OK
out * ESEARCH (TAG "a") UID ADDTO (1 4)
out * ESEARCH (TAG "b") ADDTO (4 4)
A >> m5 APPEND INBOX {54+}\r\nSubject: e\r\nDate: Mon, 01 Mar 2020 10:00:00 +0000\r\n\r\nx\r\n
A <all m5 OK
out * ESEARCH (TAG "a") UID ADDTO (5 5)
out * ESEARCH (TAG "b") ADDTO (1 5)
# it is now 4 2 3 1 5 and 5 1 3 2 4. Two neighbours and one more go, and come back
A > c UID STORE 1,2,3 +FLAGS.SILENT (\Deleted)
A <= * ESEARCH (TAG "a") UID REMOVEFROM (2 2:3,1)
A < c OK
A > c1 UID STORE 1:3 -FLAGS.SILENT (\Deleted)
A <= * ESEARCH (TAG "a") UID ADDTO (2 2:3,1)
A < c1 OK
A > d UID STORE 2,4,5 +FLAGS.SILENT (\Deleted)
A <= * ESEARCH (TAG "a") UID REMOVEFROM (1 4,2 3 5)
A < d OK
A > d1 UID STORE 4,5 -FLAGS.SILENT (\Deleted)
A <= * ESEARCH (TAG "a") UID ADDTO (1 4 4 5)
A < d1 OK
# two of the same subject: in the order of the mailbox
A >> m6 APPEND INBOX {54+}\r\nSubject: c\r\nDate: Mon, 03 Mar 2020 10:00:00 +0000\r\n\r\nx\r\n
A <all m6 OK
out * ESEARCH (TAG "a") UID ADDTO (3 6)
out * ESEARCH (TAG "b") ADDTO (4 6)
# 5 1 3 6 2 4: message numbers before the EXPUNGE
A > e EXPUNGE
A <= * ESEARCH (TAG "b") REMOVEFROM (5 2)
A < * 2 EXPUNGE
A <all e OK
A > f UID SORT RETURN (ALL) (SUBJECT) UTF-8 UNDELETED
A <= * ESEARCH (TAG "f") UID ALL 4,3,6,1,5
A < f OK
# with QRESYNC too
A > g ENABLE QRESYNC
A <... g OK
A > h UID STORE 5 +FLAGS.SILENT (\Deleted)
A <all h OK
out * ESEARCH (TAG "a") UID REMOVEFROM (5 5)
A > i EXPUNGE
A <= * ESEARCH (TAG "b") REMOVEFROM (1 4)
A < * VANISHED 5
A <all i OK

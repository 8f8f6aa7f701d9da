# SPDX-License-Identifier: MIT
# RFC 9051 9 (sequence-set): sets in any order and overlapping, in a mailbox with some messages
A connect imap as bob
repeat 60 A >> $i APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
repeat 60 A < $i OK
A > s SELECT INBOX
A <all s OK
out * 60 EXISTS
A > a FETCH 60,1:2,2,*:59 UID
A <all a OK
out * 1 FETCH (UID 1)
out * 2 FETCH (UID 2)
out * 59 FETCH (UID 59)
out * 60 FETCH (UID 60)
out! * 3 FETCH *
A > b STORE 1:60 +FLAGS.SILENT (\Deleted)
A < b OK
A > c UID EXPUNGE 11:20,31:40
A <all c OK
A > d SEARCH RETURN (ALL COUNT) ALL
A < * ESEARCH (TAG "d") *1:40*
A < d OK
A > e UID SEARCH RETURN (ALL) ALL
A <= * ESEARCH (TAG "e") UID ALL 1:10,21:30,41:60
A < e OK
A > f FETCH 11 UID
A < * 11 FETCH (UID 21)
A < f OK
A > g FETCH 4294967296 UID
A < g BAD
A > h FETCH 1,, UID
A < h BAD
A > i FETCH 1: UID
A < i BAD

# SPDX-License-Identifier: MIT
# RFC 5256, RFC 5957, RFC 5267 3: SORT, THREAD and their UID forms; ESORT
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES
A < a OK
# an empty mailbox; no selected one
A > b SORT (DATE) UTF-8 ALL
A < b BAD
A > c SELECT INBOX
A <... c OK
A > d SORT (DATE) UTF-8 ALL
A <= * SORT
A < d OK
A > e THREAD REFERENCES UTF-8 ALL
A <= * THREAD
A < e OK
A >> m1 APPEND INBOX " 1-Nov-2020 12:00:00 +0000" {128+}\r\nFrom: Zoe <alpha@x.example>\r\nTo: bob@x.example\r\nSubject: banana\r\nDate: Mon, 05 Mar 2020 10:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\nx\r\n\r\n
A <all m1 OK
A >> m2 APPEND INBOX " 2-Nov-2020 12:00:00 +0000" {201+}\r\nFrom: =?utf-8?q?=C3=A4bel?= <omega@x.example>\r\nTo: Al <zed@x.example>\r\nCc: c@x.example\r\nSubject: Re: Apple\r\nDate: Mon, 03 Mar 2020 10:00:00 +0000\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <5@x> and <1@x>\r\n\r\nx\r\n\r\n
A <all m2 OK
A >> m3 APPEND INBOX " 3-Nov-2020 12:00:00 +0000" {104+}\r\nFrom: mid@x.example\r\nTo: friends: q@x.example;\r\nSubject: =?utf-8?q?=C3=9Cber?=\r\nMessage-ID: <3@x>\r\n\r\nx\r\n\r\n
A <all m3 OK
A >> m4 APPEND INBOX " 4-Nov-2020 12:00:00 +0000" {169+}\r\nFrom: "" <beta@x.example>\r\nCc: a@x.example\r\nSubject: [list] re: BANANA (fwd)\r\nDate: Mon, 04 Mar 2020 10:00:00 -1200\r\nMessage-ID: <4@x>\r\nReferences: <1@x> <gone@x>\r\n\r\nx\r\n\r\n
A <all m4 OK
A >> m5 APPEND INBOX " 5-Nov-2020 12:00:00 +0000" {81+}\r\nSubject: apple\r\nDate: Mon, 01 Mar 2020 10:00:00 +0000\r\nMessage-ID: <"5"@x>\r\n\r\nx\r\n\r\n
A <all m5 OK
A >> m6 APPEND INBOX " 6-Nov-2020 12:00:00 +0000" {142+}\r\nFrom: beta@x.example\r\nTo: bob@x.example\r\nSubject: other\r\nDate: Mon, 04 Mar 2020 10:00:00 -1200\r\nReferences: <none@x>\r\nMessage-ID: <6@x>\r\n\r\nx\r\n\r\n
A <all m6 OK
A >> m7 APPEND INBOX " 7-Nov-2020 12:00:00 +0000" {106+}\r\nFrom: Beta@y.example\r\nSubject: another\r\nDate: Mon, 02 Mar 2020 10:00:00 +0000\r\nReferences: <none@x>\r\n\r\nx\r\n\r\n
A <all m7 OK
# SUBJECT by i;unicode-casemap of the base subject: ANOTHER APPLE APPLE BANANA BANANA OTHER U+diaeresis
A > f SORT (SUBJECT) UTF-8 ALL
A <= * SORT 7 2 5 1 4 6 3
A < f OK
# only the criterion is reversed, not the order of equal ones; the example of RFC 5256 3
A > g SORT (REVERSE SUBJECT) US-ASCII ALL
A <= * SORT 3 6 1 4 2 5 7
A < g OK
A > h SORT (SUBJECT REVERSE DATE) UTF-8 ALL
A <= * SORT 7 2 5 1 4 6 3
A < h OK
A > h2 SORT (SUBJECT DATE) UTF-8 ALL
A <= * SORT 7 5 2 4 1 6 3
A < h2 OK
# sent dates in UTC; message 3 has none: its INTERNALDATE
A > i SORT (DATE) UTF-8 ALL
A <= * SORT 5 7 2 4 6 1 3
A < i OK
A > j SORT (ARRIVAL) UTF-8 ALL
A <= * SORT 1 2 3 4 5 6 7
A < j OK
A > k SORT (REVERSE ARRIVAL) UTF-8 ALL
A <= * SORT 7 6 5 4 3 2 1
A < k OK
A > l SORT (SIZE REVERSE ARRIVAL) UTF-8 1,5
A <= * SORT 5 1
A < l OK
# addr-mailbox: "" ALPHA BETA BETA BETA MID OMEGA
A > m SORT (FROM) UTF-8 ALL
A <= * SORT 5 1 4 6 7 3 2
A < m OK
# To: none, none, none, BOB, BOB, FRIENDS (the group), ZED
A > n SORT (TO) UTF-8 ALL
A <= * SORT 4 5 7 1 6 3 2
A < n OK
A > o SORT (CC REVERSE CC REVERSE ARRIVAL) UTF-8 ALL
A <= * SORT 7 6 5 3 1 4 2
A < o OK
# display: "" A+diaeresis+BEL BETA@X.EXAMPLE BETA@X.EXAMPLE BETA@Y.EXAMPLE MID@X.EXAMPLE ZOE
A > p SORT (DISPLAYFROM) UTF-8 ALL
A <= * SORT 5 2 4 6 7 3 1
A < p OK
A > q SORT (DISPLAYTO) UTF-8 ALL
A <= * SORT 4 5 7 2 1 6 3
A < q OK
# search criteria, charset, UIDs
A > r UID SORT (REVERSE DATE) UTF-8 SUBJECT apple
A <= * SORT 2 5
A < r OK
A > s SORT (DATE) US-ASCII TEXT "not in mailbox"
A <= * SORT
A < s OK
A > t SORT (DATE) KLINGON ALL
A < t NO [BADCHARSET (UTF-8)]
A > u SORT () UTF-8 ALL
A < u BAD
A > u2 SORT (REVERSE) UTF-8 ALL
A < u2 BAD
A > u3 SORT (DATE) ALL
A < u3 NO [BADCHARSET
A > u4 SORT (DATE) UTF-8
A < u4 BAD
A > u5 SORT (COLOUR) UTF-8 ALL
A < u5 BAD
# ESORT: in the order of the sort; ranges only where numbers grow by one (RFC 5267 3.2)
A > v SORT RETURN () (DATE) UTF-8 ALL
A <= * ESEARCH (TAG "v") ALL 5,7,2,4,6,1,3
A < v OK
A > w UID SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL
A <= * ESEARCH (TAG "w") UID MIN 5 MAX 3 COUNT 7
A < w OK
A > x SORT RETURN (ALL) (ARRIVAL) UTF-8 2:4,6
A <= * ESEARCH (TAG "x") ALL 2:4,6
A < x OK
A > y SORT RETURN (COUNT ALL MIN) (DATE) UTF-8 KEYWORD none
A <= * ESEARCH (TAG "y") COUNT 0
A < y OK
A > z SORT RETURN (SAVE MAX) (DATE) UTF-8 ALL
A <= * ESEARCH (TAG "z") MAX 3
A < z OK
A > z1 SEARCH $
A < * SEARCH 3
A <... z1 OK
# RFC 7162 3.1.9, 3.1.10
A > z2 SORT (DATE) UTF-8 MODSEQ 1
A < * OK [HIGHESTMODSEQ
A < * SORT 5 7 2 4 6 1 3 (MODSEQ *)
A < z2 OK
A > z3 SORT RETURN (ALL) (DATE) UTF-8 MODSEQ 1
A < * ESEARCH (TAG "z3") ALL 5,7,2,4,6,1,3 MODSEQ *
A < z3 OK
# THREAD. By subject: the first by date is the root
A > ta THREAD ORDEREDSUBJECT UTF-8 ALL
A <= * THREAD (5 2)(7)(4 1)(6)(3)
A < ta OK
# By references: 2 answers "5" (whose id is quoted), 4 answers 1 through one that is not here, 6 and 7 have a parent that is not here
A > tb THREAD REFERENCES UTF-8 ALL
A <= * THREAD (5 2)((7)(6))(1 4)(3)
A < tb OK
A > tc UID THREAD REFERENCES US-ASCII UID 1:5
A <= * THREAD (5 2)(1 4)(3)
A < tc OK
# one that answers another through a message that is not searched
A > td THREAD REFERENCES UTF-8 1,4,6
A <= * THREAD (6)(1 4)
A < td OK
A > te THREAD REFERENCES US-ASCII TEXT "gewp"
A <= * THREAD
A < te OK
A > tf THREAD NOREFS UTF-8 ALL
A < tf BAD
A > tg THREAD REFERENCES ALL
A < tg NO [BADCHARSET

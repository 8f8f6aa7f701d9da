# SPDX-License-Identifier: MIT
# RFC 7377 2.2, 5 with RFC 4314: "r" for each mailbox, and "l" unless it is named; what may not be searched is not told
A connect imap as alice
A > a CREATE box
A < a OK
A > a1 CREATE box/named
A < a1 OK
A > a2 CREATE box/seen
A < a2 OK
A > a3 CREATE box/none
A < a3 OK
A >> b1 APPEND box {14+}\r\nSubject: x\r\n\r\n\r\n
A <... b1 OK
A >> b2 APPEND box/named {14+}\r\nSubject: x\r\n\r\n\r\n
A <... b2 OK
A >> b3 APPEND box/seen {14+}\r\nSubject: x\r\n\r\n\r\n
A <... b3 OK
A >> b4 APPEND box/none {14+}\r\nSubject: x\r\n\r\n\r\n
A <... b4 OK
A > c SETACL box bob@example.test lr
A < c OK
A > c1 SETACL box/named bob@example.test r
A < c1 OK
A > c2 SETACL box/seen bob@example.test l
A < c2 OK
B connect imap as bob
B > a ESEARCH IN (subtree "Other Users/alice@example.test/box") SUBJECT x
B < * ESEARCH (TAG "a" MAILBOX "Other Users/alice@example.test/box" UIDVALIDITY *) UID ALL 1
B < a OK
B > b ESEARCH IN (mailboxes ("Other Users/alice@example.test/box/named" "Other Users/alice@example.test/box/seen" "Other Users/alice@example.test/box/none" "Other Users/nobody@example.test/box")) SUBJECT x
B < * ESEARCH (TAG "b" MAILBOX "Other Users/alice@example.test/box/named" UIDVALIDITY *) UID ALL 1
B < b OK
# they are not personal
B > c ESEARCH IN (personal inboxes) SUBJECT x
B < c OK
B > d SELECT "Other Users/alice@example.test/box"
B <... d OK
B > d1 ESEARCH IN (selected) RETURN (UPDATE COUNT) ALL
B < * ESEARCH (TAG "d1" MAILBOX "Other Users/alice@example.test/box" UIDVALIDITY *) UID COUNT 1
B < d1 OK
A > d DELETEACL box bob@example.test
A < d OK
B > e ESEARCH IN (mailboxes "Other Users/alice@example.test/box") ALL
B <... * BYE

# SPDX-License-Identifier: MIT
# RFC 6203 with RFC 7377 and RFC 5267: each mailbox has scores of its own; a program with FUZZY is not kept up to date
A connect imap as bob
A > a CREATE one
A < a OK
A > b CREATE two
A < b OK
A >> c APPEND one {29+}\r\nSubject: Helo\r\n\r\nWorld wide\r\n\r\n
A < c OK
A >> d APPEND one {31+}\r\nSubject: other\r\n\r\nHello world\r\n\r\n
A < d OK
A >> e APPEND two {31+}\r\nSubject: other\r\n\r\nHello world\r\n\r\n
A < e OK
A > f ESEARCH IN (mailboxes (one two)) RETURN (ALL RELEVANCY) FUZZY TEXT "Helo"
A <all f OK
out * ESEARCH (TAG "f" MAILBOX one UIDVALIDITY *) UID ALL 1:2 RELEVANCY (100 44)
out * ESEARCH (TAG "f" MAILBOX two UIDVALIDITY *) UID ALL 1 RELEVANCY (44)
A > g SELECT one
A <... g OK
# both ends are two runs of one program
A > h SEARCH RETURN (MIN MAX) FUZZY TEXT "Helo"
A <= * ESEARCH (TAG "h") MIN 1 MAX 2
A < h OK
A > i SEARCH RETURN (UPDATE ALL) FUZZY TEXT "Helo"
A <all i OK
out * ESEARCH (TAG "i") ALL 1:2
out *NOUPDATE*
A > j NOOP
A < j OK

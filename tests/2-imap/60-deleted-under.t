# SPDX-License-Identifier: MIT
# RFC 9051 6.3.5, RFC 2180 3: a mailbox that another session deletes, renames or makes again while it is selected
A connect imap as bob
A > a CREATE box
A < a OK
A >> b APPEND box {14+}\r\nSubject: x\r\n\r\n\r\n
A < b OK [APPENDUID $validity 1]
A > c SELECT box
A <... c OK
B connect imap as bob
# renamed: the session goes on in it
B > a RENAME box moved
B < a OK
A > d FETCH 1 UID
A <... * 1 FETCH (UID 1)
A <... d OK
A >> e APPEND moved {14+}\r\nSubject: y\r\n\r\n\r\n
A <... e OK
A > f FETCH 2 UID
A <... * 2 FETCH (UID 2)
A <... f OK
# deleted and made again under the same name: the old session never shows the new mail
B > b DELETE moved
B < b OK
B > c CREATE moved
B < c OK
B >> d APPEND moved {14+}\r\nSubject: z\r\n\r\n\r\n
B < d OK [APPENDUID $other 1]
A > g UID FETCH 1:* BODY.PEEK[HEADER]
A < * BYE
A eof
C connect imap as bob in moved
C > a FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]
C < * 1 FETCH (BODY[HEADER.FIELDS (Subject)] {14}
C < Subject: z
C <... a OK
# its own session deletes it
C > b DELETE moved
C <all b OK
C > c NOOP
C <all c 
C > d LIST "" moved
C < d OK
# RFC 9051 6.4.1: CLOSE has nothing to expunge in one that is gone, and the session is in none afterwards
D connect imap as bob
D > a CREATE gone
D < a OK
D > b SELECT gone
D <... b OK
C > e DELETE gone
C < e OK
D > c CLOSE
D < c OK
D > d SEARCH ALL
D < d BAD
D > e SELECT INBOX
D < * FLAGS
D <... e OK

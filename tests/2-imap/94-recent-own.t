# SPDX-License-Identifier: MIT
# RFC 3501 2.3.2, 7.3.2: what a session adds is \Recent in it and in no other
A connect imap as bob
B connect imap as bob
A > a SELECT INBOX
A <... a OK
B > a SELECT INBOX
B <... a OK
A >> b APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
A < * 1 EXISTS
A < * 1 RECENT
A < b OK [APPENDUID * 1]
B > b NOOP
B < * 1 EXISTS
B < b OK
B > c FETCH 1 FLAGS
B < * 1 FETCH (FLAGS ())
B < c OK
# not selected there: the first that shows it has it
B >> d APPEND Archive {14+}\r\nSubject: y\r\n\r\n\r\n
B < d OK
A > c FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Recent))
A < c OK
A > d SELECT Archive
A <... d OK
A > e FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Recent))
A < e OK
# one that only looks claims nothing
B > e EXAMINE INBOX
B <... e OK
B >> f APPEND INBOX {14+}\r\nSubject: z\r\n\r\n\r\n
B < * 2 EXISTS
B < * 1 RECENT
B < f OK
A > f SELECT INBOX
A <... * 2 EXISTS
A < * 1 RECENT
A <... f OK
# several at once, and in place of another
A >> g APPEND INBOX {14+}\r\nSubject: x\r\n\r\n {14+}\r\nSubject: y\r\n\r\n\r\n
A < * 4 EXISTS
A < * 3 RECENT
A < g OK
A >> h REPLACE 1 INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
A < * OK [APPENDUID * 5]
A < * 1 EXPUNGE
A < * 4 EXISTS
A < * 4 RECENT
A < h OK
A > i SEARCH RECENT
A < * SEARCH 1 2 3 4
A < i OK
# what comes after its own from others is its too, as often as it looks
B >> g APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
B <... g OK
A > j NOOP
A <... * 5 EXISTS
A < * 5 RECENT
A < j OK
B >> h APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
B <... h OK
A > k NOOP
A < * 6 EXISTS
A < * 6 RECENT
A < k OK
# IMAP4rev2 has no \Recent: it leaves it to others
B > i UNSELECT
B < i OK
C connect imap as bob
C > a ENABLE IMAP4rev2
C <... a OK
C > b SELECT INBOX
C <... b OK
C >> c APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
C <... c OK
A > l NOOP
A < * 7 EXISTS
A < * 7 RECENT
A < l OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.5: BODY[...] sets \Seen and says so; BODY.PEEK, ENVELOPE and the header items of rev1 do not; RFC 3501 6.4.5: RFC822 forms
A connect imap as bob
repeat 5 A >> $i APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
repeat 5 A < $i OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 BODY[TEXT]
A < * 1 FETCH (*FLAGS (\Seen \Recent)*
A <... c OK
A > d FETCH 2 RFC822.HEADER
A < * 2 FETCH (RFC822.HEADER {14}
A < Subject: x
A <
A < )
A < d OK
A > e FETCH 3 RFC822
A < * 3 FETCH (*RFC822 {14}
A <... e OK
A > f FETCH 4 RFC822.TEXT
A < * 4 FETCH (*RFC822.TEXT *
A <... f OK
A > g FETCH 1:5 FLAGS
A < * 1 FETCH (FLAGS (\Seen \Recent))
A < * 2 FETCH (FLAGS (\Recent))
A < * 3 FETCH (FLAGS (\Seen \Recent))
A < * 4 FETCH (FLAGS (\Seen \Recent))
A < * 5 FETCH (FLAGS (\Recent))
A < g OK
# not where the mailbox is only examined
A > h EXAMINE INBOX
A <... h OK
A > i FETCH 5 BODY[]
A < * 5 FETCH (BODY[] {14}
A <... i OK
A > j FETCH 5 FLAGS
A < * 5 FETCH (FLAGS ())
A < j OK

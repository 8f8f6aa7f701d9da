# SPDX-License-Identifier: MIT
# RFC 3502 6.3.11, RFC 4315 3: several messages in one APPEND, all or none; the examples of 6.3.11
set imap max_message_size = 64K
cli account add dora@example.test --quota 5K < demo
A connect imap as dora
A > A000 CREATE saved-messages
A < A000 OK
A > A001 SELECT saved-messages
A <... A001 OK
A > A003 APPEND saved-messages (\Seen) {$size.meeting.eml}
A < + *
A bytes meeting.eml
A >  (\Seen $Label) " 7-Feb-1994 22:43:04 -0800" {$size.meeting-reply.eml}
A < + *
A bytes meeting-reply.eml
A >
A < * 2 EXISTS
A <... A003 OK [APPENDUID $validity 1:2]
A > A004 FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE)
A < * 1 FETCH (UID 1 FLAGS (\Seen \Recent) INTERNALDATE "* +0000" RFC822.SIZE $size.meeting.eml)
A < * 2 FETCH (UID 2 FLAGS (\Seen $Label \Recent) INTERNALDATE " 8-Feb-1994 06:43:04 +0000" RFC822.SIZE $size.meeting-reply.eml)
A < A004 OK
A > A005 FETCH 2 BODY.PEEK[]
A < * 2 FETCH (BODY[] {$size.meeting-reply.eml}
A <bytes $size.meeting-reply.eml = meeting-reply.eml
A < )
A < A005 OK
A > A006 APPEND bogusname (\Flagged) {1023}
A < A006 NO [TRYCREATE]
# literals of all kinds, without waiting
A > A007 APPEND {14+}
A >> saved-messages (\\Flagged) {$size.meeting.eml+}\r\n
A bytes meeting.eml
A >>  ~{$size.8bit.eml+}\r\n
A bytes 8bit.eml
A >>  "01-Jan-2020 00:00:00 +0000" {$size.meeting-reply.eml+}\r\n
A bytes meeting-reply.eml
A >
A < * 5 EXISTS
A <... A007 OK [APPENDUID $validity 3:5]
# no partial appending: the last is too large for the quota
A > A008 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >>  (\\Flagged) {$size.meeting-reply.eml+}\r\n
A bytes meeting-reply.eml
A >>  {4000+}\r\n
repeat 50 A > 012345678901234567890123456789012345678901234567890123456789012345678901234567
A >
A < A008 NO [OVERQUOTA]
# ... or for the server, which says so before it comes
A > A009 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >  {65537}
A < A009 NO [TOOBIG]
A > A010 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >  {65537+}
repeat 1024 A >> 0123456789012345678901234567890123456789012345678901234567890123
A >> 0\r\n
A < A010 NO [TOOBIG]
# an empty message cancels all
A > A011 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >>  {0+}\r\n\r\n
A < A011 NO
# what comes after the messages must be messages
A > A012 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >  (\Seen)
A < A012 BAD
A > A013 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >> {3+}\r\nabc\r\n
A < A013 BAD
A > A014 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >>  (\\Recent) {3+}\r\nabc\r\n
A < A014 BAD
# RFC 9051 4.3.1: NUL in one of them
A > A015 APPEND saved-messages {$size.meeting.eml+}
A bytes meeting.eml
A >>  {3+}\r\na\0c ~{3+}\r\na\0c\r\n
A < A015 BAD
A > A016 STATUS saved-messages (MESSAGES)
A < * STATUS saved-messages (MESSAGES 5)
A < A016 OK
A > A017 CAPABILITY
A < * CAPABILITY *MULTIAPPEND*
A < A017 OK
# a commit that fails leaves none of them
fail commit 1
A > A018 APPEND saved-messages {3+}
A >> abc {3+}\r\nabc\r\n
A < A018 NO
A > A019 APPEND saved-messages {3+}
A >> abc {3+}\r\nabc\r\n
A < * 7 EXISTS
A <... A019 OK [APPENDUID $validity 6:7]
mails dora 7

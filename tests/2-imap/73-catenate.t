# SPDX-License-Identifier: MIT
# RFC 4469 3, 4, appendix A; RFC 5550 5.7.1; RFC 8508 4.2: messages made of literals and of parts of other messages
set imap max_message_size = 64K
A connect imap as bob in Drafts
A > A000 CAPABILITY
A < * CAPABILITY *CATENATE URL-PARTIAL*
A < A000 OK
# UIDs as in the examples: the draft is 20, the newer attachment 30
repeat 19 A >> A001 APPEND Drafts {1+}\r\n.\r\n
repeat 19 A <... A001 OK
A > A002 APPEND Drafts {$size.draft.eml+}
A bytes draft.eml
A >
A <... A002 OK [APPENDUID $validity 20]
repeat 9 A >> A003 APPEND Drafts {1+}\r\n.\r\n
repeat 9 A <... A003 OK
A > A004 APPEND Drafts {$size.simple.eml+}
A bytes simple.eml
A >
A <... A004 OK [APPENDUID $validity 30]
# Example 1: another attachment, without download
A > A005 APPEND Drafts (\Seen \Draft $MDNSent) CATENATE (URL "/Drafts;UIDVALIDITY=$validity/;UID=20/;section=HEADER" TEXT {42}
A < +
A >> \r\n--------------030308070208000400050907\r\n
A >>  URL "/Drafts;UIDVALIDITY=$validity/;UID=20/;section=1.MIME"
A >>  URL "/Drafts;UIDVALIDITY=$validity/;UID=20/;section=1" TEXT {42}\r\n
A < +
A >> \r\n--------------030308070208000400050907\r\n
A >>  URL "/Drafts;UIDVALIDITY=$validity/;UID=30" TEXT {44}\r\n
A < +
A >> \r\n--------------030308070208000400050907--\r\n)\r\n
A < * 31 EXISTS
A <... A005 OK [APPENDUID $validity 31]
A > A006 FETCH 31 (FLAGS BODYSTRUCTURE)
A < * 31 FETCH (FLAGS (\Seen \Draft $MDNSent \Recent) BODYSTRUCTURE (("text" "plain" ("charset" "us-ascii" "format" "flowed") NIL NIL "7bit" 39 0 NIL NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 87 6 NIL NIL NIL NIL) "mixed" ("boundary" "------------030308070208000400050907") NIL NIL NIL))
A < A006 OK
# 3: the octets as FETCH has them, and \Seen is not set
A > A007 FETCH 20 FLAGS
A < * 20 FETCH (FLAGS (\Recent))
A < A007 OK
# Example 4: the URL that names nothing is told, and nothing is added
A > A010 APPEND Sent (\Seen $MDNSent) CATENATE (TEXT {4+}
A >> a: b URL "/Drafts;UIDVALIDITY=$validity/;UID=1" URL "/Drafts;UIDVALIDITY=$validity/;UID=113330/;section=1.5.9" TEXT {1+}\r\nx)\r\n
A < A010 NO [BADURL "/Drafts;UIDVALIDITY=$validity/;UID=113330/;section=1.5.9"]
A > A011 STATUS Sent (MESSAGES)
A < * STATUS Sent (MESSAGES 0)
A < A011 OK
# other reasons: stale, no such section, no such mailbox, other servers, other users, more than a message
A >> A012 APPEND Sent CATENATE (URL "/Drafts;UIDVALIDITY=1/;UID=20")\r\n
A < A012 NO [BADURL "/Drafts;UIDVALIDITY=1/;UID=20"]
A >> A013 APPEND Sent CATENATE (URL "/Drafts/;UID=20/;SECTION=3")\r\n
A < A013 NO [BADURL
A >> A014 APPEND Sent CATENATE (URL "/nowhere/;UID=20")\r\n
A < A014 NO [BADURL
A >> A015 APPEND Sent CATENATE (URL "imap://bob@localhost/Drafts/;UID=20")\r\n
A < A015 NO [BADURL
A >> A016 APPEND Sent CATENATE (URL "//localhost/Drafts/;UID=20")\r\n
A < A016 NO [BADURL
A >> A017 APPEND Sent CATENATE (URL "/Drafts")\r\n
A < A017 NO [BADURL "/Drafts"]
A >> A018 APPEND Sent CATENATE (URL {7+}\r\n]"x\r\ny])\r\n
A <= A018 NO [BADURL "%5D%22x%0D%0Ay%5D"] a URL names nothing that is here
A >> A019 APPEND Sent CATENATE (URL "/Drafts/;UID=20;URLAUTH=anonymous:INTERNAL:00")\r\n
A < A019 NO [BADURL
# RFC 5092 7.2, 9.1
A >> A020 APPEND Sent CATENATE (URL "Drafts/;UID=20")\r\n
A < A020 NO [BADURL
A >> A021 APPEND Sent CATENATE (URL ";UID=20/;SECTION=2")\r\n
A < A021 OK
# RFC 5550 5.7.1: PARTIAL; names in UTF-8, percent-encoded; literals as URLs; several messages
A > A022 CREATE "Entw&APw-rfe"
A < A022 OK
A >> A023 APPEND Entw&APw-rfe {26+}\r\nabcdefghijklmnopqrstuvwxyz\r\n
A < A023 OK
A >> A024 APPEND Sent (\\Seen) CATENATE (URL "/Entw%C3%BCrfe/;UID=1/;PARTIAL=3.4" TEXT {1+}\r\n- URL {37}\r\n
A < +
A >> /Entw%C3%BCrfe/;UID=1/;PARTIAL=23.100 URL "/Entw%C3%BCrfe/;UID=1/;PARTIAL=99") "01-Jan-2020 00:00:00 +0000" {3+}\r\n123 CATENATE (URL "/Entw%C3%BCrfe/;UID=1/;PARTIAL=24")\r\n
A < A024 OK [APPENDUID $sent 2:4]
A > A025 EXAMINE Sent
A <... A025 OK
A > A026 FETCH 2:4 BODY.PEEK[]
A <= * 2 FETCH (BODY[] {8}
A <= defg-xyz)
A <= * 3 FETCH (BODY[] {3}
A <= 123)
A <= * 4 FETCH (BODY[] {2}
A <= yz)
A < A026 OK
# header fields
A >> A027 APPEND Sent CATENATE (URL "/Drafts/;UID=20/;section=HEADER.FIELDS%20(Subject%20To)" URL "/Drafts/;UID=20/;section=1/;partial=0.10")\r\n
A < * 5 EXISTS
A <... A027 OK
A > A028 FETCH 5 BODY.PEEK[]
A < * 5 FETCH (BODY[] {*}
A <= To: foo@example.net
A <= Subject: About our holiday trip
A <=
A <= Our travel)
A < A028 OK
# 4.2: too large together; NUL; nothing at all
A >> A029 APPEND Sent CATENATE (TEXT {60000+}\r\n
repeat 6000 A >> 0123456789
A >>  TEXT {6000}\r\n
A < A029 NO [TOOBIG]
A >> A030 APPEND Sent CATENATE (TEXT {3+}\r\na\0b)\r\n
A < A030 BAD
A >> A031 APPEND Sent CATENATE (TEXT ~{3+}\r\na\0b)\r\n
A <... A031 OK
A >> A032 APPEND Sent CATENATE (URL "/Entw%C3%BCrfe/;UID=1/;PARTIAL=99")\r\n
A < A032 NO
A >> A033 APPEND Sent CATENATE ()\r\n
A < A033 BAD
A >> A034 APPEND Sent CATENATE (TEXT {1+}\r\nx\r\n
A < A034 BAD
A >> A035 APPEND Sent CATENATE (TEXT {1+}\r\nx  URL "/Drafts/;UID=20")\r\n
A < A035 BAD
A >> A036 APPEND nowhere CATENATE (URL "/Drafts/;UID=20")\r\n
A < A036 NO [TRYCREATE]
# RFC 8508 4.2: a draft gets its header
A > A037 SELECT Drafts
A <... A037 OK
A > A038 UID REPLACE 20 Drafts CATENATE (TEXT {71}
A < +
A >> To: Mitzy <miss.mitzy@example.org>\r\nSubject: My view of the fireworks\r\n URL "/Drafts/;UID=20")\r\n
A < * OK [APPENDUID $validity 32] *
A < * 20 EXPUNGE
A < * 31 EXISTS
A <... A038 OK
A > A039 FETCH 31 BODY.PEEK[HEADER.FIELDS (To Subject)]
A < * 31 FETCH (*
A < To: Mitzy <miss.mitzy@example.org>
A < Subject: My view of the fireworks
A < To: foo@example.net
A < Subject: About our holiday trip
A <... A039 OK

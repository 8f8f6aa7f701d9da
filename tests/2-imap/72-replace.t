# SPDX-License-Identifier: MIT
# RFC 8508 3.2, 3.3, 3.4: REPLACE and UID REPLACE with the examples of the RFC; atomic, net of quota, and what is refused
cli account add dora@example.test --quota-messages 5 < demo
A connect imap as dora
A > A000 SELECT Drafts
A <... A000 OK
A > A001 APPEND Drafts (\Draft) {3+}
A >> 1\r\n {3+}\r\n2\r\n {3+}\r\n3\r\n {3+}\r\n4\r\n\r\n
A <... A001 OK [APPENDUID $validity 1:4]
B connect imap as dora
B > b1 SELECT Drafts
B <... b1 OK
B > b2 IDLE
B < +
A > A003 REPLACE 4 Drafts (\Seen \Draft) {$size.fireworks.eml}
A < +
A bytes fireworks.eml
A >
A <= * OK [APPENDUID $validity 5] replacement is there
A <= * 4 EXPUNGE
A <= * 4 EXISTS
A <... A003 OK
B <= * 4 EXPUNGE
B <= * 4 EXISTS
A > A004 UID REPLACE 5 Drafts (\Seen \Draft) {$size.fireworks-2.eml}
A < +
A bytes fireworks-2.eml
A >
A <= * OK [APPENDUID $validity 6] replacement is there
A <= * 4 EXPUNGE
A <= * 4 EXISTS
A <... A004 OK
A > A005a SEARCH SEEN DRAFT
A <= * SEARCH 4
A < A005a OK
A > A005 FETCH 4 (UID BODY.PEEK[])
A < * 4 FETCH (UID 6 BODY[] {$size.fireworks-2.eml}
A <bytes $size.fireworks-2.eml = fireworks-2.eml
A < )
A < A005 OK
# 3.4: into another mailbox; nothing is inherited
A > A006 REPLACE 1 Sent {$size.fireworks.eml+}
A bytes fireworks.eml
A >
A < * OK [APPENDUID $sent 1]
A < * 1 EXPUNGE
A <... A006 OK
A > A007 STATUS Sent (MESSAGES UNSEEN)
A < * STATUS Sent (MESSAGES 1 UNSEEN 1)
A < A007 OK
# the quota sees the difference only: five are there, and five may be
A > A008 APPEND Sent {3+}
A >> 5\r\n\r\n
A < A008 OK
A > A009 APPEND Sent {3+}
A >> 6\r\n\r\n
A < A009 NO [OVERQUOTA]
A > A010 REPLACE 1 Sent {$size.fireworks.eml+}
A bytes fireworks.eml
A >
A < * OK [APPENDUID $sent 3]
A < * 1 EXPUNGE
A <... A010 OK
A > A011 REPLACE 1 Drafts {$size.fireworks.eml+}
A bytes fireworks.eml
A >
A < * OK [APPENDUID $validity 7]
A <... A011 OK
cli account quota dora@example.test --quota 1
# smaller than what goes: fits however full it is
A > A012 REPLACE 2 Drafts {4+}
A >> a: b\r\n
A < * OK [APPENDUID $validity 8]
A <... A012 OK
A > A013 REPLACE 2 Drafts {900+}
repeat 90 A >> 0123456789
A >
A < A013 NO [OVERQUOTA]
cli account quota dora@example.test --quota 0 --quota-messages 0
# refused: nothing changes
A > A014 REPLACE 3 Drafts {3+}
A >> abc\r\n
A < A014 BAD
A > A015 UID REPLACE 5 Drafts {3+}
A >> abc\r\n
A < A015 NO [NONEXISTENT]
A > A016 REPLACE 1 nowhere {3}
A < A016 NO [TRYCREATE]
A > A017 REPLACE 1:2 Drafts {3+}
A >> abc\r\n
A < A017 BAD
A > A018 REPLACE 1 Drafts {3+}
A >> abc {3+}\r\nabc\r\n
A < A018 BAD
A > A019 REPLACE 1 Drafts {0+}
A >> \r\n
A < A019 NO
A > A020 REPLACE 1 Drafts {99999999999}
A < A020 NO [TOOBIG]
fail commit 1
A > A021 REPLACE 1 Drafts {3+}
A >> abc\r\n
A < A021 NO
A > A022 FETCH 1:* (UID)
A < * 1 FETCH (UID 6)
A < * 2 FETCH (UID 8)
A < A022 OK
# "*" is the last; CONDSTORE: RFC 8508 4.5
A > A023 ENABLE CONDSTORE
A <... A023 OK
A > A024 REPLACE * Drafts {3+}
A >> abc\r\n
A < * OK [APPENDUID $validity 9]
A <... A024 OK [HIGHESTMODSEQ $modseq]
A > A025 STATUS Drafts (MESSAGES HIGHESTMODSEQ)
A < * STATUS Drafts (MESSAGES 2 HIGHESTMODSEQ $modseq)
A < A025 OK
# somebody else has removed it, which this client does not know yet
B <... * 2 EXISTS
B > DONE
B <... b2 OK
B > b3 STORE 1 +FLAGS.SILENT (\Deleted)
B <... b3 OK
B > b4 EXPUNGE
B <... b4 OK
A > A026 REPLACE 1 Drafts {3+}
A >> abc\r\n
A <... A026 NO [EXPUNGEISSUED]
A > A027 EXAMINE Drafts
A <... A027 OK
A > A028 REPLACE 1 Drafts {3}
A < A028 NO [NOPERM]
A > A029 UNSELECT
A < A029 OK
A > A030 REPLACE 1 Drafts {3+}
A >> abc\r\n
A < A030 BAD
A > A031 CAPABILITY
A < * CAPABILITY *REPLACE*
A < A031 OK

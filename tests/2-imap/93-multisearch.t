# SPDX-License-Identifier: MIT
# RFC 7377: ESEARCH in all scopes, in both states
deliver simple.eml bob
deliver simple.eml bob
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * MULTISEARCH
A < a OK
A > b CREATE folder1
A < b OK
A > b CREATE folder2/banana
A < b OK
A > b CREATE folder2/banana/deep
A < b OK
A > b CREATE folder2/peach
A < b OK
A > b CREATE folder22
A < b OK
A >> b2 APPEND folder1 {22+}\r\nSubject: chad\r\n\r\none\r\n\r\n
A <... b2 OK
A >> b3 APPEND folder1 (\\Seen) {22+}\r\nSubject: chad\r\n\r\ntwo\r\n\r\n
A <... b3 OK
A >> b4 APPEND folder2/banana {22+}\r\nSubject: chad\r\n\r\none\r\n\r\n
A <... b4 OK
A >> b5 APPEND folder2/banana/deep ($word) {22+}\r\nSubject: chad\r\n\r\none\r\n\r\n
A <... b5 OK
A >> b6 APPEND folder22 (other $word) {22+}\r\nSubject: chad\r\n\r\none\r\n\r\n
A <... b6 OK
# 3: the first example; one response for each mailbox that has a match, none for the others
A > tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen
A < * ESEARCH (TAG "tag1" MAILBOX folder1 UIDVALIDITY $v1) UID ALL 1
A < * ESEARCH (TAG "tag1" MAILBOX folder2/banana UIDVALIDITY $v2) UID ALL 1
A < * ESEARCH (TAG "tag1" MAILBOX folder2/banana/deep UIDVALIDITY $v3) UID ALL 1
A < tag1 OK
A > tag2 ESEARCH IN (mailboxes "folder1" subtree-one "folder2") subject "chad"
A <= * ESEARCH (TAG "tag2" MAILBOX folder1 UIDVALIDITY $v1) UID ALL 1:2
A <= * ESEARCH (TAG "tag2" MAILBOX folder2/banana UIDVALIDITY $v2) UID ALL 1
A < tag2 OK
# no match in COUNT, MIN, MAX either; names that do not exist, or cannot be, are silent
A > c ESEARCH IN (mailboxes (folder1 folder2/peach nothing "a//b" folder1)) RETURN (COUNT MIN MAX) ALL
A <= * ESEARCH (TAG "c" MAILBOX folder1 UIDVALIDITY $v1) UID MIN 1 MAX 2 COUNT 2
A < c OK
A > c1 ESEARCH IN (mailboxes nothing) ALL
A < c1 OK
# no wildcards; folder22 is not below folder2
A > c2 ESEARCH IN (mailboxes "*" subtree "folder%") ALL
A < c2 OK
# keywords and numbers mean something else in each mailbox
A > d ESEARCH IN (personal) RETURN (ALL) KEYWORD $word
A < * ESEARCH (TAG "d" MAILBOX folder2/banana/deep *
A < * ESEARCH (TAG "d" MAILBOX folder22 *
A < d OK
A > d1 ESEARCH IN (inboxes) RETURN (COUNT) UID 2:* SEEN
A <= * ESEARCH (TAG "d1" MAILBOX folder1 UIDVALIDITY $v1) UID COUNT 1
A < d1 OK
A > d2 ESEARCH IN (personal) RETURN (PARTIAL 2:5) 1:*
A < * ESEARCH (TAG "d2" MAILBOX INBOX UIDVALIDITY *) UID PARTIAL (2:5 2)
A <= * ESEARCH (TAG "d2" MAILBOX folder1 UIDVALIDITY $v1) UID PARTIAL (2:5 2)
A <... d2 OK
A > d3 ESEARCH IN (mailboxes folder1) RETURN (MAX) MODSEQ 1
A < * ESEARCH (TAG "d3" MAILBOX folder1 UIDVALIDITY $v1) UID MAX 2 MODSEQ *
A < d3 OK
A > e SUBSCRIBE folder2/banana
A < e OK
A > e1 SUBSCRIBE folder2
A < e1 OK
A > e2 ESEARCH IN (subscribed) ALL
A < * ESEARCH (TAG "e2" MAILBOX INBOX *
A < * ESEARCH (TAG "e2" MAILBOX folder2/banana *
A < e2 OK
# without a selected mailbox
A > f ESEARCH UNSEEN
A < f BAD
A > f1 ESEARCH IN (selected mailboxes folder1) UNSEEN
A < f1 BAD
A > f2 ESEARCH IN (mailboxes folder1) RETURN (UPDATE) UNSEEN
A < f2 BAD
A > f3 ESEARCH IN (mailboxes folder1) RETURN (SAVE) UNSEEN
A < f3 BAD
# with one: the default is it, and every response says all three
A > g SELECT folder1
A <... g OK
A > g1 ESEARCH UNSEEN
A <= * ESEARCH (TAG "g1" MAILBOX folder1 UIDVALIDITY $v1) UID ALL 1
A < g1 OK
A > g2 ESEARCH IN (selected) RETURN (SAVE) ALL
A < g2 OK
A > g3 UID SEARCH $
A < * SEARCH 1 2
A < g3 OK
A > g4 ESEARCH IN (selected mailboxes folder2/banana) RETURN (SAVE) ALL
A < g4 BAD
# $ is of the selected mailbox alone
A > g5 ESEARCH IN (personal) $ UNSEEN
A <= * ESEARCH (TAG "g5" MAILBOX folder1 UIDVALIDITY $v1) UID ALL 1
A < g5 OK
# it stays selected; UPDATE is about it (2.2)
A > h ESEARCH IN (personal) RETURN (UPDATE COUNT) FLAGGED
A < h OK
A > h1 UID STORE 2 +FLAGS.SILENT (\Flagged)
A < * 2 FETCH
A <= * ESEARCH (TAG "h" MAILBOX folder1 UIDVALIDITY $v1) UID ADDTO (0 2)
A < h1 OK
A > h2 ESEARCH IN (mailboxes folder22) RETURN (UPDATE COUNT) ALL
A < * ESEARCH (TAG "h2" MAILBOX folder22 *
A < * NO [NOUPDATE "h2"]
A < h2 OK
# a renamed one is found under its new name
A > i RENAME folder1 Entw&APw-rfe
A < i OK
A > i1 ESEARCH IN (selected) ALL
A <= * ESEARCH (TAG "i1" MAILBOX "Entw&APw-rfe" UIDVALIDITY $v1) UID ALL 1:2
A < i1 OK
# the grammar
A > j ESEARCH IN () ALL
A < j BAD
A > j1 ESEARCH IN (selected-delayed) ALL
A < j1 BAD
A > j2 ESEARCH IN (mailboxes) ALL
A < j2 BAD
A > j3 ESEARCH IN (personal (option 1)) ALL
A < j3 BAD
A > j4 ESEARCH IN (personal)
A < j4 BAD
A > j5 ESEARCH IN (personal) RETURN () UNSEEN NOTHING
A < j5 BAD
A > j6 ESEARCH IN (personal) CHARSET X-NOPE ALL
A < j6 NO [BADCHARSET (UTF-8)]
# UIDONLY: no message numbers
A > k ENABLE UIDONLY
A <... k OK
A > k1 ESEARCH IN (personal) 1:2
A < k1 BAD [UIDREQUIRED]
A > k2 ESEARCH IN (selected) UID 1
A < * ESEARCH (TAG "k2" MAILBOX "Entw&APw-rfe" *
A < k2 OK

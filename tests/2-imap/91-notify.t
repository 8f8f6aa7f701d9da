# SPDX-License-Identifier: MIT
# RFC 5465: NOTIFY, with the examples of the RFC. Those that its grammar does not allow (events without
# parentheses, MessageNew alone) are written as the grammar wants them; as they stand there they are BAD.
A connect imap as bob
A > a ENABLE IMAP4rev2
A <... a OK
B connect imap as bob
B > a CREATE Lists/Lemonade
B < a OK
B > b CREATE Lists/Im2000
B < b OK
B > c CREATE misc
B < c OK
# 3.1
A > b notify set status (selected MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge) (subtree Lists MessageNew)
A < b BAD
A > b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))
A < * STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *)
A < * STATUS Lists/Im2000 (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *)
A < * STATUS Lists/Lemonade (MESSAGES 0 UIDNEXT 1 UIDVALIDITY *)
A < b OK
A > c SELECT INBOX
A <... c OK
B >> e APPEND Lists/Lemonade {8+}\r\nA: b\r\n\r\n\r\n
B < e OK
A < * STATUS Lists/Lemonade (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *)
deliver simple.eml bob
A < * 1 EXISTS
A < * 1 FETCH (UID 1 BODY[HEADER.FIELDS (from to subject)] {
A <... )
A > d STATUS misc (UIDVALIDITY UIDNEXT MESSAGES)
A < * STATUS misc
A < d OK
A > e notify set (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge)) (mailboxes misc (MessageNew MessageExpunge))
A < e OK
B >> f APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B < f OK
A < * STATUS misc (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *)
# 5.1: flags that were not asked for are not told (but which there are); a mailbox that was not asked for neither
B > g SELECT INBOX
B <... g OK
B > h STORE 1 +FLAGS ($Junk)
B <... h OK
B >> i APPEND Drafts {8+}\r\nA: b\r\n\r\n\r\n
B < i OK
A < * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk)
A < * OK [PERMANENTFLAGS
A silent 100
# 5.1 to 5.3 in the selected mailbox
A > f NOTIFY SET (selected (MessageNew (uid) MessageExpunge FlagChange)) (mailboxes (misc Lists/Lemonade) (MessageNew MessageExpunge FlagChange))
A <... f OK
B > j STORE 1 FLAGS ($Junk)
B <... j OK
B > k STORE 1 +FLAGS (\Seen)
B <... k OK
A < * 1 FETCH (UID 1 FLAGS (\Seen $Junk))
B > l COPY 1 INBOX
B <... l OK
A < * 2 EXISTS
A < * 2 FETCH (UID 2)
B > m STORE 1 +FLAGS.SILENT (\Deleted)
B < m OK
A < * 1 FETCH (UID 1 FLAGS (\Deleted \Seen $Junk))
B > n EXPUNGE
B <... n OK
A < * 1 EXPUNGE
# and in another one
B > o SELECT misc
B <... o OK
B > p STORE 1 +FLAGS (\Seen)
B <... p OK
A < * STATUS misc (UIDVALIDITY * UNSEEN 0)
B > q STORE 1 +FLAGS.SILENT (\Deleted)
B < q OK
A < * STATUS misc (UIDVALIDITY * UNSEEN 0)
B > r EXPUNGE
B <... r OK
A < * STATUS misc (MESSAGES 0 UIDNEXT 2 UIDVALIDITY * UNSEEN 0)
# its own changes are no news (5), but for what its view needs; what it appends is not fetched
A >> g APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
A < g OK
A >> h APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
A < * 2 EXISTS
A < h OK
A silent 100
A > i NOTIFY NONE
A < i OK
B >> s APPEND misc {8+}\r\nA: b\r\n\r\n\r\n
B <... s OK
B >> t APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B < t OK
A > j NOOP
A < j OK
A > k NOTIFY SET (selected (MessageNew MessageExpunge))
A < * 3 EXISTS
A < k OK
# NOTIFY SET is a NOOP as well (3.1): what it makes an end of is told first, flags too
A > l NOTIFY SET (personal (MailboxName))
A < l OK
B > u SELECT INBOX
B <... u OK
B > v STORE 1 FLAGS.SILENT (\Deleted)
B < v OK
A > m NOOP
A < m OK
A silent 100
A > n NOTIFY SET (personal (MailboxName))
A < * 1 FETCH (UID 2 FLAGS (\Deleted))
A < n OK
# nothing is wanted of the selected mailbox: a snapshot, until the client itself changes something
B > w EXPUNGE
B <... w OK
B >> x APPEND INBOX {8+}\r\nA: b\r\n\r\n\r\n
B <... x OK
A > o FETCH 1:* UID
A < * 1 FETCH (UID 2)
A < * 2 FETCH (UID 3)
A < * 3 FETCH (UID 4)
A < o OK
A > p UID STORE 3 +FLAGS (\Flagged)
A < * 2 FETCH (UID 3 FLAGS (\Flagged*))
A < * 1 EXPUNGE
A < * 3 EXISTS
A < p OK
A > q UID STORE 3 -FLAGS.SILENT (\Flagged)
A < q OK
A > r FETCH 1 FLAGS
A < * 1 FETCH (FLAGS ())
A < r OK
B > y DELETE misc
B <... y OK
A < * LIST (\NonExistent \HasNoChildren) "/" misc

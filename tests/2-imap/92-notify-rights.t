# SPDX-License-Identifier: MIT
# RFC 5465 with RFC 4314: who may not read the selected mailbox any more learns that at once, under NOTIFY, in IDLE and with a kept search; nothing of it is told after
deliver simple.eml alice
A connect imap as alice in INBOX
A > a SETACL INBOX bob@example.test lr
A < a OK
N connect imap as bob
N > a SELECT "Other Users/alice@example.test/INBOX"
N <... a OK
N > b SEARCH RETURN (UPDATE COUNT) ALL
N <... b OK
N > c NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange))
N < c OK
I connect imap as bob
I > a SELECT "Other Users/alice@example.test/INBOX"
I <... a OK
I > b NOTIFY SET (personal (MessageNew MessageExpunge)) (mailboxes "Other Users/alice@example.test/INBOX" (MessageNew MessageExpunge MailboxName SubscriptionChange MailboxMetadataChange))
I < b OK
I > c IDLE
I < +
O connect imap as bob
O > a NOTIFY SET STATUS (subscribed (MessageNew MessageExpunge MailboxName)) (subtree "Other Users" (MessageNew MessageExpunge MailboxName)) (mailboxes "Other Users/alice@example.test/INBOX" (MessageNew MessageExpunge MailboxName))
O <all a OK
out * STATUS "Other Users/alice@example.test/INBOX" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *)
# what comes while it may be read
deliver simple.eml alice
N < * 2 EXISTS
N < * 1 RECENT
N <= * ESEARCH (TAG "b") ADDTO (0 2)
N <= * 2 FETCH (UID 2)
O < * STATUS "Other Users/alice@example.test/INBOX" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY *)
A > b NOOP
A <... b OK
A > c DELETEACL INBOX bob@example.test
A < c OK
N < * BYE
N eof
I < * BYE
I eof
O < * LIST (\NoAccess \NonExistent \HasNoChildren) "/" "Other Users/alice@example.test/INBOX"
O < * LIST (\NonExistent \HasNoChildren) "/" "Other Users/alice@example.test"
deliver simple.eml alice
O > b NOOP
O < b OK

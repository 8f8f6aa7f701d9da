# SPDX-License-Identifier: MIT
# RFC 5465 3.1, 5, 6.1, 8: what NOTIFY refuses
set imap max_errors = 100
A connect imap
A < * OK
A > a NOTIFY NONE
A < a BAD
A > a LOGIN bob@example.test demo
A <... a OK * NOTIFY * 
A > b NOTIFY
A < b BAD
A > b NOTIFY NONE x
A < b BAD
A > b NOTIFY SET
A < b BAD
A > b NOTIFY SET STATUS
A < b BAD
A > b NOTIFY SET (personal)
A < b BAD
A > b NOTIFY SET (personal ())
A < b BAD
A > b NOTIFY SET (everywhere NONE)
A < b BAD
A > b NOTIFY SET (personal NONE) (
A < b BAD
A > b NOTIFY SET (subtree NONE)
A < b BAD
A > b NOTIFY SET (mailboxes () NONE)
A < b BAD
# 5: together or not at all; flags not without them
A > b NOTIFY SET (personal (MessageNew))
A < b BAD
A > b NOTIFY SET (personal (MessageExpunge MailboxName))
A < b BAD
A > b NOTIFY SET (personal (FlagChange))
A < b BAD
A > b NOTIFY SET (selected (MessageNew FlagChange))
A < b BAD
A > b NOTIFY SET (personal (AnnotationChange))
A < b BAD
A > b NOTIFY SET (selected (MessageNew MessageExpunge) AnnotationChange)
A < b BAD
# 6.1: the selected mailbox once, and only for what happens to messages
A > b NOTIFY SET (selected NONE) (selected-delayed NONE)
A < b BAD
A > b NOTIFY SET (selected (MessageNew MessageExpunge MailboxName))
A < b BAD
A > b NOTIFY SET (selected-delayed (ServerMetadataChange))
A < b BAD
# 8: attributes for the selected mailbox only; no macro, no modifier
A > b NOTIFY SET (personal (MessageNew (UID) MessageExpunge))
A < b BAD
A > b NOTIFY SET (selected (MessageNew () MessageExpunge))
A < b BAD
A > b NOTIFY SET (selected (MessageNew (ALL) MessageExpunge))
A < b BAD
A > b NOTIFY SET (selected (MessageNew (UID) (CHANGEDSINCE 1) MessageExpunge))
A < b BAD
# an event that is not supported
A > b NOTIFY SET (personal (MessageNew MessageExpunge x-future))
A < b NO [BADEVENT (MessageNew MessageExpunge FlagChange AnnotationChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)]
A > b NOTIFY SET STATUS (selected NONE) (personal (x-future))
A < b NO [BADEVENT (
# too much
A > b NOTIFY SET (mailboxes (abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz) NONE)
A < b OK
# what was refused has changed nothing: what the last good one asked for is still told
A > c NOTIFY SET (mailboxes misc (MailboxName))
A < c OK
A > d NOTIFY SET (personal (MessageNew))
A < d BAD
A > d NOTIFY SET (personal (x-future))
A < d NO
B connect imap as bob
B > a CREATE misc
B < a OK
A < * LIST (\HasNoChildren) "/" misc
# any case; names that do not exist, or cannot
A > e notify SET status (PERSONAL none) (Mailboxes ("" "//" "nothing") (messageNEW MESSAGEexpunge)) (inboxes (messagenew messageexpunge))
A < * STATUS INBOX
A < e OK

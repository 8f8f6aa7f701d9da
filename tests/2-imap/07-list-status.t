# SPDX-License-Identifier: MIT
# RFC 5819 2, RFC 9051 6.3.9.5: LIST with the STATUS of each mailbox
deliver simple.eml bob
A connect imap as bob
A > a CREATE up/down
A < a OK
A > b LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
A <all b OK
out * LIST (*) "/" INBOX
out * STATUS INBOX (MESSAGES 1 UNSEEN 1)
out * STATUS Sent (MESSAGES 0 UNSEEN 0)
out! * STATUS up/down*
A > c LIST (SUBSCRIBED) "" * RETURN (STATUS (SIZE DELETED) CHILDREN)
A <all c OK
out * STATUS INBOX (*DELETED 0*)
A > d LIST "" % RETURN (STATUS)
A < d BAD

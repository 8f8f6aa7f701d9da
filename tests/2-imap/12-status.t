# SPDX-License-Identifier: MIT
# RFC 9051 6.3.11, 7.3.4, RFC 3501 6.3.10: every item of STATUS, also of the selected mailbox
deliver simple.eml bob
A connect imap as bob
A >> a APPEND INBOX (\Seen \Deleted) {14+}\r\nSubject: x\r\n\r\n\r\n
A < a OK [APPENDUID $validity 2]
A > b STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED)
A <= * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY $validity UNSEEN 1 DELETED 1)
A < b OK
A > c STATUS INBOX (SIZE RECENT HIGHESTMODSEQ)
A < * STATUS INBOX (SIZE * RECENT 2 HIGHESTMODSEQ *)
A < c OK
A > d STATUS nothing (MESSAGES)
A < d NO [NONEXISTENT]
A > e STATUS INBOX ()
A < e BAD
A > f STATUS INBOX MESSAGES
A < f BAD
A > g STATUS INBOX (FROBNICATE)
A < g BAD
A > h SELECT INBOX
A <... h OK
A > i STATUS inbox (messages unseen)
A < * STATUS INBOX (MESSAGES 2 UNSEEN 1)
A < i OK

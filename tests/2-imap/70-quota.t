# SPDX-License-Identifier: MIT
# RFC 9208 4.1, 4.2: GETQUOTA and GETQUOTAROOT for users, SETQUOTA for administrators; the examples of 4.1.3 and 4.1.4 with our root
set imap quota_admins = bob@example.test
cli account add dora@example.test --quota 3K --quota-messages 4 --quota-mailboxes 8 < demo
A connect imap
A < * OK
A > a LOGIN dora@example.test demo
A <all a OK
out a OK [CAPABILITY * QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE QUOTA=RES-MAILBOX *
out! a OK [CAPABILITY *QUOTASET*
A > b GETQUOTAROOT INBOX
A <= * QUOTAROOT INBOX "#user/dora@example.test"
A <= * QUOTA "#user/dora@example.test" (STORAGE 0 3 MESSAGE 0 4 MAILBOX 6 8)
A < b OK
# 4.1.2: the mailbox need not exist
A > c GETQUOTAROOT "not there"
A <= * QUOTAROOT "not there" "#user/dora@example.test"
A < * QUOTA "#user/dora@example.test" (
A < c OK
A > d GETQUOTA "#user/dora@example.test"
A <= * QUOTA "#user/dora@example.test" (STORAGE 0 3 MESSAGE 0 4 MAILBOX 6 8)
A < d OK
# 8: others' quotas are confidential, and so is whether they exist
A > e GETQUOTA "#user/alice@example.test"
A <= e NO [NONEXISTENT] no such quota root
A > f GETQUOTA "#user/nobody@example.test"
A <= f NO [NONEXISTENT] no such quota root
A > g GETQUOTA ""
A <= g NO [NONEXISTENT] no such quota root
A > h SETQUOTA "#user/dora@example.test" (STORAGE 100)
A < h NO [NOPERM]
A > i SETQUOTA "#user/alice@example.test" (STORAGE 100)
A < i NO [NOPERM]
A > j GETQUOTA
A < j BAD
A > k GETQUOTAROOT INBOX x
A < k BAD
A > l SETQUOTA x (STORAGE)
A < l BAD
A > m SETQUOTA x (STORAGE 1
A < m BAD
# 5.2: the number of messages is limited, and exact; a part of 1024 octets counts as one
repeat 2 deliver simple.eml dora
A > n GETQUOTA "#user/dora@example.test"
A <= * QUOTA "#user/dora@example.test" (STORAGE 1 3 MESSAGE 2 4 MAILBOX 6 8)
A < n OK
A > o SELECT INBOX
A <... o OK
A > p COPY 1:2 Archive
A < p OK [COPYUID
A > q COPY 1 Archive
A < q NO [OVERQUOTA]
A >> r APPEND INBOX {6+}\r\na: b\r\n\r\n
A < r NO [OVERQUOTA]
A > s MOVE 1 Archive
A <... s OK
# RFC 5321: the message quota holds at RCPT, too
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<dora@example.test>
S < 452 4.2.2
S > RSET
S < 250
cli account quota dora@example.test --quota-messages 5
out messages: 4
out quota_messages: 5
out quota: 3072
A >> t APPEND INBOX {6+}\r\na: b\r\n\r\n
A < * 2 EXISTS
A <... t OK [APPENDUID
# 5.3: the number of mailboxes, superiors counted
A > u CREATE a/b/c
A <= u NO [OVERQUOTA] cannot create "a/b/c": the account may not have more mailboxes
A > v CREATE a/b
A < v OK
A > w RENAME a/b x/y/b
A < w NO [OVERQUOTA]
A > x GETQUOTA "#user/dora@example.test"
A < * QUOTA "#user/dora@example.test" (STORAGE * 3 MESSAGE 5 5 MAILBOX 8 8)
A < x OK
A > y DELETE a/b
A < y OK
# 4.1.4
A > z STORE 1 +FLAGS.SILENT (\Deleted)
A <... z OK
A > aa STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)
A < * STATUS INBOX (MESSAGES 2 DELETED 1 DELETED-STORAGE $size1)
A < aa OK
A > ab FETCH 1 RFC822.SIZE
A < * 1 FETCH (RFC822.SIZE $size1)
A < ab OK
A > ac STATUS Archive (DELETED-STORAGE)
A <= * STATUS Archive (DELETED-STORAGE 0)
A < ac OK
# administrators
B connect imap
B < * OK
B > a LOGIN bob@example.test demo
B < a OK [CAPABILITY * QUOTASET *
B > b GETQUOTA "#user/dora@example.test"
B < * QUOTA "#user/dora@example.test" (STORAGE * 3 MESSAGE 5 5 MAILBOX 7 8)
B < b OK
B > c SETQUOTA "#user/dora@example.test" (STORAGE 510)
B < * QUOTA "#user/dora@example.test" (STORAGE * 510 MAILBOX 7 20000)
B < c OK
B > d SETQUOTA "#user/dora@example.test" (storage 9 MESSAGE 1)
B < * QUOTA "#user/dora@example.test" (STORAGE * 9 MESSAGE 5 1 MAILBOX 7 20000)
B < d OK
# who is beyond a new limit keeps what is there
A >> ad APPEND INBOX {6+}\r\na: b\r\n\r\n
A < ad NO [OVERQUOTA]
A > ae NOOP
A < ae OK
B > e SETQUOTA "#user/dora@example.test" (NOSUCH 1)
B < e NO [CANNOT]
B > f SETQUOTA "#user/dora@example.test" (MESSAGE 0)
B < f NO [CANNOT]
B > g SETQUOTA "#user/dora@example.test" (STORAGE 9223372036854775807)
B < g NO [CANNOT]
B > h SETQUOTA "#user/nobody@example.test" (STORAGE 1)
B < h NO [NONEXISTENT]
B > i SETQUOTA "#user/dora@example.test" (MESSAGE 1 STORAGE 2)x
B < i BAD
B > j SETQUOTA "#user/dora@example.test" ()
B <= * QUOTA "#user/dora@example.test" (MAILBOX 7 20000)
B < j OK
cli account quota dora@example.test
out quota: 0
out quota_messages: 0
cli!3 account quota nobody@example.test
cli!2 account quota dora@example.test --quota-messages many

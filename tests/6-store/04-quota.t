# SPDX-License-Identifier: MIT
# RFC 9051 7.1 (OVERQUOTA), RFC 3463 3.3: one quota for all doors: SMTP, LMTP, APPEND, COPY; expunging makes room
set store default_quota = 3K
cli account add dora@example.test < demo
A connect imap as dora
A > a APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < a OK
A > b APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < b OK
A > c APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < c NO [OVERQUOTA]
A > d SELECT INBOX
A <... d OK
A > e COPY 1 Archive
A < e NO [OVERQUOTA]
# RFC 6851: MOVE needs no more room
A > f MOVE 1 Archive
A <... f OK
L connect lmtp hello
L mail carol@example.org dora@example.test bob@example.test
L data multipart.eml
L < 452 4.2.2
L < 250 2.
A > g STORE 1 +FLAGS.SILENT (\Deleted)
A <... g OK
A > h EXPUNGE
A <... h OK
L mail carol@example.org dora@example.test
L data multipart.eml
L < 250
mails dora 2
cli account list
out dora@example.test *3072 *

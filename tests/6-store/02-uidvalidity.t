# SPDX-License-Identifier: MIT
# RFC 9051 2.3.1.1: a mailbox that is made again under an old name has a larger UIDVALIDITY, also over a restart and by RENAME
A connect imap as bob
A > a CREATE box
A < a OK
A > b STATUS box (UIDVALIDITY)
A < * STATUS box (UIDVALIDITY $v1)
A < b OK
A > c DELETE box
A < c OK
restart
A connect imap as bob
A > a CREATE box
A < a OK
A > b STATUS box (UIDVALIDITY)
A <all b OK
out! *UIDVALIDITY $v1)
A > c CREATE other
A < c OK
A > d DELETE box
A < d OK
A > e RENAME other box
A < e OK
A > f STATUS box (UIDVALIDITY)
A <all f OK
out! *UIDVALIDITY $v1)
# RFC 9051 2.3.1.1: UIDs grow strictly and are never reused, also when the last message is gone
A >> g APPEND box {14+}\r\nSubject: x\r\n\r\n\r\n
A < g OK [APPENDUID $v 1]
A > h SELECT box
A <... h OK
A > i STORE 1 +FLAGS.SILENT (\Deleted)
A <... i OK
A > j EXPUNGE
A <... j OK
restart
A connect imap as bob
A >> a APPEND box {14+}\r\nSubject: x\r\n\r\n\r\n
A < a OK [APPENDUID $v 2]

# SPDX-License-Identifier: MIT
# RFC 9051 6.3.6: RENAME takes inferiors along; renaming INBOX moves its messages and leaves it empty
deliver simple.eml bob
deliver multipart.eml bob
A connect imap as bob
A > a CREATE foo/bar
A < a OK
A >> b APPEND foo/bar {14+}\r\nSubject: x\r\n\r\n\r\n
A < b OK [APPENDUID $validity 1]
A > c RENAME foo zowie
A < c OK
A > d LIST "" (foo* zowie*)
A <all d OK
out * zowie/bar
out! * foo*
A > e STATUS zowie/bar (MESSAGES)
A < * STATUS zowie/bar (MESSAGES 1)
A < e OK
A > f RENAME zowie Sent
A < f NO [ALREADYEXISTS]
A > g RENAME nothing something
A < g NO [NONEXISTENT]
A > h RENAME zowie zowie/deeper
A < h NO
A > i RENAME INBOX old-mail
A < i OK
A > j STATUS INBOX (MESSAGES)
A < * STATUS INBOX (MESSAGES 0)
A < j OK
A > k STATUS old-mail (MESSAGES)
A < * STATUS old-mail (MESSAGES 2)
A < k OK
A > l RENAME zowie INBOX
A < l NO
# superiors of the new name are made
A > m RENAME old-mail archive/2026/mail
A < m OK
A > n LIST "" archive/%
A < * LIST (*) "/" archive/2026
A < n OK
deliver simple.eml bob
A > o STATUS INBOX (MESSAGES)
A < * STATUS INBOX (MESSAGES 1)
A < o OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.5, RFC 3501 6.4.5: the simple items of FETCH, the macros, and what is no item
A connect imap as bob
A > a APPEND INBOX (\Answered) "05-Jan-2026 08:09:10 +0000" {$size.simple.eml+}
A bytes simple.eml
A >
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)
A < * 1 FETCH (UID 1 FLAGS (\Answered \Recent) INTERNALDATE " 5-Jan-2026 08:09:10 +0000" RFC822.SIZE $size.simple.eml)
A < c OK
A > d FETCH 1 FAST
A < * 1 FETCH (FLAGS (\Answered \Recent) INTERNALDATE " 5-Jan-2026 08:09:10 +0000" RFC822.SIZE $size.simple.eml)
A < d OK
A > e FETCH 1 ENVELOPE
A <= * 1 FETCH (ENVELOPE ("Mon, 23 Nov 2026 20:08:00 +0000" "A simple message" (("Alice" NIL "alice" "example.test")) (("Alice" NIL "alice" "example.test")) (("Alice" NIL "alice" "example.test")) (("Bob" NIL "bob" "example.test")) NIL NIL NIL "<simple-1@example.test>"))
A < e OK
A > f FETCH 1 ALL
A < * 1 FETCH (FLAGS (\Answered \Recent) INTERNALDATE " 5-Jan-2026 08:09:10 +0000" RFC822.SIZE $size.simple.eml ENVELOPE (*))
A < f OK
A > g FETCH 1 FULL
A < * 1 FETCH (FLAGS * INTERNALDATE * RFC822.SIZE * ENVELOPE * BODY (*))
A < g OK
A > h UID FETCH 1 FLAGS
A < * 1 FETCH (*UID 1*)
A < h OK
A > i FETCH 2 FLAGS
A < i *
A > j UID FETCH 2:100 FLAGS
A < j OK
A > k FETCH 0 FLAGS
A < k BAD
A > l FETCH 1 FROBNICATE
A < l BAD
A > m FETCH 1 ()
A < m BAD
A > n FETCH 1
A < n BAD
A > o FETCH 1 (FLAGS
A < o BAD
A > p FETCH * UID
A < * 1 FETCH (UID 1)
A < p OK
A > q UID FETCH 999:* UID
A < * 1 FETCH (UID 1)
A < q OK
A > r FETCH 1 (FLAGS ALL)
A < r BAD

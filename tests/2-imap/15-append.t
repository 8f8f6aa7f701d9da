# SPDX-License-Identifier: MIT
# RFC 9051 6.3.12, RFC 7888 4, RFC 4315 3: APPEND with flags, date, literals of all kinds; and what is refused
A connect imap as bob
A > a APPEND Drafts (\Draft \Seen $Label1) "05-Jan-2026 08:09:10 +0200" {$size.simple.eml}
A < +
A bytes simple.eml
A >
A < a OK [APPENDUID $validity 1] *
A > b APPEND Drafts {$size.multipart.eml+}
A bytes multipart.eml
A >
A < b OK [APPENDUID $validity 2] *
# RFC 9051 4.3: literal8
A > c APPEND Drafts (\Flagged) ~{$size.8bit.eml+}
A bytes 8bit.eml
A >
A < c OK [APPENDUID $validity 3] *
A > d SELECT Drafts
A <... d OK
A > e FETCH 1:3 (FLAGS INTERNALDATE RFC822.SIZE)
A < * 1 FETCH (FLAGS (\Draft \Seen $Label1 \Recent) INTERNALDATE " 5-Jan-2026 06:09:10 +0000" RFC822.SIZE $size.simple.eml)
A < * 2 FETCH (FLAGS (\Recent) INTERNALDATE "* +0000" RFC822.SIZE $size.multipart.eml)
A < * 3 FETCH (FLAGS (\Flagged \Recent) INTERNALDATE "* +0000" RFC822.SIZE $size.8bit.eml)
A < e OK
A > f FETCH 2 BODY.PEEK[]
A < * 2 FETCH (BODY[] {$size.multipart.eml}
A <bytes $size.multipart.eml = multipart.eml
A < )
A < f OK
# TRYCREATE before the literal is sent, or after it
A > g APPEND nowhere {10}
A < g NO [TRYCREATE]
A >> h APPEND nowhere {10+}\r\n0123456789\r\n
A < h NO [TRYCREATE]
A > i NOOP
A < i OK
A >> j APPEND Drafts (\Recent) {10+}\r\n0123456789\r\n
A < j BAD
A >> k APPEND Drafts "32-Jan-2026 08:09:10 +0200" {10+}\r\n0123456789\r\n
A < k BAD
A >> l APPEND Drafts (\Seen {10+}\r\n0123456789\r\n
A < l BAD
A > m APPEND Drafts
A < m BAD
A > n NOOP
A < n OK
# RFC 9051 7.4.1: the selected mailbox grows at once
A > o APPEND Drafts {$size.simple.eml+}
A bytes simple.eml
A >
A < * 4 EXISTS
A <... o OK

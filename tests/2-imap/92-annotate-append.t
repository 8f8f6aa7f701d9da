# SPDX-License-Identifier: MIT
# RFC 5257 4.6, 4.7: APPEND with annotations; COPY, MOVE, RENAME and REPLACE (RFC 8508 3.1)
A connect imap as alice
# 4.7
A > a APPEND drafts ANNOTATION (/comment (value.priv "Don't send until I say so")) {12}
A < a NO [TRYCREATE]
A > a APPEND Drafts ANNOTATION (/comment (value.priv "Don't send until I say so")) {12}
A < +
A >> Subject: x\r\n\r\n
A < a OK [APPENDUID
A > b SELECT Drafts
A <... b OK
A > c FETCH 1 (ANNOTATION (/* value))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "Don't send until I say so" value.shared NIL)))
A < c OK
# several messages: all or none
A >> d APPEND Drafts (\Seen) ANNOTATION (/a (value.shared {1}\r\n
A < +
A >> 1)) {12+}\r\nSubject: x\r\n ANNOTATION (/2/comment (value.priv "never")) {12+}\r\nSubject: x\r\n\r\n
A < d BAD a message has no such part
A >> e APPEND Drafts (\Seen) ANNOTATION (/a (value.shared {1+}\r\n1)) {12+}\r\nSubject: x\r\n {12+}\r\nSubject: y\r\n ANNOTATION (/1/comment (value.priv "z")) {12+}\r\nSubject: z\r\n\r\n
A < * 4 EXISTS
A <... e OK [APPENDUID * 2:4]
A > f FETCH 2:4 (ANNOTATION (/* value.priv) ANNOTATION (/* value.shared))
A <= * 2 FETCH (ANNOTATION (/a (value.shared "1")))
A <= * 3 FETCH (UID 3)
A <= * 4 FETCH (ANNOTATION (/1/comment (value.priv "z")))
A < f OK
# too large, too many
A >> g APPEND Drafts ANNOTATION (/a (value.priv {65537+}\r\n
repeat 1024 A >> 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
A >> x)) {1+}\r\nx\r\n
A < g NO [ANNOTATE TOOBIG]
# 4.6
A > h COPY 1:2 Archive
A < h OK
A > i MOVE 4 Archive
A <... i OK
A > j REPLACE 1 Drafts {12+}
A >> Subject: r\r\n\r\n
A <... j OK
A > k FETCH 1:* (UID ANNOTATION (/* value))
A <= * 1 FETCH (UID 2 ANNOTATION (/a (value.priv NIL value.shared "1")))
A <= * 2 FETCH (UID 3)
A <= * 3 FETCH (UID 5)
A < k OK
A > l UID REPLACE 5 Drafts ANNOTATION (/new (value.priv "n")) {12+}
A >> Subject: r\r\n\r\n
A <... l OK
A > m UID FETCH 6 (ANNOTATION (/* value.priv))
A <= * 3 FETCH (UID 6 ANNOTATION (/new (value.priv "n")))
A < m OK
A > n RENAME Archive Older
A < n OK
A > n SELECT Older
A <... n OK
A > o FETCH 1:* (ANNOTATION (/* value.priv) ANNOTATION (/* value.shared))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "Don't send until I say so")))
A <= * 2 FETCH (ANNOTATION (/a (value.shared "1")))
A <= * 3 FETCH (ANNOTATION (/1/comment (value.priv "z")))
A < o OK
# they outlive the server; they are of the message, and not of another with the same bytes
crash
A connect imap as alice
A > p EXAMINE Older
A <... p OK
A > q FETCH 1 (ANNOTATION (/comment value.priv))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "Don't send until I say so")))
A < q OK
A >> r APPEND Older {12+}\r\nSubject: x\r\n\r\n
A <... r OK
A > s FETCH 4 (ANNOTATION (/* value))
A <... * 4 FETCH (UID 4)
A < s OK

# SPDX-License-Identifier: MIT
# RFC 2045 5.2: a Content-Type that is wrong is read as text, which is shown and found
A connect imap as bob
# a multipart without a boundary
A >> a APPEND INBOX {82+}\r\nSubject: one\r\nContent-Type: multipart/mixed; type=x\r\n\r\n--b\r\n\r\nwords of it\r\n--b--\r\n\r\n
A < a OK
# "text" alone; its charset counts
A >> b APPEND INBOX {67+}\r\nSubject: two\r\nContent-Type: text; charset=iso-8859-2\r\n\r\n\xb1\xb6\xe6 words\r\n\r\n
A < b OK
# a message in base64 (RFC 2046 5.2.1 forbids it) is a file
A >> c APPEND INBOX {123+}\r\nSubject: three\r\nContent-Type: message/rfc822; name="a.eml"\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogcw0KDQp4DQo=\r\n\r\n
A < c OK
A > s SELECT INBOX
A <... s OK
A > f FETCH 1:3 BODYSTRUCTURE
A < * 1 FETCH (BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 27 4 NIL NIL NIL NIL))
A < * 2 FETCH (BODYSTRUCTURE ("text" "plain" ("charset" "iso-8859-2") NIL NIL "7bit" 11 1 NIL NIL NIL NIL))
A < * 3 FETCH (BODYSTRUCTURE ("application" "octet-stream" ("name" "a.eml") NIL NIL "base64" 26 NIL NIL NIL NIL))
A < f OK
A > g SEARCH BODY "words"
A <= * SEARCH 1 2
A < g OK
A > h SEARCH CHARSET UTF-8 BODY "ąść"
A <= * SEARCH 2
A < h OK
A > i FETCH 1 PREVIEW
A < * 1 FETCH (PREVIEW "--b words of it --b--")
A < i OK
A > j FETCH 3 BINARY.PEEK[1]
A < * 3 FETCH (BINARY[1] {17}
A < Subject: s
A <
A < x

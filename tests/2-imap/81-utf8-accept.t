# SPDX-License-Identifier: MIT
# RFC 6855 3, 4 (and its successor, RFC 9755, which has no UTF8 in APPEND): UTF-8 in names and quoted strings, both ways
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * UTF8=ACCEPT *
A < a OK
# 3: the client may use it in quoted strings before it says that it takes it; the server may not
A > b CREATE "Entwürfe & mehr"
A < b OK
A > c LIST "" "Entwürfe*"
A <= * LIST (\HasNoChildren) "/" "Entw&APw-rfe &- mehr"
A < c OK
A > d SETMETADATA INBOX (/private/comment "Grüße")
A < d OK
A > e GETMETADATA INBOX /private/comment
A <= * METADATA INBOX (/private/comment {7}
A <= Grüße)
A < e OK
# what is not UTF-8
A >> f CREATE "\xff\xfe"\r\n
A < f BAD
A >> g CREATE {2+}\r\n\xc3(\r\n
A < g NO [CANNOT]
# 3: none of these may be in a name: C1, DEL, LINE SEPARATOR
A >> h CREATE "a\xc2\x85b"\r\n
A < h NO [CANNOT]
A >> i CREATE "a\x7fb"\r\n
A < i NO [CANNOT]
A >> j CREATE "a\xe2\x80\xa8b"\r\n
A < j NO [CANNOT]
A > l ENABLE UTF8=ACCEPT UTF8=ONLY X
A <= * ENABLED UTF8=ACCEPT
A < l OK
A > m LIST "" "Entwürfe*"
A <= * LIST (\HasNoChildren) "/" "Entwürfe & mehr"
A < m OK
A > n LSUB "" *
A <... n OK
A > o GETMETADATA INBOX /private/comment
A <= * METADATA INBOX (/private/comment "Grüße")
A < o OK
# modified UTF-7 is over: "&" is itself
A > p CREATE "&APw-"
A < p OK
A > q STATUS "&APw-" (MESSAGES)
A <= * STATUS "&APw-" (MESSAGES 0)
A < q OK
# 4: messages with UTF-8 in their header
A >> r APPEND "Entw\xc3\xbcrfe & mehr" (\\Seen) UTF8 (~{27+}\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nHallo\r\n)\r\n
A < r OK [APPENDUID $validity 1]
A >> s APPEND "Entw\xc3\xbcrfe & mehr" {27+}\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nHallo\r\n\r\n
A < s OK [APPENDUID $validity 2]
A > t SELECT "Entwürfe & mehr"
A <... * 2 EXISTS
A <... t OK
A > u FETCH 1 ENVELOPE
A <= * 1 FETCH (ENVELOPE (NIL {7}
A <= Grüße NIL NIL NIL NIL NIL NIL NIL NIL))
A < u OK
A > v SEARCH SUBJECT "gRÜße"
A <= * SEARCH 1 2
A < v OK
# 3: no charset any more
A > w SEARCH CHARSET UTF-8 SUBJECT "ü"
A < w BAD
A > x NOOP
A < x OK
# it is IMAP4rev1 all the same: \Recent, SEARCH
A > y FETCH 2 FLAGS
A < * 2 FETCH (FLAGS (\Recent))
A < y OK
# other sessions do not see it
B connect imap as bob
B > a LIST "" "Entw*"
B <= * LIST (\HasNoChildren) "/" "Entw&APw-rfe &- mehr"
B < a OK
B > b LIST "" "&-APw-"
B <= * LIST (\HasNoChildren) "/" "&-APw-"
B < b OK

# SPDX-License-Identifier: MIT
# RFC 5466: named searches
deliver simple.eml bob
deliver meeting.eml bob
X connect imap as bob in INBOX
X close
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * FILTERS
A < a OK
# 3.2: the example
A > a007 SETMETADATA "" ("/private/filters/values/on-the-road" "OR SMALLER 5000 FROM \"boss@example.com\"")
A < a007 OK
A > b SELECT INBOX
A <... b OK
# 3.1: the example; the name in any case
A > c SEARCH UID 1:900 FILTER on-the-road SINCE "3-Dec-2002"
A < * SEARCH 1 2
A < c OK
A > c1 UID SEARCH RETURN (COUNT) FILTER On-The-Road NOT FILTER on-the-road
A <= * ESEARCH (TAG "c1") UID COUNT 0
A < c1 OK
# none of that name
A > d SEARCH FILTER nothing
A < d NO [UNDEFINED-FILTER nothing]
A > d1 SEARCH RETURN (SAVE) ALL
A < d1 OK
A > d2 SEARCH RETURN (SAVE) FILTER nothing
A < d2 NO [UNDEFINED-FILTER nothing]
A > d3 SEARCH $
A < * SEARCH
A < d3 OK
A > d4 SEARCH FILTER a/b
A < d4 BAD
A > d5 SEARCH FILTER
A < d5 BAD
# one within another; several keys are one criterion
A > e SETMETADATA "" ("/private/filters/values/two" "UID 1 SEEN" /private/filters/values/three "OR FILTER two FILTER four" /private/filters/values/four "FILTER five" /private/filters/values/five "UID 2")
A < e OK
A > e1 UID SEARCH FILTER three
A < * SEARCH 2
A < e1 OK
A > e2 UID SEARCH NOT FILTER two
A < * SEARCH 1 2
A < e2 OK
A > e3 UID SORT (ARRIVAL) UTF-8 FILTER three
A < * SORT 2
A < e3 OK
A > e4 UID THREAD REFERENCES US-ASCII FILTER three
A < * THREAD (2)
A < e4 OK
A > e5 ESEARCH IN (personal) FILTER five
A < * ESEARCH (TAG "e5" MAILBOX INBOX * UID ALL 2
A < e5 OK
# a loop is as if it were not there
A > f SETMETADATA "" (/private/filters/values/x "FILTER y" /private/filters/values/y "NOT FILTER X")
A < f OK
A > f1 SEARCH FILTER x
A < f1 NO [UNDEFINED-FILTER X]
# more keys than there may be, from short filters
A > f2 SETMETADATA "" (/private/filters/values/p "FILTER q FILTER q FILTER q FILTER q FILTER q FILTER q FILTER q FILTER q" /private/filters/values/q "FILTER r FILTER r FILTER r FILTER r FILTER r FILTER r FILTER r FILTER r" /private/filters/values/r "ALL ALL ALL ALL ALL ALL ALL ALL")
A < f2 OK
A > f3 SEARCH FILTER p
A < f3 NO [LIMIT]
# what is no program is not kept (3.2)
A > g SETMETADATA "" (/private/filters/values/bad "OR SMALLER")
A < g NO [CANNOT]
A > g1 SETMETADATA "" (/private/filters/values/bad "ALL)")
A < g1 NO [CANNOT]
A >> g2 SETMETADATA "" (/private/filters/values/bad {12+}\r\nSUBJECT "\xff\xfe")\r\n
A < g2 NO [CANNOT]
A > g3 SETMETADATA "" (/private/filters/values/a/b "ALL")
A < g3 NO [CANNOT]
A > g4 SETMETADATA "" (/private/filters/descriptions/on-the-road "Small ones")
A < g4 OK
A > g5 SEARCH FILTER bad
A < g5 NO [UNDEFINED-FILTER bad]
# UTF-8 whatever the command says, and no other charset beside it (3.1)
A >> h APPEND INBOX {34+}\r\nSubject: =?utf-8?q?=C3=BCber?=\r\n\r\n\r\n
A <... h OK
A >> h1 SETMETADATA "" (/private/filters/values/u {12+}\r\nSUBJECT "\xc3\xbc")\r\n
A < h1 OK
A > h2 UID SEARCH CHARSET US-ASCII FILTER u
A < * SEARCH 3
A < h2 OK
A > h3 UID SEARCH CHARSET ISO-8859-1 FILTER u
A < h3 BAD [BADCHARSET (UTF-8)]
# a literal within
A >> h4 SETMETADATA "" (/private/filters/values/l {15+}\r\nSUBJECT {2}\r\n\xc3\xbc)\r\n
A < h4 OK
A > h5 UID SEARCH FILTER l
A < * SEARCH 3
A < h5 OK
# taken away; others have none of it
A > i UID SEARCH RETURN (UPDATE) FILTER on-the-road UNSEEN
A <= * ESEARCH (TAG "i") UID
A < i OK
A > i1 SETMETADATA "" (/private/filters/values/on-the-road NIL)
A < i1 OK
A > i2 SEARCH FILTER on-the-road
A < i2 NO [UNDEFINED-FILTER on-the-road]
A > i3 UID STORE 1 +FLAGS.SILENT (\Seen)
A < * ESEARCH (TAG "i") UID REMOVEFROM (0 1)
A < i3 OK
B connect imap as alice in INBOX
B > a SEARCH FILTER u
B < a NO [UNDEFINED-FILTER u]
# UIDONLY
A > j SETMETADATA "" (/private/filters/values/seqs "1:2")
A < j OK
A > j1 ENABLE UIDONLY
A <... j1 OK
A > j2 UID SEARCH FILTER seqs
A < j2 BAD [UIDREQUIRED]

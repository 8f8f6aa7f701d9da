# SPDX-License-Identifier: MIT
# RFC 5464 4.2, 4.3, 4.4: annotations of mailboxes and of the server, with the examples of the RFC
set imap server_comment = Shared comment
set imap server_admin = mailto:postmaster@example.test
A connect imap
A < * OK
A > a0 GETMETADATA "" /shared/comment
A < a0 BAD
A > a LOGIN bob@example.test demo
A < a OK [CAPABILITY *METADATA METADATA-SERVER LIST-METADATA*
# 4.2
A > b GETMETADATA "" /shared/comment
A <= * METADATA "" (/shared/comment "Shared comment")
A < b OK
A > c SETMETADATA INBOX (/private/comment "My own comment")
A < c OK
A > d GETMETADATA "INBOX" /private/comment
A <= * METADATA INBOX (/private/comment "My own comment")
A < d OK
A > e SETMETADATA INBOX (/shared/comment "Its sunny outside!")
A < e OK
A > f GETMETADATA "INBOX" (/shared/comment /private/comment)
A <= * METADATA INBOX (/private/comment "My own comment" /shared/comment "Its sunny outside!")
A < f OK
A > g GETMETADATA "INBOX" /private/comment /shared/comment
A <= * METADATA INBOX (/private/comment "My own comment" /shared/comment "Its sunny outside!")
A < g OK
# 4.2.1: in both places where the option may stand
A >> h SETMETADATA INBOX (/shared/comment {2199+}\r\n
repeat 2199 A >> x
A >> )\r\n
A < h OK
A > i GETMETADATA "INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)
A <= * METADATA INBOX (/private/comment "My own comment")
A < i OK [METADATA LONGENTRIES 2199]
A > j GETMETADATA (MAXSIZE 3) "INBOX" /shared/comment
A < j OK [METADATA LONGENTRIES 2199]
# 4.2.2
A > k SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"" /private/filters/values/a/b "x" /private/filters/valuesx "y")
A < k OK
A > l GETMETADATA "INBOX" (DEPTH 1) (/private/filters/values)
A <= * METADATA INBOX (/private/filters/values/boss "FROM \"boss@example.com\"" /private/filters/values/small "SMALLER 5000")
A < l OK
A > m GETMETADATA "INBOX" (DEPTH infinity) /private/filters/values
A <= * METADATA INBOX (/private/filters/values/a/b "x" /private/filters/values/boss "FROM \"boss@example.com\"" /private/filters/values/small "SMALLER 5000")
A < m OK
A > n GETMETADATA "INBOX" (DEPTH 0 MAXSIZE 10) /private/filters/values
A <= * METADATA INBOX (/private/filters/values NIL)
A < n OK
A > o GETMETADATA (DEPTH infinity MAXSIZE 11) INBOX (/private /shared)
A <= * METADATA INBOX (/private/filters/values/a/b "x" /private/filters/valuesx "y")
A < o OK [METADATA LONGENTRIES 2199]
# 4.3: lines, removal, names in any case, binary values
A > p SETMETADATA INBOX (/private/comment {33}
A < +
A >> My new comment across\r\ntwo lines.)\r\n
A < p OK
A > q GETMETADATA INBOX /Private/COMMENT
A <= * METADATA INBOX (/private/comment {33}
A <= My new comment across
A <= two lines.)
A < q OK
A > r SETMETADATA INBOX (/PRIVATE/comment NIL)
A < r OK
A > s GETMETADATA INBOX /private/comment
A <= * METADATA INBOX (/private/comment NIL)
A < s OK
A >> t SETMETADATA INBOX (/private/comment ~{3+}\r\na\0b /private/empty "")\r\n
A < t OK
A > u GETMETADATA INBOX (/private/comment /private/empty)
A < * METADATA INBOX (/private/comment ~{3}
A <bytes 3
A < */private/empty "")
A < u OK
# all or none
A > v SETMETADATA INBOX (/private/comment "new" /private/comment NIL /private/* "x")
A < v BAD
A >> w SETMETADATA INBOX (/private/comment "new" /private/big {65537+}\r\n
repeat 65537 A >> x
A >> )\r\n
A < w NO [METADATA MAXSIZE 65536]
A > x GETMETADATA INBOX (/private/comment /private/big)
A < * METADATA INBOX (/private/comment ~{3}
A <bytes 3
A < */private/big NIL)
A < x OK
# 3.2: names that cannot be
A > y1 SETMETADATA INBOX (comment "x")
A < y1 BAD
A > y2 SETMETADATA INBOX (/private/a//b "x")
A < y2 BAD
A > y3 SETMETADATA INBOX (/private/a/ "x")
A < y3 BAD
A > y4 SETMETADATA INBOX (/private "x")
A < y4 BAD
A > y5 SETMETADATA INBOX (/other/x "x")
A < y5 BAD
A > y6 SETMETADATA INBOX ("/private/vendor/me" "x")
A < y6 BAD
A > y7 SETMETADATA INBOX (/private/vendor/me/color "red")
A < y7 OK
A > y8 GETMETADATA INBOX /private/%
A < y8 BAD
A > y9 GETMETADATA INBOX (DEPTH 2) /private/x
A < y9 BAD
A > y10 GETMETADATA INBOX ()
A < y10 BAD
A > y11 SETMETADATA INBOX ()
A < y11 BAD
# mailboxes that are not there; the server's own
A > z1 SETMETADATA nowhere (/private/comment "x")
A < z1 NO [NONEXISTENT]
A > z2 GETMETADATA nowhere /private/comment
A < z2 NO [NONEXISTENT]
A > z3 SETMETADATA "" (/shared/comment "x")
A < z3 NO [NOPERM]
A > z4 SETMETADATA "" (/private/vendor/me/theme "dark")
A < z4 OK
A > z5 GETMETADATA (DEPTH infinity) "" (/private /shared)
A <= * METADATA "" (/private/vendor/me/theme "dark" /shared/comment "Shared comment" /shared/admin "mailto:postmaster@example.test")
A < z5 OK
# 3.1: private is private
B connect imap as alice
B > a GETMETADATA "" (DEPTH infinity) (/private)
B <= * METADATA "" (/private NIL)
B < a OK
B > b GETMETADATA INBOX (DEPTH infinity) /private /shared
B <= * METADATA INBOX (/private NIL /shared NIL)
B < b OK
# 4.1: they follow a mailbox that is renamed, INBOX keeps its own, and a new one inherits nothing
A > ba CREATE one
A < ba OK
A > bb SETMETADATA one (/private/comment "of one")
A < bb OK
A > bc RENAME one two
A < bc OK
A > bd GETMETADATA two /private/comment
A <= * METADATA two (/private/comment "of one")
A < bd OK
A > be DELETE two
A < be OK
A > bf CREATE two
A < bf OK
A > bg GETMETADATA two /private/comment
A <= * METADATA two (/private/comment NIL)
A < bg OK
A > bh SETMETADATA INBOX (/private/comment "of inbox")
A < bh OK
A > bi RENAME INBOX old
A < bi OK
A > bj GETMETADATA INBOX (/private/comment)
A <= * METADATA INBOX (/private/comment "of inbox")
A < bj OK
A > bk GETMETADATA old (/private/comment)
A <= * METADATA old (/private/comment "of inbox")
A < bk OK
cli fsck
# RFC 6154 4, 5.4: the special use of a mailbox is its entry /private/specialuse
A > ca GETMETADATA Drafts (/private/specialuse /private/comment)
A <= * METADATA Drafts (/private/specialuse "\\Drafts" /private/comment NIL)
A < ca OK
A > cb SETMETADATA two (/private/specialuse "\\Drafts \\Archive" /private/comment "both")
A < cb OK
A > cc GETMETADATA two (DEPTH 1) /private
A <= * METADATA two (/private/comment "both" /private/specialuse "\\Drafts \\Archive")
A < cc OK
A > cd LIST (SPECIAL-USE) "" *
A <... * LIST (\HasNoChildren \Drafts \Archive) "/" two
A < cd OK
A > ce GETMETADATA Drafts /private/specialuse
A <= * METADATA Drafts (/private/specialuse NIL)
A < ce OK
A > cf SETMETADATA Sent (/private/specialuse NIL)
A < cf OK
A > cg SETMETADATA Sent (/private/specialuse "\\All" /private/comment "x")
A < cg NO [USEATTR]
A > ch GETMETADATA Sent (/private/specialuse /private/comment)
A <= * METADATA Sent (/private/specialuse NIL /private/comment NIL)
A < ch OK
A > ci SETMETADATA "" (/private/specialuse "\\Sent")
A < ci NO
# too many
repeat 256 A >> da$i SETMETADATA two (/shared/n/$i "x")\r\n
repeat 256 A <... da$i OK
A > db SETMETADATA two (/shared/n/257 "x" /shared/n/1 NIL)
A < db NO [METADATA TOOMANY]
A > dc SETMETADATA two (/shared/n/1 NIL /shared/n/257 "x")
A < dc OK
A > dd SETMETADATA two (/shared/n/2 "y" /private/n "x")
A < dd OK
crash
A connect imap as bob
A > ea GETMETADATA two (/shared/n/2 /shared/n/257 /shared/n/1)
A <= * METADATA two (/shared/n/2 "y" /shared/n/257 "x" /shared/n/1 NIL)
A < ea OK

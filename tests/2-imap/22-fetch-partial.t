# SPDX-License-Identifier: MIT
# RFC 9051 6.4.5: partial fetches: the part that is there, and an empty string beyond the end
A connect imap as bob
A > a APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 BODY.PEEK[1.1]<0.5>
A < * 1 FETCH (BODY[1.1]<0> {5}
A < Gr=C3)
A < c OK
A > d FETCH 1 BODY.PEEK[1.1]<28.100>
A < * 1 FETCH (BODY[1.1]<28> {5}
A <= ich
A < )
A < d OK
A > e FETCH 1 BODY.PEEK[1.1]<33.10>
A <... e OK
A > f FETCH 1 BODY.PEEK[]<1240.4294967295>
A < * 1 FETCH (BODY[]<1240> {8}
A <bytes 8
A < )
A < f OK
A > g FETCH 1 BODY.PEEK[HEADER]<6.10>
A < * 1 FETCH (BODY[HEADER]<6> {10}
A < =?UTF-8?B?)
A < g OK
A > h FETCH 1 BODY.PEEK[]<0.0>
A < h BAD
A > i FETCH 1 BODY.PEEK[]<5>
A < i BAD
A > j FETCH 1 BODY.PEEK[]<99999999999999999999.1>
A < j BAD
A > k FETCH 1 BINARY.PEEK[2]<4.4>
A < * 1 FETCH (BINARY[2]<4> ~{4}
A <bytes 4
A < )
A < k OK
# in pieces, as clients read large messages
A > l APPEND INBOX {$size.long.eml+}
A bytes long.eml
A >
A <... l OK
A > m FETCH 2 BODY.PEEK[]<262144.262144>
A < * 2 FETCH (BODY[]<262144> {66997}
A <bytes 66997
A < )
A < m OK

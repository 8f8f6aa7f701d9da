# SPDX-License-Identifier: MIT
# RFC 9051 7.5.2, RFC 5256 3: a parenthesis or an angle bracket too much hides no address
A connect imap as bob
A >> a APPEND INBOX {149+}\r\nFrom: Sales (Europe <sales@example.org>\r\nTo: ann@example.com>, Bo (one) <bo@example.com>\r\nCc: cy@example.net (Cy) (of sales) , dee@example.net\r\n\r\nx\r\n\r\n
A < a OK
A > s SELECT INBOX
A <... s OK
A > b FETCH 1 ENVELOPE
A < * 1 FETCH (ENVELOPE (NIL NIL (("Sales (Europe" NIL "sales" "example.org")) (("Sales (Europe" NIL "sales" "example.org")) (("Sales (Europe" NIL "sales" "example.org")) ((NIL NIL "ann" "example.com")("Bo" NIL "bo" "example.com")) (("of sales" NIL "cy" "example.net")(NIL NIL "dee" "example.net")) NIL NIL NIL))
A < b OK

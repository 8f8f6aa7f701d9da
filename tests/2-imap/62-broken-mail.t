# SPDX-License-Identifier: MIT
# RFC 2045 5.2, RFC 9051 7.5.2: broken mail is mail: it is taken, its bytes come back, and ENVELOPE and BODYSTRUCTURE are well formed
A connect imap as bob
# a multipart without its end
A >> 1 APPEND INBOX {65+}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n\r\n
A < 1 OK
# a multipart without any part
A >> 2 APPEND INBOX {54+}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n\r\n
A < 2 OK
# a multipart without a boundary
A >> 3 APPEND INBOX {50+}\r\nContent-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n\r\n
A < 3 OK
# a header without a body
A >> 4 APPEND INBOX {15+}\r\nSubject: only\r\n\r\n
A < 4 OK
# a body without a header
A >> 5 APPEND INBOX {15+}\r\n\r\nonly a body\r\n\r\n
A < 5 OK
# nothing like a header
A >> 6 APPEND INBOX {35+}\r\nthis is no header\r\nat all\r\n\r\nbody\r\n\r\n
A < 6 OK
# a Content-Type that is nonsense
A >> 7 APPEND INBOX {25+}\r\nContent-Type: ;;;=\r\n\r\nx\r\n\r\n
A < 7 OK
# a message in a message without anything
A >> 8 APPEND INBOX {32+}\r\nContent-Type: message/rfc822\r\n\r\n\r\n
A < 8 OK
# an address list that never ends
A >> 9 APPEND INBOX {44+}\r\nFrom: "x <(((\r\nTo: <,,;:@\r\nDate: soon\r\n\r\nx\r\n\r\n
A < 9 OK
# 8-bit and control bytes in the header
A >> 10 APPEND INBOX {32+}\r\nSubject: \xff\xfe\x01\x7f\r\nFrom: \xc3(@x\r\n\r\nx\r\n\r\n
A < 10 OK
A > s SELECT INBOX
A <... s OK
A > f FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 1 FETCH (RFC822.SIZE 65 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {65}
A <bytes 65
A < )
A < g OK
A > h FETCH 1 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 2 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 2 FETCH (RFC822.SIZE 54 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 2 BODY.PEEK[]
A < * 2 FETCH (BODY[] {54}
A <bytes 54
A < )
A < g OK
A > h FETCH 2 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 3 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 3 FETCH (RFC822.SIZE 50 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 3 BODY.PEEK[]
A < * 3 FETCH (BODY[] {50}
A <bytes 50
A < )
A < g OK
A > h FETCH 3 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 4 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 4 FETCH (RFC822.SIZE 15 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 4 BODY.PEEK[]
A < * 4 FETCH (BODY[] {15}
A <bytes 15
A < )
A < g OK
A > h FETCH 4 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 5 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 5 FETCH (RFC822.SIZE 15 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 5 BODY.PEEK[]
A < * 5 FETCH (BODY[] {15}
A <bytes 15
A < )
A < g OK
A > h FETCH 5 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 6 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 6 FETCH (RFC822.SIZE 35 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 6 BODY.PEEK[]
A < * 6 FETCH (BODY[] {35}
A <bytes 35
A < )
A < g OK
A > h FETCH 6 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 7 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 7 FETCH (RFC822.SIZE 25 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 7 BODY.PEEK[]
A < * 7 FETCH (BODY[] {25}
A <bytes 25
A < )
A < g OK
A > h FETCH 7 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 8 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 8 FETCH (RFC822.SIZE 32 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 8 BODY.PEEK[]
A < * 8 FETCH (BODY[] {32}
A <bytes 32
A < )
A < g OK
A > h FETCH 8 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 9 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 9 FETCH (RFC822.SIZE 44 ENVELOPE (*) BODYSTRUCTURE (*) BODY (*))
A < f OK
A > g FETCH 9 BODY.PEEK[]
A < * 9 FETCH (BODY[] {44}
A <bytes 44
A < )
A < g OK
A > h FETCH 9 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > f FETCH 10 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)
A < * 10 FETCH (RFC822.SIZE 32 ENVELOPE (NIL {4}
A <bytes 4
A <all f OK
out *BODYSTRUCTURE (*) BODY (*))
A > g FETCH 10 BODY.PEEK[]
A < * 10 FETCH (BODY[] {32}
A <bytes 32
A < )
A < g OK
A > h FETCH 10 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2] BODY.PEEK[TEXT] BINARY.SIZE[1])
A <all h 
A > z SEARCH OR BODY x SUBJECT y
A < * SEARCH *
A < z OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4, RFC 2047: what is searched for is found in encoded headers and decoded bodies, in any case; CHARSET
A connect imap as bob
A > 1 APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < 1 OK
A > 2 APPEND INBOX {$size.odd-headers.eml+}
A bytes odd-headers.eml
A >
A < 2 OK
A > 3 APPEND INBOX {$size.8bit.eml+}
A bytes 8bit.eml
A >
A < 3 OK
A > s SELECT INBOX
A <... s OK
A >> a SEARCH CHARSET UTF-8 SUBJECT {8+}\r\nPrüfung\r\n
A <= * SEARCH 1
A < a OK
A >> b SEARCH CHARSET UTF-8 SUBJECT {8+}\r\nPRÜFUNG\r\n
A <= * SEARCH 1
A < b OK
A >> c SEARCH CHARSET UTF-8 SUBJECT {13+}\r\nprüfung der \r\n
A < * SEARCH 1
A < c OK
A >> d SEARCH CHARSET UTF-8 FROM {7+}\r\nzürich\r\n
A <= * SEARCH 1
A < d OK
A >> e SEARCH CHARSET UTF-8 BODY {7+}\r\nGrüße\r\n
A < * SEARCH*
A < e OK
A >> f SEARCH CHARSET UTF-8 BODY {5+}\r\ncafé\r\n
A <= * SEARCH 2
A < f OK
A >> g SEARCH CHARSET UTF-8 BODY "café soft break"\r\n
A <= * SEARCH 2
A < g OK
A >> h SEARCH CHARSET ISO-8859-1 BODY {4+}\r\ncaf\xe9\r\n
A <all h *
A >> i SEARCH CHARSET UTF-8 BODY "日本語"\r\n
A <= * SEARCH 3
A < i OK
A > j SEARCH CHARSET X-NOPE ALL
A < j NO [BADCHARSET *
A > k SEARCH CHARSET US-ASCII SUBJECT encoded
A <= * SEARCH 3
A < k OK
# markup is not text, attachments in base64 are not searched as letters, inner messages are
A > l SEARCH BODY "Inner body"
A <= * SEARCH 1
A < l OK

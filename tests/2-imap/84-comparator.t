# SPDX-License-Identifier: MIT
# RFC 5255 4: i;unicode-casemap is the comparator of SEARCH (I18NLEVEL=1), and COMPARATOR says so (I18NLEVEL=2); RFC 4790 3.2
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * I18NLEVEL=1 I18NLEVEL=2 *
A < a OK
A > b COMPARATOR
A <= * COMPARATOR i;unicode-casemap
A < b OK
A > A001 COMPARATOR "cz;*" i;unicode-casemap
A <= * COMPARATOR i;unicode-casemap
A < A001 OK
A > c COMPARATOR "cz;*" i;basic
A < c NO [BADCOMPARATOR]
A > d COMPARATOR default
A <= * COMPARATOR i;unicode-casemap
A < d OK
A > e COMPARATOR "I;*-Case*"
A <= * COMPARATOR i;unicode-casemap
A < e OK
A > f COMPARATOR "+i;unicode-casemap"
A <= * COMPARATOR i;unicode-casemap
A < f OK
A > g COMPARATOR "-i;unicode-casemap"
A < g NO [BADCOMPARATOR]
A > h COMPARATOR "i;unicode"
A < h NO [BADCOMPARATOR]
A > i COMPARATOR "*x"
A < i NO [BADCOMPARATOR]
A > j COMPARATOR (i;basic)
A < j BAD
# 4.6: encodings are removed, charsets converted, then i;unicode-casemap; what cannot be converted is searched all the same
A >> k APPEND INBOX {57+}\r\nSubject: =?koi8-r?B?4czFy9PFyg==?=\r\n\r\nGr\xc3\xbc\xc3\x9fe aus K\xc3\x96LN\r\n {61+}\r\nContent-Type: text/plain; charset=x-none\r\n\r\nGr\xfc\xdfe aus Koeln\r\n\r\n
A <... k OK
A > l SELECT INBOX
A <... l OK
A > m SEARCH CHARSET UTF-8 SUBJECT "АЛЕКСЕЙ"
A <= * SEARCH 1
A < m OK
A > n SEARCH CHARSET UTF-8 BODY "köln"
A <= * SEARCH 1
A < n OK
A > o SEARCH CHARSET UTF-8 BODY "KOELN"
A <= * SEARCH 2
A < o OK
A > p SEARCH BODY "e aus Koeln"
A <= * SEARCH 2
A < p OK

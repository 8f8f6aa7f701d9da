# SPDX-License-Identifier: MIT
# RFC 5257 4.8, 4.9: SEARCH and SORT by annotations, kept searches (RFC 5267) and filters (RFC 5466) too
set imap max_errors = 1000
repeat 5 deliver simple.eml alice
A connect imap as alice in INBOX
A > a STORE 2:3 ANNOTATION (/comment (value.priv "about imap4"))
A < a OK
A > a STORE 5 ANNOTATION (/comment (value.shared "IMAP4"))
A < a OK
A > a STORE 1 ANNOTATION (/vendor/x/note (value.priv "IMAP4"))
A < a OK
A > a STORE 4 ANNOTATION (/comment (value.shared "nothing"))
A < a OK
# 4.8
A > a SEARCH ANNOTATION /comment value "IMAP4"
A <= * SEARCH 2 3 5
A < a OK
A > a SEARCH ANNOTATION * value.priv "IMAP4"
A <= * SEARCH 1 2 3
A < a OK
A > a SEARCH ANNOTATION "/%" value.shared "IMAP4" NOT 1
A <= * SEARCH 5
A < a OK
A > a SEARCH 1:3 ANNOTATION /% value "imap4"
A <= * SEARCH 2 3
A < a OK
A > a SEARCH OR ANNOTATION /nothing value "x" NOT ANNOTATION * value "a"
A <= * SEARCH 4
A < a OK
# an empty text is in every value; NIL: there is none
A > a SEARCH ANNOTATION /comment value.priv ""
A <= * SEARCH 2 3
A < a OK
A > a UID SEARCH RETURN (COUNT) ANNOTATION /comment value NIL
A <= * ESEARCH (TAG "a") UID COUNT 1
A < a OK
# Unicode, in another charset; names are told apart by case
A >> a STORE 3 ANNOTATION (/vendor/x/name (value.priv {5+}\r\nJ\xc3\xbcrg))\r\n
A < a OK
A >> a SEARCH CHARSET iso-8859-1 ANNOTATION /vendor/x/name value {4+}\r\nj\xdcRG\r\n
A <= * SEARCH 3
A < a OK
A > a SEARCH ANNOTATION /vendor/x/Name value ""
A <= * SEARCH
A < a OK
A > a SEARCH ANNOTATION /comment size "1"
A < a BAD
A > a SEARCH ANNOTATION /flags/seen value "1"
A < a BAD
A > a SEARCH ANNOTATION /comment value
A < a BAD
# 4.9: those without one come first
A > a STORE 1 ANNOTATION (/altsubject (value.shared "b"))
A < a OK
A > a STORE 2 ANNOTATION (/altsubject (value.shared "C"))
A < a OK
A > a STORE 4:5 ANNOTATION (/altsubject (value.shared "a long one, and then more" value.priv "z"))
A < a OK
A > a SORT (ANNOTATION /altsubject value.shared) UTF-8 ALL
A <= * SORT 3 4 5 1 2
A < a OK
A > a SORT (REVERSE ANNOTATION /altsubject value.shared REVERSE ARRIVAL) UTF-8 2:5
A <= * SORT 2 4 5 3
A < a OK
A > a UID SORT (ANNOTATION /altsubject value.priv ANNOTATION /comment value.shared) UTF-8 ALL
A <= * SORT 1 2 3 5 4
A < a OK
A > a SORT (ANNOTATION /altsubject value) UTF-8 ALL
A < a BAD
A > a SORT (ANNOTATION /altsubject size.priv) UTF-8 ALL
A < a BAD
A > a SORT (ANNOTATION /* value.priv) UTF-8 ALL
A < a BAD
A > a SORT (ANNOTATION /1 value.priv) UTF-8 ALL
A < a BAD
# as many as there may be, and more; repeated ones decide nothing
A > a SORT (ANNOTATION /1/a value.priv ANNOTATION /1/a value.priv ANNOTATION /a1 value.priv ANNOTATION /a2 value.priv ANNOTATION /a3 value.priv ANNOTATION /a4 value.priv ANNOTATION /a5 value.priv ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO) UTF-8 ALL
A < * SORT
A < a OK
A > a SORT (ANNOTATION /a1 value.priv ANNOTATION /a2 value.priv ANNOTATION /a3 value.priv ANNOTATION /a4 value.priv ANNOTATION /a5 value.priv ANNOTATION /a6 value.priv ANNOTATION /a7 value.priv ANNOTATION /a8 value.priv ANNOTATION /a9 value.priv ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO) UTF-8 ALL
A < a NO [LIMIT]
# RFC 5267 4.3: a result that is kept is told; an order that could change is not kept
B connect imap as alice in INBOX
A > b SEARCH RETURN (UPDATE COUNT) ANNOTATION /comment value "imap4"
A <= * ESEARCH (TAG "b") COUNT 3
A < b OK
A > c SORT RETURN (UPDATE COUNT) (ANNOTATION /altsubject value.shared) UTF-8 ALL
A <... * NO [NOUPDATE "c"]
A <... c OK
B > b STORE 2 ANNOTATION (/comment (value.priv NIL))
B < b OK
B > c STORE 4 ANNOTATION (/comment (value.shared "Imap4"))
B < c OK
A > d NOOP
A < * 2 FETCH
A < * 4 FETCH
A <= * ESEARCH (TAG "b") REMOVEFROM (0 2) ADDTO (0 4)
A < d OK
# RFC 5466: a filter
A >> e SETMETADATA "" (/private/filters/values/noted "ANNOTATION * value {1+}\r\na")\r\n
A < e BAD
A > e SETMETADATA "" (/private/filters/values/noted "ANNOTATION /altsubject value \"C\"")
A < e OK
A > f SEARCH FILTER noted
A <= * SEARCH 2
A < f OK

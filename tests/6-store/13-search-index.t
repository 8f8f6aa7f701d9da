# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4: SEARCH answers the same before its index is there, with it, and after kill -9
set store search_index_every = 50ms
set store search_index_after = 30
A connect imap as bob
repeat 39 A >> $i APPEND INBOX {37+}\r\nSubject: Stra\xc3\x9fe one\r\n\r\nalpha omega\r\n\r\n
repeat 39 A < $i OK
A >> t APPEND INBOX {35+}\r\nSubject: other\r\n\r\nalpha omegaword\r\n\r\n
A < t OK
log store.search_index segments=1
A > s SELECT INBOX
A <... s OK
A > a SEARCH BODY megaword
A <= * SEARCH 40
A < a OK
A > b SEARCH RETURN (COUNT) TEXT OMEGA
A < * ESEARCH (TAG "b") COUNT 40
A < b OK
crash
A connect imap as bob in INBOX
A > c SEARCH RETURN (COUNT) SUBJECT "e ONE"
A < * ESEARCH (TAG "c") COUNT 39
A < c OK
A > d SEARCH NOT BODY "alpha om"
A <= * SEARCH
A < d OK
A > e SEARCH NOT SUBJECT "e one"
A <= * SEARCH 40
A < e OK

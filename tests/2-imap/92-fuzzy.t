# SPDX-License-Identifier: MIT
# RFC 6203: the FUZZY key, RELEVANCY as what is returned and what is sorted by; with its examples
A connect imap as bob
A > c CAPABILITY
A < * CAPABILITY *SEARCH=FUZZY*
A < c OK
A >> 1 APPEND INBOX {32+}\r\nSubject: IMAP break\r\n\r\nnothing\r\n\r\n
A < 1 OK
A >> 2 APPEND INBOX {31+}\r\nSubject: other\r\n\r\nHello world\r\n\r\n
A < 2 OK
A >> 3 APPEND INBOX {57+}\r\nSubject: Broken IMAP\r\nFrom: user@example.com\r\n\r\nthe cat\r\n\r\n
A < 3 OK
A >> 4 APPEND INBOX {35+}\r\nSubject: I need help\r\n\r\nsome work\r\n\r\n
A < 4 OK
A >> 5 APPEND INBOX {29+}\r\nSubject: Helo\r\n\r\nWorld wide\r\n\r\n
A < 5 OK
A >> 6 APPEND INBOX {59+}\r\nSubject: work on IMAP breaks\r\nFrom: user@example.com\r\n\r\nx\r\n\r\n
A < 6 OK
A > s SELECT INBOX
A <... s OK
# 3: words in any order, and words like them
A > A1 SEARCH FUZZY (SUBJECT "IMAP break")
A <= * SEARCH 1 6
A < A1 OK
A > A2 SEARCH FUZZY SUBJECT work FROM user@example.com
A <= * SEARCH 6
A < A2 OK
A > A3 SEARCH FUZZY SUBJECT "break imap" NOT FUZZY SUBJECT work
A <= * SEARCH 1
A < A3 OK
# 4: scores in the order of the numbers
A > B1 SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "Helo"
A <= * ESEARCH (TAG "B1") ALL 2,4:5 RELEVANCY (44 55 100)
A < B1 OK
A > B2 SEARCH RETURN (COUNT RELEVANCY) FUZZY TEXT "nowhere"
A <= * ESEARCH (TAG "B2") COUNT 0
A < B2 OK
A > B3 UID SEARCH RETURN (PARTIAL 2:3 RELEVANCY) FUZZY TEXT "Helo"
A <= * ESEARCH (TAG "B3") UID PARTIAL (2:3 4:5) RELEVANCY (55 100)
A < B3 OK
A > B4 SEARCH RETURN (RELEVANCY ALL) TEXT "Helo"
A < B4 BAD
# 5: other keys as they are
A > B5 SEARCH RETURN (RELEVANCY ALL) FUZZY (SMALLER 100000 SEEN)
A <= * ESEARCH (TAG "B5")
A < B5 OK
A > B6 SEARCH RETURN (RELEVANCY ALL) FUZZY ALL 1:2
A <= * ESEARCH (TAG "B6") ALL 1:2 RELEVANCY (100 100)
A < B6 OK
# 6: sorted by relevancy
A > C1 SORT (RELEVANCY) UTF-8 FUZZY TEXT "Helo"
A <= * SORT 5 4 2
A < C1 OK
A > C2 SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT "Helo"
A <= * ESEARCH (TAG "C2") ALL 5,4,2 RELEVANCY (100 55 44)
A < C2 OK
A > C3 SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT "World"
A <= * ESEARCH (TAG "C3") PARTIAL (1:2 2,5)
A < C3 OK
A > C4 SORT (REVERSE RELEVANCY ARRIVAL) UTF-8 FUZZY TEXT "Helo"
A <= * SORT 2 4 5
A < C4 OK
A > C5 SORT (RELEVANCY) UTF-8 TEXT "Helo"
A < C5 BAD
A > C6 SEARCH FUZZY
A < C6 BAD

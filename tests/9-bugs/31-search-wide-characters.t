# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4: text of more bytes to a character is searched whole, behind its line ends and up to its end, with the search index and without
set store search_index_every = 50ms
set store search_index_after = 30
A connect imap as bob
A >> a APPEND INBOX {201+}\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\nZgBpAHIAcwB0ACAAbABpAG4AZQANAAoAegB3AGUAaQB0AGUAIABaAGUAaQBsAGUALAAgAGcAcgD2\r\nAN8AZQByAA0ACgBsAGEAcwB0AA==\r\n\r\n
A < a OK
A >> b APPEND INBOX {105+}\r\nSubject: x\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n\r\n1tDOxLTK0+8=\r\n\r\n
A < b OK
A >> c APPEND INBOX {138+}\r\nSubject: x\r\nContent-Type: text/plain; charset=iso-2022-kr\r\nContent-Transfer-Encoding: base64\r\n\r\nGyQpQw5DOQ8gDkFZDw0KDjVRQjAPIA5BWQ8NCg==\r\n\r\n
A < c OK
A > s SELECT INBOX
A <... s OK
A > t1 SEARCH CHARSET UTF-8 BODY "größer"
A <= * SEARCH 1
A < t1 OK
A > t2 SEARCH CHARSET UTF-8 BODY "中文词语"
A <= * SEARCH 2
A < t2 OK
A > t3 SEARCH CHARSET UTF-8 BODY "둘째 줄"
A <= * SEARCH 3
A < t3 OK
A > t4 SEARCH CHARSET UTF-8 BODY "last"
A <= * SEARCH 1
A < t4 OK
repeat 40 deliver simple.eml bob
log store.search_index segments=1
B connect imap as bob in INBOX
B > t1 SEARCH CHARSET UTF-8 BODY "größer"
B <= * SEARCH 1
B < t1 OK
B > t2 SEARCH CHARSET UTF-8 BODY "中文词语"
B <= * SEARCH 2
B < t2 OK
B > t3 SEARCH CHARSET UTF-8 BODY "둘째 줄"
B <= * SEARCH 3
B < t3 OK
B > t4 SEARCH CHARSET UTF-8 BODY "last"
B <= * SEARCH 1
B < t4 OK

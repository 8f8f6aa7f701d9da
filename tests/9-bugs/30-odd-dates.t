# SPDX-License-Identifier: MIT
# RFC 5256 2.2, RFC 9051 6.4.4: the sent date is that of Date:, also where it is written as ctime() or RFC 3339 have it, or with the month in front
A connect imap as bob
A >> a1 APPEND INBOX "01-Jan-2000 00:00:00 +0000" {37+}\r\nDate: Fri Feb 24 13:40:45 1995\r\n\r\nx\r\n\r\n
A < a1 OK
A >> a2 APPEND INBOX "01-Jan-2000 00:00:00 +0000" {43+}\r\nDate: Wed Sep 10 2008 01:35:00 +0200\r\n\r\nx\r\n\r\n
A < a2 OK
A >> a3 APPEND INBOX "01-Jan-2000 00:00:00 +0000" {38+}\r\nDate: 2001-12-31 23:30:00 -0800\r\n\r\nx\r\n\r\n
A < a3 OK
A >> a4 APPEND INBOX "01-Jan-2000 00:00:00 +0000" {46+}\r\nDate: Mon, 1 Jan 1996 02:00:00 GMT+0500\r\n\r\nx\r\n\r\n
A < a4 OK
A >> a5 APPEND INBOX "01-Jan-2000 00:00:00 +0000" {20+}\r\nDate: someday\r\n\r\nx\r\n\r\n
A < a5 OK
A > s SELECT INBOX
A <... s OK
A > b SORT (DATE) UTF-8 ALL
A < * SORT 1 4 5 3 2
A < b OK
A > c SEARCH SENTON 24-Feb-1995
A <= * SEARCH 1
A < c OK
A > d SEARCH SENTON 10-Sep-2008
A <= * SEARCH 2
A < d OK
A > e SEARCH SENTSINCE 31-Dec-2001 SENTBEFORE 1-Jan-2002
A <= * SEARCH 3
A < e OK
A > f SEARCH OR SENTBEFORE 1-Jan-1970 SENTSINCE 1-Jan-1970
A <= * SEARCH 1 2 3 4
A < f OK

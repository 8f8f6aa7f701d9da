# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4: text is searched for in its characters, by whatever name the mail calls its charset: the server process can load none later
A connect imap as bob
A >> a APPEND INBOX {149+}\r\nSubject: =?iso8859-1?Q?J=F6rg?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nStra\xdfe \x93quoted\x94\r\n\r\n
A < a OK
A >> b APPEND INBOX {125+}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc7\xd1\xb1\xdb \x8cc\r\n\r\n
A < b OK
A >> c APPEND INBOX {120+}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-8-i\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xf9\xec\xe5\xed\r\n\r\n
A < c OK
A >> d APPEND INBOX {115+}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc4\xe3 \x81@\r\n\r\n
A < d OK
A >> e APPEND INBOX {117+}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=x-sjis\r\nContent-Transfer-Encoding: 8bit\r\n\r\n~joe \x87@\r\n\r\n
A < e OK
A >> f APPEND INBOX {120+}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=windows-1255\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xf9\xec\xe5\xed\r\n\r\n
A < f OK
A >> g APPEND INBOX {129+}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unicode-1-1-utf-7\r\nContent-Transfer-Encoding: 8bit\r\n\r\nJ+APY-rg\r\n\r\n
A < g OK
# no charset: UTF-8, and what is none as the old mail programs of Windows wrote it, in the header too
A >> h APPEND INBOX {76+}\r\nSubject: gr\xfc\xdfe \xc3\xa4\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\x93gr\xfcn\x94 \xc3\xbc\r\n\r\n
A < h OK
# ISO-2022-JP with a number in a circle and half-width katakana, as Windows writes it
A >> i APPEND INBOX {79+}\r\nSubject: x\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B-!F|K\\\x1b(I1\x1b(B\r\n\r\n
A < i OK
A > s SELECT INBOX
A <... s OK
A > t SEARCH CHARSET UTF-8 BODY "straße"
A <= * SEARCH 1
A < t OK
A > t SEARCH CHARSET UTF-8 BODY "“quoted”"
A <= * SEARCH 1
A < t OK
A > t SEARCH CHARSET UTF-8 SUBJECT "jörg"
A <= * SEARCH 1
A < t OK
A > t SEARCH CHARSET UTF-8 BODY "한글 똠"
A <= * SEARCH 2
A < t OK
A > t SEARCH CHARSET UTF-8 BODY "שלום"
A <= * SEARCH 3 6
A < t OK
A > t SEARCH CHARSET UTF-8 BODY "你 丂"
A <= * SEARCH 4
A < t OK
A > t SEARCH CHARSET UTF-8 BODY "~joe ①"
A <= * SEARCH 5
A < t OK
A > t SEARCH CHARSET UTF-8 BODY "jörg"
A <= * SEARCH 7
A < t OK
A >> u SEARCH CHARSET iso8859-1 SUBJECT {2+}\r\n\xf6r\r\n
A <= * SEARCH 1
A < u OK
A > v SEARCH CHARSET UTF-8 SUBJECT "grüße ä" BODY "“grün” ü"
A <= * SEARCH 8
A < v OK
A > w SEARCH CHARSET UTF-8 BODY "①日本ｱ"
A <= * SEARCH 9
A < w OK

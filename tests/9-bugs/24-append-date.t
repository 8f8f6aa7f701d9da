# SPDX-License-Identifier: MIT
# RFC 9051 9 (date-day-fixed): Horde writes days before the tenth with one character instead of two; its message is stored all the same
A connect imap as bob
A >> a APPEND INBOX (\\Seen) "2-Jan-2020 03:04:05 +0100" {16+}\r\nSubject: x\r\n\r\ny\r\r\n
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 INTERNALDATE
A <= * 1 FETCH (INTERNALDATE " 2-Jan-2020 02:04:05 +0000")
A < c OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.3.12: node-imap writes the first nine days of a month with one digit and no space before it; its APPEND was refused
A connect imap as bob
A > a APPEND Drafts "9-Sep-2001 01:46:40 +0000" {$size.simple.eml+}
A bytes simple.eml
A >
A < a OK [APPENDUID $validity 1] *
A > b SELECT Drafts
A <... b OK
A > c FETCH 1 INTERNALDATE
A < * 1 FETCH (INTERNALDATE " 9-Sep-2001 01:46:40 +0000")
A < c OK
A >> d APPEND Drafts "0-Sep-2001 01:46:40 +0000" {10+}\r\n0123456789\r\n
A < d BAD
A >> e APPEND Drafts " 19-Sep-2001 01:46:40 +0000" {10+}\r\n0123456789\r\n
A < e BAD

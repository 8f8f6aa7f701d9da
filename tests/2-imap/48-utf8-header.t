# SPDX-License-Identifier: MIT
# RFC 6532 3.2, RFC 9051 7.5.2: a header with raw UTF-8 is kept, shown in ENVELOPE, found by SEARCH
A connect imap
A < * OK
A > a LOGIN bob@example.test demo
A <... a OK
A > b APPEND INBOX {$size.8bit.eml+}
A bytes 8bit.eml
A >> \r\n
A <... b OK
A > c SELECT INBOX
A <... c OK
A > d FETCH 1 (ENVELOPE)
A < * 1 FETCH (ENVELOPE ("Wed, 25 Nov 2026 07:00:00 -0500" {$n}
A < Déjà vu, unencoded
A < d OK
A > e SEARCH CHARSET UTF-8 SUBJECT "DÉJÀ"
A < * SEARCH 1
A < e OK

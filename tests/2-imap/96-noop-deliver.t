# SPDX-License-Identifier: MIT
# RFC 9051 6.1.2, 5.2: NOOP tells of delivered mail, once
A connect imap as bob in INBOX
deliver simple.eml bob
A > a NOOP
A <= * 1 EXISTS
A <= * 1 RECENT
A < a OK
A > b NOOP
A < b OK
B connect lmtp hello
B mail <carol@example.org> bob@example.test
B data simple.eml
B < 250
A > c NOOP
A <= * 2 EXISTS
A <= * 2 RECENT
A < c OK
A > d NOOP
A < d OK

# SPDX-License-Identifier: MIT
# RFC 4422 3.4.1, RFC 4616 2: names compare without case; an authorization identity must be oneself
A connect imap
A < * OK
A > a AUTHENTICATE PLAIN Qk9CQEVYQU1QTEUuVEVTVABib2JAZXhhbXBsZS50ZXN0AGRlbW8=
A < a OK
B connect imap
B < * OK
B > a AUTHENTICATE PLAIN YWxpY2VAZXhhbXBsZS50ZXN0AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
B < a NO
# no password at all, no name, no separators
B > b AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QA
B < b NO
B > c AUTHENTICATE PLAIN AABkZW1v
B < c NO
B > d AUTHENTICATE PLAIN Ym9i
B < d *
B > e LOGIN bob@example.test ""
B < e NO
B > f NOOP
B < f OK

# SPDX-License-Identifier: MIT
# RFC 9051 7.4.1, RFC 3501 7.3.2: mail that arrives is told at the next command; \Recent goes to one session only
A connect imap as bob in INBOX
deliver simple.eml bob
A > a NOOP
A <all a OK
out * 1 EXISTS
out * 1 RECENT
deliver simple.eml bob
A > b CHECK
A <all b OK
out * 2 EXISTS
A > c FETCH 2 FLAGS
A < * 2 FETCH (FLAGS (\Recent))
A < c OK
B connect imap as bob
B > a EXAMINE INBOX
B <all a OK
out * 2 EXISTS
out * 0 RECENT

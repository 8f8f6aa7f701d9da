# SPDX-License-Identifier: MIT
# With the login cache switched off each login is checked by the slow hash, and says the same
set auth cache_ttl = 0
A connect imap as bob
B connect imap as bob
C connect imap
C < * OK
C > a LOGIN bob@example.test wrong
C < a NO

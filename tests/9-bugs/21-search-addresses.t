# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4: FROM, TO, CC and BCC look into the addresses of the envelope: comments, folds and quotes of the header do not
# stand between their parts. With the search index and without.
set store search_index_every = 50ms
set store search_index_after = 30
deliver address-comments.eml bob
A connect imap as bob in INBOX
A > a SEARCH FROM user-from@example.org
A <= * SEARCH 1
A < a OK
A > b SEARCH TO joe.public@example.org
A <= * SEARCH 1
A < b OK
A > c SEARCH TO "Joe \"Q\" Public <joe"
A <= * SEARCH 1
A < c OK
A > d SEARCH TO "Jörg <joerg@example.org>"
A <= * SEARCH 1
A < d OK
A > e SEARCH CC "friends:"
A <= * SEARCH 1
A < e OK
A > f SEARCH CC "Bo, the second <bo@"
A <= * SEARCH 1
A < f OK
A > g SEARCH BCC "Hidden One <hidden@example.org>"
A <= * SEARCH 1
A < g OK
A > h SEARCH CC ann@example.com
A <= * SEARCH
A < h OK
# what stands in the header is found as ever
A > i SEARCH FROM "(comment)" HEADER To "(a remark)"
A <= * SEARCH 1
A < i OK
A > j SEARCH HEADER Subject comments@
A <= * SEARCH
A < j OK
repeat 40 deliver simple.eml bob
log store.search_index segments=1
B connect imap as bob in INBOX
B > a SEARCH FROM user-from@example.org
B <= * SEARCH 1
B < a OK
B > b SEARCH TO joe.public@example.org
B <= * SEARCH 1
B < b OK
B > c SEARCH BCC "Hidden One <hidden@example.org>"
B <= * SEARCH 1
B < c OK

# SPDX-License-Identifier: MIT
# RFC 5032: OLDER and YOUNGER, in seconds of the internal date
deliver simple.eml bob
clock 3600000
deliver simple.eml bob
clock 86400000
deliver simple.eml bob
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * WITHIN
A < a OK
A > b EXAMINE INBOX
A <... b OK
# the example of section 4
A > c SEARCH UNSEEN YOUNGER 259200
A < * SEARCH 1 2 3
A < c OK
A > d SEARCH YOUNGER 3000
A < * SEARCH 3
A < d OK
A > e SEARCH YOUNGER 86700 OLDER 3000
A < * SEARCH 2
A < e OK
A > f SEARCH OLDER 86700
A < * SEARCH 1
A < f OK
A > g SEARCH NOT OLDER 3000
A < * SEARCH 3
A < g OK
A > h SEARCH OLDER 4294967295
A <= * SEARCH
A < h OK
A > i SEARCH YOUNGER 4294967295
A < * SEARCH 1 2 3
A < i OK
A > j UID SORT (REVERSE ARRIVAL) UTF-8 OLDER 1000
A < * SORT 2 1
A < j OK
A > k SEARCH OLDER 0
A < k BAD
A > l SEARCH YOUNGER
A < l BAD

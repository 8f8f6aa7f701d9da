# SPDX-License-Identifier: MIT
# RFC 9051 2.2, 3, 7.1.3: what is not understood is BAD, what comes in the wrong state too, and the session goes on
A connect imap
A < * OK
A > a SELECT INBOX
A < a BAD
A > b LIST "" *
A < b BAD
A > c FROBNICATE
A < c BAD
A >
A < * BAD
A > d
A < *BAD
A > * NOOP
A < * BAD
A > (e NOOP
A < * BAD
A >> f\tNOOP\r\n
A < *BAD
A > g NOOP now
A < g BAD
A >> h NOOP\n
A < h BAD
A > i LOGIN bob@example.test demo
A <... i OK
A > j FETCH 1 FLAGS
A < j BAD
A > k SEARCH ALL
A < k BAD
A > l EXPUNGE
A < l BAD
A > n UID FROBNICATE 1
A < n BAD
A > o UID
A < o BAD
A >> p SELECT "IN\0BOX"\r\n
A < p BAD
A > q SELECT "IN\BOX"
A < q BAD
A > r LIST "" {1000000000}
A < r *
A > s NOOP
A <... s OK
B connect imap
B < * OK
B > a LOGIN {100000}
B < 
C connect imap
C < * OK
C > a LOGIN {-1}
C < a BAD
C > b LOGIN {12
C < b BAD

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.6, 7.1 (LIMIT): keywords of one mailbox are bounded; beyond the bound NO, and the rest still works
deliver simple.eml bob
deliver simple.eml bob
A connect imap as bob in INBOX
B connect imap as bob in INBOX
repeat 511 A > k$i STORE 1 FLAGS.SILENT (word$i)
repeat 511 A <... k$i OK
B > a NOOP
B <all a OK
out * OK [PERMANENTFLAGS (*word511 \*)]*
A > l STORE 1 FLAGS.SILENT (word1 word50 word300 word512)
A <... l OK
B > b NOOP
B <all b OK
out * OK [PERMANENTFLAGS (*word512)]*
A > a STORE 1 +FLAGS.SILENT (onemore)
A <... a NO [LIMIT]
A > c FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (word1 word50 word300 word512 \Recent))
A < c OK
# nothing of a message that has one too many is kept; all of one APPEND or none (RFC 3502 6.3.11)
A > d APPEND INBOX (word2 onemore) {3+}
A > abc
A < d NO [LIMIT]
A > e APPEND INBOX (word2) {3+}
A >> abc (onemore) {3+}\r\n
A > abc
A < e NO [LIMIT]
A > f REPLACE 1 INBOX (word2 onemore) {3+}
A > abc
A < f NO [LIMIT]
A > g APPEND INBOX (word2 word200 word400) {3+}
A >> abc (WORD60 word200) {3+}\r\n
A > abc
A < * 4 EXISTS
A <... g OK
A > h REPLACE 2 INBOX (word61) {3+}
A > abc
A <all h OK
A > i FETCH 1:4 FLAGS
A < * 1 FETCH (FLAGS (word1 word50 word300 word512 \Recent))
A < * 2 FETCH (FLAGS (word2 word200 word400 \Recent))
A < * 3 FETCH (FLAGS (word60 word200 \Recent))
A < * 4 FETCH (FLAGS (word61 \Recent))
A < i OK
# what is silenced stays silent, also where a keyword is none of the first
A > j STORE 1:4 +FLAGS.SILENT (word200)
A < j OK
A > m STORE 1:3 -FLAGS.SILENT (word200 word50)
A < m OK
A > n STORE 2:3 +FLAGS (word201)
A < * 2 FETCH (FLAGS (word2 word201 word400 \Recent))
A < * 3 FETCH (FLAGS (word60 word201 \Recent))
A < n OK
A > o SEARCH KEYWORD word201
A < * SEARCH 2 3
A < o OK
A > p SEARCH UNKEYWORD word200
A < * SEARCH 1 2 3
A < p OK
A > q SEARCH OR KEYWORD word300 KEYWORD word400
A < * SEARCH 1 2
A < q OK
A > r SEARCH RETURN (COUNT) KEYWORD onemore
A < * ESEARCH (TAG "r") COUNT 0
A < r OK
# RFC 7162 3.1.3
A > s STORE 1:4 (UNCHANGEDSINCE 1) +FLAGS (word205)
A <... s OK [MODIFIED 1:4]
A > t SEARCH KEYWORD word205
A < * SEARCH
A < t OK
# RFC 9051 6.4.7: a mailbox that has room keeps all; one that has none leaves out what does not fit
A > u CREATE other
A <... u OK
A > v COPY 1:3 other
A <... v OK
A > w MOVE 4 other
A <... w OK
A > x APPEND other (onemore andmore) {3+}
A > abc
A <... x OK
B > c SELECT other
B <... c OK
B > d FETCH 1:5 FLAGS
B < * 1 FETCH (FLAGS (word1 word300 word512 \Recent))
B < * 2 FETCH (FLAGS (word2 word201 word400 \Recent))
B < * 3 FETCH (FLAGS (word201 word60 \Recent))
B < * 4 FETCH (FLAGS (word200 word61 \Recent))
B < * 5 FETCH (FLAGS (onemore andmore \Recent))
B < d OK
B > e COPY 1,5 INBOX
B <... e OK
restart
A connect imap as bob in INBOX
A > a FETCH 1:* FLAGS
A < * 1 FETCH (FLAGS (word1 word300 word512))
A < * 2 FETCH (FLAGS (word2 word201 word400))
A < * 3 FETCH (FLAGS (word60 word201))
A < * 4 FETCH (FLAGS (word1 word300 word512 \Recent))
A < * 5 FETCH (FLAGS (\Recent))
A < a OK

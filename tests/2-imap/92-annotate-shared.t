# SPDX-License-Identifier: MIT
# RFC 5257 3.3, 3.4, RFC 4314: what is private is nobody else's, what is shared takes "r" to read and "n" to change
set imap max_errors = 1000
A connect imap as alice
A > a CREATE Work
A < a OK
A >> a APPEND Work ANNOTATION (/comment (value.priv "alice only" value.shared "ours")) {12+}\r\nSubject: x\r\n\r\n
A < a OK
A >> a APPEND Work ANNOTATION (/hidden (value.priv "alice only")) {12+}\r\nSubject: x\r\n\r\n
A < a OK
# "n" is a right of its own; with "r" alone the mailbox is READ-ONLY, with "rn" it is not
A > a SETACL Work bob@example.test lrq
A < a BAD
A > a SETACL Work bob@example.test lr
A < a OK
B connect imap as bob
B > a SELECT "Other Users/alice@example.test/Work" (ANNOTATE)
B <all a OK [READ-ONLY]
out * OK [ANNOTATIONS 65536]*
# FETCH, SEARCH, SORT, ESEARCH, filters: nothing of alice's own
B > b FETCH 1:2 (ANNOTATION (* (value size)))
B <= * 1 FETCH (ANNOTATION (/comment (value.priv NIL value.shared "ours" size.priv "0" size.shared "4")))
B <= * 2 FETCH (UID 2)
B < b OK
B > c SEARCH ANNOTATION * value "alice"
B <= * SEARCH
B < c OK
B > d SEARCH ANNOTATION * value "ours"
B <= * SEARCH 1
B < d OK
B > e SEARCH ANNOTATION /hidden value NIL
B <= * SEARCH 1 2
B < e OK
B > f SORT (REVERSE ANNOTATION /hidden value.priv) UTF-8 ALL
B <= * SORT 1 2
B < f OK
B > g ESEARCH IN (mailboxes "Other Users/alice@example.test/Work") ANNOTATION * value.priv ""
B < g OK
B > h ESEARCH IN (mailboxes "Other Users/alice@example.test/Work") ANNOTATION * value.shared ""
B < * ESEARCH * ALL 1
B < h OK
B > i SEARCH RETURN (UPDATE ALL) ANNOTATION * value "alice"
B < * ESEARCH (TAG "i")
B < i OK
# STORE, APPEND: "r" for one's own, "n" for those of all; all or nothing
B > j STORE 1 ANNOTATION (/comment (value.shared "mine"))
B <= j NO [NOPERM] not permitted
B > k STORE 1 ANNOTATION (/comment (value.priv "bob only" value.shared NIL))
B <= k NO [NOPERM] not permitted
B > l STORE 1 ANNOTATION (/comment (value.priv "bob only"))
B < l OK
B > m STORE 1 +FLAGS (\Seen)
B < m NO [NOPERM]
B > n FETCH 1 (ANNOTATION (* value))
B <= * 1 FETCH (ANNOTATION (/comment (value.priv "bob only" value.shared "ours")))
B < n OK
A > b SELECT Work (ANNOTATE)
A <... b OK
A > c FETCH 1 (ANNOTATION (* value))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "alice only" value.shared "ours")))
A < c OK
# notices: of somebody's own nobody else is told the name; EXAMINE changes nothing
A > d STORE 1:2 ANNOTATION (/secret (value.priv "alice"))
A < d OK
B > o NOOP
B <= * 1 FETCH (UID 1 FLAGS (\Recent))
B <= * 2 FETCH (UID 2 FLAGS (\Recent))
B < o OK
A > e STORE 2 ANNOTATION (/secret (value.shared "now all"))
A < e OK
B > p NOOP
B <= * 2 FETCH (UID 2 FLAGS (\Recent) ANNOTATION (/secret))
B < p OK
B > q EXAMINE "Other Users/alice@example.test/Work" (ANNOTATE)
B <... q OK
B > r STORE 1 ANNOTATION (/comment (value.priv "x"))
B < r NO [NOPERM]
# NOTIFY: the owner's other sessions do not learn of what bob keeps for himself
C connect imap as alice
C > a NOTIFY SET (mailboxes Work (MessageNew MessageExpunge AnnotationChange)) (selected (MessageNew MessageExpunge AnnotationChange))
C < a OK
D connect imap as alice
D > a NOTIFY SET (selected (MessageNew MessageExpunge AnnotationChange))
D < a OK
D > b SELECT Work
D <... b OK
B > s SELECT "Other Users/alice@example.test/Work"
B <... s OK
B > t STORE 2 ANNOTATION (/mine (value.priv "bob"))
B < t OK
C silent 100
D silent 100
A > f SETACL Work bob@example.test lrin
A <... f OK
B > u STORE 2 ANNOTATION (/mine (value.shared "bob"))
B < u OK
C < * STATUS Work (UIDVALIDITY *)
D <= * 2 FETCH (UID 2 ANNOTATION (/mine))
B > v NOOP
B < v OK
# RFC 5465: what one keeps for oneself is news for one's own sessions, of mailboxes of others too, and for nobody else
E connect imap as bob
E > a NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge AnnotationChange))
E < a OK
A > fa STORE 2 ANNOTATION (/mine (value.priv "alice"))
A <... fa OK
C < * STATUS Work (UIDVALIDITY *)
D <... * 2 FETCH (UID 2 ANNOTATION (/mine))
E silent 100
B > va STORE 2 ANNOTATION (/mine (value.priv "bob again"))
B <... va OK
E < * STATUS "Other Users/alice@example.test/Work" (UIDVALIDITY *)
C silent 100
B > vb STORE 2 ANNOTATION (/mine (value.priv "bob" value.shared "bob's"))
B < vb OK
E < * STATUS "Other Users/alice@example.test/Work" (UIDVALIDITY *)
C < * STATUS Work (UIDVALIDITY *)
B > vc STORE 2 ANNOTATION (/mine (value.shared "bob"))
B < vc OK
E < * STATUS "Other Users/alice@example.test/Work" (UIDVALIDITY *)
B > w SELECT "Other Users/alice@example.test/Work"
B <... w OK [READ-WRITE]
# COPY and MOVE: bob's own and what is shared; into alice's mailbox what he may have there
B > x COPY 1:2 INBOX
B < x OK
A > g SETACL Work bob@example.test lri
A <... g OK
B > y SELECT INBOX
B <... y OK
B > z FETCH 1:* (ANNOTATION (* value))
B <= * 1 FETCH (ANNOTATION (/comment (value.priv "bob only" value.shared "ours")))
B <= * 2 FETCH (ANNOTATION (/mine (value.priv "bob" value.shared "bob") /secret (value.priv NIL value.shared "now all")))
B < z OK
B > aa COPY 1 "Other Users/alice@example.test/Work"
B < aa OK
B >> ab APPEND "Other Users/alice@example.test/Work" ANNOTATION (/a (value.shared "x")) {12+}\r\nSubject: x\r\n\r\n
B <= ab NO [NOPERM] not permitted
A > h SETACL Work bob@example.test lin
A <... h OK
B >> ac APPEND "Other Users/alice@example.test/Work" ANNOTATION (/a (value.priv "x")) {12+}\r\nSubject: x\r\n\r\n
B <= ac NO [NOPERM] not permitted
B > ad COPY 1 "Other Users/alice@example.test/Work"
B < ad OK
B >> ae APPEND "Other Users/alice@example.test/Work" ANNOTATION (/a (value.shared "from bob")) {12+}\r\nSubject: x\r\n\r\n
B < ae OK
A > i FETCH 3:* (ANNOTATION (* value.shared))
A <... * 3 FETCH (UID 3)
A <= * 4 FETCH (ANNOTATION (/comment (value.shared "ours")))
A <= * 5 FETCH (ANNOTATION (/a (value.shared "from bob")))
A < i OK
A > j SETACL Work bob@example.test lr
A <... j OK
B > af SELECT "Other Users/alice@example.test/Work"
B <... af OK
B > ag FETCH 3:* (ANNOTATION (* value.priv))
B <= * 3 FETCH (ANNOTATION (/comment (value.priv "bob only")))
B <= * 4 FETCH (UID 4)
B <= * 5 FETCH (UID 5)
B < ag OK
# RFC 5257 3.4: "n" is a shared flag right (RFC 4314 5.2)
A > k SETACL Work bob@example.test lrn
A <... k OK
B > ah SELECT "Other Users/alice@example.test/Work"
B <... ah OK [READ-WRITE]

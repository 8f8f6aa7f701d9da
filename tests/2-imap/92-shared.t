# SPDX-License-Identifier: MIT
# RFC 4314 4, 5, 6, RFC 2342: mailboxes of other users, below "Other Users/"
A connect imap as alice
B connect imap as bob
# nothing is shared: nothing is there, and what there is cannot be told from what is not
B > a LIST "" *
B <all a OK
out! *Other*
B > b1 SELECT "Other Users/alice@example.test/INBOX"
B <= b1 NO [NONEXISTENT] no such thing
B > b2 SELECT "Other Users/alice@example.test/nothing"
B <= b2 NO [NONEXISTENT] no such thing
B > b3 SELECT "Other Users/nobody@example.test/INBOX"
B <= b3 NO [NONEXISTENT] no such thing
B > b4 DELETE "Other Users/alice@example.test/INBOX"
B <= b4 NO [NONEXISTENT] no such thing
B > b5 DELETE "Other Users/nobody@example.test/INBOX"
B <= b5 NO [NONEXISTENT] no such thing
B > b6 CREATE "Other Users/alice@example.test/INBOX/x"
B <= b6 NO [NOPERM] not permitted
B > b7 CREATE "Other Users/nobody@example.test/INBOX/x"
B <= b7 NO [NOPERM] not permitted
B > b8 CREATE "Other Users/x"
B <= b8 NO [NOPERM] not permitted
B > b9 RENAME Archive "Other Users/alice@example.test/x"
B <= b9 NO [CANNOT] a mailbox stays with its owner
B > c1 SELECT "Other Users/bob@example.test/INBOX"
B <= c1 NO [NONEXISTENT] no such thing
B > c2 SUBSCRIBE "Other Users/Alice@Example.test/Work"
B < c2 OK
B > c3 LSUB "" "Other*"
B <= * LSUB () "/" "Other Users/alice@example.test/Work"
B < c3 OK
# shared: LIST shows it, with its superiors that are not there
A > d CREATE Work/Plans
A < d OK
A > d1 CREATE Work/Secret
A < d1 OK
A > d2 SETACL Work bob@example.test l
A < d2 OK
A > d3 SETACL Work/Plans bob@example.test lrs
A < d3 OK
B > e LIST "" "Other Users/*"
B <= * LIST (\Noselect \HasChildren) "/" "Other Users/alice@example.test"
B <= * LIST (\Noselect \HasChildren) "/" "Other Users/alice@example.test/Work"
B <= * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Work/Plans"
B < e OK
B > f LIST "" % RETURN (CHILDREN MYRIGHTS)
B <all f OK
out *LIST (\NonExistent \HasChildren) "/" "Other Users"
B > g LIST (SUBSCRIBED) "" "Other Users/*" RETURN (MYRIGHTS STATUS (MESSAGES))
B <= * LIST (\Noselect \Subscribed \HasChildren) "/" "Other Users/alice@example.test/Work"
B <= * MYRIGHTS "Other Users/alice@example.test/Work" l
B < g OK
B > h LIST "" "*/Plans" RETURN (MYRIGHTS STATUS (MESSAGES))
B <= * LIST (\HasNoChildren) "/" "Other Users/alice@example.test/Work/Plans"
B <= * MYRIGHTS "Other Users/alice@example.test/Work/Plans" lrs
B <= * STATUS "Other Users/alice@example.test/Work/Plans" (MESSAGES 0)
B < h OK
# with "l" alone it is known, and refused by that name
B > i SELECT "Other Users/alice@example.test/Work"
B < i NO [NOPERM]
B > i2 SELECT "Other Users/alice@example.test/Work/Secret"
B < i2 NO [NONEXISTENT]
# 5.2: what may be changed is told
A > j APPEND Work/Plans (\Seen \Draft) {17+}
A >> Subject: a\r\n\r\nb\r\n\r\n
A <... j OK
B > k SELECT "Other Users/alice@example.test/Work/Plans"
B <all k OK [READ-WRITE]
out * OK [PERMANENTFLAGS (\Seen)]*
out * 1 EXISTS
B > l STORE 1 -FLAGS (\Seen \Draft)
B < * 1 FETCH (FLAGS (\Draft*))
B < l OK
B > l1 STORE 1 +FLAGS (\Flagged)
B < l1 NO [NOPERM]
# rights change under the session: FLAGS again, then the end
A > m SETACL Work/Plans bob@example.test lr
A < m OK
B > n FETCH 1 BODY[TEXT]
B < * FLAGS (*
B < * OK [PERMANENTFLAGS ()]*
B < * 1 FETCH (BODY[TEXT] {3}
B <= b
B < )
B < n OK
A > m2 STATUS Work/Plans (UNSEEN)
A <= * STATUS Work/Plans (UNSEEN 1)
A < m2 OK
B > o EXPUNGE
B < o NO
B > o1 CLOSE
B < o1 OK
B > o2 SELECT "Other Users/alice@example.test/Work/Plans"
B <all o2 OK [READ-ONLY]
B > p IDLE
B < +
A > q DELETEACL Work/Plans bob@example.test
A < q OK
B < * BYE
B eof
# between accounts: the owner of the target pays, and gets what may be set
C connect imap as bob in INBOX
A > r SETACL Work anyone lrwip
A < r OK
C > s APPEND INBOX (\Seen \Flagged \Deleted Note) {17+}
C >> Subject: a\r\n\r\nb\r\n\r\n
C <... s OK
C > t COPY 1 "Other Users/alice@example.test/Work"
C < t OK [COPYUID
A > u SELECT Work
A <... u OK
A > v FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Flagged \Recent Note))
A < v OK
C > w GETQUOTAROOT "Other Users/alice@example.test/Work"
C < * QUOTAROOT "Other Users/alice@example.test/Work" "#user/alice@example.test"
C < * QUOTA "#user/alice@example.test"
C < w OK
C > w1 GETQUOTA "#user/alice@example.test"
C < w1 NO
C > w2 GETQUOTAROOT "Other Users/alice@example.test/INBOX"
C <= w2 NO [NONEXISTENT] no such thing
C > x NAMESPACE
C <= * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
C < x OK
# RFC 5464 3.3; the special use is the owner's
C > y SETMETADATA "Other Users/alice@example.test/Work" (/private/comment "mine")
C < y OK
C > y1 SETMETADATA "Other Users/alice@example.test/Work" (/private/specialuse "\\Sent")
C < y1 NO [NOPERM]
A > y2 GETMETADATA Work /private/comment
A <= * METADATA Work (/private/comment NIL)
A < y2 OK

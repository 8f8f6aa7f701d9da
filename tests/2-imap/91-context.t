# SPDX-License-Identifier: MIT
# RFC 5267 4: CONTEXT, UPDATE with ADDTO and REMOVEFROM at the right moments, CANCELUPDATE, NOUPDATE
repeat 4 deliver simple.eml bob
X connect imap as bob in INBOX
X close
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * CONTEXT=SEARCH CONTEXT=SORT
A < a OK
A > a1 CANCELUPDATE "B01"
A < a1 BAD
A > b SELECT INBOX
A <... b OK
# 4.2: a hint; it changes nothing
A > A01 SEARCH RETURN (CONTEXT COUNT) UNDELETED UNKEYWORD $Junk
A <= * ESEARCH (TAG "A01") COUNT 4
A < A01 OK
A > A02 UID SEARCH RETURN (CONTEXT) ALL
A <= * ESEARCH (TAG "A02") UID
A < A02 OK
# 4.3: the result, then its changes
A > B01 UID SEARCH RETURN (UPDATE COUNT) OR DELETED KEYWORD $Junk
A <= * ESEARCH (TAG "B01") UID COUNT 0
A < B01 OK
A > B01 SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED
A < B01 BAD tag reuse
A > B02 SEARCH RETURN (UPDATE ALL) UNDELETED
A <= * ESEARCH (TAG "B02") ALL 1:4
A < B02 OK
# own changes and those of others; $Junk did not exist when it was asked for
A > c UID STORE 2:3 +FLAGS ($Junk)
A <all c OK
out * ESEARCH (TAG "B01") UID ADDTO (0 2:3)
out! * ESEARCH (TAG "B02")*
B connect imap as bob in INBOX
B > a UID STORE 1,4 +FLAGS.SILENT (\Deleted)
B < a OK
A > d NOOP
A < * 1 FETCH
A < * 4 FETCH
A <= * ESEARCH (TAG "B01") UID ADDTO (0 1,4)
A <= * ESEARCH (TAG "B02") REMOVEFROM (0 1,4)
A < d OK
# what is in it and stays in it is not told
A > d1 UID STORE 1 +FLAGS.SILENT (\Flagged)
A < d1 OK
# new mail, in IDLE: after EXISTS
A > e IDLE
A < +
deliver simple.eml bob
A < * 5 EXISTS
A <... * ESEARCH (TAG "B02") ADDTO (0 5)
A > DONE
A < e OK
# expunged: before the numbers change; not while they must not
B > b UID STORE 2 +FLAGS.SILENT (\Deleted)
B <... b OK
A > f NOOP
A < * 2 FETCH
A <= * ESEARCH (TAG "B02") REMOVEFROM (0 2)
A < f OK
A > f1 SEARCH RETURN (UPDATE COUNT) ALL
A <= * ESEARCH (TAG "f1") COUNT 5
A < f1 OK
B > c EXPUNGE
B <... c OK
A > g FETCH 3 (UID)
A <= * 3 FETCH (UID 3)
A < g OK
A > h NOOP
A <= * ESEARCH (TAG "B01") UID REMOVEFROM (0 1:2,4)
A <= * ESEARCH (TAG "f1") REMOVEFROM (0 1:2,4)
A <= * 1 EXPUNGE
A <= * 1 EXPUNGE
A <= * 2 EXPUNGE
A < h OK
# UID 3 and 5 are left. 4.3.5, of several, also of none
A > i CANCELUPDATE "B01" "B02" "unknown"
A < i OK
A > i1 CANCELUPDATE
A < i1 BAD
A > j STORE 1:2 +FLAGS.SILENT (\Deleted $Junk)
A < j OK
A > B01 UID SEARCH RETURN (UPDATE) UID 4:*
A <= * ESEARCH (TAG "B01") UID
A < B01 OK
deliver simple.eml bob
A > k NOOP
A < * 3 EXISTS
A <all k OK
out * ESEARCH (TAG "B01") UID ADDTO (0 6)
out * ESEARCH (TAG "f1") ADDTO (0 3)
# message numbers mean the messages of then (4.3)
A > B03 UID SEARCH RETURN (UPDATE COUNT) 1:3 SEEN
A <= * ESEARCH (TAG "B03") UID COUNT 0
A < B03 OK
deliver simple.eml bob
A > l UID STORE 1:* +FLAGS.SILENT (\Seen)
A <all l OK
A > l1 NOOP
A <all l1 OK
out! * ESEARCH (TAG "B03") UID ADDTO (0 3,5:7)
A > l2 CANCELUPDATE "B03" "f1" "B01"
A < l2 OK
# a result that changes by the clock is refused; the rest is done (4.3.1)
A > m UID SEARCH RETURN (UPDATE ALL SAVE) YOUNGER 3600
A <= * ESEARCH (TAG "m") UID ALL 3,5:7
A < * NO [NOUPDATE "m"]
A < m OK
A > m1 UID SEARCH $
A < * SEARCH 3 5 6 7
A < m1 OK
# $ is what it was
A > n UID SEARCH RETURN (UPDATE SAVE MIN) UID $ FLAGGED
A <= * ESEARCH (TAG "n") UID
A < n OK
A > n1 UID STORE 5 +FLAGS.SILENT (\Flagged)
A < * ESEARCH (TAG "n") UID ADDTO (0 5)
A < n1 OK
# as many as there may be, then no more
repeat 15 A > o$i UID SEARCH RETURN (UPDATE) DRAFT
A <... o15 OK
A > p UID SEARCH RETURN (UPDATE COUNT) DRAFT
A <= * ESEARCH (TAG "p") UID COUNT 0
A < * NO [NOUPDATE "p"]
A < p OK
A > q UID STORE 7 +FLAGS.SILENT (\Draft)
A <all q OK
out * ESEARCH (TAG "o1") UID ADDTO (0 7)
out * ESEARCH (TAG "o15") UID ADDTO (0 7)
out! * ESEARCH (TAG "p")*
# another mailbox ends them, and their tags are free
A > r SELECT INBOX
A <... r OK
A > s UID STORE 7 -FLAGS.SILENT (\Draft)
A < s OK
A > n UID SEARCH RETURN (UPDATE ALL) DRAFT
A <= * ESEARCH (TAG "n") UID
A < n OK
# UIDONLY (RFC 9586): message numbers are not told any more
A > t SEARCH RETURN (UPDATE COUNT) ALL
A < * ESEARCH (TAG "t") COUNT 4
A < t OK
A > u ENABLE UIDONLY
A <... u OK
A > v UID STORE 7 +FLAGS.SILENT (\Draft)
A < * NO [NOUPDATE "t"]
A <= * ESEARCH (TAG "n") UID ADDTO (0 7)
A < v OK
A > w UID EXPUNGE 3,5
A <... * VANISHED 3,5
A < w OK

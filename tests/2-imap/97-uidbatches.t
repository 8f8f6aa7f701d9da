# SPDX-License-Identifier: MIT
# UIDBATCHES (draft-ietf-mailmaint-imap-uidbatches): ranges of UIDs with as many messages each
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * UIDBATCHES
A < a OK
A > b UIDBATCHES 2000
A < b BAD
A > c SELECT INBOX
A <... c OK
A > d UIDBATCHES 2000
A <= * UIDBATCHES (TAG "d")
A < d OK
A >> e APPEND INBOX {12+}\r\nSubject: x\r\n\r\n
A <... e OK
A > f UIDBATCHES 500
A <= * UIDBATCHES (TAG "f") 1:1
A < f OK
# UIDs 1 to 2048, then without some: 1848 messages
repeat 11 A > g$i COPY 1:* INBOX
A <... g11 OK
A > h UID STORE 101:200,1501:1600 +FLAGS.SILENT (\Deleted)
A <... h OK
A > i EXPUNGE
A <... i OK
A > j UIDBATCHES 500
A <= * UIDBATCHES (TAG "j") 2048:1449,1448:949,948:449,448:1
A < j OK
# some of them; the last that there is ends at 1
A > k UIDBATCHES 500 2:3
A <= * UIDBATCHES (TAG "k") 1448:949,948:449
A < k OK
A > k1 UIDBATCHES 500 4:10
A <= * UIDBATCHES (TAG "k1") 448:1
A < k1 OK
A > k2 UIDBATCHES 500 5:6
A <= * UIDBATCHES (TAG "k2")
A < k2 OK
A > k3 UIDBATCHES 4294967295 4294967295:4294967295
A <= * UIDBATCHES (TAG "k3")
A < k3 OK
# exactly so many, and one less and more
A > l UIDBATCHES 1848
A <= * UIDBATCHES (TAG "l") 2048:1
A < l OK
A > l1 UIDBATCHES 1847
A <= * UIDBATCHES (TAG "l1") 2048:2,1:1
A < l1 OK
A > l2 UIDBATCHES 4294967295
A <= * UIDBATCHES (TAG "l2") 2048:1
A < l2 OK
# each has as many
A > m UID SEARCH RETURN (COUNT) UID 948:449
A <= * ESEARCH (TAG "m") UID COUNT 500
A < m OK
# "$" stays (it is no search)
A > n UID SEARCH RETURN (SAVE) UID 7
A < n OK
A > n1 UIDBATCHES 500 1:1
A < * UIDBATCHES
A < n1 OK
A > n2 UID SEARCH $
A < * SEARCH 7
A < n2 OK
A > o UIDBATCHES 499
A < o NO [TOOFEW]
A > o1 UIDBATCHES 500 3:2
A < o1 BAD [CLIENTBUG]
A > o2 UIDBATCHES 500 3
A < o2 BAD
A > o3 UIDBATCHES 0
A < o3 BAD
A > o4 UIDBATCHES 500 0:1
A < o4 BAD
# made for UIDONLY
A > p ENABLE UIDONLY
A <... p OK
A > p1 UIDBATCHES 1000
A <= * UIDBATCHES (TAG "p1") 2048:949,948:1
A < p1 OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4.1, RFC 5182 2: SAVE keeps the result as $, which shrinks with EXPUNGE and ends with the mailbox
repeat 4 deliver simple.eml bob
A connect imap as bob in INBOX
A > a SEARCH RETURN (SAVE) 2:4
A < a OK
A > b FETCH $ UID
A < * 2 FETCH (UID 2)
A < * 3 FETCH (UID 3)
A < * 4 FETCH (UID 4)
A < b OK
A > c STORE 3 +FLAGS.SILENT (\Deleted)
A < c OK
A > d EXPUNGE
A <... d OK
A > e UID FETCH $ FLAGS
A < * 2 FETCH (*UID 2*
A < * 3 FETCH (*UID 4*
A < e OK
A > f SEARCH RETURN (SAVE COUNT) $ UNSEEN
A <= * ESEARCH (TAG "f") COUNT 2
A < f OK
A > g SEARCH RETURN (SAVE MIN) ALL
A <= * ESEARCH (TAG "g") MIN 1
A < g OK
A > h COPY $ Archive
A < h OK [COPYUID * 1 1]
# a search that finds nothing empties it
A > i SEARCH RETURN (SAVE) SEEN
A < i OK
A > j FETCH $ UID
A < j OK
A > k SEARCH RETURN (SAVE) ALL
A < k OK
A > l SELECT INBOX
A <... l OK
A > m FETCH $ UID
A < m OK
# a SEARCH without SAVE leaves it alone; one that fails with NO empties it
A > n SEARCH RETURN (SAVE) 1
A < n OK
A > o SEARCH 2
A < * SEARCH 2
A < o OK
A > p MOVE $ Trash
A <all p OK
out * 1 EXPUNGE

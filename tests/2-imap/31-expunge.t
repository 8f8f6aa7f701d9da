# SPDX-License-Identifier: MIT
# RFC 9051 6.4.3, 6.4.9, 7.5.1: EXPUNGE with falling sequence numbers; UID EXPUNGE takes only those named
repeat 5 deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 2,4,5 +FLAGS.SILENT (\Deleted)
A <... a OK
A > b UID EXPUNGE 1:4
A <all b OK
out * 2 EXPUNGE
A > c FETCH 1:* UID
A <all c OK
out * 1 FETCH (UID 1)
out * 2 FETCH (UID 3)
out * 3 FETCH (UID 5)
A > d EXPUNGE
A < * 3 EXPUNGE
A <... d OK
A > e EXPUNGE
A <... e OK
A > f UID EXPUNGE
A < f BAD
A > g EXPUNGE 1
A < g BAD
A > h UID FETCH 1:* FLAGS
A < * 1 FETCH (*UID 1*)
A < * 2 FETCH (*UID 3*)
A <... h OK
# what is gone does not come back
deliver simple.eml bob
A > i NOOP
A < * 3 EXISTS
A <... i OK
A > j FETCH 3 UID
A < * 3 FETCH (UID 6)
A < j OK

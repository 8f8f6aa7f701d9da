# SPDX-License-Identifier: MIT
# RFC 8437 3, 4.1: one connection, several users; nothing of the first is left for the next
set imap quota_admins = alice@example.test
A connect imap
A < * OK
A > z UNAUTHENTICATE
A < z BAD
A > a LOGIN alice@example.test demo
A < a OK [CAPABILITY *UNAUTHENTICATE*QUOTASET*
A > b ENABLE IMAP4rev2 CONDSTORE QRESYNC
A < * ENABLED IMAP4rev2 CONDSTORE QRESYNC
A < b OK
A > c CREATE "alice's"
A < c OK
A > d SELECT INBOX
A <... d OK
A >> e APPEND INBOX (\\Deleted) {4+}\r\na: b\r\n
A <... e OK
A > f SEARCH RETURN (SAVE) ALL
A <... f OK
A > f1 ENABLE UIDONLY
A < * ENABLED UIDONLY
A < f1 OK
A > g UNAUTHENTICATE now
A < g BAD
A > h UNAUTHENTICATE
A <= h OK UNAUTHENTICATE completed
log imap.unauthenticate user=alice@example.test
A > i LIST "" *
A < i BAD
A > j CAPABILITY
A < * CAPABILITY *SASL-IR*
A < j OK
# as somebody else, in one round trip: CONDSTORE, QRESYNC, UIDONLY, IMAP4rev2, QUOTASET, the mailbox and "$" are gone
A >> k AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==\r\nl LIST "" alice*\r\nm FETCH 1 FLAGS\r\n
A <all k OK
out k OK [CAPABILITY * UNAUTHENTICATE *
out! k OK [CAPABILITY *QUOTASET*
A < l OK
A < m BAD
A > n SELECT INBOX
A < * FLAGS
A <... * 0 EXISTS
A <... * 0 RECENT
A <... n OK
A > o UID SEARCH $
A <= * SEARCH
A < o OK
A >> p APPEND INBOX {4+}\r\na: b\r\n
A < * 1 EXISTS
A <... p OK
A > q FETCH 1 FLAGS
A <= * 1 FETCH (FLAGS (\Recent))
A < q OK
A > q1 STORE 1 +FLAGS.SILENT (\Deleted)
A < q1 OK
A > q2 EXPUNGE
A <= * 1 EXPUNGE
A <... q2 OK
A > r SETQUOTA "#user/bob@example.test" (STORAGE 1)
A < r NO [NOPERM]
A > s CREATE "Entw&APw-rfe"
A < s OK
# no expunge by it, as by UNSELECT; a wrong login does not come back to the old one
A >> t UNAUTHENTICATE\r\nu LOGIN bob@example.test wrong\r\nv SELECT INBOX\r\n
A < t OK
A < u NO [AUTHENTICATIONFAILED]
A < v BAD
A > w LOGIN alice@example.test demo
A < w OK
A > x SELECT INBOX
A <... * 1 EXISTS
A <... x OK

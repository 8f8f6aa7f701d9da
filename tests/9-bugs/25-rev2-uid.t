# SPDX-License-Identifier: MIT
# RFC 9051 7.5.2: in a session of IMAP4rev2 flags that were not asked for come with the UID, also after the session's own STORE and
# beside a body that sets \Seen
repeat 2 deliver simple.eml bob
A connect imap as bob
A > a ENABLE IMAP4rev2
A <... a OK
A > b SELECT INBOX
A <... b OK
A > c STORE 2 +FLAGS (\Flagged)
A <= * 2 FETCH (UID 2 FLAGS (\Flagged))
A < c OK
A > d FETCH 1 BODY[HEADER.FIELDS (Subject)]
A < * 1 FETCH (UID 1 FLAGS (\Seen) BODY[HEADER.FIELDS (Subject)] {
A <... d OK
# what is asked for stays as it is asked for
A > e FETCH 1:2 FLAGS
A <= * 1 FETCH (FLAGS (\Seen))
A <= * 2 FETCH (FLAGS (\Flagged))
A < e OK
A > f STORE 1 +FLAGS.SILENT (\Answered)
A < f OK

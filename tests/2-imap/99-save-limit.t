# SPDX-License-Identifier: MIT
# SAVELIMIT (RFC 9738 3): the limit is for COPY and APPEND alone
set imap message_limit = 1000
set imap message_limit_copies_only = yes
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * SAVELIMIT=1000
A < a OK
A >> b APPEND INBOX {12+}\r\nSubject: x\r\n\r\n
A < b OK
A > c SELECT INBOX
A <... c OK
repeat 10 A > d$i COPY 1:* INBOX
repeat 10 A <... d$i OK
A > e COPY 1:* INBOX
A <... e NO [MESSAGELIMIT 1000 25] too many
A > f UID SEARCH RETURN (COUNT) ALL
A < * ESEARCH (TAG "f") UID COUNT 1024
A < f OK UID SEARCH
A > g UID STORE 1:* +FLAGS.SILENT (\Deleted)
A < g OK UID STORE
A > h CREATE to
A < h OK
A > i MOVE 1:* to
A < * OK [COPYUID * 1:1024 1:1024]
A <... i OK MOVE

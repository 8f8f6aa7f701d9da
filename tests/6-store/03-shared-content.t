# SPDX-License-Identifier: MIT
# One message to two recipients is stored once; a copy that goes leaves the other whole
deliver long.eml bob alice
A connect imap as bob in INBOX
A > a COPY 1 Archive
A < a OK
A > b STORE 1 +FLAGS.SILENT (\Deleted)
A <... b OK
A > c EXPUNGE
A <... c OK
B connect imap as alice in INBOX
B > a FETCH 1 RFC822.SIZE
B < * 1 FETCH (RFC822.SIZE $n)
B < a OK
B > b FETCH 1 BODY.PEEK[]
B < * 1 FETCH (BODY[] {$n}
B <bytes $n
B <... b OK
A > d SELECT Archive
A <... d OK
A > e FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {$n}
A <bytes $n
A <... e OK
# one who reads while another removes gets the whole message
A > f STORE 1 +FLAGS.SILENT (\Deleted)
A <... f OK
C connect imap as bob in Archive
A > g EXPUNGE
A <... g OK
C > a FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject)])
C <all a 
C > b NOOP
C <all b OK
out * 1 EXPUNGE

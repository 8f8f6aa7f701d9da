# SPDX-License-Identifier: MIT
# A body that is damaged is not moved and not dropped: it is told, and what can be read of its message is
set store expunge_grace = 0s
set store housekeeping = 1d
repeat 3 deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 1:2 +FLAGS.SILENT (\Deleted)
A <... a OK
A > b EXPUNGE
A <... b OK
stop
damage data/pack/000001.pack
start
cli!1 compact
out damaged: content 3: its record in pack 1 at * is damaged and stays there; martlet fsck tells whose it is
out contents_removed: 2
out packs_removed: 0
out clean: no
# once told, it is not tried again
cli compact
out clean: yes
cli!1 fsck
out fault: content 3: its record in pack 1 at * is damaged
B connect imap as bob in INBOX
B > a FETCH 1 (RFC822.SIZE ENVELOPE)
B < * 1 FETCH (RFC822.SIZE * ENVELOPE (*
B < a OK
B > b FETCH 1 BODY.PEEK[]
B < * 1 FETCH (BODY[] {$n}
B <bytes $n
B < )
B < b OK
# new mail makes a later pack; when the message goes, its pack goes
deliver simple.eml alice
B > c STORE 1 +FLAGS.SILENT (\Deleted)
B <... c OK
B > d EXPUNGE
B <... d OK
cli compact
out contents_removed: 1
out packs_removed: 1
cli fsck
out clean: yes

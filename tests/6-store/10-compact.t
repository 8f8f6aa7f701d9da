# SPDX-License-Identifier: MIT
# Space of expunged mail: waits for its grace, comes back by compact, with the server and without; status tells; the rest is whole
set store pack_size = 4K
set store expunge_grace = 1h
set store housekeeping = 1d
repeat 6 deliver long.eml bob
repeat 6 deliver simple.eml bob alice
A connect imap as bob in INBOX
B connect imap as bob in INBOX
B > z FETCH 1:* FLAGS
B <... z OK
A > a STORE 1:5,8:11 +FLAGS.SILENT (\Deleted)
A <... a OK
A > b EXPUNGE
A <... b OK
cli status
out dead_bytes: 0
out waiting: 5
# within the grace the other session still reads it, as it knew it before
B > a FETCH 1 BODY.PEEK[]
B < * 1 FETCH (BODY[] {$n}
B <bytes $n
B <... a OK
cli compact
out contents_removed: 0
out clean: yes
clock 3700000
cli compact
out contents_removed: 5
out dead_bytes: 0
out clean: yes
out! packs_removed: 0
out! freed_bytes: 0
# after it: RFC 2180 4.1.2, RFC 9051 7.1
B > b FETCH 1,6 (UID BODY.PEEK[HEADER.FIELDS (Subject)])
B <all b NO [EXPUNGEISSUED]
out * 6 FETCH (UID 6 *
out! * 1 FETCH
B > c NOOP
B <... c OK
B > d FETCH 1:3 BODY.PEEK[]
B < * 1 FETCH (BODY[] {$m}
B <bytes $m
B <... d OK
cli fsck
out clean: yes
A > c STORE 1:* +FLAGS.SILENT (\Deleted)
A <... c OK
A > d EXPUNGE
A <... d OK
stop
# alice still has hers
cli compact --json
out {"damaged":[],*"clean":true,*"dead_bytes":*
cli fsck
out messages: 6
out clean: yes
start
cli!2 compact now
C connect imap as alice in INBOX
C > a FETCH 1:6 BODY.PEEK[]
C <... * 6 FETCH
C <... a OK

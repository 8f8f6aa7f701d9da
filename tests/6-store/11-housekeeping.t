# SPDX-License-Identifier: MIT
# The housekeeper works by itself, hurried by settings; a server killed meanwhile loses nothing
set store pack_size = 4K
set store expunge_grace = 0s
set store housekeeping = 20ms
set store compact_percent = 1
set store compact_rate = 0
repeat 8 deliver long.eml bob alice
A connect imap as bob in INBOX
A > a STORE 1:4 +FLAGS.SILENT (\Deleted)
A <... a OK
A > b EXPUNGE
A <... b OK
P connect pop3 as alice
P > DELE 1
P < +OK
P > DELE 2
P < +OK
P > DELE 7
P < +OK
P > QUIT
P < +OK
log store.housekeeping
repeat 5 crash
cli fsck
out messages: 9
out clean: yes
mails bob 4
mails alice 5
repeat 4 deliver simple.eml bob
A connect imap as bob in INBOX
A > a FETCH 1:8 BODY.PEEK[]
A <... * 8 FETCH
A <... a OK

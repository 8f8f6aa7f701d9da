# SPDX-License-Identifier: MIT
# The check: with the server and without it, clean and not; it reads only
deliver simple.eml bob@example.test alice@example.test
A connect imap as bob in INBOX
A > a COPY 1 Archive
A <... a OK
S connect submission as alice
S mail alice@example.test dan@example.net bob@example.test
S data multipart.eml
S < 250
cli fsck
out accounts: 2
out messages: 4
out contents: 2
out clean: yes
cli fsck --json
out {*"faults":0,"clean":true}
stop
cli fsck
out faults: 0
damage data/pack/000001.pack
cli!1 fsck
out fault: content 1: its record in pack 1 at 32 is damaged
out clean: no
start
cli!1 fsck --json
out {"fault":["content 1: *"],*"clean":false}

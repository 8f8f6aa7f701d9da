# SPDX-License-Identifier: MIT
# fsck --repair: what cannot be read is told by account, mailbox, UID and subject, is kept, and goes on request only
set store expunge_grace = 0s
set store housekeeping = 1d
deliver simple.eml bob alice
restart
deliver long.eml bob
stop
write data/pack/000001.pack < gone
start
cli!1 fsck
out fault: content 1: its record in pack 1 at 32 is missing: the pack is too short
out unreadable: bob@example.test, mailbox INBOX, UID 1, subject "*": content 1 is missing
out unreadable: alice@example.test, mailbox INBOX, UID 1, subject "*": content 1 is missing
out faults: 1
out clean: no
cli!1 fsck --repair
out fault: content 1: * is missing: the pack is too short; kept, *
out unreadable: bob@example.test, mailbox INBOX, UID 1, *
out repairs: 0
mails bob 2
A connect imap as bob in INBOX
A > a FETCH 1:2 (UID RFC822.SIZE ENVELOPE)
A < * 1 FETCH (UID 1 *
A < * 2 FETCH (UID 2 *
A < a OK
A > b FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] NIL)
A < b NO [UNAVAILABLE]
cli!2 fsck --remove-unreadable
cli fsck --repair --remove-unreadable
out repaired: bob@example.test, mailbox INBOX, UID 1, *: content 1 is missing; removed
out repaired: alice@example.test, mailbox INBOX, UID 1, *: content 1 is missing; removed
out repaired: content 1: * is missing: the pack is too short; nobody's any more: removed
out clean: yes
# those who look at it are told
A > c NOOP
A <all c OK
out * 1 EXPUNGE
A > d FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {$n}
A <bytes $n
A <... d OK
mails bob 1
mails alice 0
cli fsck
out clean: yes
stop
cli fsck --repair --json
out {"fault":[],"unreadable":[],"repaired":[],*"repairs":0,*"clean":true}

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.8, RFC 6851 3: MOVE is COPY and EXPUNGE at once: COPYUID untagged, then EXPUNGE
repeat 4 deliver simple.eml bob
A connect imap as bob in INBOX
A > a MOVE 2:3 Trash
A < * OK [COPYUID $validity 2:3 1:2]
A < * 2 EXPUNGE
A < * 2 EXPUNGE
A <... a OK
A > b UID MOVE 4 Trash
A < * OK [COPYUID $validity 4 3]
A < * 2 EXPUNGE
A <... b OK
A > c MOVE 1 nowhere
A < c NO [TRYCREATE]
A > d UID MOVE 2:3 Trash
A <... d OK
A > e STATUS Trash (MESSAGES UIDNEXT)
A <= * STATUS Trash (MESSAGES 3 UIDNEXT 4)
A <... e OK
A > f FETCH 1:* UID
A < * 1 FETCH (UID 1)
A < f OK
A > g EXAMINE INBOX
A <... g OK
A > h MOVE 1 Trash
A < h NO
# onto itself: a new UID
A > i SELECT INBOX
A <... i OK
A > j MOVE 1 INBOX
A <all j OK
out * OK [COPYUID * 1 5]
out * 1 EXPUNGE
mails bob 4

# SPDX-License-Identifier: MIT
# RFC 6851 3.3, RFC 5321 6.1: kill -9 after deliveries and changes of several sessions: all that was answered is there, once
repeat 5 deliver simple.eml bob alice
A connect imap as bob in INBOX
A > a UID MOVE 2,4 Trash
A <... a OK
A > b STORE 1 +FLAGS.SILENT (\Deleted)
A <... b OK
A > c EXPUNGE
A <... c OK
P connect pop3 as alice
P > DELE 3
P < +OK
P > QUIT
P < +OK
crash
mails bob 4
mails alice 4
A connect imap as bob in Trash
A > a FETCH 1:* (UID RFC822.SIZE)
A < * 1 FETCH (UID 1 RFC822.SIZE $n)
A < * 2 FETCH (UID 2 RFC822.SIZE *)
A < a OK
A > b SELECT INBOX
A <all b OK
out * 2 EXISTS
out * OK [UIDNEXT 6]
A > c FETCH 1:* UID
A < * 1 FETCH (UID 3)
A < * 2 FETCH (UID 5)
A < c OK
deliver simple.eml bob
crash
A connect imap as bob in INBOX
A > a FETCH 3 (UID)
A < * 3 FETCH (UID 6)
A < a OK

# SPDX-License-Identifier: MIT
# RFC 1939 5: numbers and sizes stay while a session lasts, whatever is delivered or expunged meanwhile
repeat 2 deliver simple.eml bob
P connect pop3 as bob
deliver simple.eml bob
P > STAT
P < +OK 2 $total
P > LIST 3
P < -ERR
I connect imap as bob in INBOX
I > a STORE 1 +FLAGS.SILENT (\Deleted)
I < a OK
I > b EXPUNGE
I <... b OK
P > STAT
P < +OK 2 $total
P > RETR 2
P < +OK
P <... .
P > DELE 1
P < +OK
P > QUIT
P < +OK
mails bob 2
Q connect pop3 as bob
Q > STAT
Q < +OK 2

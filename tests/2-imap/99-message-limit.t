# SPDX-License-Identifier: MIT
# MESSAGELIMIT (RFC 9738): 1030 messages, and 1000 for one command
set imap message_limit = 1000
A connect imap as bob
A > a CAPABILITY
A < * CAPABILITY * MESSAGELIMIT=1000
A < a OK
A >> b APPEND INBOX {12+}\r\nSubject: x\r\n\r\n
A < b OK
A > c SELECT INBOX
A <... c OK
repeat 10 A > d$i COPY 1:* INBOX
repeat 10 A <... d$i OK
A > e COPY 1:6 INBOX
A <... e OK
# UIDs 1 to 1030
A > f FETCH 1:* UID
A < * 31 FETCH (UID 31)
A <... * 1030 FETCH (UID 1030)
A < f OK [MESSAGELIMIT 1000 31] that was for the last messages only
A > g UID COPY 1:1001 INBOX
A < g NO [MESSAGELIMIT 1000 2] too many messages for one command
A > h UID FETCH 1:* UID (PARTIAL -1:-1001)
A < h NO [MESSAGELIMIT 1000] too many
A > i UID SEARCH RETURN (MIN COUNT) ALL
A < * ESEARCH (TAG "i") UID MIN 31 COUNT 1000
A < i OK [MESSAGELIMIT 1000 31]
A > j UID SEARCH RETURN (MIN MAX COUNT) UIDBEFORE 31
A < * ESEARCH (TAG "j") UID MIN 1 MAX 30 COUNT 30
A < j OK UID SEARCH
A > k UID SEARCH RETURN (COUNT) UIDAFTER 1030
A < * ESEARCH (TAG "k") UID COUNT 0
A < k OK UID SEARCH
A > l UID STORE 1:* +FLAGS.SILENT (\Deleted)
A < l OK [MESSAGELIMIT 1000 31]
A > m UID STORE 1:30 +FLAGS.SILENT (\Deleted)
A < m OK UID STORE
A > n THREAD REFERENCES UTF-8 ALL
A < n NO [MESSAGELIMIT 1000] too many
A close
# what others expunged before this client has looked: that code is the tagged one (3.1)
restart
B connect imap as bob in INBOX
C connect imap as bob in INBOX
C > a UID EXPUNGE 1029
C <... a OK
B > b FETCH 1:1030 (UID)
B <all b NO [EXPUNGEISSUED]
out * NO [MESSAGELIMIT 1000 31] that was for the last messages only*
out * 31 FETCH (UID 31)
out! * 30 FETCH*
C > b UID EXPUNGE 1:*
C <all b OK [MESSAGELIMIT 1000 30]
C > c UID FETCH 1:* UID
C <all c OK
out * 29 FETCH (UID 29)
out! * 30 FETCH*
# no limit for these
C > d EXPUNGE
C <all d OK EXPUNGE
C > e STATUS INBOX (MESSAGES)
C <... * STATUS INBOX (MESSAGES 0)
C < e OK

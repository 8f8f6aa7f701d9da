# SPDX-License-Identifier: MIT
# RFC 7162 3.1.2.1: a power cut may undo the last flag changes; the modseqs that clients were told of them must not come again
deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 1 (UNCHANGEDSINCE 1000) +FLAGS (\Flagged)
A <... * 1 FETCH (UID 1 FLAGS (*) MODSEQ (*))
A < a OK
crash
B connect imap as bob in INBOX
B > b STORE 1 (UNCHANGEDSINCE 1000) +FLAGS (\Answered)
B <... * 1 FETCH (UID 1 FLAGS (*) MODSEQ (10485*))
B < b OK
# not after an orderly end
restart
C connect imap as bob in INBOX
C > c STORE 1 (UNCHANGEDSINCE 1500000) +FLAGS (\Draft)
C <... * 1 FETCH (UID 1 FLAGS (*) MODSEQ (10485*))
C < c OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.3.12, 6.4.3, 6.4.8: what was answered OK to APPEND, EXPUNGE, MOVE and CREATE survives kill -9
A connect imap as bob
A > a APPEND INBOX (\Seen) {$size.multipart.eml+}
A bytes multipart.eml
A >
A < a OK [APPENDUID $validity 1]
crash
A connect imap as bob
A > a SELECT INBOX
A <all a OK
out * 1 EXISTS
out * OK [UIDVALIDITY $validity]
A > b FETCH 1 (FLAGS BODY.PEEK[])
A < * 1 FETCH (FLAGS (\Seen*) BODY[] {$size.multipart.eml}
A <bytes $size.multipart.eml = multipart.eml
A <... b OK
A > c CREATE there
A < c OK
A > d MOVE 1 there
A <... d OK
crash
A connect imap as bob in there
A > a FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {$size.multipart.eml}
A <bytes $size.multipart.eml = multipart.eml
A <... a OK
A > b STATUS INBOX (MESSAGES UIDNEXT)
A <= * STATUS INBOX (MESSAGES 0 UIDNEXT 2)
A < b OK
A > c STORE 1 +FLAGS.SILENT (\Deleted)
A < c OK
A > d EXPUNGE
A <... d OK
crash
A connect imap as bob
A > a STATUS there (MESSAGES UIDNEXT)
A <= * STATUS there (MESSAGES 0 UIDNEXT 2)
A < a OK

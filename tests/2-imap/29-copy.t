# SPDX-License-Identifier: MIT
# RFC 9051 6.4.7, RFC 4315 3: COPY and UID COPY keep flags and date and give COPYUID; TRYCREATE
repeat 3 deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 2 +FLAGS.SILENT (\Flagged $Work)
A <... a OK
A > b COPY 2:3 Archive
A < b OK [COPYUID $validity 2:3 1:2]
A > c UID COPY 1 Archive
A < c OK [COPYUID $validity 1 3]
A > d COPY 1 nowhere
A < d NO [TRYCREATE]
A > e UID COPY 77 Archive
A < e OK
A > f COPY 77 Archive
A < f *
A > g COPY 1
A < g BAD
A > h SELECT Archive
A <all h OK
out * 3 EXISTS
out * OK [UIDVALIDITY $validity]
A > i FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Flagged $Work \Recent))
A < i OK
# onto itself
A > j COPY 1:3 Archive
A <all j OK [COPYUID $validity 1:3 4:6]
out * 6 EXISTS

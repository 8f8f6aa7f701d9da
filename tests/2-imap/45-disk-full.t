# SPDX-License-Identifier: MIT
# RFC 9051 7.1: no space: APPEND, COPY and EXPUNGE are answered NO, change nothing, and work again later
deliver simple.eml bob
A connect imap as bob in INBOX
A > f FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Recent))
A < f OK
sleep 2500
fail commit 1 full
A > a APPEND Sent {$size.simple.eml+}
A bytes simple.eml
A >
A < a NO [*]
A > b APPEND Sent {$size.simple.eml+}
A bytes simple.eml
A >
A <... b OK
fail commit 1 full
A > c COPY 1 Sent
A < c NO
A > d COPY 1 Sent
A <... d OK
A > e STORE 1 +FLAGS.SILENT (\Deleted)
A <... e OK
sleep 2500
fail commit 1 full
A > g EXPUNGE
A < g NO
A > h EXPUNGE
A < * 1 EXPUNGE
A <... h OK
mails bob 2

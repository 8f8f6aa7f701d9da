# SPDX-License-Identifier: MIT
# RFC 9051 6.4.6, 7.1 (LIMIT): keywords of one mailbox are bounded; beyond the bound NO, and the rest still works
deliver simple.eml bob
A connect imap as bob in INBOX
repeat 56 A > k$i STORE 1 +FLAGS.SILENT (word$i)
repeat 56 A <... k$i OK
A > a STORE 1 +FLAGS.SILENT (onemore)
A <... a NO [LIMIT]
A > b STORE 1 FLAGS.SILENT (word1 \Seen)
A <... b OK
A > c FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Seen word1 \Recent))
A < c OK

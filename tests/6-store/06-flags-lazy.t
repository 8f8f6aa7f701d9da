# SPDX-License-Identifier: MIT
# Flags may ride on a later sync, at most a second later; after that they survive kill -9
deliver simple.eml bob
A connect imap as bob in INBOX
A > a STORE 1 +FLAGS.SILENT (\Flagged $Work)
A <... a OK
sleep 1500
crash
A connect imap as bob in INBOX
A > a FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Flagged $Work*))
A < a OK

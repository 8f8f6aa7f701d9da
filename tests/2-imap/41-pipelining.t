# SPDX-License-Identifier: MIT
# RFC 9051 5.5: several commands in one segment are answered in order
deliver simple.eml bob
A connect imap
A < * OK
A >> a LOGIN bob@example.test demo\r\nb SELECT INBOX\r\nc FETCH 1 UID\r\nd STORE 1 +FLAGS.SILENT (\Seen)\r\ne NOOP\r\nf LOGOUT\r\n
A < a OK
A <... b OK
A < * 1 FETCH (UID 1)
A < c OK
A < d OK
A < e OK
A < * BYE
A < f OK
A eof
# a command in pieces
B connect imap
B < * OK
B >> a NO
sleep 50
B >> OP\r
sleep 50
B >> \nb LOGIN {16}\r\n
B < a OK
B < +
B >> bob@exam
sleep 50
B >> ple.test demo\r\n
B < b OK

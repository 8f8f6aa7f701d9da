# SPDX-License-Identifier: MIT
# An account that is removed is gone with its mail and its sessions; made again it is empty
deliver simple.eml bob
cli account remove bob@example.test
A connect imap
A < * OK
A > a LOGIN bob@example.test demo
A < a NO
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 550 5.1.1
cli account add bob@example.test < other
mails bob 0
A > b LOGIN bob@example.test demo
A < b NO
A > c LOGIN bob@example.test other
A < c OK
A > d SELECT INBOX
A <all d OK
out * 0 EXISTS

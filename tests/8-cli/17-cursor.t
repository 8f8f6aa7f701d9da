# SPDX-License-Identifier: MIT
# What a stranger wrote moves no cursor when an administrator looks at it
set store expunge_grace = 0s
set store housekeeping = 1d
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: =?utf-8?B?G1syShtdMDt0aXRsZQdh?=\r\n\r\nx\r\n.\r\n
S < 250 2.0.0
stop
write data/pack/000001.pack < gone
start
cli!1 fsck
out unreadable: bob@example.test, mailbox INBOX, UID 1, subject "?[2J?]0;TITLE?A"*

# SPDX-License-Identifier: MIT
# RFC 4314 6, RFC 4315 3: a refusal tells nothing of who has an account, and where messages may only be put, nothing of what is there
A connect imap as alice
B connect imap as bob
# the same of an account that is there and of one that is not, whatever else is wrong with the names
B > a1 RENAME "Other Users/alice@example.test/x" "Other Users/alice@example.test"
B <= a1 NO [NOPERM] not permitted
B > a2 RENAME "Other Users/nobody@example.test/x" "Other Users/nobody@example.test"
B <= a2 NO [NOPERM] not permitted
B > b1 RENAME "Other Users/alice@example.test/x" "Other Users/alice@example.test/x/y"
B <= b1 NO [CANNOT] a mailbox cannot be renamed to below itself
B > b2 RENAME "Other Users/nobody@example.test/x" "Other Users/nobody@example.test/x/y"
B <= b2 NO [CANNOT] a mailbox cannot be renamed to below itself
B > c1 CREATE "Other Users/alice@example.test/x" (USE (\Sent))
B <= c1 NO [CANNOT] only the owner gives a mailbox a special use
B > c2 CREATE "Other Users/nobody@example.test/x" (USE (\Sent))
B <= c2 NO [CANNOT] only the owner gives a mailbox a special use
B > d1 CREATE "Other Users/alice@example.test/Other Users/x"
B <= d1 NO [CANNOT] the mailboxes of others are below "Other Users"
B > d2 CREATE "Other Users/nobody@example.test/Other Users/x"
B <= d2 NO [CANNOT] the mailboxes of others are below "Other Users"
# "i" without "r": no UIDs
A > e CREATE Drop
A < e OK
A > e1 SETACL Drop bob@example.test li
A < e1 OK
B > f APPEND "Other Users/alice@example.test/Drop" {4+}
B > x: y
B <= f OK APPEND completed
B > f1 APPEND INBOX {4+}
B > x: y
B < f1 OK [APPENDUID
B > g SELECT INBOX
B <... g OK
B > g1 COPY * "Other Users/alice@example.test/Drop"
B <= g1 OK COPY completed
B > g2 REPLACE * "Other Users/alice@example.test/Drop" {4+}
B > x: y
B <all g2 OK
out! *APPENDUID*

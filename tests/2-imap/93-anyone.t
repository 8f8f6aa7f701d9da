# SPDX-License-Identifier: MIT
# "anyone": by default the accounts of the owner's domain (docs/decisions/021); here all
set store acl_anyone = all
cli domain add example.net
cli account add eve@example.net < demo
A connect imap as alice
A > a SETACL Archive anyone lr
A < a OK
E connect imap
E < * OK
E > a LOGIN eve@example.net demo
E < a OK
E > b EXAMINE "Other Users/alice@example.test/Archive"
E <... b OK [READ-ONLY]

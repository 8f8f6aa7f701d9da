# SPDX-License-Identifier: MIT
# "anyone" is not everybody: another domain's accounts see nothing
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
E <= b NO [NONEXISTENT] no such thing
E > c LIST "" "Other*"
E < c OK
B connect imap as bob
B > b EXAMINE "Other Users/alice@example.test/Archive"
B <... b OK [READ-ONLY]

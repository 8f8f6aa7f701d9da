# SPDX-License-Identifier: MIT
# RFC 4467 7: a URL gives what the user who signed it may read at the time of the URLFETCH
deliver simple.eml alice@example.test
A connect imap as alice
B connect imap as bob
A > a SETACL INBOX bob@example.test lr
A < a OK
B > b GENURLAUTH "imap://bob%40example.test@example.com/Other%20Users/alice%40example.test/INBOX/;uid=1/;section=text;urlauth=authuser" INTERNAL
B < * GENURLAUTH "$url"
B < b OK
A > c URLFETCH "$url"
A < * URLFETCH "$url" {
A <all c OK
# alice's keys are not bob's
A > d RESETKEY INBOX
A < d OK
A > e URLFETCH "$url"
A < * URLFETCH "$url" {
A <all e OK
A > f SETACL INBOX bob@example.test l
A < f OK
A > g URLFETCH "$url"
A <= * URLFETCH "$url" NIL
A < g OK
B > h RESETKEY "Other Users/alice@example.test/INBOX"
B < h NO [NOPERM]
A > i SETACL INBOX bob@example.test r
A < i OK
A > j URLFETCH "$url"
A < * URLFETCH "$url" {
A <all j OK
# who is shut out gives nobody anything
cli account disable bob@example.test
A > k URLFETCH "$url"
A <= * URLFETCH "$url" NIL
A < k OK

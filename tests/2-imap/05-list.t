# SPDX-License-Identifier: MIT
# RFC 9051 6.3.9, RFC 6154 2, RFC 3348 3: LIST with its wildcards, special uses and children
A connect imap as bob
A > a LIST "" ""
A < * LIST (\Noselect) "/" ""
A < a OK
A > b LIST "" *
A <all b OK
out * LIST (*) "/" INBOX
out * LIST (*\Drafts*) "/" Drafts
out * LIST (*\Sent*) "/" Sent
out * LIST (*\Junk*) "/" Junk
out * LIST (*\Trash*) "/" Trash
out * LIST (*\Archive*) "/" Archive
out * LIST (*\HasNoChildren*) "/" INBOX
A > c CREATE foo/bar/baz
A < c OK
A > d CREATE INBOX/sub
A < d OK
A > e LIST "" %
A <all e OK
out * LIST (*\HasChildren*) "/" foo
out * LIST (*\HasChildren*) "/" INBOX
out! *foo/bar
out! *INBOX/sub
A > f LIST "" foo/%
A <all f OK
out * LIST (*\HasChildren*) "/" foo/bar
out! *baz
A > g LIST "" foo/*
A <all g OK
out *foo/bar
out *foo/bar/baz
out! *INBOX
A > h LIST foo/ %
A <all h OK
out * foo/bar
out! *baz
A > i LIST "" inbox
A <all i OK
out * LIST (*) "/" INBOX
A > j LIST "" InBoX/%
A <all j OK
out * LIST (*) "/" INBOX/sub
A > k LIST "" foo/b%z
A < k OK
A > l LIST "" f*z
A < * LIST (*) "/" foo/bar/baz
A < l OK
A > m LIST "" nothing
A < m OK
A > n LIST ""
A < n BAD

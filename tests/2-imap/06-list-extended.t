# SPDX-License-Identifier: MIT
# RFC 5258 3, 5; RFC 9051 6.3.9: selection and return options, several patterns, CHILDINFO
A connect imap as bob
A > a CREATE Fruit/Apple
A < a OK
A > b CREATE Fruit/Banana
A < b OK
A > c SUBSCRIBE Fruit/Banana
A < c OK
A > d SUBSCRIBE Fruit/Peach
A < d OK
A > e LIST (SUBSCRIBED) "" Fruit/*
A <all e OK
out * LIST (*\Subscribed*) "/" Fruit/Banana
out * LIST (*\NonExistent*) "/" Fruit/Peach
out! *Apple
A > f LIST "" (Fruit/% INBOX) RETURN (SUBSCRIBED CHILDREN)
A <all f OK
out * LIST (*\Subscribed*) "/" INBOX
out * LIST (*\Subscribed*) "/" Fruit/Banana
out * LIST (*) "/" Fruit/Apple
out! * LIST (*\Subscribed*) "/" Fruit/Apple
A > g LIST (SUBSCRIBED RECURSIVEMATCH) "" Fr%
A <all g OK
out * LIST (*) "/" Fruit*("CHILDINFO" ("SUBSCRIBED"))
out! *Fruit/
A > h LIST (RECURSIVEMATCH) "" %
A < h BAD
A > i LIST (SPECIAL-USE) "" *
A <all i OK
out * LIST (*\Drafts*) "/" Drafts
out! *INBOX
out! *Fruit
A > j LIST "" % RETURN (SPECIAL-USE)
A <all j OK
out * LIST (*\Sent*) "/" Sent
A > k LIST (FROBNICATE) "" %
A < k BAD
A > l LIST "" % RETURN (FROBNICATE)
A < l BAD
A > m LIST () "" () RETURN ()
A < m BAD
A > n LIST (REMOTE) "" "Fruit/Apple" RETURN ()
A < * LIST (*) "/" Fruit/Apple
A < n OK

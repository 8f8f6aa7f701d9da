# SPDX-License-Identifier: MIT
# RFC 9051 6.3.7, 6.3.8, RFC 3501 6.3.9: subscriptions are names of their own and outlive their mailbox; LSUB
A connect imap as bob
A > a CREATE news/comp/mail
A < a OK
A > b SUBSCRIBE news/comp/mail
A < b OK
A > c LSUB "" news/*
A < * LSUB (*) "/" news/comp/mail
A < c OK
A > d LSUB "" news/%
A < * LSUB (\Noselect) "/" news/comp
A < d OK
A > e DELETE news/comp/mail
A < e OK
A > f LSUB "" news/*
A < * LSUB (*) "/" news/comp/mail
A < f OK
A > g UNSUBSCRIBE news/comp/mail
A < g OK
A > h LSUB "" news/*
A < h OK
A > i SUBSCRIBE INBOX
A < i OK
A > j SUBSCRIBE INBOX
A < j OK
A > k SUBSCRIBE
A < k BAD
A > l LSUB "" *
A <all l OK
out * LSUB (*) "/" INBOX

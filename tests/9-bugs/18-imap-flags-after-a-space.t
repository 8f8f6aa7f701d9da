# SPDX-License-Identifier: MIT
# RFC 9051 9, flag-list: Dovecot's imapc (doveadm sync imapc:) writes a space before the keywords of a message that has no other flags
A connect imap as bob
A > a APPEND Drafts ( $Forwarded $Work) {$size.simple.eml}
A < +
A bytes simple.eml
A >
A < a OK [APPENDUID $validity 1] *
A > b SELECT Drafts
A <... b OK
A > c STORE 1 +FLAGS ( later)
A <... c OK
A > d FETCH 1 FLAGS
A < * 1 FETCH (FLAGS ($Forwarded $Work later \Recent))
A < d OK
A > e STORE 1 +FLAGS (  later)
A < e BAD
A > f STORE 1 FLAGS ( )
A < f BAD

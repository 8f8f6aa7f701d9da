# SPDX-License-Identifier: MIT
# Administration reaches the running server: what it makes is there at once, and says what to do when it fails.
cli account list
out address *
out bob@example.test *
cli!3 account add carol@example.net < secret
out martlet: * martlet domain add example.net
cli!2 domain add bad_domain.example
out *is not a domain name*
cli!2 domain add -a.example
cli domain add example.net
cli account add carol@example.net < secret
cli!4 account add carol@example.net < secret
cli alias add team@example.net carol@example.net
cli alias add team@example.net bob@example.test
cli alias list
out team@example.net *
A connect imap
A < * OK
A > a LOGIN carol@example.net secret
A <... a OK
cli account password carol@example.net < other
B connect imap
B < * OK
B > a LOGIN carol@example.net secret
B <... a NO [AUTHENTICATIONFAILED]
B > b LOGIN carol@example.net other
B <... b OK
cli!2 account frobnicate
cli!2 account add
cli!3 account remove nobody@example.net
cli alias remove team@example.net
cli account remove carol@example.net
cli domain remove example.net
cli!3 domain remove example.net
cli domain list
out example.test

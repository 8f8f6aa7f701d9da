# SPDX-License-Identifier: MIT
# RFC 8437 8: it can be switched off
set imap unauthenticate = no
A connect imap as bob
A > a CAPABILITY
A <all a OK
out! * CAPABILITY *UNAUTHENTICATE*
A > b UNAUTHENTICATE
A < b BAD
A > c SELECT INBOX
A <... c OK

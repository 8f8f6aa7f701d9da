# SPDX-License-Identifier: MIT
# RFC 4978 3: it can be switched off
set imap compress = no
A connect imap as bob
A > a CAPABILITY
A <all a OK
out! * CAPABILITY *COMPRESS*
A > b COMPRESS DEFLATE
A < b BAD
A > c NOOP
A < c OK

# SPDX-License-Identifier: MIT
# RFC 9051 5.4: the time to log in does not begin again with each NOOP; a client that never logs in goes
set imap login_timeout = 3s
A connect imap
A < * OK
A > a NOOP
A < a OK
sleep 1200
A > b NOOP
A < b OK
A silent 100
A < * BYE
A eof

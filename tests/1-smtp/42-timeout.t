# SPDX-License-Identifier: MIT
# RFC 5321 4.5.3.2, 3.8: a client that says nothing is sent away with 421
set smtp command_timeout = 3s
S connect smtp hello
S < 421 4.4.2
S eof

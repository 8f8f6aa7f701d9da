# SPDX-License-Identifier: MIT
# RFC 5321 4.5.3.2.7: a command line must be whole in time, however slowly its bytes come
set net line_timeout = 1s
S connect smtp hello
S >> NOO
sleep 600
S >> P
sleep 600
S < 421 4.4.2
S eof

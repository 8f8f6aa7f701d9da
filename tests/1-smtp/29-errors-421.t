# SPDX-License-Identifier: MIT
# RFC 5321 3.8, 4.2.4, 7.8: a client that only makes errors is sent away with 421
set smtp max_errors = 5
S connect smtp hello
repeat 4 S > WRONG $i
repeat 4 S < 500
S > WRONG
S <... 421 4.7.0
S eof
# good commands do not wear out a session
T connect smtp hello
repeat 50 T > NOOP
repeat 50 T < 250

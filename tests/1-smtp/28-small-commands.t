# SPDX-License-Identifier: MIT
# RFC 5321 4.1.1.5 to 4.1.1.10, 3.5: RSET, VRFY, EXPN, HELP, NOOP, QUIT; and what is no command
S connect smtp
S < 220
S > NOOP
S < 250 2.0.0
S > RSET
S < 250 2.0.0
S > HELP
S <... 214 2.0.0
S > EHLO client.example
S <... 250 *
S > VRFY bob@example.test
S < 252 2.
S > VRFY
S < 501 5.5.
S > EXPN staff
S < 50
S > noop with words
S < 250
S > RSET now
S < 501 5.5.
S > XCLIENT ADDR=192.0.2.1
S < 500 5.5.
S > FROBNICATE
S < 500 5.5.
S > TURN
S < 50
S > QUIT now
S < 501 5.5.
S > quit
S < 221
S eof

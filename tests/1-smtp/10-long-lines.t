# SPDX-License-Identifier: MIT
# RFC 5321 4.5.3.1.6: lines beyond 1000 octets are taken and kept as they came; command lines that are too long are refused
S connect smtp hello
S mail carol@example.org bob@example.test
S >> Subject: long lines\r\n\r\n
repeat 500 S >> 0123456789012345678901234567890123456789
S >> \r\n.\r\n
S < 250 2.0.0
I connect imap as bob in INBOX
I > a FETCH 1 BODY.PEEK[TEXT]
I < * 1 FETCH (BODY[TEXT] {20002}
I <bytes 20002
I <... a OK
# RFC 5321 4.5.3.1.4
repeat 500 S >> NOOP 90123456789012345678901234567890123456789
S >> \r\n
S < 500 5.5.
S > NOOP
S < 250

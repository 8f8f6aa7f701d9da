# SPDX-License-Identifier: MIT
# RFC 5321 4.1.1.1, 4.2: the greeting, the reply to EHLO with each extension of port 25, and to HELO with none
S connect smtp
S < 220 localhost
S > EHLO client.example
S < 250-localhost
S <all 250 *
out *PIPELINING
out *SIZE 52428800
out *8BITMIME
out *SMTPUTF8
out *ENHANCEDSTATUSCODES
out *CHUNKING
out *BINARYMIME
out *DSN
out *STARTTLS
out *LIMITS RCPTMAX=1000
out *DELIVERBY
out *MT-PRIORITY
out! *FUTURERELEASE*
# RFC 8689 2: REQUIRETLS is offered under TLS only; there is no AUTH between servers
out! *REQUIRETLS
out! *AUTH
S > HELO client.example
S < 250 localhost
S > EHLO [127.0.0.1]
S <... 250 *
S > EHLO [IPv6:::1]
S <... 250 *
# RFC 2034 3: no enhanced code in replies to EHLO and HELO
S > EHLO
S < 501 *
S > HELO
S < 501 *
S > NOOP
S < 250 2.0.0
S > QUIT
S < 221 2.0.0 *
S eof

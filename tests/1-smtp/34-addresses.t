# SPDX-License-Identifier: MIT
# RFC 5233 1, RFC 5321 3.9, 4.5.1: sub-addresses, an alias to two accounts, the catch-all of a domain, postmaster
cli domain add example.net
cli alias add team@example.net bob@example.test
cli alias add team@example.net alice@example.test
cli alias add @example.net bob@example.test
S connect smtp hello
S mail carol@example.org bob+lists@example.test
S data simple.eml
S < 250
mails bob 1
S mail carol@example.org team@example.net
S data simple.eml
S < 250
mails bob 2
mails alice 1
S mail carol@example.org team+x@example.net
S data simple.eml
S < 250
mails bob 3
mails alice 2
S mail carol@example.org whoever@example.net
S data simple.eml
S < 250
mails bob 4
S mail carol@example.org postmaster
S data simple.eml
S < 250
mails alice 3
S mail carol@example.org PostMaster@example.test
S data simple.eml
S < 250
mails alice 4
# at the name of this host, which notices come from, and nobody else there
S mail carol@example.org Postmaster@LOCALHOST
S data simple.eml
S < 250
mails alice 5
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<alice@localhost>
S < 550 5.7.1
S > RCPT TO:<postmaster@localhost.example>
S < 550 5.7.1
S > RSET
S < 250
# reached twice, delivered once
S mail carol@example.org team@example.net alice@example.test alice+x@example.test
S data simple.eml
S < 250
mails bob 5
mails alice 6

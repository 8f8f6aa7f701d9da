# SPDX-License-Identifier: MIT
# RFC 4954 4: there is no AUTH between servers
S connect smtp hello
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
S < 50
S > STARTTLS
S < 220
S starttls
S > EHLO client.example
S <all 250 *
out! *AUTH
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
S < 50

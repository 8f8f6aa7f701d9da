# SPDX-License-Identifier: MIT
# RFC 2449 5, 6, RFC 2595 4, RFC 3206 4, RFC 6856 2: CAPA before and after TLS and login
set auth plaintext_on_loopback = no
P connect pop3
P < +OK
P > CAPA
P <all .
out +OK
out STLS
out TOP
out UIDL
out RESP-CODES
out AUTH-RESP-CODE
out PIPELINING
out EXPIRE NEVER
out LOGIN-DELAY 0
out UTF8
out LANG
out IMPLEMENTATION *
out! USER
out! SASL*PLAIN
P > USER bob@example.test
P < -ERR
P > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
P < -ERR
P > STLS
P < +OK
P starttls
P > CAPA
P <all .
out USER
out SASL *PLAIN*
out SASL *SCRAM-SHA-256*
out! STLS
P > USER bob@example.test
P < +OK
P > PASS demo
P < +OK
P > CAPA
P <all .
out TOP
out! STLS
P > STLS
P < -ERR

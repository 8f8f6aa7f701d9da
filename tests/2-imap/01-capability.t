# SPDX-License-Identifier: MIT
# RFC 9051 6.1.1, 7.2.2, RFC 3501 6.1.1: the greeting, what is offered before login, after it, and under TLS
set auth plaintext_on_loopback = no
A connect imap
A < * OK [CAPABILITY IMAP4rev1 *
A > a CAPABILITY
A < * CAPABILITY IMAP4rev1*
A < a OK
A > b CAPABILITY
A <all b OK
out * CAPABILITY * IMAP4rev2*
out *STARTTLS*
out *LOGINDISABLED*
out *SASL-IR*
out *LITERAL+*
out! *AUTH=PLAIN*
# RFC 9051 6.2.3: no LOGIN where LOGINDISABLED is said; and no plaintext mechanism
A > c LOGIN bob@example.test demo
A < c NO [PRIVACYREQUIRED]
A > d AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
A < d NO
A > e STARTTLS
A < e OK
A starttls
A > f CAPABILITY
A <all f OK
out! *STARTTLS*
out! *LOGINDISABLED*
out *AUTH=PLAIN*
out *AUTH=SCRAM-SHA-256*
A > g LOGIN bob@example.test demo
A < g OK [CAPABILITY *
A > h CAPABILITY
A <all h OK
out *IMAP4rev1*
out *IMAP4rev2*
out * IDLE*
out * UIDPLUS*
out * MOVE*
out * NAMESPACE*
out * ID*
out * UNSELECT*
out * ENABLE*
out * CHILDREN*
out * SPECIAL-USE*
out * LIST-EXTENDED*
out * LIST-STATUS*
out * ESEARCH*
out * SEARCHRES*
out * CONDSTORE*
out * BINARY*
out! * AUTH=*

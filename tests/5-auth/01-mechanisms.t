# SPDX-License-Identifier: MIT
# RFC 4422 3.2, RFC 5802 6: what is offered follows the setting and the connection: -PLUS under TLS only, no EXTERNAL without certificates
A connect imap
A < * OK
A > a CAPABILITY
A <all a OK
out *AUTH=PLAIN*
out *AUTH=SCRAM-SHA-256*
out *AUTH=SCRAM-SHA-1*
out! *-PLUS*
out! *EXTERNAL*
B connect imaps
B < * OK
B > a CAPABILITY
B <all a OK
out *AUTH=SCRAM-SHA-256-PLUS*
out *AUTH=SCRAM-SHA-1-PLUS*
out! *EXTERNAL*
S connect submissions
S < 220
S > EHLO client.example
S <all 250 *
out *AUTH *SCRAM-SHA-256-PLUS*
out! *EXTERNAL*
P connect pop3s
P < +OK
P > CAPA
P <all .
out SASL *SCRAM-SHA-256-PLUS*

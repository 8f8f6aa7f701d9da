# SPDX-License-Identifier: MIT
# RFC 4422 3.1: a mechanism that is switched off is neither offered nor accepted
set auth mechanisms = PLAIN SCRAM-SHA-256
A connect imaps
A < * OK
A > a CAPABILITY
A <all a OK
out *AUTH=PLAIN*
out *AUTH=SCRAM-SHA-256*
out! *AUTH=LOGIN*
out! *-PLUS*
A > b AUTHENTICATE LOGIN
A < b NO
A > c AUTHENTICATE SCRAM-SHA-1 bixhPWJvYixuPWJvYixyPWFiYw==
A < c NO
S connect submissions hello
S > AUTH LOGIN
S < 504 5.5.4
S > AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
S < 235

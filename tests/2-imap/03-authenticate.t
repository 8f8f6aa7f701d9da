# SPDX-License-Identifier: MIT
# RFC 9051 6.2.2, RFC 4959 3: AUTHENTICATE with and without initial response; cancelled; wrong
A connect imap
A < * OK
A > a AUTHENTICATE PLAIN
A < +
A > *
A < a BAD the login was cancelled
A > b AUTHENTICATE PLAIN
A < +
A > AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=
A < b NO [AUTHENTICATIONFAILED]
A > c AUTHENTICATE FROBNICATE
A < c NO
A > d AUTHENTICATE PLAIN !!!
A < d BAD
A > e AUTHENTICATE
A < e BAD
A > f AUTHENTICATE PLAIN
A < +
A > AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
A < f OK
A > g AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
A < g BAD
B connect imap
B < * OK
B > a AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==
B < a OK [CAPABILITY *
C connect imap
C < * OK
C > a AUTHENTICATE LOGIN
C < + VXNlcm5hbWU6
C > Ym9iQGV4YW1wbGUudGVzdA==
C < + UGFzc3dvcmQ6
C > ZGVtbw==
C < a OK

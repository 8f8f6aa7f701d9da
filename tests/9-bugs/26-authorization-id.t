# SPDX-License-Identifier: MIT
# RFC 9051 7.1 (AUTHORIZATIONFAILED): who logs in rightly and wants to be somebody else hears that, and a wrong password is as ever
A connect imap
A < * OK
A > a AUTHENTICATE PLAIN Ym9iQGV4YW1wbGUudGVzdABhbGljZUBleGFtcGxlLnRlc3QAZGVtbw==
A < a NO [AUTHORIZATIONFAILED] not permitted
A > b AUTHENTICATE PLAIN Ym9iQGV4YW1wbGUudGVzdABhbGljZUBleGFtcGxlLnRlc3QAd3Jvbmc=
A < b NO [AUTHENTICATIONFAILED] authentication failed
log imap.login-refused user=alice@example.test reason=authorization-id

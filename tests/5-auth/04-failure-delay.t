# SPDX-License-Identifier: MIT
# RFC 4954 9, RFC 5034 7: the answer to a wrong password is held back, by every protocol alike, for an unknown user too;
# it costs the others nothing, and what is pipelined behind it waits
set auth failure_delay = 3s
set net max_workers = 2
A connect imap
A < * OK
A > a LOGIN bob@example.test wrong
A held 700
B connect imap as bob
B > a NOOP
B < a OK
A < a NO [AUTHENTICATIONFAILED]
# many at once, and more than there are workers; none of them answers a pipelined command early
C connect imap
C < * OK
C >> b LOGIN nobody@example.test wrong\r\nc NOOP\r\n
D connect imap
D < * OK
D >> d AUTHENTICATE PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=\r\ne NOOP\r\n
E connect pop3
E < +OK
E > USER bob@example.test
E < +OK
E >> PASS wrong\r\nCAPA\r\n
F connect pop3
F < +OK
F >> AUTH PLAIN AG5vYm9keUBleGFtcGxlLnRlc3QAd3Jvbmc=\r\nCAPA\r\n
G connect submission hello
G >> AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=\r\nNOOP\r\n
H connect submission hello
H > AUTH LOGIN
H < 334
H > Ym9iQGV4YW1wbGUudGVzdA==
H < 334
H >> d3Jvbmc=\r\nNOOP\r\n
B > b NOOP
B < b OK
C held 2500
D held 2500
E held 2500
F held 2500
G held 2500
H held 2500
C < b NO [AUTHENTICATIONFAILED]
C < c OK
D < d NO [AUTHENTICATIONFAILED]
D < e OK
E < -ERR [AUTH]
E < +OK
F < -ERR [AUTH]
F < +OK
G < 535 5.7.8
G < 250
H < 535 5.7.8
H < 250
# nor does an imported hash, which is quicker, show
write hash < {SHA512-CRYPT}$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1
cli account add dave@example.test --hash-file $dir/hash
J connect imap
J < * OK
J > a LOGIN dave@example.test wrong
J held 700
J < a NO [AUTHENTICATIONFAILED]
J > b LOGIN dave@example.test "correct horse"
J < b OK
# the server's end is not held up
I connect imap
I < * OK
I > a LOGIN bob@example.test wrong
I silent 100
restart
I < a NO [AUTHENTICATIONFAILED]
I < * BYE

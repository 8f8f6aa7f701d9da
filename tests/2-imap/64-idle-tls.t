# SPDX-License-Identifier: MIT
# RFC 2177 3, RFC 8314 3.2: IDLE under TLS hears of mail at once, again and again
A connect imaps as bob in INBOX
A > a IDLE
A < +
deliver simple.eml bob
A < * 1 EXISTS
A < * 1 RECENT
deliver simple.eml bob alice
A < * 2 EXISTS
A < * 2 RECENT
B connect imaps as bob
B >> a APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n
B < a OK
A < * 3 EXISTS
A < * 3 RECENT
A > DONE
A < a OK

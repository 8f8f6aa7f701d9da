# SPDX-License-Identifier: MIT
# RFC 9051 4.3, 7.1.5: a literal that is asked for and does not come, before and after login; one that makes room for others
set net max_bodies = 1
A connect imap
A < * OK
A > a LOGIN {18}
A < + 
A >> alice@
sleep 100
B connect imap as bob
B > b CREATE {4}
B < + 
A < * BYE [INUSE]
A eof
B >> name\r\n
B < b OK
C connect imap
C < * OK
C > c LOGIN {18}
C < + 
C >> alice@example.test {4}\r\n
C < + 
C >> demo\r\n
C < c OK
D connect imap
D < * OK
D > d LOGIN {5000}
D < d NO [LIMIT]
D > e LOGIN {18}
D < + 
D >> alice@
sleep 5200
D < * BYE [UNAVAILABLE]
D eof

# SPDX-License-Identifier: MIT
# RFC 4978 3: below TLS, with STARTTLS and without; RFC 8437 4.1: UNAUTHENTICATE ends it, and it can begin again
A connect imap
A < * OK
A > a STARTTLS
A < a OK
A starttls
A > b LOGIN bob@example.test demo
A < b OK
A > c COMPRESS DEFLATE
A < c OK
A compress
A > d SELECT INBOX
A <... d OK
A > e APPEND INBOX {$size.long.eml+}
A bytes long.eml
A >
A <... e OK
A > f FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {$size.long.eml}
A <bytes $size.long.eml = long.eml
A < )
A < f OK
A > g UNAUTHENTICATE
A <= g OK UNAUTHENTICATE completed
A uncompress
A > h CAPABILITY
A < * CAPABILITY
A < h OK
A > i LOGIN alice@example.test demo
A < i OK
A > j COMPRESS DEFLATE
A < j OK
A compress
A > k SELECT INBOX
A <... * 0 EXISTS
A <... k OK
A > l IDLE
A < +
deliver simple.eml alice
A < * 1 EXISTS
A <... * * RECENT
A > DONE
A <... l OK
A > m LOGOUT
A < * BYE
A < m OK
A eof
B connect imaps as bob
B > a COMPRESS DEFLATE
B < a OK
B compress
B > b EXAMINE INBOX
B <... b OK
B > c FETCH 1 (BODY.PEEK[] UID)
B < * 1 FETCH (UID 1 BODY[] {$size.long.eml}
B <bytes $size.long.eml = long.eml
B < )
B < c OK
# clear again, and then STARTTLS
C connect imap as bob
C > a COMPRESS DEFLATE
C < a OK
C compress
C > b UNAUTHENTICATE
C < b OK
C uncompress
C > c STARTTLS
C < c OK
C starttls
C > d LOGIN bob@example.test demo
C < d OK
C > e COMPRESS DEFLATE
C < e OK
C compress
C > f NOOP
C < f OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.3.4, 6.3.5: CREATE with superiors, DELETE with inferiors, and what cannot be
A connect imap as bob
A > a CREATE owatagusiam/
A < a OK
A > b CREATE owatagusiam/blurdybloop
A < b OK
A > c CREATE owatagusiam
A < c NO [ALREADYEXISTS]
A > d CREATE inbox
A < d NO [ALREADYEXISTS]
A > e DELETE INBOX
A < e NO [CANNOT]
A > f DELETE nothing
A < f NO [NONEXISTENT]
# inferiors stay
A > g DELETE owatagusiam
A < g *
A > h STATUS owatagusiam/blurdybloop (MESSAGES)
A < * STATUS owatagusiam/blurdybloop (MESSAGES 0)
A < h OK
A > i SELECT owatagusiam/blurdybloop
A <... * OK [UIDVALIDITY $first] *
A <... i OK
A > j CLOSE
A < j OK
A > k DELETE owatagusiam/blurdybloop
A < k OK
A > l SELECT owatagusiam/blurdybloop
A < l NO [NONEXISTENT]
A > m CREATE owatagusiam/blurdybloop
A < m OK
A > n CREATE
A < n BAD
A > o DELETE a b
A < o BAD
# RFC 6154 3: CREATE with a special use
A > p CREATE Everything (USE (\Important))
A < p *

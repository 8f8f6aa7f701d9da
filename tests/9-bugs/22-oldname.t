# SPDX-License-Identifier: MIT
# RFC 9051 5.1, 6.3.2, 6.3.9.7: a name that the server spells otherwise (NFC, INBOX) is taken wherever a name stands, and
# in a session of IMAP4rev2 a LIST with OLDNAME tells how it is spelled
A connect imap as bob
A >> a CREATE "Cafe\xcc\x81"\r\n
A < a OK
A > b ENABLE IMAP4rev2
A <... b OK
A >> c CREATE "Cafe\xcc\x81/a\xcc\x88"\r\n
A <= * LIST () "/" "Café/ä" ("OLDNAME" ("Café/ä"))
A < c OK
A > d CREATE "Café/plain/"
A < d OK
A >> e LIST "" "Cafe\xcc\x81*"\r\n
A <= * LIST (\HasChildren) "/" "Café"
A <= * LIST (\HasNoChildren) "/" "Café/plain"
A <= * LIST (\HasNoChildren) "/" "Café/ä"
A < e OK
A >> f SUBSCRIBE "Cafe\xcc\x81"\r\n
A < f OK
A >> g LSUB "Cafe\xcc\x81" "%"\r\n
A <= * LSUB () "/" "Café"
A < g OK
A >> h SELECT "Cafe\xcc\x81"\r\n
A <... * LIST () "/" "Café" ("OLDNAME" ("Café"))
A < h OK
A > i SELECT "Café"
A <all i OK
out * LIST () "/" "Café"
out! *OLDNAME*
# RFC 9051 8
A > j SELECT inbox
A <... * LIST () "/" INBOX ("OLDNAME" (inbox))
A < j OK
A > k EXAMINE Sent
A <... * LIST (\Sent) "/" Sent
A < k OK
A >> l RENAME "Cafe\xcc\x81/a\xcc\x88" "Cafe\xcc\x81/o\xcc\x88"\r\n
A <= * LIST () "/" "Café/ö" ("OLDNAME" ("Café/ä"))
A < l OK
A >> m DELETE "Cafe\xcc\x81/o\xcc\x88"\r\n
A <= * LIST (\NonExistent) "/" "Café/ö" ("OLDNAME" ("Café/ö"))
A < m OK
A > n DELETE "Café/plain"
A < n OK
A >> n2 APPEND "Cafe\xcc\x81" {4+}\r\na: b\r\n
A <= * LIST () "/" "Café" ("OLDNAME" ("Café"))
A < n2 OK
A > n3 APPEND "Café" {4+}
A > a: b
A < n3 OK
# what fails says nothing
A >> o CREATE "Cafe\xcc\x81"\r\n
A < o NO [ALREADYEXISTS]

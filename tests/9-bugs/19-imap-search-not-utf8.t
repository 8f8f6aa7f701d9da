# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4: Jakarta Mail enables UTF8=ACCEPT where it is offered, and then writes what is searched for as ISO-8859-1 in a quoted string. After NO it searches
# by itself; after BAD it gives up.
A connect imap as bob in INBOX
A >> a SEARCH SUBJECT "j\xe4va"\r\n
A < a NO [BADCHARSET (UTF-8)]
A > b ENABLE UTF8=ACCEPT
A <... b OK
A >> c UID SEARCH RETURN (COUNT) OR SEEN BODY "j\xe4va"\r\n
A < c NO [BADCHARSET (UTF-8)]
A >> d SEARCH HEADER Subject "j\xe4va" ALL\r\n
A < d NO [BADCHARSET (UTF-8)]
A >> e SORT (DATE) UTF-8 FROM "j\xe4va"\r\n
A < e NO [BADCHARSET (UTF-8)]
# what is no string at all is still no command
A >> f SEARCH SUBJECT "j\xe4va\r\n
A < f BAD
A >> g SEARCH SUBJECT "j\xe4\\va"\r\n
A < g BAD
A >> h SEARCH KEYWORD "j\xe4va"\r\n
A < h BAD
A >> i SEARCH SUBJECT "jäva"\r\n
A < * SEARCH
A < i OK

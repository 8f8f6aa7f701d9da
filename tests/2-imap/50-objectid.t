# SPDX-License-Identifier: MIT
# RFC 8474 4, 5, RFC 7889 2, 4: ids of mailboxes, messages and threads; a copy keeps its message's ids, a rename the mailbox's
A connect imap
A < * OK
A > a LOGIN bob@example.test demo
A <... a OK
A > b CAPABILITY
A < * CAPABILITY *OBJECTID
A < b OK
A > c CREATE One
A < c OK [MAILBOXID ($box)]
A > d STATUS One (MAILBOXID)
A < * STATUS One (MAILBOXID ($box))
A < d OK
A > e APPEND One {$size.simple.eml+}
A bytes simple.eml
A >> \r\n
A <... e OK
A > f SELECT One
A <... * OK [MAILBOXID ($box)]
A <... f OK
A > g FETCH 1 (EMAILID THREADID)
A < * 1 FETCH (EMAILID ($email) THREADID ($thread))
A < g OK
A > h COPY 1 INBOX
A < h OK
A > i RENAME One Two
A < i OK
A > j STATUS Two (MAILBOXID)
A < * STATUS Two (MAILBOXID ($box))
A < j OK
A > k SELECT INBOX
A <... k OK
A > l FETCH 1 (EMAILID THREADID)
A < * 1 FETCH (EMAILID ($email) THREADID ($thread))
A < l OK

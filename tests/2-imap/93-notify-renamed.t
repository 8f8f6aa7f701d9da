# SPDX-License-Identifier: MIT
# RFC 5465 5.4: names that are told together, because they have changed while a command was on its way; the children
# of what is renamed go along untold, so a client must know of them by the name that they had then, or have now
A connect imap as bob
B connect imap as bob
B > a CREATE box
B < a OK
A > a NOTIFY SET (personal (MailboxName))
A < a OK
# made below a name that is renamed then, and that name is used again
A >> b APPEND INBOX {14}\r\n
A < +
B > b CREATE box/new
B < b OK
B > c RENAME box moved
B < c OK
B > d CREATE box
B < d OK
A >> Subject: x\r\n\r\n\r\n
A < b OK
A <= * LIST (\HasNoChildren) "/" moved/new
A <= * LIST (\HasChildren) "/" moved
A <= * LIST (\HasChildren) "/" moved ("OLDNAME" (box))
A <= * LIST (\HasNoChildren) "/" box
A silent 100
# INBOX becomes a mailbox whose superior is renamed then
A >> c APPEND INBOX {14}\r\n
A < +
B > e RENAME INBOX box/old
B < e OK
B > f RENAME box other
B < f OK
A >> Subject: x\r\n\r\n\r\n
A < c OK
A <= * LIST (\HasNoChildren) "/" other/old ("OLDNAME" (INBOX))
A <= * LIST (\HasChildren) "/" other
A <= * LIST (\HasChildren) "/" other ("OLDNAME" (box))
A silent 100
# its own rename is not told, and others made a mailbox below that name just before
A >> d RENAME other {5}\r\n
A < +
B > g CREATE other/late
B < g OK
A >> again\r\n
A < d OK
A <= * LIST (\HasNoChildren) "/" again/late
A <= * LIST (\NonExistent \HasNoChildren) "/" other
A silent 100
# renamed twice
A >> g APPEND INBOX {14}\r\n
A < +
B > h RENAME again first
B < h OK
B > i RENAME first second
B < i OK
A >> Subject: x\r\n\r\n\r\n
A < g OK
A <= * LIST (\HasChildren) "/" second ("OLDNAME" (again))
A <= * LIST (\HasChildren) "/" second ("OLDNAME" (first))
A silent 100
# one that is deleted has the name that the client knows
A >> h APPEND INBOX {14}\r\n
A < +
B > j DELETE second/old
B < j OK
B > k RENAME second third
B < k OK
A >> Subject: x\r\n\r\n\r\n
A < h OK
A <= * LIST (\NonExistent \HasNoChildren) "/" second/old
A <= * LIST (\HasChildren) "/" third
A <= * LIST (\HasChildren) "/" third ("OLDNAME" (second))
A silent 100

# SPDX-License-Identifier: MIT
# RFC 9590 3, 4: annotations with LIST, with the examples of the RFC
A connect imap as bob
A > a CREATE foo
A < a OK
A > b CREATE bar/x
A < b OK
A > c DELETE bar
A < c OK
A > d CREATE foo/kid
A < d OK
A > e SETMETADATA INBOX ("/shared/vendor/cmu/cyrus-imapd/color" "#b71c1c")
A < e OK
A > A01 LIST "" (INBOX foo bar) RETURN (METADATA ("/shared/vendor/cmu/cyrus-imapd/color"))
A <= * LIST (\HasNoChildren) "/" INBOX
A <= * METADATA INBOX (/shared/vendor/cmu/cyrus-imapd/color "#b71c1c")
A <= * LIST (\NonExistent \HasChildren) "/" bar
A <= * LIST (\HasChildren) "/" foo
A <= * METADATA foo (/shared/vendor/cmu/cyrus-imapd/color NIL)
A < A01 OK
A > f SUBSCRIBE foo/kid
A < f OK
A > A02 LIST (SUBSCRIBED RECURSIVEMATCH) "" (INBOX foo bar) RETURN (METADATA (/shared/vendor/cmu/cyrus-imapd/color))
A <= * LIST (\Subscribed \HasNoChildren) "/" INBOX
A <= * METADATA INBOX (/shared/vendor/cmu/cyrus-imapd/color "#b71c1c")
A <= * LIST (\HasChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
A < A02 OK
# with other options
A > g LIST "" Drafts RETURN (SPECIAL-USE STATUS (MESSAGES) METADATA (/private/specialuse /private/comment))
A <= * LIST (\HasNoChildren \Drafts) "/" Drafts
A <= * STATUS Drafts (MESSAGES 0)
A <= * METADATA Drafts (/private/specialuse "\\Drafts" /private/comment NIL)
A < g OK
A > h LIST "" * RETURN (METADATA)
A < h BAD
A > i LIST "" * RETURN (METADATA ())
A < i BAD
A > j LIST "" * RETURN (METADATA (comment))
A < j BAD
A > k LIST "" nothing* RETURN (METADATA (/private/comment))
A < k OK

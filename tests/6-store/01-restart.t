# SPDX-License-Identifier: MIT
# Everything that was stored is there after a restart: bodies, flags, keywords, dates, subscriptions, UIDs, modseqs
deliver multipart.eml bob
deliver long.eml bob
A connect imap as bob in INBOX
A > a STORE 1 +FLAGS.SILENT (\Seen $Work)
A <... a OK
A > b CREATE lists/linux
A < b OK
A > c SUBSCRIBE lists/linux
A < c OK
A > d COPY 1:2 lists/linux
A < d OK [COPYUID $validity 1:2 1:2]
A > e FETCH 1 (INTERNALDATE)
A < * 1 FETCH (INTERNALDATE "*:*:$second +0000")
A < e OK
A > f STATUS INBOX (UIDVALIDITY UIDNEXT)
A < * STATUS INBOX (UIDVALIDITY $inbox UIDNEXT 3)
A < f OK
A > g STATUS lists/linux (HIGHESTMODSEQ)
A <... * STATUS lists/linux (HIGHESTMODSEQ $modseq)
A < g OK
restart
A connect imap as bob
A > a STATUS INBOX (UIDVALIDITY UIDNEXT MESSAGES UNSEEN)
A <= * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY $inbox UNSEEN 1)
A < a OK
A > b LIST (SUBSCRIBED) "" lists/*
A < * LIST (*) "/" lists/linux
A < b OK
A > c SELECT INBOX
A <... c OK
A > d FETCH 1 (FLAGS INTERNALDATE)
A < * 1 FETCH (FLAGS (\Seen $Work) INTERNALDATE "*:*:$second +0000")
A < d OK
A > e SELECT lists/linux
A <all e OK
out * OK [UIDVALIDITY $validity]
out * OK [HIGHESTMODSEQ $modseq]
A > f FETCH 2 RFC822.SIZE
A < * 2 FETCH (RFC822.SIZE $size)
A < f OK
A > g FETCH 2 BODY.PEEK[]
A < * 2 FETCH (BODY[] {$size}
A <bytes $size
A < )
A < g OK

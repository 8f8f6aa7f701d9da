# SPDX-License-Identifier: MIT
# RFC 9585: how far a search is; with no interval each step is told
set imap progress_interval = 0s
repeat 4 deliver simple.eml bob
A connect imap as bob in INBOX
A > a CAPABILITY
A < * CAPABILITY * INPROGRESS
A < a OK
A > b SEARCH TEXT "no such words"
A < * OK [INPROGRESS ("b" 1 4)] still working
A < * OK [INPROGRESS ("b" 2 4)]
A < * OK [INPROGRESS ("b" 3 4)]
A <= * SEARCH
A < b OK
# from the end; a tag with ] is not told (4)
A > c]d UID SEARCH RETURN (MAX) TEXT "no such words"
A < * OK [INPROGRESS (NIL 1 4)]
A < * OK [INPROGRESS (NIL 2 4)]
A < * OK [INPROGRESS (NIL 3 4)]
A <= * ESEARCH (TAG "c]d") UID
A < c]d OK
# what is in the view takes no time
A > e SEARCH UNSEEN
A < * SEARCH
A < e OK
# several mailboxes: by their number
A > f ESEARCH IN (personal) TEXT "no such words"
A < * OK [INPROGRESS ("f" 0 $n)]
A < * OK [INPROGRESS ("f" 0 $n)]
A < * OK [INPROGRESS ("f" 0 $n)]
A < f OK
A > g LANGUAGE de
A <... g OK
A > h SORT (DATE) UTF-8 2:3 BODY "no such words"
A < * OK [INPROGRESS ("h" 2 4)] noch bei der Arbeit
A < * OK [INPROGRESS ("h" 3 4)]
A <= * SORT
A < h OK

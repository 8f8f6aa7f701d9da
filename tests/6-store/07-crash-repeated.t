# SPDX-License-Identifier: MIT
# Killed again and again between deliveries: no message is lost and none is doubled
deliver simple.eml bob
crash
deliver multipart.eml bob
crash
deliver long.eml bob
crash
deliver 8bit.eml bob
crash
mails bob 4
A connect imap as bob in INBOX
A > a UID SEARCH ALL
A <= * SEARCH 1 2 3 4
A < a OK
A > b FETCH 3 BODY.PEEK[TEXT]<0.10>
A < * 3 FETCH (BODY[TEXT]<0> {10}
A < Line 00000)
A < b OK

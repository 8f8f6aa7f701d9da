# SPDX-License-Identifier: MIT
# RFC 3501 5.1.3, RFC 9051 5.1: names beyond ASCII are modified UTF-7 until IMAP4rev2 is enabled, then UTF-8
A connect imap as bob
A > a CREATE "Entw&APw-rfe"
A < a OK
A > b CREATE "Tom &- Jerry"
A < b OK
A > c LIST "" (Entw* Tom*)
A <all c OK
out * LIST (*) "/" *Entw&APw-rfe*
out * LIST (*) "/" "Tom &- Jerry"
# not in the shortest form, or broken
A > d CREATE "Entw&APw"
A < d NO
A > e CREATE "&AGE-"
A < e NO
A > f ENABLE IMAP4rev2
A < * ENABLED
A < f OK
A > g LIST "" (Entw* Tom*)
A <all g OK
out * LIST (*) "/" *Entwürfe*
out * LIST (*) "/" "Tom & Jerry"
A > h CREATE "日本語"
A < h OK
A > i STATUS "日本語" (MESSAGES)
A < * STATUS "日本語" (MESSAGES 0)
A < i OK
A >> j CREATE {8+}\r\n\xc3\xa9t\xc3\xa9 &x\r\n
A < j OK
A >> k CREATE "\xff\xfe"\r\n
A < k *
B connect imap as bob
B > a LIST "" "&ZeVnLIqe-"
B < * LIST (*) "/" *&ZeVnLIqe-*
B < a OK
# RFC 9051 5.1: what a name may not be
B > b CREATE "a\"b\\c"
B < b OK
B > c LIST "" "a*c"
B < * LIST (*) "/" "a\"b\\c"
B < c OK
B > d CREATE "a//b"
B < d NO
B > e CREATE ""
B < e *
B > f CREATE "/"
B < f NO

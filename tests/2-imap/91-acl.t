# SPDX-License-Identifier: MIT
# RFC 4314 2, 3, 5: SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS, with the examples of the RFC
# (its Fred is alice here, and has all rights whatever is said)
A connect imap
A < * OK
A > z MYRIGHTS INBOX
A < z BAD
A > a LOGIN alice@example.test demo
A < a OK [CAPABILITY * ACL RIGHTS=kxten LIST-MYRIGHTS *
cli account add david@example.test < demo
cli account add byron@example.test < demo
cli account add chris@example.test < demo
A > b CREATE INBOX/Drafts
A < b OK
# 2.1.1: "d" is te, "c" is kx, and one of them shows the letter
A > A001 SeTacl INBOX/Drafts david@example.test lrswida
A < A001 OK
A > A002 getacl INBOX/Drafts
A <= * ACL INBOX/Drafts "alice@example.test" lrswipkxteancd "david@example.test" lrswitead
A < A002 OK
A > A003 Setacl INBOX/Drafts Byron@Example.test lrswikda
A < A003 OK
A > A002 getAcl INBOX/Drafts
A <= * ACL INBOX/Drafts "alice@example.test" lrswipkxteancd "byron@example.test" lrswikteacd "david@example.test" lrswitead
A < A002 OK
# 3.1
A > A001 SETACL INBOX/Drafts chris@example.test lrswi
A < A001 OK
A > A002 SETACL INBOX/Drafts chris@example.test +cda
A < A002 OK
A > A003 DELETEACL INBOX/Drafts david@example.test
A < A003 OK
A > A003 DELETEACL INBOX/Drafts byron@example.test
A < A003 OK
A > A003 GETACL INBOX/Drafts
A <= * ACL INBOX/Drafts "alice@example.test" lrswipkxteancd "chris@example.test" lrswikxteacd
A < A003 OK
A > A004 SETACL INBOX/Drafts chris@example.test -dw
A < A004 OK
A > A005 GETACL INBOX/Drafts
A <= * ACL INBOX/Drafts "alice@example.test" lrswipkxteancd "chris@example.test" lrsikxac
A < A005 OK
A > A035 SETACL INBOX/Drafts chris@example.test lrQswicda
A < A035 BAD
A > A036 SETACL INBOX/Drafts chris@example.test lrqswicda
A < A036 BAD
A > A037 SETACL INBOX/Drafts nobody@example.test lr
A < A037 NO [CANNOT] nobody has that name
A > A038 SETACL INBOX/Drafts "" lr
A < A038 BAD
A > A039 SETACL INBOX/Drafts "-" lr
A < A039 BAD
A > A040 SETACL INBOX/Drafts alice@example.test lr
A < A040 NO [CANNOT] the owner has all rights
A > A041 DELETEACL INBOX/Drafts alice@example.test
A < A041 NO
A > A042 SETACL INBOX/Drafts -alice@example.test l
A < A042 NO
A > A043 SETACL nothing chris@example.test lr
A < A043 NO [NONEXISTENT]
A > A044 SETACL INBOX/Drafts chris@example.test
A < A044 BAD
# 3.2: negative rights are rows of their own; DELETEACL leaves them
A > B000 SETACL INBOX/Drafts -chris@example.test wetd
A < B000 OK
A > B001 SETACL INBOX/Drafts anyone w
A < B001 OK
A > B002 DELETEACL INBOX/Drafts chris@example.test
A < B002 OK
A > B003 GETACL INBOX/Drafts
A <= * ACL INBOX/Drafts "alice@example.test" lrswipkxteancd "anyone" w "-chris@example.test" wted
A < B003 OK
# a row without rights goes
A > B004 SETACL INBOX/Drafts anyone ""
A < B004 OK
A > B005 SETACL INBOX/Drafts -chris@example.test -wted
A < B005 OK
# 3.3
A > B006 GETACL INBOX/Drafts
A <= * ACL INBOX/Drafts "alice@example.test" lrswipkxteancd
A < B006 OK
# 3.4: the identifier is said as it came
A > a001 LISTRIGHTS INBOX/Drafts Chris@EXAMPLE.test
A <= * LISTRIGHTS INBOX/Drafts "Chris@EXAMPLE.test" "" l r s w i p k x t e a n c d
A < a001 OK
A > a005 listrights INBOX anyone
A <= * LISTRIGHTS INBOX "anyone" "" l r s w i p k x t e a n c d
A < a005 OK
A > a006 listrights INBOX alice@example.test
A <= * LISTRIGHTS INBOX "alice@example.test" lrswipkxteancd
A < a006 OK
A > a007 listrights INBOX -alice@example.test
A <= * LISTRIGHTS INBOX "-alice@example.test" ""
A < a007 OK
A > a008 listrights INBOX nobody@example.test
A < a008 NO
# 3.5
A > A003 MYRIGHTS INBOX
A <= * MYRIGHTS INBOX lrswipkxteancd
A < A003 OK
A > A004 MYRIGHTS nothing
A < A004 NO [NONEXISTENT]
# RFC 8440 4
A > A005 LIST "" "INBOX*" RETURN (MYRIGHTS)
A <= * LIST (\HasChildren) "/" INBOX
A <= * MYRIGHTS INBOX lrswipkxteancd
A <= * LIST (\HasNoChildren) "/" INBOX/Drafts
A <= * MYRIGHTS INBOX/Drafts lrswipkxteancd
A < A005 OK
# 5.1.1: SETACL is over before the MYRIGHTS behind it
A >> p1 SETACL Archive anyone lr\r\np2 GETACL Archive\r\n
A < p1 OK
A <= * ACL Archive "alice@example.test" lrswipkxteancd "anyone" lr
A < p2 OK

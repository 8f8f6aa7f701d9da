# SPDX-License-Identifier: MIT
# RFC 2177 3, RFC 9051 6.3.13: IDLE: mail by SMTP and changes of other sessions are told at once
A connect imap as bob in INBOX
A > a IDLE
A < +
deliver simple.eml bob
A < * 1 EXISTS
A <... * 1 RECENT
B connect imap as bob in INBOX
B > a STORE 1 +FLAGS (\Flagged)
B <... a OK
A < * 1 FETCH (*FLAGS (\Flagged \Recent)*
B > b STORE 1 +FLAGS.SILENT (\Deleted)
B < b OK
A < * 1 FETCH (*FLAGS (\Flagged \Deleted \Recent)*
B > c EXPUNGE
B < * 1 EXPUNGE
B <... c OK
A < * 1 EXPUNGE
A < * 0 RECENT
A silent 100
A > DONE
A < a OK
A > b IDLE
A < +
A > NOOP
A < b BAD
A > c NOOP
A < c OK
# without a mailbox there is nothing to tell, but it is allowed
C connect imap as bob
C > a IDLE
C < +
C > done
C < a OK

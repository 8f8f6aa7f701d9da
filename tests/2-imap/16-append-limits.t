# SPDX-License-Identifier: MIT
# RFC 9051 6.3.12, RFC 9208 4.3.4: too large, and no room: [TOOBIG] and [OVERQUOTA], before the literal where it can be known
set imap max_message_size = 64K
cli account add dora@example.test --quota 1K < demo
A connect imap as dora
A > a APPEND INBOX {65537}
A < a NO [TOOBIG]
A > b APPEND INBOX {99999999999999999999}
A < b *
A > c NOOP
A < c OK
A > d APPEND INBOX {$size.long.eml+}
A bytes long.eml
A >
A < d NO [TOOBIG]
A > e APPEND INBOX {$size.simple.eml+}
A bytes simple.eml
A >
A < e OK
A > f APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < f NO [OVERQUOTA]
# synchronizing: before its bytes are asked for; several messages count together
A > f2 APPEND INBOX {1024}
A < f2 NO [OVERQUOTA]
A > f3 APPEND INBOX {10}
A < +
A >> a: b\r\n\r\nx\r {1014}\r\n
A < f3 NO [OVERQUOTA]
A > g NOOP
A < g OK
A > h COPY 1 Sent
A < h BAD
A > i SELECT INBOX
A <... i OK
mails dora 1

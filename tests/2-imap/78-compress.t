# SPDX-License-Identifier: MIT
# RFC 4978 3: COMPRESS DEFLATE in clear, with the example of the RFC; literals both ways, IDLE, pipelining, errors, the end
A connect imap
A < * OK
A > a COMPRESS DEFLATE
A < a BAD
A > b login bob@example.test demo
A <... b OK [CAPABILITY *COMPRESS=DEFLATE*
A > c compress deflate
A <= c OK DEFLATE active
A compress
A > d NOOP
A <= d OK NOOP completed
A > e CAPABILITY
A <all e OK
out! * CAPABILITY *COMPRESS*
A > f COMPRESS DEFLATE
A <= f BAD [COMPRESSIONACTIVE] DEFLATE is active already
A > g COMPRESS LZW
A < g BAD
A > h SELECT INBOX
A <... h OK
# a message up and down
A > i APPEND INBOX {$size.long.eml}
A < +
A bytes long.eml
A >
A < * 1 EXISTS
A <... i OK
A > j FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {$size.long.eml}
A <bytes $size.long.eml = long.eml
A < )
A < j OK
repeat 20 A >> k$i APPEND INBOX {3+}\r\nabc\r\n
repeat 20 A <... k$i OK
# pipelined, in one piece
A >> l NOOP\r\nm UID SEARCH ALL\r\nn STATUS INBOX (MESSAGES)\r\no NOOP\r\n
A < l OK
A < * SEARCH 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
A < m OK
A < * STATUS INBOX (MESSAGES 21)
A < n OK
A < o OK
# IDLE is told what others do
A > p IDLE
A < +
deliver simple.eml bob
A < * 22 EXISTS
A <... * * RECENT
A > DONE
A <... p OK
# a line that does not end, many times longer than its compressed form
A >> q
repeat 6560 A >> 0123456789
A <... * BYE [LIMIT]
A eof
# what is not compressed, after it was said: the connection ends
B connect imap as bob
B >> a COMPRESS DEFLATE\r\n
B <= a OK DEFLATE active
B > b NOOP
B eof
# too early: it did not wait for the answer, and it is not compressed
B connect imap as bob
B >> a COMPRESS DEFLATE\r\nb NOOP\r\n
B <= a OK DEFLATE active
B eof

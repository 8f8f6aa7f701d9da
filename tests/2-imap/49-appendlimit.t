# SPDX-License-Identifier: MIT
# RFC 7889 2, 4: the largest message that APPEND takes is announced, and a larger one is refused before it is sent
set imap max_message_size = 100K
A connect imap
A < * OK
A > a LOGIN bob@example.test demo
A <... a OK
A > b CAPABILITY
A < * CAPABILITY *APPENDLIMIT=102400
A < b OK
A > c STATUS INBOX (APPENDLIMIT)
A < * STATUS INBOX (APPENDLIMIT 102400)
A < c OK
A > d APPEND INBOX {102401}
A < d NO [TOOBIG]

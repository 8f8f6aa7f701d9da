# SPDX-License-Identifier: MIT
# RFC 5321 6.3: a message with too many Received lines goes round in circles, 5.4.6
set smtp max_hops = 10
S connect smtp hello
S mail carol@example.org bob@example.test
repeat 11 S >> Received: from a by b; Mon, 23 Nov 2026 20:08:00 +0000\r\n
S >> Subject: loop\r\n\r\n.\r\n
S < 554 5.4.6
S mail carol@example.org bob@example.test
repeat 9 S >> Received: from a by b; Mon, 23 Nov 2026 20:08:00 +0000\r\n
S >> Subject: no loop\r\n\r\nReceived: \r\nReceived: \r\nReceived: \r\n.\r\n
S < 250
mails bob 1

# SPDX-License-Identifier: MIT
# RFC 6409 8.2, 8.3: missing Date and Message-ID are added, those that are there are kept; where the client sits is not told
S connect submission as alice
S mail alice@example.test bob@example.test
S >> From: alice@example.test\r\nSubject: bare\r\n\r\nBody\r\n.\r\n
S < 250 2.0.0
S mail alice@example.test bob@example.test
S data simple.eml
S < 250 2.0.0
P connect pop3 as bob
P > TOP 1 0
P <all .
out Date: *, * * *:*:* *
out Message-ID: <*@*>
out Return-Path: <alice@example.test>
out Received: *
out! *127.0.0.1
out! *client.example
P > TOP 2 0
P <all .
out Date: Mon, 23 Nov 2026 20:08:00 +0000
out Message-ID: <simple-1@example.test>
# Port 25 tells who sent, and adds nothing else (RFC 5321 4.4, 6.4)
T connect smtp hello
T mail carol@example.org bob@example.test
T >> From: carol@example.org\r\nSubject: bare\r\n\r\nBody\r\n.\r\n
T < 250 2.0.0
P > QUIT
P < +OK
R connect pop3 as bob
R > TOP 3 0
R <all .
out Return-Path: <carol@example.org>
out Received: from client.example (*127.0.0.1*
out! Date:
out! Message-ID:

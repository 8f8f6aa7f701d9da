# SPDX-License-Identifier: MIT
# RFC 6531 3.3, 3.4: addresses beyond ASCII need SMTPUTF8
cli alias add jürgen@example.test bob@example.test
S connect smtp hello
S > MAIL FROM:<zoë@example.org>
S < 5
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<jürgen@example.test>
S < 5
S > RSET
S < 250
S > MAIL FROM:<zoë@bücher.example> SMTPUTF8 BODY=8BITMIME
S < 250
S > RCPT TO:<jürgen@example.test>
S < 250
S > DATA
S < 354
S data 8bit.eml
S < 250 2.0.0
S > MAIL FROM:<carol@example.org> SMTPUTF8=yes
S < 501 5.5.4
S >> MAIL FROM:<\xff\xfe@example.org> SMTPUTF8\r\n
S < 5
P connect pop3 as bob
P > TOP 1 0
P <all .
out Return-Path: <zoë@bücher.example>
out *with UTF8SMTP*

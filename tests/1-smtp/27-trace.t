# SPDX-License-Identifier: MIT
# RFC 5321 4.4: Return-Path is the reverse-path, Received names client, server, protocol (RFC 3848), id and time
S connect smtp hello
S mail <> bob@example.test
S data simple.eml
S < 250 2.0.0 queued as $qid
S > STARTTLS
S < 220
S starttls
S > HELO client.example
S < 250
S mail carol@example.org bob@example.test
S data simple.eml
S < 250
P connect pop3 as bob
P > RETR 1
P < +OK
P <= Return-Path: <>
P < Received: from client.example (*127.0.0.1*
P <all .
out *by localhost*
out *with ESMTP*
out *id $qid
P > RETR 2
P < +OK
P <= Return-Path: <carol@example.org>
P < Received: from client.example
P <... .
T connect submissions as alice
T mail alice@example.test bob@example.test
T data simple.eml
T < 250
P > QUIT
P < +OK
Q connect pop3 as bob
Q > TOP 3 0
Q <all .
out *with ESMTPSA*

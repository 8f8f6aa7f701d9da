# SPDX-License-Identifier: MIT
# RFC 5321 3.3, RFC 9051 6.4.5, RFC 1939 5: what is sent to port 25 is what IMAP and POP3 give back
S connect smtp
S < 220 localhost
S > EHLO client.example
S <... 250 *
S > MAIL FROM:<carol@example.org>
S < 250 2.1.0
S > RCPT TO:<bob@example.test>
S < 250 2.1.5
S > DATA
S < 354
S data simple.eml
S < 250 2.0.0 queued as $qid
S > QUIT
S < 221 2.0.0
S eof
log smtp.accept qid=$qid
I connect imap
I <... * OK
I > a LOGIN bob@example.test demo
I <... a OK
I > b SELECT INBOX
I <... * 1 EXISTS
I <... b OK
I > c UID FETCH 1 (BODY.PEEK[TEXT])
I < * 1 FETCH (UID 1 BODY[TEXT] {$n}
I <bytes $n
I < )
I < c OK
P connect pop3
P < +OK
P > USER bob@example.test
P < +OK
P > PASS demo
P < +OK
P > STAT
P < +OK 1 $size
P > RETR 1
P < +OK
P <... Subject: A simple message
P <... .
P > QUIT
P < +OK
P eof

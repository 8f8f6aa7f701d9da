# SPDX-License-Identifier: MIT
# message trace: the story of a message, by its id, by an address, by Message-ID; with the server and without
A connect smtp
A < 220
A > EHLO client.test
A <... 250 
A > MAIL FROM:<Carol@far.test>
A < 250
A > RCPT TO:<alice@example.test>
A < 250
A > RCPT TO:<nobody@example.test>
A < 550
A > DATA
A < 354
A >> Message-ID: <Story.1@far.test>\r\nSubject: x\r\n\r\nHello\r\n.\r\n
A < 250 2.0.0 queued as $qid
cli message trace $qid
out $qid
out *accepted: from <Carol@far.test>, *<Story.1@far.test>
out *over ESMTP from 127.0.0.1 (client.test), session *
out *to <alice@example.test>: INBOX
out! nobody
cli message trace carol@far.test
out $qid
cli message trace <story.1@far.test>
out $qid
cli message trace alice@example.test --json
out [{"at":*,"event":"accepted","qid":"$qid","from":"Carol@far.test","message_id":"<Story.1@far.test>"*"to":[{"address":"alice@example.test","into":"INBOX"}]}]
cli!3 message trace dave@far.test
cli!2 message trace
# Submission: TLS and who had logged in
B connect submissions as bob
B mail bob@example.test away@elsewhere.test
B >> Subject: y\r\n\r\nHello\r\n.\r\n
B < 250 2.0.0 queued as $second
cli message trace $second
out *over ESMTPSA from 127.0.0.1 *, TLSv1*, logged in as bob@example.test, session *
out *to <away@elsewhere.test>: queue
# What is refused at the end has a story, with the words that were said
A mail eve@far.test alice@example.test
A >> Subject: z\r\n\r\nbare\nLF\r\n.\r\n
A < 5
cli message trace eve@far.test
out *refused: from <eve@far.test>, *
out *550 5.6.0 *
# and all of it without the server
stop
cli message trace carol@far.test
out $qid
cli message trace eve@far.test --json
out [{"at":*,"event":"refused",*
start
cli message trace $second
out $second

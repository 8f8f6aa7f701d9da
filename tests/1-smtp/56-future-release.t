# SPDX-License-Identifier: MIT
# RFC 4865: in submission only, held until its time, also for somebody here; not together with a time that is earlier (5.2.2)
S connect smtp hello
S > MAIL FROM:<carol@example.com> HOLDFOR=60
S < 555 5.5.4
E connect submission
E < 220
E > EHLO client.example
E < 250-localhost
E <all 250 *
out *FUTURERELEASE 2592000 20*T*Z
T connect submission as alice
T > MAIL FROM:<alice@example.test> HOLDFOR=0
T < 501 5.5.4
T > MAIL FROM:<alice@example.test> HOLDFOR=2592001
T < 501 5.5.4
T > MAIL FROM:<alice@example.test> HOLDFOR=60 HOLDUNTIL=2030-01-01T00:00:00Z
T < 501 5.5.4
T > MAIL FROM:<alice@example.test> HOLDUNTIL=2026-13-01T00:00:00Z
T < 501 5.5.4
T > MAIL FROM:<alice@example.test> HOLDFOR=600 BY=500;R
T < 501 5.5.4
T mail alice@example.test HOLDFOR=3600 bob@example.test
T data simple.eml
T < 250 2.0.0 queued as $qid
mails bob 0
cli queue list
out $qid*bob@example.test*waiting*
# An administrator who empties the queue lets it wait; also when it was held in between
cli queue flush
out recipients: 0
cli queue hold --all
cli queue release --all
clock 3000000
mails bob 0
clock 700000
log queue.local qid=$qid rcpts=1
mails bob 1
cli queue list
out! *bob@example.test*
# who names it has it sent at once
T mail alice@example.test HOLDFOR=3600 bob@example.test
T data simple.eml
T < 250 2.0.0 queued as $named
cli queue retry $named
out recipients: 1
log queue.local qid=$named rcpts=1
mails bob 2
# RFC 5321 4.5.1: postmaster has no domain, or that of this host, which are one recipient, and is somebody here (the first account) when the time has come
T mail alice@example.test HOLDFOR=60 postmaster Postmaster@localhost
T data simple.eml
T < 250 2.0.0 queued as $post
mails alice 0
clock 61000
log queue.local qid=$post rcpts=1
mails alice 1

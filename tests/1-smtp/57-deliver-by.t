# SPDX-License-Identifier: MIT
# RFC 2852 4: the forms of BY; what is to come back does when its time is over
S connect submission as alice
S > MAIL FROM:<alice@example.test> BY=0;R
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=-1;R
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=1234567890;N
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=12
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=12;X
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=12;NX
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=;N
S < 501 5.5.4
S > MAIL FROM:<alice@example.test> BY=-30;NT
S < 250
S > RSET
S < 250
S mail alice@example.test BY=+600;R dan@example.net bob@example.test
S data simple.eml
S < 250 2.0.0 queued as $qid
mails bob 1
mails alice 0
clock 601000
log queue.expired qid=$qid to=dan@example.net
log queue.notice qid=$qid to=alice@example.test what=failed
cli queue list
out! *dan@example.net*
mails alice 1
cli queue list
out! *dan@example.net*

# SPDX-License-Identifier: MIT
# RFC 6409 3.1: recipients elsewhere are accepted from who is logged in, and wait in the queue; local ones are delivered at once
S connect submission as alice
S mail alice@example.test dan@example.net bob@example.test "erik"@example.org
S data simple.eml
S < 250 2.0.0 queued as $qid
mails bob 1
cli queue list
out $qid*alice@example.test*dan@example.net
out $qid*erik*@example.org
out! *bob@example.test
restart
cli queue list
out $qid*alice@example.test*dan@example.net
T connect submission as alice
T > MAIL FROM:<alice@example.test>
T < 250
T > RCPT TO:<nobody@example.test>
T < 550 5.1.1

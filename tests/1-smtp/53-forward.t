# SPDX-License-Identifier: MIT
# Aliases to other hosts: taken on port 25 too, sent on with a return address of ours, whose bounces find their way back
cli alias add team@example.test alice@example.test
cli alias add team@example.test Dan.X@example.net
cli alias add away@example.test erik@example.org
cli alias add void@example.test /null
S connect smtp hello
S mail carol@example.com team@example.test away@example.test
S data simple.eml
S < 250 2.0.0 queued as $qid
log smtp.rcpt to=team@example.test into=INBOX+queue
log smtp.rcpt to=away@example.test into=queue
mails alice 1
cli queue list
out $qid*F*SRS0=*=example.com=carol@example.test*Dan.X@example.net*
out $qid*F*SRS0=*=example.com=carol@example.test*erik@example.org*
# What goes nowhere is taken, and nothing is kept
S mail carol@example.com void@example.test
S data simple.eml
S < 250
log smtp.rcpt to=void@example.test into=nowhere
cli message trace void@example.test
out *accepted: from <carol@example.com>, *
out *to <void@example.test>: nowhere
# A bounce is one already: its return address stays the null one
S mail <> away+x@example.test
S data simple.eml
S < 250 2.0.0 queued as $bounce
cli queue list
out $bounce*F  *  erik@example.org *
# Nobody makes up return addresses, and ours take bounces only
S > MAIL FROM:<>
S < 250
S > RCPT TO:<SRS0=aaaaaa=aa=example.com=carol@example.test>
S < 550 5.1.1
S > RSET
S < 250
S > MAIL FROM:<carol@example.com>
S < 250
S > RCPT TO:<SRS0=aaaaaa=aa=example.com=carol@example.test>
S < 550 5.1.1

# SPDX-License-Identifier: MIT
# RFC 5321 3.6.2: a bounce to mail that was forwarded goes back to its sender, also where the domain of the alias has a catch-all
cli alias add away@example.test erik@example.org
cli alias add @example.test alice@example.test
S connect smtp hello
S mail carol@example.com away@example.test
S data simple.eml
S < 250 2.0.0 queued as $qid
cli queue list
out $qid*F*SRS0=$back=example.com=carol@example.test*erik@example.org*
S > MAIL FROM:<>
S < 250
S > RCPT TO:<SRS0=$back=example.com=carol@example.test>
S < 250
S > DATA
S < 354
S data simple.eml
S < 250 2.0.0 queued as $bounce
log smtp.rcpt qid=$bounce to=carol@example.com into=queue
mails alice 0
# What is no return address of ours is mail to anybody of the domain
S > MAIL FROM:<>
S < 250
S > RCPT TO:<SRS0=aaaaaa=aa=example.com=carol@example.test>
S < 250
S > DATA
S < 354
S data simple.eml
S < 250
mails alice 1
# and to one of ours only bounces come back
S > MAIL FROM:<dave@example.com>
S < 250
S > RCPT TO:<SRS0=$back=example.com=carol@example.test>
S < 250
S > DATA
S < 354
S data simple.eml
S < 250
mails alice 2

# SPDX-License-Identifier: MIT
# RFC 5321 4.2.4 (452), RFC 3463 3.4 (X.3.1): no space at the commit is a temporary refusal, harms nothing and passes
S connect smtp hello
S mail carol@example.org bob@example.test
fail commit 1 full
S data simple.eml
S < 452 4.3.1
S mail carol@example.org bob@example.test
S data simple.eml
S < 250 2.0.0
S mail carol@example.org bob@example.test
fail pack-write 1 full
S data long.eml
S < 452 4.3.1
S mail carol@example.org bob@example.test
S data long.eml
S < 250
mails bob 2
restart
mails bob 2

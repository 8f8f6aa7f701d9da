# SPDX-License-Identifier: MIT
# A statement that fails in a transaction leaves nothing of it behind; the next transaction works
S connect smtp hello
S mail carol@example.org bob@example.test alice@example.test
fail statement 2
S data simple.eml
S < 45
mails bob 0
mails alice 0
S mail carol@example.org bob@example.test alice@example.test
fail statement 4
S data simple.eml
S < 45
mails bob 0
mails alice 0
S mail carol@example.org bob@example.test alice@example.test
S data simple.eml
S < 250
mails bob 1
mails alice 1
restart
mails bob 1

# SPDX-License-Identifier: MIT
# What an administrator does with mail that waits
S connect submission as alice
S mail alice@example.test dan@example.net erik@example.org
S data simple.eml
S < 250 2.0.0 queued as $one
S mail alice@example.test fay@sub.example.net
S data simple.eml
S < 250 2.0.0 queued as $two
cli queue list
out $one*dan@example.net*waiting*
out $one*erik@example.org*waiting*
out $two*fay@sub.example.net*waiting*
cli queue list --to example.net
out $one*dan@example.net*
out! *erik@example.org*
out! *fay@*
cli queue list --to FAY@Sub.Example.Net --from example.test
out $two*fay@sub.example.net*
out! *dan@*
cli queue list --from <>
out! *example*
cli queue list $two
out $two*fay@sub.example.net*
out! *dan@*
cli!2 queue list --state lost
cli queue hold --to example.net
out recipients: 1
cli queue list --state held
out $one*dan@example.net*held*
out! *erik@*
cli queue show $one
out dan@example.net*held*example.net*
out erik@example.org*waiting*example.org*
cli status
out queue_recipients: 3
out queue_held: 1
out queue_attempts: 0
cli queue retry $one
cli queue list --state held
out *dan@example.net*held*
cli queue release --all
out recipients: 3
cli queue list --state held
out! *example*
cli queue hold $two
cli queue flush
cli!3 queue show nosuch
cli!3 queue hold nosuch
cli!2 queue hold
cli!2 queue remove
# Removed without a word; and with one
cli queue remove --to erik@example.org
cli queue list
out! *erik@*
mails alice 0
cli queue remove $one --notify
mails alice 1
cli queue remove $two
cli queue list
out nothing found that waits
cli queue list --json
out []
mails alice 1
cli fsck
out clean: yes

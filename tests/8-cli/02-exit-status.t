# SPDX-License-Identifier: MIT
# One convention of exit statuses: 0 done, 1 not possible, 2 usage, 3 not there, 4 exists already
martlet version
out martlet *
martlet help
out *account add*
martlet help account add
out *--quota*
martlet!2 frobnicate
martlet!2 account add --config $config
martlet!2 account add a@example.test b@example.test --config $config < x
martlet!2 account list --frobnicate --config $config
out *--frobnicate*
martlet!2 account list --config
cli!2 account add not-an-address < demo
cli!3 account add x@unknown.example < demo
out *martlet domain add unknown.example
cli!4 account add bob@example.test < demo
cli!4 domain add example.test
cli!3 account remove nobody@example.test
cli!3 account password nobody@example.test < x
cli!3 alias add a@example.test nobody@example.test
cli!3 alias remove nothing@example.test
cli!2 account add z@example.test --quota lots < demo
cli!3 account add z@example.test --password-file $dir/missing < demo
write empty < \n
cli!2 account add z@example.test --password-file $dir/empty < demo
write secret < hunter2\n
cli account add z@example.test --password-file $dir/secret
A connect imap
A < * OK
A > a LOGIN z@example.test hunter2
A < a OK
martlet!2 serve elsewhere --config $config
out *too many: elsewhere*help serve*
martlet!2 account
out *account wants one more word; see: martlet help account
martlet!2 account lits
out *no command account lits*help account
martlet help help
out *account add*
# help of what is no command says so as the command itself does; of one whose name begins another's, of that one alone
martlet!2 help account lits
out martlet: no command account lits; see: martlet help account
martlet!2 help frobnicate
out martlet: no command frobnicate; see: martlet help
martlet help check mx
out martlet check mx *
out! martlet check ADDRESS*
martlet help check
out martlet check mx *
out martlet check ADDRESS*
# too few words, before anything is looked at or asked for
martlet!2 import x --config $dir/missing.conf
out martlet: usage: martlet import ACCOUNT SOURCE
martlet!2 quickstart --config $dir/missing.conf
out martlet: usage: martlet quickstart ADDRESS
martlet!2 account add --config $dir/missing.conf < x
out martlet: usage: martlet account add ADDRESS
# the settings are looked at before a password is read
martlet!3 account add x@example.test --config $dir/missing.conf < \n
out martlet: settings file *missing.conf*
# a switch is on or not there: a value, such as no, is not taken for on
cli!2 mailbox delete bob@example.test Archive --recursive=no
out martlet: mailbox delete: no value goes with --recursive; see: martlet help mailbox delete
cli mailbox list bob@example.test Archive
out Archive *0 *
martlet!2 queue list --json=no --config $config
out martlet: queue list: no value goes with --json; see: martlet help queue list

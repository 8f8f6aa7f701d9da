# SPDX-License-Identifier: MIT
# Rights by the command line: given, listed, taken away; what is refused
cli acl set alice@example.test INBOX bob@example.test lrs
cli acl set alice@example.test INBOX anyone l
cli!3 acl set alice@example.test Nope anyone l
out *alice@example.test has no mailbox "Nope"; see: martlet mailbox list alice@example.test
cli!2 acl set alice@example.test INBOX -bob@example.test s
out *no option -bob@example.test; write -- before arguments that begin with -; see: martlet help acl set
martlet acl set --config $config -- alice@example.test INBOX -bob@example.test s
cli acl list alice@example.test INBOX
out alice@example.test *lrswipkxteancd*
out bob@example.test *lrs*
out -bob@example.test *s*
out anyone *l*
cli!3 acl set alice@example.test nothing bob@example.test l
cli!3 acl set nobody@example.test INBOX bob@example.test l
cli!3 acl set alice@example.test INBOX nobody@example.test l
cli!1 acl set alice@example.test INBOX alice@example.test l
cli!2 acl set alice@example.test INBOX bob@example.test q
B connect imap as bob
B > a MYRIGHTS "Other Users/alice@example.test/INBOX"
B <= * MYRIGHTS "Other Users/alice@example.test/INBOX" lr
B < a OK
cli acl remove alice@example.test INBOX bob@example.test
B > b MYRIGHTS "Other Users/alice@example.test/INBOX"
B <= * MYRIGHTS "Other Users/alice@example.test/INBOX" l
B < b OK
# rights go with the account that they were given to
cli acl set alice@example.test INBOX bob@example.test lrs
cli account remove bob@example.test
cli acl list alice@example.test INBOX
out! bob*
cli fsck
out clean: yes
# without the server too
stop
cli acl list alice@example.test INBOX
out anyone *l*
start

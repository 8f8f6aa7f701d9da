# SPDX-License-Identifier: MIT
# RFC 9051 6.3.4 to 6.3.9: the mailboxes of an account by the command line, by the rules of IMAP, and sessions hear of it (RFC 5465 5.4, 5.5)
deliver simple.eml bob
cli mailbox list bob@example.test
out mailbox *messages *unseen *bytes *special_use *subscribed
out INBOX *1 *1 *yes
out Drafts *0 *0 *0 *\Drafts *yes
out Sent *\Sent *
A connect imap as bob
A > a NOTIFY SET (personal (MailboxName SubscriptionChange))
A < a OK
# made with those above it, in the form in which names are kept: NFC, INBOX, no separator at the end
cli mailbox create bob@example.test Lists/Bücher/
out mailbox: Lists/Bücher
A <... * LIST (\HasChildren) "/" Lists
A <... * LIST (\HasNoChildren) "/" "Lists/B&APw-cher"
cli mailbox create bob@example.test inbox/old --special-use archive,\Junk --subscribe --json
out {"mailbox":"INBOX/old"}
A <... * LIST (\Subscribed \HasNoChildren \Junk \Archive) "/" INBOX/old
log control.verb verb=mailbox.create of=bob@example.test mailbox=inbox/old err=OK
# patterns, several of them, and what is subscribed
cli mailbox list bob@example.test Lists%
out Lists *
out! Lists/*
out! INBOX*
cli mailbox list bob@example.test lists% Bu* inbox/% *cher
out Lists/Bücher *0 *0 *0 *no
out INBOX/old *\Junk \Archive *yes
out! Lists *
cli mailbox list bob@example.test Lists/Bü%
out Lists/Bücher *
cli mailbox list bob@example.test --subscribed
out INBOX/old *
out! Lists*
cli mailbox list bob@example.test inbox --status --json
out [{"mailbox":"INBOX","messages":1,"unseen":1,"bytes":*,"special_use":"","subscribed":true,"deleted":0,"uidvalidity":*,"uidnext":2,"highestmodseq":*,"mailboxid":"*"}]
cli mailbox list bob@example.test Lists --json
out [{"mailbox":"Lists","messages":0,"unseen":0,"bytes":0,"special_use":"","subscribed":false}]
cli mailbox list bob@example.test nothing/%
out no mailbox found
cli mailbox list bob@example.test nothing/% --json
out []
# a subscription to what is not there, and to another's
cli mailbox subscribe bob@example.test to-come
out mailbox: to-come
out subscribed: yes
A <... * LIST (\NonExistent \Subscribed *) "/" to-come
cli mailbox list bob@example.test to-come
out to-come *- *- *- *yes
cli mailbox list bob@example.test to-come --json
out [{"mailbox":"to-come","messages":null,"unseen":null,"bytes":null,"special_use":"","subscribed":true}]
cli mailbox unsubscribe bob@example.test to-come
out subscribed: no
A <... * LIST (\NonExistent *) "/" to-come
cli mailbox subscribe bob@example.test 'Other Users/ALICE@example.test/INBOX'
cli mailbox list bob@example.test --subscribed
# renamed with those below it, while a session has it selected
B connect imap as bob in Lists/B&APw-cher
cli mailbox rename bob@example.test Lists Archive/Lists/
out mailbox: Archive/Lists
log control.verb verb=mailbox.rename of=bob@example.test mailbox=Lists to=Archive/Lists/ err=OK
A <... * LIST (\HasChildren) "/" Archive/Lists ("OLDNAME" (Lists))
B > a NOOP
B < a OK
cli!3 mailbox rename bob@example.test Lists Other
out martlet: bob@example.test has no mailbox "Lists"; see: martlet mailbox list bob@example.test
cli!4 mailbox rename bob@example.test Archive/Lists Sent
cli!1 mailbox rename bob@example.test Archive/Lists Archive/Lists/below
cli mailbox rename bob@example.test INBOX saved
cli mailbox list bob@example.test INBOX saved
out INBOX *0 *
out saved *1 *
A <... * LIST (*) "/" saved ("OLDNAME" (INBOX))
# deleted while it is selected, and while it is idled in
B > b IDLE
B < +
cli mailbox delete bob@example.test Archive/Lists/Bücher
out deleted: Archive/Lists/Bücher
B < * BYE
B eof
A <... * LIST (\NonExistent \HasNoChildren) "/" "Archive/Lists/B&APw-cher"
# those below stay, unless they shall go too
cli mailbox create bob@example.test Archive/Lists/x/y
cli mailbox create bob@example.test Archive/Lists/x/z
cli mailbox create bob@example.test Archive/Listsx
cli mailbox delete bob@example.test Archive/Lists
cli mailbox list bob@example.test Archive/*
out Archive/Lists *- *
out Archive/Lists/x/y *0 *
cli!3 mailbox delete bob@example.test Archive/Lists
cli mailbox delete bob@example.test Archive/Lists --recursive
out deleted: Archive/Lists/x
out deleted: Archive/Lists/x/y
out deleted: Archive/Lists/x/z
cli mailbox list bob@example.test Archive/*
out Archive/Listsx *
out! Archive/Lists *
out! Archive/Lists/*
cli!3 mailbox delete bob@example.test Archive/Lists --recursive
# what may not be
cli!4 mailbox create bob@example.test inbox
cli!1 mailbox create bob@example.test a//b
out *cannot begin or end with '/' or contain '//'
cli!1 mailbox create bob@example.test 'Other Users/alice@example.test/x'
cli!1 mailbox delete bob@example.test INBOX
out martlet: INBOX cannot be deleted
cli mailbox create bob@example.test inbox/child
cli!1 mailbox delete bob@example.test INBOX --recursive
cli mailbox list bob@example.test INBOX/child
out INBOX/child *0 *
cli!2 mailbox create bob@example.test x --special-use everything
out martlet: special use "everything": write drafts, sent, junk, trash or archive
cli!2 mailbox create bob@example.test x --special-use=
out martlet: special use "": write drafts, sent, junk, trash or archive
cli!3 mailbox list nobody@example.test
out martlet: no account nobody@example.test; see: martlet account list
cli!3 mailbox create nobody@example.test x
cli!2 mailbox create bob@example.test
cli!2 mailbox rename bob@example.test x
cli!2 mailbox list
# a long name is cut when it is told, in a character too
cli!3 mailbox delete bob@example.test néééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé
out martlet: bob@example.test has no mailbox "n*é?"; see: martlet mailbox list bob@example.test
# the account's quota
cli account quota bob@example.test --quota-mailboxes 1
cli!1 mailbox create bob@example.test more
out *the account may not have more mailboxes
cli account quota bob@example.test --quota-mailboxes 0
cli fsck
out clean: yes
# without the server too
stop
cli mailbox create bob@example.test offline/x --special-use sent
cli mailbox rename bob@example.test offline/x offline/y
cli mailbox subscribe bob@example.test offline/y
cli mailbox delete bob@example.test saved
cli mailbox list bob@example.test
out offline/y *\Sent *yes
out! saved*
start
C connect imap as bob
C > a LIST (SUBSCRIBED) "" offline/*
C < * LIST (*\Subscribed*) "/" offline/y
C < a OK

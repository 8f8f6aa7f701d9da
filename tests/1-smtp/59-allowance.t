# SPDX-License-Identifier: MIT
# What an account may send in a day; who sends without a login has no such limit
set queue max_messages_per_day = 3
set queue max_new_recipients_per_day = 2
S connect submission as alice
S mail alice@example.test dan@example.net erik@example.net bob@example.test
S data simple.eml
S < 250 2.0.0 queued as $one
S mail alice@example.test dan@example.net fay@example.net
S data simple.eml
S < 452 4.7.0
log smtp.reject code=452 reply="this
cli queue list
out! *fay@example.net*
mails bob 1
S mail alice@example.test DAN@example.net
S data simple.eml
S < 250 2.0.0 queued as $two
S mail alice@example.test bob@example.test
S data simple.eml
S < 250 2.0.0 queued as $three
S mail alice@example.test bob@example.test
S data simple.eml
S < 452 4.7.0
mails bob 2
T connect smtp hello
T mail carol@example.com bob@example.test
T data simple.eml
T < 250 2.0.0 queued as $four
# the next day; a restart changes nothing
restart
clock 86400000
S connect submission as alice
S mail alice@example.test fay@example.net
S data simple.eml
S < 250 2.0.0 queued as $five

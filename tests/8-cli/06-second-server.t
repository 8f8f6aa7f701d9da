# SPDX-License-Identifier: MIT
# One server to a data directory: a second one is refused, says why, and does not disturb the first
A connect imap as bob
write second.conf < [server]\nhostname = localhost\ndata_dir = $dir/data\n\n[listener "imap"]\nprotocol = imap\naddress = $dir/second.sock\n
martlet!5 serve --config $dir/second.conf
out *$dir/data*
A > a NOOP
A < a OK

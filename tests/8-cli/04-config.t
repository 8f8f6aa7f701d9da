# SPDX-License-Identifier: MIT
# Settings: check, show, explain; mistakes are told with file and line and the nearest valid name
cli config check
out *no mistakes
out *[tls] certificate is not set: a self-made one is used, */self-signed.crt, *
cli config show
out *hostname = localhost
martlet config show --sample
out *max_message_size = 50M
martlet config explain smtp.max_message_size
out *50M*
martlet!3 config explain smtp.max_mesage_size
out *max_message_size*
martlet!2 config explain
write bad.conf < [server]\nhostname = a\n\n[smtp]\nmax_erors = 3\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:5:*max_errors*
write bad.conf < [smtp]\nmax_errors = many\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:2:*
write bad.conf < [smtp]\nmax_errors = 0\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:2:*1*
write bad.conf < [smpt]\nmax_errors = 3\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:1:*smtp*
write bad.conf < [server]\nhostname = a\nhostname = b\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:3:*
write bad.conf < [auth]\nmechanisms = PLAIN ROT13\n
martlet!2 config check --config $dir/bad.conf
out *ROT13*
write bad.conf < [queue]\nport = 25\n\n[route "far"]\nhost = mx\nfallback = relay\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:4: [route "far"]: fallback = relay: there is no section [route "relay"]; write one with its host, and only_fallback = yes*
write bad.conf < [server]\nhostname = a\n
martlet!2 serve --config $dir/bad.conf
out *listener*
martlet!3 config check --config $dir/missing.conf
out *missing.conf*
write bad.conf < [server]\nuser = nosuchuser\n\n[listener "i"]\nprotocol = imap\nport = 1143\n
martlet!2 config check --config $dir/bad.conf
out *nosuchuser*useradd*
write bad.conf < [tls]\ncertificate = $dir/none.pem\nkey = $dir/none.key\n\n[listener "i"]\nprotocol = imap\nport = 1143\n
martlet!3 config check --config $dir/bad.conf
out martlet: *bad.conf: [tls] certificate: cannot read *none.pem*
martlet!3 serve --config $dir/bad.conf
out martlet: *bad.conf: [tls] certificate: cannot read *none.pem*
write bad.conf < [server]\ndata_dir = $dir/no/such\n\n[listener "i"]\nprotocol = imap\naddress = $dir/i.sock\n
martlet!3 serve --config $dir/bad.conf
out martlet: cannot make the directory *no/such: the one above it is not there; make that first
write bad.conf < [tls]\ncertificate = $dir/none.pem\nkey = $dir/none.key\n\n[listener "i"]\nprotocol = imap\nport = 1143\n
write none.pem < nothing\n
write none.key < nothing\n
martlet!1 config check --config $dir/bad.conf
out *none.pem*certificate*
write bad.conf < [smtp]\nmax_erors = 3\nmax_hops = many\n[nothing]\nx = 1\nnonsense\n[imap]\nmax_errors = 0\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:2:*max_errors*
out *bad.conf:3:*max_hops = many*
out *bad.conf:4:*nothing*
out! *bad.conf:5:*
out *bad.conf:6:*key = value*
out *bad.conf:8:*max_errors = 0*
# other commands tell the first one, and where to read of the others
martlet!2 account list --config $dir/bad.conf
out martlet: *bad.conf:2:*max_errors*(and more: martlet config check --config *bad.conf)
out! *bad.conf:3:*
martlet!2 serve --config $dir/bad.conf
out martlet: *bad.conf:2:*max_errors*(and more: martlet config check --config *bad.conf)
write bad.conf < [smtp]\nmax_erors = 3\n
martlet!2 serve --config $dir/bad.conf
out martlet: *bad.conf:2:*max_errors*
out! *and more*
write bad.conf < [smtp]\nmax_hops = 20\n[server]\nhostname = mail example\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:3:*hostname = mail example:*
write bad.conf < [server]\nhostname = grüße.test\n
martlet!2 config check --config $dir/bad.conf
out *xn--*
write bad.conf < [server]\ndata_dir = data\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:1:*data_dir = data:*from / on*
write bad.conf < [listener "i"]\nprotocol = imap\nport = 1143\naddress = localhost\n
martlet!2 config check --config $dir/bad.conf
out *bad.conf:1:*"i"*address = localhost:*
write bad.conf < [certificate "w"]\ncertificate = $dir/gone.pem\nkey = $dir/gone.key\n\n[listener "i"]\nprotocol = imap\nport = 1143\n
martlet!3 config check --config $dir/bad.conf
out *[certificate "w"] certificate:*gone.pem*

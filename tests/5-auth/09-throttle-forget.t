# SPDX-License-Identifier: MIT
# An operator sees who is refused and lifts it
set auth throttle_exempt = 192.0.2.0/24
set auth max_address_failures = 2
set auth failure_memory = 1h
A connect imap from 127.0.0.2
A < * OK
A > a LOGIN bob@example.test wrong1
A < a NO [AUTHENTICATIONFAILED]
A > b LOGIN bob@example.test wrong2
A < b NO [AUTHENTICATIONFAILED]
A > c LOGIN bob@example.test demo
A < c NO [UNAVAILABLE]
cli auth list --json
out *"what":"address","name":"127.0.0.2","failures":2,"limited":true,"wait_s":*
cli!3 auth forget 127.0.0.9
out *auth list*
cli auth forget 127.0.0.2
A > d LOGIN bob@example.test demo
A < d OK
cli auth list
out! *127.0.0.2*
cli!2 auth forget
stop
cli!1 auth list
start

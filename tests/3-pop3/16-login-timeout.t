# SPDX-License-Identifier: MIT
# RFC 1939 3: who does not log in is not waited for, whatever else it says; who is logged in may be silent
set pop3 login_timeout = 3s
B connect pop3 as bob
A connect pop3
A < +OK
sleep 1000
A > CAPA
A <... .
sleep 2500
A eof
B > NOOP
B < +OK

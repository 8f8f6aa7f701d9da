# SPDX-License-Identifier: MIT
# Before login every refusal counts, also those that are no fault of syntax: they cost lines in the log
set imap max_errors = 4
set auth plaintext_on_loopback = no
A connect imap
A < * OK
repeat 4 A > a LOGIN alice@example.test demo
repeat 4 A < a NO [PRIVACYREQUIRED]
A < * BYE
A eof

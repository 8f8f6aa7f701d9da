# SPDX-License-Identifier: MIT
# Commands work without a running server: they open the data themselves
stop
cli account list
out bob@example.test *
cli account add carol@example.test < secret
cli alias add c@example.test carol@example.test
cli!4 account add carol@example.test < secret
cli!1 status
out *no server is running*
start
A connect imap
A < * OK
A > a LOGIN carol@example.test secret
A < a OK
cli alias list
out c@example.test *carol@example.test

# SPDX-License-Identifier: MIT
# RFC 5321 4.3.1: the refusal of early talkers can be switched off
set smtp reject_early_talkers = no
set smtp greet_delay = 300ms
S connect smtp
S > EHLO client.example
S < 220
S <... 250 *

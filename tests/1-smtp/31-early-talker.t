# SPDX-License-Identifier: MIT
# RFC 5321 3.1, 4.3.1: a client must wait for the greeting; one that speaks first is refused, one that waits is served
set smtp greet_delay = 1500ms
S connect smtp
S > EHLO client.example
S < 5
S eof
T connect smtp
T held 1400
T < 220
T > EHLO client.example
T <... 250 *
U connect submission
U > EHLO client.example
U < 220
U <... 250 *

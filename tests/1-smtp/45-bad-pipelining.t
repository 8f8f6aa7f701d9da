# SPDX-License-Identifier: MIT
# RFC 2920 3.1: commands behind one that must end its group, refused where the setting asks for it
set smtp reject_bad_pipelining = yes
S connect smtp
S < 220
S >> EHLO client.example\r\nMAIL FROM:<carol@example.org>\r\n
S < 5
S eof
T connect smtp hello
T >> MAIL FROM:<carol@example.org>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n
T < 250
T < 250
T < 354
T data simple.eml
T < 250
mails bob 1

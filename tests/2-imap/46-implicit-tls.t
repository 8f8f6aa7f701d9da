# SPDX-License-Identifier: MIT
# RFC 8314 3.2: port 993 speaks TLS at once
A connect imaps as bob in INBOX
A > a NOOP
A < a OK

# SPDX-License-Identifier: MIT
# RFC 3207 4, 6: STARTTLS; afterwards everything begins anew; commands sent before the handshake are dropped
S connect smtp hello
S > STARTTLS now
S < 501 5.5.
S > MAIL FROM:<carol@example.org>
S < 250
S > STARTTLS
S < 220 2.0.0
S starttls
S > MAIL FROM:<carol@example.org>
S < 503 5.5.1
S > EHLO client.example
S <all 250 *
out! *STARTTLS
out *REQUIRETLS
S > STARTTLS
S < 5
S mail carol@example.org bob@example.test
S data simple.eml
S < 250 2.0.0
# CVE-2011-0411: commands pipelined behind STARTTLS must not run inside TLS
T connect smtp hello
T >> STARTTLS\r\nRSET\r\nNOOP\r\n
T < 220
T starttls
T silent 200
T > EHLO client.example
T < 250-localhost
T <... 250 *
T > NOOP
T < 250
mails bob 1

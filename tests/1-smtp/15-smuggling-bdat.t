# SPDX-License-Identifier: MIT
# RFC 5321 2.3.8: bare CR, bare LF and NUL are refused in BDAT too, but for BINARYMIME; and in submission and LMTP
S connect smtp hello
S > MAIL FROM:<carol@example.org>
S < 250
S > RCPT TO:<bob@example.test>
S < 250
S >> BDAT 16 LAST\r\nSubject: x\n\nbody
S < 5
S > NOOP
S < 250
T connect submission as alice
T mail alice@example.test bob@example.test
T >> Subject: x\r\n\r\na\n.\nb\r\n.\r\n
T < 5
L connect lmtp hello
L mail carol@example.org bob@example.test alice@example.test
L >> Subject: x\r\n\r\na\n.\nb\r\n.\r\n
L < 5
L < 5
L > NOOP
L < 250
mails bob 0

# SPDX-License-Identifier: MIT
# RFC 4954 9: guessing passwords ends the session
set smtp max_auth_failures = 2
S connect submissions hello
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==
S < 535 5.7.8
S > AUTH PLAIN AG5vYm9keUBleGFtcGxlLnRlc3QAd3Jvbmc=
S <... 421 4.7.
S eof

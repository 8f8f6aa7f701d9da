# SPDX-License-Identifier: MIT
# RFC 4954 4: AUTH PLAIN with and without initial response, cancelled, wrong, and twice
S connect submissions hello
S > AUTH
S < 501 5.5.
S > AUTH FROBNICATE
S < 504 5.5.4
S > AUTH PLAIN
S <= 334 
S > *
S < 501 5.
S > AUTH PLAIN ###
S < 501 5.5.2
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==
S < 535 5.7.8
S > AUTH PLAIN
S < 334
S > AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
S < 235 2.7.0
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
S < 503 5.5.1
S > MAIL FROM:<alice@example.test> AUTH=<>
S < 250
# not in the middle of a transaction
T connect submissions hello
# an authorization identity that is somebody else is refused
T > AUTH PLAIN Ym9iQGV4YW1wbGUudGVzdABhbGljZUBleGFtcGxlLnRlc3QAZGVtbw==
T < 535 5.7.

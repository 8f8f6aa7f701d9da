# SPDX-License-Identifier: MIT
# RFC 6409 4.3, RFC 3207 4, RFC 4954 6: on a submission port TLS comes first, then AUTH, then mail
set auth plaintext_on_loopback = no
S connect submission
S < 220
S > EHLO client.example
S <all 250 *
out *STARTTLS
out! *AUTH
S > MAIL FROM:<alice@example.test>
S < 530 5.7.0
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
S < 5
S > STARTTLS
S < 220
S starttls
S > EHLO client.example
S <all 250 *
out *AUTH *PLAIN
out *AUTH *SCRAM-SHA-256
S > MAIL FROM:<alice@example.test>
S < 530 5.7.0
S > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
S < 235 2.7.0
S mail alice@example.test bob@example.test
S data simple.eml
S < 250 2.0.0
# RFC 8314 3.3: implicit TLS needs AUTH just as well
T connect submissions hello
T > MAIL FROM:<alice@example.test>
T < 530 5.7.0
T > STARTTLS
T < 5
T > AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABkZW1v
T < 235 2.7.0
T > MAIL FROM:<alice@example.test>
T < 250

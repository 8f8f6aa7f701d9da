# SPDX-License-Identifier: MIT
# One line per event, traceable by one id from the connection to the mailbox; secrets never; what peers say is escaped
S connect smtp hello
S mail carol@example.org bob@example.test
S data simple.eml
S < 250 2.0.0 queued as $qid
log smtp.accept qid=$qid from=carol@example.org
I connect imap
I < * OK
I > a LOGIN bob@example.test demo
I < a OK
log imap.login user=bob@example.test
J connect imap
J < * OK
J > a LOGIN bob@example.test s3cr3t-w0rd
J < a NO
log imap.login-refused err=AUTH_FAILED

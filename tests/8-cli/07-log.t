# SPDX-License-Identifier: MIT
# One line per event, traceable by one id from the connection to the mailbox; secrets never; what peers say is escaped
S connect smtp hello
S mail carol@example.org bob@example.test
S data simple.eml
S < 250 2.0.0 queued as $qid
log smtp.accept qid=$qid from=carol@example.org
log smtp.rcpt qid=$qid to=bob@example.test into=INBOX
I connect imap
I < * OK
I > a LOGIN bob@example.test demo
I < a OK
log imap.login user=bob@example.test
J connect imap
J < * OK
J > a LOGIN bob@example.test s3cr3t-w0rd
J < a NO
log imap.login-refused user=bob@example.test err=AUTH_FAILED
log! s3cr3t-w0rd
log! LOGIN
P connect pop3
P < +OK
P > USER strange"\name
P < +OK
P > PASS s3cr3t-w0rd
P < -ERR
P > QUIT
P < +OK
log pop3.login-refused user="strange\"\\name"
log! s3cr3t-w0rd
cli account password bob@example.test < s3cr3t-w0rd
log control.verb verb=account.password of=bob@example.test err=OK
cli alias add help@example.test bob@example.test
log control.verb verb=alias.add of=help@example.test
cli!3 domain remove nowhere.example
log control.verb verb=domain.remove of=nowhere.example err=NOT_FOUND
log! s3cr3t-w0rd

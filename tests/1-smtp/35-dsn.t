# SPDX-License-Identifier: MIT
# RFC 3461 4: the parameters of delivery status notifications and their syntax
S connect smtp hello
S > MAIL FROM:<carol@example.org> RET=HDRS ENVID=QQ+2B314159
S < 250
S > RCPT TO:<bob@example.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;Bob+2Bx@example.org
S < 250
S > RCPT TO:<alice@example.test> NOTIFY=NEVER
S < 250
S > RCPT TO:<bob@example.test> NOTIFY=NEVER,SUCCESS
S < 501 5.5.4
S > RCPT TO:<bob@example.test> NOTIFY=SOMETIMES
S < 501 5.5.4
S > RCPT TO:<bob@example.test> ORCPT=rfc822
S < 501 5.5.4
S > RCPT TO:<bob@example.test> ORCPT=rfc822;bad+zz
S < 501 5.5.4
S > DATA
S < 354
S data simple.eml
S < 250
S > MAIL FROM:<carol@example.org> RET=SOME
S < 501 5.5.4
S > MAIL FROM:<carol@example.org> ENVID=a ENVID=b
S < 501 5.5.4
S > MAIL FROM:<carol@example.org> RET=FULL RET=FULL
S < 501 5.5.4

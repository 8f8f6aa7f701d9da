# SPDX-License-Identifier: MIT
# RFC 1939 3: lines that begin with a dot get one more, and . ends the answer; sizes count what is stored
I connect imap as bob
I > a APPEND INBOX {$size.simple.eml+}
I bytes simple.eml
I >
I < a OK
# a message that does not end in a line end
I >> b APPEND INBOX {18+}\r\nSubject: x\r\n\r\nbody\r\n
I < b OK
P connect pop3 as bob
P > LIST
P < +OK
P < 1 $size.simple.eml
P <= 2 18
P <= .
P > RETR 1
P < +OK
P <... Hello Bob,
P <=
P <= ..a line that begins with a dot
P <= ...and one with two
P <= ..
P <= This is the end.
P <= .
P > RETR 2
P < +OK
P <= Subject: x
P <=
P <= body
P <= .

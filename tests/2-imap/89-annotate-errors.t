# SPDX-License-Identifier: MIT
# RFC 5257 3.2, 4, 5: what is refused, and nothing of it is done
set imap max_errors = 1000
repeat 1 deliver simple.eml alice
A connect imap as alice in INBOX
# 3.2, 3.2.1: names
A > a STORE 1 ANNOTATION (comment (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/ (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/a/ (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/a//b (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION ("/a*" (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION ("/a%" (value.priv "x"))
A < a BAD
A >> a STORE 1 ANNOTATION ({3+}\r\n/\xc3\xbc (value.priv "x"))\r\n
A < a BAD
A > a STORE 1 ANNOTATION (/flags (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/flags/seen (value.priv "1"))
A < a BAD
A > a FETCH 1 (ANNOTATION (/flags/seen value))
A < a BAD
A > a STORE 1 ANNOTATION (/0/comment (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/1.x/comment (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/1 (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/1/flags/seen (value.priv "2"))
A < a BAD
A > a FETCH 1 (ANNOTATION (/1./comment value))
A < a BAD
# 3.2.2: attributes
A > a STORE 1 ANNOTATION (/a (value "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/a (size.priv "1"))
A < a BAD
A > a STORE 1 ANNOTATION (/a (content-type.priv "1"))
A < a BAD
A > a FETCH 1 (ANNOTATION (/a value.private))
A < a BAD
# 5: the grammar
A > a STORE 1 ANNOTATION ()
A < a BAD
A > a STORE 1 ANNOTATION (/a)
A < a BAD
A > a STORE 1 ANNOTATION (/a ())
A < a BAD
A > a STORE 1 ANNOTATION (/a (value.priv))
A < a BAD
A > a STORE 1 ANNOTATION (/a (value.priv x))
A < a BAD
A > a STORE 1 +ANNOTATION (/a (value.priv "x"))
A < a BAD
A > a STORE 1 ANNOTATION (/a (value.priv "x")) FLAGS ()
A < a BAD
A > a FETCH 1 ANNOTATION
A < a BAD
A > a FETCH 1 (ANNOTATION /a value)
A < a BAD
A > a FETCH 1 (ANNOTATION (/a))
A < a BAD
A > a FETCH 1 (ANNOTATION (() value))
A < a BAD
A > a FETCH 1 (ANNOTATION (/a ()))
A < a BAD
A > a SELECT INBOX (ANNOTATE 1)
A < a BAD
A > a FETCH 1 (FLAGS ANNOTATION (* (value size)))
A <= * 1 FETCH (FLAGS (\Recent))
A < a OK
# 4.5: too large, too many
A >> a STORE 1 ANNOTATION (/a (value.priv {65537+}\r\n
repeat 1024 A >> 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
A >> x) /b (value.priv "x"))\r\n
A < a NO [ANNOTATE TOOBIG]
repeat 64 A > b$i STORE 1 ANNOTATION (/a$i (value.shared "x"))
repeat 64 A <... b$i OK
A > a STORE 1 ANNOTATION (/b (value.shared "x"))
A < a NO [ANNOTATE TOOMANY]
A > a STORE 1 ANNOTATION (/a1 (value.shared "y") /b (value.priv "x"))
A < a OK
A > a FETCH 1 (ANNOTATION ((/a1 /b) value))
A <= * 1 FETCH (ANNOTATION (/a1 (value.priv NIL value.shared "y") /b (value.priv "x" value.shared NIL)))
A < a OK
# as many private ones, whatever there is of the others; and nothing of what would be one too many
repeat 63 A > c$i STORE 1 ANNOTATION (/p$i (value.priv "x"))
repeat 63 A <... c$i OK
A > a STORE 1 ANNOTATION (/b (value.priv "y") /c (value.priv "x"))
A < a NO [ANNOTATE TOOMANY]
A > a STORE 1 ANNOTATION (/p1 (value.priv NIL) /c (value.priv "z"))
A < a OK
A > a FETCH 1 (ANNOTATION ((/b /c /p1) value.priv))
A <= * 1 FETCH (ANNOTATION (/b (value.priv "x") /c (value.priv "z") /p1 (value.priv NIL)))
A < a OK

# SPDX-License-Identifier: MIT
# RFC 8970 3, 4, 5: the beginning of the text with FETCH, made when the message came; LAZY; the commands of the examples
A connect imap as bob
A > A1 CAPABILITY
A < * CAPABILITY * PREVIEW *
A < A1 OK
A >> p APPEND INBOX {31+}\r\nSubject: 1\r\n\r\nPreview text!\r\n\r\n {73+}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<title>no</title><p>Gr\xc3\xbc\xc3\x9fe</p> {42+}\r\nContent-Type: image/png\r\n\r\nnot a picture\r\n {1+}\r\nx\r\n
A < p OK [APPENDUID $validity 1:4]
deliver simple.eml bob
deliver long.eml bob
A > s SELECT INBOX
A <... s OK
A > A2 FETCH 1 (PREVIEW)
A <= * 1 FETCH (PREVIEW "Preview text!")
A < A2 OK
A > A3 FETCH 1 PREVIEW
A <= * 1 FETCH (PREVIEW "Preview text!")
A < A3 OK
# 3.2: nothing that could be shown is "", never NIL
A > B1 FETCH 3:4 (UID PREVIEW (LAZY) RFC822.SIZE)
A < * 3 FETCH (UID 3 RFC822.SIZE 42 PREVIEW "")
A < * 4 FETCH (UID 4 RFC822.SIZE 1 PREVIEW "")
A < B1 OK
# 3.3: UTF-8, which is a literal in IMAP4rev1
A > B2 FETCH 2 (PREVIEW (LAZY LAZY))
A <= * 2 FETCH (PREVIEW {7}
A <= Grüße)
A < B2 OK
A > C2 SEARCH RETURN (SAVE) UID 1
A < C2 OK
A > C3 FETCH $ (UID PREVIEW (LAZY))
A <= * 1 FETCH (UID 1 PREVIEW "Preview text!")
A < C3 OK
A > C4 UID FETCH 1 (PREVIEW)
A <= * 1 FETCH (UID 1 PREVIEW "Preview text!")
A < C4 OK
A > D1 FETCH 5:6 PREVIEW (LAZY)
A < * 5 FETCH (PREVIEW "*")
A < * 6 FETCH (PREVIEW "*")
A < D1 OK
# a list behind it that is not its own
A > E1 FETCH 1 PREVIEW (CHANGEDSINCE 1)
A < * OK [HIGHESTMODSEQ
A <... * 1 FETCH (MODSEQ (*) PREVIEW "Preview text!")
A < E1 OK
A > E2 FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 999999)
A < E2 OK
A > E3 FETCH 1 (PREVIEW (EAGER))
A < E3 BAD
A > E4 FETCH 1 (PREVIEW ())
A < E4 BAD
A > E5 FETCH 1 (PREVIEW (LAZY)
A < E5 BAD
# copies have it, and it does not set \Seen
A > F1 COPY 1 Archive
A < F1 OK
A > F2 SELECT Archive
A <... F2 OK
A > F3 FETCH 1 (FLAGS PREVIEW)
A < * 1 FETCH (FLAGS (\Recent) MODSEQ (*) PREVIEW "Preview text!")
A < F3 OK

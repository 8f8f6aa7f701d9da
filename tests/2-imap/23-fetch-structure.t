# SPDX-License-Identifier: MIT
# RFC 9051 7.5.2: ENVELOPE, BODY and BODYSTRUCTURE of a multipart message, exactly; names of types compare without case
A connect imap as bob
A > a APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 ENVELOPE
A <= * 1 FETCH (ENVELOPE ("Tue, 24 Nov 2026 09:15:30 +0100" "=?UTF-8?Q?Pr=C3=BCfung_der?= =?UTF-8?Q?_Teile?=" (("=?UTF-8?B?WsO8cmljaA==?= Office" NIL "office" "example.test")) (("=?UTF-8?B?WsO8cmljaA==?= Office" NIL "office" "example.test")) (("=?UTF-8?B?WsO8cmljaA==?= Office" NIL "office" "example.test")) ((NIL NIL "bob" "example.test")("Q. Public" NIL "q" "example.test")) ((NIL NIL "Team" NIL)(NIL NIL "one" "example.test")(NIL NIL "two" "example.test")(NIL NIL NIL NIL)) NIL "<simple-1@example.test>" "<multi-1@example.test>"))
A < c OK
A > d FETCH 1 BODYSTRUCTURE
A < * 1 FETCH (BODYSTRUCTURE ((("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 33 1 NIL NIL NIL NIL)("text" "html" ("charset" "utf-8") NIL NIL "8bit" 28 1 NIL NIL NIL NIL) "alternative" ("boundary" "inner") NIL NIL NIL)("application" "octet-stream" ("name" "data.bin") NIL NIL "base64" 26 NIL ("attachment" ("filename" "data.bin" "size" "16")) NIL NIL)("message" "rfc822" NIL NIL "a forwarded message" "7bit" 154 ("Mon, 23 Nov 2026 10:00:00 +0000" "Inner" ((NIL NIL "carol" "example.test")) ((NIL NIL "carol" "example.test")) ((NIL NIL "carol" "example.test")) ((NIL NIL "alice" "example.test")) NIL NIL NIL "<inner-1@example.test>") ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 11 * NIL NIL NIL NIL) * NIL NIL NIL NIL) "mixed" ("boundary" "outer") NIL NIL NIL))
A < d OK
A > e FETCH 1 BODY
A < * 1 FETCH (BODY ((("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 33 1)("text" "html" ("charset" "utf-8") NIL NIL "8bit" 28 1) "alternative")("application" "octet-stream" ("name" "data.bin") NIL NIL "base64" 26)("message" "rfc822" NIL NIL "a forwarded message" "7bit" 154 (*) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 11 *) *) "mixed"))
A < e OK
A > f APPEND INBOX {$size.simple.eml+}
A bytes simple.eml
A >
A <... f OK
A > g FETCH 2 BODYSTRUCTURE
A < * 2 FETCH (BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 87 6 NIL NIL NIL NIL))
A < g OK
A > h APPEND INBOX {$size.odd-headers.eml+}
A bytes odd-headers.eml
A >
A <... h OK
A > i FETCH 3 ENVELOPE
A < * 3 FETCH (ENVELOPE ("26 Nov 26 12:00 EST" "folded at once and again*with a tab" (("Odd \"Quoted\" Name" NIL "odd" "example.test")) (*) (*) (*) NIL NIL NIL "<odd@example.test>"))
A < i OK

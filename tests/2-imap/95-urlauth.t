# SPDX-License-Identifier: MIT
# RFC 4467 3, 5, 6, 7: URLs that authorize, with the examples of the RFC (joe is bob here), and RFC 5524
set imap submit_users = submit@example.test
cli account add submit@example.test < demo
cli account add fred@example.test < demo
deliver multipart.eml bob@example.test
B connect imap as bob
B > a CAPABILITY
B < * CAPABILITY * URLAUTH URLAUTH=BINARY *
B < a OK
B > a1 EXAMINE INBOX
B <all a1 OK
out * OK [URLMECH INTERNAL]*
B > a2 UNSELECT
B < a2 OK
# RFC 4467 7, GENURLAUTH: all refusals are BAD
B > a775 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1/;section=1.1" INTERNAL
B < a775 BAD
B > a776 GENURLAUTH "imap://example.com/INBOX/;uid=1/;section=1.1;urlauth=submit+fred" INTERNAL
B < a776 BAD
B > b1 GENURLAUTH "imap://alice%40example.test@example.com/INBOX/;uid=1;urlauth=anonymous" INTERNAL
B <= b1 BAD a URL is authorized by the user whom it names
B > b2 GENURLAUTH "imap://nobody%40example.test@example.com/INBOX/;uid=1;urlauth=anonymous" INTERNAL
B <= b2 BAD a URL is authorized by the user whom it names
B > b3 GENURLAUTH "imap://bob%40example.test@example.com/nothing/;uid=1;urlauth=anonymous" INTERNAL
B < b3 BAD
B > b4 GENURLAUTH "imap://bob%40example.test@example.com/Other%20Users/alice%40example.test/INBOX/;uid=1;urlauth=anonymous" INTERNAL
B < b4 BAD
B > b5 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1;urlauth=anonymous" XSAMPLE
B < b5 BAD
B > b6 GENURLAUTH "imap://bob%40example.test@example.com/INBOX;urlauth=anonymous" INTERNAL
B < b6 BAD
B > b7 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1;expire=2026-13-01T00:00:00Z;urlauth=anonymous" INTERNAL
B < b7 BAD
B > b8 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1;urlauth=stream" INTERNAL
B < b8 BAD
B > b9 GENURLAUTH
B < b9 BAD
B > a777 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1/;section=1.1;urlauth=submit+fred%40example.test" INTERNAL
B < * GENURLAUTH "$submit"
B < a777 OK
B > a778 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1/;section=1.1;urlauth=user+fred%40example.test" INTERNAL "imap://bob%40example.test;AUTH=*@example.com:143/INBOX;UIDVALIDITY=77/;uid=1;urlauth=authuser" internal
B < a778 BAD
B > a779 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1/;section=1.1;urlauth=user+fred%40example.test" INTERNAL "imap://bob%40example.test;AUTH=*@example.com:143/INBOX/;uid=1/;section=2.mime;expire=2099-01-01T00:00:00.5+01:00;urlauth=authuser" internal
B < * GENURLAUTH "$user" "$any"
B < a779 OK
B > a780 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1;expire=2001-01-01T00:00:00Z;urlauth=anonymous" INTERNAL "imap://bob%40example.test@example.com/INBOX/;uid=99;urlauth=anonymous" INTERNAL "imap://bob%40example.test@example.com/INBOX/;uid=1/;section=1.1/;partial=2.3;urlauth=anonymous" INTERNAL
B < * GENURLAUTH "$old" "$missing" "$part"
B < a780 OK
# URLFETCH: by whom the access says, and nobody else
S connect imap
S < * OK
S > a001 LOGIN submit@example.test demo
S < a001 OK
S > a002 URLFETCH "$submit"
S <= * URLFETCH "$submit" {33}
S <= Gr=C3=BC=C3=9Fe aus Z=C3=BCrich
S <all a002 OK
S > a003 URLFETCH "$user" "$any"
S < * URLFETCH "$user" NIL "$any" {
S <all a003 OK
F connect imap
F < * OK
F > a LOGIN fred@example.test demo
F < a OK
F > b URLFETCH "$submit"
F <= * URLFETCH "$submit" NIL
F < b OK
F > c URLFETCH "$user"
F <= * URLFETCH "$user" {33}
F <all c OK
F > d URLFETCH "$old" "$missing" "imap://bob%40example.test@example.com/INBOX/" "what \"is\" this"
F <= * URLFETCH "$old" NIL "$missing" NIL "imap://bob%40example.test@example.com/INBOX/" NIL "what \"is\" this" NIL
F < d OK
F > e URLFETCH "$part"
F <= * URLFETCH "$part" {3}
F <= =C3
F < e OK
# a token is of that very URL
F > f URLFETCH "$user0" "X$user"
F <= * URLFETCH "$user0" NIL "X$user" NIL
F < f OK
# RFC 5524 4
F > g URLFETCH ("$user") ("$user" BODY)
F <= * URLFETCH "$user" {33}
F <= Gr=C3=BC=C3=9Fe aus Z=C3=BCrich
F <=  "$user" (BODY {33}
F <= Gr=C3=BC=C3=9Fe aus Z=C3=BCrich
F < )
F < g OK
F > h URLFETCH ("$user" BODYPARTSTRUCTURE BINARY)
F < * URLFETCH "$user" (BODYPARTSTRUCTURE ("text" "plain" * "BINARY" 21 *)) (BINARY {21}
F <= Grüße aus Zürich
F < )
F < h OK
F > i URLFETCH ("$user" BODYPARTSTRUCTURE)
F < * URLFETCH "$user" (BODYPARTSTRUCTURE ("text" "plain" * "quoted-printable" 33 *))
F < i OK
F > j URLFETCH ("$user" BODY BINARY)
F < j BAD
F > k URLFETCH ("$user" BODY BODY)
F < k BAD
F > l URLFETCH ("$old" BINARY)
F <= * URLFETCH "$old" NIL
F < l OK
# the flags of the message are as they were
B > c STATUS INBOX (UNSEEN)
B <= * STATUS INBOX (UNSEEN 1)
B < c OK
# RESETKEY: what was signed is worth nothing any more
B > a31 RESETKEY Archive
B < a31 OK [URLMECH INTERNAL]
F > m URLFETCH "$user"
F <= * URLFETCH "$user" {33}
F <all m OK
B > a32 RESETKEY INBOX
B < a32 OK [URLMECH INTERNAL]
F > n URLFETCH "$user"
F <= * URLFETCH "$user" NIL
F < n OK
B > a33 RESETKEY INBOX XSAMPLE
B < a33 NO
B > a34 RESETKEY nothing
B < a34 NO [NONEXISTENT]
B > a35 GENURLAUTH "imap://bob%40example.test@example.com/INBOX/;uid=1/;section=1.1;urlauth=user+fred%40example.test" INTERNAL
B < * GENURLAUTH "$again"
B < a35 OK
B > a36 RESETKEY
B < a36 OK
F > o URLFETCH "$again"
F <= * URLFETCH "$again" NIL
F < o OK

# SPDX-License-Identifier: MIT
# RFC 9051 6.4.5.1: BODY.PEEK with every kind of section of a multipart message, exactly
A connect imap as bob
A > a APPEND INBOX {$size.multipart.eml+}
A bytes multipart.eml
A >
A < a OK
A > b SELECT INBOX
A <... b OK
A > c FETCH 1 BODY.PEEK[]
A < * 1 FETCH (BODY[] {1248}
A <bytes 1248 = multipart.eml
A < )
A < c OK
A > d FETCH 1 BODY.PEEK[HEADER]
A < * 1 FETCH (BODY[HEADER] {438}
A < From: =?UTF-8?B?WsO8cmljaA==?= Office
A <... References: <simple-1@example.test>
A < MIME-Version: 1.0
A <= Content-Type: multipart/mixed; boundary="outer"
A <=
A < )
A < d OK
A > e FETCH 1 BODY.PEEK[TEXT]
A < * 1 FETCH (BODY[TEXT] {810}
A <= This is a preamble.
A <... This is an epilogue.
A < )
A < e OK
A > f FETCH 1 BODY.PEEK[1]
A < * 1 FETCH (BODY[1] {257}
A <= --inner
A <... --inner--
A < )
A < f OK
A > g FETCH 1 BODY.PEEK[1.MIME]
A < * 1 FETCH (BODY[1.MIME] {55}
A <= Content-Type: multipart/alternative; boundary=inner
A <=
A < )
A < g OK
A > h FETCH 1 BODY.PEEK[1.1]
A < * 1 FETCH (BODY[1.1] {33}
A <= Gr=C3=BC=C3=9Fe aus Z=C3=BCrich
A < )
A < h OK
A > i FETCH 1 BODY.PEEK[1.1.MIME]
A < * 1 FETCH (BODY[1.1.MIME] {88}
A <= Content-Type: text/plain; charset=utf-8
A <= Content-Transfer-Encoding: quoted-printable
A <=
A < )
A < i OK
A > j FETCH 1 BODY.PEEK[1.2]
A < * 1 FETCH (BODY[1.2] {28}
A <= <p>Grüße aus Zürich</p>
A < )
A < j OK
A > k FETCH 1 (BODY.PEEK[2] BODY.PEEK[2.MIME])
A < * 1 FETCH (BODY[2] {26}
A <= AAECAwQFBgcICQoLDA0ODw==
A < *BODY[2.MIME] {157}
A < Content-Type: application/octet-stream
A <... )
A < k OK
# a message in the message: all of it, its header, its text, its part 1
A > l FETCH 1 BODY.PEEK[3]
A < * 1 FETCH (BODY[3] {154}
A <= From: carol@example.test
A <... Inner body.)
A < l OK
A > m FETCH 1 BODY.PEEK[3.HEADER]
A < * 1 FETCH (BODY[3.HEADER] {143}
A <bytes 143
A < )
A < m OK
A > n FETCH 1 BODY.PEEK[3.TEXT]
A < * 1 FETCH (BODY[3.TEXT] {11}
A <= Inner body.)
A < n OK
A > o FETCH 1 BODY.PEEK[3.1]
A < * 1 FETCH (BODY[3.1] {11}
A <= Inner body.)
A < o OK
A > p FETCH 1 BODY.PEEK[3.MIME]
A < * 1 FETCH (BODY[3.MIME] {74}
A <bytes 74
A < )
A < p OK
A > q FETCH 1 BODY.PEEK[3.HEADER.FIELDS (SUBJECT DATE)]
A < * 1 FETCH (BODY[3.HEADER.FIELDS (SUBJECT DATE)] {57}
A <= Subject: Inner
A <= Date: Mon, 23 Nov 2026 10:00:00 +0000
A <=
A < )
A < q OK
A > r FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (From To Cc Subject Date Message-ID In-Reply-To References)]
A < * 1 FETCH (BODY[HEADER.FIELDS.NOT (From To Cc Subject Date Message-ID In-Reply-To References)] {70}
A <= MIME-Version: 1.0
A <= Content-Type: multipart/mixed; boundary="outer"
A <=
A < )
A < r OK
# parts that are not there
A > s FETCH 1 BODY.PEEK[4]
A <all s OK
out! *{*
A > t FETCH 1 BODY.PEEK[2.1]
A <all t OK
A > u FETCH 1 BODY.PEEK[MIME]
A < u BAD
A > v FETCH 1 BODY.PEEK[0]
A < v BAD
A > w FETCH 1 BODY.PEEK[HEADER.FIELDS ()]
A < w BAD
A > x FETCH 1 BODY.PEEK[1.2
A < x BAD
# nothing of this was reading
A > y FETCH 1 FLAGS
A < * 1 FETCH (FLAGS (\Recent))
A < y OK

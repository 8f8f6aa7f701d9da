# SPDX-License-Identifier: MIT
"""Damaged messages: those that have a name, and any number of others made by chance from a seed. The same seed makes the same bytes."""

import base64
import random

MIXED = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n"


def lines(*texts):
    return b"".join(t + b"\r\n" for t in texts)


def flat(n):
    return MIXED % b"b" + b"--b\r\n\r\nx\r\n" * n + b"--b--\r\n"


def nested(n):
    return b"".join(MIXED % (b"b%d" % i) + b"--b%d\r\n" % i for i in range(n)) + b"\r\nthe heart\r\n" + b"".join(b"--b%d--\r\n" % i for i in reversed(range(n)))


def enclosed(n):
    return b"Subject: m\r\nContent-Type: message/rfc822\r\n\r\n" * n + b"Subject: heart\r\n\r\nthe heart\r\n"


def alternating(n):
    return b"".join(MIXED % (b"b%d" % i) + b"--b%d\r\nContent-Type: message/rfc822\r\n\r\n" % i for i in range(n)) + b"\r\nthe heart\r\n"


INNER = lines(b"Subject: inner", b"From: a@example.org", b"", b"text of the inner message")


def named(big):
    """`big`: how many for what is counted in millions."""
    few = max(1, big // 100)
    simple = lines(b"Subject: s", b"", b"body")
    return {
        "only_line_end": b"\r\n",
        "only_lf": b"\n",
        "only_cr": b"\r",
        "one_byte": b"x",
        "one_nul": b"\0",
        "header_without_body": b"Subject: no body, no empty line",
        "header_with_line_end": b"Subject: no empty line\r\n",
        "body_without_header": b"\r\nonly a body\r\n",
        "no_header_at_all": lines(b"this is not a header", b"nor is this", b"", b"body"),
        "begins_with_a_fold": b" folded: before anything\r\nSubject: s\r\n\r\nx\r\n",
        "from_line": b"From me@example.org Mon Jan 1 00:00:00 2001\r\nSubject: s\r\n\r\nx\r\n",
        "lf_only": simple.replace(b"\r\n", b"\n") + flat(3).replace(b"\r\n", b"\n"),
        "lf_multipart": flat(3).replace(b"\r\n", b"\n"),
        "cr_only": flat(3).replace(b"\r\n", b"\r"),
        "mixed_line_ends": b"Subject: a\nFrom: b@c\r\n\nx\r\n\ny\n",
        "cr_in_header": b"Subject: a\rb\rFrom: x@y\r\nTo: a\r@b\r\n\r\nx\ry\r\n",
        "cr_cr_lf": flat(2).replace(b"\r\n", b"\r\r\n"),
        "nul_bytes": b"Sub\0ject: a\0b\r\nSubject: c\0\0d\r\nFrom: \"a\0b\" <c\0d@e\0f>\r\nContent-Type: text/plain; name=\"a\0b\"\r\n\r\na\0b\r\n",
        "eight_bit": b"Subject: \xff\xfe \xc3\xa4\r\nFrom: \xe4\xf6 <\xfc@\xdf>\r\nContent-Type: text/plain; charset=\"\xff\"; name=\xe4\r\n"
                     b"Content-Disposition: \xe4; filename=\xff\r\nContent-Description: \xff\r\nContent-ID: <\xff>\r\nContent-Language: \xe4, de\r\n"
                     b"Content-Location: \xff\r\nContent-MD5: \xff\r\nContent-Transfer-Encoding: \xff\r\n\r\n\xff\xfe\r\n",
        "eight_bit_boundary": b"Content-Type: multipart/mixed; boundary=\"\xe4\xff\"\r\n\r\n--\xe4\xff\r\n\r\nx\r\n--\xe4\xff--\r\n",
        "controls": b"Subject: " + bytes(c for c in range(1, 32) if c not in (10, 13)) + b"\x7f\r\n\r\n" + bytes(range(256)) + b"\r\n",
        "quotes": b"Subject: \"a\\b\" \\ \"\r\nFrom: \"a\\\"b\\\\c\" <\"x\\\"y\"@z>\r\nContent-Type: text/plain; name=\"a\\\"b\\\\\"\r\n\r\nx\r\n",
        "many_parts": flat(10000),
        "more_parts": flat(30000),
        "many_parts_lf": flat(10000).replace(b"\r\n", b"\n"),
        "deep_multiparts": nested(1000),
        "deep_messages": enclosed(1000),
        "deep_both": alternating(1000),
        "message_base64": lines(b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: base64", b"") + base64.encodebytes(INNER).replace(b"\n", b"\r\n"),
        "message_qp": lines(b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: quoted-printable", b"") + INNER,
        "message_empty": lines(b"Content-Type: message/rfc822", b""),
        "message_no_body": lines(b"Content-Type: message/rfc822", b"", b"Subject: x"),
        "message_multipart": lines(b"Content-Type: message/rfc822", b"") + flat(2),
        "message_partial": lines(b"Content-Type: message/partial; number=1; total=2; id=x", b"", b"Subject: x", b"", b"x"),
        "message_external": lines(b"Content-Type: message/external-body; access-type=local-file; name=x", b"", b"Content-Type: text/plain", b"", b"x"),
        "message_global": lines(b"Content-Type: message/global", b"", "Subject: \u00e4".encode(), b"", b"x"),
        "digest": MIXED.replace(b"mixed", b"digest") % b"b" + b"--b\r\n\r\n" + INNER + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
        "no_boundary": lines(b"Content-Type: multipart/mixed", b"", b"--b", b"", b"x", b"--b--"),
        "empty_boundary": lines(b"Content-Type: multipart/mixed; boundary=\"\"", b"", b"--", b"", b"x", b"----"),
        "boundary_never_seen": MIXED % b"b" + b"nothing\r\n",
        "no_parts": MIXED % b"b" + b"--b--\r\n",
        "no_parts_no_body": b"Content-Type: multipart/mixed; boundary=b",
        "never_closed": flat(3)[:-7],
        "cut_in_header": MIXED % b"b" + b"--b\r\nContent-Type: text/html",
        "cut_in_boundary": flat(3)[:-3],
        "boundary_at_once": MIXED % b"b" + b"--b\r\n--b\r\n--b--\r\n",
        "boundary_in_header": b"Content-Type: multipart/mixed; boundary=b\r\n--b\r\n\r\nx\r\n--b--\r\n",
        "part_without_empty_line": MIXED % b"b" + b"--b\r\nContent-Type: text/html\r\n--b\r\nx\r\n--b--\r\n",
        "prefix_boundaries": MIXED % b"b" + b"--b\r\n" + MIXED % b"bb" + b"--bb\r\n\r\nx\r\n--bb--\r\n--b\r\n" + MIXED % b"b--" + b"--b--\r\n\r\ny\r\n--b----\r\n--b--\r\n",
        "same_boundary_twice": MIXED % b"b" + b"--b\r\n" + MIXED % b"b" + b"--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--\r\n",
        "inner_never_closed": MIXED % b"o" + b"--o\r\n" + MIXED % b"i" + b"--i\r\n\r\nx\r\n--o\r\n\r\ny\r\n--o--\r\n",
        "padded_boundaries": (MIXED % b"b" + b"--b  \t\r\n\r\nx\r\n--b \r\n\r\ny\r\n--b-- \t\r\n").replace(b"boundary=b", b"boundary=\"b  \""),
        "long_boundary": flat(2).replace(b"boundary=b", b"boundary=" + b"b" * 999).replace(b"--b", b"--" + b"b" * 999),
        "longer_boundary": flat(2).replace(b"boundary=b", b"boundary=" + b"b" * 9999).replace(b"--b", b"--" + b"b" * 9999),
        "text_around": MIXED % b"b" + b"preamble\r\n--b\r\n\r\nx\r\n--b--\r\nepilogue\r\n--b\r\n\r\nnot a part\r\n",
        "no_subtype": lines(b"Content-Type: text", b"", b"x"),
        "no_type": lines(b"Content-Type:", b"", b"x"),
        "only_params": lines(b"Content-Type: ; charset=x", b"", b"x"),
        "two_types": lines(b"Content-Type: text/html", b"Content-Type: multipart/mixed; boundary=b", b"", b"--b", b"", b"x", b"--b--"),
        "odd_types": MIXED % b"b" + b"".join(b"--b\r\nContent-Type: %s\r\n\r\nx\r\n" % t for t in (
            b"multipart", b"multipart/", b"/mixed", b"message/rfc822x", b"TEXT/HTML", b"text/\"plain\"", b"text / plain", b"(c) text (d) / (e) html (f); (g) a (h) = (i) b",
            b"text/plain;", b"text/plain;;;;a=b;;", b"text/plain charset=x", b"text/plain; charset", b"text/plain; charset=", b"text/plain; =x", b"text/plain; a=\"unclosed",
            b"multipart/mixed; boundary=\"(\"", b"x" * 300 + b"/y", b"image/png; name==?utf-8?q?=C3=A4?=", b"text/plain; name*=''", b"text/plain; name*=utf-8'en'%E4%",
            b"text/plain; name*0=a; name*2=c; name*1=b", b"text/plain; name*1=b", b"text/plain; name*0*=x'y'%41; name*1=B; name*0=C", b"text/plain; name*=unknown-8bit''%ff%fe")) + b"--b--\r\n",
        "odd_encodings": MIXED % b"b" + b"".join(b"--b\r\nContent-Transfer-Encoding: %s\r\n\r\n=41=4\r\nQUJD=\r\n!!\r\n" % t for t in (
            b"", b"base64", b"BASE64 (c)", b"quoted-printable", b"x-uuencode", b"8bit; x", b"\"base64\"", b"bin\xe4ry", b"base64\r\n base64", b"=?x?q?y?=")) + b"--b--\r\n",
        "multipart_base64": flat(2).replace(b"\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n", 1),
        "endless_base64": lines(b"Content-Transfer-Encoding: base64", b"") + b"QUJD" * few,
        "endless_qp": lines(b"Content-Transfer-Encoding: quoted-printable", b"") + b"=41=C3=A4" * few,
        "soft_breaks": lines(b"Content-Transfer-Encoding: quoted-printable", b"") + b"=\r\n" * few,
        "many_params": b"Content-Type: text/plain" + b"".join(b"; p%d=v" % i for i in range(10000)) + b"\r\n\r\nx\r\n",
        "many_segments": b"Content-Type: text/plain" + b"".join(b";\r\n name*%d*=%%41" % i for i in range(10000)) + b"\r\n\r\nx\r\n",
        "same_param": b"Content-Type: text/plain" + b"; a=b" * 10000 + b"\r\n\r\nx\r\n",
        "long_param": b"Content-Disposition: attachment; filename=\"" + b"x\\\"" * few + b"\"\r\n\r\nx\r\n",
        "many_languages": b"Content-Language: " + b"de," * 10000 + b"\r\n\r\nx\r\n",
        "many_addresses": b"To: " + b", ".join(b"a%d@example.org" % i for i in range(big)) + b"\r\n\r\nx\r\n",
        "many_to_fields": b"To: a@example.org\r\n" * (few // 2) + b"\r\nx\r\n",
        "many_groups": b"To: " + b"g: a@b;, " * few + b"\r\n\r\nx\r\n",
        "groups": b"To: g:;\r\nCc: g: a@b, c@d\r\nBcc: a@b;;; g: h: i@j; k@l;\r\nFrom: : ;\r\nReply-To: g: <a@b>, ; , x\r\nSender: ;\r\n\r\nx\r\n",
        "odd_addresses": b"From: <>\r\nSender: @\r\nReply-To: <<a@b>>, <a@b, c>d>, \"x\" y <z\r\nTo: a b c, (only a comment), a@b@c, <@r1,@r2:a@b>, a.b.@c, .a@c, a..b@c\r\n"
                         b"Cc: \"unclosed <a@b>\r\nBcc: a@[1.2.3.4], a@[], \"\"@x, a@, @b, <a>, =?utf-8?q?a=40b?= <c@d>\r\n\r\nx\r\n",
        "nested_comments": b"From: " + b"(" * 10000 + b")" * 10000 + b" a@b\r\nContent-Type: " + b"(" * 10000 + b"text/html\r\nDate: " + b"(" * 10000 + b"\r\n\r\nx\r\n",
        "unclosed_everything": b"From: \"a\\\r\nTo: <a (b \"c\r\nSubject: =?utf-8?q?\r\nDate: (\r\nMessage-ID: <a\r\nReferences: <<<<\r\nContent-Type: text/plain; a=\"\\\r\n\r\nx\r\n",
        "encoded_words": b"Subject: =?x-none?q?a?= =?utf-8?b?////?= =?utf-8?x?a?= =?utf-8?q?=?= =??q?a?= =?utf-8?q??= =?iso-2022-jp?b?GyRCJCI=?= =?utf-7?q?+AOQ-?=\r\n"
                         b"From: =?utf-16?b?AGE=?= <a@b>\r\n\r\nx\r\n",
        "many_words": b"Subject: " + b"=?utf-8?q?=C3=A4?= " * few + b"\r\n\r\nx\r\n",
        **{"date %d" % i: lines(b"Date: " + d, b"", b"x") for i, d in enumerate(DATES)},
        "references": b"Message-ID: <a@b>\r\nReferences: " + b"<x@y> " * few + b"\r\nIn-Reply-To: " + b"<<>>@<" * 1000 + b"\r\n\r\nx\r\n",
        "own_ancestor": b"Message-ID: <loop@x>\r\nReferences: <loop@x> <loop@x>\r\nIn-Reply-To: <loop@x>\r\nSubject: Re: Re: [x] Fwd: (fwd)\r\n\r\nx\r\n",
        "subject_of_res": b"Subject: " + b"Re: " * few + b"\r\n\r\nx\r\n",
        "long_header_line": b"Subject: " + b"x" * (10 * big) + b"\r\n\r\nx\r\n",
        "long_fold": b"Subject: x" + b"\r\n y" * big + b"\r\n\r\nx\r\n",
        "many_fields": b"X-A: b\r\n" * big + b"\r\nx\r\n",
        "many_junk_lines": b"junk\r\n" * big + b"\r\nx\r\n",
        "long_name": b"x" * big + b": y\r\n\r\nx\r\n",
        "colons": b":" * few + b"\r\n: x\r\n\r\nx\r\n",
        "long_body_line": b"Subject: x\r\n\r\n" + b"y" * (2 * big),
        "many_empty_lines": b"Subject: x\r\n\r\n" + b"\r\n" * big,
        "many_dashes": MIXED % b"b" + b"--b\r\n\r\n" + b"--\r\n--c\r\n" * few + b"--b--\r\n",
        "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\n.\n.\r.\r\n.",
        "uuencode": lines(b"Subject: u", b"", b"begin 644 x", b"#86)C", b"`", b"end"),
        "html": b"Content-Type: text/html\r\n\r\n" + b"<div" * few + b"<!--" + b"&#99999999;&amp" * few + b"<script>" * few,
        "alternative": MIXED.replace(b"mixed", b"alternative") % b"b" + b"--b\r\nContent-Type: text/html\r\n\r\n<b>x\r\n--b\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nx\r\n--b--\r\n",
        "charsets": MIXED % b"b" + b"".join(b"--b\r\nContent-Type: text/plain; charset=%s\r\n\r\n\xff\x00\x1b$B$\"\x80+AOQ-\r\n" % c for c in (
            b"utf-8", b"utf-16", b"utf-7", b"iso-2022-jp", b"none-such", b"\"\"", b"us-ascii//TRANSLIT", b"../../x", b"UTF-32", b"gb18030")) + b"--b--\r\n",
    }


DATES = (b"", b"now", b"1 Jan 70 00:00 UT", b"Mon, 23 Nov 2026 20:08:00 +0000 (comment (nested))", b"23 Nov 26 20:08 EST", b"Mon, 23 Nov 2026 24:60:61 +9999",
         b"31 Feb 2026 00:00:00 +0000", b"0 Jan 2026 00:00:00 -0000", b"1 Jan 0000 00:00:00 +0000", b"1 Jan 99999999999999999999 00:00:00 +0000",
         b"1 Jan 9999 23:59:59 -9959", b"Thu Jan  1 00:00:00 1970", b"2026-11-23T20:08:00Z", b"23/11/2026", b"Mon,23Nov2026 20:08:00+0100", b"1 Jan 2038 03:14:08 Z",
         b"29 Feb 1900 00:00:00 GMT", b"-1 Jan -1 -1:-1:-1 -1", b"Date: Date:", b"\xff\xfe", b"1 Jan 2026 00:00:00 " + b"9" * 5000)
WHOLE = (
    lines(b"From: Ann <ann@example.org>", b"To: bob@example.test", b"Date: Mon, 23 Nov 2026 20:08:00 +0000", b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"Message-ID: <w1@example.org>",
          b"MIME-Version: 1.0", b"Content-Type: multipart/mixed; boundary=\"outer\"", b"", b"preamble", b"--outer", b"Content-Type: multipart/alternative; boundary=\"outer-in\"", b"",
          b"--outer-in", b"Content-Type: text/plain; charset=utf-8; format=flowed", b"Content-Transfer-Encoding: quoted-printable", b"", b"Gr=C3=BC=C3=9Fe =", b"aus", b"--outer-in",
          b"Content-Type: text/html; charset=iso-8859-1", b"Content-Language: de, en", b"", b"<p>Gr\xfc\xdfe</p>", b"--outer-in--", b"", b"--outer", b"Content-Type: message/rfc822",
          b"Content-Disposition: inline; filename*0*=utf-8''%C3; filename*1*=%A4.eml", b"") + INNER + lines(
              b"--outer", b"Content-Type: image/png; name=\"a b.png\"", b"Content-Transfer-Encoding: base64", b"Content-ID: <i@x>", b"", b"iVBORw0KGgo=", b"--outer--", b"epilogue"),
    b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n" + MIXED.replace(b"mixed", b"digest") % b"d" + b"--d\r\n\r\n" + INNER + b"--d--\r\n",
    lines(b"Subject: plain", b"From: \"Quoted, Name\" <q@example.org>, group: a@b, c@d;", b"In-Reply-To: <w1@example.org>", b"References: <w0@x> <w1@example.org>", b"", b"hello", b".", b"..x"),
)
BYTES = (b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\"", b"\\", b"(", b")", b"<", b">", b";", b":", b",", b"=", b"*0=", b"--", b"--outer", b"\xff", b"\xc3\xa4", b"\x1b", b" ", b"\t",
         b"boundary=", b"Content-Type: ", b"message/rfc822", b"=?utf-8?q?", b"{5}", b"%", b"\x01", b"\x02", b"x" * 1200)


def damaged(seed):
    """A whole message, hurt in a few places."""
    rnd = random.Random(seed)
    data = rnd.choice(WHOLE)
    for _ in range(rnd.randint(1, 8)):
        at, end = sorted(rnd.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + rnd.choice((1, 5, 40, 400)))
        kind = rnd.randrange(7)
        if kind == 0:
            data = data[:at] + data[end:]
        elif kind == 1:
            data = data[:at] + data[at:end] * rnd.randint(2, 4) + data[end:]
        elif kind == 2 and rnd.randrange(4) == 0:
            data = data[:at]
        elif kind == 3 and rnd.randrange(4) == 0:
            data = data.replace(b"\r\n", rnd.choice((b"\n", b"\r", b"\r\r\n")), rnd.randint(1, 30))
        elif kind == 4:
            into = rnd.randrange(len(data) + 1)
            data = data[:into] + data[at:end] + data[into:]
        else:
            data = data[:at] + rnd.choice(BYTES) + data[at + rnd.randrange(3):]
    return data or b"\r\n"     # APPEND refuses an empty message

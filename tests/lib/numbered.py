# SPDX-License-Identifier: MIT
"""Messages of many shapes, each known by its number, and whether they arrived as they were."""

import random
import re


def text(n):
    """Message number n: text, 8-bit text, dots, lines of 998 bytes, a long one now and then; no bytes that only BINARYMIME may have."""
    rnd = random.Random(n)
    lines = [b"." * rnd.randrange(4) + rnd.randbytes(rnd.randrange(36)).hex().encode() for _ in range(rnd.choice((3, 30, 300)))]
    if n % 3 == 0:
        lines += ["Grüße aus der Ferne, \U0001f426".encode(), b"x" * 998, b"." * 997]
    if n % 25 == 0:
        lines += [b"y" * 70] * 20000
    head = [b"From: <alice@example.test>", b"To: <box@elsewhere.test>", b"Subject: n%d" % n, b"Message-ID: <n%d@example.test>" % n,
            b"Date: Mon, 05 Jan 2026 10:00:00 +0000", b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=utf-8",
            b"Content-Transfer-Encoding: 8bit"]
    return b"\r\n".join(head + [b""] + lines + [b""])


def check(mails, numbers, end_of_line):
    """Each once, with nothing changed behind the trace fields."""
    left = {n: text(n).replace(b"\r\n", end_of_line) for n in numbers}
    for raw in mails:
        n = int(re.search(rb"^Subject: n(\d+)", raw, re.M)[1])
        want = left.pop(n)
        assert raw.endswith(end_of_line + want), (n, raw[:1500], raw[-200:], want[-200:])
        trace = raw[:-len(want)]
        assert not re.search(rb"^(From|To|Subject|MIME-Version|Content-.*):", trace, re.M), trace
    assert not left, sorted(left)

# SPDX-License-Identifier: MIT
"""Sequence sets of IMAP (RFC 9051 9) and the numbers in them."""


def numbers(text):
    """What a set without "*" names, in the order that it has."""
    out = []
    for piece in text.split(",") if text else []:
        a, _, b = piece.partition(":")
        out += range(int(a), int(b or a) + 1)
    return out


def ranges(values):
    """A sequence set; runs as ranges."""
    out = []
    for v in sorted(values):
        if out and out[-1][1] == v - 1:
            out[-1][1] = v
        else:
            out.append([v, v])
    return ",".join("%d" % a if a == b else "%d:%d" % (a, b) for a, b in out)

# SPDX-License-Identifier: MIT
"""What must hold for every message, whatever it is: checked through IMAP and POP3, with the reader of grammar.py."""

import random
import re
import socket
import time

import grammar
from script import Actor

PARTS = 60      # of a message whose bytes are compared; all parts of smaller messages
WHOLE_MAX = 4 << 20     # a larger message is fetched whole once, and in pieces not at all


class Imap:
    """A session whose untagged answers come as raw bytes with their literals."""

    def __init__(self, server, name="bob"):
        self.actor = Actor(server, "imap")
        self.actor.login(name)

    def raw(self):
        """One response with its literals."""
        out = b""
        while True:
            while b"\n" not in self.actor.buffer:
                assert self.actor.fill(120), "closed after %r" % out[-200:]
            line, _, rest = self.actor.buffer.partition(b"\n")
            self.actor.buffer = rest
            out += line + b"\n"
            m = re.search(rb"\{(\d+)\}\r\n$", line + b"\n")
            if not m:
                return out
            out += self.take(int(m.group(1)))

    def take(self, n):
        have, more = [self.actor.buffer], n - len(self.actor.buffer)
        while more > 0:
            self.actor.buffer = b""
            assert self.actor.fill(120)
            have.append(self.actor.buffer)
            more -= len(self.actor.buffer)
        data = b"".join(have)
        self.actor.buffer = data[n:]
        return data[:n]

    def run(self, command, literal=None):
        """(untagged answers, tagged answer)"""
        head = b"t " + command.encode()
        self.actor.send(head + (b" %s{%d+}\r\n" % (b"~" * (b"\0" in literal), len(literal)) + literal if literal is not None else b"") + b"\r\n")
        untagged = []
        while True:
            answer = self.raw()
            if answer.startswith(b"t "):
                return untagged, answer.decode("latin-1")
            untagged.append(answer)

    def ok(self, command, literal=None):
        untagged, answer = self.run(command, literal)
        assert answer.startswith("t OK"), (command[:200], answer)
        return untagged

    def fetch(self, uid, items):
        found = [grammar.fetch(x) for x in self.ok("UID FETCH %d (%s)" % (uid, items)) if b" FETCH (" in x[:30]]
        assert len(found) == 1 and found[0]["UID"] == uid, (uid, items, found)
        return found[0]


def field(data, name):
    """The first field of that name, without its folds and with what IMAP cannot carry left out; None when there is none."""
    m = re.search(rb"\A\r?\n|\n\r?\n", data)
    header = re.sub(rb"\r?\n(?=[ \t])", b"", data[:m.end()] if m else data)
    found = re.search(rb"(?im)^%s[ \t]*:(.*)$" % name.encode(), header)
    if not found:
        return None
    return re.sub(rb"[\x01-\x1f\x7f]", b" ", re.sub(rb"[\r\n\0]", b"", found.group(1))).strip()


def texts(got):
    """What must be the same for ever."""
    return got["ENVELOPE", "raw"], got["BODYSTRUCTURE", "raw"]


def dotted(section):
    return ".".join(map(str, section))


class Check:
    """Of one message that is there. `data`: its bytes; in BODY 0x80 stands for NUL (RFC 9051 4.3.1)."""

    def __init__(self, imap, uid, data):
        self.imap, self.uid, self.data, self.body = imap, uid, data, data.replace(b"\0", b"\x80")

    def run(self):
        begin = time.monotonic()
        got = self.imap.fetch(self.uid, "RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY PREVIEW")
        self.seconds = time.monotonic() - begin
        assert got["RFC822.SIZE"] == len(self.data)
        self.same_body(got)
        self.same_fields(got["ENVELOPE"])
        preview = got["PREVIEW"].decode("utf-8")        # RFC 8970 3.1: UTF-8, at most 256 characters
        assert len(preview) <= 256 and not re.search(r"[\x00-\x1f\x7f]", preview), preview
        self.whole()
        parts = list(got["BODYSTRUCTURE"].sections())
        assert len({s for s, _ in parts}) == len(parts)
        for section, part in self.some(parts):
            self.part(section, part)
        self.no_such(parts)
        return texts(got)

    def same_body(self, got):
        """BODY is BODYSTRUCTURE without extension data."""
        one, other = (list(got[x].sections()) for x in ("BODY", "BODYSTRUCTURE"))
        assert [(s, p.type, p.subtype, p.octets, p.lines) for s, p in one] == [(s, p.type, p.subtype, p.octets, p.lines) for s, p in other]

    def same_fields(self, envelope):
        """Fields that are no addresses are in the envelope as they stand in the header, unfolded."""
        for name, told in (("Date", envelope[0]), ("Subject", envelope[1]), ("In-Reply-To", envelope[8]), ("Message-ID", envelope[9])):
            want = field(self.data, name)
            assert (told is None) == (want is None), (name, told, want)
            if want is not None and len(want) < 60000:
                assert told.strip() == want, (name, told[:200], want[:200])

    def some(self, parts):
        if len(parts) <= PARTS:
            return parts
        rnd = random.Random(len(parts))
        return parts[:10] + rnd.sample(parts[10:-10], PARTS - 20) + parts[-10:]

    def pieces(self, item, n, piece):
        """BODY.PEEK[section] in pieces: RFC 9051 6.4.5."""
        out = b""
        while True:
            got = self.imap.fetch(self.uid, "%s<%d.%d>" % (item, len(out), piece))
            more = got["%s<%d>" % (item.replace(".PEEK", ""), len(out))]
            out += more
            if len(more) < piece:
                return out
            assert len(out) <= n, "a partial beyond the end"

    def whole(self):
        got = self.imap.fetch(self.uid, "BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT]")
        assert got["BODY[]"] == self.body, "the bytes are not those that were sent"
        assert got["BODY[HEADER]"] + got["BODY[TEXT]"] == self.body
        assert self.imap.fetch(self.uid, "BINARY.PEEK[]")["BINARY[]"] == self.data
        if len(self.data) <= WHOLE_MAX:
            assert self.pieces("BODY.PEEK[]", len(self.data), max(7, len(self.data) // 5)) == self.body
        fields = self.imap.fetch(self.uid, "BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[HEADER.FIELDS.NOT (Subject)]")
        assert len(fields["BODY[HEADER.FIELDS (Subject)]"]) <= len(got["BODY[HEADER]"]) + 2

    def part(self, section, part):
        s = dotted(section)
        got = self.imap.fetch(self.uid, "BODY.PEEK[%s] BODY.PEEK[%s.MIME]" % (s, s))
        body = got["BODY[%s]" % s]
        assert body is not None and got["BODY[%s.MIME]" % s] is not None, "BODYSTRUCTURE names %s, and it is not there" % s
        assert body in self.body and got["BODY[%s.MIME]" % s] in self.body
        if part.parts:
            return
        assert len(body) == part.octets, "%s has %d octets, BODYSTRUCTURE says %d" % (s, len(body), part.octets)
        if part.lines is not None:
            assert body.count(b"\n") == part.lines, "%s has %d lines, BODYSTRUCTURE says %d" % (s, body.count(b"\n"), part.lines)
        if len(body) <= WHOLE_MAX:
            assert self.pieces("BODY.PEEK[%s]" % s, len(body), max(7, len(body) // 3)) == body
        if part.inner:
            inner = self.imap.fetch(self.uid, "BODY.PEEK[%s.HEADER] BODY.PEEK[%s.TEXT]" % (s, s))
            assert inner["BODY[%s.HEADER]" % s] + inner["BODY[%s.TEXT]" % s] == body
        self.binary(s, part, body)

    def binary(self, s, part, body):
        """RFC 3516 4: the size is that of what comes; what cannot be decoded is refused."""
        untagged, answer = self.imap.run("UID FETCH %d (BINARY.SIZE[%s] BINARY.PEEK[%s])" % (self.uid, s, s))
        if not answer.startswith("t OK"):
            assert "[UNKNOWN-CTE]" in answer and part.encoding not in (b"7bit", b"8bit", b"binary"), answer
            return
        got = grammar.fetch(untagged[-1])
        assert got["BINARY.SIZE[%s]" % s] == len(got["BINARY[%s]" % s])
        if part.encoding in (b"7bit", b"8bit", b"binary"):
            assert got["BINARY[%s]" % s].replace(b"\0", b"\x80") == body

    def no_such(self, parts):
        """What BODYSTRUCTURE does not name is not there: RFC 9051 6.4.5.1."""
        last = parts[-1][0]
        for section in (last[:-1] + (last[-1] + 1,), (99999,)):
            got = self.imap.fetch(self.uid, "BODY.PEEK[%s]" % dotted(section))
            assert got["BODY[%s]" % dotted(section)] is None, section


def searches(imap, count):
    """SEARCH, SORT and THREAD over all of them: each answers, and SORT and THREAD name every message once."""
    for key in ("TEXT nothing-like-this", "BODY zzz", "SUBJECT x", "FROM a", "OR TO b CC c", "HEADER Message-ID <", "SENTSINCE 1-Jan-2001", "NOT SENTBEFORE 1-Jan-2001", "HEADER X-A \"\"",
                "CHARSET UTF-8 TEXT {2+}\r\n\u00e4"):
        imap.ok("SEARCH " + key)
    want = list(range(1, count + 1))
    for criterion in ("ARRIVAL", "CC", "DATE", "FROM", "REVERSE SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"):
        answer = [x for x in imap.ok("SORT (%s) UTF-8 ALL" % criterion) if x.startswith(b"* SORT")]
        assert sorted(map(int, answer[0].split()[2:])) == want, criterion
    for how in ("ORDEREDSUBJECT", "REFERENCES"):
        answer = [x for x in imap.ok("THREAD %s UTF-8 ALL" % how) if x.startswith(b"* THREAD")]
        assert answer[0].count(b"(") == answer[0].count(b")")
        assert sorted(map(int, re.findall(rb"\d+", answer[0]))) == want, how


class Pop3:
    def __init__(self, server, name="bob"):
        self.actor = Actor(server, "pop3")
        self.actor.login(name)

    def multiline(self, command):
        self.actor.send(command.encode() + b"\r\n")
        first = self.actor.line()
        assert first.startswith("+OK"), (command, first)
        got = [self.actor.buffer]
        while not (b"".join(got[-2:])[-5:] == b"\r\n.\r\n" or b"".join(got) == b".\r\n"):
            self.actor.buffer = b""
            self.actor.sock.settimeout(120)
            got.append(self.actor.sock.recv(1 << 20))
            assert got[-1], "closed"
        self.actor.buffer = b""
        data = b"".join(got)[:-3]
        return re.sub(rb"(?m)^\.", b"", data)        # a line begins after LF, src/pop3/stuff.c

    def check(self, number, data):
        """RFC 1939 5, 7: the message, dots undone; TOP is its head with the whole header."""
        got = self.multiline("RETR %d" % number)
        assert without_ends(got) == without_ends(data), "RETR differs: %r, %r" % (got[-60:], data[-60:])
        if len(data) <= WHOLE_MAX:
            top = self.multiline("TOP %d 2" % number)
            m = re.search(rb"\A\r?\n|\r?\n\r?\n", data)
            header = data[:m.end()] if m else data
            rest = data[len(header):].split(b"\n")
            want = header + b"\n".join(rest[:2]) + (b"\n" if len(rest) > 2 else b"")
            assert without_ends(top) == without_ends(want), ("TOP differs", top[-80:], want[-80:])

    def close(self):
        self.actor.send(b"QUIT\r\n")
        self.actor.close()


def without_ends(data):
    """Line ends that POP3 has to have are CRLF; the last one may have been added."""
    return re.sub(rb"\r*\n", b"\n", data).rstrip(b"\r\n")


def memory_kib(pid):
    """The most that the process has had."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


def deliver(server, data, name="bob"):
    """Through port 25; gives False when it is refused, as bare CR and NUL are."""
    actor = Actor(server, "smtp")
    actor.hello()
    actor.mail("<carol@example.org>", name + "@example.test")
    actor.send(re.sub(rb"(?m)^\.", b"..", data) + b"\r\n.\r\n"[0 if not data.endswith(b"\r\n") else 2:])
    try:
        answer = actor.line()
    except (OSError, socket.timeout) as e:
        raise AssertionError("no answer") from e
    actor.close()
    return answer.startswith("250 ")

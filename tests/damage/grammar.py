# SPDX-License-Identifier: MIT
"""
A strict reader of FETCH responses by the formal syntax of RFC 9051 9, one method for each production. It knows nothing of the
server's code. In a session of IMAP4rev1 without UTF8=ACCEPT a quoted string has 7-bit characters only (RFC 3501 9).
"""


class Wrong(AssertionError):
    """The grammar is broken; the text says where."""


class Part:
    """A node of a BODYSTRUCTURE."""

    def __init__(self):
        self.type = self.subtype = b""
        self.octets = self.lines = self.encoding = self.envelope = None
        self.parts = []         # of a multipart
        self.inner = None       # of a message/rfc822

    def sections(self, prefix=()):
        """(section, part) of all that can be asked for, RFC 9051 6.4.5.1."""
        if self.parts:
            for i, p in enumerate(self.parts, 1):
                yield from p.numbered(prefix + (i,))
        else:
            yield from self.numbered(prefix + (1,))

    def numbered(self, section):
        yield section, self
        if self.parts:
            yield from self.sections(section)
        elif self.inner:
            yield from self.inner.sections(section)


class Reader:
    def __init__(self, data):
        self.data, self.at, self.depth = data, 0, 0

    def wrong(self, what):
        raise Wrong("%s at %d: %r" % (what, self.at, self.data[max(0, self.at - 60):self.at + 40]))

    def peek(self, text):
        return self.data.startswith(text, self.at)

    def take(self, text):
        if not self.peek(text):
            self.wrong("%r expected" % text)
        self.at += len(text)

    def maybe(self, text):
        found = self.peek(text)
        self.at += len(text) if found else 0
        return found

    def sp(self):
        self.take(b" ")

    def number(self):
        end = self.at
        while self.data[end:end + 1].isdigit():
            end += 1
        text = self.data[self.at:end]
        if not text or (len(text) > 1 and text[:1] == b"0") or int(text) >= 1 << 63:
            self.wrong("number")
        self.at = end
        return int(text)

    def string(self):
        return self.quoted() if self.peek(b'"') else self.literal()

    def quoted(self):
        self.take(b'"')
        out, data = bytearray(), self.data
        while (c := data[self.at]) != 34:
            if c == 92:
                self.at += 1
                c = data[self.at]
                if c not in (34, 92):
                    self.wrong("quoted-specials")
            elif c in (0, 10, 13) or c > 127:
                self.wrong("QUOTED-CHAR")
            out.append(c)
            self.at += 1
        self.at += 1
        return bytes(out)

    def literal(self):
        self.take(b"{")
        n = self.number()
        self.take(b"}\r\n")
        out = self.data[self.at:self.at + n]
        if len(out) != n or b"\0" in out:
            self.wrong("literal of %d" % n)
        self.at += n
        return out

    def nstring(self):
        return None if self.maybe(b"NIL") else self.string()

    # ---- envelope ----

    def envelope(self):
        self.take(b"(")
        out = [self.nstring()]
        self.sp()
        out.append(self.nstring())
        for _ in range(6):
            self.sp()
            out.append(self.addresses())
        self.sp()
        out.append(self.nstring())
        self.sp()
        out.append(self.nstring())
        self.take(b")")
        return out

    def addresses(self):
        if self.maybe(b"NIL"):
            return None
        self.take(b"(")
        out, is_in_group = [], False
        while not self.maybe(b")"):
            self.take(b"(")
            one = [self.nstring()]
            for _ in range(3):
                self.sp()
                one.append(self.nstring())
            self.take(b")")
            _, _, mailbox, host = one
            if host is None:        # RFC 9051 7.5.2: begin or end of a group
                if is_in_group == (mailbox is not None):
                    self.wrong("groups do not pair")
                is_in_group = mailbox is not None
            elif mailbox is None:
                self.wrong("a host without a mailbox")
            out.append(tuple(one))
        if not out:
            self.wrong("an empty list of addresses")
        if is_in_group:
            self.wrong("a group does not end")
        return out

    # ---- body ----

    def params(self):
        """body-fld-param"""
        if self.maybe(b"NIL"):
            return
        self.take(b"(")
        while True:
            if not self.string():
                self.wrong("a parameter without a name")
            self.sp()
            self.string()
            if self.maybe(b")"):
                return
            self.sp()

    def disposition(self):
        if self.maybe(b"NIL"):
            return
        self.take(b"(")
        self.string()
        self.sp()
        self.params()
        self.take(b")")

    def language(self):
        if not self.maybe(b"("):
            self.nstring()
            return
        self.string()
        while not self.maybe(b")"):
            self.sp()
            self.string()

    def extension_end(self):
        """body-fld-dsp SP body-fld-lang SP body-fld-loc: all of them are always sent."""
        self.sp()
        self.disposition()
        self.sp()
        self.language()
        self.sp()
        self.nstring()

    def body(self, has_extension):
        self.depth += 1
        if self.depth > 400:
            self.wrong("depth")
        self.take(b"(")
        part = Part()
        if self.peek(b"("):
            self.multipart(part, has_extension)
        else:
            self.single(part, has_extension)
        self.take(b")")
        self.depth -= 1
        return part

    def multipart(self, part, has_extension):
        while self.peek(b"("):
            part.parts.append(self.body(has_extension))
        self.sp()
        part.type, part.subtype = b"multipart", self.string().lower()
        if has_extension:
            self.sp()
            self.params()
            self.extension_end()

    def single(self, part, has_extension):
        part.type = self.string().lower()
        self.sp()
        part.subtype = self.string().lower()
        if part.type == b"multipart" or not part.type or not part.subtype:
            self.wrong("media")
        self.sp()
        self.params()
        for _ in range(2):          # body-fld-id, body-fld-desc
            self.sp()
            self.nstring()
        self.sp()
        part.encoding = self.string().lower()
        self.sp()
        part.octets = self.number()
        if part.type == b"message" and part.subtype in (b"rfc822", b"global"):
            self.sp()
            part.envelope = self.envelope()
            self.sp()
            part.inner = self.body(has_extension)
        if part.type == b"text" or part.inner:
            self.sp()
            part.lines = self.number()
        if has_extension:
            self.sp()
            self.nstring()          # body-fld-md5
            self.extension_end()


def fetch(data):
    """One untagged FETCH with its final CRLF: {item: value}. What comes as a literal or a string is bytes; ENVELOPE and BODY are read."""
    r = Reader(data)
    r.take(b"* ")
    out = {"": r.number()}
    r.take(b" FETCH (")
    while True:
        end = r.at
        depth = 0
        while depth > 0 or data[end:end + 1] != b" ":
            depth += {b"[": 1, b"]": -1}.get(data[end:end + 1], 0)
            end += 1
        name = data[r.at:end].decode()
        r.at = end
        r.sp()
        begin = r.at
        if name == "ENVELOPE":
            out[name] = r.envelope()
        elif name in ("BODYSTRUCTURE", "BODY"):
            out[name] = r.body(name == "BODYSTRUCTURE")
        elif name in ("UID", "RFC822.SIZE") or name.startswith("BINARY.SIZE"):
            out[name] = r.number()
        elif name in ("FLAGS", "MODSEQ"):
            r.at = data.index(b")", r.at) + 1
        elif name.startswith("BINARY[") and r.maybe(b"~"):
            r.take(b"{")
            n = r.number()
            r.take(b"}\r\n")
            r.at += n
            out[name] = data[r.at - n:r.at]
        else:
            out[name] = r.nstring()
        out[name, "raw"] = data[begin:r.at]
        if r.maybe(b")"):
            break
        r.sp()
    r.take(b"\r\n")
    if r.at != len(data):
        r.wrong("more than one response")
    return out

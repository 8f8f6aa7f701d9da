# SPDX-License-Identifier: MIT
"""
Protocol scripts: one line, one step. An actor is any word that begins with a capital letter; it is one connection.

  set SECTION KEY = VALUE    a setting of the server (before the first other step)
  A connect imap             opens a connection (smtp submission submissions imap imaps pop3 pop3s lmtp); TLS where the port has it
  A connect smtp hello       and greets: EHLO or LHLO
  A connect imap from ADDR   from that address of this host (127.0.0.2, ...); stands before the following
  A connect imap as bob      and logs in as bob@example.test (submission: EHLO and AUTH); "as bob in INBOX" also selects
  A mail FROM TO ...         MAIL, RCPT for each, DATA, all accepted; FROM may be <>, and be followed by parameters in capitals
  A > TEXT                   sends TEXT and CRLF            $name is replaced
  A >> TEXT                  sends TEXT as it is; \\r \\n \\t \\\\ \\0 \\xNN are escapes
  A < PATTERN                the next line must match from its start; * is anything, $name binds once and is compared afterwards; a single . is the whole line;
                             lists in parentheses compare as sets
  A <= TEXT                  the next line must be exactly this
  A <... PATTERN             skips lines until one matches
  A <all PATTERN             takes all lines to the one that matches; "out" and "out!" then look for lines among them, in any order
  A <bytes N                 takes N bytes (a literal) ; with "= FILE": they must be that message
  A starttls                 TLS handshake on the client's side
  A compress                 raw DEFLATE in both directions from here on; uncompress ends it (the server's stream must have ended)
  A data FILE                sends tests/messages/FILE dot-stuffed, and the final dot
  A bytes FILE               sends the file as it is; $size.FILE is its size
  A silent MS                nothing may come for so long
  A held MS                  nothing may come earlier than so long after A sent its last (or connected); a machine that is too slow to see cannot fail
  A eof                      the server must close
  A close                    closes
  log EVENT key=value ...    a log line with these must come (within 10 s)
  log! TEXT                  no line of the log so far may contain TEXT
  cli ARGS [< INPUT]         a martlet command that must succeed, 'ONE ARGUMENT' in quotes; `cli!STATUS ARGS` must exit so; `out PATTERN` then matches a line of its output, `out! PATTERN` none
  martlet ARGS | martlet!STATUS ARGS   the same without --config; $config and $dir are this server's
  write FILE < TEXT          writes $dir/FILE
  damage FILE [FROM TO]      flips a bit in every 64th byte of $dir/FILE
  reload                     SIGHUP to the supervisor
  crash | restart            kill -9 and come back | orderly stop and start; also stop and start alone
  fail POINT NTH [full]      the NTH commit, pack-write, pack-sync or statement from now fails (full: disk full)
  clock MS                   moves the server's wall clock
  sleep MS
  deliver FILE ADDRESS ...   sends a message of carol@example.org through port 25
  mails bob N                the account holds N messages
  repeat N STEP              the step N times, $i is 1, 2, ...
"""

import base64
import os
import re
import signal
import smtplib
import socket
import ssl
import time
import zlib

MESSAGES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "messages")
TIMEOUT = 60    # for what comes
IMPLICIT = ("submissions", "imaps", "pop3s")


class Failure(Exception):
    """What a step expected and what came."""


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def message(name):
    """A message of tests/messages in the form in which it is sent: CRLF line ends."""
    with open(os.path.join(MESSAGES, name), "rb") as f:
        raw = f.read()
    return raw if name.endswith(".raw") else raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def unescape(text):
    table = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\", "0": "\0"}

    def one(m):
        return chr(int(m.group(1)[1:], 16)) if m.group(1)[0] == "x" else table.get(m.group(1), m.group(0))
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text).encode("latin-1" if r"\x" in text else "utf-8")


def sorted_lists(line):
    """Innermost lists with their words sorted, so that (\\Seen \\Draft) equals (\\Draft \\Seen)."""
    return re.sub(r"\(([^()\"*]*)\)", lambda m: "(" + " ".join(sorted(m.group(1).split(" "))) + ")", line)


class Actor:
    """One connection."""

    def __init__(self, server, protocol, source=None):
        self.sent_at = time.monotonic()
        self.sock = socket.create_connection(("127.0.0.1", server.port(protocol)), TIMEOUT,
                                             (source, 0) if source else None)
        self.protocol = protocol
        self.buffer = b""
        self.deflate = self.inflate = None
        if protocol in IMPLICIT:
            self.starttls()

    def starttls(self):
        self.sock = tls_context().wrap_socket(self.sock, server_hostname="localhost")

    def compress(self):
        self.deflate, self.inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

    def uncompress(self):
        if not self.inflate.eof:
            raise Failure("the compressed stream of the server has not ended")
        self.buffer += self.inflate.unused_data
        self.deflate = self.inflate = None

    def send(self, data):
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.sent_at = time.monotonic()
        self.sock.sendall(data)

    def held(self, seconds):
        """Nothing comes earlier than so long after what was sent last."""
        while (left := self.sent_at + seconds - time.monotonic()) > 0:
            try:
                self.fill(left)
            except TimeoutError:
                return
            if time.monotonic() < self.sent_at + seconds:
                raise Failure("came too early: %r" % self.buffer)

    def fill(self, seconds=TIMEOUT):
        self.sock.settimeout(seconds)
        try:
            more = self.sock.recv(65536)
        except (ConnectionResetError, ssl.SSLError) as e:
            if isinstance(e, ssl.SSLWantReadError):
                raise TimeoutError from e
            more = b""
        self.buffer += self.inflate.decompress(more) if self.inflate else more
        return bool(more)

    def line(self):
        while b"\n" not in self.buffer:
            try:
                if not self.fill():
                    raise Failure("the server closed the connection" + (", after %r" % self.buffer if self.buffer else ""))
            except TimeoutError:
                raise Failure("nothing came in %d s%s" % (TIMEOUT, ", after %r" % self.buffer if self.buffer else "")) from None
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise Failure("a line without CR: %r" % line)
        return line[:-1].decode("utf-8", "replace")

    def take(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise Failure("closed after %d of %d bytes" % (len(self.buffer), n))
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def close(self):
        self.sock.close()

    def ask(self, text, want):
        """Sends a line and takes all lines to the one that matches; the next one decides for SMTP and POP3."""
        if text:
            self.send(text.encode() + b"\r\n")
        while True:
            line = self.line()
            if re.match(want, line):
                return
            if not re.match(r"\* |\d{3}-", line):
                raise Failure("after %s: %s" % (text or "connecting", line))

    def hello(self):
        self.ask("", "220 ")
        self.ask("LHLO client.example" if self.protocol == "lmtp" else "EHLO client.example", "250 ")

    def login(self, name):
        name = name if "@" in name else name + "@example.test"
        if self.protocol.startswith("imap"):
            self.ask("", r"\* OK")
            self.ask("login LOGIN %s demo" % name, "login OK")
        elif self.protocol.startswith("pop3"):
            self.ask("", r"\+OK")
            self.ask("USER " + name, r"\+OK")
            self.ask("PASS demo", r"\+OK")
        else:
            self.hello()
            self.ask("AUTH PLAIN " + base64.b64encode(b"\0%s\0demo" % name.encode()).decode(), "235 ")

    def mail(self, reverse_path, *words):
        parameters = [x for x in words if re.match(r"[A-Z0-9-]+(=|$)", x)]
        self.ask(" ".join(["MAIL FROM:<%s>" % reverse_path.strip("<>")] + parameters), "250 ")
        for recipient in words[len(parameters):]:
            self.ask("RCPT TO:<%s>" % recipient, "250 ")
        self.ask("DATA", "354 ")


def ehlo(server):
    """A connection to port 25 that has said EHLO, and the words of the answer."""
    actor = Actor(server, "smtp")
    actor.line()
    actor.send(b"EHLO client.example\r\n")
    words = []
    while not words or words[-1].startswith("250-"):
        words.append(actor.line())
    return actor, [x[4:] for x in words]


class Script:
    """Runs one file against one server."""

    def __init__(self, path, server):
        self.path, self.server = path, server
        self.actors, self.names = {}, {"dir": server.dir, "config": server.config}
        self.output = ""
        with open(path, encoding="utf-8") as f:
            self.steps = [(n, x.rstrip("\n")) for n, x in enumerate(f, 1)
                          if x.strip() and not x.lstrip().startswith("#")]

    def settings(self):
        found = {}
        for _, step in self.steps:
            m = re.match(r'set\s+(\w+(?: "[^"]*")?)\s+(\w+)\s*=\s*(.*)$', step)
            if m:
                found.setdefault(m.group(1), {})[m.group(2)] = m.group(3)
        return found

    def expand_sizes(self, text):
        return re.sub(r"\$size\.([\w-]+\.\w+)", lambda m: str(len(message(m.group(1)))), text)

    def expand(self, text):
        text = self.expand_sizes(text)
        return re.sub(r"\$(\w+)", lambda m: self.names.get(m.group(1), m.group(0)), text)

    def match(self, pattern, line):
        out, bound = "", []
        for piece in re.split(r"(\*|\$\w+)", pattern):
            name = piece[1:]
            if piece == "*":
                out += ".*"
            elif piece.startswith("$") and name in self.names:
                out += re.escape(self.names[name])
            elif piece.startswith("$") and name in bound:
                out += "(?P=%s)" % name
            elif piece.startswith("$") and name:
                out += r"(?P<%s>[^\s\]\)]+)" % name
                bound.append(name)
            else:
                out += re.escape(piece)
        m = re.match(out, line)
        if m:
            self.names.update(m.groupdict())
        return m

    def expect(self, pattern, line):
        pattern = self.expand_sizes(pattern)
        if pattern == ".":      # the end of a POP3 answer is the whole line
            return line == "."
        # An untagged answer begins with "* ", which is itself and not a wildcard.
        if pattern.startswith("* "):
            if not line.startswith("* "):
                return False
            pattern, line = pattern[2:], line[2:]
        return self.match(pattern, line) or self.match(sorted_lists(pattern), sorted_lists(line))

    def connect(self, name, protocol, *rest):
        source = None
        if rest[:1] == ("from",):
            source, rest = rest[1], rest[2:]
        how, account, _in, mailbox = rest + ("",) * (4 - len(rest))
        a = self.actors[name] = Actor(self.server, protocol, source)
        if how == "hello":
            a.hello()
        elif how == "as":
            a.login(account)
        if mailbox:
            a.ask("select SELECT " + mailbox, "select OK")

    def actor_step(self, name, verb, rest):
        if verb == "connect":
            self.connect(name, *self.expand(rest).split())
            return
        a = self.actors[name]
        if verb == ">":
            a.send(self.expand(rest).encode("utf-8") + b"\r\n")
        elif verb == ">>":
            a.send(unescape(self.expand(rest)))
        elif verb == "<":
            line = a.line()
            if not self.expect(rest, line):
                raise Failure("expected %s\n     came %s" % (self.expand(rest), line))
        elif verb == "<=":
            line = a.line()
            if line != self.expand(rest):
                raise Failure("expected %s\n     came %s" % (self.expand(rest), line))
        elif verb == "<all":
            lines = [a.line()]
            while not self.expect(rest, lines[-1]):
                lines.append(a.line())
            self.output = "\n".join(lines)
        elif verb == "mail":
            a.mail(*self.expand(rest).split())
        elif verb == "<...":
            seen = []
            while not seen or not self.expect(rest, seen[-1]):
                try:
                    seen.append(a.line())
                except Failure as e:
                    raise Failure("%s while looking for %s in:\n%s" % (e, self.expand(rest), "\n".join(seen))) from None
        elif verb == "<bytes":
            count, _, want = rest.partition("=")
            data = a.take(int(self.expand(count.strip())))
            if want and data != message(want.strip()):
                raise Failure("the bytes differ from %s: %r" % (want.strip(), data[:200]))
        elif verb in ("starttls", "compress", "uncompress"):
            getattr(a, verb)()
        elif verb == "data":
            text = message(rest.strip())
            a.send(re.sub(rb"(?m)^\.", b"..", text) + b".\r\n")
        elif verb == "bytes":
            a.send(message(rest.strip()))
        elif verb == "silent":
            try:
                came = a.buffer or (a.fill(int(rest) / 1000) and a.buffer)
            except TimeoutError:
                came = b""
            if came:
                raise Failure("nothing was expected, came %r" % came)
        elif verb == "held":
            a.held(int(rest) / 1000)
        elif verb == "eof":
            a.buffer = b""
            if a.fill():
                raise Failure("the end was expected, came %r" % a.buffer)
        elif verb == "close":
            a.close()
        else:
            raise Failure("no such step: %s" % verb)

    def cli(self, word, rest):
        args, _, text = rest.partition(" < ")
        name, _, status = word.partition("!")
        status = int(status or 0)
        words = [quoted or plain for quoted, plain in re.findall(r"'([^']+)'|(\S+)", self.expand(args))]
        r = self.server.command(*words, *(["--config", self.server.config] if name == "cli" else []),
                                text=unescape(text).decode() + "\n")
        self.output = r.stdout + r.stderr
        if r.returncode != status:
            raise Failure("exit status %d, expected %d: %s" % (r.returncode, status, self.output.strip()))

    def damage(self, name, start="0", end="-1"):
        with open(os.path.join(self.server.dir, name), "r+b") as f:
            raw = bytearray(f.read())
            for at in range(int(start), int(end) if int(end) >= 0 else len(raw), 64):
                raw[at] ^= 1
            f.seek(0)
            f.write(raw)

    def step(self, step):
        word, _, rest = step.partition(" ")
        rest = rest.lstrip() if word[0].islower() else rest
        if word[0].isupper():
            verb, _, text = rest.lstrip().partition(" ")
            self.actor_step(word, verb, text)
        elif word == "set":
            pass
        elif word == "log!":
            bad = [x for x in self.server.log if unescape(self.expand(rest)).decode() in x]
            if bad:
                raise Failure("in the log: %s" % bad[0])
        elif word == "log":
            event, *fields = self.expand(rest).split()
            self.server.wait_log(event, dict(x.split("=", 1) for x in fields))
        elif word.partition("!")[0] in ("cli", "martlet"):
            self.cli(word, rest)
        elif word == "write":
            name, _, text = rest.partition(" < ")
            with open(os.path.join(self.server.dir, name), "wb") as f:
                f.write(unescape(self.expand(text)))
        elif word == "damage":
            self.damage(*self.expand(rest).split())
        elif word == "reload":
            self.server.process.send_signal(signal.SIGHUP)
        elif word == "out":
            if not any(self.match(rest, x) for x in self.output.splitlines()):
                raise Failure("no line %s in:\n%s" % (rest, self.output))
        elif word == "out!":
            if any(self.match(rest, x) for x in self.output.splitlines()):
                raise Failure("a line %s in:\n%s" % (rest, self.output))
        elif word == "deliver":
            name, *recipients = rest.split()
            with smtplib.SMTP("127.0.0.1", self.server.port("smtp"), timeout=TIMEOUT) as c:
                c.ehlo("client.example")
                c.sendmail("carol@example.org", [x if "@" in x else x + "@example.test" for x in recipients], message(name))
        elif word == "mails":
            name, count = rest.split()
            found = [x["messages"] for x in self.server.control("account.list") if x["address"].split("@")[0] == name]
            if found != [int(count)]:
                raise Failure("%s holds %s messages" % (name, found))
        elif word == "repeat":
            times, _, what = rest.partition(" ")
            for i in range(int(times)):
                self.names["i"] = str(i + 1)
                self.step(what)
        elif word == "crash":
            self.server.crash()
        elif word == "restart":
            self.server.stop()
            self.server.start()
        elif word == "stop":
            self.server.stop()
        elif word == "start":
            self.server.start()
        elif word == "fail":
            point, nth, *full = rest.split()
            self.server.control("test.fail", point=point, nth=int(nth), disk_full=bool(full))
        elif word == "clock":
            self.server.control("test.clock", ms=int(rest))
        elif word == "sleep":
            time.sleep(int(rest) / 1000)
        else:
            raise Failure("no such step: %s" % word)

    def run(self):
        try:
            for n, step in self.steps:
                try:
                    self.step(step)
                except (Failure, AssertionError, OSError) as e:
                    raise Failure("%s:%d: %s\n  %s\n--- the end of the log:\n%s"
                                  % (self.path, n, step, str(e).replace("\n", "\n  "),
                                     "\n".join(self.server.log[-12:]))) from None
        finally:
            for a in self.actors.values():
                a.close()

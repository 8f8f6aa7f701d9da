# SPDX-License-Identifier: MIT
"""
The laboratory: a server, a victim that goes on using it, attackers in processes of their own, and what the server process
costs meanwhile. An attack is a function (lab, n) that runs in a child: it calls lab.ready() when it is in place and goes on,
or holds still, until lab.is_over().
"""

import contextlib
import imaplib
import multiprocessing
import os
import poplib
import resource
import selectors
import smtplib
import socket
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from script import tls_context  # noqa: E402  pylint: disable=wrong-import-position
from server import Server  # noqa: E402  pylint: disable=wrong-import-position

FORK = multiprocessing.get_context("fork")
MAIL = b"From: v@example.org\r\nSubject: victim\r\n\r\n" + b"some text of a small message\r\n" * 20
NET_TROUBLE = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto)


def raise_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def source(i, addresses=50):
    """The i-th source address of an attacker that has so many."""
    return "127.1.%d.%d" % (i % addresses // 250, i % addresses % 250 + 1)


# ---- the victim ----

def use_smtp(server):
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), "victim.example", 30) as c:
        c.sendmail("v@example.org", ["bob@example.test"], MAIL)


def use_imap(server):
    c = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=30)
    c.login("bob@example.test", "demo")
    if c.select()[0] != "OK" or c.fetch("1", "(FLAGS BODY.PEEK[])")[0] != "OK":
        raise imaplib.IMAP4.error("not OK")
    c.logout()


def use_pop3(server):
    c = poplib.POP3("127.0.0.1", server.port("pop3"), timeout=30)
    c.user("bob@example.test")
    c.pass_("demo")
    c.stat()
    c.quit()


USES = {"smtp": use_smtp, "imap": use_imap, "pop3": use_pop3}


def live(server, out, pause):
    """The victim's process: one use after the other, and how long each took."""
    while True:
        for kind, use in USES.items():
            begin, trouble = time.monotonic(), None
            try:
                use(server)
            except NET_TROUBLE as e:
                trouble = "%s: %s" % (type(e).__name__, e)
            out.send((begin, kind, (time.monotonic() - begin) * 1000, trouble))
            time.sleep(pause)


class Victim:
    def __init__(self, server, pause=0.01):
        self.samples = []
        reader, writer = FORK.Pipe(False)
        self.process = FORK.Process(target=live, args=(server, writer, pause), daemon=True)
        self.process.start()
        writer.close()
        self.thread = threading.Thread(target=self.listen, args=(reader,), daemon=True)
        self.thread.start()

    def listen(self, reader):
        with contextlib.suppress(EOFError):
            while True:
                self.samples.append(reader.recv())

    def between(self, begin, end):
        """{kind: [ms]} of the uses that began then, and the troubles."""
        mine = [x for x in list(self.samples) if begin <= x[0] < end]
        return ({k: [x[2] for x in mine if x[1] == k and not x[3]] for k in USES},
                ["%s: %s" % (x[1], x[3]) for x in mine if x[3]])

    def end(self):
        self.process.terminate()
        self.process.join()


# ---- what the server costs ----

def numbers(pid):
    """Memory of its own in KB (no files, no kernel), threads, open files."""
    out = {}
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        for line in f:
            if line.startswith("Pss_Anon:"):
                out["kb"] = int(line.split()[1])
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        for line in f:
            if line.startswith("Threads:"):
                out["threads"] = int(line.split()[1])
    out["files"] = len(os.listdir("/proc/%d/fd" % pid))
    return out


class Meter:
    """Looks every 50 ms and keeps the largest."""

    def __init__(self, pid):
        self.pid, self.peak = pid, numbers(pid)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.stop.wait(0.05):
            with contextlib.suppress(OSError):
                for key, value in numbers(self.pid).items():
                    self.peak[key] = max(self.peak[key], value)

    def end(self):
        self.stop.set()
        self.thread.join()
        return self.peak


# ---- attackers ----

class Lab:
    """One server and one attack at a time."""

    def __init__(self, server):
        self.server = server
        self.in_place, self.over = FORK.Event(), FORK.Event()
        self.facts = FORK.Manager().dict()
        with open(server.martlet, "rb") as f:
            self.is_instrumented = b"__sanitizer" in f.read()

    # in the attacker's process

    def ready(self):
        self.in_place.set()

    def is_over(self):
        return self.over.is_set()

    def hold(self):
        """In place, and still until the end."""
        self.ready()
        self.over.wait()

    def tell(self, **facts):
        """For the check behind the attack: lab.facts."""
        self.facts.update(facts)

    def connect(self, name, i=0, addresses=50):
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.bind((source(i, addresses), 0))
        s.settimeout(30)
        s.connect(("127.0.0.1", self.server.port(name)))
        return s

    def swarm(self, names, n, addresses=50):
        return [self.connect(names[i % len(names)], i, addresses) for i in range(n)]

    def talk(self, s, *steps):
        """Sends each and waits for the first line that begins with what should come; a step is (bytes, prefix)."""
        f = s.makefile("rb")
        for data, want in steps:
            if data:
                s.sendall(data)
            while True:
                line = f.readline()
                if not line:
                    raise EOFError("closed instead of %r" % want)
                if line.startswith(want):
                    break
                if line[:4] in (b"550 ", b"421 ", b"451 ", b"452 ") or line.startswith((b"a NO", b"a BAD", b"* BYE")):
                    raise EOFError("%r instead of %r" % (line, want))
        return s

    def login(self, i=0, name="alice", mailbox=None, addresses=50):
        steps = [(b"", b"* OK"), (b"a LOGIN %s@example.test demo\r\n" % name.encode(), b"a OK")]
        if mailbox:
            steps.append((b"a SELECT %s\r\n" % mailbox.encode(), b"a OK"))
        return self.talk(self.connect("imap", i, addresses), *steps)

    def mail(self, i=0, name="smtp", to="alice", addresses=50, data=True):
        """A transaction as far as its recipient, or its DATA."""
        hello = b"LHLO x\r\n" if name == "lmtp" else b"EHLO x\r\n"
        steps = [(b"", b"220"), (hello, b"250 "), (b"MAIL FROM:<m@example.org>\r\n", b"250"),
                 (b"RCPT TO:<%s@example.test>\r\n" % to.encode(), b"250")]
        return self.talk(self.connect(name, i, addresses), *steps, *([(b"DATA\r\n", b"354")] if data else []))

    def tls(self, s):
        return tls_context().wrap_socket(s, server_hostname="localhost")

    def blast(self, socks, data, rate=8 << 20, reads=False, until=None):
        """
        Writes data again and again to all of them, `rate` bytes a second together (0: all it can), reading what comes or
        not. Gives back the bytes that each took and those that came.
        """
        sel = selectors.DefaultSelector()
        took, came, left = [0] * len(socks), [0] * len(socks), [b""] * len(socks)
        what = selectors.EVENT_WRITE | (selectors.EVENT_READ if reads else 0)
        for i, s in enumerate(socks):
            s.setblocking(False)
            sel.register(s, what, i)
        begin, total = time.monotonic(), 0
        while not self.is_over() and sel.get_map() and not (until and until(took, came)):
            for key, mask in sel.select(0.05):
                i = key.data
                try:
                    if mask & selectors.EVENT_READ:
                        n = len(key.fileobj.recv(1 << 18))
                        came[i] += n
                        if n == 0:
                            raise EOFError
                    if mask & selectors.EVENT_WRITE:
                        left[i] = left[i] or data
                        n = key.fileobj.send(left[i])
                        left[i] = left[i][n:]
                        took[i] += n
                        total += n
                except BlockingIOError:
                    pass
                except (OSError, EOFError):
                    sel.unregister(key.fileobj)
                if rate and total > rate * (time.monotonic() - begin + 0.05):
                    time.sleep(0.005)
            self.tell(took=sum(took), came=sum(came), most=max(took, default=0))
        return took, came

    def dribble(self, socks, data, pause=1.0, renew=None):
        """One byte to each in every `pause` seconds. One that was closed is renewed, when there is a way."""
        at, closed = 0, 0
        while not self.is_over():
            begin = time.monotonic()
            for i, s in enumerate(socks):
                if s is None:
                    continue
                try:
                    s.setblocking(False)
                    s.send(data[at % len(data):at % len(data) + 1])
                except BlockingIOError:
                    pass
                except OSError:
                    closed += 1
                    s.close()
                    socks[i] = None
                    if renew:
                        with contextlib.suppress(*NET_TROUBLE):
                            socks[i] = renew(i)
                if self.is_over():
                    return
            at += 1
            self.tell(closed=closed, open=len([s for s in socks if s]))
            self.over.wait(max(0, pause - (time.monotonic() - begin)))

    # in the test's process

    @contextlib.contextmanager
    def attack(self, function, n):
        """Runs it until the end of the block; in place within 60 s."""
        def child():
            raise_files()
            os.nice(10)     # it stands for other machines: what it works itself must not be what the victim waits for
            try:
                function(self, n)
            except KeyboardInterrupt:
                pass
            except Exception as e:      # pylint: disable=broad-except
                if not self.is_over():
                    self.tell(trouble="%s: %s" % (type(e).__name__, e))
                    raise
        self.in_place.clear()
        self.over.clear()
        self.facts.clear()
        process = FORK.Process(target=child, daemon=True)
        process.start()
        try:
            end = time.monotonic() + 60
            while not self.in_place.wait(0.1):
                assert process.is_alive(), "the attacker ended: %s" % self.facts.get("trouble")
                assert time.monotonic() < end, "the attack does not come into place"
            yield process
        finally:
            self.over.set()
            process.join(20)
            if process.is_alive():
                process.kill()
                process.join()

    def numbers(self):
        return numbers(self.server.server_pid())

    def settled(self, before, slack_kb, seconds):
        """What the server has when it has given back what it will."""
        end = time.monotonic() + seconds
        while True:
            now = self.numbers()
            if now["kb"] <= before["kb"] + slack_kb and self.server.control("status")["connections"] <= 8:
                return now
            if time.monotonic() > end:
                return now
            time.sleep(0.3)


def open_uses(server):
    """So that there is mail, and passwords are known."""
    for use in USES.values():
        use(server)


def medians(samples):
    return {k: statistics.median(v) if v else None for k, v in samples.items()}

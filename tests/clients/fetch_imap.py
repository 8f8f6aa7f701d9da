# SPDX-License-Identifier: MIT
"""martlet fetch over IMAP: each message once, also from servers that break, refuse and count anew; what is deleted there is safe here, and nothing else is."""

import contextlib
import imaplib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from certs import certificate_of
from mail import body

BOB = "bob@example.test"


@contextlib.contextmanager
def scratch():
    """A directory with a password in it, which goes when the test ends."""
    where = tempfile.mkdtemp(prefix="martlet-fetch-")
    try:
        with open(where + "/password", "w", encoding="ascii") as f:
            f.write("demo\n")
        yield where
    finally:
        shutil.rmtree(where)


def arguments(martlet, where, port, *more, to=None):
    return [martlet, "fetch", "--server", "127.0.0.1:%d" % port, "--tls", "never", "--insecure", "--user", BOB, "--password-file", where + "/password",
            "--to", to or "maildir:%s/in" % where, *more]


def run(server, where, port, *more, status=0, to=None):
    """Fetches; the events of --json."""
    r = subprocess.run(arguments(server.martlet, where, port, "--json", *more, to=to), capture_output=True, timeout=120, check=False)
    assert r.returncode == status, (r.returncode, r.stdout[-2000:], r.stderr[-2000:])
    return [json.loads(x) for x in r.stdout.splitlines()]


def counts(events):
    assert events[-1]["event"] == "end", events[-3:]
    return tuple(events[-1][x] for x in ("fetched", "there", "left", "deleted"))


def found(directory):
    """[(bytes with CRLF, letters of the flags)] of a Maildir."""
    result = []
    for sub in ("new", "cur"):
        for name in sorted(os.listdir(os.path.join(directory, sub))):
            with open(os.path.join(directory, sub, name), "rb") as f:
                raw = f.read()
            result.append((raw if "as-is" in name else raw.replace(b"\n", b"\r\n"), name.partition(":2,")[2]))
    return sorted(result)


def connect(server, user=BOB):
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login(user, "demo")
    return imap


class Odd:
    """An IMAP server of one INBOX with faults to choose. `seen` is told of each command, before it is done."""

    def __init__(self, messages, uidplus=True, breaks=(), refused=(), caps="", seen=None):
        self.box = {uid: [raw, set()] for uid, raw in messages.items()}
        self.uidplus, self.breaks, self.refused, self.caps, self.seen = uidplus, set(breaks), set(refused), caps, seen or (lambda command: None)
        self.validity, self.given, self.commands, self.lock = 7, 0, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.guest, args=(peer,), daemon=True).start()

    def guest(self, peer):
        with contextlib.suppress(OSError, ValueError), peer, peer.makefile("rwb") as f:
            f.write(b"* OK hello\r\n")
            f.flush()
            for line in f:
                tag, command = line.decode().strip().split(" ", 1)
                with self.lock:
                    self.commands.append(command)
                    self.seen(command)
                    answer = self.answer(f, command)
                if answer is None:
                    return
                f.write(("%s %s\r\n" % (tag, answer)).encode())
                f.flush()

    def uids(self, text):
        every = sorted(self.box)
        chosen = set()
        for part in text.split(","):
            lo, _, hi = part.partition(":")
            lo, hi = int(lo), int(lo) if not hi else every[-1] if hi == "*" and every else 0 if hi == "*" else int(hi)
            chosen |= {uid for uid in every if min(lo, hi) <= uid <= max(lo, hi)}
        return sorted(chosen)

    def answer(self, f, command):
        words = command.split()
        verb = " ".join(words[:2]) if words[0] == "UID" else words[0]
        if verb == "CAPABILITY":
            f.write(("* CAPABILITY IMAP4rev1%s%s\r\n" % (" UIDPLUS" if self.uidplus else "", self.caps)).encode())
        elif verb == "LIST":
            f.write(b'* LIST () "/" INBOX\r\n')
        elif verb in ("SELECT", "EXAMINE"):
            f.write(b"* %d EXISTS\r\n* OK [UIDVALIDITY %d]\r\n* OK [UIDNEXT %d]\r\n" % (len(self.box), self.validity, max(self.box, default=0) + 1))
        elif verb == "UID FETCH":
            return self.fetch(f, self.uids(words[2]), "BODY" in command)
        elif verb == "UID STORE":
            for uid in self.uids(words[2]):
                self.box[uid][1].add("\\Deleted")
        elif verb in ("UID EXPUNGE", "EXPUNGE"):
            if verb == "UID EXPUNGE" and not self.uidplus:
                return "BAD what"
            for uid in self.uids(words[2] if len(words) > 2 else "1:*"):
                if "\\Deleted" in self.box[uid][1]:
                    del self.box[uid]
        elif verb == "LOGOUT":
            f.write(b"* BYE\r\n")
        elif verb not in ("LOGIN", "NOOP"):
            return "BAD what"
        return "OK done"

    def fetch(self, f, uids, wants_body):
        for uid in uids:
            raw, flags = self.box[uid]
            items = b"UID %d FLAGS (%s) RFC822.SIZE %d" % (uid, " ".join(flags).encode(), len(raw))
            if wants_body and uid in self.refused:
                return "NO [SERVERBUG] broken"
            if wants_body:
                self.given += 1
                if self.given in self.breaks:
                    f.write(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s" % (uid, len(raw), raw[:len(raw) // 2]))
                    f.flush()
                    return None
                items += b" INTERNALDATE \" 1-Feb-2003 04:05:06 +0000\" BODY[] {%d}\r\n%s" % (len(raw), raw)
            f.write(b"* %d FETCH (%s)\r\n" % (sorted(self.box).index(uid) + 1, items))
        return "OK done"


def some(n):
    return {3 * i: body("message %d" % i) for i in range(1, n + 1)}


def bytes_of(messages):
    return sorted(messages.values() if isinstance(messages, dict) else messages)


def test_fetch_imap_what_is_new(server):
    """Over TLS and STARTTLS, flags with it, \\Seen is left alone; again: what is new; several mailboxes."""
    imap = connect(server)
    imap.create('"Old/M&APw-ll"')
    raws = [body("m%d" % i) for i in range(5)]
    for raw, flags in zip(raws, (r"(\Seen \Flagged)", r"(\Answered)", "($Work)", r"(\Deleted)", None)):
        assert imap.append("INBOX", flags, None, raw)[0] == "OK"
    imap.append('"Old/M&APw-ll"', None, None, raws[0])
    with scratch() as where:
        with open(where + "/ca.pem", "w", encoding="ascii") as f:
            f.write(ssl.DER_cert_to_PEM_cert(certificate_of(server)))
        for port, tls in (("imaps", "implicit"), ("imap", "starttls")):
            args = [server.martlet, "fetch", "--server", "localhost:%d" % server.port(port), "--tls", tls, "--user", BOB, "--password-file", where + "/password",
                    "--to", "maildir:%s/%s" % (where, port), "--json"]
            r = subprocess.run(args, capture_output=True, timeout=60, check=False)
            assert r.returncode == 11 and b"does not verify" in r.stderr, r
            args += ["--ca-file", where + "/ca.pem", "--mailbox", "INBOX", "--mailbox", "Old/Müll"]
            for want in ((6, 0, 0, 0), (0, 0, 0, 0)):
                r = subprocess.run(args, capture_output=True, timeout=60, check=False)
                assert r.returncode == 0 and counts([json.loads(x) for x in r.stdout.splitlines()]) == want, r
            got = dict(found(where + "/" + port))
            assert sorted(got) == sorted(raws), len(got)
            assert (got[raws[0]], got[raws[1]], got[raws[3]], got[raws[4]]) == ("FS", "R", "T", ""), got.values()
            assert found(where + "/" + port + "/.Old.M&APw-ll") == [(raws[0], "")]
        imap.append("INBOX", None, None, body("new"))
        r = subprocess.run(args, capture_output=True, timeout=60, check=False)
        assert counts([json.loads(x) for x in r.stdout.splitlines()]) == (1, 0, 0, 0), r
        r = subprocess.run(args + ["--mailbox", "Nowhere"], capture_output=True, timeout=60, check=False)
        assert b"no mailbox Nowhere" in r.stderr and r.returncode != 0, r
    imap.select("INBOX")
    assert imap.search(None, "SEEN")[1] == [b"1"], imap.search(None, "SEEN")
    imap.logout()


def test_fetch_imap_from_a_server_that_breaks(server):
    """Connections that break are made again; what is refused stays, and comes when it can; each message once, in each kind of target."""
    messages = some(30)
    for kind in ("maildir", "stdout"):
        with scratch() as where, Odd(messages, breaks=(5, 12), refused=(9, 60)) as odd:
            if kind == "stdout":
                r = subprocess.run(arguments(server.martlet, where, odd.port, "--state", where + "/state", to="stdout"), capture_output=True, timeout=60, check=False)
                assert r.returncode == 1, r.stderr
                assert r.stdout.count(b"\nSubject: ") + r.stdout.startswith(b"Subject: ") == 28, r.stderr
                continue
            assert counts(run(server, where, odd.port, status=1)) == (28, 0, 2, 0)
            assert [x for x, _ in found(where + "/in")] == bytes_of([x for uid, x in messages.items() if uid not in (9, 60)])
            assert counts(run(server, where, odd.port, status=1)) == (0, 0, 2, 0)
            odd.refused = {60}
            odd.box[93] = [body("late"), set()]
            assert counts(run(server, where, odd.port, status=1)) == (2, 0, 1, 0)
            del odd.box[60]
            assert counts(run(server, where, odd.port)) == (0, 0, 0, 0)
            assert counts(run(server, where, odd.port)) == (0, 0, 0, 0)
            assert len(found(where + "/in")) == 30


def test_fetch_imap_numbered_anew(server):
    """Another UIDVALIDITY: said, and all comes again."""
    with scratch() as where, Odd(some(3)) as odd:
        assert counts(run(server, where, odd.port)) == (3, 0, 0, 0)
        odd.validity = 8
        events = run(server, where, odd.port)
        assert counts(events) == (3, 0, 0, 0) and any("UIDVALIDITY" in x.get("text", "") for x in events), events
        assert counts(run(server, where, odd.port)) == (0, 0, 0, 0)


def test_fetch_imap_deletes_what_is_safe(server):
    """Not before it is on the disk; by UID, and nothing of others; what could not be fetched stays."""
    def safe(command):
        if "Deleted" in command:
            have = [x for x, _ in found(where + "/in")]
            doomed.extend(x in have for uid, (x, _) in odd.box.items() if uid in odd.uids(command.split()[2]))

    messages, doomed = some(12), []
    with scratch() as where, Odd(messages, refused=(9,), seen=safe) as odd:
        odd.box[6][1].add("\\Deleted")
        assert counts(run(server, where, odd.port, status=1)) == (11, 0, 1, 0)
        odd.box[99] = [body("new"), set()]
        odd.box[100] = [body("of others"), {"\\Deleted"}]
        assert counts(run(server, where, odd.port, "--delete", status=1)) == (2, 0, 1, 13)
        assert list(odd.box) == [9] and all(doomed) and len(doomed) == 13, (list(odd.box), doomed)
        assert not any(x == "EXPUNGE" for x in odd.commands)


def test_fetch_imap_deletes_without_uidplus(server):
    """EXPUNGE takes all that is \\Deleted, so it is said only where that is ours."""
    def meddle(command):
        if "Deleted" in command and meddles:
            odd.box[meddles.pop()][1].add("\\Deleted")

    meddles = []
    with scratch() as where, Odd(some(5), uidplus=False, seen=meddle, refused=(6,)) as odd:
        odd.box[6][1].add("\\Deleted")
        events = run(server, where, odd.port, "--delete", status=1)
        assert counts(events) == (4, 0, 1, 0) and any("UIDPLUS" in x.get("text", "") for x in events), events
        assert len(odd.box) == 5 and not any("Deleted" in x or x == "EXPUNGE" for x in odd.commands), odd.commands
        odd.box[6][1].clear()
        meddles.append(6)       # between the look and EXPUNGE
        events = run(server, where, odd.port, "--delete", status=1)
        assert counts(events) == (0, 0, 1, 0) and any("meanwhile" in x.get("text", "") for x in events), events
        assert len(odd.box) == 5 and "EXPUNGE" not in odd.commands
        odd.box[6][1].clear()
        assert counts(run(server, where, odd.port, "--delete", status=1)) == (0, 0, 1, 4)
        assert list(odd.box) == [6]


def test_fetch_imap_keeps_for_days(server):
    """--keep-days: nothing goes before its time."""
    with scratch() as where, Odd(some(3)) as odd:
        assert counts(run(server, where, odd.port, "--keep-days", "30")) == (3, 0, 0, 0)
        assert counts(run(server, where, odd.port, "--keep-days", "30")) == (0, 0, 0, 0)
        assert counts(run(server, where, odd.port, "--keep-days", "0")) == (0, 0, 0, 3)


def test_fetch_imap_killed(server):
    """kill -9 at any time: nothing is lost, nothing comes twice."""
    messages = some(400)
    with scratch() as where, Odd(messages) as odd:
        for i in range(8):
            with subprocess.Popen(arguments(server.martlet, where, odd.port, "--delete"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
                time.sleep(0.01 * (i + 1))
                p.kill()
        run(server, where, odd.port, "--delete")
        assert [x for x, _ in found(where + "/in")] == bytes_of(messages)
        assert odd.box == {}


def wait_for(n, directory, p, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.path.isdir(directory + "/cur") and os.path.isdir(directory + "/new") and len(found(directory)) >= n:
            return
        assert p.poll() is None, p.communicate()
        time.sleep(0.02)
    raise AssertionError("%d of %d messages are there" % (len(found(directory)), n))


def test_fetch_imap_idle(server):
    """Mail comes as it arrives, also after the server was away; --delete with it."""
    imap = connect(server)
    with scratch() as where:
        args = arguments(server.martlet, where, server.port("imap"), "--idle", "--delete")
        with subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
            try:
                imap.append("INBOX", None, None, body("one"))
                wait_for(1, where + "/in", p)
                time.sleep(0.5)
                imap.append("INBOX", None, None, body("two"))
                wait_for(2, where + "/in", p, 10)
                server.stop()
                server.start()
                imap = connect(server)
                imap.append("INBOX", None, None, body("three"))
                wait_for(3, where + "/in", p)
                until = time.monotonic() + 20
                while time.monotonic() < until and imap.select("INBOX")[1] != [b"0"]:
                    time.sleep(0.05)
                assert imap.select("INBOX")[1] == [b"0"]
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(30)
        assert [x for x, _ in found(where + "/in")] == sorted(body(x) for x in ("one", "two", "three"))
    imap.logout()

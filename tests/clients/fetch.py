# SPDX-License-Identifier: MIT
"""martlet fetch over POP3: what comes is what was there, each message once; what is deleted on the server is safe here."""

import contextlib
import json
import mailbox
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

from certs import certificate_of, expired
from dovecot import Dovecot
from listener import Listener
from mail import inbox
from odd_imap import scratch
from server import Skip

BOB = "bob@example.test"


def text(n):
    """Message number n: dots, lines of all lengths, 8-bit bytes, a long one now and then; every seventh with line ends of all kinds."""
    rnd = random.Random(n)
    lines = [b"." * rnd.randrange(4) + rnd.randbytes(rnd.randrange(36)).hex().encode() for _ in range(rnd.choice((3, 30, 300)))]
    lines += ["Grüße \U0001f426".encode(), b"From the beginning", b">From there", b"."]
    if n % 50 == 0:
        lines += [b"y" * 70] * 5000
    ends = (b"\r\n", b"\n", b"\r", b"\n.") if n % 7 == 0 else (b"\r\n",)
    head = b"From: <a@example.org>\r\nSubject: n%d\r\n\r\n" % n
    return head + b"".join(line + rnd.choice(ends) for line in lines) + b"the end\r\n"


def append(server, raw, user=BOB):
    """Into an INBOX, as they are: imaplib would make CRLF of every LF."""
    with socket.create_connection(("127.0.0.1", server.port("imap")), 60) as s, s.makefile("rwb") as f:
        f.readline()
        for i, one in enumerate([b"LOGIN %s demo\r\n" % user.encode()] + [b"APPEND INBOX {%d+}\r\n%s\r\n" % (len(x), x) for x in raw]):
            f.write(b"a%d " % i + one)
            f.flush()
            while not (line := f.readline()).startswith(b"a%d " % i):
                assert line, "closed"
            assert b" OK" in line, line


def arguments(server, where, to, *more, port="pop3"):
    return [server.martlet, "fetch", "--protocol", "pop3", "--server", "127.0.0.1:%d" % (port if isinstance(port, int) else server.port(port)),
            "--tls", "never", "--insecure", "--user", BOB, "--password-file", where + "/password", "--to", to, *more]


def run(server, where, to, *more, status=0, port="pop3"):
    """Fetches; what it said on standard error, and the events."""
    r = subprocess.run(arguments(server, where, to, "--json", *more, port=port), capture_output=True, timeout=120, check=False)
    assert r.returncode == status, (r.returncode, r.stdout[-2000:], r.stderr[-2000:])
    return r.stderr.decode(), [json.loads(x) for x in r.stdout.splitlines()]


def last(events):
    assert events[-1]["event"] == "end", events[-3:]
    return events[-1]


def found(directory):
    """[(number, bytes with CRLF)] of a Maildir, as they were before they came there."""
    all_of_them = []
    for sub in ("new", "cur"):
        for name in sorted(os.listdir(os.path.join(directory, sub))) if os.path.isdir(os.path.join(directory, sub)) else []:
            with open(os.path.join(directory, sub, name), "rb") as f:
                raw = f.read()
            raw = raw if "as-is" in name else raw.replace(b"\n", b"\r\n")
            all_of_them.append((int(re.search(rb"^Subject: n(\d+)", raw, re.M)[1]), raw))
    return all_of_them


def check(directory, numbers):
    """Each once, byte for byte."""
    got = found(directory)
    assert sorted(n for n, _ in got) == sorted(numbers), (len(got), sorted(set(numbers) ^ {n for n, _ in got})[:10])
    for n, raw in got:
        assert raw == text(n), (n, raw[:300], text(n)[:300])


def on_server(server):
    return sorted(int(re.search(rb"^Subject: n(\d+)", raw, re.M)[1]) for raw in inbox(server, BOB))


def test_thousand_byte_for_byte(server):
    """1,000 messages, pipelined; a second run brings none, a third what is new; with --delete they go, and only they."""
    append(server, [text(n) for n in range(1000)])
    with scratch() as where:
        to = "maildir:" + where + "/mail"
        _, events = run(server, where, to)
        assert last(events)["fetched"] == 1000 and last(events)["left"] == 0, last(events)
        check(where + "/mail", range(1000))
        assert len(on_server(server)) == 1000
        _, events = run(server, where, to)
        assert last(events)["fetched"] == last(events)["there"] == 0 and not [x for x in events if x["event"] == "message"], events
        append(server, [text(1000)])
        _, events = run(server, where, to, "--delete")
        assert last(events)["fetched"] == 1 and last(events)["deleted"] == 1001, last(events)
        check(where + "/mail", range(1001))
        assert on_server(server) == []


def test_kept_for_days(server):
    """--keep-days: what came today stays; what came before that goes."""
    append(server, [text(n) for n in range(3)])
    with scratch() as where:
        to = "maildir:" + where + "/mail"
        run(server, where, to, "--keep-days", "2")
        assert len(on_server(server)) == 3
        (state,) = [where + "/mail/" + x for x in os.listdir(where + "/mail") if x.startswith("martlet-fetch-")]
        with open(state, encoding="ascii") as f:
            assert f.readline() == "martlet-fetch 1 pop3 bob@example.test@127.0.0.1:%d\n" % server.port("pop3")
        append(server, [text(3)])
        _, events = run(server, where, to, "--keep-days", "0")
        assert last(events)["deleted"] == 4 and on_server(server) == []


class Killer:
    """kill -9 at random moments of a command, however quick this machine is: one that ended before shortens what comes next."""

    def __init__(self, seed, longest):
        self.rnd, self.most, self.longest, self.killed = random.Random(seed), longest, longest, 0

    def run(self, args):
        with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
            try:
                p.wait(self.rnd.uniform(0.003, self.longest))
                self.longest = max(0.006, self.longest * 0.7)
            except subprocess.TimeoutExpired:
                p.kill()
                self.longest = min(self.most, self.longest * 1.3)
        self.killed += p.returncode == -signal.SIGKILL


def test_killed_while_it_deletes(server):
    """kill -9 at 50 random moments of fetching with --delete: each message is here or there all the time, and at the end here, once."""
    append(server, [text(n) for n in range(300)])
    killer, sent = Killer(7, 0.12), 300
    with scratch() as where:
        to = "maildir:" + where + "/mail"
        for _ in range(50):
            killer.run(arguments(server, where, to, "--delete"))
            there, here = set(on_server(server)), [n for n, _ in found(where + "/mail")]
            assert there | set(here) == set(range(sent)) and len(here) == len(set(here)), (len(there), len(here), sent)
            if len(there) < 100:
                append(server, [text(n) for n in range(sent, sent + 200)])
                sent += 200
        assert killer.killed > 15, killer.killed
        wait_free(server, where, to)
        check(where + "/mail", range(sent))
        assert on_server(server) == []


def wait_free(server, where, to, *more):
    """To the end; a session that was killed may hold the maildrop for a moment."""
    for _ in range(150):
        r = subprocess.run(arguments(server, where, to, "--delete", *more), capture_output=True, timeout=120, check=False)
        if r.returncode == 0:
            return
        time.sleep(0.2)
    raise AssertionError(r.stderr)


def state_size(directory):
    with contextlib.suppress(OSError):
        return sum(os.path.getsize(os.path.join(directory, x)) for x in os.listdir(directory) if x.startswith("martlet-fetch-"))
    return 0


def test_killed_when_it_is_noted(server):
    """kill -9 as soon as the state grows: what it says is here has to be here then, for the next run deletes it on the server."""
    sent, killed = 0, 0
    with scratch() as where:
        to = "maildir:" + where + "/mail"
        for turn in range(40):
            if turn >= 6 and killed > 2:        # it may be faster than we see
                break
            append(server, [text(n) for n in range(sent, sent + 150)])
            sent += 150
            before = state_size(where + "/mail")
            with subprocess.Popen(arguments(server, where, to, "--delete"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
                while p.poll() is None and state_size(where + "/mail") <= max(before, 200):
                    pass
                p.kill()
            killed += p.returncode == -signal.SIGKILL
            wait_free(server, where, to)
            check(where + "/mail", range(sent))
        assert killed > 2 and on_server(server) == [], killed


def mbox_numbers(path):
    if not os.path.exists(path):
        return []
    with open(path, "rb") as f:
        assert re.match(rb"(From MAILER-DAEMON |$)", f.read(20))
    box = mailbox.mbox(path, create=False)
    got = [int(m["Subject"][1:]) for m in box]
    box.close()
    return got


def test_mbox_killed(server):
    """The same into an mbox: no message twice, none torn."""
    append(server, [text(n) for n in range(200)])
    killer = Killer(8, 0.12)
    with scratch() as where:
        path, sent = where + "/box", 200
        for _ in range(25):
            killer.run(arguments(server, where, "mbox:" + path, "--delete"))
            there, here = set(on_server(server)), mbox_numbers(path)
            assert there | set(here) == set(range(sent)), (len(there), len(here))
            if len(there) < 60:
                append(server, [text(n) for n in range(sent, sent + 150)])
                sent += 150
        assert killer.killed > 8, killer.killed
        wait_free(server, where, "mbox:" + path)
        assert sorted(mbox_numbers(path)) == list(range(sent)), "some came twice"
        with open(path, "rb") as f:
            raw = f.read()
        for n in range(1, sent, 7):
            want = re.sub(rb"^(>*From )", rb">\1", text(n).replace(b"\r\n", b"\n"), flags=re.M)
            head, rest = want.split(b"\n\n", 1)
            assert head.replace(b">From:", b"From:") + b"\n\n" + rest + b"\n" in raw, n


def test_state_is_cut_and_damaged(server):
    """A state that a crash tore, or that is gone: nothing comes twice into a Maildir."""
    append(server, [text(n) for n in range(50)])
    with scratch() as where:
        to = "maildir:" + where + "/mail"
        run(server, where, to)
        (state,) = [where + "/mail/" + x for x in os.listdir(where + "/mail") if x.startswith("martlet-fetch-")]
        with open(state, "rb") as f:
            raw = f.read()
        for damaged in (raw[:len(raw) // 2], raw[:len(raw) // 2] + b"\0" * 500, b"", raw[:5], raw.replace(b"u", b"v", 3)):
            with open(state, "wb") as f:
                f.write(damaged)
            _, events = run(server, where, to)
            assert last(events)["fetched"] == 0 and last(events)["there"] > 0, last(events)
            check(where + "/mail", range(50))
        with open(state, "wb") as f:
            f.write(b"something else\n")
        said, _ = run(server, where, to, status=1)
        assert "is not the state of" in said, said


def test_command_and_stdout(server):
    """A command has each message on its standard input; one that it refuses stays on the server. Standard output is an mbox."""
    append(server, [text(n) for n in range(1, 5)])
    with scratch() as where:
        env = {**os.environ, "XDG_STATE_HOME": where + "/state", "WHERE": where}
        command = "command:cat > $WHERE/x; n=$(sed -n 's/^Subject: n//p' $WHERE/x | head -1); [ $n != 2 ] && mv $WHERE/x $WHERE/got$n"
        r = subprocess.run(arguments(server, where, command, "--delete"), capture_output=True, timeout=60, check=False, env=env)
        assert r.returncode == 1 and b"status 1" in r.stderr and b"3 fetched" in r.stderr, (r.returncode, r.stderr)
        assert on_server(server) == [2]
        for n in (1, 3, 4):
            with open(where + "/got%d" % n, "rb") as f:
                assert f.read() == text(n).replace(b"\r\n", b"\n")
        r = subprocess.run(arguments(server, where, "stdout", "--delete"), capture_output=True, timeout=60, check=False, env=env)
        assert r.returncode == 0 and r.stdout.startswith(b"From MAILER-DAEMON ") and b"\nSubject: n2\n" in r.stdout, r
        assert b"\n>From the beginning\n" in r.stdout and on_server(server) == []
        assert sorted(os.listdir(where + "/state/martlet")), "no state"


# ---- servers that break, lie, or know little ----

class Maildrop(Listener):
    """A POP3 server of the test: messages (name, bytes), and how it misbehaves."""

    def __init__(self, messages, caps=("USER", "UIDL", "TOP", "PIPELINING"), cut_after=0, cuts=0, has_uidl=True, sizes=None):
        self.messages, self.caps, self.cut_after, self.cuts, self.has_uidl, self.sizes = messages, caps, cut_after, cuts, has_uidl, sizes
        self.said, self.visits = [], 0
        super().__init__()

    def take(self, s):
        self.visits += 1
        with contextlib.suppress(OSError, ValueError), s, s.makefile("rb") as f:
            self.serve(s, f)

    def lines(self, s, lines):
        s.sendall(b"+OK\r\n" + b"".join(x + b"\r\n" for x in lines) + b".\r\n")

    def serve(self, s, f):
        deleted, retrieved = set(), 0
        s.sendall(b"+OK ready\r\n")
        for line in f:
            self.said.append(line.decode().strip())
            word, *rest = line.decode().split()
            n = int(rest[0]) if rest and rest[0].isdigit() else 0
            if word == "CAPA":
                self.lines(s, [x.encode() for x in self.caps])
            elif word == "LIST":
                self.lines(s, [b"%d %d" % (i + 1, self.sizes or len(raw)) for i, (_, raw) in enumerate(self.messages)])
            elif word == "UIDL" and self.has_uidl:
                self.lines(s, [b"%d %s" % (i + 1, name) for i, (name, _) in enumerate(self.messages)])
            elif word in ("RETR", "TOP"):
                raw = self.messages[n - 1][1]
                raw = raw if word == "RETR" else raw.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
                retrieved += word == "RETR"
                raw = re.sub(rb"(^|\n)\.", rb"\1..", raw)
                if self.cuts > 0 and retrieved > self.cut_after:
                    self.cuts -= 1
                    s.sendall(b"+OK\r\n" + raw[:len(raw) // 2])
                    return
                s.sendall(b"+OK\r\n" + raw + b".\r\n")
            elif word == "DELE":
                deleted.add(n - 1)
                s.sendall(b"+OK\r\n")
            elif word == "QUIT":
                self.messages = [x for i, x in enumerate(self.messages) if i not in deleted]
                s.sendall(b"+OK bye\r\n")
                return
            else:
                s.sendall(b"+OK\r\n" if word in ("USER", "PASS", "NOOP") else b"-ERR what\r\n")


def named(numbers):
    return [(b"id%d" % n, text(n)) for n in numbers]


def test_broken_connections(server):
    """A connection that breaks in the middle of the 21st message, each time: it comes again and goes on there; nothing is deleted before all is here."""
    with scratch() as where, Maildrop(named(range(1, 55)), cut_after=20, cuts=2) as drop:
        said, events = run(server, where, "maildir:" + where + "/mail", "--delete", port=drop.port)
        assert drop.visits == 3 and "again in 1 seconds" in said, (drop.visits, said)
        assert last(events)["fetched"] == last(events)["deleted"] == 54 and drop.messages == [], last(events)
        check(where + "/mail", range(1, 55))
        # Nothing ever comes through: it gives up and says why.
        drop.messages, drop.cut_after, drop.cuts = named(range(60, 62)), 0, 1
        said, events = run(server, where, "maildir:" + where + "/mail", "--delete", port=drop.port, status=10)
        assert last(events)["error"] == "CLOSED" and len(drop.messages) == 2, last(events)


def test_lies_about_uidl(server):
    """One name for two messages; the name of an old message for a new one, in the session after and in that which deletes: none is lost."""
    with scratch() as where, Maildrop([(b"same", text(1)), (b"same", text(2)), (b"x", text(3)), (b"a b", text(4))]) as drop:
        to = "maildir:" + where + "/mail"
        for fetched in (4, 0):
            _, events = run(server, where, to, port=drop.port)
            assert last(events)["fetched"] == fetched, last(events)
        check(where + "/mail", range(1, 5))
        drop.messages = [(b"x", text(5)), (b"same", text(6))]
        _, events = run(server, where, to, "--delete", port=drop.port)
        assert last(events)["fetched"] == last(events)["deleted"] == 2 and drop.messages == [], last(events)
        check(where + "/mail", range(1, 7))
        # The same size too: only the header tells.
        drop.messages, drop.sizes = [(b"y", text(8))], 500
        run(server, where, to, port=drop.port)
        drop.messages = [(b"y", text(9))]
        _, events = run(server, where, to, "--delete", port=drop.port)
        assert last(events)["fetched"] == last(events)["deleted"] == 1 and "TOP 1 0" in drop.said, (last(events), drop.said[-8:])
        check(where + "/mail", [*range(1, 7), 8, 9])
        # The same header too: the size tells, and the bytes say what it is; a size that is only told in another way brings nothing twice.
        head, to, drop.sizes = text(8).split(b"\r\n\r\n")[0] + b"\r\n\r\n", "mbox:" + where + "/box", None
        drop.messages = [(b"r", head + b"one\r\n"), (b"s", text(10))]
        run(server, where, to, port=drop.port)
        drop.messages = [(b"r", head + b"another\r\n"), (b"s", text(10)), (b"t", text(11))]
        _, events = run(server, where, to, port=drop.port)
        assert last(events)["fetched"] == 2, last(events)
        drop.sizes = 1000
        for more, deleted in (((), 0), (("--delete",), 3)):
            _, events = run(server, where, to, *more, port=drop.port)
            assert (last(events)["fetched"], last(events)["deleted"]) == (0, deleted) and len(drop.messages) == 3 - deleted, last(events)
        with open(where + "/box", "rb") as f:
            box = f.read()
        assert box.count(b"\n\none\n") == box.count(b"\n\nanother\n") == box.count(b"Subject: n10\n") == box.count(b"Subject: n11\n") == 1


def test_names_come_again(server):
    """A name that was deleted is new when it comes again; one that was not listed for once is not."""
    with scratch() as where, Maildrop(named([1, 2])) as drop:
        to = "maildir:" + where + "/mail"
        run(server, where, to, port=drop.port)
        drop.messages = []
        run(server, where, to, port=drop.port)
        drop.messages = named([1, 2])
        _, events = run(server, where, to, "--delete", port=drop.port)
        assert last(events)["fetched"] == 0 and last(events)["deleted"] == 2, last(events)
        drop.messages = [(b"id1", text(3)), (b"id2", text(4))]
        _, events = run(server, where, to, port=drop.port)
        assert last(events)["fetched"] == 2, last(events)
        check(where + "/mail", [1, 2, 3, 4])


def test_no_uidl(server):
    """A server without UIDL: only with --delete; and of what a crash left there nothing comes twice."""
    caps = ("USER",)
    with scratch() as where, Maildrop(named([1, 2, 3]), caps=caps, has_uidl=False) as drop:
        to = "maildir:" + where + "/mail"
        said, _ = run(server, where, to, port=drop.port, status=1)
        assert "--delete" in said and "UIDL" in said, said
        drop.cut_after, drop.cuts = 2, 1
        _, events = run(server, where, to, "--delete", port=drop.port)
        assert last(events)["fetched"] == last(events)["deleted"] == 3 and drop.visits == 3, (last(events), drop.visits)
        check(where + "/mail", [1, 2, 3])


def test_slow_server(server):
    """Without PIPELINING one is asked for after the other."""
    with scratch() as where, Maildrop(named(range(1, 21)), caps=("USER", "UIDL", "TOP")) as drop:
        run(server, where, "maildir:" + where + "/mail", "--delete", port=drop.port)
        check(where + "/mail", range(1, 21))


# ---- the disk ----

def test_disk_full(server):
    """A disk that is full in the middle: what did not come to it stays on the server; with room it goes on."""
    if os.geteuid() != 0:
        raise Skip("needs root, to mount a small file system")
    append(server, [text(n) for n in range(1, 301)])
    with scratch() as where:
        os.mkdir(where + "/small")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", where + "/small"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip("cannot mount a tmpfs here")
        try:
            for kind, name in (("maildir", "mail"), ("mbox", "box")):
                said, events = run(server, where, "%s:%s/small/%s" % (kind, where, name), "--delete", status=5)
                assert "No space left" in said and last(events)["error"] == "DISK_FULL" and last(events)["deleted"] == 0, (said, last(events))
                assert on_server(server) == list(range(1, 301))
                if kind == "maildir":
                    assert all(raw == text(n) for n, raw in found(where + "/small/mail"))
                    shutil.rmtree(where + "/small/mail")
                else:
                    assert all(n > 0 for n in mbox_numbers(where + "/small/box"))
            subprocess.run(["mount", "-o", "remount,size=50m", where + "/small"], check=True)
            wait_free(server, where, "mbox:" + where + "/small/box")
            assert sorted(mbox_numbers(where + "/small/box")) == list(range(1, 301)) and on_server(server) == []
        finally:
            subprocess.run(["umount", where + "/small"], check=True)


def test_one_at_a_time(server):
    """Two for the same account to the same place: the second is told."""
    append(server, [text(1)])
    with scratch() as where:
        with subprocess.Popen(arguments(server, where, "command:sleep 3"), stderr=subprocess.DEVNULL,
                              env={**os.environ, "XDG_STATE_HOME": where}) as first:
            time.sleep(1)
            r = subprocess.run(arguments(server, where, "command:sleep 3"), capture_output=True, timeout=60, check=False,
                               env={**os.environ, "XDG_STATE_HOME": where})
            assert r.returncode == 5 and b"another process" in r.stderr, r
            assert first.wait(30) == 0


# ---- Dovecot ----

def plain_text(n):
    """As text(n), with the line ends that a Maildir keeps."""
    return re.sub(rb"\r\n|\n|\r", b"\r\n", text(n))


def check_plain(directory, numbers):
    got = found(directory)
    assert sorted(n for n, _ in got) == sorted(numbers), len(got)
    for n, raw in got:
        assert raw == plain_text(n), (n, raw[:300], plain_text(n)[:300])


def test_dovecot(server):
    """1,000 messages of a Dovecot, byte for byte, by POP3 and by IMAP, over TLS; then those that it killed in the middle of deleting."""
    with Dovecot(server.martlet) as dovecot, scratch() as where:
        for protocol, port in (("pop3", "pop3s"), ("imap", "imaps")):
            dovecot.fill(protocol, [plain_text(n) for n in range(1000)])
            to = "%s/%s" % (where, protocol)
            args = [server.martlet, "fetch", "--protocol", protocol, "--server", "localhost:%d" % dovecot.port(port), "--user", protocol, "--password-file",
                    where + "/password", "--ca-file", dovecot.certificate, "--json", "--to", "maildir:" + to]
            r = subprocess.run(args, capture_output=True, timeout=120, check=False)
            assert r.returncode == 0 and last([json.loads(x) for x in r.stdout.splitlines()])["fetched"] == 1000, (r, dovecot.log())
            check_plain(to, range(1000))
            r = subprocess.run([*args, "--delete"], capture_output=True, timeout=120, check=False)
            assert r.returncode == 0 and last([json.loads(x) for x in r.stdout.splitlines()])["fetched"] == 0, r
            assert dovecot.left(protocol) == 0, (dovecot.left(protocol), r.stdout[-1000:])
            check_plain(to, range(1000))


def test_dovecot_killed(server):
    """kill -9 at 20 random moments of fetching from Dovecot with --delete."""
    killer = Killer(9, 0.3)
    with Dovecot(server.martlet) as dovecot, scratch() as where:
        dovecot.fill("kim", [plain_text(n) for n in range(1000)])
        args = [server.martlet, "fetch", "--protocol", "pop3", "--server", "localhost:%d" % dovecot.port("pop3s"), "--user", "kim", "--password-file",
                where + "/password", "--ca-file", dovecot.certificate, "--to", "maildir:" + where + "/mail", "--delete"]
        for _ in range(20):
            killer.run(args)
            assert dovecot.left("kim") + len(found(where + "/mail")) >= 1000
        for _ in range(150):
            r = subprocess.run(args, capture_output=True, timeout=120, check=False)
            if r.returncode == 0:
                break
            time.sleep(0.2)
        assert r.returncode == 0 and killer.killed > 2 and dovecot.left("kim") == 0, (r, killer.killed, dovecot.log())
        check_plain(where + "/mail", range(1000))


# ---- who logs in, and to whom ----

def with_tls(server, where, *more, host="localhost", status=0, port="pop3s", tls="implicit"):
    args = arguments(server, where, "maildir:" + where + "/mail")
    args[args.index("--tls") + 1] = tls
    args[args.index("--server") + 1] = "%s:%d" % (host, server.port(port))
    args.remove("--insecure")
    for name in [x for x in more if x in args]:
        del args[args.index(name):args.index(name) + 2]
    r = subprocess.run([*args, "--json", *more], capture_output=True, timeout=60, check=False)
    assert r.returncode == status, (r.returncode, r.stdout, r.stderr)
    return r.stderr.decode() + r.stdout.decode()


def test_tls_and_login(server):
    """TLS from the start and by STLS; a certificate that does not verify, no TLS, a wrong password: each has its status, and no message moves."""
    append(server, [text(1)])
    with scratch() as where:
        with open(where + "/ca", "w", encoding="ascii") as f:
            f.write(ssl.DER_cert_to_PEM_cert(certificate_of(server)))
        assert "certificate" in with_tls(server, where, status=11)
        assert "no password is sent" in with_tls(server, where, tls="never", port="pop3", status=1)
        with open(where + "/wrong", "w", encoding="ascii") as f:
            f.write("no\n")
        assert "login" in with_tls(server, where, "--ca-file", where + "/ca", "--password-file", where + "/wrong", status=12)
        assert '"fetched":1' in with_tls(server, where, "--ca-file", where + "/ca")
        check(where + "/mail", [1])
        shutil.rmtree(where + "/mail")
        said = with_tls(server, where, "--ca-file", where + "/ca", "--trace", tls="starttls", port="pop3")
        assert '"fetched":1' in said and "> STLS" in said and "> AUTH SCRAM-SHA-256" in said and "demo" not in said, said
        check(where + "/mail", [1])
        server.stop()
        server.settings = {"tls": expired(server, "old", "localhost")}
        server.start()
        said = with_tls(server, where, "--ca-file", server.settings["tls"]["certificate"], status=11)
        assert "expired" in said, said

# SPDX-License-Identifier: MIT
"""
Mail that goes out while everything dies: peers that take mail, put it off, are slow, die in the middle and refuse; a load that
notes what was answered; kills; and the comparison at the end.

What must hold for each message (named by its Subject), each of its recipients being of this message alone:
  1. Answered with 250: each recipient elsewhere has one fate. It arrived at its peer, or its sender has one notification that names
     it; never none, never both. A recipient here has it once.
  2. Not answered: all of that or nothing.
  3. What arrives is byte for byte what was sent, behind trace headers. Who is refused for good gets a notification, nobody else.
  4. It arrives again only where a process of ours was killed or the peer died meanwhile, and never once it has left the queue.
  5. `martlet fsck` is clean.
"""

import collections
import os
import random
import re
import signal
import smtplib
import threading
import time

from load import body, fetch, fsck, imap_open, ok, subject
from sink import Guest, Sink

ALICE = "alice@example.test"
SETTINGS = {"server": {"hostname": "we.test", "restart_pause": "0s", "stop_grace": "1s"},
            "queue": {"send": "yes", "delay_notice": "0s", "lifetime": "60d", "idle_timeout": "1s", "command_timeout": "20s",
                      "connect_timeout": "5s", "retry_min": "5m", "retry_max": "10m"}}
STEP_MS = 11 * 60000        # more than the longest pause
KINDS = ("taking", "grey", "slow", "dying", "refusing")
ARRIVAL = collections.namedtuple("ARRIVAL", "connected began name is_answered is_right")


# ---- the other side ----

class PeerGuest(Guest):
    """Whole messages are noted; dying peers do not answer one in four of them, and close elsewhere, too."""

    def __init__(self, *args):
        super().__init__(*args)
        self.connected, self.began = time.monotonic(), 0

    def on_mail(self, line):
        self.began = time.monotonic()
        return super().on_mail(line)

    def on_data(self, line):
        if self.sink.kind == "dying" and random.randrange(8) == 0:
            self.say("354 go on")
            self.socket.recv(1)
            return False
        return super().on_data(line)

    def taken(self, body):
        is_answered = self.sink.kind != "dying" or random.randrange(4) != 0
        if self.sink.kind == "slow":
            time.sleep(random.uniform(0, 0.3))
        self.sink.note(self, body, is_answered)
        if is_answered:
            self.say("250 2.0.0 taken")
        return is_answered


class Peer(Sink):
    """The host of one domain, KIND.test."""

    def __init__(self, kind):
        self.kind, self.seen, self.wrong = kind, set(), []
        self.arrivals = collections.defaultdict(list)       # {recipient: [ARRIVAL]}
        self.n_refused = self.n_died = 0
        super().__init__(says={x: self.odd for x in ("greeting", "MAIL", "RCPT", "DATA")}, guest_class=PeerGuest)

    def odd(self, _, line):
        """What it says in place of yes."""
        verb = line.split(" ")[0].upper()
        if self.kind == "slow":
            time.sleep(random.uniform(0, 0.03))
        if self.kind == "dying" and random.randrange(12) == 0:
            self.n_died += 1
            return "-"
        if verb == "RCPT" and self.kind == "grey" and line not in self.seen:
            self.seen.add(line)
            return "450 4.7.1 come again"
        if verb == "RCPT" and self.kind == "refusing" and "<gone" in line:
            self.n_refused += 1
            return "550 5.1.1 nobody of that name"
        return None

    def note(self, guest, raw, is_answered):
        name = subject(raw)
        is_right = raw.startswith(b"Received: ") and raw.endswith(b"\r\n" + sent(name))
        with self.change:
            for line in guest.rcpts:
                to = re.search(r"<(.*?)>", line)[1]
                self.arrivals[to].append(ARRIVAL(guest.connected, guest.began, name, is_answered, is_right))


def sent(name):
    return b"From: <alice@example.test>\r\nMessage-ID: <%s@example.test>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n" % name.encode() + body(name)


# ---- the load ----

class Truth:
    """What was asked and answered, when something was killed, and since when a recipient is known to be out of the queue."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked, self.answered, self.left, self.kills = {}, set(), {}, []

    def elsewhere(self, name):
        return [x for x in self.asked[name] if not x.endswith("@example.test")]


class Outgoing:
    """A server with peers, its load, and its end."""

    def __init__(self, server, rnd):
        self.server, self.rnd, self.truth = server, rnd, Truth()
        self.stop, self.trouble, self.number = threading.Event(), [], 0
        self.peers = {kind: Peer(kind) for kind in KINDS}
        self.shift = 0          # of the clock, since the start of the test

    def __enter__(self):
        server = self.server
        server.stop()
        server.settings = {**SETTINGS, **{'route "%s"' % k: {"domains": k + ".test", "host": "127.0.0.1", "port": str(p.port)}
                                          for k, p in self.peers.items()}}
        server.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for peer in self.peers.values():
            peer.close()

    def recipients(self, name):
        """One to five, at most one in three of one domain, now and then one of us."""
        out = []
        for n in range(random.choice((1, 1, 2, 3, 5))):
            kind = random.choice(KINDS)
            who = "gone" if kind == "refusing" and random.randrange(2) else "x"
            out.append("%s-%s-%d@%s.test" % (who, name, n, kind))
        return out + ["bob@example.test"] * (random.randrange(4) == 0)

    def send(self):
        """Over one connection until it is lost."""
        with smtplib.SMTP("127.0.0.1", self.server.port("submission"), "client.example", 60) as smtp:
            smtp.login(ALICE, "demo")
            while not self.stop.is_set():
                with self.truth.lock:
                    self.number += 1
                    name = "out-%d" % self.number
                    self.truth.asked[name] = to = self.recipients(name)
                refused = smtp.sendmail(ALICE, to, sent(name))
                with self.truth.lock:
                    self.truth.answered.add(name)
                if refused:
                    self.trouble.append("%s: refused %s" % (name, refused))
                time.sleep(random.uniform(0, 0.04))

    def run_send(self):
        while not self.stop.is_set():
            try:
                self.send()
            except (OSError, EOFError, smtplib.SMTPException) as e:
                if isinstance(e, smtplib.SMTPResponseException) and e.smtp_code >= 500:
                    self.trouble.append(repr(e))
                time.sleep(0.05)

    def move_clock(self, minutes_ms):
        """Each new process begins at the real time again, so it is told all of it."""
        mark = len([x for x in self.server.log if " server.start pid=" in x])
        by, self.mark = (self.shift + minutes_ms if mark != self.mark else minutes_ms), mark
        self.shift += minutes_ms
        self.server.control("test.clock", ms=by)

    mark = 0

    def look(self):
        """Moves the clock, and notes who is no longer in the queue; gives how many are. None: the server is not there."""
        with self.truth.lock:
            done = set(self.truth.answered)
        try:
            self.move_clock(STEP_MS)
            waiting = {x["to"] for x in self.server.control("queue.list")}
        except (OSError, ValueError, AssertionError):
            return None
        now = time.monotonic()
        for name in done:
            for to in self.truth.elsewhere(name):
                if to not in waiting:
                    self.truth.left.setdefault(to, now)
        return len(waiting)

    # ---- deaths ----

    def kill(self):
        self.truth.kills.append(kill_part(self.server, self.rnd.choice(PARTS), self.server.start))

    def run(self, kills):
        """Load and kills, then calm until the queue is empty."""
        threads = [threading.Thread(target=self.run_send) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            for _ in range(kills):
                end = time.monotonic() + self.rnd.uniform(0.1, 1.2)
                while time.monotonic() < end:
                    self.look()
                    time.sleep(0.05)
                self.kill()
        finally:
            self.stop.set()
            for t in threads:
                t.join(120)
        end = time.monotonic() + 120
        while (left := self.look()) != 0:
            if time.monotonic() > end:
                self.trouble.append("%s recipients are still in the queue: %s" % (left, self.server.control("queue.list")[:3]))
                break
            time.sleep(0.1)
        time.sleep(0.5)         # whatever still comes, comes twice

    # ---- what came of it ----

    def notified(self):
        """{recipient: how many notifications name it as failed}, and notifications of another kind."""
        told, odd = collections.Counter(), []
        for raw in self.mailbox("alice").values():
            if b"message/delivery-status" not in raw:
                odd.append("not a notification: %r" % raw[:300])
                continue
            for block in raw.split(b"message/delivery-status", 1)[1].split(b"\r\n\r\n"):
                to = re.search(rb"^Final-Recipient: *rfc822; *(\S+)", block, re.M | re.I)
                if to and re.search(rb"^Action: *failed", block, re.M | re.I):
                    told[to[1].decode()] += 1
        return told, odd

    def mailbox(self, account):
        imap = imap_open(self.server, account)
        ok(imap.select("INBOX"))
        found = fetch(imap, "BODY.PEEK[]")
        imap.logout()
        return found

    def arrivals(self):
        """Of each recipient, in the order of the processes that sent them: a slow peer still reads what a dead one had sent."""
        kills = self.truth.kills
        return {to: sorted(times, key=lambda x: (sum(begin < x.connected for begin, _ in kills), x.began))
                for peer in self.peers.values() for to, times in peer.arrivals.items()}

    def lost(self):
        """{recipient: how often the server process was told that a sender died with it}. It is told so as well of what it hands over
        before it hears of the death, which the next sender then has."""
        return collections.Counter(re.search(r" to=(\S+)", x)[1] for x in self.server.log
                                   if " queue.attempt " in x and "the sending process ended" in x)

    def fate(self, name, here, arrived, told):
        """What is wrong with one message."""
        n_here = here[name]
        fates = {to: (len(arrived.get(to, ())), told[to]) for to in self.truth.elsewhere(name)}
        wrong = []
        has_any = n_here or any(a or t for a, t in fates.values())
        if name not in self.truth.answered and not has_any:
            return wrong
        if n_here != ("bob@example.test" in self.truth.asked[name]):
            wrong.append("%s: %d times at bob's" % (name, n_here))
        for to, (n_arrived, n_told) in fates.items():
            if (n_arrived > 0, n_told) != ((False, 1) if to.startswith("gone-") else (True, 0)):
                wrong.append("%s, %s: arrived %d times, %d notifications" % (name, to, n_arrived, n_told))
        return wrong

    def again(self, to, times, lost):
        """What is wrong with the times at which it arrived at one recipient."""
        wrong = ["%s: other bytes than were sent" % to for x in times if not x.is_right]
        if to in self.truth.left and times[-1].began > self.truth.left[to]:
            wrong.append("%s: came after it had left the queue" % to)
        for first, second in zip(times, times[1:]):
            is_cut = any(first.connected <= end and begin <= second.began for begin, end in self.truth.kills)
            if first.is_answered and not is_cut and not lost:
                wrong.append("%s: came twice, and nobody was killed: %s" % (to, times))
        return wrong

    def check(self):
        here = collections.Counter(subject(raw) for raw in self.mailbox("bob").values())
        arrived, lost, (told, wrong) = self.arrivals(), self.lost(), self.notified()
        for name in self.truth.asked:
            wrong += self.fate(name, here, arrived, told)
        for to, times in arrived.items():
            wrong += self.again(to, times, lost[to])
        self.words = "%d messages answered, %d recipients elsewhere, %d returned, %d arrivals again, %d of them for lack of an answer; %d kills" % (
            len(self.truth.answered), sum(len(self.truth.elsewhere(x)) for x in self.truth.answered), sum(told.values()),
            sum(len(x) - 1 for x in arrived.values()), sum(not y.is_answered for x in arrived.values() for y in x[:-1]),
            len(self.truth.kills))
        return wrong + self.trouble + fsck(self.server)

    words = ""


PARTS = ("server", "sender", "sender", "both", "service", "supervisor")


def pids(server):
    """The server process, and the sender."""
    out = []
    for event in ("server.start", "sender.start"):
        found = [int(x.split(" pid=")[1].split()[0]) for x in server.log if " %s pid=" % event in x]
        out.append(found[-1] if found and is_there(found[-1]) else None)
    return out


def kill_part(server, what, start):
    """Kills one of PARTS; when the server is there again gives the times of both. start() brings it back without its supervisor."""
    process, (main, sender) = server.process, pids(server)
    targets = {"server": [main], "sender": [sender], "both": [sender, main], "service": [process.pid, main, sender],
               "supervisor": [process.pid]}[what]
    mark, began, all_of_it = len(server.log), time.monotonic(), children(process.pid)
    for pid in filter(None, targets):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if process.pid in targets:      # a service manager waits for all of them, too
        process.wait(30)
        wait_gone(all_of_it)
        start()
    elif main in targets and main:
        server.wait_log("server.start", {}, 60, mark)
    return began, time.monotonic()


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


def is_there(pid):
    """And not only waiting for somebody who asks how it ended; its first thread may be that while others still hold its ports."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            state = f.read().rsplit(")", 1)[1].split()[0]
        return state != "Z" or len(os.listdir("/proc/%d/task" % pid)) > 1
    except OSError:
        return False


def wait_gone(pids, seconds=30):
    end = time.monotonic() + seconds
    while any(map(is_there, pids)):
        assert time.monotonic() < end, "a process stays without its supervisor"
        time.sleep(0.01)

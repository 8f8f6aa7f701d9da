# SPDX-License-Identifier: MIT
"""
Several sessions in one mailbox do random things, and each keeps the list that RFC 9051 5.2 and 7.5.1 promise it: sequence
numbers mean what they meant until EXPUNGE says otherwise, and EXPUNGE never comes while FETCH, STORE or SEARCH run. Half of them
have said NOTIFY with SELECTED-DELAYED (RFC 5465 6.1.2), which must not change that. One does nothing but listen (SELECTED), and knows everything all the same.
"""

import random
import re
import smtplib
import threading
import time

from script import Actor, message

SECONDS = 4
ENOUGH = 50         # else it goes on, on a busy machine
QUIET = ("FETCH", "STORE", "SEARCH")        # RFC 9051 7.5.1


class Session:
    """What one client was told: self.uids[i] is the UID of message i + 1, None as long as it does not know."""

    def __init__(self, server, number):
        self.random = random.Random(number)
        self.uids, self.trail = [], []
        self.actor = Actor(server, "imap")
        self.actor.login("bob")
        if number % 2:
            assert self.run("NOTIFY SET (selected-delayed (MessageNew (UID) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))")
        self.run("SELECT INBOX")

    def told(self, line, command):
        m = re.match(r"\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)", line)
        if not m:
            return
        n = int(m.group(1))
        if m.group(2) == "EXISTS":
            assert n >= len(self.uids), "EXISTS shrinks"
            self.uids += [None] * (n - len(self.uids))
        elif m.group(2) == "EXPUNGE":
            assert command.split(" ")[0] not in QUIET, "EXPUNGE while %s" % command
            assert 1 <= n <= len(self.uids), "EXPUNGE %d of %d" % (n, len(self.uids))
            del self.uids[n - 1]
        else:
            assert 1 <= n <= len(self.uids), "FETCH %d of %d" % (n, len(self.uids))
            uid = re.search(r"UID (\d+)", m.group(3))
            if uid:
                assert self.uids[n - 1] in (None, int(uid.group(1))), "message %d was %s" % (n, self.uids[n - 1])
                self.uids[n - 1] = int(uid.group(1))
                known = [x for x in self.uids if x]
                assert known == sorted(set(known)), "UIDs do not ascend"

    def run(self, command, literal=b""):
        if command == "SELECT INBOX":
            self.uids = []
        self.trail.append("> " + command)
        self.actor.send(b"t %s%s\r\n" % (command.encode(), b" {%d+}\r\n%s" % (len(literal), literal) if literal else b""))
        while True:
            line = self.actor.line()
            self.trail.append(line)
            try:
                self.told(line, command)
            except AssertionError as e:
                raise AssertionError("%s\n%s" % (e, "\n".join(self.trail[-40:]))) from None
            if line.startswith("t "):
                assert not line.startswith("t BAD"), "\n".join(self.trail[-10:])
                return line.startswith("t OK")

    def some(self):
        """A sequence set of what is there."""
        a, b = sorted(self.random.randint(1, len(self.uids)) for _ in range(2))
        return "%d:%d" % (a, min(b, a + 4))

    def some_uids(self):
        known = [x for x in self.uids if x]
        return ",".join(str(x) for x in self.random.sample(known, min(3, len(known)))) if known else "1"

    def step(self):
        choice = self.random.randrange(12)
        if choice < 2 or not self.uids:
            self.run("APPEND INBOX", message("simple.eml"))
        elif choice == 2:
            self.run("FETCH %s (UID FLAGS)" % self.some())
        elif choice == 3:
            self.run("STORE %s +FLAGS (\\Deleted)" % self.some())
        elif choice == 4:
            self.run("STORE %s FLAGS.SILENT (\\Seen word%d)" % (self.some(), self.random.randrange(9)))
        elif choice == 5:
            self.run("EXPUNGE")
        elif choice == 6:
            self.run("SEARCH UNSEEN %s" % self.some())
        elif choice == 7:
            self.run("UID FETCH %s (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])" % self.some_uids())
        elif choice == 8:
            self.run("UID MOVE %s Archive" % self.some_uids())
        elif choice == 9:
            self.run("COPY %s INBOX" % self.some())
        elif choice == 10:
            self.run("UID STORE %s -FLAGS (\\Deleted)" % self.some_uids())
        else:
            self.run("NOOP")


class Listener(Session):
    """Knows the UIDs and flags of all messages, from nothing but NOTIFY."""

    def __init__(self, server):
        super().__init__(server, 1000)
        self.flags = {}
        self.faults, self.told_flags = [], threading.Condition()
        assert self.run("NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))")
        self.run("UID FETCH 1:* (FLAGS)")
        threading.Thread(target=self.listen, daemon=True).start()

    def told(self, line, command):
        super().told(line, command)
        m = re.match(r"\* \d+ FETCH .*UID (\d+).*FLAGS \(([^)]*)\)", line)
        if m and hasattr(self, "flags"):
            self.flags[int(m.group(1))] = sorted(set(m.group(2).split()) - {"\\Recent"})

    def listen(self):
        while True:
            try:
                line = self.actor.line()
            except Exception:   # pylint: disable=broad-except
                return          # closed
            with self.told_flags:
                try:
                    self.told(line, "NOOP")
                except AssertionError as e:
                    self.faults.append(e)
                self.told_flags.notify_all()

    def knows(self, uids, flags):
        end = time.monotonic() + 60
        with self.told_flags:
            while not self.faults and (self.uids != uids or {x: self.flags.get(x) for x in uids} != flags):
                if not self.told_flags.wait(max(0, end - time.monotonic())):
                    raise AssertionError("the listener has %r %r, there is %r %r" % (self.uids, self.flags, uids, flags))
        assert not self.faults, self.faults[0]


def n_told(session):
    return sum(len(x) > 1 for x in session.trail)


def flags_of(session):
    """UID -> flags, as FETCH has them."""
    mark = len(session.trail)
    session.run("UID FETCH 1:* (FLAGS)")
    found = [re.search(r"UID (\d+) FLAGS \(([^)]*)\)", x) for x in session.trail[mark:]]
    return {int(m.group(1)): sorted(set(m.group(2).split()) - {"\\Recent"}) for m in found if m}


def test_sessions_agree(server):
    listener = Listener(server)
    sessions = [Session(server, n) for n in range(4)]
    faults = []
    end = time.monotonic() + SECONDS

    def play(session):
        try:
            while not faults and (time.monotonic() < end or n_told(session) <= ENOUGH and time.monotonic() < end + 60):
                session.step()
        except Exception as e:  # pylint: disable=broad-except
            faults.append(e)
    threads = [threading.Thread(target=play, args=(s,)) for s in sessions]
    for t in threads:
        t.start()
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=30) as c:
        while any(t.is_alive() for t in threads):
            c.sendmail("carol@example.org", ["bob@example.test"], message("simple.eml"))
            time.sleep(0.02)
    for t in threads:
        t.join()
    if faults:
        raise AssertionError(str(faults[0]))
    last = Session(server, 98)
    last.run("UID FETCH 1:* (UID)")
    listener.knows(last.uids, flags_of(last))
    for s in sessions:
        s.run("NOOP")
        s.run("UID FETCH 1:* (UID)")
        assert s.uids == last.uids, (s.uids, last.uids)
        assert n_told(s) > ENOUGH

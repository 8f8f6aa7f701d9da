# SPDX-License-Identifier: MIT
"""
A client that keeps the results of its searches by what it is told (RFC 5267 4.3), while another session changes the
mailbox at random: its lists are what the same searches answer when they are made again.
"""

import random
import re

from script import Actor

STEPS = 150
SEARCHES = {
    "u1": ("UID SEARCH", "", "UNDELETED"),
    "u2": ("UID SEARCH", "", "OR KEYWORD word1 SUBJECT b"),
    "u3": ("UID SORT", "(SUBJECT) UTF-8 ", "ALL"),
    "u4": ("UID SORT", "(REVERSE SIZE SUBJECT) UTF-8 ", "UNSEEN"),
    "u5": ("UID SORT", "(REVERSE DATE FROM) UTF-8 ", "NOT (KEYWORD word1 SEEN)"),
    "n1": ("SEARCH", "", "FLAGGED"),
    "n2": ("SORT", "(SUBJECT REVERSE ARRIVAL) UTF-8 ", "UNFLAGGED"),
}


def expand(text):
    out = []
    for part in text.split(",") if text else []:
        lo, _, hi = part.partition(":")
        assert not hi or int(lo) < int(hi), "RFC 5267 3.2: " + text
        out += range(int(lo), int(hi or lo) + 1)
    return out


class Client:
    def __init__(self, server):
        self.actor = Actor(server, "imap")
        self.actor.login("bob")
        self.uids = []          # by message number
        self.lists = {}
        self.trail = []

    def change(self, tag, kind, payload):
        words = payload.split(" ")
        is_sort = "SORT" in SEARCHES[tag][0]
        at = self.lists[tag]
        for pos, numbers in zip(map(int, words[::2]), map(expand, words[1::2])):
            if not tag.startswith("u"):
                numbers = [self.uids[n - 1] for n in numbers]
            assert (pos > 0) == is_sort
            if kind == "ADDTO" and is_sort:
                assert pos <= len(at) + 1
                at[pos - 1:pos - 1] = numbers
            elif kind == "ADDTO":
                at[:] = sorted(at + numbers)
            elif is_sort:
                assert at[pos - 1:pos - 1 + len(numbers)] == numbers, (at, pos, numbers)
                del at[pos - 1:pos - 1 + len(numbers)]
            else:
                for n in numbers:
                    at.remove(n)
            assert len(set(at)) == len(at)

    def told(self, line):
        m = re.match(r"\* (\d+) (EXISTS|EXPUNGE)", line)
        if m and m.group(2) == "EXISTS":
            self.uids += [None] * (int(m.group(1)) - len(self.uids))
            self.number()
        elif m:
            del self.uids[int(m.group(1)) - 1]
        m = re.match(r'\* ESEARCH \(TAG "(\w+)"\)', line)
        if m and m.group(1) in self.lists:
            for kind, payload in re.findall(r"(ADDTO|REMOVEFROM) \(([^)]*)\)", line):
                self.change(m.group(1), kind, payload)

    def number(self):
        """New messages have the next UIDs; nothing is deleted before it was told here."""
        for i, uid in enumerate(self.uids):
            if uid is None:
                self.uids[i] = self.next_uid
                self.next_uid += 1

    def run(self, tag, command):
        self.trail.append("> %s %s" % (tag, command))
        self.actor.send(b"%s %s\r\n" % (tag.encode(), command.encode()))
        found = ""
        while True:
            line = self.actor.line()
            self.trail.append(line)
            self.told(line)
            m = re.match(r'\* ESEARCH \(TAG "%s"\).* ALL (\S+)' % tag, line)
            if m:
                found = m.group(1)
            if line.startswith(tag + " "):
                assert line.startswith(tag + " OK"), line
                return expand(found)

    def search(self, tag, name, option):
        command, order, keys = SEARCHES[name]
        return self.run(tag, "%s RETURN (%s) %s%s" % (command, option, order, keys))

    def begin(self):
        self.next_uid = 1
        self.run("s", "SELECT INBOX")
        for name in SEARCHES:
            found = self.search(name, name, "UPDATE ALL")
            self.lists[name] = found if name.startswith("u") else [self.uids[n - 1] for n in found]

    def check(self):
        for name in SEARCHES:
            found = self.search("c", name, "ALL")
            if not name.startswith("u"):
                found = [self.uids[n - 1] for n in found]
            assert found == self.lists[name], (name, found, self.lists[name])


def append(actor, r):
    text = b"Subject: %s\r\nFrom: %s@x.example\r\nDate: Mon, %02d Mar 2020 10:00:00 +0000\r\n\r\n%s\r\n" % (
        r.choice([b"a", b"b", b"Re: b", b"c", b"d e"]), r.choice([b"x", b"y"]), r.randint(1, 9), b"x" * r.randint(1, 5))
    actor.send(b"t APPEND INBOX {%d+}\r\n%s\r\n" % (len(text), text))
    wait(actor)


def wait(actor):
    line = actor.line()
    while not line.startswith("t "):
        line = actor.line()
    assert line.startswith("t OK"), line


def step(actor, client, r):
    uid = r.choice(client.uids) if client.uids else 1
    choice = r.randrange(9)
    if choice < 3:
        for _ in range(r.choice([1, 1, 2, 6])):
            append(actor, r)
        return
    if choice < 7:
        actor.send(b"t UID STORE %d:%d %sFLAGS.SILENT (%s)\r\n" % (
            uid, uid + r.randint(0, 5), r.choice([b"+", b"-"]), r.choice([b"\\Seen", b"\\Flagged", b"word1", b"\\Deleted"])))
    elif choice == 7:
        actor.send(b"t UID STORE %d +FLAGS.SILENT (\\Deleted)\r\n" % uid)
        wait(actor)
        actor.send(b"t UID EXPUNGE %d\r\n" % uid)
    else:
        actor.send(b"t NOOP\r\n")
    wait(actor)


def test_lists_stay_right(server):
    r = random.Random(5)
    other = Actor(server, "imap")
    other.login("bob")
    other.send(b"t SELECT INBOX\r\n")
    wait(other)
    client = Client(server)
    client.begin()
    try:
        for i in range(STEPS):
            for _ in range(r.randint(1, 3)):
                step(other, client, r)
            # FETCH tells all but expunges
            client.run("n", "NOOP" if r.randrange(3) else "FETCH 1:* (UID)" if client.uids else "NOOP")
            if i % 10 == 9:
                client.run("n", "NOOP")
                client.check()
    except AssertionError as e:
        raise AssertionError("%s\n%s" % (e, "\n".join(client.trail[-30:]))) from None
    assert sum("ADDTO" in x for x in client.trail) > 100
    assert sum("REMOVEFROM" in x for x in client.trail) > 100

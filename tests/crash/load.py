# SPDX-License-Identifier: MIT
"""
The load of the crash tests and the truth about it: clients of all protocols that note what they asked and what was answered,
and the comparison of that with what is there afterwards.

What must hold, for each account and message (named by its Subject):
  1. It is there at least as often as additions were answered with success, less the removals that were asked for; and at most
     as often as additions were asked for, less the removals that were answered. So: answered once, there once; not answered,
     there as often as it was sent at most; answered as removed, gone. A refused command counts as not asked.
  2. A UID that APPENDUID or COPYUID named, or that was seen, holds that message in that mailbox unless its removal was asked
     for; a UID whose removal was answered never comes back; MOVE and REPLACE are both halves or none, MULTIAPPEND all or none.
  3. Every message is byte for byte what was sent, behind trace headers when it came by SMTP.
  4. `martlet fsck` is clean.
"""

import collections
import imaplib
import os
import poplib
import random
import re
import signal
import smtplib
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

from server import Server, Skip  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import

# Housekeeping all the time, without grace, that moves what is alive out of each pack that has anything dead.
EAGER = {"store": {"housekeeping": "10ms", "expunge_grace": "0s", "compact_percent": "1", "compact_rate": "0",
                   "pack_size": "256K"}}
MAILBOXES = {"bob": ("INBOX", "in", "out", "draft"), "alice": ("INBOX",)}
KEPT = 6                # messages in the mailbox "kept"
LOST = (OSError, EOFError, imaplib.IMAP4.abort)


class Refused(Exception):
    """An answer that says no."""


def body(name):
    """The message of that name, always the same one: lines with dots in front, now and then a large one."""
    rnd = random.Random(name)
    size = rnd.choice((10, 200, 1000, 1000, 4000, 20000, 60000)) + rnd.randrange(100)
    if rnd.randrange(100) == 0:
        size = 1200000
    text = rnd.randbytes(size // 2).hex()
    step = rnd.randrange(20, 78)
    lines = [rnd.choice(("", "", ".", "..")) + text[i:i + step] for i in range(0, len(text), step)]
    return ("Subject: %s\r\n\r\n%s\r\n" % (name, "\r\n".join(lines))).encode()


class Truth:
    """What may and must be there. One lock; every client notes before it asks and after it was answered."""

    def __init__(self):
        self.lock = threading.RLock()
        self.there = collections.Counter()      # (account, name): as often as at the beginning of the round
        self.uids = {}                          # (account, mailbox, uid): name, must be there
        self.gone = set()                       # (account, mailbox, uid): must not
        self.clear()

    def clear(self):
        self.added, self.adding = collections.Counter(), collections.Counter()
        self.removed, self.removing = collections.Counter(), collections.Counter()
        self.came = {}                          # UIDs that answers named, and those that were seen
        self.leaving = set()                    # UIDs whose removal was asked for
        self.one = {}                           # (keys that come together): those that go then; not answered yet

    def begin_add(self, *keys):
        with self.lock:
            self.adding.update(keys)

    def end_add(self, *keys, is_done=True):
        with self.lock:
            if is_done:
                self.added.update(keys)
            else:
                self.adding.subtract(keys)

    def begin_remove(self, keys, uids=None):
        """uids None: not known, any of those that hold it."""
        with self.lock:
            self.removing.update(keys)
            if uids is None:
                uids = [x for x, name in self.uids.items() if (x[0], name) in keys]
            for uid in uids:
                self.uids.pop(uid, None)
                self.came.pop(uid, None)
            self.leaving.update(uids)

    def end_remove(self, keys, uids=(), is_done=True):
        with self.lock:
            if is_done:
                self.removed.update(keys)
                self.gone.update(uids)
            else:
                self.removing.subtract(keys)

    def begin_one(self, coming, going=()):
        """All of it happens or nothing; until end_one() nobody else touches these, and their names are of no other message."""
        with self.lock:
            self.one[tuple(coming)] = tuple(going)

    def end_one(self, coming):
        with self.lock:
            self.one.pop(tuple(coming))

    def name_uids(self, names):
        with self.lock:
            self.came.update({uid: name for uid, name in names.items() if uid not in self.leaving})

    def check(self, found):
        """found: {(account, mailbox, uid): name}. Gives back what is wrong, and takes over what is there."""
        wrong = []
        count = collections.Counter((uid[0], name) for uid, name in found.items())
        for key in set(count) | set(self.there) | set(self.adding):
            low = self.there[key] + self.added[key] - self.removing[key]
            high = self.there[key] + self.adding[key] - self.removed[key]
            if not max(low, 0) <= count[key] <= high:
                wrong.append("%s: there %d times, must be %d to %d" % (key, count[key], low, high))
        for coming, going in self.one.items():
            if len({count[key] for key in coming} | {1 - count[key] for key in going}) != 1:
                wrong.append("%s for %s: done by half" % (coming, going))
        for uid, name in {**self.uids, **self.came}.items():
            if found.get(uid) != name:
                wrong.append("%s: holds %s, must hold %s" % (uid, found.get(uid), name))
        wrong += ["%s: came back" % (uid,) for uid in self.gone if uid in found]
        self.there, self.uids = count, dict(found)
        self.clear()
        return wrong


# ---- clients ----

def is_lost(e):
    """No answer came: the connection ended first. poplib says so with a text where the server's answers are bytes."""
    if isinstance(e, smtplib.SMTPException):    # all of these are OSErrors, too
        return isinstance(e, smtplib.SMTPServerDisconnected)
    return isinstance(e, LOST) or (isinstance(e, poplib.error_proto) and isinstance(e.args[0], str))


def is_refusal(e):
    """The server said no; what was wrong with the test itself is an AssertionError."""
    return not is_lost(e) and isinstance(e, (Refused, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto))


def imap_open(server, account):
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login(account + "@example.test", "demo")
    return imap


def ok(answer):
    """The data of an IMAP answer OK."""
    typ, data = answer
    if typ != "OK":
        raise Refused(data)
    return data


def command(imap, words, *literals):
    """A command that imaplib does not know, with literals at its end."""
    # pylint: disable=protected-access
    tag = imap._new_tag()
    imap.untagged_responses.pop("APPENDUID", None)
    imap.send(tag + b" " + words.encode() + b"".join(b" {%d+}\r\n%s" % (len(x), x) for x in literals) + b"\r\n")
    return imap._command_complete(words, tag)


def fetch(imap, what="BODY.PEEK[HEADER.FIELDS (SUBJECT)]", uids="1:*"):
    """{uid: bytes}"""
    data = ok(imap.uid("FETCH", uids, "(%s)" % what))
    return {int(re.search(rb"UID (\d+)", x[0]).group(1)): x[1] for x in data if isinstance(x, tuple)}


def subject(raw):
    return re.search(rb"^Subject: (\S+)", raw, re.M).group(1).decode()


def uid_list(text):
    """1,4:6 -> [1, 4, 5, 6]"""
    out = []
    for piece in text.split(","):
        low, _, high = piece.partition(":")
        out += range(int(low), int(high or low) + 1)
    return out


class Load:
    """
    The clients of one run. Each ends its round when it is told to; when its connection is lost, it ends too, or connects again
    (is_stubborn). Refusals are trouble unless `refusals` counts them (0, not None).
    """

    def __init__(self, server, truth, rnd):
        self.server, self.truth, self.rnd = server, truth, rnd
        self.stop = threading.Event()
        self.number, self.lock = 0, threading.Lock()
        self.unanswered = collections.deque()
        self.trouble = []
        self.is_stubborn, self.refusals = False, None
        self.pause = 0                          # seconds after each command that changes something, at most

    def name(self, kind):
        with self.lock:
            self.number += 1
            return "%s-%d" % (kind, self.number)

    def run(self, client):
        while not self.stop.is_set():
            try:
                client()
            except Exception as e:      # pylint: disable=broad-except
                if is_lost(e) and not self.is_stubborn:
                    return
                if is_refusal(e) and self.refusals is not None:
                    self.refusals += 1
                elif not is_lost(e):
                    self.trouble.append("%s: %s: %s" % (client.__name__, type(e).__name__, e))
                    return
                time.sleep(0.02)

    def rest(self):
        if self.pause:
            time.sleep(random.uniform(0, self.pause))

    def send(self):
        """SMTP; what was not answered in an earlier round is sometimes sent again, as other servers do."""
        with smtplib.SMTP("127.0.0.1", self.server.port("smtp"), "client.example", 60) as smtp:
            while not self.stop.is_set():
                again = self.unanswered.popleft() if self.unanswered and random.randrange(2) else None
                name, to = again or (self.name("smtp"), random.choice((["bob"], ["alice"], ["bob", "alice"])))
                self.truth.begin_add(*((x, name) for x in to))
                try:
                    refused = smtp.sendmail("carol@example.org", [x + "@example.test" for x in to], body(name))
                except (OSError, EOFError) as e:
                    if is_lost(e):
                        self.unanswered.append((name, to))
                    else:
                        self.truth.end_add(*((x, name) for x in to), is_done=False)
                    raise
                for x in to:
                    self.truth.end_add((x, name), is_done=x + "@example.test" not in refused)
                self.rest()

    def append(self):
        imap = imap_open(self.server, "bob")
        while not self.stop.is_set():
            name = self.name("append")
            box = random.choice(("INBOX", "in"))
            self.truth.begin_add(("bob", name))
            answer = imap.append(box, None, None, body(name))
            self.truth.end_add(("bob", name), is_done=answer[0] == "OK")
            uid = int(re.search(rb"APPENDUID \d+ (\d+)", ok(answer)[0]).group(1))
            self.truth.name_uids({("bob", box, uid): name})
            self.rest()
        imap.logout()

    def some(self, imap, box, part=(0, 1)):
        """A few messages of a mailbox of bob's, {uid: name}; part: of those UIDs only, so that no other client takes them."""
        ok(imap.select(box))
        have = {u: subject(raw) for u, raw in fetch(imap).items()}
        self.truth.name_uids({("bob", box, u): name for u, name in have.items()})
        mine = [u for u in sorted(have) if u % part[1] == part[0]]
        if not mine:
            time.sleep(0.02)
        return {u: have[u] for u in random.sample(mine, random.randint(min(1, len(mine)), min(8, len(mine))))}

    def carry(self, verb, src, dst, part=(0, 1)):
        """MOVE or COPY of some messages."""
        imap = imap_open(self.server, "bob")
        while not self.stop.is_set():
            have = self.some(imap, src, part)
            uids = sorted(have)
            if not uids:
                continue
            keys = [("bob", have[u]) for u in uids]
            places = [("bob", src, u) for u in uids]
            self.truth.begin_add(*keys)
            if verb == "MOVE":
                self.truth.begin_remove(keys, places)
            imap.untagged_responses.pop("COPYUID", None)
            answer = imap.uid(verb, ",".join(map(str, uids)), dst)
            self.truth.end_add(*keys, is_done=answer[0] == "OK")
            if verb == "MOVE":
                self.truth.end_remove(keys, places, is_done=answer[0] == "OK")
            ok(answer)
            copied = imap.response("COPYUID")[1][-1].decode().split()
            to = zip(uid_list(copied[1]), uid_list(copied[2]))
            self.truth.name_uids({("bob", dst, new): have[old] for old, new in to})
            self.rest()
        imap.logout()

    def move(self):
        self.carry("MOVE", "INBOX", "out", (0, 2))

    def move_odd(self):
        self.carry("MOVE", "INBOX", "out", (1, 2))

    def copy(self):
        self.carry("COPY", "in", "in")

    def drafts(self):
        """MULTIAPPEND to a mailbox of its own, then REPLACE of each, there or into another mailbox."""
        kind = "draft%d" % random.randrange(10**9)
        imap = imap_open(self.server, "bob")
        ok(imap.select("draft"))
        while not self.stop.is_set():
            names = [self.name(kind) for _ in range(random.randint(2, 4))]
            keys = [("bob", x) for x in names]
            self.truth.begin_one(keys)
            self.truth.begin_add(*keys)
            answer = command(imap, "APPEND draft", *map(body, names))
            self.truth.end_one(keys)
            self.truth.end_add(*keys, is_done=answer[0] == "OK")
            uids = uid_list(re.search(rb"APPENDUID \d+ ([\d:,]+)", ok(answer)[0]).group(1).decode())
            self.truth.name_uids({("bob", "draft", u): x for u, x in zip(uids, names)})
            self.rest()
            for uid, name in zip(uids, names):
                self.replace(imap, uid, name, self.name(kind), random.choice(("draft", "out")))
        imap.logout()

    def replace(self, imap, uid, old, new, box):
        key, old_key, place = ("bob", new), ("bob", old), ("bob", "draft", uid)
        if box == "draft":      # elsewhere others may take it away again
            self.truth.begin_one([key], [old_key])
        self.truth.begin_add(key)
        self.truth.begin_remove([old_key], [place])
        answer = command(imap, "UID REPLACE %d %s" % (uid, box), body(new))
        if box == "draft":
            self.truth.end_one([key])
        self.truth.end_add(key, is_done=answer[0] == "OK")
        self.truth.end_remove([old_key], [place], is_done=answer[0] == "OK")
        ok(answer)
        self.truth.name_uids({("bob", box, int(imap.response("APPENDUID")[1][-1].split()[1])): new})
        self.rest()

    def expunge(self):
        imap = imap_open(self.server, "bob")
        while not self.stop.is_set():
            have = self.some(imap, "out")
            uids = sorted(have)
            if not uids:
                continue
            keys, places = [("bob", have[u]) for u in uids], [("bob", "out", u) for u in uids]
            text = ",".join(map(str, uids))
            ok(imap.uid("STORE", text, "+FLAGS.SILENT", r"(\Deleted)"))
            self.truth.begin_remove(keys, places)
            answer = imap.uid("EXPUNGE", text)
            self.truth.end_remove(keys, places, is_done=answer[0] == "OK")
            ok(answer)
            self.rest()
        imap.logout()

    def pop3(self):
        pop = poplib.POP3("127.0.0.1", self.server.port("pop3"), timeout=60)
        pop.user("alice@example.test")
        try:
            pop.pass_("demo")
        except poplib.error_proto as e:
            if is_lost(e) or b"[IN-USE]" not in e.args[0]:
                raise
            pop.close()
            time.sleep(0.02)
            return
        keys = []
        for number in range(1, min(6, len(pop.list()[1]) + 1)):
            if random.randrange(3):
                raw = b"\r\n".join(pop.retr(number)[1]) + b"\r\n"
                assert raw.endswith(body(subject(raw))), "RETR of %s" % subject(raw)
                pop.dele(number)
                keys.append(("alice", subject(raw)))
        self.truth.begin_remove(keys)
        try:
            pop.quit()
        except poplib.error_proto as e:
            if not is_lost(e):
                self.truth.end_remove(keys, is_done=False)
            raise
        self.truth.end_remove(keys)
        self.rest()

    def clients(self):
        some = [self.send] * 4 + [self.append] * 2 + [self.move, self.move_odd, self.copy, self.drafts, self.expunge, self.pop3]
        if self.rnd.randrange(2):
            some.remove(self.copy)
        return some

    def round(self, disturb):
        """Starts all clients, calls disturb(), which ends them with `stop`, and waits for them."""
        self.stop.clear()
        threads = [threading.Thread(target=self.run, args=(x,)) for x in self.clients()]
        for t in threads:
            t.start()
        try:
            disturb(self.stop)
        finally:
            self.stop.set()
            for t in threads:
                t.join(120)
        assert not any(t.is_alive() for t in threads), "a client hangs"


# ---- what is there ----

def make_mailboxes(server):
    imap = imap_open(server, "bob")
    for box in MAILBOXES["bob"][1:]:
        ok(imap.create(box))
    imap.logout()


def make_kept(server):
    """A mailbox of a few messages that stay."""
    imap = imap_open(server, "bob")
    ok(imap.create("kept"))
    for i in range(KEPT):
        ok(imap.append("kept", None, None, body("kept-%d" % i)))
    imap.logout()


def rest_after(server, number, every=5):
    """After some rounds an orderly stop and a new start, so that the supervisor does not take longer and longer to bring back
    what ends again and again."""
    if number % every == 0:
        server.stop()
        server.start()


def kill(server):
    """kill -9 of the server process; whether there was one."""
    try:
        os.kill(server.server_pid(), signal.SIGKILL)
        return True
    except (IndexError, ProcessLookupError):
        return False


def look(server):
    """Reads all mail: {(account, mailbox, uid): name}, and what is not as it was sent."""
    found, wrong = {}, []
    for account, boxes in MAILBOXES.items():
        imap = imap_open(server, account)
        for box in boxes:
            ok(imap.select(box))
            for uid, raw in fetch(imap, "BODY.PEEK[]").items():
                name = subject(raw)
                found[account, box, uid] = name
                sent = body(name)
                if raw != sent and not (name.startswith("smtp") and raw.endswith(b"\r\n" + sent)):
                    wrong.append("%s: %s is not what was sent" % ((account, box, uid), name))
        imap.logout()
    return found, wrong


def keep_few(server, truth, found, keep):
    """Empties the mailboxes that hold more than that."""
    for account, boxes in MAILBOXES.items():
        for box in boxes:
            full = {x: name for x, name in found.items() if x[:2] == (account, box)}
            if len(full) <= keep:
                continue
            imap = imap_open(server, account)
            ok(imap.select(box))
            ok(imap.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)"))
            ok(imap.expunge())
            imap.logout()
            for x, name in full.items():
                truth.there[account, name] -= 1
                truth.gone.add(x)
                truth.uids.pop(x)


def fsck(server):
    r = server.command("fsck", "--config", server.config)
    return [] if r.returncode == 0 else ["fsck: status %d\n%s%s" % (r.returncode, r.stdout, r.stderr)]

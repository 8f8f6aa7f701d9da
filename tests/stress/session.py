# SPDX-License-Identifier: MIT
"""
One client and its own model of the mailbox: the list of messages with the UIDs and flags that it was told (RFC 9051 5.2, 7.5.1;
RFC 7162 3.1, 3.2). Each answer is held against the model, and against what the others know (ledger.py).
"""

import re

from ledger import Violation, body
from script import Actor
from sets import numbers, ranges

QUIET = ("FETCH", "STORE", "SEARCH")        # RFC 9051 7.5.1: no EXPUNGE while these run
SHARED = 5      # a UID that is a multiple of it: anybody sets any flags; else the keyword s<N> is session N's alone


class Message:
    """None: the client was not told."""

    def __init__(self):
        self.uid = self.flags = self.modseq = self.own = self.note = None


class Session:
    """Dialects: plain; condstore; qresync. Every tenth session speaks through COMPRESS."""

    def __init__(self, server, number, boxes):
        self.boxes, self.number, self.word = boxes, number, "s%d" % number
        self.dialect = ("qresync", "condstore", "qresync", "plain")[number % 4]
        self.list, self.trail, self.commands = [], [], 0
        self.box = self.command = None
        self.is_uid = False
        self.gone_before = set()
        self.owed = {}          # message -> modseq before a silent STORE of its own: RFC 7162 3.1.3, the new one is told
        self.saved = {}         # name of a mailbox -> (HIGHESTMODSEQ, {UID: modseq}) as some SELECT showed it
        self.actor = Actor(server, "imap")
        self.actor.login("bob")
        if self.dialect != "plain":
            self.run("ENABLE " + self.dialect.upper())
        if number % 10 == 9:
            self.run("COMPRESS DEFLATE")
            self.actor.compress()

    def fail(self, text, *args):
        raise Violation("session %d (%s), %s: %s" % (self.number, self.dialect, self.command, text % args if args else text))

    # ---- one answer ----

    def response(self):
        """A whole response: its text, and its literals, which the text has as {N}."""
        text, literals = self.actor.line(), []
        while m := re.search(r"\{(\d+)\}$", text):
            literals.append(self.actor.take(int(m.group(1))))
            text += self.actor.line()
        return text, literals

    def told(self, text, literals):
        m = re.match(r"\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?$", text)
        if m:
            n = int(m.group(1))
            {"EXISTS": self.told_exists, "EXPUNGE": self.told_expunge, "FETCH": self.told_fetch}[m.group(2)](n, m.group(3), literals)
        elif m := re.match(r"\* VANISHED( \(EARLIER\))? ([\d,:]+)$", text):
            self.told_vanished(numbers(m.group(2)), bool(m.group(1)))
        elif m := re.match(r"\* OK \[COPYUID (\d+) ([\d,:]+) ([\d,:]+)\]", text):
            self.copied = m.groups()
        elif m := re.match(r"\* OK \[(UIDVALIDITY|HIGHESTMODSEQ|UIDNEXT) (\d+)\]", text):
            self.codes[m.group(1)] = int(m.group(2))
        elif m := re.match(r"\* SEARCH((?: \d+)*)", text):
            self.found = [int(x) for x in m.group(1).split()]
        elif m := re.match(r"\* STATUS \S+ \((.*)\)", text):
            words = m.group(1).split()
            self.stated = dict(zip(words[::2], map(int, words[1::2])))
        elif not re.match(r"\* (\d+ RECENT|FLAGS |OK |LIST |ENABLED)", text):
            self.fail("came %s", text)

    def told_exists(self, n, _items, _literals):
        if n < len(self.list):
            self.fail("EXISTS %d, and %d are there", n, len(self.list))
        self.list += [Message() for _ in range(n - len(self.list))]

    def check_expunge(self):
        if self.command.split(" ")[0] in QUIET and not self.is_uid:
            self.fail("an expunge is told")

    def told_expunge(self, n, _items, _literals):
        self.check_expunge()
        if self.dialect == "qresync":
            self.fail("EXPUNGE and not VANISHED")
        if not 1 <= n <= len(self.list):
            self.fail("EXPUNGE %d of %d", n, len(self.list))
        m = self.list.pop(n - 1)
        if m.uid:
            self.box.note_gone([m.uid])

    def told_vanished(self, uids, is_earlier):
        if self.dialect != "qresync":
            self.fail("VANISHED without QRESYNC")
        if is_earlier:
            if self.earlier is None:
                self.fail("VANISHED (EARLIER) unasked")
            self.earlier.update(uids)
            return
        self.check_expunge()
        for uid in uids:
            at = next((i for i, m in enumerate(self.list) if m.uid in (None, uid) and self.may_be(i, uid)), None)
            if at is None:
                self.fail("VANISHED %d is not in the list", uid)
            if self.list.pop(at).uid is None:
                for m in self.list:     # which of them was it?
                    if m.uid is None:
                        m.flags = m.modseq = m.own = m.note = None
        self.box.note_gone(uids)

    def may_be(self, i, uid):
        """Of neighbours whose UIDs are not known yet any may be it: they are alike."""
        below = max((m.uid for m in self.list[:i] if m.uid), default=0)
        above = min((m.uid for m in self.list[i + 1:] if m.uid), default=uid + 1)
        return below < uid < above

    def told_fetch(self, n, items, literals):
        if not 1 <= n <= len(self.list):
            self.fail("FETCH %d of %d", n, len(self.list))
        m = self.list[n - 1]
        if uid := re.search(r"\bUID (\d+)", items):
            self.told_uid(n, m, int(uid.group(1)))
        modseq = re.search(r"MODSEQ \((\d+)\)", items)
        modseq = int(modseq.group(1)) if modseq else None
        if modseq is not None and m.modseq is not None and modseq < m.modseq:
            self.fail("the modseq of UID %s falls from %d to %d", m.uid, m.modseq, modseq)
        if modseq is not None:
            m.modseq = modseq
            self.modseq_told.add(m)
        if flags := re.search(r"FLAGS \(([^)]*)\)", items):
            self.told_flags(n, m, frozenset(x for x in flags.group(1).split() if x != "\\Recent"), modseq)
        if note := re.search(r"ANNOTATION \(/vendor/x/(\S+) \(value.shared (\S+)\)\)", items):
            self.told_note(m, note.group(1), note.group(2))
        if literals:
            self.told_body(m, items, literals[0])

    def told_uid(self, n, m, uid):
        if m.uid not in (None, uid):
            self.fail("number %d was UID %d, is %d", n, m.uid, uid)
        if m.uid == uid:
            return
        if not self.may_be(n - 1, uid):
            self.fail("UID %d of number %d is not between its neighbours", uid, n)
        if uid in self.gone_before:
            self.fail("UID %d is shown, and was expunged before this mailbox was selected", uid)
        m.uid = uid
        self.box.note_seen([uid])

    def told_flags(self, n, m, flags, modseq):
        if self.dialect != "plain" and modseq is None:
            self.fail("FLAGS of %d without MODSEQ", n)      # RFC 7162 3.1
        if modseq and m.uid:
            self.box.note_flags(m.uid, modseq, flags)
        if self.is_mine(m) and m.own is not None and m.own != (self.word in flags) and not self.is_unsure:
            self.fail("UID %d: %s is %s, and nobody else sets it", m.uid, self.word, self.word in flags)
        m.flags, m.own = flags, self.word in flags
        self.flags_told.add(m)

    def told_note(self, m, word, value):
        if word != self.word:
            self.fail("UID %d: the annotation of %s, and it was asked for its own", m.uid, word)
        if self.is_mine(m) and m.note not in (None, value):
            self.fail("UID %d: its annotation is %s, was set to %s, and nobody else sets it", m.uid, value, m.note)
        m.note = value

    def is_mine(self, m):
        """Does it know whether the message has its keyword? Of one that may be expunged already it does not."""
        return m.uid and m.uid % SHARED and m.uid not in self.box.asked

    def told_body(self, m, items, data):
        token = re.search(rb"(?m)^Subject: (\S+)", data)
        if not token:
            self.fail("a body without its subject: %r", data[:80])
        token = token.group(1).decode()
        if "BODY[]" in items and not data.endswith(body(token)):
            self.fail("the bytes of %s are not those that were sent", token)
        if m.uid:
            self.box.note_token(m.uid, token)

    # ---- one command ----

    def run(self, command, literal=None, is_idle=False):
        """Gives the tagged answer. Names in `command` as sent, with UID in front when it is such a command."""
        self.is_uid = command.startswith("UID ")
        self.command = command[4:] if self.is_uid else command
        self.codes, self.copied, self.found, self.stated, self.earlier = {}, None, None, None, None
        self.flags_told, self.modseq_told, self.is_unsure = set(), set(), False
        if "(QRESYNC" in command:
            self.earlier = set()
        if " +FLAGS" in command or " -FLAGS" in command or " FLAGS" in command:
            self.is_unsure = self.word in command       # it changes while the command runs
        self.trail = self.trail[-2000:] + ["> " + command]
        self.commands += 1
        head = b"t " + command.encode()
        self.actor.send(head + (b" {%d+}\r\n%s\r\n" % (len(literal), literal) if literal is not None else b"\r\n"))
        if is_idle:
            return None
        return self.answer()

    def answer(self):
        while True:
            text, literals = self.response()
            self.trail.append(text)
            if text.startswith("+ "):
                continue
            if not text.startswith("t "):
                self.told(text, literals)
                continue
            if text.startswith("t BAD"):
                self.fail("answered %s", text)
            if text.startswith("t NO") and not re.match(r"t NO \[(EXPUNGEISSUED|MODIFIED|NONEXISTENT)", text):
                self.fail("answered %s", text)
            return text

    def idle(self, seconds):
        self.run("IDLE", is_idle=True)
        try:
            while not self.actor.buffer:
                self.actor.fill(seconds)
        except TimeoutError:
            pass
        self.actor.send(b"DONE\r\n")
        self.answer()

    # ---- the model ----

    def uids(self):
        return [m.uid for m in self.list if m.uid]

    def at(self, uid):
        return next((m for m in self.list if m.uid == uid), None)

    def learn(self):
        """Asks for what was not told: new messages."""
        first = next((i for i, m in enumerate(self.list, 1) if m.uid is None or m.flags is None), 0)
        if first:
            modseq = "" if self.dialect == "plain" else " MODSEQ"
            self.run("FETCH %d:%d (UID FLAGS%s BODY.PEEK[HEADER.FIELDS (SUBJECT)])" % (first, len(self.list), modseq))
            # What others expunged meanwhile may be left out (RFC 2180 4.1); the next NOOP tells of it.

    def select(self, name):
        box = self.boxes[name]
        _, modseq, self.gone_before, _ = box.now()
        self.box, self.list = box, []
        self.run("SELECT %s%s" % (name, " (ANNOTATE)" if self.number % 3 == 0 else ""))
        self.selected(modseq)
        self.learn()
        self.save()

    def selected(self, modseq):
        self.box.note_uidvalidity(self.codes["UIDVALIDITY"])
        if self.codes.get("HIGHESTMODSEQ", 0) < modseq:
            self.fail("HIGHESTMODSEQ %s, and somebody was told %d before", self.codes.get("HIGHESTMODSEQ"), modseq)
        self.highest = self.codes["HIGHESTMODSEQ"]

    def save(self):
        """For a later SELECT with QRESYNC: what this one showed up to its HIGHESTMODSEQ."""
        if self.dialect == "qresync" and all(m.modseq is not None for m in self.list):
            self.saved[self.box.name] = self.box.uidvalidity, self.highest, {m.uid: m.modseq for m in self.list}

    def resync(self, name):
        """RFC 7162 3.2.5: what it knew, less VANISHED (EARLIER), with the FETCHes, must be what is there."""
        box = self.boxes[name]
        _, modseq, self.gone_before, _ = box.now()
        uidvalidity, highest, known = self.saved[name]
        self.box, self.list = box, []
        with_known = bool(known) and self.commands % 2 == 0
        self.run("SELECT %s (QRESYNC (%d %d%s))" % (name, uidvalidity, highest, " " + ranges(known) if with_known else ""))
        earlier = self.earlier
        self.selected(modseq)
        left = {uid: m for uid, m in known.items() if uid not in earlier}
        shown = {m.uid: m.modseq for m in self.list if m.uid}
        both = {**left, **shown}    # known: only of those it is told (RFC 7162 3.2.5.1)
        if len(both) > len(self.list) or (len(both) < len(self.list) and not with_known):
            self.fail("%d messages are there, %d were told: %s", len(self.list), len(both), ranges(both))
        for m, uid in zip(self.list, sorted(both)):     # the others are newer
            if m.uid not in (None, uid):
                self.fail("UID %d stands where %d was told", m.uid, uid)
            m.uid = uid
        until = self.highest
        for m in self.list:
            m.flags = m.own = None
        if self.list:
            self.run("UID FETCH 1:* (UID FLAGS MODSEQ)")
        for uid, was in both.items():
            m = self.at(uid)
            if m and m.modseq is not None and m.modseq <= until and m.modseq != was:
                self.fail("UID %d changed at %d, and SELECT with QRESYNC after %d (known: %d) did not tell", uid, m.modseq, highest, was)
        self.save()

    def noop(self):
        """Whatever was done before it was sent is known after it."""
        _, _, gone, created = self.box.now()
        self.run("NOOP")
        self.learn()
        known = set(self.uids())
        if known & gone:
            self.fail("UIDs %s are gone, and NOOP did not tell", sorted(known & gone))
        missing = created - known - self.box.asked
        if missing and all(m.uid for m in self.list):
            self.fail("UIDs %s were created, and NOOP did not tell", sorted(missing))
        for m, was in self.owed.items():
            if m in self.list and m.modseq == was:
                self.fail("UID %s: the modseq of a silent STORE was not told", m.uid)
        self.owed = {}

    def picture(self):
        """{UID: flags} as it believes."""
        return {m.uid: m.flags for m in self.list}

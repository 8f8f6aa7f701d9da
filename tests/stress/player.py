# SPDX-License-Identifier: MIT
"""A session that does random things, and what each of them promises."""

import random
import re

from ledger import body
from session import SHARED, Session
from sets import numbers, ranges

BOX, ASIDE = "INBOX", "Archive"
FEW, MANY = 60, 250     # messages between which the mailbox is kept


class Player(Session):
    def __init__(self, server, number, boxes, seed):
        super().__init__(server, number, boxes)
        self.random = random.Random(seed * 1000 + number)
        self.count = 0
        self.select(BOX)

    # ---- which messages ----

    def some(self, most=4):
        """Neighbours, as a client knows them."""
        a = self.random.randrange(len(self.list))
        return self.list[a:a + self.random.randint(1, most)]

    def addressed(self, messages):
        """("UID ", set) or ("", set)."""
        if self.random.randrange(2) and all(m.uid for m in messages):
            return "UID ", ranges(m.uid for m in messages)
        return "", ranges(self.list.index(m) + 1 for m in messages)

    # ---- commands ----

    def append(self):
        name = BOX if self.random.randrange(8) else ASIDE
        token = "m%d-%d" % (self.number, self.count)
        self.count += 1
        box = self.boxes[name]
        above = box.now()[0]
        flags = self.random.choice(("", "(\\Seen) ", "(%s) " % self.word))
        answer = self.run("APPEND %s %s" % (name, flags.rstrip()) if flags else "APPEND " + name, body(token))
        m = re.match(r"t OK \[APPENDUID (\d+) (\d+)\]", answer)
        if not m:
            self.fail("answered %s", answer)
        box.note_uidvalidity(int(m.group(1)))
        box.note_created([int(m.group(2))], above, token)

    def fetch(self):
        uid, chosen = self.addressed(self.some())
        items = self.random.choice(("(UID FLAGS)", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "(UID BODY.PEEK[])", "(FLAGS UID RFC822.SIZE)", "BODY[]"))
        self.run("%sFETCH %s %s" % (uid, chosen, items))

    def store(self):
        """Its own keyword: the one thing whose truth it knows."""
        messages = self.some()
        is_set = self.random.randrange(2)
        self.change(messages, "+-"[not is_set], {self.word})

    def annotate(self):
        """Its own annotation, of which it knows the truth as well (RFC 5257)."""
        messages = [m for m in self.some() if self.is_mine(m)]
        if not messages:
            return
        if self.random.randrange(3):
            value = self.random.choice(("NIL", '"%d"' % self.count))
            self.count += 1
            uid, chosen = self.addressed(messages)
            answer = self.run("%sSTORE %s ANNOTATION (/vendor/x/%s (value.shared %s))" % (uid, chosen, self.word, value))
            if not answer.startswith("t OK"):
                self.fail("answered %s", answer)
            for m in messages:
                m.note = value
        messages = [m for m in messages if m in self.list]
        if messages:
            uid, chosen = self.addressed(messages)
            self.run("%sFETCH %s (ANNOTATION (/vendor/x/%s value.shared))" % (uid, chosen, self.word))

    def store_shared(self):
        messages = self.some()
        sign = self.random.choice("+-")
        if self.random.randrange(3) == 0:
            messages = [m for m in messages if m.uid and m.uid % SHARED == 0]
            sign = ""
        flags = self.random.sample(["\\Seen", "\\Answered", "\\Flagged", "\\Draft"], self.random.randint(1, 2))
        if messages:
            self.change(messages, sign, set(flags))

    def delete(self):
        messages = self.some(2)
        if all(m.uid for m in messages):
            self.change(messages, "-" if self.random.randrange(4) == 0 else "+", {"\\Deleted"})

    def change(self, messages, sign, flags):
        is_silent = self.random.randrange(2) == 0
        uid, chosen = self.addressed(messages)
        if "\\Deleted" in flags:
            self.box.note_asked(m.uid for m in messages)
        before = {m: (m.modseq, m.own) for m in messages}
        self.run("%sSTORE %s %sFLAGS%s (%s)" % (uid, chosen, sign, ".SILENT" if is_silent else "", " ".join(sorted(flags))))
        for m in messages:
            self.changed(m, sign, flags, *before[m])

    def changed(self, m, sign, flags, modseq, own):
        if self.word in flags and self.is_mine(m):
            if m in self.flags_told and m.own != (sign == "+"):
                self.fail("UID %d: %s is %s after the STORE", m.uid, self.word, m.own)
            if own is not None and own != (sign == "+") and self.dialect != "plain" and m not in self.modseq_told:
                self.owed[m] = modseq
        if self.word in flags:
            m.own = sign == "+"
        if m in self.flags_told or m.flags is None:
            return
        m.flags = frozenset({"+": m.flags | flags, "-": m.flags - flags, "": flags}[sign])

    def compare_and_store(self):
        """RFC 7162 3.1.3: of all who saw this message with this modseq one can change it."""
        m = self.random.choice(self.list)
        if self.dialect == "plain" or None in (m.uid, m.flags, m.modseq):
            return
        was, sign = m.modseq, "-" if "\\Flagged" in m.flags else "+"
        uid, chosen = self.addressed([m])
        answer = self.run("%sSTORE %s (UNCHANGEDSINCE %d) %sFLAGS (\\Flagged)" % (uid, chosen, was, sign))
        if failed := re.search(r"\[MODIFIED ([\d,:]+)\]", answer):
            if numbers(failed.group(1)) != numbers(chosen):
                self.fail("answered %s", answer)
            self.run("UID FETCH %d (MODSEQ)" % m.uid)
            if m in self.modseq_told and m.modseq <= was and m.uid not in self.box.asked:   # else it shows what was there
                self.fail("UID %d was not modified since %d: it is %d", m.uid, was, m.modseq)
        elif answer.startswith("t OK") and m in self.modseq_told and m.uid not in self.box.asked:
            if m.modseq == was:
                self.fail("UID %d: the flags changed, and the modseq is still %d", m.uid, was)
            self.box.note_won(m.uid, was)

    def copy(self, name, is_move=False):
        messages = self.some()
        if not all(m.uid for m in messages):
            return
        uids, source, to = [m.uid for m in messages], self.box, self.boxes[name]
        if is_move:
            source.note_asked(uids)
        above = to.now()[0]
        uid, chosen = self.addressed(messages)
        answer = self.run("%s%s %s %s" % (uid, "MOVE" if is_move else "COPY", chosen, name))
        in_tag = re.search(r"\[COPYUID (\d+) ([\d,:]+) ([\d,:]+)\]", answer)
        if in_tag or self.copied:
            self.copied_to(source, to, uids, above, *(in_tag.groups() if in_tag else self.copied))
            if is_move and set(self.moved_uids) & set(self.uids()):
                self.fail("UIDs %s were moved and no expunge was told", self.moved_uids)
        elif answer.startswith("t OK") and "EXPUNGEISSUED" not in answer:
            self.fail("no COPYUID: %s", answer)
        if is_move and self.moved_uids:
            source.note_moved(self.moved_uids)
        self.moved_uids = []

    moved_uids = ()

    def copied_to(self, source, to, asked, above, uidvalidity, src, dst):
        src, dst = numbers(src), numbers(dst)
        to.note_uidvalidity(int(uidvalidity))
        if len(src) != len(dst) or not set(src) <= set(asked):
            self.fail("COPYUID %s to %s, of %s", src, dst, asked)
        to.note_asked(d for s, d in zip(src, dst) if s in source.asked)     # \Deleted may have come along
        to.note_created(dst, above)
        for uid, token in zip(dst, source.names(src)):
            if token:
                to.note_token(uid, token)
        self.moved_uids = src

    def expunge(self):
        if self.random.randrange(2):
            self.run("EXPUNGE")
        else:
            uids = [m.uid for m in self.some(9) if m.uid]
            self.run("UID EXPUNGE " + ranges(uids or [1]))

    def search(self):
        uid = self.random.choice(("", "UID "))
        before = {(m.uid if uid else i): m for i, m in enumerate(self.list, 1) if m.uid}
        own = {n: m.own for n, m in before.items() if self.is_mine(m)}
        asked = self.box.asked
        if self.dialect != "plain" and self.random.randrange(2):
            since = max((m.modseq or 0 for m in self.some()), default=0) or 1
            want = {n for n, m in before.items() if (m.modseq or 0) >= since}
            self.run("%sSEARCH MODSEQ %d" % (uid, since))
            more = set()
        else:
            want = {n for n, has in own.items() if has}
            self.run("%sSEARCH KEYWORD %s" % (uid, self.word))
            more = {n for n in self.found or [] if own.get(n) is False}
        found = set(self.found if self.found is not None else self.fail("no SEARCH"))
        less = {n for n in want - found if before[n].uid not in asked}
        if more or less:
            self.fail("found %s too many, %s too few", sorted(more), sorted(less))

    def status(self):
        name = self.random.choice((BOX, ASIDE))
        uid, modseq, _, _ = self.boxes[name].now()
        self.run("STATUS %s (UIDNEXT MESSAGES%s)" % (name, "" if self.dialect == "plain" else " HIGHESTMODSEQ"))
        if self.stated["UIDNEXT"] <= uid or self.stated.get("HIGHESTMODSEQ", modseq) < modseq:
            self.fail("%s, and %d and %d are known", self.stated, uid, modseq)

    def reselect(self):
        name = self.random.choice((BOX, BOX, ASIDE))
        if name in self.saved and self.random.randrange(3):
            self.resync(name)
        else:
            self.select(name)

    def step(self):
        """One of them, so chosen that the mailbox neither runs empty nor grows."""
        n = len(self.list)
        if n < 4 or self.random.random() < (0.3 if n < FEW else 0.03 if n > MANY else 0.1):
            self.append()
            return
        if self.box.name == ASIDE and self.random.randrange(8) == 0:
            self.select(BOX)
            return
        choice = self.random.choices(
            (self.fetch, self.annotate, self.store, self.store_shared, self.delete, self.compare_and_store, self.expunge, self.search, self.status,
             lambda: self.copy(self.box.name), lambda: self.copy(ASIDE if self.box.name == BOX else BOX, True),
             lambda: self.idle(self.random.random() / 5), self.noop, self.reselect),
            (20, 10, 15, 10, 8, 10, 6, 8, 3, 4, 6, 8, 12, 3))[0]
        choice()

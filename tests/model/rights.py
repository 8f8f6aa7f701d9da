# SPDX-License-Identifier: MIT
"""
RFC 4314: bob takes rights from alice while her sessions work in his mailboxes, pipelined, in IDLE, with NOTIFY. Everything that bob
makes has a word in it that exists once. From the moment at which SETACL was answered no new word may reach alice; from the moment at
which all that was in flight is over no word at all; and with neither "r" nor more than "l" she changes nothing.
"""

import random
import re
import time

from answers import Violation, Wire, tokens
from client import SHARED
from script import Failure

BOXES = ["S1", "S2", "S1/c"]
KINDS = (("IMAP4rev2",), ("QRESYNC",), ("UIDONLY", "QRESYNC"), ("IMAP4rev2", "notify"), ("QRESYNC", "notify"), ("idle",), ("UIDONLY", "notify"),
         ("QRESYNC", "METADATA", "idle"), ("CONDSTORE", "METADATA", "notify"))
NOTIFY = ('NOTIFY SET STATUS (%s (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange AnnotationChange)) '
          '(subtree ("Other Users") (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange))')
COMMANDS = (
    'SELECT "%s"', 'SELECT "%s"', 'SELECT "%s" (ANNOTATE)', 'EXAMINE "%s"', "UID FETCH 1:* (FLAGS BODY.PEEK[])", "UID FETCH 1:* (ENVELOPE UID)",
    "UID FETCH 1:* (BODY[TEXT] FLAGS)", "UID FETCH 1:* (PREVIEW ANNOTATION (/* value))", "UID SEARCH RETURN (ALL COUNT) ALL",
    "UID SEARCH RETURN (UPDATE ALL) UNSEEN", "UID SORT RETURN (ALL) (SUBJECT) UTF-8 ALL", 'STATUS "%s" (MESSAGES UIDNEXT UNSEEN)',
    "UID STORE 1:* +FLAGS (kmine)", "UID STORE 1:* +FLAGS.SILENT (\\Flagged)", "UID COPY 1:* INBOX", "UID MOVE * INBOX", "UID EXPUNGE 1:*", "NOOP", "NOOP",
    "CLOSE", "UNSELECT", 'GETMETADATA "%s" (/shared/comment)', 'SETMETADATA "%s" (/shared/comment "mine")', 'LIST "" "*"',
    'LIST "" "*" RETURN (STATUS (MESSAGES) MYRIGHTS)', 'LIST "" "*" RETURN (METADATA (/shared/comment))', 'MYRIGHTS "%s"', 'GETACL "%s"',
    'ESEARCH IN (subtree "Other Users") RETURN (ALL COUNT) ALL', 'ESEARCH IN (mailboxes "%s") RETURN (ALL COUNT) ALL', 'SUBSCRIBE "%s"',
    'RENAME "%s" "%sr"', 'DELETE "%s"', 'CREATE "%s/k"', 'GETQUOTAROOT "%s"')
WORD = re.compile(rb"zz(\d+)zz")


class Raw:
    """A session of which only the words are looked at."""

    def __init__(self, game, login, kind):
        self.game, self.login, self.kind = game, login, kind
        self.trail, self.n = [], 0
        self.connect()

    def connect(self):
        self.wire = Wire(self.game.server, self.login)
        self.pending, self.is_idle, self.is_dead = [], False, False
        on = [x for x in self.kind if not x.islower()]
        if on:
            self.run("ENABLE " + " ".join(on))
        if "notify" in self.kind:
            self.run(NOTIFY % self.game.rnd.choice(("selected", "selected-delayed")))

    def send(self, text, literal=None):
        self.n += 1
        tag = "t%d" % self.n
        self.trail = self.trail[-100:] + ["> %s %s" % (tag, text)]
        data = ("%s %s" % (tag, text)).encode() + (b" {%d+}\r\n" % len(literal) + literal if literal is not None else b"")
        self.pending.append(tag)
        try:
            self.wire.actor.send(data + b"\r\n")
        except OSError:
            pass        # reading says so

    def one(self):
        """One response."""
        try:
            text, literals = self.wire.response()
        except (Failure, OSError) as e:
            if "nothing came" in str(e):
                raise Violation("no answer to %s\n%s" % (self.pending, "\n".join(self.trail[-20:]))) from None
            self.close()
            return None
        self.trail.append(text[:300])
        if self.login == "alice":
            for word in set(WORD.findall(b"\n".join([text.encode(), *literals]))):
                self.game.saw(self, int(word), text)
        tag = text.split(" ", 1)[0]
        if tag in self.pending:
            if self.pending.pop(0) != tag:
                raise Violation("answers in another order: %s\n%s" % (tag, "\n".join(self.trail[-20:])))
        return text, literals

    def read(self):
        """Until nothing is in flight; the responses."""
        if self.is_idle and not self.is_dead:
            self.is_idle = False
            try:
                self.wire.actor.send(b"DONE\r\n")
            except OSError:
                pass
        out = []
        while self.pending and not self.is_dead:
            out.append(self.one())
        return [x for x in out if x]

    def run(self, text, literal=None):
        self.read()
        if not self.is_dead:
            self.send(text, literal)
        return self.read()

    def drain(self, seconds):
        end = time.monotonic() + seconds
        while not self.is_dead:
            while b"\n" in self.wire.actor.buffer and not self.is_dead:
                self.one()
            left = end - time.monotonic()
            try:
                if left <= 0 or not self.wire.actor.fill(left):
                    return
            except (TimeoutError, BlockingIOError):
                return

    def close(self):
        self.is_dead = True
        self.wire.actor.close()


class RightsGame:
    def __init__(self, server, seed):
        self.server, self.rnd = server, random.Random(seed)
        self.forbidden = set()      # words
        self.metadata = set()       # those of them that stand in metadata
        self.n_secrets = self.n_seen = self.rounds = 0
        self.bob = Raw(self, "bob", ())
        self.give()
        self.alices = [Raw(self, "alice", kind) for kind in KINDS]

    def saw(self, who, word, text):
        self.n_seen += 1
        if word in self.forbidden:
            raise Violation("alice (%s) was told %d after the right was taken: %s\n%s" % (" ".join(who.kind), word, text, "\n".join(who.trail[-25:])))

    # ---- bob ----

    def give(self):
        for box in BOXES:
            self.bob.run("CREATE " + box)
            self.bob.run("SETACL %s alice@example.test lrswipkxten" % box)

    def names(self):
        return [str(tokens(text[7:], literals)[2]) for text, literals in self.bob.run('LIST "" "S*"') if text.startswith("* LIST ")]

    def take(self, left):
        """All but those rights. She may have made or renamed mailboxes until the last of them: again, until there is none."""
        done = set()
        while names := [n for n in self.names() + BOXES if n not in done]:
            for name in names:
                self.bob.run('SETACL "%s" alice@example.test "%s"' % (name, left))
                done.add(name)

    def secret(self):
        """Something with a new word in it, which is given back."""
        self.n_secrets += 1
        box, word, kind = self.rnd.choice(BOXES), "zz%dzz" % self.n_secrets, self.rnd.randrange(5)
        if kind < 2:
            text = "Subject: %s\r\nFrom: %s@x.example\r\n\r\n%s\r\n" % (word, word, word)
            self.bob.run("APPEND %s%s" % (box, " (k%s)" % word if self.rnd.random() < 0.3 else ""), text.encode())
        elif kind == 2:
            self.metadata.add(self.n_secrets)
            self.bob.run('SETMETADATA %s (/shared/comment "%s")' % (box, word))
        else:
            self.bob.run("SELECT " + box)
            if kind == 3:
                self.bob.run("STORE 1:* +FLAGS (k%s)" % word)
                self.bob.run("STORE 1:* -FLAGS (k%s)" % word)
            else:
                self.bob.run('STORE * ANNOTATION (/comment (value.shared "%s"))' % word)
            self.bob.run("UNSELECT")
        return self.n_secrets

    def truth(self):
        """All that bob has there."""
        out = {}
        for name in self.names():
            lines = self.bob.run('STATUS "%s" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ MAILBOXID)' % name)
            lines += self.bob.run('GETACL "%s"' % name) + self.bob.run('GETMETADATA "%s" (/shared/comment)' % name)
            if self.bob.run('EXAMINE "%s"' % name)[-1][0].split()[1] == "OK":
                lines += self.bob.run("UID FETCH 1:* (FLAGS MODSEQ ANNOTATION (/* value.shared))")
                self.bob.run("UNSELECT")
            out[name] = [x for x in lines if x[0].startswith("* ")]
        return out

    # ---- alice ----

    def step(self, a, may_copy=True):
        """Pipelined commands, or IDLE."""
        if a.is_dead:
            a.connect()
        if a.is_idle:
            return
        box = SHARED + self.rnd.choice(BOXES)
        if "idle" in a.kind and self.rnd.randrange(2):
            a.send('SELECT "%s"' % box)
            a.send("IDLE")
            a.is_idle = True
            return
        for _ in range(self.rnd.randint(1, 10)):
            text = self.rnd.choice(COMMANDS).replace("%s", SHARED + self.rnd.choice(BOXES))
            if may_copy or "INBOX" not in text:
                a.send(text)
        if self.rnd.random() < 0.3:
            a.send('APPEND "%s"' % box, b"Subject: of alice\r\n\r\nx\r\n")

    def settle(self):
        for a in self.alices:
            a.read()
        for a in self.alices:
            a.drain(0.002)

    def round(self):
        r = self.rnd
        self.rounds += 1
        self.forbidden = set()
        self.give()
        for _ in range(r.randint(1, 4)):
            self.secret()
        for a in self.alices:
            if r.random() < 0.7:
                self.step(a)
            if r.random() < 0.3 and not a.is_idle:
                a.read()
        left = r.choice(("", "", "l", "lswipkten"[:r.randint(2, 9)]))
        self.take(left)
        new = {self.secret() for _ in range(r.randint(1, 4))}
        # RFC 5464 6: with "l" and one of these metadata may be read
        allowed = self.metadata if "l" in left and set(left) & set("swip") else set()
        self.forbidden = new - allowed
        for a in self.alices:
            if r.randrange(2):
                self.step(a)
        self.settle()
        before = self.truth()
        self.forbidden = set(range(1, self.n_secrets + 1)) - allowed
        for _ in range(2):
            for a in self.alices:
                self.step(a, False)
            self.settle()
        after = self.truth()
        if left in ("", "l") and before != after:
            raise Violation("with %r alice has changed %s to %s" % (left, before, after))
        self.look_at_copies(new - allowed)

    def look_at_copies(self, new):
        """What she has taken into a mailbox of her own."""
        self.forbidden = new
        a = Raw(self, "alice", ("IMAP4rev2",))
        a.run("SELECT INBOX")
        a.run("UID FETCH 1:* (FLAGS BODY.PEEK[])")
        if self.rnd.random() < 0.3:
            a.run("STORE 1:* +FLAGS (\\Deleted)")
            a.run("EXPUNGE")
        a.close()

    def play(self, seconds, rounds):
        end = time.monotonic() + seconds
        while (not seconds or time.monotonic() < end) and (not rounds or self.rounds < rounds):
            self.round()

    def close(self):
        for a in self.alices + [self.bob]:
            if not a.is_dead:
                a.close()

# SPDX-License-Identifier: MIT
"""
One client and its own model: the messages of its mailbox, its kept searches, what NOTIFY told it of other mailboxes. Each
answer is held against the model and against what all others were told (box.py).
"""

import re

from answers import Violation, Wire, pairs, tokens
from script import Failure
from sets import numbers, ranges

QUIET = ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")     # RFC 9051 7.5.1, RFC 5256 3: no EXPUNGE while these run
SHARED = "Other Users/bob@example.test/"       # where alice finds bob's mailboxes
STATIC = ("RFC822.SIZE", "EMAILID", "THREADID", "SAVEDATE", "INTERNALDATE")
ENABLED = {"CONDSTORE": "condstore", "QRESYNC": "qresync", "UTF8=ACCEPT": "utf8", "IMAP4REV2": "rev2", "UIDONLY": "uidonly"}
NOTIFY_OFF = 9
SHAPES = {      # of NOTIFY; 0: not yet said, NOTIFY_OFF: NOTIFY NONE
    1: "NOTIFY SET STATUS (selected-delayed (MessageNew MessageExpunge FlagChange)) "
       "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))",
    2: "NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MailboxName MessageNew MessageExpunge))",
    3: "NOTIFY SET STATUS (personal (MessageNew MessageExpunge))",
    4: "NOTIFY SET STATUS (selected (MessageNew MessageExpunge)) (subtree (A) (MessageNew MessageExpunge)) "
       "(mailboxes (B INBOX) (MessageNew MessageExpunge FlagChange))",
    5: "NOTIFY SET STATUS (selected-delayed (MessageNew (UID FLAGS MODSEQ) MessageExpunge FlagChange)) "
       "(inboxes (MessageNew MessageExpunge FlagChange)) (subscribed (MessageNew MessageExpunge))",
}


class Message:
    """None: the client was not told."""

    def __init__(self):
        self.uid = self.flags = self.modseq = None

    def __repr__(self):
        return "<%s %s %s>" % (self.uid, self.flags and sorted(self.flags), self.modseq)


class Command:
    """
    `text` has NUL where a literal of `literals` goes. `done(command)` is called with the tagged answer. `can_fail`: NO is no
    surprise. `is_fresh`: the client was up to date when it was sent; `is_alone`: and nobody else had anything in flight.
    """

    def __init__(self, text, done=None, literals=(), can_fail=False, **more):
        self.text, self.done, self.literals, self.can_fail, self.more = text, done, literals, can_fail, more
        words = text.split(" ")
        self.is_uid = words[0] == "UID"
        self.name = words[1 if self.is_uid else 0]
        self.tag = self.status = self.code = self.answer = None
        self.is_fresh = self.is_alone = False
        self.lines, self.codes, self.lists, self.fetched, self.esearch = [], [], [], [], []
        self.search = self.stated = None
        self.flags_told, self.modseq_told = set(), set()
        self.earlier = set() if "VANISHED" in text or "(QRESYNC" in text else None

    @property
    def is_exact(self):
        """What it does can be foretold."""
        return self.is_fresh and self.is_alone

    def code_of(self, name):
        """The arguments of a response code, tagged or not."""
        found = [x for x in (self.code or "",) if x.startswith(name + " ")] + ["%s %s" % x for x in self.codes if x[0] == name]
        return found[0].split(" ")[1:] if found else None


class Client:
    def __init__(self, game, number, kind):
        self.game, self.number, self.kind, self.rnd = game, number, kind, game.rnd
        self.trail, self.count = [], 0
        self.snapshots = {}     # MAILBOXID -> [(UIDVALIDITY, HIGHESTMODSEQ, {UID: (flags, modseq)})]: where it may come back
        self.connect()

    def __repr__(self):
        words = ["%s" % k if v is True else "%s=%s" % (k, v) for k, v in self.kind.items() if v]
        return "client %d (%s)" % (self.number, " ".join(words))

    def fail(self, text, *args):
        raise Violation("%r in %s (%s), at %s: %s" % (self, self.box and self.box.id, self.name, self.flying and self.flying[0].text[:200],
                                                    text % args if args else text))

    # ---- life ----

    def connect(self):
        self.flying = []        # commands that have no tagged answer yet
        self.is_dead = self.is_idle = self.has_lost_names = self.may_end = False
        self.vanishes = self.has_modseq = False
        self.shape, self.statuses, self.names = 0, {}, None
        self.ended = set()      # tags of searches that are not kept any more: changes may be on their way
        self.leave()
        self.wire = Wire(self.game.server, self.kind.get("login", "bob"))
        on = [word for word, key in ENABLED.items() if self.kind.get(key)]
        if on:
            self.run(Command("ENABLE " + " ".join(on)))
        if self.kind.get("compress"):
            self.run(Command("COMPRESS DEFLATE"))
            self.wire.actor.compress()
        if self.kind.get("notify"):
            self.notify(self.kind["notify"])

    def leave(self):
        """No mailbox is selected."""
        self.box = self.name = self.uidvalidity = None
        self.list, self.words = [], set()       # messages; keywords that FLAGS named
        self.contexts, self.saved, self.recents = {}, None, set()
        self.is_readonly = False
        self.highest, self.told_highest, self.most = 0, [], 0
        self.code_highest = self.synced = None  # RFC 7162 6
        self.may_end = False

    @property
    def is_alice(self):
        return self.kind.get("login") == "alice"

    def forget_flags(self):
        """Without FlagChange the list of messages moves on, and what changed in it was not told."""
        for m in self.list if self.shape == 4 else []:
            m.flags = m.modseq = None

    def notify(self, shape):
        self.forget_flags()
        self.shape, self.statuses, self.names = shape, {}, None
        text = SHAPES[shape]
        if self.is_alice:
            text = text.replace("(A)", '("%sA")' % SHARED).replace("(B INBOX)", '("%sB" "%sINBOX")' % (SHARED, SHARED))
            text = text.replace("(inboxes", '(mailboxes "%sINBOX"' % SHARED).replace("(personal", '(subtree "%s"' % SHARED[:-1])
        self.run(Command(text))
        if shape in (1, 2):
            self.learn_names()

    def learn_names(self):
        self.names, self.has_lost_names = {}, False
        self.run(Command('LIST "" "%s*" RETURN (CHILDREN SUBSCRIBED)' % (SHARED if self.is_alice else "")))

    @property
    def knows_list(self):
        """After NOOP; NOTIFY without "selected" makes a mailbox stand still (RFC 5465 5)."""
        return self.shape not in (3, NOTIFY_OFF)

    @property
    def knows_flags(self):
        return self.shape not in (3, 4, NOTIFY_OFF)

    def encode(self, name):
        name = SHARED + name if self.is_alice else name
        return '"%s"' % (name if self.kind.get("rev2") or self.kind.get("utf8") else name.replace("\xc4", "&AMQ-"))

    def decode(self, name):
        name = name.decode() if isinstance(name, bytes) else name
        if not (self.kind.get("rev2") or self.kind.get("utf8")):
            name = name.replace("&AMQ-", "\xc4")
        if not self.is_alice:
            return name
        return name[len(SHARED):] if name.startswith(SHARED) else "of alice: " + name

    # ---- sending and reading ----

    def send(self, command):
        self.count += 1
        command.tag = "%s%d" % ("abcdefghijklmnop"[self.number % 16], self.count)
        self.note("> %s %s" % (command.tag, command.text.replace("\0", "{}")))
        parts = command.text.split("\0")
        data = command.tag.encode() + b" " + parts[0].encode()
        for literal, rest in zip(command.literals, parts[1:]):
            data += b"{%d+}\r\n" % len(literal) + literal + rest.encode()
        data += b"\r\n"
        self.flying.append(command)
        try:
            if command.more.get("halfway"):
                at = self.rnd.randrange(20, len(data) - 10)
                self.wire.actor.send(data[:at])
                command.more["halfway"]()
                data = data[at:]
            self.wire.actor.send(data)
        except OSError:         # the answers say why
            while not self.is_dead:
                self.step()

    def run(self, command):
        """To its end."""
        self.finish()
        if not self.is_dead:
            self.send(command)
            self.finish()
        return command

    def note(self, text):
        self.trail = self.trail[-400:] + [text[:1000]]
        self.game.note("%d %s" % (self.number, text[:1000]))

    def close(self):
        if not self.is_dead:
            self.is_dead, self.flying = True, []
            self.wire.actor.close()

    def step(self):
        """One response."""
        try:
            text, literals = self.wire.response()
        except (Failure, OSError) as e:
            if not (self.game.is_crashing or self.may_end):
                self.fail("%s", e)
            self.close()
            return
        self.note(text)
        command = self.flying[0] if self.flying else None
        if text.startswith("+ "):
            return
        if text.startswith("* "):
            if command:
                command.lines.append(text)
            self.told(text[2:], literals, command)
            return
        if command is None or not text.startswith(command.tag + " "):
            self.fail("came %s", text)
        self.tagged(command, text[len(command.tag) + 1:])
        self.flying.pop(0)

    def finish(self):
        """Reads until nothing is in flight."""
        if self.is_idle and not self.is_dead:
            self.is_idle = False
            try:
                self.wire.actor.send(b"DONE\r\n")
            except OSError:
                pass
        while self.flying and not self.is_dead:
            self.step()

    def drain(self, seconds=0.0001):
        """What has come unasked."""
        while not self.is_dead:
            while b"\n" in self.wire.actor.buffer and not self.is_dead:
                self.step()
            try:
                if self.is_dead or self.wire.actor.fill(seconds):
                    continue
            except (TimeoutError, BlockingIOError):
                return
            if not (self.may_end or self.game.is_crashing):
                self.fail("the connection was closed")
            self.close()

    def tagged(self, command, text):
        m = re.match(r"(OK|NO|BAD)\b(?: \[([^\]]*)\])?", text)
        if not m or m.group(1) == "BAD" or (m.group(1) == "NO" and not command.can_fail):
            self.fail("answered %s", text)
        command.status, command.code, command.answer = m.group(1), m.group(2) or "", text
        if command.code.startswith(("MESSAGELIMIT", "OVERQUOTA", "LIMIT")):
            command.is_alone = False
        if m := re.match(r"HIGHESTMODSEQ (\d+)", command.code):
            self.told_highestmodseq(int(m.group(1)))
        # RFC 7162 6: which HIGHESTMODSEQ a client remembers after each command
        if self.code_highest is not None:
            self.synced = self.code_highest
        elif self.synced is not None:
            self.synced = max(self.synced, self.most)
        self.code_highest, self.most = None, 0
        # RFC 5465 5: nobody is told what he did himself
        if command.name in ("CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE"):
            self.has_lost_names, self.statuses = True, {}
        elif command.name in ("APPEND", "COPY", "MOVE", "REPLACE"):
            self.statuses = {n: s for n, s in self.statuses.items() if self.encode(n) not in command.text}
        if command.done:
            command.done(command)

    # ---- untagged answers ----

    def told(self, text, literals, command):
        word = text.split(" ", 1)[0]
        if m := re.match(r"(\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH|RECENT)\b", text):
            self.told_number(int(m.group(1)), m.group(2), text[m.end():], literals, command)
        elif m := re.match(r"VANISHED( \(EARLIER\))? ([\d,:]+)$", text):
            self.told_vanished(numbers(m.group(2)), bool(m.group(1)), command)
        elif m := re.match(r"(OK|NO|BAD|BYE)(?: \[([A-Z-]+)(?: ([^\]]*))?\])?", text):
            self.told_code(*m.groups(), text, command)
        elif word == "FLAGS":
            self.words = {x.lower() for x in tokens(text[6:], literals)[0]}
        elif word == "ESEARCH":
            self.told_esearch(tokens(text[7:], literals), command)
        elif word in ("SEARCH", "SORT"):
            if self.kind.get("rev2") and word == "SEARCH":
                self.fail("SEARCH in rev2")
            command.search = [int(x) for x in re.sub(r"\(MODSEQ \d+\)", "", text).split()[1:]]
        elif word == "STATUS":
            name, items = tokens(text[7:], literals)
            self.told_status(self.decode(name), {k: int(v) if isinstance(v, str) else v for k, v in pairs(items).items()}, command)
        elif word == "LIST":
            self.told_list(tokens(text[5:], literals), command)
        elif word == "ENABLED":
            self.told_enabled(text.upper().split()[1:])
        elif word not in ("QUOTA", "QUOTAROOT", "METADATA", "ACL", "MYRIGHTS", "NAMESPACE", "THREAD"):
            self.fail("came %s", text)

    def told_enabled(self, words):
        for word in words:
            self.kind[ENABLED[word]] = True
        if "IMAP4REV2" in words:
            self.recents = set()
        self.has_modseq |= bool(self.kind.get("condstore") or self.kind.get("qresync"))
        self.vanishes |= bool(self.kind.get("qresync") or self.kind.get("uidonly"))

    def told_code(self, kind, code, argument, text, command):
        if kind == "BYE":
            is_gone = self.box is not None and self.box.is_doomed and re.search("deleted|may not be read", text)
            if not (self.game.is_crashing or is_gone):
                self.fail("came %s", text)
            self.may_end = True
        if code and command:
            command.codes.append((code, argument))
            command.is_alone &= code != "MESSAGELIMIT"
        if code == "HIGHESTMODSEQ" and self.box:
            self.told_highestmodseq(int(argument))
        elif code == "CLOSED":
            self.leave()
        elif code == "MAILBOXID":
            self.enter(argument.strip("()"), command)
        elif code == "NOTIFICATIONOVERFLOW":
            self.fail("came %s", text)
        elif code == "NOUPDATE":
            tag = argument.strip('"')
            if tag in self.contexts:
                self.ended.add(tag)
                del self.contexts[tag]
            elif command is None or command.tag != tag:
                self.fail("came %s", text)

    def told_highestmodseq(self, value):
        self.box.max_modseq = max(self.box.max_modseq, value)
        self.highest = max(self.highest, value)
        self.code_highest = value
        self.told_highest = self.told_highest[-6:] + [value]

    def enter(self, mailboxid, command):
        """In the middle of SELECT: EXISTS, UIDVALIDITY, UIDNEXT and HIGHESTMODSEQ have come."""
        self.box, self.name = self.game.box(mailboxid), command.more["mailbox"]
        codes = dict(command.codes)
        self.uidvalidity = int(codes["UIDVALIDITY"])
        self.box.note_uidvalidity(self.uidvalidity)
        uidnext, highest = int(codes["UIDNEXT"]), int(codes["HIGHESTMODSEQ"])
        max_uid, max_modseq, was_uidnext, self.gone_before = command.more["known"].get(mailboxid, (0, 0, 0, set()))
        if uidnext <= max_uid or uidnext < was_uidnext:
            self.fail("UIDNEXT %d; UID %d and UIDNEXT %d were told before", uidnext, max_uid, was_uidnext)
        if highest < max_modseq:
            self.fail("HIGHESTMODSEQ %d; %d was told before", highest, max_modseq)
        self.box.uidnext = max(self.box.uidnext, uidnext)
        self.is_readonly = command.name == "EXAMINE"
        self.selection = "%d.%d" % (self.number, self.game.serial())
        self.selected_highest, self.most = highest, 0
        self.told_highestmodseq(highest)
        self.statuses.pop(self.name, None)

    # ---- messages ----

    def told_number(self, n, word, rest, literals, command):
        if word == "RECENT":
            if self.kind.get("rev2"):
                self.fail("RECENT in rev2")
        elif word == "EXISTS":
            if n < len(self.list):
                self.fail("EXISTS %d, and %d are there", n, len(self.list))
            self.list += [Message() for _ in range(n - len(self.list))]
        elif word == "EXPUNGE":
            self.told_expunge(n, command)
        else:
            if (word == "UIDFETCH") != bool(self.kind.get("uidonly")):
                self.fail("%s", word)
            self.told_fetch(n, {k.upper(): v for k, v in pairs(tokens(rest, literals)[0]).items()}, command)

    def check_expunge(self, command):
        if command is None and not self.is_idle and self.shape not in (2, 4):
            self.fail("an expunge is told and no command runs")
        if command and command.name in QUIET and not command.is_uid:
            self.fail("an expunge is told")

    def told_expunge(self, n, command):
        if self.vanishes:
            self.fail("EXPUNGE and not VANISHED")
        self.check_expunge(command)
        if not 1 <= n <= len(self.list):
            self.fail("EXPUNGE %d of %d", n, len(self.list))
        m = self.list.pop(n - 1)
        if m.uid:
            self.forget([m.uid])

    def forget(self, uids):
        self.box.note_gone(uids)
        if self.saved is not None:
            self.saved -= set(uids)

    def told_vanished(self, uids, is_earlier, command):
        if not self.vanishes or (is_earlier and (not self.kind.get("qresync") or command is None or command.earlier is None)):
            self.fail("VANISHED that was not asked for")
        if is_earlier:
            command.earlier.update(uids)
            return
        self.check_expunge(command)
        for uid in uids:
            m = self.find(uid) or next((m for i, m in enumerate(self.list) if m.uid is None and self.may_be(i, uid)), None)
            if m is None:
                self.fail("VANISHED %d is not in the list", uid)
            self.list.remove(m)
            if m.uid is None:
                self.forget_unknown()
        self.forget(uids)

    def forget_unknown(self):
        """One of those whose UIDs are not known is gone, and it is not known which."""
        for m in self.list:
            if m.uid is None:
                m.flags = m.modseq = None
        for kept in self.contexts.values():
            if not kept["is_uid"]:
                kept["list"] = None

    def may_be(self, i, uid):
        """Can the message at that place have it? With UIDONLY places are not told."""
        if self.kind.get("uidonly"):
            return True
        below = max((m.uid for m in self.list[:i] if m.uid), default=0)
        above = min((m.uid for m in self.list[i + 1:] if m.uid), default=uid + 1)
        return below < uid < above

    def find(self, uid):
        return next((m for m in self.list if m.uid == uid), None)

    def by_uid(self, uid):
        """With UIDONLY, the message of a UIDFETCH; which of the new ones it is does not matter."""
        m = self.find(uid) or next((m for m in self.list if m.uid is None), None)
        if m is None:
            self.fail("UIDFETCH of %d, which is not in the list", uid)
        return m

    def told_fetch(self, n, items, command):
        if self.box is None:
            self.fail("FETCH, and nothing is selected")
        if self.kind.get("uidonly"):
            m, uid = self.by_uid(n), n
        else:
            if not 1 <= n <= len(self.list):
                self.fail("FETCH %d of %d", n, len(self.list))
            m, uid = self.list[n - 1], int(items.get("UID", 0))
            # RFC 9051 6.4.9, RFC 7162 3.2.4
            if not uid and ((command and command.is_uid and command.name in ("FETCH", "STORE")) or (command is None and self.has_modseq)):
                self.fail("a FETCH without its UID")
        if uid:
            self.told_uid(n, m, uid)
        self.told_modseq(m, items, command)
        if "FLAGS" in items:
            self.told_flags(m, items, command)
        for item in STATIC:
            if item in items and m.uid:
                value = items[item]
                self.box.note_static(m.uid, item, tuple(value) if isinstance(value, list) else value)
        if command:
            command.fetched.append((items, m))

    def told_uid(self, n, m, uid):
        if m.uid == uid:
            return
        if m.uid is not None:
            self.fail("number %d was UID %d, is %d", n, m.uid, uid)
        if not self.may_be(n - 1, uid):
            self.fail("UID %d of number %d is not between its neighbours", uid, n)
        if uid in self.gone_before:
            self.fail("UID %d is shown, and was expunged before this mailbox was selected", uid)
        m.uid = uid
        self.box.max_uid = max(self.box.max_uid, uid)
        if self.kind.get("uidonly"):
            self.list.sort(key=lambda x: x.uid or 1 << 40)

    def told_modseq(self, m, items, command):
        if "MODSEQ" not in items:
            if self.has_modseq and "FLAGS" in items:
                self.fail("FLAGS without MODSEQ")       # RFC 7162 3.1
            return
        modseq = int(items["MODSEQ"][0])
        if m.modseq is not None and modseq < m.modseq:
            self.fail("the modseq of %s falls to %d", m, modseq)
        m.modseq = modseq
        self.most = max(self.most, modseq)
        self.box.max_modseq = max(self.box.max_modseq, modseq)
        if command:
            command.modseq_told.add(m)

    def told_flags(self, m, items, command):
        flags = frozenset(x.lower() for x in items["FLAGS"] if x != "\\Recent")
        is_recent = "\\Recent" in items["FLAGS"]
        if len(flags) + is_recent != len(items["FLAGS"]):
            self.fail("a flag twice: %s", items["FLAGS"])
        if is_recent and self.kind.get("rev2"):
            self.fail("\\Recent in rev2")
        if is_recent and m.uid and not self.is_readonly:
            self.recents.add(m.uid)
            self.box.note_recent(m.uid, self.selection)
        if not is_recent and m.uid in self.recents:
            self.fail("%s is not recent any more", m)
        new = {x for x in flags if not x.startswith("\\")} - self.words
        if new:
            self.fail("keywords %s, and FLAGS did not name them", sorted(new))       # RFC 9051 7.3.5
        m.flags = flags
        if m.uid and "\\deleted" in flags:
            self.box.asked.add(m.uid)
        if m.uid and "MODSEQ" in items:
            self.box.note_flags(m.uid, m.modseq, flags)
        if command:
            command.flags_told.add(m)

    # ---- searches ----

    def told_esearch(self, words, command):
        about = pairs(words.pop(0)) if words and isinstance(words[0], list) else {}
        is_uid = bool(words) and words[0] == "UID"
        if self.kind.get("uidonly") and not is_uid:
            self.fail("ESEARCH of numbers with UIDONLY")
        out = pairs(words[is_uid:])
        tag = about.get("TAG")
        if "ADDTO" in out or "REMOVEFROM" in out:
            for kind, payload in out.items():
                self.change(tag, kind, payload, is_uid)
            return
        if command is None or tag != command.tag:
            self.fail("ESEARCH of %s", tag)
        if "MAILBOX" in about:
            out["MAILBOX"] = self.decode(about["MAILBOX"])
        command.esearch.append(out)
        kept = command.more.get("kept")
        if kept:
            found = numbers(out.get("ALL", ""))
            kept["list"] = found if kept["is_uid"] else [self.list[n - 1] for n in found]
            self.contexts[tag] = kept

    def change(self, tag, kind, payload, is_uid):
        """RFC 5267 4.3"""
        kept = self.contexts.get(tag)
        if kept is None:
            if tag not in self.ended:
                self.fail("%s of %s", kind, tag)
            return
        at = kept["list"]
        if is_uid != kept["is_uid"]:
            self.fail("%s of %s with UID: %s", kind, tag, is_uid)
        for pos, these in zip(map(int, payload[::2]), map(numbers, payload[1::2])):
            if not is_uid and any(not 1 <= n <= len(self.list) for n in these):
                self.fail("%s %s of %d", kind, these, len(self.list))
            if (pos > 0) != kept["is_sort"]:
                self.fail("%s at %d", kind, pos)
            if at is not None:
                (self.add_to if kind == "ADDTO" else self.remove_from)(at, pos, these if is_uid else [self.list[n - 1] for n in these])

    def add_to(self, at, pos, these):
        if pos > len(at) + 1 or any(x in at for x in these):
            self.fail("ADDTO %d %s to %s", pos, these, at)
        if pos:
            at[pos - 1:pos - 1] = these
        else:
            at += these

    def remove_from(self, at, pos, these):
        is_there = at[pos - 1:pos - 1 + len(these)] == these if pos else all(x in at for x in these)
        if not is_there:
            self.fail("REMOVEFROM %d %s of %s", pos, these, at)
        for x in these:
            at.remove(x)

    # ---- other mailboxes ----

    def told_status(self, name, items, command):
        if command and command.name == "STATUS":
            command.stated = items
        elif not self.shape and not (command and command.name == "LIST"):
            self.fail("STATUS of %s", name)
        if not self.shape or name == self.name:
            return
        if self.statuses.get(name, {}).get("UIDVALIDITY") != items["UIDVALIDITY"]:
            self.statuses[name] = {}
        self.statuses[name].update((k, v) for k, v in items.items() if k in ("MESSAGES", "UIDNEXT", "UNSEEN", "HIGHESTMODSEQ", "UIDVALIDITY"))

    def told_list(self, words, command):
        attributes, name = {x.lower() for x in words[0]}, self.decode(words[2])
        if command and command.name == "LIST":
            command.lists.append((name, attributes))
        if self.names is None or name.startswith("of alice: "):
            return
        if command and command.name in ("SELECT", "EXAMINE") and dict(command.codes).get("MAILBOXID"):
            return      # RFC 9051 6.3.2
        old = self.decode(pairs(words[3]).get("OLDNAME", [""])[0]) if len(words) > 3 else ""
        if old:
            self.told_rename(old, name)
        if attributes & {"\\nonexistent", "\\noselect"}:
            self.names.pop(name, None)
            self.statuses.pop(name, None)
        else:
            self.names[name] = attributes

    def told_rename(self, old, name):
        """RFC 5465 5.4: the inferiors go along untold; INBOX stays."""
        for names in (self.names, self.statuses):
            for n in list(names):
                if n.startswith(old + "/") and old != "INBOX":
                    names[name + n[len(old):]] = names.pop(n)
            if old in names and old != "INBOX":
                names[name] = names.pop(old)
        if old == "INBOX":
            self.statuses = {}

    # ---- what a command is about ----

    def uids(self):
        return [m.uid for m in self.list if m.uid]

    def may_number(self):
        """RFC 9051 5.5: what is in flight may not expunge; RFC 5465 3.1: nor may NOTIFY at any time."""
        return not self.kind.get("uidonly") and self.shape not in (2, 4) and all(c.name in QUIET and not c.is_uid for c in self.flying)

    def some(self, most=4):
        """Messages whose UIDs it knows: neighbours, any, or all."""
        known = [m for m in self.list if m.uid]
        if not known or self.rnd.random() < 0.1:
            return known
        if self.rnd.random() < 0.3:
            return sorted(self.rnd.sample(known, min(len(known), self.rnd.randint(1, most))), key=lambda m: m.uid)
        a = self.rnd.randrange(len(known))
        return known[a:a + self.rnd.randint(1, most)]

    def addressed(self, messages):
        """("UID ", set) or ("", set)."""
        if self.may_number() and self.rnd.randrange(2):
            return "", ranges(self.list.index(m) + 1 for m in messages)
        return "UID ", ranges(m.uid for m in messages)

# SPDX-License-Identifier: MIT
"""
Clients of several kinds at random work in the mailboxes of one account. One thread sends and reads, so a seed chooses all but what
the server does at the same time. Every few rounds all come to rest, and each must believe what a client sees that knows nothing.
"""

import random
import time

from answers import Violation, pairs, tokens
from box import Box
from client import NOTIFY_OFF, SHARED, Client, Command, Message
from commands import STATUS, Commands
from sets import numbers, ranges

KINDS = ({}, {"rev2": True}, {"condstore": True}, {"qresync": True}, {"qresync": True, "rev2": True}, {"uidonly": True},
         {"uidonly": True, "qresync": True, "rev2": True}, {"utf8": True, "condstore": True}, {"rev2": True, "condstore": True})
# How often each command comes; how many messages a mailbox may have before it is emptied
WEIGHTS = {"noop": 8, "append": 12, "store": 22, "expunge": 6, "copy": 6, "move": 5, "replace": 3, "select": 4, "close": 1, "create": 2, "delete": 1,
           "rename": 1.5, "rename_inbox": 0.2, "subscribe": 1, "status": 4, "fetch": 10, "fetch_all": 1, "fetch_changed": 6, "fetch_partial": 4,
           "search": 12, "search_modseq": 3, "saved": 4, "keep": 5, "sort": 3, "esearch": 2, "annotate": 3, "metadata": 1, "other": 2, "idle": 6,
           "notify": 1, "enable": 0.6, "deliver": 2, "pop3": 0.3}
MANY = 40
LAST = ("select", "close", "idle", "notify", "delete")     # nothing is pipelined behind these
PATIENCE_S = 3      # within which NOTIFY has told


class Game(Commands):
    def __init__(self, server, seed, n_clients, limit=0, log=None):
        self.server, self.seed, self.rnd, self.limit, self.log = server, seed, random.Random(seed), limit, log
        self.boxes = {}         # by MAILBOXID
        self.live, self.truth, self.listed = {}, {}, {}     # name -> MAILBOXID, MAILBOXID -> what was there, name -> attributes
        self.emails = {}        # EMAILID -> (size, THREADID)
        self.n_tokens = self.n_serial = self.rounds = self.quiets = self.resyncs = self.crashes = 0
        self.is_crashing = self.is_renaming = False
        self.clients = []
        self.share()
        for i in range(n_clients):
            self.clients.append(Client(self, i, self.kind()))

    def kind(self):
        r = self.rnd
        kind = dict(r.choice(KINDS))
        for word, chance in (("compress", 0.2), ("annotate", 0.2), ("is_slow", 0.15)):
            if r.random() < chance:
                kind[word] = True
        if r.random() < 0.4:
            kind["notify"] = r.choice((1, 1, 2, 3, 4, 5))
        if r.random() < 0.2:
            kind["login"] = "alice"
        return kind

    def note(self, text):
        if self.log:
            self.log.write("%.3f %s\n" % (time.monotonic() % 1000, text))

    def serial(self):
        self.n_serial += 1
        return self.n_serial

    def box(self, mailboxid):
        return self.boxes.setdefault(mailboxid, Box(mailboxid))

    # ---- rounds ----

    def command(self, c):
        """(name, Command or None: it could not be, or is done)"""
        names = list(WEIGHTS)
        name = self.rnd.choices(names, [WEIGHTS[n] for n in names])[0]
        if name in ("append", "copy") and len(c.list) > MANY:
            name = self.rnd.choice(("expunge", "move"))
        return name, getattr(self, "do_" + name)(c)

    def learn(self, c):
        """Asks for what was not told: new messages."""
        items = "(UID FLAGS%s RFC822.SIZE EMAILID)" % (" MODSEQ" if c.has_modseq else "")
        below = 0
        while not c.is_dead and any(None in (m.uid, m.flags) or (c.has_modseq and m.modseq is None) for m in c.list):
            command = c.run(Command("UID FETCH 1:%s %s" % (below - 1 if below else "*", items)))
            found = command.code_of("MESSAGELIMIT")     # RFC 9738: the rest is asked for again
            if not found:
                return
            below = int(found[1])

    def alone(self, c):
        """One command, of which all may be known."""
        rest = [x for x in self.clients if x is not c and not x.is_idle]
        if self.rnd.random() < 0.7:
            for x in rest:
                x.finish()
        is_fresh = self.rnd.random() < 0.8
        if is_fresh:
            c.run(Command("NOOP"))
            self.learn(c)
        if c.is_dead:
            return
        self.send_alone(c, self.command(c)[1], rest, is_fresh)
        if c.saved is not None and not c.is_dead and not c.flying and self.rnd.random() < 0.3:
            self.send_alone(c, self.do_saved(c), rest, is_fresh)
        self.remember(c)

    @staticmethod
    def send_alone(c, command, rest, is_fresh):
        if command:
            command.is_alone = not any(x.flying for x in rest) and not command.more.get("halfway")
            command.is_fresh = is_fresh and c.knows_flags
            c.send(command)
            c.finish()

    def together(self, clients):
        """Each sends some commands, and then each reads, or not yet."""
        for c in clients:
            for _ in range(1 if self.rnd.random() < 0.6 else self.rnd.randint(2, 6)):
                name, command = (None, None) if c.is_dead else self.command(c)
                if command:
                    c.send(command)
                if name in LAST or c.is_dead:
                    break
        for c in clients:
            if c.is_idle or (c.kind.get("is_slow") and self.rnd.random() < 0.5):
                continue
            c.finish()
            self.remember(c)

    def round(self):
        self.rounds += 1
        for c in self.clients:
            if c.is_dead:
                c.connect()
        ready = []
        for c in self.rnd.sample(self.clients, 1 if self.rnd.random() < 0.5 else self.rnd.randint(2, min(5, len(self.clients)))):
            if c.flying and not c.is_idle and c.kind.get("is_slow") and self.rnd.random() < 0.3:
                continue
            c.finish()
            c.drain()
            if not c.is_dead:
                ready.append(c)
        if len(ready) == 1:
            self.alone(ready[0])
        else:
            self.together(ready)

    def remember(self, c):
        """Here the connection might have been lost: what it knows, and up to which HIGHESTMODSEQ (RFC 7162 6)."""
        if c.is_dead or c.flying or not c.box or not c.kind.get("qresync") or not c.knows_flags or c.synced is None:
            return
        if any(None in (m.uid, m.flags, m.modseq) for m in c.list):
            return
        kept = c.snapshots.setdefault(c.box.id, [])
        kept.append((c.uidvalidity, c.synced, {m.uid: (m.flags, m.modseq) for m in c.list}))
        del kept[:-8]

    # ---- what there is ----

    def share(self):
        """alice may do everything in bob's mailboxes."""
        w = Client(self, 99, {})
        self.share_all(w)
        w.close()

    @staticmethod
    def share_all(w):
        listed = dict(w.run(Command('LIST "" "*" RETURN (CHILDREN SUBSCRIBED)')).lists)
        for name, attributes in listed.items():
            if not attributes & {"\\noselect", "\\nonexistent"}:
                w.run(Command("SETACL %s alice@example.test lrswipkxten" % w.encode(name)))
        return listed

    def look(self):
        """All of it, by a client that knows nothing."""
        w = Client(self, 99, {})
        self.listed, self.live, self.truth = self.share_all(w), {}, {}
        for name, attributes in self.listed.items():
            if attributes & {"\\noselect", "\\nonexistent"}:
                continue
            stated = w.run(Command("STATUS %s %s" % (w.encode(name), STATUS))).stated
            w.has_modseq = True
            w.run(self.select(w, name, "EXAMINE"))
            self.look_at_messages(w)
            self.live[name] = w.box.id
            self.truth[w.box.id] = {
                "name": name, "uids": w.uids(), "flags": {m.uid: m.flags for m in w.list}, "modseq": {m.uid: m.modseq for m in w.list},
                "status": stated, "static": {uid: dict(w.box.static[uid]) for uid in w.uids()}}
            self.check_box(w, stated)
        self.check_quota(w)
        w.close()
        self.is_renaming = False
        for box in self.boxes.values():
            if box.id in self.truth:
                box.is_doomed = False

    def look_at_messages(self, w):
        step = self.limit or 1 << 30
        for at in range(1, len(w.list) + 1, step):
            command = w.run(Command("FETCH %d:%d (UID FLAGS MODSEQ RFC822.SIZE EMAILID THREADID SAVEDATE INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
                                    % (at, min(at + step - 1, len(w.list)))))
            self.check_texts(w, command)
            for items, m in command.fetched:        # RFC 8474 5.1, 5.2
                same = items["RFC822.SIZE"], str(items["THREADID"])
                if self.emails.setdefault(items["EMAILID"][0], same) != same:
                    w.fail("EMAILID of %s: %s and %s", m, same, self.emails[items["EMAILID"][0]])
        if len(w.uids()) != len(w.list):
            w.fail("FETCH left some out")

    @staticmethod
    def check_box(w, stated):
        """STATUS is what the messages say, and nothing that was answered OK is lost."""
        want = {"MESSAGES": len(w.list), "UNSEEN": sum("\\seen" not in m.flags for m in w.list),
                "DELETED": sum("\\deleted" in m.flags for m in w.list), "SIZE": sum(int(w.box.static[uid]["RFC822.SIZE"]) for uid in w.uids()),
                "UIDVALIDITY": w.uidvalidity, "MAILBOXID": [w.box.id], "HIGHESTMODSEQ": w.selected_highest}
        if {k: stated[k] for k in want} != want:
            w.fail("STATUS %s, and there is %s", stated, want)
        if max([m.modseq for m in w.list] or [0]) > w.selected_highest:
            w.fail("a MODSEQ above HIGHESTMODSEQ %d: %s", w.selected_highest, w.list)
        there = set(w.uids())
        if w.box.created - there - w.box.asked:
            w.fail("UIDs %s are lost", sorted(w.box.created - there - w.box.asked))
        if w.box.gone & there:
            w.fail("UIDs %s are back", sorted(w.box.gone & there))

    def check_quota(self, w):
        """RFC 9208 5: usage is the sum."""
        used = {"MAILBOX": len(self.truth)}
        for resource, item in (("STORAGE", "SIZE"), ("MESSAGE", "MESSAGES")):
            used[resource] = sum(t["status"][item] for t in self.truth.values())
        used["STORAGE"] = (used["STORAGE"] + 1023) // 1024
        for line in w.run(Command("GETQUOTAROOT INBOX")).lines:
            if line.startswith("* QUOTA "):
                words = tokens(line[8:])[1]
                told = {words[i]: int(words[i + 1]) for i in range(0, len(words), 3)}
                if told != {k: used[k] for k in told}:
                    w.fail("%s, and there is %s", line, used)

    # ---- quiet moments ----

    def quiet(self):
        self.quiets += 1
        self.note("--- quiet")
        listening = [c for c in self.clients if c.knows_list and (c.is_idle or c.shape == 2) and self.rnd.random() < 0.7]
        for c in self.clients:
            if c not in listening or not c.is_idle:
                c.finish()
        for c in self.clients:
            if c not in listening:
                self.catch_up(c)
        self.look()
        for c in listening:
            self.in_time(c, self.compare_untold)
            self.catch_up(c)
        for c in self.clients:
            if not c.is_dead:
                self.compare(c)
        c = self.rnd.choice(self.clients)
        if not c.is_dead:
            self.compare_searches(c)
        self.resync()

    def catch_up(self, c):
        c.run(Command("NOOP"))
        if c.knows_list:
            self.learn(c)

    def compare_untold(self, c):
        """IDLE, and NOTIFY with "selected", tell without being asked; of new messages IDLE tells only that they are there."""
        truth = self.truth.get(c.box.id) if c.box and not c.is_dead else None
        if c.box and not c.is_dead and truth is None:
            c.fail("the mailbox is gone, and it was not told")
        if truth and (len(c.list) != len(truth["uids"]) or not set(c.uids()) <= set(truth["uids"])):
            c.fail("listens and believes %s, there is %s", c.list, truth["uids"])
        for m in c.list if truth and c.knows_flags else []:
            if m.uid and m.flags is not None and m.flags != truth["flags"][m.uid]:
                c.fail("listens and believes %s, the flags are %s", m, sorted(truth["flags"][m.uid]))

    def compare(self, c):
        truth = self.truth.get(c.box.id) if c.box else None
        if c.box and truth is None:
            c.fail("the mailbox is gone, and it was not told")
        if truth and c.knows_list:
            if [m.uid for m in c.list] != truth["uids"]:
                c.fail("believes %s, there is %s", c.list, truth["uids"])
            if c.knows_flags:
                self.compare_flags(c, truth)
            if c.highest > truth["status"]["HIGHESTMODSEQ"]:
                c.fail("was told HIGHESTMODSEQ %d, and it is %s", c.highest, truth["status"])
            if not self.limit:
                self.compare_kept(c)
        if c.shape not in (0, NOTIFY_OFF):
            self.in_time(c, self.compare_statuses)
        if c.names is not None and c.has_lost_names:
            c.learn_names()
        if c.names is not None:
            self.in_time(c, self.compare_names)

    @staticmethod
    def compare_flags(c, truth):
        for m in c.list:
            if m.flags != truth["flags"][m.uid]:
                c.fail("believes %s, the flags are %s", m, sorted(truth["flags"][m.uid]))
            # Annotations of others have modseqs too, of which only who selects with ANNOTATE is told (RFC 5257 4.4)
            if c.has_modseq and m.modseq > truth["modseq"][m.uid]:
                c.fail("believes %s, the modseq is %d", m, truth["modseq"][m.uid])

    @staticmethod
    def compare_kept(c):
        for tag, kept in list(c.contexts.items()):
            if kept["list"] is None:
                continue
            found = numbers(c.run(Command(kept["command"] % "")).esearch[0].get("ALL", ""))
            found = found if kept["is_uid"] else [c.list[n - 1] for n in found]
            have = kept["list"]
            if not kept["is_sort"]:
                have = sorted(have, key=lambda x, by_uid=kept["is_uid"]: x if by_uid else c.list.index(x))
            if found != have:
                c.fail("the kept search %s is %s, and there is %s", tag, have, found)

    @staticmethod
    def in_time(c, check):
        end = time.monotonic() + PATIENCE_S
        while True:
            c.drain(0.005)
            try:
                return check(c)
            except Violation:
                if time.monotonic() > end:
                    raise
                c.drain(0.05)

    def compare_statuses(self, c):
        """RFC 5465 5.1 to 5.3"""
        is_watched = {
            4: lambda n: n in ("B", "INBOX", "A") or n.startswith("A/"),
            5: lambda n: n == "INBOX"}.get(c.shape, lambda n: True)
        has_unseen = {1: lambda n: True, 4: lambda n: n in ("B", "INBOX"), 5: lambda n: n == "INBOX"}.get(c.shape, lambda n: False)
        for name, mailboxid in self.live.items():
            told, truth = c.statuses.get(name), self.truth[mailboxid]["status"]
            if not told or (c.box and mailboxid == c.box.id) or name == c.name or not is_watched(name):
                continue
            if told["UIDVALIDITY"] != truth["UIDVALIDITY"] and c.shape not in (1, 2):
                del c.statuses[name]        # another one has that name, of which MailboxName would tell
                continue
            for item in ("UIDVALIDITY", "MESSAGES", "UIDNEXT") + (("UNSEEN",) if has_unseen(name) else ()):
                if item in told and told[item] != truth[item]:
                    c.fail("was told of %s %s, and there is %s", name, told, truth)

    def compare_names(self, c):
        want = {n for n, a in self.listed.items() if not a & {"\\noselect", "\\nonexistent"}}
        if set(c.names) != want:
            c.fail("believes the names %s, and there are %s", sorted(c.names), sorted(want))

    def compare_searches(self, c):
        """ESEARCH and LIST of all mailboxes."""
        text, matches = self.criteria(c)
        if "UID" in text or (c.box and not c.knows_list):
            return
        where = 'subtree "%s"' % SHARED[:-1] if c.is_alice else "personal"
        found = {x["MAILBOX"]: x for x in c.run(Command("ESEARCH IN (%s) RETURN (ALL COUNT) %s" % (where, text))).esearch}
        for name, mailboxid in self.live.items():
            want = []
            for uid, flags in self.truth[mailboxid]["flags"].items():
                m = Message()
                m.uid, m.flags = uid, flags
                want += [uid] if matches(m) else []
            out = found.pop(name, {"COUNT": "0"})
            if numbers(out.get("ALL", "")) != want or int(out["COUNT"]) != len(want):
                c.fail("found in %s %s, expected %s", name, out, want)
        if found:
            c.fail("found %s", found)
        items = "UIDVALIDITY MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ SIZE DELETED"
        for line in c.run(Command('LIST "" "%s*" RETURN (STATUS (%s))' % (SHARED if c.is_alice else "", items))).lines:
            if line.startswith("* STATUS "):
                name, told = tokens(line[9:])
                truth = self.truth[self.live[c.decode(name)]]["status"]
                if any(truth[k] != int(v) for k, v in pairs(told).items()):
                    c.fail("%s, and there is %s", line, truth)

    # ---- coming back ----

    def resync(self):
        """RFC 7162 3.2.5, 3.2.6: what a client knew, with what it is told, must be what is there."""
        w = None
        for c in self.clients:
            for mailboxid, kept in c.snapshots.items():
                if mailboxid not in self.truth:
                    continue
                for snapshot in self.rnd.sample(kept, min(len(kept), 3)):
                    w = w or Client(self, 98, {"qresync": True, "rev2": self.rnd.random() < 0.5, "uidonly": self.rnd.random() < 0.2})
                    self.resync_one(w, c, self.truth[mailboxid], *snapshot)
        if w:
            w.close()

    def resync_one(self, w, owner, truth, uidvalidity, highest, known):
        r, uids = self.rnd, sorted(known)
        how = r.choice(("", "known", "match", "known match", "fetch"))
        if (w.kind.get("uidonly") and "match" in how) or (self.limit and how == "fetch") or not uids:
            how = ""
        highest = 1 if r.random() < 0.1 else highest
        parameter = "%d %d" % (uidvalidity, highest)
        if "known" in how:
            parameter += " " + (ranges(uids) if r.random() < 0.7 else "1:%d" % uids[-1])
        if "match" in how:
            some = sorted(r.sample(range(len(uids)), min(len(uids), r.randint(1, 6))))
            parameter += " (%s %s)" % (ranges(i + 1 for i in some), ranges(uids[i] for i in some))
        command = w.run(self.select(w, truth["name"], "EXAMINE", "" if how == "fetch" else parameter))
        if how == "fetch":
            command = w.run(Command("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d VANISHED)" % highest))
        if command.earlier & set(truth["uids"]):
            w.fail("VANISHED (EARLIER) %s, which live", command.earlier & set(truth["uids"]))
        have = {uid: x for uid, x in known.items() if uid not in command.earlier}
        have.update((m.uid, (m.flags, m.modseq)) for _, m in command.fetched)
        want = {uid: (truth["flags"][uid], truth["modseq"][uid]) for uid in truth["uids"] if "known" not in how or uid in known or uid in have}
        if have != want:
            w.fail("%r comes back with %s (%s): %s", owner, parameter, how,
                   {uid: (have.get(uid), want.get(uid)) for uid in sorted(set(have) | set(want)) if have.get(uid) != want.get(uid)})
        self.resyncs += 1

    # ---- kill -9 ----

    def crash(self):
        """What was answered is there afterwards, in all its parts; of what was not, nothing is half done."""
        self.crashes += 1
        self.note("--- crash")
        before = None
        if self.rnd.randrange(2):
            for c in self.clients:
                c.finish()
            self.look()
            before = self.truth
        else:
            for c in self.clients:
                for _ in range(3 if not c.is_dead and not c.flying and self.rnd.randrange(2) else 0):
                    name, command = self.command(c)
                    if command:
                        c.send(command)
                    if name in LAST or c.is_dead:
                        break
        self.is_crashing = True
        self.server.crash()
        for c in self.clients:
            while not c.is_dead:
                c.step()
        self.is_crashing = False
        for c in self.clients:
            c.connect()
        self.look()
        if before not in (None, self.truth):
            raise Violation("before the crash %s, after it %s" % (before, self.truth))

    # ---- all of it ----

    def play(self, seconds, rounds, every=25, crash_every=0):
        """Until one of both is over; 0: no bound."""
        end = time.monotonic() + seconds
        self.look()
        for c in self.clients:      # names may have been shared since
            if c.shape:
                c.notify(c.shape)
        while (not seconds or time.monotonic() < end) and (not rounds or self.rounds < rounds):
            self.round()
            if self.rounds % every == 0:
                self.quiet()
                if crash_every and self.quiets % crash_every == 0:
                    self.crash()
        self.quiet()

    def close(self):
        for c in self.clients:
            c.close()

# SPDX-License-Identifier: MIT
"""
Random commands, and what each of them promises. A method gives a Command for that client, or None when it cannot be now or was
done at once. What a command does can be foretold exactly when it is sent alone by a client that is up to date (Command.is_exact).
"""

import poplib
import random
import re
import smtplib

from client import NOTIFY_OFF, SHARED, Command
from sets import numbers, ranges

NAMES = ["INBOX", "A", "A/x", "A/x/q", "B", "B/z", "\xc4rger", "\xc4rger/b", "Archive"]
KEYWORDS = ["k%d" % i for i in range(8)]        # run --keywords makes it longer
SYSTEM = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted"]
STATUS = "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ MAILBOXID)"
ORDERS = (None, None, "SIZE", "REVERSE SIZE", "SUBJECT", "REVERSE ARRIVAL", "DATE", "FROM SUBJECT")
RETURNS = ("", "RETURN () ", "RETURN (ALL COUNT) ", "RETURN (MIN MAX) ", "RETURN (SAVE) ", "RETURN (SAVE MIN COUNT) ", "RETURN (PARTIAL 2:4) ",
           "RETURN (PARTIAL -1:-2 SAVE) ")
FETCHES = ("(FLAGS)", "(UID FLAGS)", "(UID FLAGS RFC822.SIZE)", "(EMAILID THREADID SAVEDATE)", "(UID BODY.PEEK[])", "(BODY[TEXT]<0.10>)",
           "(INTERNALDATE FLAGS)", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])", "(ENVELOPE BODYSTRUCTURE)")


def message(token):
    """The message of that name: made from it alone."""
    r = random.Random(token)
    body = "x" * (r.choice((1, 10, 100, 3000)) if r.random() < 0.97 else 60000)
    refers = "References: <%s@x>\r\n" % r.choice("abcdef") if r.random() < 0.5 else ""
    return ("Subject: %s%s\r\nFrom: <%s@example.org>\r\nMessage-ID: <%s@x>\r\n%sDate: Mon, %d Mar 2020 10:00:00 +0000\r\n\r\n%s\r\n" % (
        r.choice(["", "Re: ", "Fwd: "]), token, r.choice("uvw"), token, refers, r.randint(1, 28), body)).encode()


def changed(flags, sign, by):
    return {"+": flags | by, "-": flags - by, "": by}[sign]


def limit_of(command):
    """RFC 9738: messages below this UID were not looked at."""
    found = command.code_of("MESSAGELIMIT")
    return int(found[1]) if found else 0


class Commands:
    # ---- what is chosen ----

    def token(self):
        self.n_tokens += 1
        return "t%d-%d" % (self.seed, self.n_tokens)

    def some_name(self):
        names = list(self.live) or ["INBOX"]
        return self.rnd.choice(names if self.rnd.random() < 0.9 else NAMES)

    def box_of(self, name):
        return self.boxes.get(self.live.get(name))

    def some_flags(self):
        return (self.rnd.sample(SYSTEM if self.rnd.random() < 0.5 else SYSTEM[:4], self.rnd.randint(0, 2))
                + self.rnd.sample(KEYWORDS, self.rnd.randint(0, 2 if self.rnd.random() < 0.8 else min(len(KEYWORDS) // 4, 30))))

    def criteria(self, c, depth=0):
        """(search key, the same as a function of a message)."""
        r, x = self.rnd, self.rnd.randrange(12 if depth < 2 else 6)
        if x < 3:
            f = r.choice(["Seen", "Answered", "Flagged", "Draft", "Deleted"])
            flag, is_set = "\\" + f.lower(), r.random() < 0.5
            return ("" if is_set else "UN") + f.upper(), lambda m: (flag in m.flags) == is_set
        if x < 5:
            k, is_set = r.choice(KEYWORDS), r.random() < 0.7
            return ("" if is_set else "UN") + "KEYWORD " + k, lambda m: (k in m.flags) == is_set
        if x == 5:
            uids = c.uids() or [1]
            a, b = sorted((r.choice(uids), r.choice(uids)))
            return "UID %d:%d" % (a, b), lambda m: a <= m.uid <= b
        if x == 6:
            return "ALL", lambda m: True
        t, f = self.criteria(c, depth + 1)
        if x == 7:
            return "NOT (%s)" % t, lambda m: not f(m)
        u, g = self.criteria(c, depth + 1)
        if x < 10:
            return "OR (%s) (%s)" % (t, u), lambda m: f(m) or g(m)
        return "(%s %s)" % (t, u), lambda m: f(m) and g(m)

    # ---- new messages ----

    def added(self, c, code, uids, tokens, above, are_deleted):
        """APPENDUID: (UIDVALIDITY, set)"""
        if not code or len(numbers(code[1])) != len(tokens):
            c.fail("APPENDUID %s of %d messages", code, len(tokens))
        box = next((b for b in self.boxes.values() if b.uidvalidity == int(code[0])), None)
        if box:
            box.note_created(uids, above)
            for uid, token in zip(uids, tokens):
                box.note_token(uid, token)
            box.asked.update(uids if are_deleted else ())

    def one_message(self, c, flags, is_single):
        """(arguments of APPEND, literals, token)"""
        token = self.token()
        text = " (%s)" % " ".join(flags) if flags or is_single and self.rnd.random() < 0.5 else ""
        if self.rnd.random() < 0.3:
            text += ' "%02d-Mar-2020 10:00:00 +0000"' % self.rnd.randint(1, 28)
        data = message(token)
        if self.rnd.random() < 0.2:
            cut = data.index(b"\r\n\r\n") + 4
            return text + " CATENATE (TEXT \0 TEXT \0)", [data[:cut], data[cut:]], token
        if c.kind.get("utf8") and self.rnd.random() < 0.3:
            return text + " UTF8 (~\0)", [data], token
        return text + " \0", [data], token

    def halfway(self, c):
        """Somebody else does something while the command is on its way."""
        other = self.rnd.choice([x for x in self.clients if x is not c and not x.is_dead and not x.is_idle and not x.flying] or [None])
        if other:
            command = self.command(other)[1]
            if command and not command.more.get("halfway"):
                other.run(command)
            other.finish()

    def do_append(self, c):
        name = self.some_name() if self.rnd.random() < 0.5 or not c.name else c.name
        n, flags = self.rnd.choice([1, 1, 1, 2, 3]), []
        text, literals, tokens = "APPEND " + c.encode(name), [], []
        for _ in range(n):
            flags.append(self.some_flags())
            more, data, token = self.one_message(c, flags[-1], n == 1)
            text, literals, tokens = text + more, literals + data, tokens + [token]
        is_slow = self.rnd.random() < 0.1
        box, is_known = self.box_of(name), name in self.live and not self.is_renaming
        above = box.max_uid if box and is_known and not is_slow else 0

        def done(command):
            if command.status == "OK":
                code = command.code_of("APPENDUID")
                self.added(c, code, numbers(code[1]), tokens, above, any("\\Deleted" in f for f in flags))
            elif command.is_alone and is_known and not is_slow:
                c.fail("answered %s", command.answer)
        return Command(text, done, literals, can_fail=True, halfway=(lambda: self.halfway(c)) if is_slow else None)

    def do_replace(self, c):
        if not c.box or c.is_readonly or not c.uids():
            return None
        m, source, token = self.rnd.choice([m for m in c.list if m.uid]), c.box, self.token()
        name = c.name if self.rnd.random() < 0.7 else self.some_name()
        uid, chosen = c.addressed([m])
        is_known = name in self.live and not self.is_renaming
        source.asked.add(m.uid)

        def done(command):
            if command.status == "OK":
                code = command.code_of("APPENDUID")
                self.added(c, code, numbers(code[1]), [token], 0, False)
                if c.box is source and m.uid in c.uids():
                    c.fail("UID %d was replaced and is still there", m.uid)
            elif command.is_exact and is_known:
                c.fail("answered %s", command.answer)
        return Command("%sREPLACE %s %s () \0" % (uid, chosen, c.encode(name)), done, [message(token)], can_fail=True)

    def copied(self, c, command, source, asked, box, above):
        """UIDs of COPYUID in the source."""
        code = command.code_of("COPYUID")
        if not code:
            if command.is_exact:
                c.fail("no COPYUID: %s", command.answer)
            return []
        old, new = numbers(code[1]), numbers(code[2])
        if len(old) != len(new) or old != sorted(set(old)) or new != sorted(set(new)) or not set(old) <= set(asked):
            c.fail("COPYUID %s of %s", code, asked)
        if command.is_exact and set(old) != set(asked):
            c.fail("COPYUID %s of %s", code, asked)
        to = next((b for b in self.boxes.values() if b.uidvalidity == int(code[0])), None)
        if to:
            to.note_created(new, above if to is box else 0)
            for x, y in zip(old, new):
                if x in source.token:
                    to.note_token(y, source.token[x])
                for item in ("RFC822.SIZE", "EMAILID", "THREADID", "INTERNALDATE"):     # RFC 8474 5.1, RFC 9051 6.4.7
                    if item in source.static.get(x, {}):
                        to.note_static(y, item, source.static[x][item])
            to.asked.update(y for x, y in zip(old, new) if x in source.asked)
        return old

    def do_copy(self, c, verb="COPY"):
        messages = c.some() if c.box and not (verb == "MOVE" and c.is_readonly) else []
        if not messages:
            return None
        name, source, asked = self.some_name(), c.box, [m.uid for m in messages]
        uid, chosen = c.addressed(messages)
        box, is_known = self.box_of(name), name in self.live and not self.is_renaming
        above = box.max_uid if box and is_known else 0
        source.asked.update(asked if verb == "MOVE" else ())

        def done(command):
            if command.status == "NO":
                if command.is_exact and is_known:
                    c.fail("answered %s", command.answer)
                return
            taken = self.copied(c, command, source, asked, box, above)
            if verb == "MOVE":
                source.note_moved(taken)
                if c.box is source and set(taken) & set(c.uids()):
                    c.fail("UIDs %s were moved and are still there", set(taken) & set(c.uids()))
        return Command("%s%s %s %s" % (uid, verb, chosen, c.encode(name)), done, can_fail=True)

    def do_move(self, c):
        return self.do_copy(c, "MOVE")

    # ---- flags ----

    def do_store(self, c):
        messages = c.some() if c.box and not c.is_readonly else []
        if not messages:
            return None
        uid, chosen = c.addressed(messages)
        number = {m: m.uid if uid else c.list.index(m) + 1 for m in messages}
        sign, flags = self.rnd.choice("+-+-=").strip("="), self.some_flags() or ["\\Seen"]
        low, silent, condition = frozenset(x.lower() for x in flags), self.rnd.choice(("", ".SILENT")), None
        if c.has_modseq and self.rnd.random() < 0.3:
            condition = self.rnd.choice([m.modseq or 1 for m in messages] + [c.highest or 1]) if self.rnd.random() < 0.9 else 0
        c.box.asked.update(m.uid for m in messages if "\\Deleted" in flags)
        before = {m: (m.flags, m.modseq) for m in messages}

        def done(command):
            failed = set(numbers((command.code_of("MODIFIED") or [""])[0]))
            stored = [m for m in messages if number[m] not in failed and m.uid >= limit_of(command)]
            if command.status != "OK" or condition is not None and not command.is_exact:
                stored = [m for m in stored if command.status == "OK" and m in c.list]
            for m in stored:
                if m not in command.flags_told and m.flags is not None:
                    m.flags = changed(m.flags, sign, low)
            if command.is_exact:
                self.stored_exactly(c, command, stored, before, sign, low)
                if condition is not None and all(x[1] for x in before.values()):
                    want = {number[m] for m in messages if before[m][1] > condition}
                    if want != failed:
                        c.fail("MODIFIED %s, expected %s of %s", sorted(failed), sorted(want), before)
        text = "%sSTORE %s %s%sFLAGS%s (%s)" % (uid, chosen, "(UNCHANGEDSINCE %d) " % condition if condition is not None else "", sign, silent,
                                                " ".join(flags))
        return Command(text, done, can_fail=True)

    @staticmethod
    def stored_exactly(c, command, stored, before, sign, low):
        for m in stored:
            flags, modseq = before[m]
            if flags is None:
                continue
            if m.flags != changed(flags, sign, low):
                c.fail("%s had %s", m, sorted(flags))
            if "UNCHANGEDSINCE" in command.text and m not in command.modseq_told:
                c.fail("no MODSEQ of %s", m)        # RFC 7162 3.1.3
            if c.has_modseq and modseq is not None and m.flags != flags and m.modseq <= modseq:
                c.fail("the modseq of %s has not grown", m)

    def do_annotate(self, c):
        messages = c.some(3) if c.box and not c.is_readonly else []
        if not messages:
            return None
        uid, chosen = c.addressed(messages)
        kind = self.rnd.choice(["priv", "shared"])
        return Command('%sSTORE %s ANNOTATION (/comment (value.%s "%d"))' % (uid, chosen, kind, self.rnd.randrange(5)), can_fail=True)

    def do_expunge(self, c):
        if not c.box or c.is_readonly:
            return None
        return Command(self.rnd.choice(("EXPUNGE", "UID EXPUNGE " + ranges([m.uid for m in c.some(9)] or [1]))))

    # ---- mailboxes ----

    def select(self, c, name, verb="SELECT", qresync=""):
        parameters = ["QRESYNC (%s)" % qresync] if qresync else []
        if c.kind.get("annotate"):
            parameters.append("ANNOTATE")
        if not qresync and self.rnd.random() < 0.1:
            parameters.append("CONDSTORE")

        def done(command):
            if command.status != "OK":
                c.leave()
                return
            c.has_modseq |= "CONDSTORE" in parameters
            c.is_readonly = command.code.startswith("READ-ONLY")
            if verb == "EXAMINE" and not c.is_readonly:
                c.fail("answered %s", command.answer)
        return Command("%s %s%s" % (verb, c.encode(name), " (%s)" % " ".join(parameters) if parameters else ""), done, can_fail=True,
                       mailbox=name, known={x: b.known() for x, b in self.boxes.items()})

    def do_select(self, c):
        return self.select(c, self.some_name() if self.rnd.random() < 0.6 else "INBOX", "SELECT" if self.rnd.random() < 0.8 else "EXAMINE")

    def do_close(self, c):
        return Command(self.rnd.choice(("CLOSE", "UNSELECT")), lambda _: c.leave()) if c.box else None

    def do_create(self, c):
        self.is_renaming = True
        return Command("CREATE " + c.encode(self.rnd.choice(NAMES[1:])), can_fail=True)

    def do_delete(self, c):
        name = self.rnd.choice([n for n in list(self.live) + NAMES if n != "INBOX"])
        is_own = c.name == name
        if is_own and (c.flying or self.is_renaming or self.live.get(name) != c.box.id):
            return None     # is it its own? Others may have renamed it
        for box in self.boxes.values():     # whichever has that name when it comes to that
            box.is_doomed = True
        self.is_renaming = True

        def done(command):
            if command.status == "OK" and is_own:
                c.leave()
        return Command("DELETE " + c.encode(name), done, can_fail=True)

    def do_rename(self, c):
        self.is_renaming = True
        names = [n for n in list(self.live) + NAMES if n != "INBOX"]
        return Command("RENAME %s %s" % (c.encode(self.rnd.choice(names)), c.encode(self.rnd.choice(NAMES[1:]))), can_fail=True)

    def do_rename_inbox(self, c):
        """RFC 9051 6.3.6: its messages go."""
        self.is_renaming = True
        box = self.box_of("INBOX")
        if box:
            box.asked.update(range(1, box.max_uid + 200))
        return Command("RENAME INBOX " + c.encode(self.rnd.choice(NAMES[1:])), can_fail=True)

    def do_subscribe(self, c):
        return Command("%sSUBSCRIBE %s" % (self.rnd.choice(("", "UN")), c.encode(self.rnd.choice(NAMES))), can_fail=True)

    def do_status(self, c):
        name = self.some_name()
        box = self.box_of(name)
        max_uid, max_modseq, uidnext, _ = box.known() if box else (0, 0, 0, None)

        def done(command):
            told = command.stated
            if command.status != "OK":
                return
            c.has_modseq = True         # RFC 7162 3.1: STATUS (HIGHESTMODSEQ) enables CONDSTORE
            if box and told["MAILBOXID"] == [box.id]:
                if told["UIDNEXT"] <= max_uid or told["UIDNEXT"] < uidnext or told["HIGHESTMODSEQ"] < max_modseq:
                    c.fail("%s, and UID %d, UIDNEXT %d and modseq %d were told before", told, max_uid, uidnext, max_modseq)
                box.uidnext = max(box.uidnext, told["UIDNEXT"])
                box.note_uidvalidity(told["UIDVALIDITY"])
        return Command("STATUS %s %s" % (c.encode(name), STATUS), done, can_fail=True)

    def do_metadata(self, c):
        name = self.rnd.choice(('""', c.encode(self.some_name())))
        if self.rnd.randrange(2):
            return Command("GETMETADATA %s (/private/comment /shared/comment)" % name, can_fail=True)
        return Command('SETMETADATA %s (/private/comment %s)' % (name, self.rnd.choice(("NIL", '"v%d"' % self.rnd.randrange(9)))), can_fail=True)

    def do_other(self, c):
        if c.is_alice:
            return Command("NOOP")
        return Command(self.rnd.choice(("GETQUOTAROOT INBOX", 'LIST "" *', "NAMESPACE", "GETACL INBOX", "MYRIGHTS INBOX",
                                        'LIST "" * RETURN (STATUS (UIDVALIDITY MESSAGES HIGHESTMODSEQ))')))

    # ---- FETCH ----

    def check_texts(self, c, command):
        """Each message is what was sent (deliveries have trace fields in front)."""
        for items, m in command.fetched:
            for item, data in items.items():
                token = re.search(rb"t\d+-\d+", data) if item.startswith("BODY[") and isinstance(data, bytes) else None
                if token and m.uid:
                    c.box.note_token(m.uid, token.group(0).decode())
                if item == "BODY[]" and not (token and data.endswith(message(token.group(0).decode()))):
                    c.fail("the bytes of %s: %r", m, data[:200])

    def do_fetch(self, c):
        messages = c.some(8) if c.box else []
        if not messages:
            return None
        uid, chosen = c.addressed(messages)
        items = "(UID FLAGS MODSEQ)" if c.has_modseq and self.rnd.random() < 0.3 else self.rnd.choice(FETCHES)

        def done(command):
            missing = set(messages) - {m for _, m in command.fetched}
            if command.is_exact and command.status == "OK" and missing:
                c.fail("left out %s", missing)
            self.check_texts(c, command)
        return Command("%sFETCH %s %s" % (uid, chosen, items), done, can_fail=True)

    def do_fetch_all(self, c):
        return Command("UID FETCH 1:* (UID BODY.PEEK[])", lambda command: self.check_texts(c, command)) if c.list else None

    def do_fetch_changed(self, c):
        """RFC 7162 3.1.4.1, 3.2.6"""
        if not c.list or not c.has_modseq:
            return None
        since = self.rnd.choice([c.highest] + c.told_highest + [m.modseq for m in c.list if m.modseq][-3:]) or 1
        vanished = " VANISHED" if c.kind.get("qresync") and self.rnd.random() < 0.6 else ""

        def done(command):
            got = {m for items, m in command.fetched if "FLAGS" in items}
            want = {m for m in c.list if m.modseq and m.modseq > since}
            if command.is_exact and got != want and all(m.modseq for m in c.list):
                c.fail("came %s, expected %s", got, want)
            if vanished and command.earlier & set(c.uids()):
                c.fail("VANISHED (EARLIER) %s, which live", command.earlier & set(c.uids()))
        return Command("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d%s)" % (since, vanished), done)

    def do_fetch_partial(self, c):
        """RFC 9394 3.3"""
        if not c.list:
            return None
        a, sign = self.rnd.randint(1, 6), self.rnd.choice(("", "-"))
        b = a + self.rnd.randint(0, 5)

        def done(command):
            uids = c.uids()
            if command.is_exact and len(uids) == len(c.list):
                want = (uids[::-1] if sign else uids)[a - 1:b]
                if {m.uid for _, m in command.fetched} != set(want):
                    c.fail("came %s, expected %s", command.fetched, want)
        return Command("UID FETCH 1:* (FLAGS) (PARTIAL %s%d:%s%d)" % (sign, a, sign, b), done, can_fail=bool(self.limit))

    # ---- SEARCH ----

    @staticmethod
    def check_found(c, command, returns, hits):
        """`hits`: the numbers or UIDs of what matches."""
        out = command.esearch[0] if command.esearch else {}
        if not returns and not c.kind.get("rev2") and command.search is not None:
            found, hits = sorted(command.search), sorted(hits)
        elif "MIN MAX" in returns:
            found, hits = [int(out[k]) for k in ("MIN", "MAX") if k in out], [hits[0], hits[-1]] if hits else []
        elif "PARTIAL" in returns:
            found = numbers(out["PARTIAL"][1].replace("NIL", ""))
            hits = sorted(hits[1:4] if "2:4" in returns else hits[-2:])
        elif returns == "RETURN (SAVE) ":
            return
        elif "COUNT" in returns and "ALL" not in returns:
            found, hits = int(out["COUNT"]), len(hits)
        else:
            found = numbers(out.get("ALL", ""))
        if found != hits:
            c.fail("found %s, expected %s", found, hits)

    def do_search(self, c):
        if not c.box:
            return None
        text, matches = self.criteria(c)
        is_uid, returns = not c.may_number() or self.rnd.randrange(2) == 0, self.rnd.choice(RETURNS)

        def done(command):
            is_known = command.is_exact and c.knows_flags and all(m.uid and m.flags is not None for m in c.list)
            if "SAVE" in returns:
                c.saved = None
            if not is_known:
                return
            found = [m for m in c.list if matches(m)]
            self.check_found(c, command, returns, [m.uid if is_uid else c.list.index(m) + 1 for m in found])
            if returns == "RETURN (SAVE) " or "SAVE MIN COUNT" in returns:      # RFC 9051 6.4.4.1
                c.saved = {m.uid for m in found}
            elif "SAVE" in returns:         # RFC 9394 3.1
                c.saved = {m.uid for m in found[-2:]}
        return Command("%sSEARCH %s%s" % ("UID " if is_uid else "", returns, text), done)

    def do_search_modseq(self, c):
        """RFC 7162 3.1.5, 3.1.10"""
        if not c.list or not c.has_modseq:
            return None
        least = self.rnd.choice([m.modseq for m in c.list if m.modseq] or [1])

        def done(command):
            if command.is_exact and all(m.modseq and m.uid for m in c.list):
                want = [m for m in c.list if m.modseq >= least]
                out = command.esearch[0]
                if numbers(out.get("ALL", "")) != [m.uid for m in want] or (want and int(out["MODSEQ"]) != max(m.modseq for m in want)):
                    c.fail("found %s, expected %s", out, want)
        return Command("UID SEARCH RETURN (ALL) MODSEQ %d" % least, done)

    def do_saved(self, c):
        """RFC 5182"""
        if not c.box or c.saved is None:
            return None
        if self.rnd.randrange(2):
            def done(command):
                if command.is_exact and {m.uid for _, m in command.fetched} != c.saved & set(c.uids()):
                    c.fail("$ is %s, expected %s", command.fetched, c.saved)
            return Command("UID FETCH $ (UID FLAGS)", done)

        def found(command):
            if command.is_exact and set(numbers(command.esearch[0].get("ALL", ""))) != c.saved & set(c.uids()):
                c.fail("$ is %s, expected %s", command.esearch, c.saved)
        return Command("UID SEARCH RETURN (ALL) $", found)

    def do_sort(self, c):
        if not c.box or c.kind.get("uidonly"):
            return None
        text, matches = self.criteria(c)
        is_uid = not c.may_number() or self.rnd.randrange(2) == 0

        def done(command):
            if not (command.is_exact and c.knows_flags and all(m.uid and m.flags is not None for m in c.list)):
                return
            size = {m: int(c.box.static.get(m.uid, {}).get("RFC822.SIZE", 0)) for m in c.list}
            want = [m for m in c.list if matches(m)]
            if not all(size[m] for m in want):
                return
            want = [m.uid if is_uid else c.list.index(m) + 1 for m in sorted(want, key=lambda m: size[m])]
            if command.search != want:
                c.fail("came %s, expected %s", command.search, want)
        return Command("%sSORT (SIZE) UTF-8 %s" % ("UID " if is_uid else "", text), done)

    def do_keep(self, c):
        """RFC 5267 4.3"""
        if not c.box:
            return None
        if c.contexts and (len(c.contexts) > 3 or self.rnd.random() < 0.2):
            tag = self.rnd.choice(list(c.contexts))
            c.ended.add(tag)
            del c.contexts[tag]
            return Command('CANCELUPDATE "%s"' % tag)
        text = self.criteria(c)[0] if self.rnd.random() < 0.8 else "OR SUBJECT Re: KEYWORD k1"
        is_uid, order = not c.may_number() or self.rnd.random() < 0.6, self.rnd.choice(ORDERS)
        kept = {"is_uid": is_uid, "is_sort": bool(order), "list": None,
                "command": "%s%s RETURN (%%sALL) %s%s" % ("UID " if is_uid else "", "SORT" if order else "SEARCH", "(%s) UTF-8 " % order if order else "", text)}
        return Command(kept["command"] % "UPDATE ", kept=kept)

    def do_esearch(self, c):
        where = 'subtree "%s"' % SHARED[:-1] if c.is_alice else "personal"
        return Command("ESEARCH IN (%s) RETURN (ALL COUNT) %s" % (where, self.criteria(c)[0]))

    # ---- how a session works ----

    def do_noop(self, c):
        return Command(self.rnd.choice(("NOOP", "NOOP", "CHECK")) if c.box else "NOOP")

    def do_idle(self, c):
        c.finish()
        c.drain()
        if not c.is_dead:
            c.send(Command("IDLE"))
            c.is_idle = True

    def do_notify(self, c):
        if not c.kind.get("notify"):
            return
        c.finish()
        shape = self.rnd.choice((NOTIFY_OFF, 1, 2, 3, 4, 5, c.kind["notify"]))
        if not c.is_dead and shape == NOTIFY_OFF:
            c.run(Command("NOTIFY NONE"))
            c.forget_flags()
            c.shape, c.statuses, c.names = NOTIFY_OFF, {}, None
        elif not c.is_dead:
            c.notify(shape)

    def do_enable(self, c):
        word = self.rnd.choice(("CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "IMAP4rev2", "UIDONLY"))
        if not c.flying and (word != "UIDONLY" or self.rnd.random() < 0.3):
            c.drain()       # names are spelt differently afterwards
            if not c.is_dead:
                c.run(Command("ENABLE " + word, can_fail=True))

    # ---- beside IMAP ----

    def do_deliver(self, _):
        try:
            with smtplib.SMTP("127.0.0.1", self.server.port("smtp"), timeout=30) as s:
                s.sendmail("carol@example.org", ["bob@example.test"], message(self.token()))
        except smtplib.SMTPRecipientsRefused as e:
            if b"full" not in e.recipients["bob@example.test"][1]:
                raise

    def do_pop3(self, _):
        p = poplib.POP3("127.0.0.1", self.server.port("pop3"), timeout=30)
        try:
            p.user("bob@example.test")
            p.pass_("demo")
            n, box = len(p.list()[1]), self.box_of("INBOX")
            for i in self.rnd.sample(range(1, n + 1), min(n, self.rnd.choice((0, 1, 2)))):
                if box:
                    box.asked.update(range(1, box.max_uid + 200))      # whichever it is
                p.dele(i)
        finally:
            p.quit()

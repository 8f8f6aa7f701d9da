# SPDX-License-Identifier: MIT
"""
Everything fails once: for each command that changes something, each database statement, commit, write and sync of it fails in
turn. The answer must tell the truth: after OK the change is there, after a refusal nothing of it is; and the next try works.
Then the server is killed under load: what was answered is there once, what was not is there once or not at all.
"""

import os
import re
import signal
import threading
import time

from script import Actor, Failure, message

POINTS = (("statement", 80), ("commit", 2), ("pack-write", 2), ("pack-sync", 2))


class Imap:
    """A logged-in session whose commands give back their lines."""

    def __init__(self, server, name="bob"):
        self.actor = Actor(server, "imap")
        self.actor.login(name)

    def run(self, text, literal=None):
        self.actor.send(text.encode() if literal is None else b"%s {%d+}\r\n%s" % (text.encode(), len(literal), literal))
        self.actor.send(b"\r\n")
        return self.rest()

    def rest(self):
        lines = []
        while not (lines and re.match("[a-z]+ (OK|NO|BAD)", lines[-1])):
            lines.append(self.actor.line())
        return lines

    def ok(self, text, literal=None):
        lines = self.run(text, literal)
        assert lines[-1].split(" ")[1] == "OK", (text, lines)
        return lines

    def close(self):
        self.actor.close()


def state(server):
    """All that can be seen of bob: mailboxes, and of those that are not always empty each message's UID, flags and size."""
    imap = Imap(server)
    out = {"list": imap.ok('a LIST "" * RETURN (SUBSCRIBED)')}
    for line in out["list"]:
        name = line.split(" ")[-1]
        if name not in ("INBOX", "mine", "made", "other/new"):
            continue
        imap.ok("a EXAMINE " + name)
        imap.ok("a UID FETCH 1:* BODY.PEEK[TEXT]")
        out[name] = sorted(re.sub(r"^\* \d+ ", "", x).replace(r" \Recent", "").replace(r"\Recent", "")
                           for x in imap.ok("a UID FETCH 1:* (FLAGS RFC822.SIZE)")[:-1])
    imap.close()
    return out


def deliver(server):
    actor = Actor(server, "smtp")
    actor.hello()
    try:
        actor.mail("<carol@example.org>", "bob@example.test", "alice@example.test")
        actor.send(message("multipart.eml") + b".\r\n")
        answer = actor.line()
    except Failure as e:
        answer = str(e).rsplit(": ", maxsplit=1)[-1]
    actor.close()
    assert answer.startswith(("250 ", "451 4.3.0", "452 4.3.1")), answer
    return answer.startswith("250 ")


def by_imap(*commands, messages=0):
    """The last command, with so many messages as literals, is the one that is judged."""
    one = message("multipart.eml")
    literal = (b" {%d+}\r\n" % len(one)).join([one] * messages) if messages else None

    def act(server):
        imap = Imap(server)
        for text in commands[:-1]:
            imap.ok(text)
        server.control("test.fail", **act.failure)
        if literal:
            imap.actor.send(b"%s {%d+}\r\n%s" % (commands[-1].encode(), len(one), literal))
        answer = imap.run("" if literal else commands[-1])[-1]
        imap.close()
        return answer.split(" ")[1] == "OK"
    act.failure = None
    return act


def by_pop3(server):
    actor = Actor(server, "pop3")
    actor.login("bob")
    actor.ask("DELE 1", r"\+OK")
    server.control("test.fail", **by_pop3.failure)
    actor.send(b"QUIT\r\n")
    answer = actor.line()
    actor.close()
    return answer.startswith("+OK")


def try_all(server, act, may_be_changed=False):
    """Fails each point of the action in turn until it is past its last one; every other time as if the disk were full."""
    fresh = True
    for point, most in POINTS:
        for nth in range(1, most + 1):
            if fresh:
                refill(server)
                before = state(server)
            act.failure = {"point": point, "nth": nth, "disk_full": nth % 2 == 0}
            if act is deliver:
                server.control("test.fail", **act.failure)
            is_done = act(server)
            server.control("test.fail", point="none", nth=0)
            after = state(server)
            assert is_done or may_be_changed or before == after, ("refused, but changed", point, nth, before, after)
            assert not is_done or before != after, ("done, but nothing changed", point, nth, before)
            fresh = is_done or before != after
            if is_done and nth > 3:
                break
    if not fresh:
        act.failure = {"point": "none", "nth": 0}
        assert act(server), "it fails for ever"


def refill(server):
    """Bob's mailboxes as each trial begins: two messages, one of them deleted, one mailbox of his own."""
    imap = Imap(server)
    imap.ok("a SELECT INBOX")
    imap.ok("a UID STORE 1:* FLAGS.SILENT (\\Deleted)")
    imap.ok("a EXPUNGE")
    for name in ("mine", "other/new", "other", "made"):
        imap.run("a DELETE " + name)
        imap.run("a UNSUBSCRIBE " + name)
    imap.ok("a APPEND INBOX", message("simple.eml"))
    imap.ok("a APPEND INBOX (\\Deleted)", message("simple.eml"))
    imap.ok("a CREATE mine")
    imap.close()


def test_delivery(server):
    try_all(server, deliver)


def test_append(server):
    try_all(server, by_imap("a APPEND mine (\\Seen $Word)", messages=1))


def test_multiappend(server):
    try_all(server, by_imap("a APPEND mine (\\Seen $Word)", messages=3))


def test_replace(server):
    try_all(server, by_imap("a SELECT INBOX", "a REPLACE 1 mine ($Word)", messages=1))


def test_replace_here(server):
    try_all(server, by_imap("a SELECT INBOX", "a UID REPLACE * INBOX", messages=1))


def test_copy(server):
    try_all(server, by_imap("a SELECT INBOX", "a COPY 1:2 mine"))


def test_move(server):
    try_all(server, by_imap("a SELECT INBOX", "a MOVE 1:2 mine"))


def test_expunge(server):
    try_all(server, by_imap("a SELECT INBOX", "a EXPUNGE"))


def test_close(server):
    try_all(server, by_imap("a SELECT INBOX", "a CLOSE"))


def test_store(server):
    # the flags are changed, and then the news of it cannot be read: NO; to do it again does no harm
    try_all(server, by_imap("a SELECT INBOX", "a STORE 1:2 FLAGS.SILENT (\\Flagged $Word)"), may_be_changed=True)


WORDS = " ".join("w%d" % i for i in range(1, 51))     # the last ten are no bits of the flags


def test_append_with_many_keywords(server):
    try_all(server, by_imap("a APPEND mine (\\Seen %s)" % WORDS, messages=2))


def test_store_with_many_keywords(server):
    # that they were there before changes nothing that is compared
    try_all(server, by_imap("a SELECT INBOX", "a STORE 2 FLAGS.SILENT (%s)" % WORDS, "a STORE 2 FLAGS.SILENT (\\Deleted)",
                            "a STORE 1:2 +FLAGS.SILENT (w45 w47 w51 w52)"), may_be_changed=True)


def test_copy_with_many_keywords(server):
    imap = Imap(server)
    imap.ok("a CREATE tagged")
    imap.ok("a APPEND tagged (%s)" % WORDS, message("simple.eml"))
    imap.ok("a APPEND tagged (w47 w49)", message("simple.eml"))
    imap.close()
    try_all(server, by_imap("a SELECT tagged", "a COPY 1:2 mine"))


def test_create(server):
    try_all(server, by_imap("a CREATE made"))


def test_rename(server):
    try_all(server, by_imap("a RENAME mine other/new"))


def test_rename_inbox(server):
    try_all(server, by_imap("a RENAME INBOX made"))


def test_delete(server):
    try_all(server, by_imap("a DELETE mine"))


def test_subscribe(server):
    try_all(server, by_imap("a SUBSCRIBE mine"))


def test_pop3_update(server):
    try_all(server, by_pop3)


# ---- killed under load ----

def peer(server, number, answered, sent, stop):
    """Delivers until told to stop; notes what was sent and what was answered."""
    count = 0
    while not stop.is_set():
        try:
            actor = Actor(server, "smtp")
            actor.hello()
            while not stop.is_set():
                subject = "%d-%d" % (number, count)
                count += 1
                actor.mail("<carol@example.org>", "bob@example.test", "alice@example.test")
                sent.add(subject)
                actor.send(b"Subject: %s\r\n\r\n%s\r\n.\r\n" % (subject.encode(), b"x" * (count * 997 % 60000)))
                if actor.line().startswith("250 "):
                    answered.add(subject)
        except (Failure, OSError):
            time.sleep(0.05)


def subjects(server, name):
    imap = Imap(server, name)
    imap.ok("a SELECT INBOX")
    found = [x[9:] for x in imap.ok("a FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]") if x.startswith("Subject: ")]
    sizes = [x for x in imap.ok("a FETCH 1:* (RFC822.SIZE)") if "RFC822.SIZE" in x]
    assert len(sizes) == len(found)
    imap.close()
    return found


def test_killed_under_load(server):
    answered, sent, stop = set(), set(), threading.Event()
    threads = [threading.Thread(target=peer, args=(server, n, answered, sent, stop)) for n in range(6)]
    for t in threads:
        t.start()
    for wait in (0.3, 0.7, 1.1):
        time.sleep(wait)
        mark = len(server.log)
        os.kill(server.server_pid(), signal.SIGKILL)
        server.wait_log("server.start", {}, 60, mark)
    time.sleep(0.3)
    stop.set()
    for t in threads:
        t.join()
    assert len(answered) > 20, len(answered)
    both = [subjects(server, name) for name in ("bob", "alice")]
    for found in both:
        assert len(found) == len(set(found)), "doubled"
        assert answered <= set(found), ("lost", sorted(answered - set(found))[:5])
        assert set(found) <= sent
    assert sorted(both[0]) == sorted(both[1]), "only one of two recipients"
    # every body is whole
    imap = Imap(server)
    imap.ok("a SELECT INBOX")
    for line in imap.ok("a FETCH 1:* BODY.PEEK[TEXT]"):
        assert re.fullmatch(r"x*|\* \d+ FETCH .*|\)|a OK.*", line), line[:100]

# SPDX-License-Identifier: MIT
"""martlet fetch --sync: a Maildir and a mailbox become the same, whatever happened on either side, and when it is killed on the way."""

import imaplib
import os
import random
import re
import subprocess
import time

from dovecot import Dovecot
from mail import body
from odd_imap import BOB, Odd, arguments, bytes_of, connect, found, run, scratch, some

LETTERS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}


def sync(server, where, port=None, *more, status=0):
    """(fetched, sent, removed, deleted, flagged, left)"""
    events = run(server, where, port or server.port("imap"), "--sync", *more, status=status)
    return tuple(events[-1][x] for x in ("fetched", "sent", "removed", "deleted", "flagged", "left"))


def mailbox(imap, name="INBOX"):
    """[(bytes, letters of the flags)] of a mailbox."""
    imap.select('"%s"' % name)
    result = []
    data = imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]
    for i, x in enumerate(data):
        if isinstance(x, tuple):
            head = x[0] + (data[i + 1] if isinstance(data[i + 1], bytes) else b"")
            flags = re.search(rb"FLAGS \(([^)]*)\)", head)[1].decode().split()
            result.append((x[1], "".join(sorted(LETTERS[y] for y in flags if y in LETTERS))))
    return sorted(result)


def drop(where, name, raw, folder="in"):
    """A new file of some other program."""
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(where, folder, sub), exist_ok=True)
    path = os.path.join(where, folder, "cur" if ":2," in name else "new", name)
    with open(path, "wb") as f:
        f.write(raw.replace(b"\r\n", b"\n"))


def files(where, folder="in"):
    return {os.path.join(where, folder, sub, x) for sub in ("cur", "new") for x in os.listdir(os.path.join(where, folder, sub))}


def file_of(where, raw):
    for path in files(where):
        with open(path, "rb") as f:
            if f.read().replace(b"\n", b"\r\n") == raw:
                return path
    raise AssertionError("no such file")


def retag(path, letters):
    """As a mail program gives a file other flags."""
    head, name = os.path.split(path)
    os.rename(path, os.path.join(os.path.dirname(head), "cur", name.partition(":2,")[0] + ":2," + letters))


def test_sync_both_ways(server):
    """New messages, flags and deletions, both ways; a second run has nothing to do."""
    imap = connect(server)
    imap.create("Old")
    for i in range(6):
        imap.append("INBOX", r"(\Seen)" if i % 2 else None, None, body("m%d" % i))
    with scratch() as where:
        boxes = ("--mailbox", "INBOX", "--mailbox", "Old")
        drop(where, "1.x.host", body("here"))
        drop(where, "2.x.host:2,FS", body("here too"))
        drop(where, "3.x.host:2,R", body("old"), "in/.Old")
        assert sync(server, where, None, *boxes) == (6, 3, 0, 0, 0, 0)
        assert mailbox(imap) == found(where + "/in") and len(found(where + "/in")) == 8
        assert mailbox(imap, "Old") == found(where + "/in/.Old") == [(body("old"), "R")]
        assert sync(server, where, None, *boxes) == (0, 0, 0, 0, 0, 0)
        # flags on both sides, of the same message too
        imap.select("INBOX")
        imap.store("1", "+FLAGS", r"(\Flagged)")
        imap.store("2", "-FLAGS", r"(\Seen)")
        retag(file_of(where, body("m0")), "S")
        retag(file_of(where, body("m3")), "RS")
        assert sync(server, where, None, *boxes) == (0, 0, 0, 0, 3, 0)
        assert mailbox(imap) == found(where + "/in")
        flags = dict(found(where + "/in"))
        assert (flags[body("m0")], flags[body("m1")], flags[body("m3")]) == ("FS", "", "RS"), flags.values()
        # deletions
        os.unlink(file_of(where, body("m4")))
        imap.select("INBOX")
        imap.store("6", "+FLAGS", r"(\Deleted)")
        imap.expunge()
        assert sync(server, where, None, *boxes) == (0, 0, 1, 1, 0, 0)
        assert mailbox(imap) == found(where + "/in") and len(found(where + "/in")) == 6
        assert sync(server, where, None, *boxes) == (0, 0, 0, 0, 0, 0)
    imap.logout()


def test_sync_does_not_empty(server):
    """All gone at once on one side: nothing is deleted on the other, without --allow-empty."""
    imap = connect(server)
    for i in range(3):
        imap.append("INBOX", None, None, body("m%d" % i))
    with scratch() as where:
        assert sync(server, where) == (3, 0, 0, 0, 0, 0)
        for path in files(where):
            os.unlink(path)
        assert sync(server, where, status=1) == (0, 0, 0, 0, 0, 1)
        assert len(mailbox(imap)) == 3
        assert sync(server, where, None, "--allow-empty") == (0, 0, 0, 3, 0, 0)
        assert mailbox(imap) == []
        for i in range(3):
            imap.append("INBOX", None, None, body("m%d" % i))
        assert sync(server, where) == (3, 0, 0, 0, 0, 0)
        imap.select("INBOX")
        imap.store("1:*", "+FLAGS", r"(\Deleted)")
        imap.expunge()
        imap.append("INBOX", None, None, body("new"))   # new mail is no sign of life of the old
        assert sync(server, where, status=1) == (1, 0, 0, 0, 0, 1)
        assert len(found(where + "/in")) == 4
        assert sync(server, where, None, "--allow-empty") == (0, 0, 3, 0, 0, 0)
        assert found(where + "/in") == [(body("new"), "")]
    imap.logout()


def test_sync_believes_no_list_with_holes(server):
    """What a server leaves out of its list is not taken for deleted."""
    with scratch() as where, Odd(some(5), full=True) as odd:
        assert sync(server, where, odd.port) == (5, 0, 0, 0, 0, 0)
        odd.hidden = {6, 9}
        events = run(server, where, odd.port, "--sync", status=1)
        assert "tells only of 3" in events[-1]["text"], events
        odd.hidden = set()
        assert sync(server, where, odd.port) == (0, 0, 0, 0, 0, 0) and len(found(where + "/in")) == 5


def test_sync_finds_again(server):
    """Both sides had the same mail before, or the server counts anew, or the state is lost: nothing is doubled."""
    imap = connect(server)
    with scratch() as where:
        for i in range(5):
            imap.append("INBOX", r"(\Seen)", None, body("m%d" % i))
            drop(where, "%d.x.host:2,F" % i, body("m%d" % i))
        drop(where, "9.x.host:2,", body("only here"))
        imap.append("INBOX", None, None, body("only there"))
        assert sync(server, where) == (1, 1, 0, 0, 0, 0)
        assert mailbox(imap) == found(where + "/in") and len(found(where + "/in")) == 7
        assert all(flags == "FS" for raw, flags in found(where + "/in") if b"only" not in raw)
        for name in os.listdir(where + "/in"):
            if name.startswith("martlet-fetch-"):
                os.unlink(where + "/in/" + name)
        assert sync(server, where) == (0, 0, 0, 0, 0, 0)
        assert mailbox(imap) == found(where + "/in") and len(found(where + "/in")) == 7
    with scratch() as where, Odd(some(5), full=True) as odd:
        assert sync(server, where, odd.port) == (5, 0, 0, 0, 0, 0)
        odd.validity, odd.box = 8, {uid + 100: x for uid, x in odd.box.items()}
        odd.box[200] = [body("new"), set()]
        assert sync(server, where, odd.port) == (1, 0, 0, 0, 0, 0)
        assert [x for x, _ in found(where + "/in")] == sorted(x for x, _ in odd.box.values())
        assert sync(server, where, odd.port) == (0, 0, 0, 0, 0, 0)
    imap.logout()


def state_of(where):
    return next(os.path.join(where, "in", x) for x in os.listdir(where + "/in") if x.startswith("martlet-fetch-"))


def test_sync_knows_what_a_crash_left(server):
    """Files that are in place, and that the state does not know: they are not fetched, nor sent, once more."""
    imap = connect(server)
    imap.append("INBOX", None, None, body("m0"))
    with scratch() as where:
        assert sync(server, where) == (1, 0, 0, 0, 0, 0)
        with open(state_of(where), "rb") as f:
            before = f.read()
        for i in range(1, 5):
            imap.append("INBOX", r"(\Seen)", None, body("m%d" % i))
        assert sync(server, where) == (4, 0, 0, 0, 0, 0)
        with open(state_of(where), "wb") as f:
            f.write(before)
        for _ in range(2):
            assert sync(server, where) == (0, 0, 0, 0, 0, 0)
            assert mailbox(imap) == found(where + "/in") and len(found(where + "/in")) == 5
        retag(file_of(where, body("m3")), "FS")     # and they are followed
        assert sync(server, where) == (0, 0, 0, 0, 1, 0)
        assert mailbox(imap) == found(where + "/in")
    imap.logout()


def check_odd(where, odd):
    there = sorted((x, "".join(sorted(LETTERS[y] for y in flags))) for x, flags in odd.box.values())
    assert there == found(where + "/in"), (len(there), len(found(where + "/in")))


def test_sync_without_uidplus(server):
    """What was sent is found by size and header; nothing of others is expunged."""
    with scratch() as where, Odd(some(4), uidplus=False, full=True) as odd:
        drop(where, "1.x.host:2,S", body("a"))
        drop(where, "2.x.host", body("b"))
        assert sync(server, where, odd.port) == (4, 2, 0, 0, 0, 0)
        check_odd(where, odd)
        assert sync(server, where, odd.port) == (0, 0, 0, 0, 0, 0)
        retag(file_of(where, body("b")), "T")
        os.unlink(file_of(where, body("a")))
        assert sync(server, where, odd.port)[:4] == (0, 0, 0, 0) and len(odd.box) == 6   # b is \Deleted, and not to be expunged
        retag(file_of(where, body("b")), "")
        sync(server, where, odd.port)
        sync(server, where, odd.port)
        check_odd(where, odd)
        assert len(odd.box) == 5
        drop(where, "3.x.host", body("c"))
        assert sync(server, where, odd.port) == (0, 1, 0, 0, 0, 0)
        os.unlink(file_of(where, body("c")))    # right after: it is known which one it is there
        assert sync(server, where, odd.port) == (0, 0, 0, 1, 0, 0)
        check_odd(where, odd)


def test_sync_killed(server):
    """kill -9 at any time, and connections that break: in the end both sides have everything, once."""
    messages, rnd = some(150), random.Random(7)
    for uidplus in (True, False):
        with scratch() as where, Odd({1: body("first")}, full=True, uidplus=uidplus, breaks=(40, 90)) as odd:
            assert sync(server, where, odd.port) == (1, 0, 0, 0, 0, 0)
            odd.box.update({uid: [raw, set()] for uid, raw in messages.items()})
            for i in range(150):
                drop(where, "%d.x.host:2,%s" % (i, rnd.choice(("", "S", "F"))), body("here %d" % i))
            for i in range(12):
                with subprocess.Popen(arguments(server.martlet, where, odd.port, "--sync"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) as p:
                    time.sleep(0.01 * (i + 1) * rnd.random() * 2)
                    p.kill()
            sync(server, where, odd.port)
            sync(server, where, odd.port)
            check_odd(where, odd)
            assert [x for x, _ in found(where + "/in")] == sorted(bytes_of(messages) + [body("first")] + [body("here %d" % i) for i in range(150)])


def test_sync_at_random(server):
    """Both sides change at random, with kills in between: afterwards they are the same, and what they should be."""
    for seed in range(4):
        rnd = random.Random(seed)
        with scratch() as where, Odd(some(20), full=True, uidplus=seed % 2 == 0) as odd:
            sync(server, where, odd.port)
            for turn in range(6):
                want = dict(found(where + "/in"))
                for raw in rnd.sample(sorted(want), len(want)):
                    path, uid = file_of(where, raw), next(uid for uid, x in odd.box.items() if x[0] == raw)
                    what = rnd.random()
                    if what < 0.15:
                        os.unlink(path)
                        del want[raw]
                    elif what < 0.3:
                        with odd.lock:
                            del odd.box[uid]
                        del want[raw]
                    elif what < 0.5:
                        want[raw] = rnd.choice(("", "F", "S", "RS"))
                        retag(path, want[raw])
                    elif what < 0.7:
                        want[raw] = rnd.choice(("", "F", "S", "RS"))
                        odd.box[uid][1] = {flag for flag, letter in LETTERS.items() if letter in want[raw]}
                for i in range(rnd.randrange(4)):
                    raw = body("s%d t%d n%d" % (seed, turn, i))
                    want[raw] = rnd.choice(("", "S"))
                    if rnd.random() < 0.5:
                        drop(where, "%d.%d.host:2,%s" % (turn, i, want[raw]), raw)
                    else:
                        odd.box[max(odd.box, default=0) + 5] = [raw, {"\\Seen"} if want[raw] else set()]
                if rnd.random() < 0.7:
                    with subprocess.Popen(arguments(server.martlet, where, odd.port, "--sync"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL) as p:
                        time.sleep(0.06 * rnd.random())
                        p.kill()
                sync(server, where, odd.port)
                check_odd(where, odd)
                assert dict(found(where + "/in")) == want, (seed, turn)


def test_sync_with_dovecot(server):
    """A Dovecot with CONDSTORE and keywords of its own: 300 messages, changes on both sides, kills."""
    rnd = random.Random(3)
    with Dovecot(server.martlet) as dovecot, scratch() as where:
        dovecot.fill(BOB, [body("there %d" % i) for i in range(300)])
        for i in range(50):
            drop(where, "%d.x.host:2,%s" % (i, rnd.choice(("", "S", "FS"))), body("here %d" % i))
        imap = imaplib.IMAP4("127.0.0.1", dovecot.port("imap"), timeout=60)
        imap.login(BOB, "demo")

        def both():
            said = sync(server, where, dovecot.port("imap"))
            assert mailbox(imap) == found(where + "/in"), dovecot.log()
            return said

        assert both() == (300, 50, 0, 0, 0, 0)
        assert both() == (0, 0, 0, 0, 0, 0)
        for turn in range(5):
            here = sorted(files(where))
            for path in rnd.sample(here, 10):
                os.unlink(path)
            for path in rnd.sample(sorted(files(where)), 20):
                retag(path, rnd.choice(("", "F", "RS", "S")))
            imap.select("INBOX")
            uids = imap.uid("SEARCH", "ALL")[1][0].decode().split()
            imap.uid("STORE", ",".join(rnd.sample(uids, 20)), "+FLAGS", r"(\Flagged $Label1)")
            imap.uid("STORE", ",".join(rnd.sample(uids, 20)), "-FLAGS", r"(\Seen)")
            imap.uid("STORE", ",".join(rnd.sample(uids, 5)), "+FLAGS", r"(\Deleted)")
            imap.expunge()
            imap.append("INBOX", r"(\Answered)", None, body("later %d" % turn))
            drop(where, "t%d.host:2,D" % turn, body("draft %d" % turn))
            for _ in range(3):
                with subprocess.Popen(arguments(server.martlet, where, dovecot.port("imap"), "--sync"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) as p:
                    time.sleep(rnd.uniform(0.01, 0.2))
                    p.kill()
            both()
            assert both() == (0, 0, 0, 0, 0, 0)
        assert len(found(where + "/in")) >= 350 - 5 * 15
        imap.logout()

# SPDX-License-Identifier: MIT
"""The search index: deleted, cut off, damaged and made anew, and the server killed, while mail comes and sessions search; each answer
is compared with what was appended."""

import os
import random
import shutil
import signal
import threading
import time

from script import Actor

WORDS = ["alpha", "beta", "gammaglobe", "strasse", "delta-echo", "x.y@z.example"]
SECONDS = 3


SETTINGS = {"store": {"search_index_every": "20ms", "search_index_after": "5"}}


def append(actor, text):
    body = ("Subject: %s\r\n\r\nsome %s text\r\n" % (text, text)).encode()
    actor.send(b"a APPEND INBOX {%d+}\r\n" % len(body) + body + b"\r\n")
    line = actor.line()
    assert line.startswith("a OK"), line


def search(actor, key):
    actor.send(("s SEARCH %s\r\n" % key).encode())
    found = None
    while True:
        line = actor.line()
        if line.startswith("* SEARCH"):
            found = [int(x) for x in line.split()[2:]]
        if line.startswith("s "):
            assert line.startswith("s OK"), line
            return found


def check(actor, texts):
    """texts: of message 1, 2, ..."""
    for word in WORDS + ["amm", "zzz", "some gamma"]:
        want = [i + 1 for i, text in enumerate(texts) if word in "some %s text" % text]
        assert search(actor, 'BODY "%s"' % word) == want, word
        if " " not in word:
            assert search(actor, "SUBJECT %s" % word) == want, word


def session(server):
    actor = Actor(server, "imap")
    actor.login("bob")
    actor.send(b"x SELECT INBOX\r\n")
    while not actor.line().startswith("x OK"):
        pass
    return actor


def files(server):
    top = os.path.join(server.dir, "data", "search")
    return [os.path.join(d, name) for d, _, names in os.walk(top) for name in names]


def harm(server, stop, dice):
    """Does something to the files of the index, again and again."""
    while not stop.wait(0.05):
        for path in files(server):
            try:
                size = os.path.getsize(path)
                what = dice.randrange(6)
                if what == 0:
                    os.unlink(path)
                elif what == 1:
                    os.truncate(path, dice.randrange(size + 1))
                elif what == 2:
                    with open(path, "r+b") as f:
                        f.seek(dice.randrange(size + 1))
                        f.write(os.urandom(8))
                elif what == 3:
                    shutil.rmtree(os.path.dirname(path), ignore_errors=True)
            except (FileNotFoundError, ValueError):
                pass


def fill(server, actor, texts, n, dice):
    other = Actor(server, "imap")
    other.login("bob")
    for _ in range(n):
        text = " ".join(dice.sample(WORDS, 2))
        append(other, text)
        texts.append(text)
    other.close()
    actor.send(b"n NOOP\r\n")
    while not actor.line().startswith("n OK"):
        pass


def test_harmed_while_it_is_used(server):
    dice = random.Random(1)
    stop = threading.Event()
    thread = threading.Thread(target=harm, args=(server, stop, dice))
    texts = []
    actor = session(server)
    fill(server, actor, texts, 40, dice)
    server.wait_log("store.search_index", {})
    thread.start()
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            check(actor, texts)
            fill(server, actor, texts, 5, dice)
    finally:
        stop.set()
        thread.join()
    check(actor, texts)


def test_killed_while_it_is_made(server):
    dice = random.Random(2)
    texts = []
    actor = session(server)
    for turn in range(6):
        fill(server, actor, texts, 40, dice)
        time.sleep(turn * 0.01)
        mark = len(server.log)
        os.kill(server.server_pid(), signal.SIGKILL)
        server.wait_log("server.start", {}, 60, mark)
        actor = session(server)
        check(actor, texts)
    server.wait_log("store.search_index", {})
    assert any(path.endswith(".seg") for path in files(server))
    assert not [path for path in files(server) if "new-" in path][1:]


test_harmed_while_it_is_used.settings = SETTINGS
test_killed_while_it_is_made.settings = SETTINGS

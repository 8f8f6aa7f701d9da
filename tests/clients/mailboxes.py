# SPDX-License-Identifier: MIT
"""An account with 10,000 mailboxes: LIST, LSUB, STATUS and NOTIFY tell all of them, and how long that takes is printed (the goal for a plain LIST: 50 ms)."""

import re
import threading
import time

from script import Actor

N = 10000
MAKERS = 8      # each commit is shared by those who wait for it
# 5,000 in fifty folders below INBOX, which exist only by them at first; 5,000 at the top
NAMES = ["INBOX/d%02d/m%04d" % (n // 100, n) if n < N // 2 else "box%04d" % n for n in range(N)]
PARENTS = sorted({n.rsplit("/", 1)[0] for n in NAMES if "/" in n})


def answer(actor, command):
    """The lines of the answer, and the seconds that it took."""
    begin = time.monotonic()
    actor.send(b"x " + command.encode() + b"\r\n")
    data = bytearray(actor.buffer)
    while not re.search(rb"(^|\n)x [A-Z][^\r\n]*\r\n$", bytes(data[-2000:])):
        data += actor.sock.recv(1 << 20)
    took = time.monotonic() - begin
    actor.buffer = b""
    lines = data.decode().split("\r\n")[:-1]
    assert lines[-1].startswith("x OK"), lines[-1]
    return lines[:-1], took


def session(server):
    actor = Actor(server, "imap")
    actor.login("bob")
    return actor


def together(server, commands):
    """All of these commands, by several sessions at once; each is OK."""
    failures = []

    def work(mine):
        actor = session(server)
        for at in range(0, len(mine), 100):
            part = mine[at:at + 100]
            actor.send(b"".join(b"m %s\r\n" % x.encode() for x in part))
            failures.extend(x for x in (actor.line() for _ in part) if not x.startswith("m OK"))
        actor.close()
    threads = [threading.Thread(target=work, args=(commands[n::MAKERS],)) for n in range(MAKERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:5]


def names_of(lines, kind):
    found = [re.match(r'\* %s \(([^)]*)\) "/" "?([^"]*)"?' % kind, x) for x in lines]
    return {m.group(2): m.group(1) for m in found if m}


def test_ten_thousand(server):
    # superiors first: two sessions that make one at the same time would be told EXISTS
    together(server, ["CREATE " + n for n in PARENTS])
    together(server, ["CREATE " + n for n in NAMES])
    together(server, ["SUBSCRIBE " + n for n in NAMES[::10]])
    bob = session(server)
    first = names_of(answer(session_of_alice(server), 'LIST "" "*"')[0], "LIST")    # what every account has
    everything = set(first) | set(NAMES) | set(PARENTS)

    lines, took = answer(bob, 'LIST "" "*"')
    listed = names_of(lines, "LIST")
    assert len(lines) == len(listed) == len(everything) and set(listed) == everything
    assert {n for n, flags in listed.items() if "\\HasChildren" in flags} == {"INBOX", *PARENTS}
    print("10,000 mailboxes: LIST \"\" \"*\" %.1f ms" % (took * 1000))

    lines, took = answer(bob, 'LIST "" "%"')
    assert set(names_of(lines, "LIST")) == {n for n in everything if "/" not in n}
    print("10,000 mailboxes: LIST \"\" \"%%\" %.1f ms" % (took * 1000))
    lines, _ = answer(bob, 'LIST "INBOX/" "%"')
    assert set(names_of(lines, "LIST")) == set(PARENTS)

    lines, took = answer(bob, 'LSUB "" "*"')
    assert set(names_of(lines, "LSUB")) >= set(NAMES[::10]) and not set(names_of(lines, "LSUB")) & set(NAMES[1::10])
    print("10,000 mailboxes: LSUB \"\" \"*\" %.1f ms" % (took * 1000))

    lines, took = answer(bob, 'LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT))')
    assert len([x for x in lines if re.match(r"\* STATUS .* \(MESSAGES 0 UIDNEXT 1\)$", x)]) == len(everything)
    print("10,000 mailboxes: LIST RETURN (STATUS) %.1f ms" % (took * 1000))

    lines, took = answer(bob, "NOTIFY SET STATUS (personal (MessageNew MessageExpunge)) (subscribed (MailboxName))")
    assert len([x for x in lines if x.startswith("* STATUS ")]) == len(everything)
    print("10,000 mailboxes: NOTIFY SET STATUS %.1f ms" % (took * 1000))
    told_once_each(server, bob)


def session_of_alice(server):
    actor = Actor(server, "imap")
    actor.login("alice")
    return actor


def told_once_each(server, bob):
    """300 mailboxes get a message while bob does nothing: the last STATUS of each is right, and none is of another."""
    wanted = NAMES[5::33][:300]
    together(server, ["APPEND %s {8+}\r\nA: b\r\n\r\n" % n for n in wanted] * 2)
    seen = {}
    while len(seen) < len(wanted) or set(seen.values()) != {"2"}:
        m = re.match(r'\* STATUS "?([^ "]*)"? \(MESSAGES (\d+) UIDNEXT (\d+) ', bob.line())
        seen[m.group(1)] = m.group(2)
    assert set(seen) == set(wanted)

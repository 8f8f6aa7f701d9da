# SPDX-License-Identifier: MIT
"""A mailbox of 1,000,000 messages on Martlet alone, against fixed numbers: what SELECT, the first look at all of it, a screen of
it and one change take, and what it takes in memory when one session has it before it and when 50 have."""
import statistics

from box import Client

AT_ONCE, SESSIONS = 500, 50     # messages of one APPEND (RFC 3502); sessions that share the mailbox


def message(number):
    return (f"From: Load <load@bench.test>\r\nTo: you@example.test\r\nSubject: Message {number}\r\n"
            f"Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <{number}@million.test>\r\n\r\n" f"Number {number}.\r\n").encode()


def fill(port, user, n):
    c = Client(port, user)
    for start in range(0, n, AT_ONCE):
        texts = [message(number) for number in range(start, min(start + AT_ONCE, n))]
        c.sock.sendall(b"tag APPEND INBOX" + b"".join(b" {%d+}\r\n%s" % (len(t), t) for t in texts) + b"\r\n")
        c.await_ok("APPEND")
    c.close()


def times(s, user, n, add):
    """First of a server just started; then of a session that has seen all."""
    s.restart()
    c = Client(s.ports["imap"], user, select=None)
    add("SELECT, server just started", "ms", c.run("SELECT INBOX"))
    add("SELECT, again", "ms", statistics.median(c.run("SELECT INBOX") for _ in range(5)))
    add("FETCH 1:* (UID FLAGS), first", "ms", c.run("FETCH 1:* (UID FLAGS)"))
    newest = f"FETCH {n - 49}:* (UID ENVELOPE)"
    add("FETCH newest 50 envelopes", "ms", statistics.median(c.run(newest) for _ in range(5)))
    change = [c.run(f"STORE {n // 2 + i} {sign}FLAGS (\\Seen)") for i in range(5) for sign in "+-"]
    add("STORE one", "ms", statistics.median(change))
    c.close()


def memory(s, user, n, add):
    """What the server grows by from one session that is logged in."""
    s.restart()
    clients = [Client(s.ports["imap"], user, select=None)]
    before = s.pss_kb()
    for title, sessions in (("memory a message, 1 session", 1), (f"memory a message, {SESSIONS} sessions", SESSIONS)):
        clients += [Client(s.ports["imap"], user, select=None) for _ in range(sessions - len(clients))]
        for c in clients:
            c.run("SELECT INBOX")
            c.run("FETCH 1:* (FLAGS)")
        add(title, "bytes", (s.pss_kb() - before) * 1024 / n)
    for c in clients:
        c.close()


def million(b, user):
    n = b.args.million
    for s in b.servers:
        if s.name != "martlet":
            continue

        def add(title, unit, value):
            b.add(s.name, f"mailbox of {n:,}", title, unit, value)

        b.say(f"mailbox of {n:,}")
        fill(s.ports["imap"], user, n)
        for _ in range(b.args.repeats):
            times(s, user, n, add)
            memory(s, user, n, add)

# SPDX-License-Identifier: MIT
"""
Mail to five kinds of peers (one takes all, one is greylisting, one is slow, one dies in the middle again and again, one refuses), while the server process and
the sender are killed at random. What was answered 250 has arrived at the end, or has come back to its writer; never none, and never both.
RELAY_SECONDS: how long (5); RELAY_SEED: which storm.
"""

import os
import random
import re
import signal
import smtplib
import threading
import time
from collections import Counter

from mail import inbox, sender_pid, submission
from sink import Sink

ALICE = "alice@example.test"
SECONDS = float(os.environ.get("RELAY_SECONDS", "5"))
SEED = int(os.environ.get("RELAY_SEED", "0")) or random.randrange(1 << 30)
KINDS = ("takes", "grey", "slow", "dies", "refuses")


class Weather:
    """What the peers do; fair at the end."""

    def __init__(self, rnd):
        self.rnd, self.lock, self.is_fair, self.seen = rnd, threading.Lock(), False, set()

    def chance(self, part):
        with self.lock:
            return not self.is_fair and self.rnd.random() < part

    def grey(self, _, line):
        """Each sender address (there is one for each message) is asked to come again once."""
        with self.lock:
            is_new = line not in self.seen
            self.seen.add(line)
        return "451 4.7.1 come again" if is_new else None

    def slow(self, *_):
        time.sleep(0 if self.is_fair else 0.1)

    def die(self, part):
        return lambda *_: "-" if self.chance(part) else None

    def says(self, kind):
        return {"takes": {}, "grey": {"MAIL": self.grey}, "slow": {"end": self.slow, "RCPT": self.slow},
                "dies": {"greeting": self.die(.1), "MAIL": self.die(.1), "RCPT": self.die(.1), "DATA": self.die(.1), "end": self.die(.3)},
                "refuses": {"RCPT": lambda *_: "550 5.1.1 nobody of that name"}}[kind]


def submit(server, name):
    """One message to all kinds, with a sender address of its own. True: it was answered 250."""
    try:
        with submission(server) as smtp:
            smtp.sendmail(ALICE.replace("@", "+%s@" % name), ["x@%s.test" % kind for kind in KINDS],
                          "From: %s\r\nSubject: %s\r\n\r\n%s\r\n" % (ALICE, name, "x" * 70))
        return True
    except (OSError, smtplib.SMTPException):
        return False


def kill_one(server, rnd):
    """Whoever it is, it is gone; both at once now and then."""
    victims = []
    if rnd.random() < .6 and sender_pid(server):
        victims.append(sender_pid(server))
    if rnd.random() < .5:
        try:
            victims.append(server.server_pid())
        except (IndexError, OSError):
            pass
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return len(victims)


def waits(server):
    try:
        return server.control("queue.list")
    except (OSError, ValueError):
        return [None]


def test_storm(server):
    rnd = random.Random(SEED)
    weather = Weather(rnd)
    sinks = {kind: Sink(says=weather.says(kind)) for kind in KINDS}
    server.stop()
    server.settings = {"server": {"restart_pause": "0s", "hostname": "we.test"},
                       "queue": {"send": "yes", "retry_min": "1s", "retry_max": "1s", "idle_timeout": "500ms", "command_timeout": "5s",
                                 "max_sessions_per_destination": "5"},
                       **{'route "%s"' % k: {"domains": k + ".test", "host": "127.0.0.1", "port": str(s.port), "tls": "none"}
                          for k, s in sinks.items()}}
    server.start()
    sent, stop, lock = [], threading.Event(), threading.Lock()

    def flow(k):
        for n in range(1000000):
            if stop.is_set():
                return
            name = "m%d-%d" % (k, n)
            time.sleep(.05)
            if submit(server, name):
                with lock:
                    sent.append(name)

    threads = [threading.Thread(target=flow, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    end, n_killed = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        time.sleep(rnd.uniform(.1, .6))
        n_killed += kill_one(server, rnd)
    stop.set()
    for t in threads:
        t.join()
    weather.is_fair = True
    end = time.monotonic() + 60
    while waits(server):
        assert time.monotonic() < end, (SEED, waits(server)[:5])
        time.sleep(.2)
    came = {kind: Counter(re.search(rb"^Subject: (\S+)", m[2], re.M).group(1).decode() for m in s.messages) for kind, s in sinks.items()}
    back = Counter(re.search(rb"\+(m\d+-\d+)@", x).group(1).decode() for x in inbox(server, ALICE) if b"multipart/report" in x)
    for kind in KINDS[:-1]:
        lost = [x for x in sent if not came[kind][x]]
        assert not lost, "seed %d: %s: %d of %d never came: %s" % (SEED, kind, len(lost), len(sent), lost[:5])
    assert not came["refuses"]
    wrong = [x for x in sent if back[x] != 1]
    assert not wrong, "seed %d: not one notification each: %s" % (SEED, [(x, back[x]) for x in wrong[:5]])
    doubles = {kind: sum(c - 1 for c in came[kind].values()) for kind in KINDS[:-1]}
    print("%d messages to five peers, %d kills; came more than once: %s" % (len(sent), n_killed, doubles))
    assert sent and n_killed > 0
    for s in sinks.values():
        s.close()

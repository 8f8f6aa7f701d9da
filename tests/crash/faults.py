# SPDX-License-Identifier: MIT
"""
A failing disk: bursts of failed calls under load. Whatever fails, an answer tells the truth, nothing is half there, and service
comes back by itself when the disk works again. tests/crash/faults runs it; README.md says what may happen.
"""

import errno
import time

import load
from disk import ANY, CLEAN, CUT, DB, DIR, KEEP, MAKE, PACK, REMOVE, REVERT, SYNC, SYNC_DIR, WAL, WRITE, rule
from load import imap_open, make_kept, ok

BACK_S = 30             # a process that ended again and again is started after 5 s at most; the rest is for slow machines

# name: rules of a burst, with errors of which one happens to each call
BURSTS = {
    "full": lambda: [rule(WRITE | MAKE, err=errno.ENOSPC)],
    "nearly full": lambda: [rule(WRITE, err=errno.ENOSPC, one_in=3, is_short=True), rule(MAKE | WRITE, err=errno.ENOSPC, one_in=4)],
    "full WAL": lambda: [rule(WRITE, WAL, errno.ENOSPC, one_in=5)],
    "full database": lambda: [rule(WRITE | CUT, DB, errno.ENOSPC, one_in=3)],
    "broken writes": lambda: [rule(WRITE, one_in=6), rule(CUT | REMOVE, one_in=2)],
    "broken packs": lambda: [rule(WRITE | SYNC | CUT | REMOVE | MAKE, PACK, one_in=3)],
    "broken syncs": lambda: [rule(SYNC, one_in=4, loss=CLEAN)],
    "syncs that work again": lambda: [rule(SYNC, err=errno.ENOSPC, one_in=4, loss=KEEP)],
    "syncs that take back": lambda: [rule(SYNC, one_in=4, loss=REVERT)],
    "no sync of packs": lambda: [rule(SYNC, PACK, loss=CLEAN)],
    "no sync of the WAL": lambda: [rule(SYNC, WAL, loss=CLEAN)],
    "no sync of the database": lambda: [rule(SYNC, DB, loss=CLEAN)],
    "one sync": lambda: [rule(SYNC, times=1, loss=CLEAN)],
    "directories": lambda: [rule(SYNC_DIR, DIR, one_in=2, loss=KEEP), rule(MAKE | REMOVE, one_in=2)],
    "everything": lambda: [rule(WRITE | SYNC | MAKE | CUT | REMOVE, one_in=10), rule(WRITE, one_in=10, is_short=True),
                           rule(SYNC_DIR, one_in=10, loss=KEEP)],
}


def works(server):
    """One delivery and one change by IMAP are answered with success."""
    try:
        imap = imap_open(server, "bob")
        ok(imap.select("kept"))
        ok(imap.append("kept", None, None, b"Subject: works\r\n\r\n"))
        imap.logout()
        return True
    except Exception as e:      # pylint: disable=broad-except
        if load.is_lost(e) or load.is_refusal(e):
            return False
        raise


def wait_until_works(server):
    """Gives back the seconds that it took."""
    begin = time.monotonic()
    while not works(server):
        assert time.monotonic() - begin < BACK_S, "no service %d s after the disk works again" % BACK_S
        time.sleep(0.05)
    return time.monotonic() - begin


def burst(server, rnd, seconds, is_killed):
    """The disk, told to fail, goes on with that for so long; the server may be killed in the middle of it."""
    if is_killed:
        before = rnd.uniform(0, seconds)
        time.sleep(before)
        load.kill(server)
        seconds -= before
    time.sleep(seconds)
    server.heal()


def bursts(server, rnd, seconds):
    """Bursts of failures until the time is over, killed or not; then the disk works."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(rnd.uniform(0.05, 0.3))
        server.fail(*BURSTS[rnd.choice(list(BURSTS))]())
        burst(server, rnd, rnd.uniform(0.02, 0.3), rnd.randrange(2))
    wait_until_works(server)


def single_syncs(server, rnd, seconds):
    """Now and then one sync fails, and the work goes on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(rnd.uniform(0.1, 0.5))
        server.fail(rule(SYNC, rnd.choice((WAL, ANY)), times=1, loss=CLEAN))
        burst(server, rnd, 0.1, False)
        wait_until_works(server)


class Rounds:
    """Bursts of failures under load, and a look after each."""

    def __init__(self, server, rnd):
        self.server, self.rnd = server, rnd
        load.make_mailboxes(server)
        make_kept(server)
        self.truth = load.Truth()
        self.load = load.Load(server, self.truth, rnd)
        self.load.is_stubborn = True
        self.looked_at, self.slowest = 0, 0

    def round(self, name, is_killed):
        """Gives back what is wrong."""
        failed = self.server.failed
        self.load.refusals = 0

        def disturb(stop):
            time.sleep(self.rnd.uniform(0.05, 0.2))
            self.server.fail(*BURSTS[name]())
            self.server.wait_failed(failed)
            burst(self.server, self.rnd, self.rnd.uniform(0, 0.6), is_killed)
            self.slowest = max(self.slowest, wait_until_works(self.server))
            stop.set()

        self.load.round(disturb)
        found, wrong = load.look(self.server)
        self.looked_at += len(found)
        wrong += self.truth.check(found) + load.fsck(self.server) + self.load.trouble
        load.keep_few(self.server, self.truth, found, 250)
        return wrong

# SPDX-License-Identifier: MIT
"""Short versions of tests/crash/: power cuts, bursts of disk failures, mail that goes out, and one failed sync with all that has to follow."""

import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "crash"))

# pylint: disable=wrong-import-position
import disk  # noqa: E402
import faults  # noqa: E402
import load  # noqa: E402
import outgoing  # noqa: E402
import power  # noqa: E402
from load import imap_open, ok  # noqa: E402

ROUNDS = ("full", "broken writes", "broken syncs", "everything")


def cut(server, disturb, cuts, **options):
    directory, seed = tempfile.mkdtemp(prefix="martlet-power-"), int(time.time())
    looker = power.Looker(server.martlet)
    try:
        recording, wrong = power.record(server.martlet, directory, seed, 0.8, disturb, **options)
        assert not wrong, wrong[:20]
        _, bad = power.replay(recording, [looker], seed, cuts)
        assert not bad, "seed %d, a cut after record %d: %s" % (seed, *[(at, wrong[:20]) for at, wrong in bad.items()][0])
    finally:
        looker.close()
        shutil.rmtree(directory, ignore_errors=True)


def test_power_cuts(server):
    cut(server, power.kill, 10, settings=disk.SMALL)


def test_power_cuts_of_packs_that_stay(server):
    cut(server, power.kill, 5, settings=disk.SPARING)


def test_power_cuts_after_failed_syncs(server):
    cut(server, faults.single_syncs, 5)


def test_failing_disk(server):
    seed = int(time.time())
    with disk.DiskServer(server.martlet, sync_us=2000, seed=seed, can_revert=True, settings=disk.SMALL) as failing:
        rounds = faults.Rounds(failing, random.Random(seed))
        for name in ROUNDS:
            wrong = rounds.round(name, name == "everything")
            assert not wrong, (seed, name, wrong[:20])


def test_outgoing(server):
    seed = int(time.time())
    with outgoing.Outgoing(server, random.Random(seed)) as out:
        out.run(5)
        wrong = out.check()
        assert not wrong, (seed, wrong[:20])


def append(imap, name):
    ok(imap.append("INBOX", None, None, load.body(name)))


def names(server):
    imap = imap_open(server, "bob")
    ok(imap.select("INBOX"))
    found = sorted(load.subject(raw) for raw in load.fetch(imap).values())
    imap.logout()
    return found


def test_failed_sync_ends_the_process(server):
    """Nobody is answered, another process is there at once, and what was answered before is there."""
    with disk.DiskServer(server.martlet) as failing:
        imap = imap_open(failing, "bob")
        append(imap, "before")
        mark, pid = len(failing.log), failing.server_pid()
        failing.fail(disk.rule(disk.SYNC, disk.WAL, times=1))
        try:
            append(imap, "unknown")
            raise AssertionError("an answer after a failed sync")
        except Exception as e:      # pylint: disable=broad-except
            if not load.is_lost(e):
                raise
        failing.wait_log("server.start", {}, 60, mark)
        assert any("server.data" in x and "a sync failed" in x for x in failing.log[mark:]), failing.log[mark:]
        assert failing.server_pid() != pid
        append(imap_open(failing, "bob"), "after")
        assert [x for x in names(failing) if x != "unknown"] == ["after", "before"], names(failing)
        assert load.fsck(failing) == []


def test_full_disk_is_refused(server):
    """No space: NO and 4xx, the process stays, nothing is there; then there is space."""
    with disk.DiskServer(server.martlet) as failing:
        imap, pid = imap_open(failing, "bob"), failing.server_pid()
        append(imap, "before")
        failing.fail(disk.rule(disk.WRITE, disk.WAL | disk.PACK, 28))
        for name in ("first", "second"):
            try:
                append(imap, name)
                raise AssertionError("stored without space")
            except load.Refused:
                pass
        failing.heal()
        append(imap, "after")
        assert names(failing) == ["after", "before"], names(failing)
        assert failing.server_pid() == pid

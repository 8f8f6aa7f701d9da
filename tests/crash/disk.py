# SPDX-License-Identifier: MIT
"""The test's side of disk.so (disk.h has the layouts): a server whose disk fails when it is told to, and remembers."""

import ctypes
import errno
import mmap
import os
import time

from load import EAGER, Server, Skip

WRITE, SYNC, SYNC_DIR, MAKE, CUT, REMOVE = 1, 2, 4, 8, 16, 32
DB, WAL, SHM, JOURNAL, PACK, TMP, DIR, OTHER, ANY = 1, 2, 4, 8, 16, 32, 64, 128, 255
KEEP, CLEAN, REVERT = 0, 1, 2
MAGIC, N_RULES = 0x4d444b31, 8


class Rule(ctypes.Structure):
    """struct disk_rule"""
    _fields_ = [("kinds", ctypes.c_uint32), ("files", ctypes.c_uint32), ("after", ctypes.c_int32), ("times", ctypes.c_int32),
                ("one_in", ctypes.c_uint32), ("errnum", ctypes.c_int32), ("is_short", ctypes.c_uint32), ("loss", ctypes.c_uint32)]


class Shared(ctypes.Structure):
    """struct disk_shared up to the lock, which is not ours"""
    _fields_ = [("magic", ctypes.c_uint32), ("is_ready", ctypes.c_uint32), ("end", ctypes.c_uint64), ("sync_us", ctypes.c_uint32),
                ("can_revert", ctypes.c_uint32), ("failed", ctypes.c_uint64), ("rules", Rule * N_RULES), ("random", ctypes.c_uint64)]


# A database file that is written to often, and packs that come and go; with the defaults a short run may never come to that.
SMALL = {"store": {"checkpoint_pages": "60", **EAGER["store"]}}
# The same with packs that stay although some of them is dead: what a killed process left at their ends stays, too.
SPARING = {"store": {**SMALL["store"], "compact_percent": "60"}}


def rule(kinds, files=ANY, err=errno.EIO, *, after=0, times=-1, one_in=1, is_short=False, loss=CLEAN):
    return Rule(kinds, files, after, times, one_in, err, is_short, loss)


class DiskServer(Server):
    """A server on such a disk; trace: a file that gets all that it does."""

    def __init__(self, martlet, *, trace=None, sync_us=0, seed=1, can_revert=False, settings=None):
        library = os.path.join(os.path.dirname(os.path.abspath(martlet)), "test", "disk.so")
        if not os.path.exists(library):
            raise Skip("%s is missing: make test-binaries" % library)
        super().__init__(martlet, settings)
        self.dir = os.path.realpath(self.dir)
        control = os.path.join(self.dir, "disk")
        with open(control, "wb") as f:
            f.truncate(mmap.PAGESIZE)
        with open(control, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), mmap.PAGESIZE)
        self.shared = Shared.from_buffer(self.map)
        self.shared.magic, self.shared.sync_us, self.shared.random = MAGIC, sync_us, seed | 1 << 40
        self.shared.can_revert = can_revert
        self.env.update({"LD_PRELOAD": library, "MARTLET_DISK": control, "MARTLET_DISK_ROOT": self.dir + "/data"})
        # the sanitizer's library wants to be the first, and is still found by all
        self.env["ASAN_OPTIONS"] = ":".join(filter(None, (self.env.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        if trace:
            self.env["MARTLET_DISK_TRACE"] = trace

    def position(self):
        """The end of the trace now: what was synced for an answer that has come stands before it."""
        return self.shared.end

    def fail(self, *rules):
        """These rules hold from now on, and no others."""
        for i in range(N_RULES):
            self.shared.rules[i].times = 0
        for i, one in enumerate(rules):
            times, one.times = one.times, 0
            self.shared.rules[i] = one
            self.shared.rules[i].times = times

    def heal(self):
        self.fail()

    @property
    def failed(self):
        """Calls that failed as told."""
        return self.shared.failed

    def wait_failed(self, more, seconds=20):
        """Until so many calls have failed since `failed` was `more`."""
        end = time.monotonic() + seconds
        while self.failed <= more and time.monotonic() < end:
            time.sleep(0.005)
        assert self.failed > more, "nothing failed"

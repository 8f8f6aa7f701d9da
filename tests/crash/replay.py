# SPDX-License-Identifier: MIT
"""
What a power cut leaves: reads a trace of disk.so (disk.h) and rebuilds the directory as it could be found afterwards. README.md
describes the model.
"""

import bisect
import mmap
import os
import struct

OPEN, WRITE, CUT, SYNCED, UNSYNCED, MKDIR, REMOVE, RENAME, LINK = range(1, 10)
CLEAN, REVERT = 1, 2
HEAD = struct.Struct("<IHHQQQQ")
SECTOR = 512
DIRECTORY = None        # what a name leads to when it is no file


class Trace:
    """The records of a file, by position."""

    def __init__(self, path, end):
        with open(path, "rb") as f:
            self.bytes = mmap.mmap(f.fileno(), end, prot=mmap.PROT_READ)
        self.ends, self.syncs, self.times = [0], [], [0]
        at = 0
        while at < end:
            size, kind, _, _, _, _, time_us = HEAD.unpack_from(self.bytes, at)
            at += size
            self.ends.append(at)
            self.times.append(time_us)
            if kind in (SYNCED, UNSYNCED):
                self.syncs.append(len(self.ends) - 1)

    def record(self, at):
        """(kind, arg, ino, off, payload) of the record that begins there."""
        _, kind, arg, ino, off, n, _ = HEAD.unpack_from(self.bytes, at)
        return kind, arg, ino, off, memoryview(self.bytes)[at + HEAD.size:at + HEAD.size + n]

    def number_after(self, position):
        """The number of records up to the first one that ends at or behind the position."""
        return bisect.bisect_left(self.ends, position)


class File:
    """One inode: the bytes that are on the disk for sure, and what came since the last sync, (position, offset, bytes or None)."""

    def __init__(self, durable=b""):
        self.durable = bytearray(durable)
        self.pending = []


def put(data, off, piece):
    if off > len(data):
        data.extend(bytes(off - len(data)))
    data[off:off + len(piece)] = piece


def cut_to(data, size):
    if size < len(data):
        del data[size:]
    else:
        data.extend(bytes(size - len(data)))


def apply(data, change):
    """A whole change; bytes None: a new size."""
    _, off, piece = change
    if piece is None:
        cut_to(data, off)
    else:
        put(data, off, piece)


def apply_torn(data, change, rnd):
    """Each sector of it, or not."""
    _, off, piece = change
    if piece is None:
        if rnd.randrange(2):
            cut_to(data, off)
        return
    at = 0
    while at < len(piece):
        n = min(SECTOR - (off + at) % SECTOR, len(piece) - at)
        if rnd.randrange(2):
            put(data, off + at, piece[at:at + n])
        at += n


def apply_some(data, changes, rnd):
    """None, all, the first ones, any, or any sectors of the changes reach the disk; and perhaps only their sizes."""
    how = rnd.choice(("none", "all", "first", "any", "torn", "torn"))
    if how == "first":
        changes = changes[:rnd.randrange(len(changes) + 1)]
    for change in changes:
        if how == "torn":
            apply_torn(data, change, rnd)
        elif how in ("all", "first") or how == "any" and rnd.randrange(2):
            apply(data, change)
    pieces = [x for x in changes if x[2] is not None]
    if pieces and len(pieces) == len(changes) and rnd.randrange(4) == 0:
        size = max(off + len(piece) for _, off, piece in pieces)
        data.extend(bytes(max(0, size - len(data))))


class Disk:
    """The state of a directory while its trace is read."""

    def __init__(self, rnd, directory=None):
        """directory: what was there when the trace began, all of it safe."""
        self.rnd = rnd
        self.by_ino, self.dirs = {}, {}     # ino: File; ino: name of the directory
        self.live, self.durable = {"": DIRECTORY}, {"": DIRECTORY}
        self.names = []                     # (position, directory, kind, name, other name or File) since its last sync
        if directory:
            self.read(directory)

    def read(self, directory):
        for path, dirs, files in os.walk(directory):
            for name in dirs + files:
                full = os.path.join(path, name)
                if os.path.isdir(full):
                    what = DIRECTORY
                elif os.path.isfile(full):
                    with open(full, "rb") as f:
                        what = File(f.read())
                else:
                    continue
                self.live[os.path.relpath(full, directory)] = what
        self.durable = dict(self.live)

    # -- reading the trace

    def feed(self, trace, first, last):
        """Records number first to last - 1."""
        for i in range(first, last):
            position = trace.ends[i]
            kind, arg, ino, off, payload = trace.record(position)
            if kind == OPEN:
                self.opened(position, bytes(payload).decode(), ino, arg)
            elif kind == WRITE:
                self.by_ino[ino].pending.append((position, off, payload))
            elif kind == CUT:
                self.by_ino[ino].pending.append((position, off, None))
            elif kind == SYNCED:
                self.synced(ino, off, apply, True)
            elif kind == UNSYNCED:
                self.lost(ino, off, arg)
            else:
                self.named(position, kind, *bytes(payload).decode().split("\0"))

    def opened(self, position, name, ino, is_new):
        if name in self.live and self.live[name] is DIRECTORY:
            self.dirs[ino] = name
        elif is_new or name not in self.live:
            self.by_ino[ino] = File()
            self.names.append((position, os.path.dirname(name), OPEN, name, self.by_ino[ino]))
            self.live[name] = self.by_ino[ino]
        else:
            self.by_ino[ino] = self.live[name]

    def named(self, position, kind, name, other=None):
        change = (position, os.path.dirname(name), kind, name, other)
        self.names.append(change)
        rename(self.live, change)

    def synced(self, ino, before, how, is_kept):
        """Changes of the file or directory before that position reach the disk: how(data, change)."""
        if ino in self.dirs:
            mine = [x for x in self.names if x[1] == self.dirs[ino] and x[0] < before]
            self.names = [x for x in self.names if x not in mine]
            for change in mine:
                if is_kept or self.rnd.randrange(2):
                    rename(self.durable, change)
            return
        file = self.by_ino[ino]
        for change in file.pending:
            if change[0] < before:
                how(file.durable, change)
        file.pending = [x for x in file.pending if x[0] >= before]

    def lost(self, ino, before, loss):
        """A sync failed: what it was for is on the disk or not, by chance; no later sync will bring it."""
        if loss == REVERT and ino not in self.dirs:
            self.synced(ino, before, lambda data, change: None, False)
        else:
            self.synced(ino, before, lambda data, change: apply_torn(data, change, self.rnd), False)

    # -- the cut

    def kept_names(self):
        """Names after the cut: the first ones of all changes that were not synced, as a journal has them, or any."""
        names = dict(self.durable)
        how = self.rnd.choice(("none", "all", "first", "any"))
        kept = self.names
        if how == "first":
            kept = kept[:self.rnd.randrange(len(kept) + 1)]
        for change in kept:
            if how in ("all", "first") or how == "any" and self.rnd.randrange(2):
                rename(names, change)
        return names

    def write(self, directory, is_cut=True):
        """Makes the directory as it could be after a cut here; without a cut, as programs see it."""
        names = self.kept_names() if is_cut else self.live
        os.makedirs(directory)
        for name in sorted(names):
            full = os.path.join(directory, name)
            if not os.path.isdir(os.path.dirname(full)):
                continue        # the directory's own entry is not there
            if names[name] is DIRECTORY:
                os.makedirs(full, exist_ok=True)
                continue
            data = bytearray(names[name].durable)
            if is_cut:
                apply_some(data, names[name].pending, self.rnd)
            else:
                for change in names[name].pending:
                    apply(data, change)
            with open(full, "wb") as f:
                f.write(data)


def rename(names, change):
    """One change of a name; what a change relies on may be missing when changes before it were lost."""
    _, _, kind, name, other = change
    if kind == OPEN:
        names[name] = other
    elif kind == MKDIR:
        names[name] = DIRECTORY
    elif kind == REMOVE:
        names.pop(name, None)
    elif name in names:
        names[other] = names.pop(name) if kind == RENAME else names[name]

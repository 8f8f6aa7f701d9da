# SPDX-License-Identifier: MIT
"""
Power cuts: a server under load whose disk writes down all that it does; then, for many moments of that, the directory as the cut
could have left it, opened by a server that has to tell the truth. tests/crash/power runs it; README.md has the model.
"""

import concurrent.futures
import contextlib
import filecmp
import os
import pickle
import random
import re
import shutil
import time

import disk
import load
from load import KEPT, Truth, imap_open, ok
from replay import Disk, Trace

LAZY_US = 8000000       # flags are on the disk after 1 s; the rest is for machines that stand still now and then
FLAGS = (r"\Seen", r"\Answered", r"\Flagged", r"\Draft")


class Log(Truth):
    """A truth that writes down with each note where the trace was then."""

    def __init__(self, server):
        super().__init__()
        self.server, self.events, self.began = server, [], {}

    def note(self, what, *args, **more):
        self.events.append((self.server.position(), what, args, more))

    def begin_add(self, *keys):
        with self.lock:
            self.note("begin_add", *keys)
            self.began.update((key, self.server.position()) for key in keys)

    def end_add(self, *keys, is_done=True):
        with self.lock:
            self.note("end_add", *keys, is_done=is_done)
            if is_done:
                self.note("anchor", self.began[keys[0]])

    def begin_remove(self, keys, uids=None):
        with self.lock:
            self.note("begin_remove", list(keys), uids)

    def end_remove(self, keys, uids=(), is_done=True):
        with self.lock:
            self.note("end_remove", list(keys), uids, is_done=is_done)

    def begin_one(self, coming, going=()):
        with self.lock:
            self.note("begin_one", coming, going)

    def end_one(self, coming):
        with self.lock:
            self.note("end_one", coming)

    def name_uids(self, names):
        with self.lock:
            self.note("name_uids", dict(names))

    def store(self, uid, flags):
        with self.lock:
            self.note("store", uid, flags)

    def stored(self, uid):
        with self.lock:
            self.note("stored", uid, time.monotonic_ns() // 1000)


class PowerLoad(load.Load):
    """The load, and flags that change in a mailbox of their own; or only they (is_calm)."""

    is_calm = False

    def flags(self):
        imap = imap_open(self.server, "bob")
        ok(imap.select("kept"))
        while not self.stop.is_set():
            uid, flags = random.randint(1, KEPT), random.sample(FLAGS, random.randint(1, len(FLAGS)))
            self.truth.store(uid, flags)
            ok(imap.uid("STORE", str(uid), "FLAGS.SILENT", "(%s)" % " ".join(flags)))
            self.truth.stored(uid)
            time.sleep(random.uniform(0, 0.2))
        imap.logout()

    def clients(self):
        return [self.flags] if self.is_calm else super().clients() + [self.flags]


# ---- recording ----

class Recording:
    """One run: a trace, what the clients noted, and where the trace was when accounts and mailboxes stood."""

    def __init__(self, directory):
        self.directory = directory
        self.before, self.truth = None, Truth()     # a nested run begins with a directory, and with a truth about it
        self.accounts_at = self.mailboxes_at = self.end = 0
        self.events, self.has_flags, self.flags = [], True, {}
        self.trace_path = os.path.join(directory, "trace")

    def save(self):
        with open(os.path.join(self.directory, "events"), "wb") as f:
            pickle.dump((self.accounts_at, self.mailboxes_at, self.end, self.events, self.has_flags), f)

    @classmethod
    def saved(cls, directory):
        self = cls(directory)
        with open(os.path.join(directory, "events"), "rb") as f:
            self.accounts_at, self.mailboxes_at, self.end, self.events, self.has_flags = pickle.load(f)
        return self

    def run(self, server, truth, rnd, seconds, disturb):
        """Load of all kinds for so long; disturb(server, rnd, seconds) passes the time."""
        clients = PowerLoad(server, truth, rnd)
        clients.is_stubborn, clients.refusals, clients.pause = True, 0, 0.04
        clients.is_calm = disturb is calm
        clients.round(lambda stop: disturb(server, rnd, seconds))
        self.events = truth.events
        return clients.trouble


def quiet(_server, _rnd, seconds):
    time.sleep(seconds)


def calm(_server, _rnd, seconds):
    """As long as it takes to be sure that flags are on the disk, and a bit; only they are changed."""
    time.sleep(LAZY_US / 1e6 + seconds)


def kill(server, rnd, seconds):
    """kill -9 somewhere in the middle."""
    before = rnd.uniform(0.2, 0.8) * seconds
    time.sleep(before)
    load.kill(server)
    time.sleep(seconds - before)


def record(martlet, directory, seed, seconds, disturb=quiet, **options):
    """Gives back the recording and what was wrong already. options: of the server."""
    os.makedirs(directory, exist_ok=True)
    rnd, self = random.Random(seed), Recording(directory)
    server = disk.DiskServer(martlet, trace=self.trace_path, sync_us=rnd.choice((0, 1000, 5000, 20000)), seed=seed, **options)
    self.has_flags = not options.get("can_revert")        # what a disk takes back in a failed sync is not late but lost
    try:
        server.start()
        self.accounts_at = server.position()
        load.make_mailboxes(server)
        load.make_kept(server)
        self.mailboxes_at = server.position()
        wrong = self.run(server, Log(server), rnd, seconds, disturb)
        server.heal()
        server.stop()
        self.end = server.position()
        if disturb is quiet:        # else the trace may know one write more than was made, or bytes that the disk did not take
            wrong += same_as_seen(self, server.dir + "/data")
    finally:
        server.remove()
    self.save()
    return self, wrong


def same_as_seen(recording, directory):
    """Whether the trace knows every byte: without a cut it leads to what is there."""
    copy = os.path.join(recording.directory, "copy")
    whole, trace = Disk(random.Random(0), recording.before), Trace(recording.trace_path, recording.end)
    whole.feed(trace, 0, len(trace.ends) - 1)
    whole.write(copy, is_cut=False)
    wrong = []
    for at in ("", "pack"):
        seen = filecmp.dircmp(os.path.join(directory, at), os.path.join(copy, at), ignore=["control.sock", "martlet.db-shm"])
        _, differ, odd = filecmp.cmpfiles(seen.left, seen.right, seen.common_files, shallow=False)
        wrong += ["the trace is wrong about %s" % x for x in differ + odd + seen.left_only + seen.right_only]
    shutil.rmtree(copy)
    return wrong


# ---- looking ----

def truth_at(recording, position):
    """What may and must be there after a cut at that position."""
    truth = Truth()
    truth.there, truth.uids = recording.truth.there.copy(), dict(recording.truth.uids)
    for at, what, args, more in recording.events:
        if at > position:
            break
        if what not in ("store", "stored", "anchor"):
            getattr(truth, what)(*args, **more)
    return truth


def look_at_flags(server):
    imap = imap_open(server, "bob")
    ok(imap.select("kept", readonly=True))
    lines = ok(imap.uid("FETCH", "1:*", "(FLAGS)"))
    imap.logout()
    found = {}
    for line in lines:
        uid, flags = re.search(rb"UID (\d+)", line).group(1), re.search(rb"FLAGS \(([^)]*)\)", line).group(1).decode()
        found[int(uid)] = sorted(x for x in flags.split() if x in FLAGS)
    return found


def check_flags(recording, position, time_us, found):
    """Each message has the flags that it had last for sure, or later ones: sure are those that are old, or that were answered
    before a change was asked for that had to be durable, and was."""
    events = [x for x in recording.events if x[0] <= position]
    anchor = max([args[0] for _, what, args, _ in events if what == "anchor"], default=-1)
    may = {uid: [recording.flags.get(uid, [])] for uid in range(1, KEPT + 1)}
    for at, what, args, _ in events:
        if what == "store":
            may[args[0]].append(sorted(args[1]))
        elif what == "stored" and (at <= anchor or args[1] < time_us - LAZY_US):
            may[args[0]] = may[args[0]][-1:]
    return ["flags of %d are %s, may be one of %s" % (uid, found.get(uid), some) for uid, some in may.items()
            if found.get(uid) not in some]


class Looker:
    """Opens what a cut left; one server for many cuts."""

    def __init__(self, martlet):
        self.server = disk.DiskServer(martlet, settings=disk.SMALL)
        self.data = self.server.dir + "/data"
        self.trace_path = self.server.dir + "/trace"
        self.server.env["MARTLET_DISK_TRACE"] = self.trace_path

    def close(self):
        self.server.remove()

    def fill(self, state, rnd):
        """The directory after the cut, and sometimes an old index of the WAL, which SQLite must not believe."""
        shutil.rmtree(self.data, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.trace_path)
        self.server.shared.end = 0
        state.rnd = rnd
        state.write(self.data)
        if rnd.randrange(4) == 0 and os.path.exists(self.data + "/martlet.db"):
            with open(self.data + "/martlet.db-shm", "wb") as f:
                f.write(rnd.randbytes(32768))

    def look(self, recording, position, time_us):
        """What is wrong after a cut there, and the mail that is there."""
        self.server.log.clear()
        self.server.start()
        wrong, found = [], {}
        if position >= recording.accounts_at:
            for account in load.MAILBOXES:
                imap_open(self.server, account).logout()
        if position >= recording.mailboxes_at:
            found, wrong = load.look(self.server)
            wrong += truth_at(recording, position).check(found)
            if recording.has_flags:
                wrong += check_flags(recording, position, time_us, look_at_flags(self.server))
        return wrong + load.fsck(self.server), found

    def nested(self, base, found, rnd):
        """Goes on after a look, and cuts the power again: what was seen must still be there. base: what the look began with."""
        inner = Recording(self.server.dir)
        inner.before = base
        inner.truth.check(found)
        inner.flags = look_at_flags(self.server)
        seen_at = self.server.position()
        wrong = inner.run(self.server, Log(self.server), rnd, rnd.uniform(0.1, 0.4), rnd.choice((quiet, kill)))
        self.server.stop()
        trace, state = Trace(self.trace_path, self.server.position()), Disk(rnd, base)
        cut = rnd.randrange(trace.number_after(seen_at), len(trace.ends))
        state.feed(trace, 0, cut)
        self.fill(state, rnd)
        more, _ = self.look(inner, trace.ends[cut], 0)
        return wrong + ["after a second cut: " + x for x in more]

    def try_cut(self, recording, position, time_us, rnd):
        """All that there is to see after fill()."""
        base = None
        try:
            if position >= recording.mailboxes_at and rnd.randrange(4) == 0:
                base = self.server.dir + "/base"
                shutil.copytree(self.data, base)
            wrong, found = self.look(recording, position, time_us)
            if base and not wrong:
                wrong = self.nested(base, found, rnd)
            self.server.stop()
            return wrong
        except Exception as e:      # pylint: disable=broad-except
            return ["%s: %s" % (type(e).__name__, e)] + self.server.log[-20:]
        finally:
            if base:
                shutil.rmtree(base, ignore_errors=True)
            with contextlib.suppress(AssertionError):
                self.server.stop()


# ---- many cuts ----

def choose(trace, first, n, rnd):
    """Cuts, as numbers of records that were made before: at random, right before a sync ended, and right after."""
    syncs = [x for x in trace.syncs if x > first] or [len(trace.ends) - 1]
    kinds = (lambda: rnd.randrange(first, len(trace.ends)), lambda: rnd.choice(syncs) - 1, lambda: rnd.choice(syncs))
    return sorted(kinds[i % 3]() for i in range(n))


def replay(recording, lookers, seed, cuts):
    """Tries those cuts of a recording (None: the number of cuts to choose); gives back their number and {cut: what is wrong}."""
    trace, rnd = Trace(recording.trace_path, recording.end), random.Random(seed)
    state, at, bad, free = Disk(random.Random(seed), recording.before), 0, {}, list(lookers)
    if isinstance(cuts, int):
        setting_up = max(1, cuts // 10)
        ready = trace.number_after(recording.mailboxes_at)
        cuts = [rnd.randrange(ready) for _ in range(setting_up)] + choose(trace, ready, cuts - setting_up, rnd)
    with concurrent.futures.ThreadPoolExecutor(len(lookers)) as pool:
        running = {}
        for cut in sorted(cuts):
            if not free:
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                collect(done, running, bad, free)
            looker, chance = free.pop(), random.Random("%d %d" % (seed, cut))
            state.rnd = random.Random(seed)
            state.feed(trace, at, cut)
            at = cut
            looker.fill(state, chance)
            job = pool.submit(looker.try_cut, recording, trace.ends[cut], trace.times[cut], chance)
            running[job] = looker, cut
        collect(list(running), running, bad, free)
    return len(cuts), bad


def collect(jobs, running, bad, free):
    for job in jobs:
        looker, cut = running.pop(job)
        wrong = job.result()
        free.append(looker)
        if wrong:
            bad[cut] = wrong

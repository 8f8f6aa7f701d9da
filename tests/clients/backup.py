# SPDX-License-Identifier: MIT
"""Backups while the server works: whole, served from, brought up to date, and killed anywhere."""

import imaplib
import json
import os
import pwd
import random
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time

from clients.death import state
from mail import Load, body, read_all
from server import Server, Skip

# Bodies are moved and files removed as often as can be.
BUSY = {"store": {"pack_size": "64K", "expunge_grace": "0s", "housekeeping": "10ms", "compact_percent": "1",
                  "compact_rate": "0"}}


def backup(server, where):
    return json.loads(server.cli("backup", where, "--json").stdout)


def check_data(server, where):
    """fsck of a copy of it, so that the backup itself stays untouched."""
    copy = where + "-checked"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(where, copy)
    found = json.loads(server.cli("fsck", "--data", copy, "--json").stdout)
    assert found["clean"], found
    shutil.rmtree(copy)


def serve(martlet, where):
    """A server that lives in that directory."""
    other = Server(martlet)
    os.symlink(where, other.dir + "/data")
    other.start()
    return other


def check_mail(martlet, where, must, asked):
    """Serves from the backup: what must be there is there, byte for byte, and nothing that nobody sent."""
    other = serve(martlet, where)
    try:
        found = read_all(other)
        for name, raw in found.items():
            assert raw.endswith(b"\r\n" + body(name)), name
        missing = must - set(found) - asked
        assert not missing, sorted(missing)[:5]
        with smtplib.SMTP("127.0.0.1", other.port("smtp"), timeout=60) as smtp:
            smtp.sendmail("carol@example.org", ["bob@example.test"], body("later"))
        assert "later" in read_all(other)
    finally:
        other.remove()


def test_backup_under_load(server):
    """Each copy has all that was answered before; a server starts from it, and it is no backup any more."""
    where = tempfile.mkdtemp(prefix="martlet-backup-")
    try:
        with Load(server) as load:
            for turn in range(4):
                load.wait(100 * (turn + 1))
                must = load.answered()
                counts = backup(server, where + "/copy")
                asked = set(load.asked)
                assert counts["clean"] and counts["packs"], counts
                check_data(server, where + "/copy")
        assert counts["packs_copied"] <= counts["packs"], counts
        check_mail(server.martlet, where + "/copy", must, asked)
        r = server.command("backup", where + "/copy", "--config", server.config)
        assert r.returncode == 4 and "no backup" in r.stderr, r
        assert json.loads(server.cli("fsck", "--json").stdout)["clean"]
    finally:
        shutil.rmtree(where)


test_backup_under_load.settings = BUSY


def test_backup_killed(server):
    """kill -9 of the backup at any moment: no backup yet, or the one before; the next one brings it to its end."""
    where, rnd = tempfile.mkdtemp(prefix="martlet-backup-"), random.Random(1)
    copy = where + "/copy"
    try:
        with Load(server, 2) as load:
            load.wait(100)
            must, whole = set(), False
            for turn in range(12):
                now = load.answered()
                p = subprocess.Popen([server.martlet, "backup", copy, "--config", server.config], stdout=subprocess.DEVNULL)
                time.sleep(rnd.uniform(0, 0.06))
                p.send_signal(signal.SIGKILL)
                if p.wait() == 0:
                    must, whole = now, True
                if turn == 6:
                    must, whole = load.answered(), True
                    backup(server, copy)
                if whole:
                    check_data(server, copy)
                elif os.path.exists(copy + "/backup.unfinished") and os.path.exists(copy + "/martlet.db"):
                    r = server.command("fsck", "--data", copy, "--config", server.config)
                    assert r.returncode == 1 and "not finished" in r.stderr, r
            must = load.answered()
            backup(server, copy)
            asked = set(load.asked)
        check_data(server, copy)
        check_mail(server.martlet, copy, must, asked)
    finally:
        shutil.rmtree(where)


test_backup_killed.settings = BUSY


def fill(server, first, n):
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), "client.example", 60) as smtp:
        for i in range(first, first + n):
            smtp.sendmail("carol@example.org", ["bob@example.test"], body("f%d" % i))


def expunge_half(server):
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login("bob@example.test", "demo")
    n = int(imap.select("INBOX")[1][0])
    imap.store(",".join(str(i) for i in range(1, n + 1, 2)), "+FLAGS.SILENT", r"(\Deleted)")
    imap.expunge()
    imap.logout()


def stopped_halfway(server, copy):
    """A backup that has the snapshot and not all packs, by SIGSTOP."""
    for _ in range(20):
        p = subprocess.Popen([server.martlet, "backup", copy, "--config", server.config, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 60
        while not os.path.exists(copy + "/martlet.db.new") and p.poll() is None and time.monotonic() < end:
            pass
        p.send_signal(signal.SIGSTOP)
        while p.poll() is None and state(p.pid) != "T":
            time.sleep(0.001)
        if p.poll() is None and not os.path.exists(copy + "/martlet.db"):
            return p
        p.send_signal(signal.SIGCONT)       # it was faster
        p.communicate(timeout=60)
        shutil.rmtree(copy)
    raise AssertionError("no backup could be stopped")


def test_backup_holds_packs(server):
    """While a backup has stopped in the middle, packs are emptied by compaction, and none is removed."""
    where = tempfile.mkdtemp(prefix="martlet-backup-")
    try:
        for turn in range(3):
            copy = "%s/%d" % (where, turn)
            fill(server, 100 * turn, 100)
            expunge_half(server)
            p = stopped_halfway(server, copy)
            kept = json.loads(server.cli("compact", "--json").stdout)
            assert kept["packs_removed"] == 0, kept
            p.send_signal(signal.SIGCONT)
            out, err = p.communicate(timeout=60)
            assert p.returncode == 0, (out, err)
            check_data(server, copy)
            server.crash()      # ends the promise
            kept = json.loads(server.cli("compact", "--json").stdout)
            assert kept["packs_removed"] > 0, kept
    finally:
        shutil.rmtree(where)


test_backup_holds_packs.settings = {"store": {"pack_size": "64K", "expunge_grace": "0s", "housekeeping": "1d"}}


def owners(top):
    return {(os.path.relpath(os.path.join(d, x), top), pwd.getpwuid(os.lstat(os.path.join(d, x)).st_uid).pw_name)
            for d, dirs, files in os.walk(top) for x in dirs + files + ["."]}


def test_backup_as_root(server):
    """Root makes the backup of a server that is somebody else: no file of root's appears, in the data or in the copy."""
    if os.geteuid() != 0:
        raise Skip("needs root, to run the server as another user")
    where = tempfile.mkdtemp(prefix="martlet-backup-")
    other = Server(server.martlet, {"server": {"user": "daemon"}})
    try:
        for path in (where, other.dir):
            os.chmod(path, 0o755)
        other.start()
        with smtplib.SMTP("127.0.0.1", other.port("smtp"), timeout=60) as smtp:
            smtp.sendmail("carol@example.org", ["bob@example.test"], body("one"))
        for is_running in (True, False):
            copy = "%s/%s" % (where, is_running)
            if not is_running:
                other.stop()
            backup(other, copy)
            for top in (copy, other.dir + "/data"):
                wrong = [x for x in owners(top) if x[1] != "daemon"]
                assert not wrong, (top, wrong)
            other.cli("fsck", "--data", copy)
        os.mkdir(where + "/closed", 0o700)
        told = other.command("backup", where + "/closed/copy", "--config", other.config)
        assert told.returncode == 1 and "Permission denied; it is made as user daemon, who has to be able to" in told.stderr, told
    finally:
        other.remove()
        shutil.rmtree(where)


def test_a_host_without_settings(server):
    """A backup can be checked where no server is set up; what needs settings says how to name them."""
    if os.path.exists("/etc/martlet/martlet.conf"):
        raise Skip("this host has settings")
    where = server.dir + "/copy"
    backup(server, where)
    r = server.command("fsck", "--data", where)
    assert r.returncode == 0 and "clean: yes" in r.stdout, (r.stdout, r.stderr)
    for args in (("fsck",), ("account", "list"), ("backup", where), ("dns", "example.test"), ("config", "show"), ("config", "check"),
                 ("import", "alice@example.test", where)):
        r = server.command(*args)
        assert r.returncode == 3 and "--dir DIR" in r.stderr and "martlet quickstart" in r.stderr and r.stdout == "", (args, r.stdout, r.stderr)

# SPDX-License-Identifier: MIT
"""A file system that is really full (a small tmpfs): mail is refused in time, deleting works, and it goes on by itself."""

import contextlib
import imaplib
import json
import os
import smtplib
import subprocess

from server import Server, Skip

MB = 1 << 20
SIZE = 24 * MB
KEPT = 6 * MB


@contextlib.contextmanager
def small_disk(martlet, settings):
    """A server whose data lies on a small disk of its own."""
    if os.geteuid() != 0:
        raise Skip("needs root, to mount a small file system")
    server = Server(martlet, settings)
    data = server.dir + "/data"
    try:
        os.mkdir(data, 0o700)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % SIZE, "tmpfs", data], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip("cannot mount a tmpfs here")
        try:
            server.write_settings()
            server.make_accounts()
            yield server.start()
        finally:
            server.stop()
            subprocess.run(["umount", data], check=True)
    finally:
        server.remove()


def free(server):
    s = os.statvfs(server.dir + "/data")
    return s.f_bavail * s.f_frsize


def send(server, n, size):
    """Up to n messages; gives back how many were taken, and the reply that ended it."""
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=60) as smtp:
        for i in range(n):
            try:
                smtp.sendmail("carol@example.org", ["bob@example.test"], b"Subject: %d\r\n\r\n" % i + b"x" * 70 * (size // 70) + b"\r\n")
            except smtplib.SMTPSenderRefused as e:
                return i, (e.smtp_code, e.smtp_error)
            except smtplib.SMTPDataError as e:
                return i, (e.smtp_code, e.smtp_error)
    return n, None


def inbox(server):
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login("bob@example.test", "demo")
    return imap, int(imap.select("INBOX")[1][0])


def fill(imap):
    """Small messages, where there was no room for a large one, until there is none for them; how many were taken."""
    for taken in range(1000):
        typ, data = imap.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"y" * 1000)
        if typ != "OK":
            assert typ == "NO" and b"[LIMIT]" in data[0], (typ, data)
            return taken
    raise AssertionError("no end of room")


def test_disk_full_in_time(server):
    """store.min_free_space: 452 and NO while that much is left; flags, MOVE, EXPUNGE and compaction have it; then mail comes again."""
    with small_disk(server.martlet, {"store": {"min_free_space": str(KEPT), "pack_size": "1M", "expunge_grace": "0s",
                                               "housekeeping": "1d"}}) as full:
        n, refused = send(full, 1000, 100000)
        assert 50 < n < 300 and refused[0] == 452 and refused[1].startswith(b"4.3.1"), (n, refused)
        assert KEPT - MB < free(full) < KEPT + MB, free(full)
        imap, count = inbox(full)
        assert count == n
        small = fill(imap)
        n += small
        assert imap.copy("1:5", "Archive")[0] == "NO"
        assert imap.store("1:%d" % n, "+FLAGS", r"(\Seen)")[0] == "OK"
        assert imap.uid("MOVE", "1:5", "Trash")[0] == "OK"
        assert imap.store("1:%d" % (n // 2), "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
        assert imap.expunge()[0] == "OK"
        kept = json.loads(full.cli("compact", "--json").stdout)
        assert kept["freed_bytes"] - kept["moved_bytes"] > 4 * MB, kept
        full.wait_log("server.data", {}, 10)
        more, refused = send(full, 20, 100000)
        assert more == 20, refused
        assert json.loads(full.cli("fsck", "--json").stdout)["clean"]
        imap.noop()
        assert len(imap.fetch("1:*", "(BODY.PEEK[])")[1]) == 2 * (n - 5 - n // 2 + 20)


def test_disk_full_by_others(server):
    """Somebody else takes the last byte: everything that needs one fails as it should, nothing breaks, and it goes on when the byte is back."""
    with small_disk(server.martlet, {"store": {"min_free_space": "0", "pack_size": "1M", "expunge_grace": "0s",
                                               "housekeeping": "1d"}}) as full:
        n, _ = send(full, 20, 100000)
        junk = full.dir + "/data/junk"
        with open(junk, "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"z" * 4096)
        assert free(full) == 0
        taken, refused = send(full, 50, 100000)
        assert taken < 50 and refused[0] == 452, (taken, refused)
        imap, count = inbox(full)
        assert count == n + taken
        assert len(imap.fetch("1:*", "(BODY.PEEK[])")[1]) == 2 * count
        for _ in range(3):      # whether there is room for it or not: an answer, and no more than that
            imap.store("1:3", "+FLAGS.SILENT", r"(\Deleted)")
            imap.expunge()
        full.command("compact", "--config", full.config)
        os.unlink(junk)
        more, refused = send(full, 20, 100000)
        assert more == 20, refused
        assert imap.store("1", "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
        assert imap.expunge()[0] == "OK"
        full.crash()
        assert json.loads(full.cli("fsck", "--json").stdout)["clean"]
        imap, count = inbox(full)
        assert len(imap.fetch("1:*", "(BODY.PEEK[])")[1]) == 2 * count


def test_disk_full_at_the_first_chunk(server):
    """RFC 3030 2: of a message whose first chunk was refused no other chunk is taken, though there is room again: nobody gets half of it."""
    def keep(size):
        mark = server.reload(store={"min_free_space": size})
        server.wait_log("server.reload", {"result": "done"}, mark=mark)

    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=60) as smtp:
        smtp.ehlo("client.example")
        for line in "MAIL FROM:<carol@example.org>", "RCPT TO:<bob@example.test>":
            assert smtp.docmd(line)[0] == 250
        keep("1000000G")
        smtp.send(b"BDAT 14\r\nSubject: one\r\n")
        assert smtp.getreply()[0] == 452
        keep("0")
        smtp.send(b"BDAT 5 LAST\r\nend\r\n")
        assert smtp.getreply()[0] == 503
        assert smtp.docmd("RSET")[0] == 250
        smtp.sendmail("carol@example.org", ["bob@example.test"], b"Subject: two\r\n\r\n")
    imap, count = inbox(server)
    assert count == 1 and b"two" in imap.fetch("1", "(BODY.PEEK[])")[1][0][1]
    imap.logout()


def test_no_room_to_open(server):
    """Not a page is free when it starts: the fault names that, and when there is room it starts with all that was there."""
    with small_disk(server.martlet, {"store": {"min_free_space": "0"}}) as full:
        assert send(full, 3, 1000) == (3, None)
        full.stop()
        junk = full.dir + "/data/junk"
        with contextlib.suppress(OSError), open(junk, "wb", buffering=0) as f:
            while True:
                f.write(b"x" * 4096)
        r = full.command("serve", "--config", full.config)
        assert r.returncode == 5 and "No space left on device" in r.stderr, r
        os.unlink(junk)
        full.start()
        assert inbox(full)[1] == 3

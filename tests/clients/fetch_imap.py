# SPDX-License-Identifier: MIT
"""martlet fetch over IMAP: each message once, also from servers that break, refuse and count anew; what is deleted there is safe here, and nothing else is."""

import imaplib
import json
import os
import signal
import ssl
import subprocess
import time

from certs import certificate_of
from dovecot import Dovecot
from mail import body
from odd_imap import BOB, Odd, arguments, bytes_of, connect, counts, found, run, scratch, some


def test_fetch_imap_what_is_new(server):
    """Over TLS and STARTTLS, flags with it, \\Seen is left alone; again: what is new; several mailboxes."""
    imap = connect(server)
    imap.create('"Old/M&APw-ll"')
    raws = [body("m%d" % i) for i in range(5)]
    for raw, flags in zip(raws, (r"(\Seen \Flagged)", r"(\Answered)", "($Work)", r"(\Deleted)", None)):
        assert imap.append("INBOX", flags, None, raw)[0] == "OK"
    imap.append('"Old/M&APw-ll"', None, None, raws[0])
    with scratch() as where:
        with open(where + "/ca.pem", "w", encoding="ascii") as f:
            f.write(ssl.DER_cert_to_PEM_cert(certificate_of(server)))
        for port, tls in (("imaps", "implicit"), ("imap", "starttls")):
            args = [server.martlet, "fetch", "--server", "localhost:%d" % server.port(port), "--tls", tls, "--user", BOB, "--password-file", where + "/password",
                    "--to", "maildir:%s/%s" % (where, port), "--json"]
            r = subprocess.run(args, capture_output=True, timeout=60, check=False)
            assert r.returncode == 11 and b"does not verify" in r.stderr, r
            args += ["--ca-file", where + "/ca.pem", "--mailbox", "INBOX", "--mailbox", "Old/Müll"]
            for want in ((6, 0, 0, 0), (0, 0, 0, 0)):
                r = subprocess.run(args, capture_output=True, timeout=60, check=False)
                assert r.returncode == 0 and counts([json.loads(x) for x in r.stdout.splitlines()]) == want, r
            got = dict(found(where + "/" + port))
            assert sorted(got) == sorted(raws), len(got)
            assert (got[raws[0]], got[raws[1]], got[raws[3]], got[raws[4]]) == ("FS", "R", "T", ""), got.values()
            assert found(where + "/" + port + "/.Old.M&APw-ll") == [(raws[0], "")]
        imap.append("INBOX", None, None, body("new"))
        r = subprocess.run(args, capture_output=True, timeout=60, check=False)
        assert counts([json.loads(x) for x in r.stdout.splitlines()]) == (1, 0, 0, 0), r
        r = subprocess.run(args + ["--mailbox", "Nowhere"], capture_output=True, timeout=60, check=False)
        assert b"no mailbox Nowhere" in r.stderr and r.returncode != 0, r
    imap.select("INBOX")
    assert imap.search(None, "SEEN")[1] == [b"1"], imap.search(None, "SEEN")
    imap.logout()


def test_fetch_imap_from_a_server_that_breaks(server):
    """Connections that break are made again; what is refused stays, and comes when it can; each message once, in each kind of target."""
    messages = some(30)
    for kind in ("maildir", "stdout"):
        with scratch() as where, Odd(messages, breaks=(5, 12), refused=(9, 60)) as odd:
            if kind == "stdout":
                r = subprocess.run(arguments(server.martlet, where, odd.port, "--state", where + "/state", to="stdout"), capture_output=True, timeout=60, check=False)
                assert r.returncode == 1, r.stderr
                assert r.stdout.count(b"\nSubject: ") + r.stdout.startswith(b"Subject: ") == 28, r.stderr
                continue
            assert counts(run(server, where, odd.port, status=1)) == (28, 0, 2, 0)
            assert [x for x, _ in found(where + "/in")] == bytes_of([x for uid, x in messages.items() if uid not in (9, 60)])
            assert counts(run(server, where, odd.port, status=1)) == (0, 0, 2, 0)
            odd.refused = {60}
            odd.box[93] = [body("late"), set()]
            assert counts(run(server, where, odd.port, status=1)) == (2, 0, 1, 0)
            del odd.box[60]
            assert counts(run(server, where, odd.port)) == (0, 0, 0, 0)
            assert counts(run(server, where, odd.port)) == (0, 0, 0, 0)
            assert len(found(where + "/in")) == 30


def test_fetch_imap_numbered_anew(server):
    """Another UIDVALIDITY: said, and all comes again."""
    with scratch() as where, Odd(some(3)) as odd:
        assert counts(run(server, where, odd.port)) == (3, 0, 0, 0)
        odd.validity = 8
        events = run(server, where, odd.port)
        assert counts(events) == (3, 0, 0, 0) and any("UIDVALIDITY" in x.get("text", "") for x in events), events
        assert counts(run(server, where, odd.port)) == (0, 0, 0, 0)


def test_fetch_imap_deletes_what_is_safe(server):
    """Not before it is on the disk; by UID, and nothing of others; what could not be fetched stays."""
    def safe(command):
        if "Deleted" in command:
            have = [x for x, _ in found(where + "/in")]
            doomed.extend(x in have for uid, (x, _) in odd.box.items() if uid in odd.uids(command.split()[2]))

    messages, doomed = some(12), []
    with scratch() as where, Odd(messages, refused=(9,), seen=safe) as odd:
        odd.box[6][1].add("\\Deleted")
        assert counts(run(server, where, odd.port, status=1)) == (11, 0, 1, 0)
        odd.box[99] = [body("new"), set()]
        odd.box[100] = [body("of others"), {"\\Deleted"}]
        assert counts(run(server, where, odd.port, "--delete", status=1)) == (2, 0, 1, 13)
        assert list(odd.box) == [9] and all(doomed) and len(doomed) == 13, (list(odd.box), doomed)
        assert not any(x == "EXPUNGE" for x in odd.commands)


def test_fetch_imap_deletes_without_uidplus(server):
    """EXPUNGE takes all that is \\Deleted, so it is said only where that is ours."""
    def meddle(command):
        if "Deleted" in command and meddles:
            odd.box[meddles.pop()][1].add("\\Deleted")

    meddles = []
    with scratch() as where, Odd(some(5), uidplus=False, seen=meddle, refused=(6,)) as odd:
        odd.box[6][1].add("\\Deleted")
        events = run(server, where, odd.port, "--delete", status=1)
        assert counts(events) == (4, 0, 1, 0) and any("UIDPLUS" in x.get("text", "") for x in events), events
        assert len(odd.box) == 5 and not any("Deleted" in x or x == "EXPUNGE" for x in odd.commands), odd.commands
        odd.box[6][1].clear()
        meddles.append(6)       # between the look and EXPUNGE
        events = run(server, where, odd.port, "--delete", status=1)
        assert counts(events) == (0, 0, 1, 0) and any("meanwhile" in x.get("text", "") for x in events), events
        assert len(odd.box) == 5 and "EXPUNGE" not in odd.commands
        odd.box[6][1].clear()
        assert counts(run(server, where, odd.port, "--delete", status=1)) == (0, 0, 1, 4)
        assert list(odd.box) == [6]


def test_fetch_imap_keeps_for_days(server):
    """--keep-days: nothing goes before its time."""
    with scratch() as where, Odd(some(3)) as odd:
        assert counts(run(server, where, odd.port, "--keep-days", "30")) == (3, 0, 0, 0)
        assert counts(run(server, where, odd.port, "--keep-days", "30")) == (0, 0, 0, 0)
        assert counts(run(server, where, odd.port, "--keep-days", "0")) == (0, 0, 0, 3)


def test_fetch_imap_killed(server):
    """kill -9 at any time: nothing is lost, nothing comes twice."""
    messages = some(400)
    with scratch() as where, Odd(messages) as odd:
        for i in range(8):
            with subprocess.Popen(arguments(server.martlet, where, odd.port, "--delete"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
                time.sleep(0.01 * (i + 1))
                p.kill()
        run(server, where, odd.port, "--delete")
        assert [x for x, _ in found(where + "/in")] == bytes_of(messages)
        assert odd.box == {}


def wait_for(n, directory, p, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.path.isdir(directory + "/cur") and os.path.isdir(directory + "/new") and len(found(directory)) >= n:
            return
        assert p.poll() is None, p.communicate()
        time.sleep(0.02)
    raise AssertionError("%d of %d messages are there" % (len(found(directory)), n))


def test_fetch_imap_idle(server):
    """Mail comes as it arrives, also after the server was away; --delete with it."""
    imap = connect(server)
    with scratch() as where:
        args = arguments(server.martlet, where, server.port("imap"), "--idle", "--delete")
        with subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
            try:
                imap.append("INBOX", None, None, body("one"))
                wait_for(1, where + "/in", p)
                time.sleep(0.5)
                imap.append("INBOX", None, None, body("two"))
                wait_for(2, where + "/in", p, 10)
                server.stop()
                server.start()
                imap = connect(server)
                imap.append("INBOX", None, None, body("three"))
                wait_for(3, where + "/in", p)
                until = time.monotonic() + 20
                while time.monotonic() < until and imap.select("INBOX")[1] != [b"0"]:
                    time.sleep(0.05)
                assert imap.select("INBOX")[1] == [b"0"]
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(30)
        assert [x for x, _ in found(where + "/in")] == sorted(body(x) for x in ("one", "two", "three"))
    imap.logout()


def test_fetch_imap_idle_at_dovecot(server):
    """As mail comes to a Dovecot, over TLS, deleted there when it is here."""
    with Dovecot(server.martlet) as dovecot, scratch() as where:
        dovecot.fill(BOB, [body("first")])
        imap = imaplib.IMAP4("127.0.0.1", dovecot.port("imap"), timeout=60)
        imap.login(BOB, "demo")
        args = [server.martlet, "fetch", "--server", "localhost:%d" % dovecot.port("imaps"), "--user", BOB, "--password-file", where + "/password", "--ca-file",
                dovecot.certificate, "--to", "maildir:%s/in" % where, "--idle", "--delete"]
        with subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
            try:
                for n, name in enumerate(("second", "third", "fourth")):
                    wait_for(n + 1, where + "/in", p)
                    time.sleep(0.2)
                    imap.append("INBOX", None, None, body(name))
                wait_for(4, where + "/in", p)
                until = time.monotonic() + 20
                while time.monotonic() < until and imap.select("INBOX")[1] != [b"0"]:
                    time.sleep(0.05)
                assert imap.select("INBOX")[1] == [b"0"]
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(30)
        assert [x for x, _ in found(where + "/in")] == sorted(body(x) for x in ("first", "second", "third", "fourth"))
        imap.logout()

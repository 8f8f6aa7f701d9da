# SPDX-License-Identifier: MIT
"""Mail that is known by its name, and clients that send it and take it away while something else is tested."""

import imaplib
import os
import random
import re
import smtplib
import threading
import time

from script import tls_context


def body(name):
    rnd = random.Random(name)
    text = rnd.randbytes(rnd.choice((50, 500, 3000, 20000))).hex()
    lines = [text[i:i + 70] for i in range(0, len(text), 70)]
    return ("Subject: %s\r\n\r\n%s\r\n" % (name, "\r\n".join(lines))).encode()


def inbox(server, user):
    """The messages of an INBOX, as bytes."""
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login(user, "demo")
    imap.select("INBOX", readonly=True)
    typ, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
    assert typ == "OK", data
    imap.logout()
    return [x[1] for x in data if isinstance(x, tuple)]


def wait_inbox(server, user, n, seconds=30, why=lambda: ""):
    """Until n messages are there; gives them. `why` tells more when they do not come."""
    end = time.monotonic() + seconds
    while len(got := inbox(server, user)) < n:
        assert time.monotonic() < end, "%d messages of %d in %g s\n%s" % (len(got), n, seconds, why())
        time.sleep(0.1)
    return got


def read_all(server):
    """{name: bytes} of bob's INBOX."""
    return {re.search(rb"^Subject: (\S+)", raw, re.M).group(1).decode(): raw for raw in inbox(server, "bob@example.test")}


def submission(server, user="alice@example.test"):
    """A connection to submission that has logged in, under TLS."""
    smtp = smtplib.SMTP("127.0.0.1", server.port("submission"), "client.example", 60)
    smtp.starttls(context=tls_context())
    smtp.login(user, "demo")
    return smtp


def sender_pid(server):
    """The process that sends mail, by its own word in the log; None: it does not run."""
    started = [int(x.split(" pid=")[1].split()[0]) for x in server.log if " sender.start pid=" in x]
    return started[-1] if started and os.path.exists("/proc/%d" % started[-1]) else None


class Load:
    """Clients that send mail and take it away again; who was answered what is in `there` and `asked`."""

    def __init__(self, server, senders=3):
        self.server, self.stop = server, threading.Event()
        self.there, self.asked, self.lock, self.number = set(), set(), threading.Lock(), 0
        self.trouble = []
        self.threads = [threading.Thread(target=self.run, args=(x,)) for x in [self.send] * senders + [self.expunge]]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for t in self.threads:
            t.join()
        assert not self.trouble, self.trouble

    def run(self, client):
        try:
            client()
        except Exception as e:  # pylint: disable=broad-except
            self.trouble.append("%s: %r" % (client.__name__, e))

    def send(self):
        with smtplib.SMTP("127.0.0.1", self.server.port("smtp"), "client.example", 60) as smtp:
            while not self.stop.is_set():
                with self.lock:
                    self.number += 1
                    name = "m%d" % self.number
                smtp.sendmail("carol@example.org", ["bob@example.test"], body(name))
                with self.lock:
                    self.there.add(name)

    def expunge(self):
        imap = imaplib.IMAP4("127.0.0.1", self.server.port("imap"), timeout=60)
        imap.login("bob@example.test", "demo")
        imap.select("INBOX")
        while not self.stop.is_set():
            imap.noop()
            data = imap.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            have = [(re.search(rb"UID (\d+)", x[0]).group(1).decode(), re.search(rb"Subject: (\S+)", x[1]).group(1).decode())
                    for x in data if isinstance(x, tuple)]
            taken = [x for x in have if random.randrange(2)]
            if taken:
                with self.lock:
                    self.asked.update(name for _, name in taken)
                uids = ",".join(uid for uid, _ in taken)
                imap.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)")
                imap.uid("EXPUNGE", uids)
            self.stop.wait(0.05)
        imap.logout()

    def answered(self):
        """What must be in a backup that begins now: there, and nobody has asked to take it away."""
        with self.lock:
            return self.there - self.asked

    def wait(self, count):
        end = time.monotonic() + 60
        while len(self.there) < count and time.monotonic() < end and not self.trouble:
            time.sleep(0.01)

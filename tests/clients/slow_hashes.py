# SPDX-License-Identifier: MIT
"""Logins whose slow password hashes wait for their turn: the others are served meanwhile, whatever net.max_workers is."""

import os
import socket

from script import TIMEOUT

PROCESSORS = os.cpu_count() or 1
# A second or so of work for each password; no password fits.
SLOW = "{SHA512-CRYPT}$6$rounds=1200000$saltsalt$" + 86 * "."


class Client:
    """A line at a time over IMAP, without TLS."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port("imap")), TIMEOUT)
        self.file = self.socket.makefile("rwb")
        self.line()

    def say(self, text):
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()

    def line(self):
        return self.file.readline()

    def has_answer(self):
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(TIMEOUT)


def test_waiting_logins_hold_no_worker(server):
    """More logins at once than there are workers; POP3 and SMTP come to the same function."""
    hash_file = os.path.join(server.dir, "hash")
    with open(hash_file, "w", encoding="utf-8") as f:
        f.write(SLOW + "\n")
    server.cli("account", "add", "slow@example.test", "--hash-file", hash_file)
    other = Client(server)
    other.say("a LOGIN bob@example.test demo")
    assert b"a OK" in other.line()
    guesses = [Client(server) for _ in range(PROCESSORS + 4)]
    for i, guess in enumerate(guesses):
        guess.say("a LOGIN slow@example.test guess%d" % i)
    for i in range(20):
        other.say("b%d NOOP" % i)
        assert b"b%d OK" % i in other.line()
    # none of them is done yet, or this shows nothing
    assert not any(g.has_answer() for g in guesses), "the hash is too fast for this machine"
    for guess in guesses:
        guess.socket.close()


test_waiting_logins_hold_no_worker.settings = {"net": {"max_workers": str(PROCESSORS + 2)}}

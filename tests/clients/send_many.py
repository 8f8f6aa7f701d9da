# SPDX-License-Identifier: MIT
"""1,000 messages by `martlet send`, byte for byte: to a Martlet, and to Postfix."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

from mail import wait_inbox
from numbered import check, text
from realpeers import RealPeer

BOB, EACH = "bob@example.test", 500


def send_all(server, port, to):
    def one(n):
        done = subprocess.run([server.martlet, "send", "--server", "127.0.0.1:%d" % port, "--from", "alice@example.test", "--to", to], input=text(n),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        assert done.returncode == 0 and b"250 2.0.0 " in done.stdout, (n, done.stdout)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(EACH)))


def test_to_martlet(server):
    send_all(server, server.port("smtp"), BOB)
    check(wait_inbox(server, BOB, EACH, 60), range(EACH), b"\r\n")


def test_to_postfix(server):
    with RealPeer("postfix", server.martlet, server.port("smtp")) as peer:
        send_all(server, peer.port, "box@postfix.test")
        check(peer.wait(EACH), range(EACH), b"\n")

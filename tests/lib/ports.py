# SPDX-License-Identifier: MIT
"""
Ports for servers and peers of tests, below the range of outgoing connections: what stops and starts again, or begins to listen later, finds its port as it
left it. Among all test processes of a user that run at the same time none is given twice.
"""

import collections
import fcntl
import os
import random
import socket
import tempfile
import threading

PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imap": 143, "imaps": 993,
         "pop3": 110, "pop3s": 995, "lmtp": 24}
FIRST, END = 10000, 32760
MOST_GIVEN = 1500       # more than one process uses at a time, few enough for several processes

lock = threading.Lock()         # of all below
claims = None                   # a byte of this file for each port, locked as long as a test process lives
held = set()                    # ports that this process has: the file's locks are the process's, so they keep nobody away from itself
given = collections.deque()     # those of them that free_port gave last, the eldest first


def claim(port):
    """For this process. OSError when it is somebody's."""
    global claims
    if port in held:
        raise OSError("port %d is ours" % port)
    if claims is None:
        path = os.path.join(tempfile.gettempdir(), "martlet-test-ports.%d" % os.getuid())
        claims = open(path, "a+b")      # pylint: disable=consider-using-with
    fcntl.lockf(claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    held.add(port)
    try:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)   # as listeners do: connections that have ended do not matter
            tcp.bind(("", port))        # at no address of this host somebody listens
            udp.bind(("", port))
    except OSError:
        unclaim(port)
        raise


def unclaim(port):
    held.discard(port)
    fcntl.lockf(claims, fcntl.LOCK_UN, 1, port)


def free_offset():
    """A port offset at which all eight ports of a server are free. They are this process's until give_back()."""
    with lock:
        for _ in range(1000):
            offset = random.randrange(FIRST, END - max(PORTS.values()))
            ours = []
            try:
                for port in PORTS.values():
                    claim(port + offset)
                    ours.append(port + offset)
                return offset
            except OSError:
                for port in ours:
                    unclaim(port)
    raise RuntimeError("no free ports")


def give_back(offset):
    """The ports of a server that has ended: several test runs at a time need many."""
    with lock:
        for port in PORTS.values():
            unclaim(port + offset)


def free_port():
    """One that is free for UDP and TCP at all addresses of this host. It is nobody else's until MOST_GIVEN others were given."""
    with lock:
        for _ in range(1000):
            port = random.randrange(FIRST, END)
            try:
                claim(port)
            except OSError:
                continue
            given.append(port)
            if len(given) > MOST_GIVEN:
                unclaim(given.popleft())
            return port
    raise RuntimeError("no free port")

# SPDX-License-Identifier: MIT
"""SEARCH in a large mailbox: one connection, one search at a time, each word as often as it stands in the mail."""
import socket
import time

INDEXED_S = 180     # so long the index may take
# What is looked for, and the row
ROWS = [('TEXT "zqxjkvbw"', "SEARCH TEXT, a word in no message"), ('TEXT "4711"', "SEARCH TEXT, a rare word"),
        ('TEXT "bench.test"', "SEARCH TEXT, a word in every message"), ('SUBJECT "essage"', "SEARCH SUBJECT, a piece of a word in all")]


class Imap:
    def __init__(self, port, user, password, mailbox="INBOX"):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.ask(f"LOGIN {user} {password}")
        self.ask(f"SELECT {mailbox}")

    def ask(self, command):
        """The untagged lines."""
        self.socket.sendall(f"a {command}\r\n".encode())
        lines = []
        while True:
            line = self.file.readline()
            if not line or line.startswith(b"a "):
                assert line.startswith(b"a OK"), line
                return lines
            lines.append(line)

    def time_ms(self, command):
        begin = time.perf_counter()
        lines = self.ask(command)
        return 1000 * (time.perf_counter() - begin), lines

    def close(self):
        self.ask("LOGOUT")
        self.socket.close()


def wait_indexed(imap, messages):
    """A search for what is nowhere is quick when all messages are indexed: it reads none. Three times, so that it is no accident."""
    end, quick = time.monotonic() + INDEXED_S, 0
    while quick < 3 and time.monotonic() < end:
        took, _ = imap.time_ms(f"SEARCH {ROWS[0][0]}")
        quick = quick + 1 if took < 2 + messages / 8000 else 0
        time.sleep(0.5)


def measure(port, user, password, repeats, messages, waits, add):
    imap = Imap(port, user, password)
    try:
        if waits:
            wait_indexed(imap, messages)
        for what, title in ROWS:
            for _ in range(repeats):
                took, lines = imap.time_ms(f"SEARCH {what}")
                assert any(line.startswith(b"* SEARCH") for line in lines), lines
                add(title, "ms", took)
    finally:
        imap.close()

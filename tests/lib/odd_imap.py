# SPDX-License-Identifier: MIT
"""martlet fetch over IMAP: running it, what it made, and a server with faults to choose."""

import contextlib
import imaplib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

from listener import stop
from mail import body

BOB = "bob@example.test"


@contextlib.contextmanager
def scratch():
    """A directory with a password in it, which goes when the test ends."""
    where = tempfile.mkdtemp(prefix="martlet-fetch-")
    try:
        with open(where + "/password", "w", encoding="ascii") as f:
            f.write("demo\n")
        os.chmod(where + "/password", 0o600)
        yield where
    finally:
        shutil.rmtree(where)


def arguments(martlet, where, port, *more, to=None):
    return [martlet, "fetch", "--server", "127.0.0.1:%d" % port, "--tls", "never", "--insecure", "--user", BOB, "--password-file", where + "/password",
            "--to", to or "maildir:%s/in" % where, *more]


def run(server, where, port, *more, status=0, to=None):
    """Fetches; the events of --json."""
    r = subprocess.run(arguments(server.martlet, where, port, "--json", *more, to=to), capture_output=True, timeout=120, check=False)
    assert r.returncode == status, (r.returncode, r.stdout[-2000:], r.stderr[-2000:])
    return [json.loads(x) for x in r.stdout.splitlines()]


def counts(events):
    assert events[-1]["event"] == "end", events[-3:]
    return tuple(events[-1][x] for x in ("fetched", "there", "left", "deleted"))


def found(directory):
    """[(bytes with CRLF, letters of the flags)] of a Maildir."""
    result = []
    for sub in ("new", "cur"):
        for name in sorted(os.listdir(os.path.join(directory, sub))):
            with open(os.path.join(directory, sub, name), "rb") as f:
                raw = f.read()
            result.append((raw if "as-is" in name else raw.replace(b"\n", b"\r\n"), name.partition(":2,")[2]))
    return sorted(result)


def connect(server, user=BOB):
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login(user, "demo")
    return imap


class Odd:
    """An IMAP server of one INBOX with faults to choose. `seen` is told of each command, before it is done."""

    def __init__(self, messages, uidplus=True, breaks=(), refused=(), caps="", seen=None, full=False):
        self.box = {uid: [raw, set()] for uid, raw in messages.items()}
        self.uidplus, self.breaks, self.refused, self.caps, self.seen = uidplus, set(breaks), set(refused), caps, seen or (lambda command: None)
        self.full = full        # takes messages and other flags too
        self.hidden = set()     # UIDs that FETCH leaves out
        self.bodiless = set()   # UIDs whose bytes it leaves out, without a word
        self.next, self.lag = 1, 0  # UIDNEXT at least; and by how much it is told too low
        self.words = "done"     # behind OK
        self.others, self.inbox = {}, None  # other mailboxes by their names; the INBOX while one of them is selected
        self.validity, self.given, self.commands, self.lock = 7, 0, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.listener, self.thread)

    def accept(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.guest, args=(peer,), daemon=True).start()

    def guest(self, peer):
        with contextlib.suppress(OSError, ValueError), peer, peer.makefile("rwb") as f:
            f.write(b"* OK hello\r\n")
            f.flush()
            for line in f:
                tag, command = line.decode().strip().split(" ", 1)
                with self.lock:
                    self.commands.append(command)
                    self.seen(command)
                    answer = self.answer(f, command)
                if answer is None:
                    return
                f.write(("%s %s\r\n" % (tag, answer)).encode())
                f.flush()

    def uids(self, text):
        every = sorted(self.box)
        chosen = set()
        for part in text.split(","):
            lo, _, hi = part.replace("*", str(every[-1] if every else 0)).partition(":")
            lo, hi = int(lo), int(hi or lo)
            chosen |= {uid for uid in every if min(lo, hi) <= uid <= max(lo, hi)}
        return sorted(chosen)

    def answer(self, f, command):
        words = command.split()
        verb = " ".join(words[:2]) if words[0] == "UID" else words[0]
        if verb == "CAPABILITY":
            f.write(("* CAPABILITY IMAP4rev1%s%s\r\n" % (" UIDPLUS" if self.uidplus else "", self.caps)).encode())
        elif verb == "LIST":
            for name in ("INBOX", *self.others):
                f.write(b'* LIST () "." %s\r\n' % name.encode())
        elif verb in ("SELECT", "EXAMINE"):
            self.select(words[1].strip('"'))
            f.write(b"* %d EXISTS\r\n* OK [UIDVALIDITY %d]\r\n* OK [UIDNEXT %d]\r\n" % (len(self.box), self.validity, self.uidnext() - self.lag))
        elif verb == "UID FETCH":
            return self.fetch(f, self.uids(words[2]), command)
        elif verb == "UID STORE":
            flags = set(command[command.index("(") + 1:-1].split())
            for uid in self.uids(words[2]):
                self.box[uid][1] = self.box[uid][1] | flags if words[3].startswith("+") else self.box[uid][1] - flags
        elif verb == "APPEND" and self.full:
            return self.append(f, command)
        elif verb in ("UID EXPUNGE", "EXPUNGE"):
            if verb == "UID EXPUNGE" and not self.uidplus:
                return "BAD what"
            for uid in self.uids(words[2] if len(words) > 2 else "1:*"):
                if "\\Deleted" in self.box[uid][1]:
                    del self.box[uid]
        elif verb == "LOGOUT":
            f.write(b"* BYE\r\n")
        elif verb not in ("LOGIN", "NOOP"):
            return "BAD what"
        return "OK " + self.words

    def select(self, name):
        if self.inbox is not None:
            self.box, self.inbox = self.inbox, None
        if name in self.others:
            self.inbox, self.box = self.box, self.others[name]

    def uidnext(self):
        """It only grows (RFC 9051 2.3.1.1)."""
        self.next = max(self.next, max(self.box, default=0) + 1)
        return self.next

    def append(self, f, command):
        flags, size = re.fullmatch(r'APPEND "INBOX"(?: \(([^)]*)\))? "[^"]*" \{(\d+)\}', command).groups()
        f.write(b"+ go\r\n")
        f.flush()
        raw = f.read(int(size) + 2)
        if len(raw) < int(size) + 2:
            return None
        uid = self.uidnext() + 2
        self.next = uid + 1
        self.box[uid] = [raw[:-2], set((flags or "").split())]
        return "OK [APPENDUID %d %d] done" % (self.validity, uid) if self.uidplus else "OK done"

    def fetch(self, f, uids, command):
        wants_body = "BODY.PEEK[]" in command
        for uid in uids:
            if uid in self.hidden:
                continue
            raw, flags = self.box[uid]
            items = b"UID %d FLAGS (%s) RFC822.SIZE %d" % (uid, " ".join(flags).encode(), len(raw))
            if wants_body and uid in self.bodiless:
                continue
            if wants_body and uid in self.refused:
                return "NO [SERVERBUG] broken"
            if wants_body:
                self.given += 1
                if self.given in self.breaks:
                    f.write(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s" % (uid, len(raw), raw[:len(raw) // 2]))
                    f.flush()
                    return None
                items += b" INTERNALDATE \" 1-Feb-2003 04:05:06 +0000\" BODY[] {%d}\r\n%s" % (len(raw), raw)
            if "HEADER" in command:
                head = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                items += b" BODY[HEADER] {%d}\r\n%s" % (len(head), head)
            f.write(b"* %d FETCH (%s)\r\n" % (sorted(self.box).index(uid) + 1, items))
        return "OK done"


def some(n):
    return {3 * i: body("message %d" % i) for i in range(1, n + 1)}


def bytes_of(messages):
    return sorted(messages.values() if isinstance(messages, dict) else messages)

# SPDX-License-Identifier: MIT
"""The section "mailbox of 10,000": one mailbox of 57 MB, one connection, one command at a time. What is called "first" is
asked of a server that was just started and has never computed it: Dovecot's cache file is removed before, its index stays.
"""
import glob, os, random, smtplib, socket, subprocess, time

import search
from servers import DOMAIN, PASSWORD

N, BYTES = 10000, 5700
WORDS = ("meeting report invoice garden holiday letter project question answer budget travel weather music kitchen "
         "street window river market paper school number").split()


def messages(n=N):
    """Mail of many people in conversations, a third of it multipart; the same for all servers."""
    rng = random.Random(1)
    for i in range(n):
        who, what = f"user{rng.randrange(400)}", " ".join(rng.choices(WORDS, k=4))
        day, minute = i // 60 % 28 + 1, i % 60
        head = [f"From: {who.title()} Example <{who}@bench.test>", f"To: you@{DOMAIN}",
                f"Date: Mon, {day:02} Jan 2026 10:{minute:02}:00 +0000", f"Message-ID: <{i}@bench.test>"]
        if i % 5:
            of = i - i % 5
            head += [f"Subject: Re: {WORDS[of // 5 % len(WORDS)]} {of}", f"In-Reply-To: <{of}@bench.test>",
                     f"References: <{of}@bench.test>"]
        else:
            head += [f"Subject: {WORDS[i // 5 % len(WORDS)]} {i}"]
        text = f"{what}\nneedle{i}\n" + "".join(" ".join(rng.choices(WORDS, k=10)) + "\n" for _ in range(BYTES // 75))
        if i % 3 == 0:
            head += ["MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=b"]
            half = text[:len(text) // 2]
            body = (f"--b\nContent-Type: text/plain; charset=utf-8\n\n{half}\n--b\nContent-Type: text/html; charset=utf-8\n\n"
                    f"<p>{half}</p>\n--b--\n")
        else:
            head += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]
            body = text
        yield "\n".join(head) + "\n\n" + body


class Client:
    """One connection that costs little: answers are not looked at, but for the end."""

    def __init__(self, port, user, select="INBOX"):
        self.sock = socket.create_connection(("127.0.0.1", port), 120)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.room = bytearray(1 << 20)
        self.sock.recv(1000)
        self.run(f"LOGIN u{user}@{DOMAIN} {PASSWORD}")
        if select:
            self.run(f"SELECT {select}")

    def run(self, text):
        """Milliseconds until the tagged OK."""
        began = time.perf_counter()
        self.sock.sendall(b"tag " + text.encode() + b"\r\n")
        self.await_ok(text)
        return (time.perf_counter() - began) * 1000

    def await_ok(self, text):
        """The end of what came is kept, whatever pieces it comes in."""
        tail = b"\n"
        while True:
            n = self.sock.recv_into(self.room)
            if n == 0:
                raise SystemExit(f"bench: the server closed after {text}")
            tail = (tail + self.room[max(0, n - 8192):n])[-16384:]
            line = tail[tail.rfind(b"\n", 0, -1) + 1:]
            if line.startswith(b"tag ") and line.endswith(b"\n"):
                break
        if not line.startswith(b"tag OK"):
            raise SystemExit(f"bench: {text}: {line.decode(errors='replace')}")

    def close(self):
        self.sock.close()


ROWS = (("ENVELOPE BODYSTRUCTURE FLAGS UID SIZE", "FETCH 1:* (ENVELOPE BODYSTRUCTURE FLAGS UID RFC822.SIZE)"),
        ("BODY.PEEK[] of all", "FETCH 1:* (BODY.PEEK[])"),
        ("SEARCH TEXT, rare", "SEARCH TEXT needle4711"),
        ("SORT DATE", "SORT (DATE) UTF-8 ALL"),
        ("THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL"))


def forget(s, user):
    """Nothing that was computed for a client is left; the list of messages is."""
    s.stop()
    for path in glob.glob(f"{s.dir}/mail/u{user}@{DOMAIN}/dovecot.index.cache*") + glob.glob(
            f"{s.dir}/sdbox/u{user}@{DOMAIN}/**/dovecot.index.cache*", recursive=True):
        os.remove(path)
    s.launch()


def reading(b, s, column, user, add):
    for title, command in ROWS:
        forget(s, user)
        c = Client(s.ports["imap"], user)
        add(column, f"{title}, first", c.run(command))
        add(column, f"{title}, again", min(c.run(command) for _ in range(3)))
        c.close()
    s.restart()
    c = Client(s.ports["imap"], user, select=None)
    add(column, "SELECT, server just started", c.run("SELECT INBOX"))
    add(column, "SELECT, again", min(c.run("SELECT INBOX") for _ in range(3)))
    c.run("FETCH 1:* (UID FLAGS)")
    add(column, "FETCH 1:* (UID FLAGS)", min(c.run("FETCH 1:* (UID FLAGS)") for _ in range(3)))
    c.close()


def writing(b, s, column, user, add):
    c = Client(s.ports["imap"], user)
    for turn in range(3):
        add(column, "STORE \\Seen on all", c.run("STORE 1:* +FLAGS.SILENT (\\Seen)"))
        c.run("STORE 1:* -FLAGS.SILENT (\\Seen)")
        c.run(f"CREATE copies{turn}")
        add(column, "COPY 2,000", c.run(f"COPY 1:2000 copies{turn}"))
    c.run("STORE 1:5000 +FLAGS.SILENT (\\Deleted)")
    add(column, "EXPUNGE 5,000", c.run("EXPUNGE"))
    c.close()


def fill(s, user, sdbox):
    """(column, account) of each kind of mailbox, with the mail in it."""
    if s.name != "martlet":
        return s.box(user, sdbox, (text for text in messages()))
    with smtplib.SMTP("127.0.0.1", s.ports["smtp"]) as smtp:
        for i, text in enumerate(messages()):
            smtp.sendmail("load@bench.test", [f"u{user}@{DOMAIN}"], text.encode().replace(b"\n", b"\r\n"))
    return [(s.name, user)]


def box(b, user, sdbox):
    def add(column, title, ms):
        b.add(column, "mailbox of 10,000", title, "ms", ms)

    columns = []
    for s in b.servers:
        b.say(f"mailbox of 10,000, {s.name}")
        columns += [(s, column, of) for column, of in fill(s, user, sdbox)]
        for _, of in [c[1:] for c in columns if c[0] is s]:
            Client(s.ports["imap"], of).close()      # Dovecot makes its index here
        if s.name == "martlet":                      # and Martlet its search index, in the background
            search.wait_indexed(search.Imap(s.ports["imap"], f"u{user}@{DOMAIN}", PASSWORD), N)
    for turn in range(b.args.repeats):
        b.say(f"mailbox of 10,000, turn {turn + 1}")
        for s, column, of in columns:
            reading(b, s, column, of, add)
    for s, column, of in columns:
        writing(b, s, column, of, add)

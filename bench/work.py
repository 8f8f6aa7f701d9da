# SPDX-License-Identifier: MIT
"""The work that is put on the servers: one function a section of the table. Each repeats its rows, all servers
in turn each time (A B A B), so that what else happens on the machine falls on all of them. A row is
(section, title, unit); a sample of it belongs to a server, or to a column that a server names.
"""
import subprocess, sys, time

import box as boxes
import million as millions
import relay as relays
import search
from servers import DOMAIN, PASSWORD

SMTP, IMAP, POP3 = range(0, 20), range(20, 40), range(40, 60)   # accounts u0 to u19, ...
MIXED = range(60, 110)
BIG, WARM, BOX, BIG_SDBOX, BOX_SDBOX, MILLION = range(110, 116) # one each; of sdboxes only peers make use
ACCOUNTS = 116
ENDLESS = 10 ** 9


class Bench:
    """Runs the load program, collects samples."""

    def __init__(self, args, servers, bare, sink):
        self.args, self.servers, self.bare, self.sink = args, servers, bare, sink
        self.samples = {}       # row -> column -> list

    def load(self, mode, port, **options):
        """name -> (rate, p50 ms, p99 ms); "count" -> (units, seconds, ms of its own processor time)."""
        words = self.words(mode, port, **options)
        done = subprocess.run(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=600)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)} failed")
        lines = [line.split() for line in done.stdout.splitlines()]
        return {w[0]: (float(w[1]), float(w[3]), float(w[4])) for w in lines}

    def words(self, mode, port, **options):
        words = [f"{self.args.build}/bench", mode]
        for name, value in {"port": port, **options}.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def add(self, column, section, title, unit, value):
        self.samples.setdefault((section, title, unit), {}).setdefault(column, []).append(value)

    def timed(self, mode, port, **options):
        return self.load(mode, port, ms=self.args.ms, count=ENDLESS, **options)

    def in_turn(self, fn, *args, times=None):
        for _ in range(times or self.args.repeats):
            for s in self.servers:
                fn(s, *args)

    def say(self, text):
        if not self.args.quiet:
            print(f"  {time.monotonic() - self.args.began:5.0f} s  {text}", file=sys.stderr, flush=True)


# ---- SMTP ----

def smtp_cell(b, s, title, options):
    """Until the last message is in its mailbox: Postfix says 250 when it is in the queue."""
    cpu, began = s.cpu_ms(), time.monotonic()
    got = b.timed("smtp", s.ports["smtp"], first=SMTP[0], users=len(SMTP), **options)
    units, seconds, load_ms = got["count"]
    pss = s.pss_kb() / 1024
    ended = time.monotonic()
    s.wait_delivered()
    # Where nothing had to be waited for, the load program knows best how long it took.
    waited = time.monotonic() - ended
    if waited > 0.005:
        seconds = time.monotonic() - began
    s.sent += units
    b.add(s.name, "SMTP", title, "in the mailbox/s", units / seconds)
    b.add(s.name, "SMTP", title, "until 250/s", got["smtp"][0])
    b.add(s.name, "SMTP", title, "p50 ms", got["smtp"][1])
    b.add(s.name, "SMTP", title, "p99 ms", got["smtp"][2])
    b.add(s.name, "SMTP", title, "CPU ms", (s.cpu_ms() - cpu) / units)
    b.add(s.name, "SMTP", title, "load CPU ms", load_ms / units)
    b.add(s.name, "SMTP", title, "PSS MB", pss)


def smtp_title(size_kb, connections, is_many):
    return f"{size_kb} KB, {connections} connection{'s' * (connections > 1)}, {'many each' if is_many else 'one each'}"


def smtp(b):
    for s in b.servers:
        s.sent = 0
        b.load("smtp", s.ports["smtp"], ms=300, count=ENDLESS, first=WARM, users=1)   # threads and processes are there
        s.wait_delivered()
    for size_kb in (4, 50):
        for connections in (1, 20, 100):
            for is_many in (False, True):
                title = smtp_title(size_kb, connections, is_many)
                b.say(f"SMTP {title}")
                b.in_turn(lambda s: smtp_cell(b, s, title, dict(connections=connections, size=size_kb * 1024,
                                                                per_connection=50 if is_many else 1)))
    for s in b.servers:
        if (n := s.count(SMTP)) != s.sent:
            raise SystemExit(f"{s.name}: {s.sent} messages were answered 250, {n} are in the mailboxes")


def limit(b):
    """What the disk allows, what the disk and the dialogue allow, and Martlet between them."""
    for n in (1, 20, 100):
        b.say(f"limits, {n} at once")
        for _ in range(b.args.repeats):
            for s in [b.bare, *(s for s in b.servers if s.name == "martlet")]:
                got = b.timed("smtp", s.ports["smtp"], connections=n, first=SMTP[0], users=len(SMTP))
                b.add(s.name, "limit", f"{n}", "messages/s", got["smtp"][0])
            got = b.timed("limit", 1, dir=b.bare.dir, connections=n)
            b.add("alone", "limit", f"{n}", "messages/s", got["limit"][0])


# ---- IMAP, TLS, POP3 ----

def with_mail(b):
    """200 messages in each mailbox of those who read; once."""
    for s in b.servers:
        if s.count(IMAP[:1]) < 200:
            b.load("smtp", s.ports["smtp"], count=200 * len(IMAP), per_connection=50, first=IMAP[0],
                   users=len(IMAP))
            s.wait_delivered()


def mixes(b):
    with_mail(b)

    def one(s, mix, connections):
        got = b.timed("imap", s.ports["imap"], mix=mix, connections=connections, first=IMAP[0], users=len(IMAP))
        title = f"{mix}, {connections} connection{'s' * (connections > 1)}"
        b.add(s.name, "IMAP", title, "commands/s", got.pop("imap")[0])
        got.pop("count")
        # Many sessions at once wait for each other in different places: of them only the rate says something.
        for name, (_, p50, _) in got.items() if connections == 1 else ():
            b.add(s.name, "IMAP", f"{mix}: {name.split('/')[1].upper()} p50", "ms", p50)

    for mix in ("session", "select", "flags", "fetch", "search", "store"):
        for connections in (1, 20, 100) if mix == "session" else (1, 20):
            b.say(f"IMAP {mix}, {connections} at once")
            b.in_turn(one, mix, connections)


def mixed(b):
    """Each client in a mailbox of its own: what comes in with APPEND goes with EXPUNGE."""
    def one(s, mix, connections, title, options):
        for column, port in s.imap_columns:
            cpu = s.cpu_ms()
            got = b.timed("imap", s.ports[("imaps" if options else "imap") + port], mix=mix, connections=connections,
                          first=MIXED[0], users=len(MIXED), **options)
            units, _, load_ms = got.pop("count")
            b.add(column, "IMAP mixed", title, "commands/s", got.pop("imap")[0])
            b.add(column, "IMAP mixed", f"{title}: CPU", "ms a command", (s.cpu_ms() - cpu) / units)
            b.add(column, "IMAP mixed", f"{title}: load CPU", "ms a command", load_ms / units)
            for name, (_, p50, _) in got.items() if connections == 1 and not options else ():
                b.add(column, "IMAP mixed", f"{title}: {name.split('/')[1].upper()} p50", "ms", p50)

    for s in b.servers:
        b.load("smtp", s.ports["smtp"], count=100 * len(MIXED), per_connection=50, first=MIXED[0], users=len(MIXED))
        s.wait_delivered()
        b.load("imap", s.ports["imap"], mix="visit", connections=len(MIXED), count=len(MIXED), first=MIXED[0], users=len(MIXED))
    for mix, what, options in (("mixed", "with logins", {}), ("long", "long sessions", {}),
                               ("visit", "login, SELECT, LOGOUT over TLS", {"tls": 1})):
        for connections in (1, 10, 50):
            title = f"{what}, {connections} client{'s' * (connections > 1)}"
            b.say(f"IMAP mixed {title}")
            b.in_turn(one, mix, connections, title, options)


def tls(b):
    def one(s, connections):
        got = b.timed("tls", s.ports["imaps"], connections=connections)
        b.add(s.name, "TLS", f"handshakes, {connections} at once", "handshakes/s", got["tls"][0])
        b.add(s.name, "TLS", f"handshakes, {connections} at once, p99", "ms", got["tls"][2])

    for connections in (1, 20, 100):
        b.say(f"TLS, {connections} at once")
        b.in_turn(one, connections)


def pop3(b):
    def one(s):
        who = dict(first=POP3[0], users=len(POP3))
        s.fill(b.load, POP3, 500, 4096)
        # Once seen over IMAP, so that new mail is in the index as it is behind LMTP.
        b.load("imap", s.ports["imap"], mix="select", count=len(POP3), **who)
        got = b.load("pop3-drain", s.ports["pop3"], connections=len(POP3), **who)
        b.add(s.name, "POP3", "drain, 20 connections", "messages/s", got["pop3-drain"][0])

    b.say("POP3")
    b.in_turn(one)


# ---- memory ----

def idle(b):
    """Memory of connections that are open at the same time, in a server just started."""
    def one(s, title, port, options):
        s.restart()
        b.load("imap", s.ports[port], connections=4, count=4, first=IMAP[0], tls=options.get("tls", 0))
        time.sleep(8 if "idle" in options else 2)     # until Dovecot has ended the processes that nobody needs
        before = s.pss_kb()
        b.add(s.name, "idle", "server", "MB PSS", before / 1024)
        n = s.in_idle if "idle" in options else s.logged_in
        hold = subprocess.Popen(b.words("idle", s.ports[port], connections=n, hold=60, first=IMAP[0], **options),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if not hold.stdout.readline():
                raise SystemExit(f"{s.name}: {n} idle connections failed")
            time.sleep(10 if "idle" in options else 2)    # and has put IDLE connections to sleep
            b.add(s.name, "idle", f"{title}, a connection", "KB PSS", (s.pss_kb() - before) / n)
        finally:
            hold.stdin.close()
            hold.wait()

    with_mail(b)
    for title, port, options in (("logged in", "imap", {}), ("logged in, TLS", "imaps", {"tls": 1}),
                                 ("in IDLE", "imap", {"idle": 1})):
        b.say(f"idle connections, {title}")
        b.in_turn(one, title, port, options, times=1)


# ---- one large mailbox ----

def big(b):
    """A mailbox with many messages, alone on its server; how they come there is not measured."""
    section = f"mailbox of {b.args.big:,}"

    def session(s, user):
        return b.load("imap", s.ports["imap"], count=1, connections=1, first=user, users=1)

    for s in b.servers:
        b.say(f"{section}, {s.name}")
        columns = s.big(b.load, BIG, BIG_SDBOX, b.args.big, 1024)
        for _, user in columns:
            session(s, user)             # Dovecot makes its index here
        for _ in range(b.args.repeats):
            s.restart()
            for column, user in columns:
                b.add(column, section, "SELECT, server just started", "ms", session(s, user)["imap/select"][1])
        for column, user in columns:
            in_use(b, s, user, lambda title, unit, value: b.add(column, section, title, unit, value))
            b.say(f"{section}, {column}: searches")
            search.measure(s.ports["imap"], f"u{user}@{DOMAIN}", PASSWORD, 2, b.args.big, s.name == "martlet",
                           lambda title, unit, value: b.add(column, section, title, unit, value))
            for _ in range(b.args.repeats):
                b.load("smtp", s.ports["smtp"], count=1, connections=1, first=user, users=1)
                s.wait_delivered()
                b.add(column, section, "SELECT, after a new message", "ms", session(s, user)["imap/select"][1])


def in_use(b, s, user, add):
    """Another session has it selected; what one session's commands take."""
    holder = subprocess.Popen(b.words("idle", s.ports["imap"], connections=1, first=user, users=1, idle=1, hold=300),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        holder.stdout.readline()
        for _ in range(b.args.repeats):
            got = b.timed("imap", s.ports["imap"], connections=1, first=user, users=1)
            add("SELECT p50, in use by another", "ms", got["imap/select"][1])
            add("FETCH 1:* (UID FLAGS)", "messages/s", b.args.big * 1000 / got["imap/flags"][1])
            for name, title in (("envelope", "FETCH 50 envelopes"), ("body", "FETCH one body"), ("store", "STORE one"),
                                ("search", "SEARCH UNSEEN SUBJECT")):
                add(f"{title}, p50", "ms", got[f"imap/{name}"][1])
            c = boxes.Client(s.ports["imap"], user)
            add("SORT DATE", "ms", c.run("SORT (DATE) UTF-8 ALL"))
            add("THREAD REFERENCES", "ms", c.run("THREAD REFERENCES UTF-8 ALL"))
            c.close()
    finally:
        holder.stdin.close()
        holder.wait()


def box(b):
    boxes.box(b, BOX, BOX_SDBOX)


def million(b):
    millions.million(b, MILLION)


SECTIONS = {"smtp": smtp, "limit": limit, "relay": relays.relay, "imap": mixes, "mixed": mixed, "tls": tls, "pop3": pop3, "idle": idle, "box": box, "big": big,
            "million": million}

# SPDX-License-Identifier: MIT
"""
What hostile peers do: each attack is a function (lab, n) for n connections, or n rounds, with what it may cost the server.
See lab.py for how it is run. `each_kb` is memory of the server process for each of the n, on top of slack_kb; `threads` those
it may have more than before; `check` looks at what the attacker told.
"""

import contextlib
import ctypes
import dataclasses
import os
import socket
import ssl
import time
import zlib

from lab import NET_TROUBLE

ALL = ("smtp", "submission", "imap", "pop3", "lmtp", "imaps", "submissions", "pop3s")
PLAIN = ("smtp", "submission", "imap", "pop3", "lmtp")
NO_EXEMPTION = {"net": {"loopback_exempt": "no"}}
CACHES_KB = 49152
WORKERS = 132       # max_workers and the few others


@dataclasses.dataclass
class Attack:
    run: object
    n: int
    few: int                    # the n of the short test
    each_kb: int = 0
    slack_kb: int = 16384
    back_kb: int = 16384        # what may stay with the heap and the caches of the database
    threads: int = WORKERS
    settings: dict = dataclasses.field(default_factory=dict)
    prepare: object = None      # (lab) before everything
    check: object = None        # (lab) after the attack; asserts
    log_lines: int = 0          # that each of the n may cause; 0: not looked at
    seconds: float = 0          # that it needs at least


ATTACKS = {}


def attack(few, n, **rest):
    def add(function):
        ATTACKS[function.__name__] = Attack(function, n, few, **rest)
        return function
    return add


# ---- connections ----

@attack(few=400, n=10000, each_kb=4, threads=WORKERS)
def silent(lab, n):
    """Connections that never speak, on all ports."""
    keep = lab.swarm(ALL, n, 200)
    lab.hold()
    del keep


@attack(few=300, n=20000, each_kb=0, log_lines=1)
def come_and_go(lab, n):
    """Connections that are opened and dropped as fast as it goes, some with a reset."""
    done = 0
    lab.ready()
    while not lab.is_over() and done < n:
        with contextlib.suppress(OSError):
            s = lab.connect(ALL[done % len(ALL)], done)
            if done % 3 == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
        done += 1
        if done % 20 == 0:
            time.sleep(0.01)
    lab.tell(done=done)


def full_is_no_obstacle(lab):
    """The table is full of the silent; who speaks gets in (after 5 s, when they have been silent for long)."""
    assert lab.server.control("status")["connections"] <= 300 + 64 + 2


@attack(few=310, n=2000, each_kb=4, settings={"net": {"max_connections": "300"}}, check=full_is_no_obstacle)
def full_house(lab, n):
    """More silent ones than the server takes: those that are silent for longest make room."""
    keep = []
    for i in range(n):
        with contextlib.suppress(OSError):
            keep.append(lab.connect(ALL[i % len(ALL)], i, 200))
    time.sleep(5.2)
    lab.hold()


def cap_was_kept(lab):
    assert lab.facts["refused"] > 0 and lab.facts["in"] == 30, dict(lab.facts)


@attack(few=50, n=500, settings={"net": {"loopback_exempt": "no", "max_connections_per_address": "30"}}, check=cap_was_kept)
def one_address(lab, n):
    """All from one address: it gets its share, the victim (another) is served."""
    keep, refused = [], 0
    for _ in range(n):
        s = lab.connect("smtp", 0, 1)
        if s.recv(100).startswith(b"220"):
            keep.append(s)
        else:
            refused += 1
    lab.tell(refused=refused)
    lab.tell(**{"in": len(keep)})
    lab.hold()


# ---- TLS ----

def hello():
    """A ClientHello as Python's OpenSSL makes it."""
    out = ssl.MemoryBIO()
    o = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        o.do_handshake()
    return out.read()


@attack(few=300, n=3000, each_kb=4)
def half_hello(lab, n):
    """Handshakes that end in the middle of the first message."""
    half = hello()
    for i, s in enumerate(socks := lab.swarm(("imaps", "submissions", "pop3s"), n)):
        s.sendall(half[:(5, 8, 11, len(half) // 2, len(half) - 1)[i % 5]])
    lab.hold()
    del socks


@attack(few=200, n=1000, each_kb=64)
def half_handshake(lab, n):
    """The server has answered, the client never does."""
    whole = hello()
    for i, s in enumerate(socks := lab.swarm(("imaps", "submissions", "pop3s"), n)):
        s.sendall(whole)
        if i % 10 == 0:
            time.sleep(0.02)
    lab.hold()
    del socks


@attack(few=200, n=2000, each_kb=64)
def huge_hello(lab, n):
    """A first message of 128 KB is announced, in records of 16 KB, and begun."""
    body = b"\1" + (131000).to_bytes(3, "big") + b"\3\3" + b"x" * 16000
    for i, s in enumerate(socks := lab.swarm(("imaps", "submissions", "pop3s"), n)):
        with contextlib.suppress(OSError):
            s.sendall(b"\x16\3\1" + len(body).to_bytes(2, "big") + body)
        if i % 10 == 0:
            time.sleep(0.01)
    lab.hold()
    del socks


@attack(few=100, n=1000, each_kb=4)
def empty_records(lab, n):
    """Records without content, alerts and plain garbage where a handshake should begin."""
    lab.ready()
    done = 0
    while not lab.is_over():
        with contextlib.suppress(OSError):
            s = lab.connect("imaps", done)
            s.sendall((b"\x16\3\1\0\0", b"\x15\3\1\0\2\1\0", b"\x14\3\3\0\1\1", b"GET / HTTP/1.0\r\n\r\n", os.urandom(500))[done % 5] * 50)
            s.close()
        done += 1
        if done % 5 == 0:
            time.sleep(0.01 if n < 500 else 0.005)


@attack(few=30, n=600, each_kb=64)
def tls_idle(lab, n):
    """Handshakes that are finished, and nothing after them."""
    keep = []
    for i in range(n):
        keep.append(lab.tls(lab.connect(("imaps", "pop3s", "submissions")[i % 3], i)))
        time.sleep(0.005)
    lab.hold()


def key_updates(lab, end):
    """One connection that sends nothing but KeyUpdate (RFC 8446 4.6.3); the ssl module has no word for it."""
    lib = ctypes.CDLL("libssl.so.3")
    for name in ("SSL_CTX_new", "TLS_client_method", "SSL_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
    s = lab.connect("imaps", 1)
    tls = ctypes.c_void_p(lib.SSL_new(context))
    lib.SSL_set_fd(tls, s.fileno())
    done = 0
    if lib.SSL_connect(tls) == 1:
        while time.monotonic() < end and lib.SSL_key_update(tls, 0) == 1 and lib.SSL_do_handshake(tls) == 1:
            done += 1
    lib.SSL_free(tls)
    lib.SSL_CTX_free(context)
    s.close()
    return done


def noise_was_cut(lab):
    assert lab.facts["longest"] < 50000, dict(lab.facts)


@attack(few=2, n=20, check=noise_was_cut)
def tls_noise(lab, n):
    """Renewing keys for ever: work for the server, and never any data."""
    longest = 0
    lab.ready()
    for _ in range(n):
        if lab.is_over():
            break
        longest = max(longest, key_updates(lab, time.monotonic() + 3))
        lab.tell(longest=longest)


def nothing_was_injected(lab):
    assert not lab.facts.get("injected"), dict(lab.facts)


@attack(few=20, n=300, check=nothing_was_injected)
def starttls_injection(lab, n):
    """Commands behind STARTTLS in clear must not run behind the handshake (RFC 3207 4.2, RFC 9051 6.2.1)."""
    injections = (("smtp", b"STARTTLS\r\nRSET\r\n", b"220", b"NOOP\r\n", b"EHLO x\r\n"),
                  ("imap", b"a STARTTLS\r\nb CAPABILITY\r\n", b"a OK", b"c NOOP\r\n", b""),
                  ("pop3", b"STLS\r\nCAPA\r\n", b"+OK", b"QUIT\r\n", b""))
    lab.ready()
    for i in range(n):
        if lab.is_over():
            break
        name, line, want, after, before = injections[i % 3]
        s = lab.connect(name, i)
        s.recv(1000)
        if before:
            s.sendall(before)
            time.sleep(0.02)
            s.recv(1000)
        s.sendall(line)
        first = s.recv(1000)
        try:
            t = lab.tls(s)
            t.sendall(after)
            got = t.recv(1000)
            if got.count(b"\n") != 1:
                lab.tell(injected=repr((name, first, got)))
        except ssl.SSLError as e:
            lab.tell(injected=repr((name, first, e)))
        s.close()


# ---- lines ----

def took_little(lab):
    """Where nothing is read on, the sockets' buffers are the end of it."""
    assert lab.facts["most"] < 24 << 20, dict(lab.facts)


@attack(few=8, n=40, each_kb=160)
def endless_line(lab, n):
    """Lines without an end, before login."""
    socks = lab.swarm(PLAIN, n)
    time.sleep(0.3)
    lab.ready()
    while not lab.is_over():
        lab.blast(socks, b"x" * 65536)
        for s in socks:
            s.close()
        if not lab.is_over():
            socks = lab.swarm(PLAIN, n)


@attack(few=4, n=20, each_kb=200)
def endless_line_inside(lab, n):
    """Lines without an end, after login and in the middle of AUTH and IDLE."""
    def all_of_them():
        out = []
        for i in range(n):
            if i % 4 == 0:
                out.append(lab.login(i))
            elif i % 4 == 1:
                out.append(lab.talk(lab.login(i), (b"b IDLE\r\n", b"+")))
            elif i % 4 == 2:
                out.append(lab.talk(lab.connect("submission", i), (b"", b"220"), (b"EHLO x\r\n", b"250 "), (b"AUTH PLAIN\r\n", b"334")))
            else:
                out.append(lab.mail(i, data=False))
        return out
    socks = all_of_them()
    lab.ready()
    while not lab.is_over():
        lab.blast(socks, b"y" * 65536)
        if not lab.is_over():
            with contextlib.suppress(*NET_TROUBLE):
                socks = all_of_them()


def all_were_closed(lab):
    assert lab.facts["closed"] >= lab.facts["n"], dict(lab.facts)


@attack(few=150, n=2000, each_kb=24, seconds=6, settings={"net": {"line_timeout": "1s"}}, check=all_were_closed)
def dribbled_lines(lab, n):
    """Lines that come byte by byte: none may last longer than line_timeout."""
    socks = lab.swarm(PLAIN, n)
    lab.tell(n=n, closed=0)
    lab.ready()
    lab.dribble(socks, b"NOOP ", 0.7)


# ---- commands ----

LOOPS = {"smtp": b"NOOP\r\n" * 5000, "submission": b"RSET\r\n" * 5000, "lmtp": b"NOOP\r\n" * 5000,
         "imap": b"a NOOP\r\nb CAPABILITY\r\n" * 2000, "pop3": b"CAPA\r\n" * 5000}


@attack(few=10, n=60, each_kb=256, check=took_little)
def pipelined_unread(lab, n):
    """Commands by the million whose answers nobody reads."""
    groups = [(name, lab.swarm((name,), n // len(LOOPS))) for name in LOOPS]
    lab.ready()
    most = 0
    pause = time.monotonic() + 60
    while not lab.is_over() and time.monotonic() < pause:
        for name, socks in groups:
            end = time.monotonic() + 0.3
            took, _ = lab.blast(socks, LOOPS[name], 0, until=lambda *_, e=end: time.monotonic() > e)
            most = max(most, *took)
    lab.tell(most=most)


@attack(few=4, n=24, each_kb=256)
def pipelined_read(lab, n):
    """The same by peers that do read."""
    def greet(name, i):
        s = lab.connect(name, i)
        s.recv(1000)
        if name == "submission":
            s.sendall(b"EHLO x\r\n")
        return s
    names = list(LOOPS)
    lab.ready()
    i = 0
    while not lab.is_over():
        name = names[i % len(names)]
        socks = [greet(name, k) for k in range(n)]
        end = time.monotonic() + 0.5
        lab.blast(socks, LOOPS[name], 0, True, lambda *_, e=end: time.monotonic() > e)
        for s in socks:
            s.close()
        i += 1


@attack(few=4, n=24, each_kb=512)
def transactions_for_nothing(lab, n):
    """MAIL and RSET, recipients without end, BDAT 0, AUTH and "*": work that leads nowhere."""
    mail = b"MAIL FROM:<m@example.org>\r\n"
    rcpt = b"RCPT TO:<alice@example.test>\r\n"
    loops = (b"EHLO x\r\n" + (mail + b"RSET\r\n") * 2000,
             b"EHLO x\r\n" + mail + rcpt * 3000 + b"RSET\r\n",
             b"EHLO x\r\n" + mail + rcpt + b"BDAT 0\r\n" * 3000 + b"RSET\r\n",
             b"EHLO x\r\n" + mail + b"RCPT TO:<nobody@example.test>\r\n" * 15 + b"RSET\r\n" + b"NOOP\r\n" * 500,
             b"EHLO x\r\n" + b"AUTH PLAIN\r\n*\r\n" * 10)
    lab.ready()
    i = 0
    while not lab.is_over():
        name = "submission" if i % 5 == 4 else "smtp"
        socks = [lab.connect(name, k) for k in range(n)]
        for s in socks:
            s.recv(1000)
        end = time.monotonic() + 0.5
        lab.blast(socks, loops[i % 5], 1 << 20, True, lambda *_, e=end: time.monotonic() > e)
        for s in socks:
            s.close()
        i += 1


@attack(few=4, n=40, each_kb=512)
def compressed_bombs(lab, n):
    """COMPRESS=DEFLATE (RFC 4978): a few bytes that are a million commands, an endless line, or nothing at all."""
    def deflate(text, repeat):
        z = zlib.compressobj(9, zlib.DEFLATED, -15)
        return b"".join(z.compress(text) for _ in range(repeat)) + z.flush(zlib.Z_SYNC_FLUSH)
    bombs_ = (deflate(b"a NOOP\r\nb CAPABILITY\r\n" * 1000, 500), deflate(b"x" * 100000, 200), deflate(b"", 1) * 5000)
    lab.ready()
    i = 0
    while not lab.is_over():
        socks = []
        for k in range(n):
            with contextlib.suppress(*NET_TROUBLE):
                socks.append(lab.talk(lab.login(k), (b"b COMPRESS DEFLATE\r\n", b"b OK")))
        end = time.monotonic() + 0.5
        lab.blast(socks, bombs_[i % 3], 1 << 20, i % 2 == 0, lambda *_, e=end: time.monotonic() > e)
        for s in socks:
            s.close()
        i += 1


# ---- bodies and literals ----

@attack(few=120, n=1000, each_kb=64, settings={"net": {"loopback_exempt": "no", "max_connections_per_address": "1000"}})
def literals_before_login(lab, n):
    """Small literals that are asked for and do not come."""
    def begin(i):
        return lab.talk(lab.connect("imap", i), (b"", b"* OK"), (b"a LOGIN {4000}\r\n", b"+"))
    socks = []
    for i in range(n):
        with contextlib.suppress(*NET_TROUBLE):
            socks.append(begin(i))
    lab.ready()
    lab.dribble(socks, b"x", 1.0, begin)


def begin_body(lab, i):
    kind = i % 3
    if kind == 0:
        return lab.mail(i, "smtp", "alice", 100)
    if kind == 1:
        return lab.mail(i, "lmtp", "alice", 100)
    s = lab.mail(i, "smtp", "alice", 100, False)
    s.sendall(b"BDAT 100000 LAST\r\n")
    return s


@attack(few=120, n=900, each_kb=48,
        settings={"net": {"loopback_exempt": "no", "max_bodies": "100", "max_connections_per_address": "1000"}})
def slow_bodies(lab, n):
    """Messages at a byte a second, from 100 addresses, more of them than there are places; who is thrown out comes again."""
    socks = [None] * n
    for i in range(n):
        with contextlib.suppress(*NET_TROUBLE):
            socks[i] = begin_body(lab, i)
    lab.ready()
    lab.dribble(socks, b"slow text\r\n", 1.0, lambda i: begin_body(lab, i))


@attack(few=20, n=200, each_kb=48)
def slow_appends(lab, n):
    """The same by APPEND, by somebody who is logged in."""
    def begin(i):
        return lab.talk(lab.login(i), (b"a APPEND INBOX {100000}\r\n", b"+"))
    socks = [begin(i) for i in range(n)]
    lab.ready()
    lab.dribble(socks, b"x", 1.0)


@attack(few=40, n=400, each_kb=110, slack_kb=16384 + 32768, settings={"net": {"max_memory": "32M"}})
def half_commands(lab, n):
    """Commands of nearly a megabyte in literals that are never finished: what all may hold together is max_memory."""
    half = b"a SEARCH TEXT {400000+}\r\n" + b"x" * 400000 + b" TEXT {400000+}\r\n" + b"y" * 390000
    socks = []
    for i in range(n):
        with contextlib.suppress(*NET_TROUBLE):
            s = lab.login(i, mailbox="INBOX")
            s.settimeout(5)
            s.sendall(half)
            socks.append(s)
    lab.hold()


@attack(few=10, n=100, each_kb=256)
def refused_literals(lab, n):
    """Literals larger than anybody may send, before and after login."""
    lab.ready()
    i = 0
    while not lab.is_over():
        with contextlib.suppress(*NET_TROUBLE):
            s = lab.login(i) if i % 2 else lab.connect("imap", i)
            if i % 4 < 2:
                s.sendall(b"a LOGIN {99999999999999999999+}\r\n" + b"z" * 100000)
            else:
                s.sendall(b"a APPEND INBOX {7000000+}\r\n" if i % 2 else b"a LOGIN {5000+}\r\n")
                s.sendall(b"z" * 5000)
            s.close()
        i += 1
        time.sleep(0.2 / n)


# ---- replies ----

def big_mailbox(lab):
    """20 messages of 1 MB for alice."""
    s = lab.login()
    f = s.makefile("rb")
    text = b"Subject: big\r\n\r\n" + (b"z" * 76 + b"\r\n") * 13500
    for _ in range(20):
        s.sendall(b"b APPEND INBOX {%d+}\r\n%s\r\n" % (len(text), text))
        while not f.readline().startswith(b"b OK"):
            pass
    s.close()


@attack(few=12, n=120, each_kb=600, prepare=big_mailbox, threads=WORKERS + 64,
        settings={"net": {"loopback_exempt": "no", "max_bodies": "64", "max_bodies_per_address": "64", "max_connections_per_address": "1000"}})
def unread_replies(lab, n):
    """FETCH and RETR of much that nobody reads."""
    socks = []
    for i in range(n):
        with contextlib.suppress(*NET_TROUBLE):
            s = lab.login(i, mailbox="INBOX")
            s.sendall(b"b FETCH 1:* (ENVELOPE BODY.PEEK[])\r\n")
            socks.append(s)
    lab.ready()
    while not lab.is_over():
        time.sleep(0.5)
        for i, s in enumerate(socks):
            with contextlib.suppress(*NET_TROUBLE):
                s.setblocking(False)
                if s.recv(1) == b"":
                    s.close()
                    socks[i] = lab.login(i, mailbox="INBOX")
                    socks[i].sendall(b"b FETCH 1:* (ENVELOPE BODY.PEEK[])\r\n")


# ---- commands that are much work ----

def pieces(text, n):
    """A command of n times the text: lines may not be longer than 64 KB, so a literal stands between two of them."""
    return b"a UID SEARCH " + (text + b" TEXT {1+}\r\nx ") * (n - 1) + text


def large_commands():
    odd = b",".join(b"%d" % x for x in range(1, 23000, 2))[:60000].rsplit(b",", 1)[0]
    return {
        "deep search": b"a SEARCH " + b"(" * 30000 + b"ALL" + b")" * 30000,
        "deeper search": pieces(b"(" * 60000, 16),
        "NOT NOT": b"a SEARCH " + b"NOT " * 16000 + b"ALL",
        "too long search": b"a SEARCH " + b" ".join(b"TEXT w%d" % i for i in range(5000)),
        "many sets": pieces(b"UID " + odd, 16),
        "many reversed sets": pieces(b"UID " + b",".join(odd.split(b",")[::-1]), 16),
        "odd set": b"a UID FETCH " + odd + b" FLAGS",
        "wild list": b'a LIST "" "' + b"*a%*b" * 180 + b'"',
        "many patterns": b"a LIST () \"\" (" + b" ".join(b"*%d*" % i for i in range(8000)) + b")",
        "status of all": b'a LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN SIZE))',
        "sections": b"a FETCH 1:* (" + b" ".join(b"BODY.PEEK[%d.MIME]<0.9>" % i for i in range(1, 2000)) + b")",
        "fields": b"a FETCH 1:* BODY.PEEK[HEADER.FIELDS (" + b" ".join(b"X%d" % i for i in range(9000)) + b")]",
        "keywords": b"a STORE 1 +FLAGS (" + b" ".join(b"key%d" % i for i in range(6000)) + b")",
    }


def large_were_answered(lab):
    slow = {k: v for k, v in lab.facts.items() if isinstance(v, float) and v > 20}
    assert lab.facts.get("rounds") and not slow, dict(lab.facts)


@attack(few=1, n=4, each_kb=65536, back_kb=CACHES_KB, prepare=big_mailbox, check=large_were_answered)
def large_commands_run(lab, n):
    """The largest and most nested commands there are, in n sessions; each is answered, and in time."""
    socks = [lab.login(i, mailbox="INBOX") for i in range(n)]
    files = [s.makefile("rb") for s in socks]
    lab.ready()
    rounds = 0
    while not lab.is_over():
        for name, text in large_commands().items():
            begin = time.monotonic()
            for i in range(n):
                try:
                    socks[i].settimeout(60)
                    socks[i].sendall(text + b"\r\n")
                except OSError:
                    pass
            for i in range(n):
                with contextlib.suppress(OSError):
                    line = b"x"
                    while line and not line.startswith((b"a ", b"* BYE")):
                        line = files[i].readline()
                    if not line or line.startswith(b"* BYE"):
                        socks[i] = lab.login(i, mailbox="INBOX")
                        files[i] = socks[i].makefile("rb")
            lab.tell(**{name: max(lab.facts.get(name, 0.0), time.monotonic() - begin)})
            if lab.is_over():
                break
        rounds += 1
        lab.tell(rounds=rounds)


def nobody_works_on(lab):
    """Who has gone needs no answer: the searches end (after 5 s, see NET_LOST_MS)."""
    end = time.monotonic() + 20
    while lab.server.control("status")["workers_busy"] > 2:
        assert time.monotonic() < end, lab.server.control("status")
        time.sleep(0.2)


@attack(few=4, n=24, each_kb=4096, back_kb=CACHES_KB, prepare=big_mailbox, check=nobody_works_on)
def long_searches(lab, n):
    """Searches that would take minutes, by many, who are gone before the answer."""
    text = b"a SEARCH " + b" ".join(b"NOT TEXT w%d" % i for i in range(250)) + b"\r\n"
    socks = [lab.login(i, mailbox="INBOX") for i in range(n)]
    for s in socks:
        s.sendall(text)
    lab.hold()


def bombs():
    """Messages that are much to parse."""
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(1000))
    return {
        "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: text/x;a=b\r\n\r\nx\r\n" * 10000 + b"--b--\r\n",
        "depth": deep + b"\r\nx\r\n",
        "messages": b"Content-Type: message/rfc822\r\n\r\n" * 5000 + b"x\r\n",
        "fields": b"X: y\r\n" * 100000 + b"\r\nx\r\n",
        "addresses": b"To: " + b"a b <c@d.example>,\r\n " * 60000 + b"e@f\r\n\r\nx\r\n",
        "words": b"Subject: " + b"=?utf-8?q?x?= " * 50000 + b"\r\n\r\nx\r\n",
        "parameters": b"Content-Type: text/plain; " + b"".join(b"n*%d*=utf-8''%%41;" % i for i in range(30000)) + b"\r\n\r\nx\r\n",
        "references": b"References: " + b"<a@b> " * 100000 + b"\r\n\r\nx\r\n",
        "groups": b"To: " + b"g:" * 200000 + b"\r\n\r\nx\r\n",
        "comments": b"Date: " + b"(" * 300000 + b"\r\nTo: " + b"(" * 300000 + b"\r\n\r\nx\r\n",
        "boundaries": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--" * 500000 + b"\r\n--b\r\n\r\n" + b"\r\n-" * 200000,
        "one line": b"Subject: x\r\n\r\n" + b"y" * 3000000 + b"\r\n",
    }


@attack(few=1, n=4, each_kb=65536, back_kb=CACHES_KB, check=large_were_answered)
def mime_bombs(lab, n):
    """Messages that are much work to describe, uploaded, fetched and searched in n sessions."""
    socks = [lab.login(i, mailbox="INBOX") for i in range(n)]
    files = [s.makefile("rb") for s in socks]
    lab.ready()
    rounds = 0
    while not lab.is_over():
        for name, text in bombs().items():
            begin = time.monotonic()
            steps = (b"a APPEND INBOX {%d+}\r\n%s\r\n" % (len(text), text), b"a FETCH * (ENVELOPE BODYSTRUCTURE BODY.PEEK[1.2.3])\r\n",
                     b"a SEARCH TEXT nowhere\r\n", b"a STORE * +FLAGS.SILENT (\\Deleted)\r\n", b"a EXPUNGE\r\n")
            for step in steps:
                for s in socks:
                    s.settimeout(60)
                    s.sendall(step)
                for f in files:
                    while not f.readline().startswith(b"a "):
                        pass
            lab.tell(**{name: max(lab.facts.get(name, 0.0), time.monotonic() - begin)})
            if lab.is_over():
                break
        rounds += 1
        lab.tell(rounds=rounds)


# ---- mailboxes ----

@attack(few=10, n=150, each_kb=96)
def idle_flood(lab, n):
    """Many who IDLE in one mailbox, and mail that comes in there."""
    socks = [lab.talk(lab.login(i, mailbox="INBOX"), (b"a IDLE\r\n", b"+")) for i in range(n)]
    lab.ready()
    while not lab.is_over():
        with contextlib.suppress(*NET_TROUBLE):
            s = lab.mail(1)
            s.sendall(b"Subject: news\r\n\r\nx\r\n.\r\n")
            s.recv(1000)
            s.close()
        time.sleep(0.1)
        for s in socks:
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.recv(65536)


def many_messages(lab):
    """16,384 small messages in alice's two mailboxes."""
    s = lab.login()
    f = s.makefile("rb")

    def ask(text):
        s.sendall(b"b " + text + b"\r\n")
        while not (line := f.readline()).startswith(b"b "):
            assert line
        assert line.startswith(b"b OK"), line
    ask(b"APPEND INBOX {17+}\r\nSubject: x\r\n\r\ny\r\n")
    ask(b"CREATE other")
    ask(b"SELECT INBOX")
    for _ in range(13):
        ask(b"COPY 1:* INBOX")
    ask(b"COPY 1:8000 other")
    s.close()


@attack(few=2, n=12, each_kb=2048, prepare=many_messages)
def select_select(lab, n):
    """SELECT of large mailboxes a thousand times, pipelined."""
    socks = [lab.login(i) for i in range(n)]
    lab.ready()
    lab.blast(socks, b"a SELECT INBOX\r\nb EXAMINE other\r\n" * 100, 1 << 20, True)


@attack(few=1, n=8, each_kb=4096, prepare=many_messages)
def old_views(lab, n):
    """Sessions that never look at the news while everything changes, so that each keeps what was there once."""
    keep = []
    lab.ready()
    writer = lab.login(99, mailbox="INBOX")
    f = writer.makefile("rb")
    for i in range(n):
        if lab.is_over():
            return
        keep.append(lab.login(i, mailbox="INBOX"))
        writer.sendall(b"a STORE 1:* %sFLAGS.SILENT (\\Flagged)\r\n" % (b"+-"[i % 2:i % 2 + 1]))
        while not f.readline().startswith(b"a "):
            pass
    lab.over.wait()


def name_limit(lab):
    assert lab.facts["made"] > 0, dict(lab.facts)


@attack(few=1, n=4, each_kb=16384, back_kb=CACHES_KB, check=name_limit)
def many_mailboxes(lab, n):
    """Mailboxes without end and LISTs of them, keywords without end."""
    socks = [lab.login(i) for i in range(n)]
    files = [s.makefile("rb") for s in socks]
    made = 0
    lab.ready()
    while not lab.is_over():
        for i, s in enumerate(socks):
            s.sendall(b"".join(b"a CREATE m%d-%d/%s\r\n" % (i, made + k, b"x" * 200) for k in range(50)) + b'a LIST "" "*%*x"\r\n')
        for f in files:
            for _ in range(51):
                while not f.readline().startswith(b"a "):
                    pass
        made += 50
        lab.tell(made=made)
        time.sleep(0.05)


@attack(few=2, n=12, each_kb=512, slack_kb=65536)
def wrong_passwords(lab, n):
    """Guessing: the hashes cost the machine, but those whose password is known get in beside them."""
    lab.ready()
    i = 0
    while not lab.is_over():
        socks = [lab.connect("imap", i + k) for k in range(n)]
        for s in socks:
            with contextlib.suppress(*NET_TROUBLE):
                s.sendall(b"a LOGIN alice@example.test wrong%d\r\n" % i * 3)
        time.sleep(0.5)
        for s in socks:
            s.close()
        i += n

# SPDX-License-Identifier: MIT
"""SIGTERM: sessions finish what they do and hear good-bye, in bounded time; nothing that was answered is lost; the status is 0."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

from script import Actor, Failure, ehlo, message, tls_context

SLACK_S = 15    # for a busy machine, beyond what the server promises


def stuffed(name):
    return re.sub(rb"(?m)^\.", b"..", message(name)) + b".\r\n"


def half_message(server):
    smtp, _ = ehlo(server)
    smtp.mail("<carol@example.org>", "bob@example.test")
    smtp.send(stuffed("simple.eml")[:100])
    return smtp


def count(server, name):
    return next(x["messages"] for x in server.control("account.list") if x["address"] == name + "@example.test")


def ended(server, seconds):
    """The exit status must be 0, after at most so long."""
    begin = time.monotonic()
    status = server.process.wait(seconds + SLACK_S)
    assert status == 0, status
    return time.monotonic() - begin


def idle_sessions(server):
    """Sessions in every state of waiting, each with the line that it must hear last; None: only the end."""
    smtp = Actor(server, "smtp")
    smtp.ask("", "220 ")
    yield smtp, "421 "
    yield ehlo(server)[0], "421 "
    lmtp = Actor(server, "lmtp")
    lmtp.hello()
    yield lmtp, "421 "
    submission = Actor(server, "submissions")
    submission.hello()
    yield submission, "421 "
    for protocol in ("imap", "imaps"):
        imap = Actor(server, protocol)
        imap.ask("", r"\* OK")
        yield imap, "* BYE"
        imap = Actor(server, protocol)
        imap.login("bob")
        imap.ask("a SELECT INBOX", "a OK")
        imap.send(b"b IDLE\r\n")
        assert imap.line().startswith("+")
        yield imap, "* BYE"
    half = Actor(server, "imap")
    half.login("alice")
    half.send(b"a SEL")
    yield half, "* BYE"
    pop = Actor(server, "pop3s")
    pop.login("alice")
    yield pop, None
    pop = Actor(server, "pop3")
    pop.ask("", r"\+OK")
    yield pop, None
    handshake = Actor(server, "smtp")
    handshake.sock = socket.create_connection(("127.0.0.1", server.port("imaps")), 20)
    handshake.sock.sendall(b"\x16\x03\x01\x00")
    yield handshake, None


def test_goodbye(server):
    """RFC 5321 3.8, RFC 9051 7.1.5, RFC 1939 3: whoever waits hears 421 or BYE (POP3: nothing) and the end, long before the grace is over."""
    sessions = list(idle_sessions(server))
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    for number, (actor, want) in enumerate(sessions):
        heard = ""
        try:
            while True:
                heard = actor.line()
        except Failure:
            pass
        assert heard.startswith(want) if want else not heard, (number, want, heard)
    ended(server, 5)
    assert time.monotonic() - begin < 60
    assert not any("cut=" in x for x in server.log), server.log[-5:]


test_goodbye.settings = {"server": {"stop_grace": "10m"}}


def test_drains(server):
    """A message in transfer is finished within the grace: 250 and stored; SIGINT from a terminal to both processes is no hurry."""
    for how in ("SIGTERM", "terminal"):
        smtp = half_message(server)
        before = count(server, "bob")
        if how == "terminal":
            os.kill(server.server_pid(), signal.SIGINT)
            server.process.send_signal(signal.SIGINT)
        else:
            server.process.send_signal(signal.SIGTERM)
        server.wait_log("server.stop", {"signal": "15"})
        time.sleep(0.3)
        smtp.send(stuffed("simple.eml")[100:])
        answer = smtp.line()
        ended(server, 60)
        server.stop()
        server.start()
        assert answer.startswith("250 ") and count(server, "bob") == before + 1, (how, answer)


test_drains.settings = {"server": {"stop_grace": "60s"}}


def test_slow_body(server):
    """A body that comes byte by byte is cut when the grace is over; nothing of it is stored."""
    smtp = half_message(server)
    is_done = threading.Event()

    def drip():
        try:
            while not is_done.wait(0.05):
                smtp.send(b"x")
        except OSError:
            pass
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        server.process.send_signal(signal.SIGTERM)
        ended(server, 1)
    finally:
        is_done.set()
        thread.join()
    server.wait_log("server.stop", {"cut": "1"})
    server.stop()
    server.start()
    assert count(server, "bob") == 0


test_slow_body.settings = {"server": {"stop_grace": "1s"}}


def test_second_signal(server):
    """Asked twice, it does not wait for the grace; what was answered before is there."""
    smtp, _ = ehlo(server)
    smtp.mail("<carol@example.org>", "bob@example.test")
    smtp.send(stuffed("simple.eml"))
    smtp.ask("", "250 ")
    half = half_message(server)
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("server.stop", {"signal": "15"})
    time.sleep(0.3)
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    ended(server, 5)
    assert time.monotonic() - begin < 60
    half.close()
    server.stop()
    server.start()
    assert count(server, "bob") == 1


test_second_signal.settings = {"server": {"stop_grace": "10m"}}


def test_server_that_does_not_end(server):
    """A server process that hangs is killed a few seconds after the grace, however often it is asked; the supervisor still ends in order."""
    os.kill(server.server_pid(), signal.SIGSTOP)
    begin = time.monotonic()
    while server.process.poll() is None and time.monotonic() < begin + 5 + SLACK_S:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    assert server.process.returncode == 0, server.process.returncode
    assert time.monotonic() - begin > 3
    end = time.monotonic() + SLACK_S   # its last line may still be on its way
    while not any("server.stop" in x and "killed" in x for x in server.log):
        assert time.monotonic() < end, server.log[-3:]
        time.sleep(0.01)


test_server_that_does_not_end.settings = {"server": {"stop_grace": "0s"}}


def deliver_until_stop(server, number, answered):
    """Messages with numbers over one connection after the other until the server is gone; adds what was answered 250."""
    i = 0
    try:
        while True:
            smtp, _ = ehlo(server)
            for _ in range(3):
                smtp.mail("<carol@example.org>", "bob@example.test")
                smtp.send(b"Subject: %d-%d\r\n\r\nbody\r\n.\r\n" % (number, i))
                smtp.ask("", "250 ")
                answered.append("%d-%d" % (number, i))
                i += 1
            smtp.close()
    except (Failure, OSError):
        pass


def append_until_stop(server, number, answered):
    i = 0
    try:
        imap = Actor(server, "imap")
        imap.login("alice")
        while True:
            body = b"Subject: %d-%d\r\n\r\nbody\r\n" % (number, i)
            imap.send(b"a APPEND INBOX {%d+}\r\n" % len(body) + body + b"\r\n")
            imap.ask("", "a OK")
            answered.append("%d-%d" % (number, i))
            i += 1
    except (Failure, OSError):
        pass


def subjects(server, name):
    imap = Actor(server, "imap")
    imap.login(name)
    imap.ask("a SELECT INBOX", "a OK")
    imap.send(b"b FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]\r\n")
    seen = []
    while not (seen and seen[-1].startswith("b ")):
        seen.append(imap.line())
    return sorted(x[9:] for x in seen if x.startswith("Subject: "))


def test_stop_under_load(server):
    """Deliveries and APPENDs from many sides when SIGTERM comes: what was answered is there once, and it ends within grace and margin."""
    delivered, appended = [], []
    threads = [threading.Thread(target=deliver_until_stop, args=(server, n, delivered)) for n in range(8)]
    threads += [threading.Thread(target=append_until_stop, args=(server, n, appended)) for n in range(8)]
    idle = [x for x, _ in idle_sessions(server)]
    for t in threads:
        t.start()
    while len(delivered) < 50 or len(appended) < 50:
        time.sleep(0.01)
        assert any(t.is_alive() for t in threads)
    server.process.send_signal(signal.SIGTERM)
    ended(server, 3 + 5)
    for t in threads:
        t.join()
    for actor in idle:
        actor.close()
    server.stop()
    server.start()
    for name, answered in (("bob", delivered), ("alice", appended)):
        there = subjects(server, name)
        lost = [x for x in answered if there.count(x) != 1]
        # What was stored when the answer was cut off may be there too.
        assert not lost and len(there) <= len(answered) + 8, (name, lost, len(there), len(answered))


def test_service_manager(server):
    """sd_notify: READY=1 when connections are served, STOPPING=1 when they are not any more."""
    server.stop()
    path = server.dir + "/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(60)
        server.process = subprocess.Popen([server.martlet, "serve", "--config", server.config], stdin=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": path})
        assert manager.recv(100) == b"READY=1"
        with socket.create_connection(("127.0.0.1", server.port("imaps")), 20) as s:
            assert tls_context().wrap_socket(s, server_hostname="localhost").recv(4) == b"* OK"
        server.process.send_signal(signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"
        ended(server, 3)

# SPDX-License-Identifier: MIT
"""SIGHUP: what a reload changes, for whom and when; no session is dropped, and what it cannot change is said."""

import base64
import os
import pwd
import re
import signal
import ssl
import subprocess
import time

from certs import certificate_of, self_signed
from script import Actor, ehlo, message
from server import Skip


def login(server, protocol, name):
    actor = Actor(server, protocol)
    actor.login(name)
    return actor


def stuffed(name):
    return re.sub(rb"(?m)^\.", b"..", message(name)) + b".\r\n"


class Data:
    """A message half sent, over submission with TLS."""

    def __init__(self, server):
        self.actor = Actor(server, "submission")
        self.actor.hello()
        self.actor.ask("STARTTLS", "220 ")
        self.actor.starttls()
        self.actor.ask("EHLO client.example", "250 ")
        self.actor.ask("AUTH PLAIN " + base64.b64encode(b"\0alice@example.test\0demo").decode(), "235 ")
        self.actor.mail("<alice@example.test>", "bob@example.test")
        self.actor.send(stuffed("simple.eml")[:60])

    def finish(self):
        self.actor.send(stuffed("simple.eml")[60:])
        self.actor.ask("", "250 ")
        self.actor.ask("QUIT", "221 ")


class Bdat:
    """One chunk of two."""

    def __init__(self, server):
        self.actor = Actor(server, "smtp")
        self.actor.hello()
        self.actor.ask("MAIL FROM:<carol@example.org>", "250 ")
        self.actor.ask("RCPT TO:<bob@example.test>", "250 ")
        self.actor.ask("BDAT 12\r\nSubject: a", "250 ")
        self.actor.send(b"BDAT 6 LAST\r\n\r\nx")

    def finish(self):
        self.actor.send(b"y\r\n")
        self.actor.ask("", "250 ")


class Append:
    """Half of a literal."""

    def __init__(self, server):
        self.actor = login(server, "imaps", "alice")
        self.actor.ask("a CREATE Kept", "a OK")
        self.actor.send(b"b APPEND Kept {%d}\r\n" % len(message("simple.eml")))
        assert self.actor.line().startswith("+")
        self.actor.send(message("simple.eml")[:50])

    def finish(self):
        self.actor.send(message("simple.eml")[50:] + b"\r\n")
        self.actor.ask("", "b OK")
        self.actor.ask("c SELECT Kept", "c OK")
        self.actor.send(b"d FETCH 1 BODY.PEEK[]\r\n")
        size = int(re.search(r"\{(\d+)\}$", self.actor.line()).group(1))
        assert self.actor.take(size) == message("simple.eml")


class Idle:
    """Waiting for mail: it comes after the reload."""

    def __init__(self, server):
        self.server = server
        self.actor = login(server, "imap", "bob")
        self.actor.ask("a SELECT INBOX", "a OK")
        self.actor.send(b"b IDLE\r\n")
        assert self.actor.line().startswith("+")

    def finish(self):
        self.actor.send(b"DONE\r\n")
        lines = [self.actor.line()]
        while not lines[-1].startswith("b "):
            lines.append(self.actor.line())
        assert lines[-1].startswith("b OK") and any(re.match(r"\* \d+ EXISTS", x) for x in lines), lines


class Pop:
    """A deletion that is marked and not done yet."""

    def __init__(self, server):
        self.server = server
        lmtp = Actor(server, "lmtp")
        lmtp.hello()
        lmtp.mail("<carol@example.org>", "alice@example.test")
        lmtp.send(stuffed("simple.eml"))
        lmtp.ask("", "250 ")
        self.actor = login(server, "pop3s", "alice")
        self.actor.ask("DELE 1", r"\+OK")

    def finish(self):
        self.actor.ask("STAT", r"\+OK 0 0")
        self.actor.ask("QUIT", r"\+OK")
        again = login(self.server, "pop3", "alice")
        again.ask("STAT", r"\+OK 0 0")


class Login:
    """In the middle of an authentication."""

    def __init__(self, server):
        self.actor = Actor(server, "imap")
        self.actor.ask("", r"\* OK")
        self.actor.send(b"a AUTHENTICATE PLAIN\r\n")
        assert self.actor.line().startswith("+")

    def finish(self):
        self.actor.ask(base64.b64encode(b"\0alice@example.test\0demo").decode(), "a OK")


class Line:
    """Half of a command line."""

    def __init__(self, server):
        self.actor = login(server, "imap", "alice")
        self.actor.send(b"a STATUS IN")

    def finish(self):
        self.actor.send(b"BOX (MESSAGES)\r\n")
        self.actor.ask("", "a OK")


def test_reload(server):
    """SIGHUP: new sessions have the new settings, those that run keep the old; a bad file changes nothing."""
    old, words = ehlo(server)
    assert "SIZE 52428800" in words, words
    mark = server.reload(smtp={"max_message_size": "1M"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert "SIZE 1048576" in ehlo(server)[1]
    old.send(b"MAIL FROM:<a@example.org> SIZE=2000000\r\n")
    assert old.line().startswith("250")
    mark = server.reload(smtp={"max_message_size": "2M", "max_mesage_size": "3M"})
    fault = server.wait_log("server.reload", {}, mark=mark)
    assert "max_mesage_size" in fault and "max_message_size" in fault, fault
    assert "SIZE 1048576" in ehlo(server)[1]
    server.crash()
    assert "SIZE 1048576" in ehlo(server)[1]
    mark = server.reload()
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert "SIZE 52428800" in ehlo(server)[1]


def test_reload_certificate(server):
    """A new certificate is used after a reload, while sessions under the old one go on; a broken one is not taken."""
    first = certificate_of(server)
    session = Actor(server, "imaps")
    session.line()
    files = self_signed(server, "new", "localhost")
    mark = server.reload(tls=files)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    second = certificate_of(server)
    with open(files["certificate"], encoding="ascii") as f:
        assert second != first and second == ssl.PEM_cert_to_DER_cert(f.read())
    session.send(b"a NOOP\r\n")
    assert session.line().startswith("a OK")
    with open(files["certificate"], "w", encoding="ascii") as f:
        f.write("nothing\n")
    mark = server.reload(tls=files)
    assert "failed" in server.wait_log("server.reload", {}, mark=mark)
    assert certificate_of(server) == second


def test_reload_certificate_of_root(server):
    """The server process runs as another user; keys that only root may read are still reloaded, and outlive its death."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    server.stop()
    os.chmod(server.dir, 0o755)
    subprocess.run(["chown", "-R", "nobody", server.dir + "/data"], check=True)
    nobody = {"user": "nobody"}
    server.settings = {"server": nobody, "tls": self_signed(server, "first", "localhost")}
    server.start()
    assert os.stat("/proc/%d" % server.server_pid()).st_uid == pwd.getpwnam("nobody").pw_uid
    first = certificate_of(server)
    files = self_signed(server, "second", "localhost")
    mark = server.reload(server=nobody, tls=files)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    second = certificate_of(server)
    assert first != second
    server.crash()
    assert certificate_of(server) == second
    with open(files["key"], "w", encoding="ascii") as f:
        f.write("not a key\n")
    mark = server.reload(server=nobody, tls=files)
    assert "failed" in server.wait_log("server.reload", {}, mark=mark)
    server.crash()
    assert certificate_of(server) == second


def test_reload_twice(server):
    """Two SIGHUPs before the first is answered: each set has its own answer; a refused one is not what outlives a death."""
    good, bad = self_signed(server, "good", "localhost"), self_signed(server, "bad", "localhost")
    with open(bad["key"], "w", encoding="ascii") as f:
        f.write("not a key\n")
    child = server.server_pid()
    os.kill(child, signal.SIGSTOP)
    mark = server.reload(tls=good)
    server.wait_heard()
    server.reload(tls=bad)
    server.wait_heard()
    os.kill(child, signal.SIGCONT)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    server.wait_log("server.reload", {"result": '"failed,'}, mark=mark)
    used = certificate_of(server)
    with open(good["certificate"], encoding="ascii") as f:
        assert used == ssl.PEM_cert_to_DER_cert(f.read())
    server.crash()
    assert certificate_of(server) == used
    mark = server.reload(server={"log_level": "debug"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert certificate_of(server) != used


def test_sessions_survive(server):
    """Sessions in the middle of a message, literal, IDLE, POP3 transaction, login and line go on under TLS and without; new ones are under the new."""
    first = certificate_of(server)
    sessions = [x(server) for x in (Pop, Append, Idle, Data, Bdat, Login, Line)]
    child = server.server_pid()
    for i in range(5):
        mark = server.reload(tls=self_signed(server, "new%d" % i, "localhost"), smtp={"max_message_size": "%dM" % (i + 1)})
        server.wait_log("server.reload", {"result": "done"}, mark=mark)
    with_new = certificate_of(server)
    assert with_new != first
    smtp = Actor(server, "smtp")
    smtp.line()
    smtp.ask("EHLO client.example", "250-SIZE 5242880")
    for session in sorted(sessions, key=lambda x: isinstance(x, Idle)):
        session.finish()
    assert server.server_pid() == child


def test_what_needs_a_restart(server):
    """Keys that a reload leaves as they were are named, by `config check` before and by the log after; others apply."""
    assert "restart" not in server.cli("config", "check").stdout
    changed = {"server": {"hostname": "other.example", "log_level": "debug"}, "smtp": {"max_message_size": "1M"},
               'listener "pop3"': {"port": "1"}, 'listener "extra"': {"protocol": "imap", "port": "2"}}
    names = 'server.hostname, listener "pop3".port, listener "extra" (new)'
    server.settings = changed
    server.write_settings()
    notes = server.cli("config", "check").stdout
    assert notes.splitlines()[-1].endswith("only by a restart: " + names), notes
    mark = server.reload(**changed)
    assert names.replace('"', '\\"') in server.wait_log("server.needs_restart", {}, mark=mark)
    actor = Actor(server, "smtp")
    assert actor.line().startswith("220 localhost ")
    actor.ask("EHLO client.example", "250-SIZE 1048576")
    login(server, "pop3", "alice")
    mark = server.reload()
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert not any("needs_restart" in x for x in server.log[mark:])
    assert "restart" not in server.cli("config", "check").stdout


def test_reload_at_once_many(server):
    """Fifty signals in a burst and a session that goes on: the last settings hold."""
    actor = login(server, "imap", "alice")
    for i in range(50):
        server.settings = {"smtp": {"max_message_size": "%dK" % (100 + i)}}
        server.write_settings()
        server.process.send_signal(signal.SIGHUP)
        actor.ask("n%d NOOP" % i, "n%d OK" % i)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        smtp = Actor(server, "smtp")
        smtp.line()
        smtp.send(b"EHLO client.example\r\nQUIT\r\n")
        words = []
        while not words or not words[-1].startswith("221 "):
            words.append(smtp.line())
        smtp.close()
        if "250-SIZE %d" % (149 * 1024) in words:
            return
    raise AssertionError(words)

# SPDX-License-Identifier: MIT
"""
`martlet check` against servers that mean harm or are broken in a way of their own, in the small Internet of lib/doctorworld.py: no end of answers, a password asked
for too early, a web server at a port of mail, one bad address of two. The usual faults are in doctor.py.
"""

import contextlib
import json
import re
import socket
import threading
import time

from certs import self_signed
from clients.doctor import HOST, IMAP, LOGIN, MAIL, Scene, Talk, must_advise, must_be, secret, server_context


class Endless(Talk):
    """Says `greeting`, then `piece` for ever, as fast as it is taken, or with a pause."""

    def __init__(self, address, port, piece, pause=0, **options):
        self.piece, self.pause = piece, pause
        super().__init__(address, port, **options)

    def guest(self, s):
        try:
            if self.context:
                s = self.context.wrap_socket(s, server_side=True)
            s.sendall(self.greeting)
            while True:
                s.sendall(self.piece)
                time.sleep(self.pause)
        except (OSError, ValueError):
            pass
        finally:
            s.close()


def test_no_end(server):
    """Lists without end are broken off, lines without end are no mail, a byte now and then does not hold the run beyond its time."""
    with Scene(server) as net:
        for port, greeting, line in ((993, b"* OK hello\r\n", b"* OK still here, and here\r\n"), (995, b"+OK hello\r\n+OK caps\r\n", b"CAPABILITY\r\n"),
                                     (465, b"220 hello\r\n", b"250-XTHING and more of it\r\n")):
            net.listen(Endless, MAIL, port, line * 1000, greeting=greeting, files=net.files)
        for port, piece in ((143, b"x"), (110, b"+"), (587, b"2")):
            net.listen(Endless, MAIL, port, piece, pause=0.3)
        net.listen(Endless, MAIL, 25, b"x" * 65536)
        net.listen(Endless, MAIL, 4190, b'"A" "' + b"b" * 900 + b'"\r\n')
        net.start()
        report = net.check()
        for port, protocol in ((993, "imap"), (995, "pop3"), (465, "submission")):
            assert "end" in must_be(report, port, "implicit", "broken-off", "server", protocol)["words"]
        for port, protocol in ((143, "imap"), (110, "pop3"), (587, "submission")):
            must_be(report, port, "starttls", "no-greeting", "server", protocol)
        must_be(report, 25, "starttls", "not-mail", "server", "smtp")
        must_be(report, 4190, "starttls", "not-mail", "server", "sieve")
        assert report["seconds"] < 25, report["seconds"]
        assert max(len(json.dumps(a)) for a in report["attempts"]) < 20000


def test_a_web_server_at_a_port_of_mail(server):
    """It waits for a request: in the clear where TLS is expected, and inside of TLS where a greeting is."""
    with Scene(server) as net:
        net.listen(Talk, MAIL, 993, other=b"HTTP/1.1 400 Bad Request\r\n\r\n")
        net.listen(Talk, MAIL, 995, other=b"HTTP/1.1 400 Bad Request\r\n\r\n", files=net.files)
        net.start()
        report = net.check(HOST)
        assert must_be(report, 993, "implicit", "not-mail", "server", "imap")["speaks"] == "HTTP"
        assert must_be(report, 995, "implicit", "not-mail", "server", "pop3")["speaks"] == "HTTP"
        assert report["seconds"] < 25, report["seconds"]


def test_a_bad_certificate_at_one_address(server):
    """The port works, and the address at which it does not is told with its cause."""
    with Scene(server) as net:
        net.zone("two.test", "mail A %s\nmail A 203.0.113.21" % MAIL)
        net.smtp(465, tls=net.trust(self_signed(server, "two", "mail.two.test")))
        net.smtp(465, tls=net.trust(self_signed(server, "bad", "www.two.test")), address="203.0.113.21")
        net.start()
        report = net.check("mail.two.test", "--protocol", "submission", status="ok")
        must_be(report, 465, "implicit", "certificate-other-name", "server", address="203.0.113.21")
        must_advise(report, 465, "SSL/TLS")
        assert "mail.two.test port 465 works, but not at its address 203.0.113.21: the certificate is for another name" in report["warnings"], report["warnings"]


def test_logged_in_before_tls(server):
    """RFC 9051 6.2.1: a greeting that says PREAUTH leaves no way to STARTTLS. No password is said there."""
    with Scene(server) as net:
        imap = net.listen(Talk, MAIL, 143, greeting=b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] hello\r\n", other=b"TAG OK done\r\n")
        net.start()
        report = net.check(HOST, "--protocol", "imap", "--user", LOGIN[0], "--password-file", secret(net, LOGIN[1]), status="tls")
        must_be(report, 143, "starttls", "starttls-stripped", "network", "imap")
        assert imap.lines and not any(b"AUTH" in line or b"LOGIN" in line for line in imap.lines), imap.lines


class Injecting(Talk):
    """Sends more behind its answer to STARTTLS than that (RFC 3207 6)."""

    def guest(self, s):
        try:
            s.sendall(b"220 mail.good.test\r\n")
            while line := s.recv(1000):
                self.lines.append(line)
                if line.startswith(b"EHLO"):
                    s.sendall(b"250-mail.good.test\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
                elif line.startswith(b"STARTTLS"):
                    s.sendall(b"220 go\r\n250-mail.good.test\r\n250 AUTH PLAIN\r\n")
                    s = server_context(self.tls).wrap_socket(s, server_side=True)
                else:
                    s.sendall(b"250 ok\r\n")
        except OSError:
            pass
        finally:
            s.close()


def test_words_before_tls(server):
    with Scene(server) as net:
        sink = net.listen(Injecting, MAIL, 587)
        sink.tls = net.files
        net.start()
        report = net.check(HOST, "--protocol", "submission", "--port", "587", "--user", LOGIN[0], "--password-file", secret(net, LOGIN[1]), status="tls")
        must_be(report, 587, "starttls", "tls-failed", "server")
        assert not any(b"AUTH" in line for line in sink.lines), sink.lines


def test_a_refused_login_of_pop3(server):
    """By AUTH, once, and nothing of the password is in the report."""
    caps = b"+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"
    with Scene(server) as net:
        pop3 = net.listen(Talk, MAIL, 995, greeting=b"+OK hi\r\n", answers={b"CAPA": caps, b"AUTH": b"-ERR [AUTH] no\r\n", b"PASS": b"-ERR [AUTH] no\r\n"},
                          other=b"+OK\r\n", files=net.files)
        net.start()
        report = net.check(HOST, "--protocol", "pop3", "--user", LOGIN[0], "--password-file", secret(net, LOGIN[1]), status="login")
        assert "[AUTH] no" in must_be(report, 995, "implicit", "login-refused", "you", "pop3")["words"]
        said = [line for line in pop3.lines if line.startswith((b"AUTH", b"PASS"))]
        assert len(said) == 1, pop3.lines
        assert said[0].split()[2].decode() not in json.dumps(report)


class SlowLogin(Talk):
    """Takes its time with a login."""

    def guest(self, s):
        try:
            s = self.context.wrap_socket(s, server_side=True)
            s.sendall(self.greeting)
            for line in s.makefile("rb"):
                self.lines.append(line)
                if b"AUTHENTICATE" in line:
                    time.sleep(20)
                s.sendall((self.answers[b"CAPABILITY"] if b"CAPABILITY" in line else self.other).replace(b"TAG", line.split(b" ")[0]))
        except OSError:
            pass
        finally:
            s.close()


def test_a_login_without_time(server):
    """A login that the time of the run is too short for takes nothing away from what was seen before it."""
    with Scene(server) as net:
        imap = net.listen(SlowLogin, MAIL, 993, files=net.files, **IMAP)
        net.start()
        report = net.check(HOST, "--protocol", "imap", "--timeout", "2", "--user", LOGIN[0], "--password-file", secret(net, LOGIN[1]), status="ok")
        assert any(b"AUTHENTICATE" in line for line in imap.lines)
        must_advise(report, 993, "SSL/TLS", protocol="imap")
        assert report["login_stopped"] == "there was no time left" and not report["settings"]["imap"]["is_login_proven"], report["login_stopped"]
        assert report["seconds"] < 15, report["seconds"]


class WithoutAaaa:
    """A resolver that passes on every question but those about AAAA, which it never answers."""

    def __init__(self, address, to):
        self.ours, self.theirs, self.to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), to
        self.ours.bind((address, 53))
        self.ours.settimeout(0.1)
        self.over, self.thread = threading.Event(), threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                question, who = self.ours.recvfrom(65535)
                if b"\0\0\x1c\0\x01" not in question[12:]:
                    self.theirs.sendto(question, self.to)
                    self.ours.sendto(self.theirs.recv(65535), who)

    def close(self):
        self.over.set()
        self.thread.join()
        self.ours.close()
        self.theirs.close()


def test_nobody_answers_about_ipv6(server):
    """Some resolvers are deaf to AAAA: what A says is enough, for people and for their domain."""
    with Scene(server, signed=False) as net:
        net.imap()
        net.zone("v4.test", "@ MX 10 mx\nmx A " + MAIL)
        net.start()
        address, port = re.fullmatch(r"(.*)@(\d+)", net.world.settings()["servers"]).groups()
        net.listen(WithoutAaaa, "203.0.113.54", (address, int(port)))
        with open(net.path, encoding="utf-8") as f:
            text = f.read()
        with open(net.path, "w", encoding="utf-8") as f:
            f.write(text.replace("servers = %s@%s" % (address, port), "servers = 203.0.113.54"))
        report = net.check(HOST, "--protocol", "imap", status="ok")
        must_be(report, 993, "implicit", "works", "", "imap")
        done = net.command(server, "check", "domain", "v4.test", "--json", "--dns-only")
        found = [(f["state"], f["what"], f["evidence"]) for f in json.loads(done.stdout)["findings"] if f["check"] == "addresses"]
        assert ("pass", "mx.v4.test", MAIL) in found and "skipped" in [state for state, _, _ in found], found


def test_a_server_that_knows_its_users(server):
    """Behind a login MAIL is said as a mail program says it: many refuse another sender than the user, the empty one too. Without an address nothing is concluded."""
    with Scene(server) as net:
        sink = net.smtp(465, says={"MAIL": lambda sink, line: None if "<%s>" % LOGIN[0] in line else "550 5.7.1 not your address"})
        net.start()
        options = ("--protocol", "submission", "--password-file", secret(net, LOGIN[1]), "--user")
        report = net.check(HOST, *options, LOGIN[0], status="ok")
        assert report["settings"]["submission"]["is_login_proven"] and report["settings"]["submission"]["port"] == 465
        assert sink.counts["MAIL"] == 1, sink.counts
        sink.login = ("ann", LOGIN[1])
        assert net.check(HOST, *options, "ann", status="ok")["settings"]["submission"]["is_login_proven"]
        assert sink.counts["MAIL"] == 1, sink.counts

# SPDX-License-Identifier: MIT
"""
`martlet check ADDRESS` and `check HOST` against servers that are broken in one way each, in the small Internet of lib/doctorworld.py: what it says is wrong, whose it
is, and which port it advises instead. How the servers are found is in doctor_find.py.
"""

import json
import os
import pty
import re
import socket
import ssl
import subprocess
import threading
import time

from certs import certificate_of, expired, self_signed
from doctorworld import Internet, Silent
from dovecot import Dovecot
from listener import Listener
from sink import Sink

HOST, MAIL = "mail.good.test", "203.0.113.20"
STATUS = {"ok": 0, "names": 3, "network": 20, "server": 21, "tls": 22, "login": 23}
STEPS = ["dns", "route", "tcp", "greeting", "starttls", "tls", "certificate", "capabilities", "login", "command"]
LOGIN = ("ann@good.test", "secret")


class Talk(Listener):
    """Says `greeting` (after `wait` seconds), then for each line what `answers` has for one of its words, or `other`. TLS from the start with files."""

    def __init__(self, address, port, greeting=b"", answers=None, other=b"", files=None, wait=0, context=None):
        self.greeting, self.answers, self.other, self.wait, self.lines, self.context = greeting, answers or {}, other, wait, [], context
        if files:
            self.context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(files["certificate"], files["key"])
        super().__init__(address, port)

    def take(self, s):
        with self.change:
            self.sockets.add(s)
        threading.Thread(target=self.guest, args=(s,), daemon=True).start()

    def guest(self, s):
        try:
            if self.context:
                s = self.context.wrap_socket(s, server_side=True)
            time.sleep(self.wait)
            s.sendall(self.greeting)
            for line in s.makefile("rb"):
                self.lines.append(line)
                said = [self.answers[word] for word in self.answers if word in line.upper()]
                tag = line.split(b" ")[0].strip()
                s.sendall((said[0] if said else self.other).replace(b"TAG", tag))
        except (OSError, ValueError):
            pass
        finally:
            s.close()


IMAP = {"greeting": b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n", "other": b"TAG OK done\r\n",
        "answers": {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\nTAG OK done\r\n"}}


class Scene(Internet):
    """mail.good.test with a certificate that is trusted, and what a test puts on it."""

    def __init__(self, server, **options):
        super().__init__(**options)
        self.server, self.files = server, self.trust(self_signed(server, "good", HOST, subject="good"))

    def __enter__(self):
        self.zone("good.test", "@ MX 10 mx\nmail A " + MAIL)
        return self

    def smtp(self, port, address=MAIL, **options):
        return self.listen(Sink, address=address, port=port, tls=options.pop("tls", self.files), is_implicit=port == 465,
                           words=options.pop("words", ("PIPELINING", "AUTH PLAIN")), login=options.pop("login", LOGIN), **options)

    def imap(self, **options):
        return self.listen(Talk, MAIL, 993, files=options.pop("files", self.files), **{**IMAP, **options})

    def check(self, what=HOST, *options, seconds=60, status=None):
        begun = time.monotonic()
        done = self.command(self.server, "check", what, "--json", *options, seconds=seconds)
        assert done.stderr == "", done.stderr
        report = json.loads(done.stdout)
        report["seconds"] = time.monotonic() - begun
        assert done.returncode == STATUS[report["class"]], (done.returncode, report["class"])
        assert status is None or report["class"] == status, (report["class"], summary(report))
        return report


def summary(report):
    return [(a["protocol"], a["port"], a["tls"], a["address"], a["cause"], a["words"]) for a in report["attempts"]]


def attempt(report, port, tls, protocol="submission", address=None):
    found = [a for a in report["attempts"] if (a["port"], a["tls"], a["protocol"]) == (port, tls, protocol) and address in (None, a["address"])]
    assert len(found) == 1, (port, tls, protocol, summary(report))
    assert [s["stage"] for s in found[0]["stages"]] == STEPS
    return found[0]


def must_be(report, port, tls, cause, owner, protocol="submission", address=None):
    a = attempt(report, port, tls, protocol, address)
    assert (a["cause"], a["owner"]) == (cause, owner), (a["cause"], a["owner"], a)
    return a


def must_advise(report, port, security, instead=None, protocol="submission"):
    s = report["settings"].get(protocol)
    assert s and (s["port"], s["security"]) == (port, security), (s, summary(report))
    assert instead is None or s["instead"] == instead, s["instead"]


# ---- the way ----

def test_a_blocked_port(server):
    """The host refuses what is closed, so what is silent is blocked on the way; the line for the person names the port that works."""
    with Scene(server) as net:
        net.smtp(465)
        net.smtp(587)
        net.drop(port=465)
        net.start()
        report = net.check(HOST, "--protocol", "submission", status="ok")
        must_be(report, 465, "implicit", "port-blocked", "network")
        must_advise(report, 587, "STARTTLS", "port 465 does not answer from here, 587 works: use that")
        text = net.command(server, "check", HOST, "--protocol", "submission").stdout
        assert "port 465 does not answer from here, 587 works: use that" in text and "whose: the network" in text, text


def test_a_black_hole(server):
    """Nothing answers: the run ends in 10 s all the same, with its causes."""
    with Scene(server) as net:
        net.zone("hole.test", "mail A 203.0.113.66\nmail AAAA 2001:db8:113::66\nsmtp A 203.0.113.67\nimap A 203.0.113.68\n@ MX 10 mail\n_imaps._tcp SRV 0 1 993 mail")
        net.start()
        net.drop(address="203.0.113.66")
        net.drop(address="203.0.113.67")
        net.drop(address="203.0.113.68")
        net.drop(address="2001:db8:113::66")
        report = net.check("you@hole.test", status="network")
        assert report["seconds"] < 25, report["seconds"]     # 10, and a process that starts on a busy machine
        assert report["headline"] == "It does not connect."
        must_be(report, 993, "implicit", "network-silent", "network", "imap", "203.0.113.66")
        assert {a["cause"] for a in report["attempts"] if a["address"]} == {"network-silent"}, summary(report)


def test_closed_and_unreachable(server):
    """Refused: the server does not listen. An error of ICMP: the network says so. A rule of this host: it is this host."""
    with Scene(server) as net:
        net.smtp(587)
        net.zone("other.test", "far A 203.0.113.30\nhere A 203.0.113.31")
        net.unreachable("203.0.113.30")
        net.inside.ip("route add prohibit 203.0.113.31")
        net.start()
        report = net.check(HOST, "--protocol", "submission", status="ok")
        must_be(report, 465, "implicit", "refused", "server")
        must_advise(report, 587, "STARTTLS")
        must_be(net.check("far.other.test", "--protocol", "imap", status="network"), 993, "implicit", "unreachable", "network", "imap")
        must_be(net.check("here.other.test", "--protocol", "imap", status="network"), 993, "implicit", "forbidden-here", "you", "imap")
        must_be(net.check("203.0.113.40", "--protocol", "imap", status="server"), 993, "implicit", "no-server", "server", "imap")


def test_one_address_of_two(server):
    """The address that does not answer is told of; that a host has no IPv6 is nobody's fault."""
    with Scene(server) as net:
        net.zone("two.test", "mail A %s\nmail AAAA 2001:db8:113::20" % MAIL)
        files = net.trust(self_signed(server, "two", "mail.two.test"))
        net.smtp(465, tls=files)
        net.drop(address="2001:db8:113::20")
        net.start()
        report = net.check("mail.two.test", "--protocol", "submission", status="ok")
        must_be(report, 465, "implicit", "address-silent", "server", address="2001:db8:113::20")
        must_be(report, 465, "implicit", "works", "", address=MAIL)
        must_advise(report, 465, "SSL/TLS")
        assert "mail.two.test: its IPv6 address does not answer, so programs that try it first are slow" in report["warnings"]
        net.inside.ip("-6 route del default")
        report = net.check("mail.two.test", "--protocol", "submission", status="ok")
        must_be(report, 465, "implicit", "no-ipv6", "", address="2001:db8:113::20")


def test_names(server):
    """A name without address is the DNS's; one that the domain publishes is the provider's; a DNS that is silent is neither."""
    with Scene(server) as net:
        net.zone("lost.test", "_imaps._tcp SRV 0 1 993 nowhere\n_submissions._tcp SRV 0 1 465 nowhere\nnowhere TXT \"x\"\nempty TXT \"x\"")
        net.start()
        report = net.check("you@lost.test", status="names")
        must_be([a for a in [report]][0], 993, "implicit", "published-no-address", "provider", "imap")
        report = net.check("empty.lost.test", "--protocol", "imap", "--port", "993", status="names")
        must_be(report, 993, "implicit", "no-address", "dns", "imap")
        report = net.check("none.lost.test", "--protocol", "imap", "--port", "993", status="names")
        must_be(report, 993, "implicit", "no-name", "dns", "imap")
        report = net.check("none.lost.test", status="names")
        for port, protocol in ((993, "imap"), (995, "pop3"), (465, "submission")):
            must_be(report, port, "implicit", "no-name", "dns", protocol)
        net.drop(address="203.0.113.53")
        net.outside.ip("rule add pref 49 iif out to 203.0.113.53 blackhole")
        report = net.check("elsewhere.test", "--protocol", "imap", "--port", "993", status="names")
        must_be(report, 993, "implicit", "dns-silent", "network", "imap")
        assert report["seconds"] < 25, report["seconds"]


# ---- the server ----

def test_what_answers_is_no_mail_server(server):
    """HTTP waits for a request, SSH speaks first; a port of another mail protocol is a matter of settings."""
    with Scene(server) as net:
        net.listen(Talk, MAIL, 587, other=b"HTTP/1.1 400 Bad Request\r\n\r\n")
        net.listen(Talk, MAIL, 143, greeting=b"SSH-2.0-OpenSSH_9.2\r\n")
        net.listen(Talk, MAIL, 110, **IMAP)
        net.smtp(465)
        net.start()
        report = net.check(status="ok")
        assert must_be(report, 587, "starttls", "not-mail", "server")["speaks"] == "HTTP"
        assert must_be(report, 143, "starttls", "not-mail", "server", "imap")["speaks"] == "SSH"
        assert must_be(report, 110, "starttls", "other-protocol", "you", "pop3")["speaks"] == "IMAP"
        must_advise(report, 465, "SSL/TLS")


def test_tls_from_the_start_or_not(server):
    """TLS at a port that begins without, and the other way round: what to set is told."""
    with Scene(server) as net:
        net.listen(Sink, address=MAIL, port=587, tls=net.files, is_implicit=True, login=LOGIN, words=("AUTH PLAIN",))
        net.listen(Sink, address=MAIL, port=465, tls=net.files, login=LOGIN, words=("AUTH PLAIN",))
        net.smtp(2525)
        net.start()
        report = net.check(HOST, "--protocol", "submission", status="ok")
        assert "SSL/TLS instead of STARTTLS" in must_be(report, 587, "starttls", "wants-tls-first", "you")["next"]
        assert "STARTTLS instead of SSL/TLS" in must_be(report, 465, "implicit", "speaks-plain", "you")["next"]
        must_advise(report, 2525, "STARTTLS")


def test_greetings(server):
    """Turned away with words, closed without, nothing said, late on purpose; words of strangers are cleaned."""
    with Scene(server) as net:
        net.listen(Talk, MAIL, 587, greeting=b"554 5.7.1 no\x1b[31m service, see https://help.test/\r\n")
        net.listen(Talk, MAIL, 143, greeting=b"* BYE too many of you\r\n")
        net.listen(Silent, MAIL, 110)
        net.listen(Sink, address=MAIL, port=465, tls=net.files, is_implicit=True, login=LOGIN, words=("AUTH PLAIN",))
        late = net.listen(Talk, MAIL, 25, greeting=b"220 mail.good.test\r\n", wait=4.5,
                          answers={b"EHLO": b"250-mail.good.test\r\n250 8BITMIME\r\n"}, other=b"250 2.0.0 ok\r\n")
        net.start()
        report = net.check(status="ok")
        turned = must_be(report, 587, "starttls", "turned-away", "server")
        assert turned["words"] == "554 5.7.1 no?[31m service, see https://help.test/", turned["words"]
        assert "too many of you" in must_be(report, 143, "starttls", "turned-away", "server", "imap")["words"]
        must_be(report, 110, "starttls", "no-greeting", "server", "pop3")
        assert attempt(report, 25, "plain", "smtp")["stages"][3]["ms"] >= 4000
        assert any(b"MAIL FROM:<>" in line for line in late.lines), late.lines
        must_advise(report, 465, "SSL/TLS")
        assert "\x1b" not in net.command(server, "check", HOST).stdout


# ---- TLS ----

def test_certificates(server):
    """Expired, for another name, from nobody known: each is the server's, and a port whose certificate is good is named instead."""
    with Scene(server) as net:
        net.smtp(587)
        net.start()
        for files, cause, words in ((net.trust(expired(server, "old", HOST)), "certificate-expired", "the certificate has expired"),
                                    (net.trust(self_signed(server, "other", "www.good.test")), "certificate-other-name", "the certificate is for another name"),
                                    (self_signed(server, "unknown", HOST), "certificate-untrusted", "the certificate is not trusted: no known authority signed it")):
            sink = net.smtp(465, tls=files)
            report = net.check(HOST, "--protocol", "submission", status="ok")
            bad = must_be(report, 465, "implicit", cause, "server")
            assert bad["capabilities"] == "PIPELINING AUTH=(PLAIN)", bad["capabilities"]      # what lies behind is seen too
            must_advise(report, 587, "STARTTLS", "port 465 is of no use (%s), 587 works: use that" % words)
            must_be(net.check(HOST, "--protocol", "submission", "--port", "465", status="tls"), 465, "implicit", cause, "server")
            sink.close()
            net.closers.remove(sink.close)


def test_the_end_of_a_certificate_is_near(server):
    with Scene(server) as net:
        net.smtp(465)
        net.start()
        warnings = net.check(HOST, "--protocol", "submission", status="ok")["warnings"]
        assert len(warnings) == 1 and re.fullmatch(HOST + r" port 465: the certificate expires in (1 day|2 days)", warnings[0]), warnings


def test_old_tls(server):
    """RFC 8996: programs of today refuse TLS 1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with Scene(server) as net:
        net.imap(context=context)
        net.start()
        report = net.check(HOST, "--protocol", "imap", status="tls")
        assert must_be(report, 993, "implicit", "tls-old", "server", "imap")["version"] == "TLSv1.1"


def test_starttls_is_stripped(server):
    """By a box that writes over it; by one that takes it out of what a server needs that wants TLS. A server that never had it is another matter."""
    mangled = {b"EHLO": b"250-mail.good.test\r\n250-XXXXXXXA\r\n250 AUTH PLAIN\r\n", b"MAIL": b"250 ok\r\n"}
    demanding = {b"EHLO": b"250-mail.good.test\r\n250 8BITMIME\r\n", b"MAIL": b"530 5.7.0 Must issue a STARTTLS command first\r\n"}
    bare = {b"EHLO": b"250-mail.good.test\r\n250 AUTH PLAIN\r\n", b"MAIL": b"530 5.7.0 Authentication required\r\n"}
    with Scene(server) as net:
        net.smtp(465)
        net.start()
        for answers, cause, owner in ((mangled, "starttls-stripped", "network"), (demanding, "starttls-stripped", "network"),
                                      (bare, "starttls-missing", "server")):
            talk = net.listen(Talk, MAIL, 587, greeting=b"220 mail.good.test\r\n", answers=answers, other=b"250 ok\r\n")
            report = net.check(HOST, "--protocol", "submission", status="ok")
            must_be(report, 587, "starttls", cause, owner)
            must_advise(report, 465, "SSL/TLS")
            must_be(net.check(HOST, "--protocol", "submission", "--port", "587", status="tls"), 587, "starttls", cause, owner)
            talk.close()
            net.closers.remove(talk.close)


def test_the_server_demands_tls(server):
    """In the clear it refuses, as it should: no failure beside STARTTLS that works."""
    with Scene(server) as net:
        net.smtp(587, says={"MAIL": lambda sink, line: None if sink.tls_sessions else "530 5.7.0 Must issue a STARTTLS command first"})
        net.start()
        report = net.check(HOST, "--protocol", "submission", "--port", "587", status="ok")
        assert [s["cause"] for s in report["services"] if not s["is_guess"]] == ["works"], report["services"]


# ---- the login ----

def secret(net, text):
    path = os.path.join(net.dir, "secret")
    with open(path, "w", encoding="ascii") as f:
        f.write(text + "\n")
    return path


def test_a_refused_login(server):
    """One refusal ends all logins: neither the other protocol nor the other ports are tried, for servers shut accounts out."""
    with Scene(server) as net:
        imap = net.imap(answers={**IMAP["answers"], b"AUTHENTICATE": b"TAG NO [AUTHENTICATIONFAILED] wrong password\r\n",
                                 b" LOGIN ": b"TAG NO [AUTHENTICATIONFAILED] wrong password\r\n"})
        sinks = [net.smtp(465), net.smtp(587)]
        net.start()
        report = net.check(HOST, "--user", LOGIN[0], "--password-file", secret(net, "wrong"), status="login")
        assert "wrong password" in must_be(report, 993, "implicit", "login-refused", "you", "imap")["words"]
        assert sum(b"AUTHENTICATE" in line or b"LOGIN" in line for line in imap.lines) == 1, imap.lines
        assert [sink.counts.get("AUTH", 0) for sink in sinks] == [0, 0]
        assert report["login_stopped"] == "one was refused, and more of them may shut the account out"
        assert report["headline"] == "It connects, but the login does not work."
        assert "wrong" not in json.dumps([a["dialogue"] for a in report["attempts"]]).replace("wrong password", "")
        report = net.check(HOST, "--protocol", "submission", "--user", LOGIN[0], "--password-file", secret(net, "wrong"), status="login")
        must_be(report, 465, "implicit", "login-refused", "you")
        assert [sink.counts.get("AUTH", 0) for sink in sinks] == [1, 0]


def test_a_password_goes_to_nobody_unknown(server):
    """Not where the certificate does not verify, and not in the clear, whatever is offered."""
    with Scene(server) as net:
        sinks = [net.smtp(465, tls=self_signed(server, "unknown", HOST)), net.smtp(587, tls=None)]
        net.start()
        report = net.check(HOST, "--protocol", "submission", "--user", LOGIN[0], "--password-file", secret(net, LOGIN[1]), status="tls")
        assert [sink.counts.get("AUTH", 0) for sink in sinks] == [0, 0], summary(report)
        assert not any(a["login_tried"] for a in report["attempts"])


def test_a_password_follows_no_unsigned_name(server):
    """RFC 6186 6, RFC 8314 5.1: a host of another domain that only a DNS without signatures names gets none until the user names it."""
    with Scene(server, signed=False) as net:
        imap, sink = net.imap(), net.smtp(465)
        net.zone("you.test", "_imaps._tcp SRV 0 1 993 %s.\n_submissions._tcp SRV 0 1 465 %s." % (HOST, HOST))
        net.start()
        options = ("--password-file", secret(net, LOGIN[1]))
        report = net.check("ann@you.test", *options, status="ok")
        assert sink.counts.get("AUTH", 0) == 0 and not any(b"AUTHENTICATE" in line for line in imap.lines), imap.lines
        assert "outside of the domain" in report["login_stopped"], report["login_stopped"]
        must_advise(report, 993, "SSL/TLS", protocol="imap")
        report = net.check(HOST, "--user", LOGIN[0], *options, status="ok")
        assert sink.counts.get("AUTH", 0) == 1 and report["settings"]["submission"]["is_login_proven"]


def test_logins_elsewhere(server):
    """None where only tokens are taken, later where the server has trouble."""
    with Scene(server) as net:
        net.imap(greeting=b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2] hello\r\n",
                 answers={b"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2\r\nTAG OK done\r\n"})
        net.smtp(465, says={"AUTH": "454 4.7.0 try later"})
        net.start()
        options = ("--user", LOGIN[0], "--password-file", secret(net, LOGIN[1]))
        must_be(net.check(HOST, "--protocol", "imap", *options, status="login"), 993, "implicit", "login-no-way", "provider", "imap")
        must_be(net.check(HOST, "--protocol", "submission", *options, status="login"), 465, "implicit", "login-later", "server")


# ---- other services ----

class Sieve(Talk):
    """ManageSieve with STARTTLS (RFC 5804 2.2)."""

    def guest(self, s):
        def say(more):
            s.sendall(b'"IMPLEMENTATION" "Test"\r\n"SIEVE" {9}\r\nfileinto \r\n"SASL" "%s"\r\n%sOK "ready"\r\n' % (b"PLAIN" if not more else b"", more))
        try:
            say(b'"STARTTLS"\r\n')
            while line := s.recv(1000):
                self.lines.append(line)
                s.sendall(b"OK\r\n") if line != b"CAPABILITY\r\n" else say(b"")
                if line == b"STARTTLS\r\n":
                    s = self.tls.wrap_socket(s, server_side=True)
                    say(b"")
        except OSError:
            pass
        finally:
            s.close()


def server_context(files, *alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certificate"], files["key"])
    context.set_alpn_protocols(list(alpn))
    return context


def test_manage_sieve(server):
    """Greeting, STARTTLS, capabilities again, a command."""
    with Scene(server) as net:
        sieve = net.listen(Sieve, MAIL, 4190)
        sieve.tls = server_context(net.files)
        net.start()
        a = must_be(net.check(HOST, "--protocol", "sieve", status="ok"), 4190, "starttls", "works", "", "sieve")
        assert a["capabilities"] == "IMPLEMENTATION=(Test) SIEVE=(fileinto ) SASL=(PLAIN)", a["capabilities"]
        assert [s["state"] for s in a["stages"]] == ["ok"] * 8 + ["skipped", "ok"], a["stages"]
        assert b"STARTTLS" not in a["capabilities"].encode() and "STARTTLS" in a["capabilities_plain"]


def test_port_443(server):
    """Mail by ALPN (RFC 7301) where all other ports are blocked; a web server there is no failure."""
    with Scene(server) as net:
        net.listen(Talk, MAIL, 443, context=server_context(net.files, "imap"), **IMAP)
        for port in (993, 143):
            net.drop(port=port)
        net.start()
        report = net.check(HOST, "--protocol", "imap", status="ok")
        must_be(report, 443, "implicit", "works", "", "imap")
        must_be(report, 993, "implicit", "port-filtered", "server", "imap")
        must_advise(report, 443, "SSL/TLS", protocol="imap")
    with Scene(server) as net:
        net.web(MAIL, net.files, {})
        net.smtp(587)
        net.start()
        report = net.check(HOST, "--protocol", "submission", status="ok")
        assert must_be(report, 443, "implicit", "no-alpn", "server")["class"] == "server"
        assert [s["port"] for s in report["services"] if not s["is_guess"]] == [587], report["services"]


# ---- Martlet itself ----

PORTS = {"imaps": ("imap", "SSL/TLS"), "imap": ("imap", "STARTTLS"), "pop3s": ("pop3", "SSL/TLS"), "pop3": ("pop3", "STARTTLS"),
         "submissions": ("submission", "SSL/TLS"), "submission": ("submission", "STARTTLS")}


def test_martlet(server):
    """Each of its ports, with a login and the first command."""
    authority, password = os.path.join(server.dir, "own.pem"), os.path.join(server.dir, "demo")
    with open(authority, "w", encoding="ascii") as f:
        f.write(ssl.DER_cert_to_PEM_cert(certificate_of(server)))
    with open(password, "w", encoding="ascii") as f:
        f.write("demo\n")
    for listener, (protocol, security) in PORTS.items():
        done = server.command("check", "localhost", "--json", "--port", str(server.port(listener)), "--protocol", protocol, "--ca-file", authority,
                              "--user", "alice@example.test", "--password-file", password)
        report = json.loads(done.stdout)
        assert done.returncode == 0, (listener, done.stderr, summary(report))
        settings = report["settings"][protocol]
        assert (settings["port"], settings["security"], settings["is_login_proven"]) == (server.port(listener), security, True), settings
        best = [a for a in report["attempts"] if a["login_tried"]]
        assert len(best) == 1 and best[0]["stages"][9]["state"] == "ok", best
        assert "demo" not in json.dumps(best[0]["dialogue"]), best[0]["dialogue"]
    done = server.command("check", "localhost", "--port", str(server.port("lmtp")), "--protocol", "lmtp")
    assert done.returncode == 0 and "Delivery: LMTP" in done.stdout, done.stdout


def test_dovecot(server):
    """The same with another's server, which takes logins in the clear from loopback."""
    with Dovecot(server.martlet) as dovecot:
        password = os.path.join(server.dir, "demo")
        with open(password, "w", encoding="ascii") as f:
            f.write("demo\n")
        for listener in ("imaps", "imap", "pop3s", "pop3"):
            protocol, security = PORTS[listener]
            done = server.command("check", "localhost", "--json", "--port", str(dovecot.port(listener)), "--protocol", protocol,
                                  "--ca-file", dovecot.certificate, "--user", "ann", "--password-file", password)
            report = json.loads(done.stdout)
            assert done.returncode == 0, (listener, done.stderr, summary(report), dovecot.log())
            settings = report["settings"][protocol]
            assert (settings["port"], settings["security"], settings["is_login_proven"]) == (dovecot.port(listener), security, True), settings
            best = [a for a in report["attempts"] if a["login_tried"]]
            assert len(best) == 1 and best[0]["stages"][9]["state"] == "ok", best


# ---- send HOST:auto ----

def test_send_finds_its_port(server):
    """Where 465 has a bad certificate and 587 works, that is taken, with TLS that verifies; where nothing works, why is told for each."""
    with Scene(server) as net:
        files = self_signed(server, "local", "localhost")
        old, sink = net.smtp(465, address="127.0.0.1", tls=self_signed(server, "old", "other.test")), net.smtp(587, address="127.0.0.1", tls=files)
        words = [server.martlet, "send", "--server", "localhost:auto", "--from", "a@good.test", "--to", "b@good.test", "--ca-file", files["certificate"],
                 "--user", LOGIN[0], "--password-file", secret(net, LOGIN[1])]

        def run(*more):
            return net.outside.run(subprocess.run, [*words, *more], input="Subject: x\n\ny\n", capture_output=True, text=True, timeout=60, check=False,
                                   env=server.env)
        done = run("--trace")
        assert done.returncode == 0 and "port 587, STARTTLS" in done.stderr, (done.stdout, done.stderr)
        assert len(sink.messages) == 1 and old.counts.get("AUTH", 0) == 0 and sink.tls_sessions == 2, (sink.messages, sink.tls_sessions)
        assert run("--tls", "never").returncode == 2
        sink.close()
        net.closers.remove(sink.close)
        done = run()
        assert done.returncode == 10 and "port 465: the certificate is" in done.stderr and "port 587: the server does not listen there" in done.stderr, done.stderr
        assert old.counts.get("AUTH", 0) == 0


# ---- what a person sees ----

def on_terminal(words, env):
    """What it writes on a terminal of its own, standard error too."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=env)      # pylint: disable=consider-using-with
    os.close(theirs)
    out = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(ours)
    process.wait(30)
    return out.decode()


def test_a_terminal(server):
    """Colours and progress there, and only there; NO_COLOR takes the colours away."""
    words = [server.martlet, "check", "localhost", "--port", str(server.port("submission")), "--protocol", "submission"]
    env = {**os.environ, **(server.env or {}), "TERM": "xterm"}
    env.pop("NO_COLOR", None)
    shown = on_terminal(words, env)
    assert "\x1b[31m" in shown and re.search(r"\d+ of \d+ tried", shown), shown
    shown = on_terminal(words, {**env, "NO_COLOR": "1"})
    assert "\x1b[3" not in shown and re.search(r"\d+ of \d+ tried", shown), shown
    plain = subprocess.run(words, capture_output=True, text=True, env=env, check=False)
    assert "\x1b" not in plain.stdout + plain.stderr and "tried;" not in plain.stdout + plain.stderr, plain


def test_nobody_reads_it(server):
    """A report that cannot be written is no success."""
    for words in (("check", "localhost", "--port", str(server.port("lmtp")), "--protocol", "lmtp"), ("check", "domain", "example.test", "--dns-only", "--timeout", "2")):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([server.martlet, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=server.env)
        assert done.returncode not in (0, 1) and "cannot write to standard output" in done.stderr, (words, done)


def test_wrong_arguments(server):
    for args in ((), ("@",), ("a b",), ("x.test", "--protocol", "ftp"), ("x.test", "--port", "0"), ("x.test", "--timeout", "0"),
                 ("x.test", "--password-file", "/dev/null"), ("x.test", "--ca-file", "/nowhere")):
        done = server.command("check", *args)
        assert done.returncode in (2, 3, 5), (args, done.returncode, done.stdout, done.stderr)
        assert done.stderr.startswith("martlet: "), (args, done.stderr)


def test_what_was_tried_by_the_way_stands_once(server):
    """All kinds of TLS at one port are one word in that line."""
    said = server.command("check", "localhost", "--port", str(server.port("imaps"))).stdout
    words = next(line for line in said.splitlines() if line.startswith("  localhost:")).split()
    assert "pop3/%d" % server.port("imaps") in words and len(words) == len(set(words)), words

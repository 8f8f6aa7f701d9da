# SPDX-License-Identifier: MIT
"""
Two servers and a DNS of their own (lib/dnsworld.py): mail goes where its domain's MX records say, and with the TLS that the domain asks for, by DANE
(RFC 7672) or by MTA-STS (RFC 8461), or not at all.
"""

import glob
import imaplib
import json
import os
import signal
import smtplib
import socket
import ssl
import threading
import time

from certs import certificate_of, self_signed, tlsa
from dnsworld import World
from mail import sender_pid
from policies import Web, policy
from script import tls_context
from server import Server
from sink import Sink

ALICE, CAROL = "alice@example.test", "carol@%s"


class Other:
    """Another server, which takes mail for carol in some domains."""

    def __init__(self, martlet, *domains, tls=None):
        self.server = Server(martlet, {"server": {"hostname": "mx.other.test"}, **({"tls": tls} if tls else {})})
        self.domains = domains

    def __enter__(self):
        self.server.start()
        self.server.cli("domain", "add", self.domains[0])
        self.server.cli("account", "add", CAROL % self.domains[0], input="demo\n")
        for domain in self.domains[1:]:
            self.server.cli("domain", "add", domain)
            self.server.cli("alias", "add", CAROL % domain, CAROL % self.domains[0])
        return self

    def __exit__(self, *_):
        self.server.remove()

    @property
    def port(self):
        return self.server.port("smtp")

    def mails(self):
        imap = imaplib.IMAP4("127.0.0.1", self.server.port("imap"), timeout=60)
        imap.login(CAROL % self.domains[0], "demo")
        imap.select("INBOX", readonly=True)
        _, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
        imap.logout()
        return [x[1] for x in data if isinstance(x, tuple)]

    def tlsa(self):
        """3 1 1 of its key (RFC 6698 2.1)."""
        return tlsa(ssl.DER_cert_to_PEM_cert(certificate_of(self.server)).encode())


def use(server, world, port, queue=None, **sections):
    """Starts it again, sending by that DNS to hosts at that port."""
    server.stop()
    server.settings = {"server": {"hostname": "we.test"}, "dns": world.settings(),
                       "queue": {"send": "yes", "port": str(port), "allow_private_addresses": "yes", "connect_timeout": "5s",
                                 "command_timeout": "10s", "mta_sts": "no", **(queue or {})}, **sections}
    server.start()


def submit(server, to, subject="x"):
    with smtplib.SMTP("127.0.0.1", server.port("submission"), "client.example", 60) as smtp:
        smtp.starttls(context=tls_context())
        smtp.login(ALICE, "demo")
        smtp.sendmail(ALICE, [to], "From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nHello\r\n" % (ALICE, to, subject))


def send(server, to, **want):
    """Sends to one; the log line of what came of it, which must have these fields."""
    mark = len(server.log)
    submit(server, to)
    line = server.wait_log("queue.attempt", {"to": to}, 30, mark)
    for key, value in want.items():
        assert "%s=%s" % (key, value) in line, (key, value, line)
    return line


MX = "@ MX 10 mx\nmx A 127.0.0.1\n"


def test_dane(server):
    """What the DNS says of certificates, when it is signed, decides; the rest is opportunistic."""
    domains = ("other.test", "good.test", "wrong.test", "plain.test", "lie.test", "unusable.test", "garbage.test")
    with World() as world, Other(server.martlet, *domains) as other:
        at, good = "_%d._tcp.mx " % other.port, other.tlsa()
        wrong = "TLSA 3 1 1 " + "ab" * 32
        world.zone("good.test", MX + at + good, signed=True)
        world.zone("wrong.test", MX + at + wrong, signed=True)
        world.zone("plain.test", MX + at + wrong)
        world.zone("lie.test", MX + at + good, tampered=("127.0.0.1", "127.0.0.2"))
        world.zone("unusable.test", MX + at + "TLSA 0 1 1 " + "ab" * 32, signed=True)
        world.zone("garbage.test", MX + at + "TLSA 3 0 0 " + "ab" * 32, signed=True)       # no certificate (RFC 7671 10.1.1)
        world.zone("other.test", MX, signed=True)
        world.start()
        use(server, world, other.port)
        assert "DANE verified" in send(server, CAROL % "good.test", result="delivered")
        assert "not verified" in send(server, CAROL % "plain.test", result="delivered")
        assert "not verified" in send(server, CAROL % "other.test", result="delivered")
        assert "not verified" in send(server, CAROL % "unusable.test", result="delivered")
        assert "not verified" in send(server, CAROL % "garbage.test", result="delivered")
        send(server, CAROL % "wrong.test", result="deferred", enhanced="4.7.5")
        assert "enhanced=4." in send(server, CAROL % "lie.test", result="deferred")
        # The same is said beforehand.
        for name, state, tls in (("good.test", "ok", "DANE"), ("plain.test", "ok", "not verified"), ("other.test", "ok", "not verified"),
                                 ("unusable.test", "ok", "not verified"), ("garbage.test", "ok", "not verified"), ("wrong.test", "later", ""), ("lie.test", "later", "")):
            checked = check(server, name, "--rcpt", CAROL % name)
            assert checked["state"] == state and (state == "later" or tls in checked["stages"][-1]["details"]["tls"]), (name, checked)
        assert len(other.mails()) == 5
        # The peer gets a key that fits.
        world.change("wrong.test", MX + at + good, signed=True)
        use(server, world, other.port)
        server.control("test.clock", ms=6 * 60000)
        server.wait_log("queue.attempt", {"to": CAROL % "wrong.test", "result": "delivered"}, 30)
        assert len(other.mails()) == 6


def test_tls_levels(server):
    """[queue] tls: what is demanded of hosts that say nothing themselves."""
    with World(signed=False) as world, Other(server.martlet, "other.test", "second.test", "third.test") as other, \
            Sink(address="127.0.0.2", port=other.port) as clear:
        for name in other.domains:
            world.zone(name, MX)
        world.zone("clear.test", "@ MX 10 mx\nmx A 127.0.0.2")
        world.start()
        use(server, world, other.port, {"tls": "encrypt"})
        assert "not verified" in send(server, CAROL % "other.test", result="delivered")
        send(server, CAROL % "clear.test", result="deferred", enhanced="4.7.4")
        use(server, world, other.port, {"tls": "verify"})
        send(server, CAROL % "second.test", result="deferred", enhanced="4.7.5")
        use(server, world, other.port, {"tls": "none"})
        assert 'tls=""' in send(server, CAROL % "third.test", result="delivered")
        assert len(other.mails()) == 2 and not clear.messages


def test_hosts(server):
    """A dead host before a living one; no mail there; no such domain; ourselves; an implicit MX."""
    with World(signed=False) as world, Other(server.martlet, "other.test", "implicit.test") as other:
        world.zone("other.test", "@ MX 10 dead\n@ MX 20 mx\ndead A 127.0.0.77\nmx A 127.0.0.1")
        world.zone("implicit.test", "@ A 127.0.0.1")
        world.zone("null.test", "@ MX 0 .")
        world.zone("self.test", "@ MX 10 we.test.")
        world.zone("we.test", "@ A 127.0.0.1")
        world.start()
        use(server, world, other.port)
        assert "host=mx.other.test" in send(server, CAROL % "other.test", result="delivered")
        send(server, CAROL % "implicit.test", result="delivered", host="implicit.test")
        send(server, CAROL % "null.test", result="failed", enhanced="5.1.10")
        send(server, CAROL % "nowhere.test", result="failed", enhanced="5.1.2")
        send(server, CAROL % "self.test", result="failed", enhanced="5.4.6")
        use(server, world, server.port("smtp"))
        world.change("self.test", "@ MX 10 alias\nalias A 127.0.0.1")
        send(server, CAROL % "implicit.test", result="failed", enhanced="5.4.6")
        assert len(other.mails()) == 2


def test_dead_hold_up_nobody(server):
    """Forty destinations whose hosts say nothing have places for five minutes: mail for a living one passes them by."""
    release = threading.Event()
    with World(signed=False) as world, Other(server.martlet, "other.test") as other, \
            Sink(address="127.0.0.2", port=other.port, says={"greeting": lambda *_: release.wait(60) and "-" or "-"}) as silent:
        world.zone("other.test", MX)
        world.zone("dead.test", "\n".join("d%d MX 10 mx%d\nmx%d A 127.0.0.2" % (n, n, n) for n in range(40)))
        world.start()
        use(server, world, other.port, {"max_sessions": "60", "command_timeout": "5m"})
        send(server, CAROL % "other.test", result="delivered")      # it is known to live
        with smtplib.SMTP("127.0.0.1", server.port("submission"), "client.example", 60) as smtp:
            smtp.starttls(context=tls_context())
            smtp.login(ALICE, "demo")
            for n in range(40):
                smtp.sendmail(ALICE, ["x@d%d.dead.test" % n], "Subject: dead\r\n\r\nHello\r\n")
        with silent.change:
            assert silent.change.wait_for(lambda: silent.open >= 40, 30), silent.open
        begin = time.monotonic()
        for n in range(5):
            send(server, CAROL % "other.test", result="delivered")
        took = time.monotonic() - begin
        assert silent.open == 40, silent.open
        print("5 messages past 40 silent hosts in %.2f s" % took)
        release.set()


# ---- MTA-STS ----

def check(server, domain, *options):
    """What `check mx` says by the same settings."""
    return json.loads(server.command("check", "mx", domain, "--config", server.config, "--json", *options).stdout)


def again(server, world, other, queue, page, number, text, result):
    """What waits, after the domain has changed its policy."""
    page.text = text
    world.change("other.test", MX + '_mta-sts TXT "v=STSv1; id=%d;"\nmta-sts A 127.0.0.1' % number)
    use(server, world, other.port, queue)
    mark = len(server.log)
    server.control("test.clock", ms=number * 10 * 60000)
    server.wait_log("queue.attempt", {"to": CAROL % "other.test", "result": result}, 30, mark)


def test_mta_sts(server):
    """An enforced policy is kept to, also when the web server is gone; a host with another certificate gets nothing."""
    mx, web = self_signed(server, "mx", "mx.other.test"), self_signed(server, "web", "mta-sts.other.test")
    authorities = server.dir + "/authorities.pem"
    with open(authorities, "wb") as f:
        for files in (mx, web):
            with open(files["certificate"], "rb") as g:
                f.write(g.read())
    with World(signed=False) as world, Other(server.martlet, "other.test", tls=mx) as other, Web(web) as page:
        world.zone("other.test", MX + '_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A 127.0.0.1')
        world.start()
        queue = {"mta_sts": "yes", "mta_sts_port": str(page.server_port), "ca_file": authorities}
        page.text = policy("enforce", "mx.other.test")
        use(server, world, other.port, queue)
        assert "MTA-STS verified" in send(server, CAROL % "other.test", result="delivered")
        assert page.n_gets == 1
        use(server, world, other.port, {**queue, "ca_file": web["certificate"]})        # the host's certificate is not good any more
        page.text = ""
        send(server, CAROL % "other.test", result="deferred", enhanced="4.7.5")
        assert page.n_gets == 1, "the policy is known, its id is the same"
        checked = check(server, "other.test")
        sts = next(s for s in checked["stages"] if s["stage"] == "mta-sts")["details"]
        assert (checked["state"], sts["mode"], sts["is_remembered"], sts["is_memory_known"]) == ("later", "enforce", True, True), checked
        assert page.n_gets == 1 and checked["reply"].startswith("4.7.5"), checked
        again(server, world, other, queue, page, 2, policy("enforce", "elsewhere.other.test"), "deferred")
        assert page.n_gets == 2 and len(other.mails()) == 1
        again(server, world, other, queue, page, 3, policy("none", "x"), "delivered")
        assert page.n_gets == 3 and len(other.mails()) == 2


# ---- the process for HTTPS ----

def fetcher_pid(server):
    """By its own word in the log; None: it does not run."""
    started = [int(x.split(" pid=")[1].split()[0]) for x in server.log if " fetcher.start pid=" in x]
    return started[-1] if started and os.path.exists("/proc/%d" % started[-1]) else None


def with_libcurl(server):
    """Those of the server's processes that have loaded it."""
    pids = [server.process.pid]
    for path in glob.glob("/proc/%d/task/*/children" % server.process.pid):
        with open(path, encoding="ascii") as f:
            pids += [int(x) for x in f.read().split()]
    assert server.server_pid() in pids
    found = set()
    for pid in pids:
        with open("/proc/%d/maps" % pid, encoding="utf-8") as f:
            if "libcurl" in f.read():
                found.add(pid)
    return found


def sockets(pid):
    return {x for x in (os.readlink(x.path) for x in os.scandir("/proc/%d/fd" % pid)) if x.startswith("socket:")}


def assert_closed_in(server, pid):
    """As the sender is (relay.py): no capability, nothing open but the log, its socket and what wakes it. Who may not connect has no way to it."""
    assert not sockets(server.server_pid()) & sockets(sender_pid(server))
    if not all(x in [x for x in server.log if " fetcher.start " in x][-1] for x in ("landlock", "seccomp")):
        return
    for task in glob.glob("/proc/%d/task/*/status" % pid):
        with open(task, encoding="ascii") as f:
            status = dict(x.split(":", 1) for x in f if ":" in x)
        assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1" and int(status["CapEff"], 16) == 0, status
    links = [os.readlink(x.path) for x in os.scandir("/proc/%d/fd" % pid)]
    assert not [x for x in links if server.dir in x], links
    assert len(sockets(pid)) == 1, links


def test_fetcher(server):
    """
    HTTPS is spoken by a process of its own, started when it is needed. A web server that says nothing holds up its own domain alone; the fetcher's death
    is a policy that could not be fetched (RFC 8461 5.2: without one known the mail goes as if there were none), and the next policy is fetched by the next one.
    """
    domains = ("other.test", "more.test", "late.test", "silent.test", "plain.test")
    mx = self_signed(server, "mx", "mx.other.test", *["mx." + x for x in domains[1:]])
    web = self_signed(server, "web", *["mta-sts." + x for x in domains])
    authorities = server.dir + "/authorities.pem"
    with open(authorities, "wb") as f:
        for files in (mx, web):
            with open(files["certificate"], "rb") as g:
                f.write(g.read())
    with World(signed=False) as world, Other(server.martlet, *domains, tls=mx) as other, Web(web) as page, socket.socket() as silent:
        silent.bind(("127.0.0.2", page.server_port))
        silent.listen()
        silent.settimeout(30)
        for domain in domains[:3]:
            world.zone(domain, MX + '_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A 127.0.0.1')
        world.zone("silent.test", MX + '_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A 127.0.0.2')
        world.zone("plain.test", MX)
        world.start()
        use(server, world, other.port, {"mta_sts": "yes", "mta_sts_port": str(page.server_port), "ca_file": authorities})
        send(server, CAROL % "plain.test", result="delivered")
        assert sender_pid(server) and fetcher_pid(server) is None and not with_libcurl(server)
        page.text = policy("enforce", "mx.other.test")
        assert "MTA-STS verified" in send(server, CAROL % "other.test", result="delivered")
        first = fetcher_pid(server)
        assert with_libcurl(server) == {first} and first != sender_pid(server)
        assert_closed_in(server, first)
        # One that is silent, and a death in the middle.
        mark = len(server.log)
        submit(server, CAROL % "silent.test")
        with silent.accept()[0]:
            page.text = policy("enforce", "mx.more.test")
            assert "MTA-STS verified" in send(server, CAROL % "more.test", result="delivered")
            assert not [x for x in server.log[mark:] if "silent.test" in x and " queue.attempt " in x]
            os.kill(first, signal.SIGKILL)
            line = server.wait_log("queue.attempt", {"to": CAROL % "silent.test", "result": "delivered"}, 10, mark)
            assert "MTA-STS" not in line, line
        server.wait_log("fetcher.died", {"signal": "9"}, mark=mark)
        sender = sender_pid(server)
        page.text = policy("enforce", "mx.late.test")
        assert "MTA-STS verified" in send(server, CAROL % "late.test", result="delivered")
        second = fetcher_pid(server)
        assert second not in (None, first) and sender_pid(server) == sender
        assert page.n_gets == 3 and len(other.mails()) == 5
        # New settings end it; so does the server.
        mark = len(server.log)
        server.process.send_signal(signal.SIGHUP)
        server.wait_log("fetcher.end", {"pid": str(second)}, mark=mark)
        page.text = policy("none", "x")
        world.change("late.test", MX + '_mta-sts TXT "v=STSv1; id=2;"\nmta-sts A 127.0.0.1')
        send(server, CAROL % "late.test", result="delivered")
        third = fetcher_pid(server)
        assert third not in (None, second)
        server.stop()
        assert not os.path.exists("/proc/%d" % third)


# ---- between two ----

def test_lmtp(server):
    """A route to another server's LMTP: each recipient has its own answer."""
    with World(signed=False) as world, Other(server.martlet, "other.test") as other:
        world.start()
        use(server, world, 25, **{'route "lmtp"': {"domains": "other.test", "host": "127.0.0.1", "port": str(other.server.port("lmtp")),
                                                   "protocol": "lmtp", "tls": "none"}})
        mark = len(server.log)
        with smtplib.SMTP("127.0.0.1", server.port("submission"), "client.example", 60) as smtp:
            smtp.starttls(context=tls_context())
            smtp.login(ALICE, "demo")
            smtp.sendmail(ALICE, [CAROL % "other.test", "nobody@other.test"], "Subject: two\r\n\r\nHello\r\n")
        server.wait_log("queue.attempt", {"to": CAROL % "other.test", "result": "delivered"}, 30, mark)
        server.wait_log("queue.attempt", {"to": "nobody@other.test", "result": "failed", "code": "550"}, 30, mark)
        assert check(server, "other.test", "--rcpt", CAROL % "other.test")["state"] == "ok"
        checked = check(server, "other.test", "--rcpt", "nobody@other.test")
        assert (checked["state"], checked["stages"][-2]["stage"], checked["stages"][-2]["code"]) == ("failed", "rcpt", 550), checked
        # For a domain that is ours nothing goes out, wherever its MX records lead.
        checked = check(server, "example.test", "--dns-only")
        assert (checked["is_local"], check(server, "other.test", "--dns-only")["is_local"]) == (True, False), checked
        assert len(other.mails()) == 1

def test_both_ways(server):
    """What one sends the other answers: DSN of a recipient that is not there, over DNS and TLS, to the writer's INBOX."""
    with World(signed=False) as world, Other(server.martlet, "other.test") as other:
        world.zone("other.test", MX)
        world.start()
        use(server, world, other.port)
        send(server, "nobody@other.test", result="failed", code="550")
        imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
        imap.login(ALICE, "demo")
        end = time.monotonic() + 20
        while imap.select("INBOX")[1] == [b"0"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        _, data = imap.fetch("1", "(BODY.PEEK[])")
        imap.logout()
        assert b"Remote-MTA: dns; mx.other.test" in data[0][1] and b"550" in data[0][1], data[0][1]

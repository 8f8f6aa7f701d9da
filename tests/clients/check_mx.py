# SPDX-License-Identifier: MIT
"""
`martlet check mx` with hosts to speak to: what it finds at each stage, and what it says would become of mail. Its DNS is lib/dnsworld.py, its hosts are
sinks (lib/sink.py), each at an address of loopback that is its own. What the DNS alone says is in dns.py.
"""

import json
import os
import pwd
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from certs import expired, self_signed, tlsa
from dnsworld import World
from policies import Web, policy
from server import Skip
from sink import Guest, Sink

STATUS = {"ok": 0, "failed": 1, "later": 5}
WORDS = ("PIPELINING", "8BITMIME", "SIZE 52428800", "SMTPUTF8", "DSN", "CHUNKING", "REQUIRETLS", "LIMITS RCPTMAX=20 MAILMAX=5", "X-OWN")
DEAD = "127.0.0.90"     # nobody listens there


class Scene:
    """A DNS, hosts at 127.0.0.N, N from 20 on, all at one port, policies by HTTPS, and the settings of who asks."""

    def __init__(self, server):
        self.server, self.world, self.sinks, self.files, self.pages, self.port = server, World(), [], [], {}, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sink in self.sinks:
            sink.close()
        self.world.stop()

    def host(self, **options):
        """A sink; its address."""
        sink = Sink(address="127.0.0.%d" % (20 + len(self.sinks)), port=self.port, words=options.pop("words", WORDS), **options)
        self.port = sink.port
        self.sinks.append(sink)
        return sink

    def trust(self, files):
        self.files.append(files)
        return files

    def zone(self, name, records, sts=None, **options):
        if sts:
            records += "\n_mta-sts TXT \"v=STSv1; id=1;\"\nmta-sts A 127.0.0.1"
            self.pages["mta-sts." + name] = sts
        self.world.zone(name, records, **options)

    def start(self, page=None, **more):
        """Settings file that trusts all of self.files; more: of [server], or whole sections."""
        self.world.start()
        self.path, authorities = os.path.join(self.server.dir, "check.conf"), os.path.join(self.server.dir, "authorities.pem")
        with open(authorities, "wb") as f:
            for files in self.files:
                with open(files["certificate"], "rb") as g:
                    f.write(g.read())
        sections = {"dns": self.world.settings(), 'listener "x"': {"port": "2525"}, "server": {"hostname": "we.test", **more.pop("server", {})},
                    "queue": {"port": str(self.port), "allow_private_addresses": "yes", "mta_sts": "yes" if page else "no",
                              **({"mta_sts_port": str(page.server_port)} if page else {}), **({"ca_file": authorities} if self.files else {})}, **more}
        if page:
            page.texts = self.pages
        with open(self.path, "w", encoding="utf-8") as f:
            for section, keys in sections.items():
                f.write("[%s]\n" % section + "".join("%s = %s\n" % pair for pair in keys.items()))

    def text(self, domain, *options):
        return self.server.command("check", "mx", domain, "--config", self.path, *options).stdout

    def check(self, domain, *options):
        done = self.server.command("check", "mx", domain, "--config", self.path, "--json", *options)
        assert done.stderr == "", done.stderr
        answer = json.loads(done.stdout)
        assert done.returncode == STATUS[answer["state"]], answer
        assert all(isinstance(s["ms"], int) and s["ms"] >= 0 for s in answer["stages"]), answer
        assert bool(answer["meaning"]) == (answer["state"] != "ok"), answer
        return answer


def states(answer, host=None):
    """{stage: state} of one host, the last of a name."""
    return {s["stage"]: s["state"] for s in answer["stages"] if host in (None, s["host"])}


def stage(answer, name, host=None):
    return next(s for s in answer["stages"] if s["stage"] == name and host in (None, s["host"]))


def mx(sink, name="mx"):
    return "@ MX 10 %s\n%s A %s" % (name, name, sink.listener.getsockname()[0])


def pem(files):
    with open(files["certificate"], "rb") as f:
        return f.read()


def test_good(server):
    """Each stage of a host that takes mail; nothing is said after EHLO when nothing is asked."""
    with Scene(server) as scene:
        sink = scene.host(tls=scene.trust(self_signed(server, "good", "mx.good.test", "other.good.test")), name="mx.good.test")
        scene.zone("good.test", mx(sink))
        scene.start()
        answer = scene.check("good.test")
        assert [s["stage"] for s in answer["stages"]] == ["mx", "addresses", "dane", "policy", "connect", "greeting", "ehlo", "starttls",
                                                         "certificate", "limits", "host"], answer
        assert states(answer) == {**dict.fromkeys(states(answer), "ok"), "dane": "none"}, answer
        assert stage(answer, "connect")["details"]["address"] == "127.0.0.20", answer
        assert stage(answer, "greeting")["details"]["reply"] == "220 mx.good.test ESMTP", answer
        before, after = stage(answer, "ehlo")["details"], stage(answer, "limits")["details"]
        assert "STARTTLS" in before["words"] and "STARTTLS" not in after["words"], answer
        assert set(after["words"]) == {x.split(" ")[0] for x in WORDS} - {"X-OWN"}, answer
        assert after["max_size"] == 52428800 and after["limits"] == "RCPTMAX=20 MAILMAX=5", answer
        certificate = stage(answer, "certificate")["details"]
        assert certificate["names"] == "mx.good.test other.good.test" and certificate["days_left"] in (1, 2), answer
        assert certificate["is_verified"] and certificate["by"] == "CN=mx.good.test", answer
        assert stage(answer, "starttls")["details"]["version"] == "TLSv1.3", answer
        # One EHLO before TLS, one after.
        assert sink.counts == {"EHLO": 2, "STARTTLS": 1, "QUIT": 1}, sink.counts

        done = server.command("check", "mx", "good.test", "--config", scene.path)
        for part in ("mx          ok", "10 mx.good.test", "127.0.0.20, port %d" % scene.port, "SIZE=52428800", "(RCPTMAX=20 MAILMAX=5)",
                     "for mx.good.test other.good.test", " days left", "mail would go here, TLSv1.3", "Mail would go out.\n"):
            assert part in done.stdout, (part, done)
        # A host without a word for it, given by hand.
        answer = scene.check("elsewhere.test", "--host", "127.0.0.20")
        assert answer["state"] == "ok" and stage(answer, "connect")["details"]["address"] == "127.0.0.20", answer
        assert scene.check("elsewhere.test", "--host", "mx.good.test")["state"] == "ok"
        assert answer["is_sending"] and not answer["is_local"]
        # Nobody is connected to.
        n = sink.connections
        assert scene.check("good.test", "--dns-only")["state"] == "ok" and sink.connections == n


def test_tls(server):
    """What TLS has to be, by DANE and by MTA-STS, and which hosts would get mail."""
    scene = Scene(server)
    with scene:
        good = scene.trust(self_signed(server, "good", "mx.enforced.test", "mx.testing.test", "mx.dane.test"))
        old = scene.trust(expired(server, "old", "mx.old.test"))
        other = self_signed(server, "other", "mx.unknown.test")
        web = scene.trust(self_signed(server, "web", *("mta-sts.%s.test" % x for x in ("enforced", "stranger", "name", "old", "testing", "gone"))))
        many = self_signed(server, "many", *("host-number-%d.many.test" % n for n in range(50)))
        good_at, old_at, other_at, plain_at, many_at = (scene.host(tls=x) for x in (good, old, other, None, many))
        at = "\n_%d._tcp.mx " % scene.port
        scene.zone("enforced.test", mx(good_at), policy("enforce", "mx.enforced.test"))
        scene.zone("stranger.test", mx(good_at), policy("enforce", "elsewhere.stranger.test"))
        scene.zone("name.test", mx(good_at), policy("enforce", "mx.name.test"))
        scene.zone("old.test", mx(old_at), policy("enforce", "mx.old.test"))
        scene.zone("testing.test", mx(good_at), policy("testing", "elsewhere.testing.test"))
        scene.zone("gone.test", mx(good_at), "x")
        scene.zone("opportunistic.test", "@ MX 10 mx.old.test.")
        scene.zone("many.test", mx(many_at))
        scene.zone("dane.test", mx(other_at) + at + tlsa(pem(other)), signed=True)
        scene.zone("olddane.test", mx(old_at) + at + tlsa(pem(old)), signed=True)
        scene.zone("baddane.test", mx(other_at) + at + "TLSA 3 1 1 " + "ab" * 32, signed=True)
        scene.zone("notls.test", mx(plain_at) + at + "TLSA 3 1 1 " + "ab" * 32, signed=True)
        with Web(web) as page:
            scene.pages["mta-sts.gone.test"] = ""
            scene.start(page)
            # state, the stage that ends it, its code, the certificate's state, its problem
            for domain, state, last, enhanced, certificate, problem in (
                    ("enforced.test", "ok", None, "", "ok", ""),
                    ("stranger.test", "later", "policy", "4.7.5", None, ""),
                    ("name.test", "later", "starttls", "4.7.5", "later", "hostname mismatch"),
                    ("old.test", "later", "starttls", "4.7.5", "later", "certificate has expired"),
                    ("testing.test", "ok", None, "", "ok", ""),
                    ("gone.test", "ok", None, "", "none", "hostname mismatch"),
                    ("opportunistic.test", "ok", None, "", "none", "certificate has expired"),
                    ("dane.test", "ok", None, "", "ok", ""),
                    ("olddane.test", "ok", None, "", "ok", ""),      # RFC 7671 5.1: its end does not matter
                    ("baddane.test", "later", "starttls", "4.7.5", "later", "no matching DANE TLSA records"),
                    ("notls.test", "later", "starttls", "4.7.4", None, "")):
                answer = scene.check(domain)
                seen = states(answer)
                assert (answer["state"], seen["host"], seen.get("certificate")) == (state, state, certificate), (domain, answer)
                if last:
                    assert (seen[last], stage(answer, last)["enhanced"]) == ("later", enhanced), (domain, answer)
                    assert answer["reply"].startswith(enhanced), answer
                if certificate:
                    assert problem in stage(answer, "certificate")["details"]["problem"], (domain, answer)
            assert "connect" not in states(scene.check("stranger.test"))
            assert stage(scene.check("enforced.test"), "policy")["details"] == {
                "level": "verified", "by": "MTA-STS", "is_named_by_mta_sts": True}
            assert stage(scene.check("testing.test"), "policy")["details"] == {
                "level": "plain", "by": "", "is_named_by_mta_sts": False}
            answer = scene.check("dane.test")
            assert stage(answer, "certificate")["details"]["by"] == "DANE" and "by DANE" in stage(answer, "host")["found"][0], answer
            assert "nothing to a certificate that its TLSA record names" in lines_of(scene.check("olddane.test"), "certificate")
            names = stage(scene.check("many.test"), "certificate")["details"]["names"].split(" ")
            assert 10 < len(names) < 50 and names[-1] == "..." and names[-2] == "host-number-%d.many.test" % (len(names) - 2), names
            sts = stage(scene.check("enforced.test"), "mta-sts")
            assert (sts["state"], sts["details"]["mode"], sts["details"]["mx"]) == ("ok", "enforce", ["mx.enforced.test"]), sts
            sts = stage(scene.check("gone.test"), "mta-sts")
            assert sts["state"] == "none" and sts["details"]["id"] == "1" and sts["details"]["why"], sts
            assert "answers 404" in sts["details"]["why"] and not sts["details"]["is_remembered"], sts
            assert stage(scene.check("dane.test"), "mta-sts")["found"][0] == "no record"
            sts = stage(scene.check("enforced.test", "--dns-only"), "mta-sts")
            assert (sts["state"], sts["details"]["id"], sts["details"]["mode"], sts["details"]["why"]) == ("none", "1", "", "nobody is connected to"), sts
            for domain, words in (("stranger.test", "MTA-STS policy"), ("name.test", "for another name"), ("old.test", "has expired"),
                                  ("baddane.test", "TLSA"), ("notls.test", "no encryption")):
                said = scene.text(domain).split("Mail would wait.\n")[1]
                assert words in said and len(said.split("\n")) == 4, (domain, said)
            days = stage(scene.check("opportunistic.test"), "certificate")
            assert days["details"]["days_left"] < 0 and "expired on 2020-02-01" in days["found"], days


def test_recipients(server):
    """MAIL and RCPT, and RSET, never DATA; the answer is the host's, and its kind decides."""
    says = {
        "taken": {},
        "unknown": {"RCPT": "550 5.1.1 no such user"},
        "greylisted": {"RCPT": "450 4.7.1 later"},
        "sender": {"MAIL": "550 5.7.1 not you"},
        "closing": {"MAIL": "421 4.3.2 going"},
        "dying": {"RCPT": "-"},
    }
    with Scene(server) as scene:
        hosts = {name: scene.host(says=x) for name, x in says.items()}
        for name, sink in hosts.items():
            scene.zone(name + ".test", mx(sink))
        scene.zone("spare.test", "@ MX 10 mx.unknown.test.\n@ MX 20 mx.taken.test.")
        scene.start()
        for name, state, where, told in (
                ("taken", "ok", "rcpt", "250 2.1.5"), ("unknown", "failed", "rcpt", "550 5.1.1"), ("greylisted", "later", "rcpt", "450 4.7.1"),
                ("sender", "failed", "mail", "550 5.7.1"), ("closing", "later", "mail", "421 4.3.2"), ("dying", "later", "rcpt", "")):
            answer = scene.check(name + ".test", "--rcpt", "bob@%s.test" % name, "--from", "alice@we.test")
            assert (answer["state"], states(answer)["host"]) == (state, state), (name, answer)
            if name != "dying":
                assert states(answer)[where] == state and stage(answer, where)["details"]["reply"].startswith(told), (name, answer)
            assert "DATA" not in hosts[name].counts and not hosts[name].messages, hosts[name].counts
        assert hosts["taken"].counts["RSET"] == 1, hosts["taken"].counts
        # The first host that gives an answer is the one that counts; the other one is looked at all the same.
        answer = scene.check("spare.test", "--rcpt", "bob@spare.test")
        assert (answer["state"], states(answer, "mx.unknown.test")["host"], states(answer, "mx.taken.test")["host"]) == ("failed", "failed", "ok"), answer
        scene.check("taken.test")
        assert hosts["taken"].counts["MAIL"] == 2, hosts["taken"].counts


class Raw(Guest):
    """Its words are bytes."""

    def say(self, text):
        self.socket.sendall(text.encode("latin-1") + b"\r\n")


def test_hosts(server):
    """A dead one and a living one, in both orders; what is said at the door."""
    with Scene(server) as scene:
        good, rude, never = scene.host(), scene.host(says={"greeting": "554 5.7.1 not today"}), scene.host(says={"greeting": "521 no mail"})
        wild = scene.host(says={"greeting": "220 a\x1b[2J\x9b\xc2\x9bm b", "EHLO": "250-x\r\n250 LIMITS \x1b]0;x\x07=1"})
        live = "\n@ MX 20 live\nlive A 127.0.0.20"
        scene.zone("dead.test", "@ MX 10 mx\nmx A " + DEAD + live)
        scene.zone("half.test", "@ MX 10 mx\nmx AAAA ::1\nmx A 127.0.0.20")
        scene.zone("alldead.test", "@ MX 10 mx\nmx A " + DEAD)
        scene.zone("rude.test", mx(rude))
        scene.zone("rudeandgood.test", mx(rude) + live)
        scene.zone("never.test", mx(never))
        scene.zone("wild.test", mx(wild))
        scene.zone("raw.test", mx(scene.host(guest_class=Raw, tls=self_signed(server, "odd", "odd.raw.test", "a\x1b[2Jb.raw.test", subject="\x1b[2Jodd"),
                                             says={"greeting": "220 \xff\x9b[31m\xfe", "RCPT": "550 5.1.1 \xe9"})))
        scene.start()
        answer = scene.check("dead.test")
        assert answer["state"] == "ok", answer
        assert states(answer, "mx.dead.test")["host"] == "later" and states(answer, "live.dead.test")["host"] == "ok", answer
        assert stage(answer, "connect", "mx.dead.test")["enhanced"] == "4.4.1", answer
        assert DEAD in stage(answer, "connect", "mx.dead.test")["found"][0], answer
        connect = stage(scene.check("half.test"), "connect")        # IPv6 is tried first (RFC 8305 4)
        assert connect["details"]["address"] == "127.0.0.20" and connect["details"]["others"].startswith("::1: "), connect
        assert scene.check("alldead.test")["state"] == "later"
        answer = scene.check("rude.test")
        assert (answer["state"], states(answer)["greeting"]) == ("later", "later") and answer["reply"].startswith("554 4.7.1 not today"), answer
        assert scene.check("rudeandgood.test")["state"] == "ok"
        assert scene.check("never.test")["state"] == "failed"
        # RFC 5321 4.2 has no such bytes; a terminal gets none of them.
        done = server.command("check", "mx", "wild.test", "--config", scene.path)
        assert not any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in done.stdout), done.stdout
        assert "LIMITS=(?]0;x?=1)" in done.stdout, done.stdout
        # Bytes that are no text, also in a certificate.
        shown = scene.text("raw.test", "--rcpt", "bob@raw.test")
        assert not any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in shown), shown
        for part in ("220 ??[31m?", "for odd.raw.test\n", "550 5.1.1 ?\n"):
            assert part in shown, (part, shown)
        answer = scene.check("raw.test", "--rcpt", "bob@raw.test")
        assert (answer["reply"], states(answer)["rcpt"]) == ("550 5.1.1 ?", "failed"), answer
        assert stage(answer, "certificate")["details"]["subject"] == "CN=\\1B[2Jodd", answer
        assert good.counts.keys() <= {"EHLO", "QUIT"}, good.counts


def seconds(scene, domain, *options):
    begin = time.monotonic()
    return domain, scene.check(domain, *options), time.monotonic() - begin


def test_time(server):
    """Who is silent, dribbles, or does not even take the connection, costs the time that was given and no more, and leaves some to the next host."""
    release = threading.Event()

    def dribble(sink, _line):
        """Lines of a reply that has no end."""
        with sink.change:
            sockets = list(sink.sockets)
        while not release.wait(0.1):
            for s in sockets:
                s.sendall(b"250-more\r\n")
        return "-"

    with Scene(server) as scene, socket.socket() as full:
        good = scene.host()
        silent = scene.host(says={"greeting": lambda *_: release.wait(60) and "-" or "-"})
        slow = scene.host(says={"EHLO": dribble})
        full.bind(("127.0.0.80", scene.port))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for s in fillers:
            s.setblocking(False)
            s.connect_ex(("127.0.0.80", scene.port))
        scene.zone("silent.test", mx(silent) + "\n@ MX 20 good\ngood A 127.0.0.20")
        scene.zone("onlysilent.test", mx(silent))
        scene.zone("slow.test", mx(slow))
        scene.zone("full.test", "@ MX 10 mx\nmx A 127.0.0.80\n@ MX 20 good\ngood A 127.0.0.20")
        scene.zone("onlyfull.test", "@ MX 10 mx\nmx A 127.0.0.80")
        scene.start()
        want = {"silent.test": ("ok", "greeting"), "onlysilent.test": ("later", "greeting"), "slow.test": ("later", "ehlo"),
                "full.test": ("ok", "connect"), "onlyfull.test": ("later", "connect")}
        with ThreadPoolExecutor(len(want)) as pool:
            found = list(pool.map(lambda x: seconds(scene, x, "--timeout", "2"), want))
        for domain, answer, took in found:
            state, where = want[domain]
            assert answer["state"] == state, (domain, answer)
            assert stage(answer, where)["state"] == "later", (domain, answer)
            assert 0.9 < took < 10, (domain, took)       # half of it where there are two hosts; and a busy machine
            if state == "later":
                assert took > 1.8 and answer["reply"].startswith("4.4."), (domain, took, answer)
        release.set()
        for s in fillers:
            s.close()
        assert good.connections == 2, good.connections


def lines_of(answer, name):
    return "\n".join(stage(answer, name)["found"])


def test_tls_that_nobody_demands(server):
    """What is refused, fails or is off is told as it is, and keeps no mail."""
    files = self_signed(server, "any", "mx.any.test")
    with Scene(server) as scene:
        refusing = scene.host(tls=files, says={"STARTTLS": "454 4.7.0 not just now"})
        broken = scene.host(tls=files, says={"STARTTLS": "220 go\r\nnonsense"})
        off = scene.host(tls=files)
        for name, sink in (("refusing", refusing), ("broken", broken), ("off", off)):
            scene.zone(name + ".test", mx(sink))
        scene.start(**{'route "off"': {"domains": "off.test", "host": "127.0.0.22", "port": str(scene.port), "tls": "none"}})
        answer = scene.check("refusing.test")
        assert (states(answer)["starttls"], lines_of(answer, "starttls")) == ("none", "refused: 454 4.7.0 not just now"), answer
        answer = scene.check("broken.test")
        first, second = (s for s in answer["stages"] if s["stage"] == "starttls")
        assert first["state"] == "none" and "not demanded: mail goes without it" in first["found"], answer
        assert second["found"] == ["not tried again"] and (answer["state"], broken.connections) == ("ok", 2), answer
        answer = scene.check("off.test")
        assert (lines_of(answer, "policy"), lines_of(answer, "starttls")) == ("no TLS: the settings say so", "not wanted"), answer
        with open(scene.path, encoding="utf-8") as f:
            text = f.read()
        with open(scene.path, "w", encoding="utf-8") as f:
            f.write(text.replace("mta_sts = no", "mta_sts = no\nsend = no"))
        assert not scene.check("off.test")["is_sending"] and "[queue] send = no" in scene.text("off.test")


def test_routes(server):
    """The way of a route: TLS from the start (RFC 8314 3.3), its login, its trouble."""
    password = os.path.join(server.dir, "password")
    with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write("open sesame\n")
    with Scene(server) as scene:
        files, login = scene.trust(self_signed(server, "hosts", "first.test", "other.test", "later.test")), ("martlet", "open sesame")
        first = scene.host(tls=files, is_implicit=True, login=login, words=("PIPELINING", "SIZE 1000"))
        other = scene.host(tls=files, is_implicit=True, login=("martlet", "close sesame"))
        later = scene.host(tls=files, login=login)
        for name, sink in (("first", first), ("other", other), ("later", later)):
            scene.zone("%s.test" % name, "@ A 127.0.0.%d" % (20 + scene.sinks.index(sink)))
        route = {"port": str(scene.port), "user": "martlet", "password_file": password}
        scene.start(**{'route "%s"' % name: {"domains": "to%s.test" % name, "host": "%s.test" % name, "tls": tls, **route}
                       for name, tls in (("first", "implicit"), ("other", "implicit"), ("later", "verify"))})
        answer = scene.check("tofirst.test")
        assert [s["stage"] for s in answer["stages"]] == ["mx", "addresses", "policy", "connect", "starttls", "certificate", "greeting", "ehlo",
                                                         "auth", "limits", "host"], answer
        assert set(states(answer).values()) == {"ok"}, answer
        assert lines_of(answer, "policy") == "TLS is demanded, verified by certificate, from the start", answer
        assert stage(answer, "starttls")["details"]["version"] == "TLSv1.3" and lines_of(answer, "auth") == "as martlet", answer
        assert stage(answer, "limits")["details"]["max_size"] == 1000 and "STARTTLS" not in first.counts, answer
        assert first.counts["AUTH"] == 1 and "MAIL" not in first.counts, first.counts
        answer = scene.check("tofirst.test", "--rcpt", "bob@tofirst.test")
        assert (answer["state"], states(answer)["rcpt"], first.counts["RSET"]) == ("ok", "ok", 1), answer
        answer = scene.check("toother.test")
        assert (answer["state"], states(answer)["auth"], stage(answer, "auth")["code"]) == ("later", "later", 535), answer
        assert "limits" not in states(answer) and "password" in answer["meaning"] and "route" in answer["advice"], answer
        answer = scene.check("tolater.test")
        assert [states(answer)[x] for x in ("starttls", "auth", "limits", "host")] == ["ok"] * 4 and later.counts["EHLO"] == 2, answer
        for name in ("tofirst", "toother"):         # no password in what is printed
            assert "sesame" not in scene.text(name + ".test"), name


class Slow(socket.socket):
    """A web server that takes connections and says nothing, or goes on for ever."""

    def __init__(self, files=None):
        super().__init__()
        self.files, self.over = files, threading.Event()
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.bind(("127.0.0.1", 0))
        self.listen(10)
        self.server_port = self.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        kept = []
        while True:
            try:
                kept.append(self.accept()[0])
            except OSError:
                return
            if self.files:
                threading.Thread(target=self.dribble, args=(kept[-1],), daemon=True).start()

    def dribble(self, s):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files["certificate"], self.files["key"])
        try:
            with context.wrap_socket(s, server_side=True) as tls:
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nversion: STSv1\r\n")
                while not self.over.wait(0.05):
                    tls.sendall(b"x")
        except OSError:
            pass

    def close(self):
        self.over.set()
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        super().close()


def test_slow_policies(server):
    """A web server of policies that hangs is left in time, and said to have hung; mail goes as without one, as when it is sent (RFC 8461 3.3)."""
    web = self_signed(server, "web", "mta-sts.slow.test")
    for files in (None, web):
        with Scene(server) as scene, Slow(files) as page:
            scene.trust(web)
            sink = scene.host()
            scene.zone("slow.test", mx(sink), "x")
            scene.start(page)
            begin = time.monotonic()
            answer = scene.check("slow.test", "--timeout", "2")
            assert 0.9 < time.monotonic() - begin < 10, answer
            sts = stage(answer, "mta-sts")
            assert (sts["state"], answer["state"], answer["is_out_of_time"]) == ("none", "ok", True), answer
            assert "timed out" in sts["details"]["why"] and "the time of this check was over" in sts["found"][-1], sts
            assert "its policy cannot be had: https://mta-sts.slow.test" in scene.text("slow.test", "--timeout", "1"), sts


def user_of(path):
    """The user id of the check that has these settings."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
            if b"check" in words and path.encode() in words:
                return os.stat("/proc/%s" % pid).st_uid
        except OSError:
            continue
    return None


def test_user(server):
    """Started by root it speaks to strangers as the server's user."""
    if os.geteuid() != 0:
        raise Skip("not root")
    users = []
    with Scene(server) as scene:
        sink = scene.host(says={"greeting": lambda *_: users.append(user_of(scene.path))})
        scene.zone("user.test", mx(sink))
        scene.start(server={"user": "nobody"})
        os.chmod(scene.world.dir, 0o755)        # the trust anchor
        assert scene.check("user.test")["state"] == "ok"
        assert users == [pwd.getpwnam("nobody").pw_uid], users


def test_arguments(server):
    """What is no address, number or host is told at once."""
    for options in (["--rcpt", "bob"], ["--rcpt", "@x.test"], ["--rcpt", "bob@"], ["--rcpt", "bob>\r\nDATA\r\n@x.test"],
                    ["--rcpt", "<bob@x.test> SIZE=1"], ["--rcpt", ""], ["--rcpt", "<>"], ["--from", "x"], ["--from", "a b@x.test"], ["--timeout", "0"], ["--timeout", "x"],
                    ["--timeout", "3601"], ["--port", "70000"], ["--host", "a b"]):
        done = server.command("check", "mx", "good.test", *options)
        assert done.returncode == 2 and options[0] in done.stderr, (options, done)

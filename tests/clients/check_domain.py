# SPDX-License-Identifier: MIT
"""
`martlet check domain`: for each of its checks what passes, what warns and what fails, by the name of the check, the state, and the record to publish. The DNS is lib/dnsworld.py,
the hosts are sinks (lib/sink.py) at addresses of loopback, policies come from lib/policies.py, blocklists are zones.
"""

import base64
import json
import os
import re
import subprocess
import time

from certs import expired, self_signed, tlsa
from dnsworld import World
from doctorworld import Silent
from policies import Web, policy
from sink import Guest, Sink

DEAD = "127.0.0.90"     # nobody listens there
NS = "@ NS ns2.test.\n"
SPF = '@ TXT "v=spf1 mx -all"\n'
REJECT = '_dmarc TXT "v=DMARC1; p=reject"\n'


def line(name, kind, value):
    """A record to publish, as it is printed."""
    return "%s. IN %s %s" % (name, kind, '"%s"' % value if kind == "TXT" else value)


class Scene:
    """A DNS, hosts at 127.0.0.N, N from 20 on, all at one port, and the settings of who asks."""

    def __init__(self, server):
        self.server, self.world, self.sinks, self.files, self.port, self.more = server, World(), [], [], 0, {}
        self.world.zone("test", "ns A 127.0.0.1\nns2 A 127.0.0.1", signed=True)

    def restart(self):
        """Another world."""
        self.world.stop()
        self.world = World()
        self.world.zone("test", "ns A 127.0.0.1\nns2 A 127.0.0.1", signed=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sink in self.sinks:
            sink.close()
        self.world.stop()

    def zone(self, name, records, **options):
        self.world.zone(name, records, **options)

    def host(self, **options):
        """A sink; its address."""
        sink = Sink(address="127.0.0.%d" % (20 + len(self.sinks)), port=self.port, **options)
        self.port = sink.port
        self.sinks.append(sink)
        return sink.listener.getsockname()[0]

    def trust(self, files):
        self.files.append(files)
        return files

    def start(self, web=None, dns=None, hostname="we.test", **queue):
        """Settings: self.more has further sections."""
        if not self.port:
            self.host()
        self.world.start()
        self.path, authorities = os.path.join(self.server.dir, "domain.conf"), os.path.join(self.server.dir, "domain.pem")
        with open(authorities, "wb") as f:
            for files in self.files:
                with open(files["certificate"], "rb") as g:
                    f.write(g.read())
        sections = {"dns": {**self.world.settings(), **(dns or {})}, 'listener "x"': {"port": "2525"}, "server": {"hostname": hostname}, **self.more,
                    "queue": {"port": str(self.port), "allow_private_addresses": "yes", **({"mta_sts_port": str(web.server_port)} if web else {}),
                              **({"ca_file": authorities} if self.files else {}), **queue}}
        with open(self.path, "w", encoding="utf-8") as f:
            for section, keys in sections.items():
                f.write("[%s]\n" % section + "".join("%s = %s\n" % pair for pair in keys.items()))

    def command(self, domain, *options):
        return self.server.command("check", "domain", domain, "--config", self.path, *options)

    def check(self, domain, *options):
        done = self.command(domain, "--json", *options)
        assert done.stderr == "", done.stderr
        answer = Answer(json.loads(done.stdout))
        assert done.returncode == {"fail": 1, "unknown": 5}.get(answer.all["state"], 0), (done.returncode, answer)
        return answer


class Answer:
    """What was found."""

    def __init__(self, answer):
        self.all, self.findings = answer, answer["findings"]
        order = [("fail", "warn", "pass", "info", "skipped").index(f["state"]) for f in self.findings]
        assert order == sorted(order), self
        counts = {s: sum(f["state"] == s for f in self.findings) for s in answer["counts"]}
        assert counts == answer["counts"], (counts, answer["counts"])
        assert all(f["reason"] for f in self.findings), self
        assert not any(re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text) for f in self.findings for text in f.values()), self

    def __repr__(self):
        return "\n".join(str(f) for f in self.findings)

    def states(self, check):
        return [f["state"] for f in self.findings if f["check"] == check]

    def has(self, check, state, what=None, evidence="", reason="", record=None):
        """Exactly that is among it. Gives the finding."""
        for f in self.findings:
            if (f["check"], f["state"]) == (check, state) and what in (None, f["what"]) and evidence in f["evidence"] and reason in f["reason"] \
                    and record in (None, f["record"]):
                return f
        raise AssertionError("no %s %s %s %r %r %r in\n%s" % (check, state, what, evidence, reason, record, self))


def pem(files):
    with open(files["certificate"], "rb") as f:
        return f.read()


def rsa(bits):
    """The p= of a new key."""
    key = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    return base64.b64encode(der).decode()


def txt(text):
    return " ".join('"%s"' % text[i:i + 200] for i in range(0, len(text), 200))


def test_good(server):
    """A domain that has all of it: nothing is wrong, and all that can be good is."""
    with Scene(server) as scene:
        files = scene.trust(self_signed(server, "good", "mx.good.test", "mta-sts.good.test", days=60))
        address = scene.host(tls=files, name="mx.good.test")
        scene.zone("list.test", "2.0.0.127 A 127.0.0.2")
        scene.zone("good.test", NS + SPF + REJECT + "@ MX 10 mx\nmx A %s\n_%d._tcp.mx %s\nmta-sts A 127.0.0.1\n_mta-sts TXT \"v=STSv1; id=1\"\n"
                   "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@good.test\"\ns1._domainkey TXT %s\n@ CAA 0 issue \"ca.test\""
                   % (address, scene.port, tlsa(pem(files)), txt("v=DKIM1; p=" + rsa(2048))), signed=True)
        with Web(files) as web:
            web.text = policy("enforce", "mx.good.test")
            scene.start(web)
            answer = scene.check("good.test", "--selector", "s1", "--dnsbl", "list.test")
            assert answer.all["state"] == "warn" and answer.all["is_validating"], answer
            # Addresses of loopback have no names: libunbound answers for them itself.
            assert [f["check"] for f in answer.findings if f["state"] in ("warn", "fail")] == ["ptr"], answer
            for check in ("zone", "mx", "addresses", "spf", "dkim", "dmarc", "mta-sts", "caa", "dnsbl", "port", "starttls", "certificate", "dane", "tlsrpt"):
                assert set(answer.states(check)) == {"pass"}, (check, answer)
            assert set(answer.states("ipv6")) == {"info"}, answer
            answer.has("spf", "pass", evidence="1 of 10 terms")
            answer.has("caa", "pass", "good.test", evidence="ca.test")
            answer.has("dkim", "pass", "s1._domainkey.good.test", evidence="RSA, 2048 bits")
            answer.has("port", "pass", "mx.good.test", evidence="220 mx.good.test ESMTP")
            assert not any(f["record"] for f in answer.findings if f["check"] != "ptr"), answer
            # An address does for a domain, and so does a last dot.
            assert scene.check("someone@Good.Test.", "--dns-only").all["domain"] == "good.test"
            n = scene.sinks[0].connections, web.n_gets
            answer = scene.check("good.test", "--dns-only")
            assert (scene.sinks[0].connections, web.n_gets) == n, "somebody was connected to"
            answer.has("port", "skipped", "mx.good.test")
            answer.has("mta-sts", "skipped")
            answer.has("dnsbl", "skipped", reason="--dnsbl LIST")


def test_zone(server):
    """What the DNS says of the domain as a whole."""
    with Scene(server) as scene:
        scene.zone("plain.test", NS + "@ MX 0 .\n" + SPF)
        scene.zone("signed.test", "@ MX 0 .\nsub MX 0 .", signed=True)
        scene.zone("bogus.test", "@ MX 0 .\n@ TXT \"here\"\nx A 192.0.2.1", tampered=("SOA\tns.test. hostmaster", "SOA\tns.test. hostmistress"))
        scene.zone("deadzone.test", "", dead=True)
        scene.zone("lame.test", "@ NS gone.lame.test.\n@ MX 0 .")
        scene.start()
        answer = scene.check("plain.test")
        answer.has("zone", "pass", "plain.test", evidence="ns.test")
        answer.has("zone", "info", "plain.test", evidence="not signed")
        answer = scene.check("signed.test")
        answer.has("zone", "warn", "signed.test", evidence="ns.test", reason="one name server")
        answer.has("zone", "pass", "signed.test", evidence="validated")
        scene.check("sub.signed.test").has("zone", "pass", "signed.test", evidence="validated")       # a name in a zone
        answer = scene.check("bogus.test")
        answer.has("zone", "fail", "bogus.test", evidence="DNSSEC", reason="no mail goes there")
        assert len(answer.findings) == 1, answer
        scene.check("deadzone.test").has("zone", "fail", "deadzone.test", reason="name servers of the domain give no answer")
        answer = scene.check("lame.test")
        answer.has("zone", "warn", "gone.lame.test", evidence="no address")
        answer = scene.check("nowhere.test")
        answer.has("zone", "fail", "nowhere.test", evidence="NXDOMAIN")
        assert len(answer.findings) == 1, answer

        # Nobody to ask.
        scene.start(dns={"servers": "%s@9" % DEAD})
        answer = scene.check("plain.test", "--timeout", "2")
        assert answer.all["state"] == "unknown", answer
        answer.has("zone", "skipped", reason="also not about others")
        for wrong in (("",), ("a b.test",), ("x.test", "y.test"), ("x.test", "--timeout", "0"), ("x.test", "--selector", "a b"), ("x.test", "--dnsbl", "/")):
            assert scene.command(*wrong).returncode == 2, wrong


def test_mx(server):
    """The hosts that take mail, and their addresses."""
    with Scene(server) as scene:
        a, b = scene.host(), scene.host()
        scene.zone("arpa", "20.0.18.198.in-addr PTR mx.names.test.\n21.0.18.198.in-addr PTR other.test.")
        scene.zone("names.test", "@ MX 10 mx\n@ MX 20 mx2\nmx A 198.18.0.20\nmx2 A 198.18.0.21\nmx2 A 198.18.0.22")
        scene.zone("two.test", "@ MX 10 mx\n@ MX 20 mx2\nmx A %s\nmx AAAA ::1\nmx2 A %s" % (a, b))
        scene.zone("null.test", "@ MX 0 .")
        scene.zone("halfnull.test", "@ MX 0 .\n@ MX 10 mx\nmx A " + a)
        scene.zone("implicit.test", "@ A " + a)
        scene.zone("nothing.test", "x TXT y")
        scene.zone("literal.test", "@ MX 10 192.0.2.1.\n@ MX 20 mx\nmx A " + a)
        scene.zone("twice.test", "@ MX 10 mx\n@ MX 20 mx\nmx A " + a)
        scene.zone("gone.test", "@ MX 10 mx\n@ MX 20 mx2\n@ MX 30 mx3.nowhere.test.\nmx A %s\nmx2 TXT x" % a)
        scene.zone("alias.test", "@ MX 10 mx\nmx CNAME real\nreal A " + a)
        scene.zone("private.test", "@ MX 10 mx\n@ MX 20 mx2\nmx A 10.0.0.1\nmx2 A 192.0.2.1")
        scene.zone("many.test", "".join("@ MX %d mx%d\nmx%d A %s\n" % (n, n, n, DEAD) for n in range(14)))
        scene.zone("other.test", "@ A 192.0.2.1")
        scene.start()
        answer = scene.check("two.test", "--dns-only")
        answer.has("mx", "pass", "two.test", evidence="10 mx.two.test\n20 mx2.two.test")
        answer.has("addresses", "pass", "mx.two.test", evidence=a + " ::1")
        answer.has("ipv6", "pass", evidence="1 of 2")
        answer = scene.check("names.test", "--dns-only")
        answer.has("ptr", "pass", "198.18.0.20", evidence="mx.names.test")
        answer.has("ptr", "warn", "198.18.0.21", evidence="other.test", reason="does not lead back", record=line("21.0.18.198.in-addr.arpa", "PTR", "mx2.names.test."))
        answer.has("ptr", "warn", "198.18.0.22", evidence="no PTR", record=line("22.0.18.198.in-addr.arpa", "PTR", "mx2.names.test."))
        answer = scene.check("null.test")
        answer.has("mx", "pass", evidence="MX 0 .", reason="takes no mail, and says so")
        answer.has("spf", "fail", record=line("null.test", "TXT", "v=spf1 -all"))
        answer.has("dmarc", "warn", record=line("_dmarc.null.test", "TXT", "v=DMARC1; p=reject"))
        for check in ("port", "mta-sts", "tlsrpt", "ptr", "dnsbl"):
            assert not answer.states(check), answer
        scene.check("halfnull.test", "--dns-only").has("mx", "fail", reason="RFC 7505 3")
        implicit = scene.check("implicit.test", "--dns-only")
        implicit.has("mx", "warn", evidence="no MX records", record=line("implicit.test", "MX", "10 implicit.test."))
        implicit.has("spf", "fail", record=line("implicit.test", "TXT", "v=spf1 a -all"))      # RFC 7208 5.4: "mx" knows no implicit MX
        scene.check("nothing.test").has("mx", "fail", evidence="no address", record=line("nothing.test", "MX", "10 mail.nothing.test."))
        scene.check("literal.test", "--dns-only").has("mx", "fail", "192.0.2.1", evidence="MX 10 192.0.2.1")
        scene.check("twice.test", "--dns-only").has("mx", "warn", "mx.twice.test", evidence="10 and 20", reason="named twice")
        answer = scene.check("gone.test", "--dns-only")
        answer.has("addresses", "fail", "mx2.gone.test", evidence="no A and no AAAA")
        answer.has("addresses", "fail", "mx3.nowhere.test", evidence="NXDOMAIN")
        answer.has("addresses", "pass", "mx.gone.test")
        scene.check("alias.test", "--dns-only").has("addresses", "warn", "mx.alias.test", evidence="CNAME real.alias.test",
                                                    record=line("alias.test", "MX", "10 real.alias.test."))
        answer = scene.check("many.test", "--dns-only")
        assert len(answer.states("addresses")) == 10, answer
        answer.has("mx", "info", evidence="14 hosts")
        answer.has("addresses", "pass", "mx9.many.test")
        scene.start(allow_private_addresses="no")
        answer = scene.check("private.test", "--timeout", "3")
        answer.has("addresses", "fail", "mx.private.test", evidence="10.0.0.1", reason="private network")
        assert not [f for f in answer.findings if f["check"] == "port" and f["what"] == "mx.private.test"], answer


class Broken(Guest):
    """It says that TLS may begin, and goes on in words of its own."""

    def on_starttls(self, _):
        self.say("220 2.0.0 go on\r\n250 no")
        return False


def test_hosts(server):
    """The port, TLS, certificates, DANE: what the walk to the hosts saw, and what of that matters by what the domain publishes."""
    with Scene(server) as scene:
        names = ["mx.%s.test" % x for x in ("long", "enforced", "wrongname", "dane", "baddane", "unsigned", "unusable")]
        good = scene.trust(self_signed(server, "good", *names[:2], *names[3:]))
        stranger, old = self_signed(server, "stranger", "mx.stranger.test"), scene.trust(expired(server, "old", "mx.old.test"))
        web_files = scene.trust(self_signed(server, "web", *("mta-sts.%s.test" % x for x in ("enforced", "plainenforced", "wrongname"))))
        good_at, stranger_at, old_at, plain_at, rude_at, closing_at, broken_at, failing_at = (
            scene.host(tls=good), scene.host(tls=stranger), scene.host(tls=old), scene.host(), scene.host(says={"greeting": "554 5.7.1 not you"}),
            scene.host(says={"greeting": "-"}), scene.host(tls=good, guest_class=Broken), scene.host(tls=good, says={"STARTTLS": "454 4.7.0 not now"}))
        at = "\n_%d._tcp.mx " % scene.port
        sts = "\n_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 127.0.0.1"
        for name, address, more, options in (
                ("long", good_at, "", {}), ("stranger", stranger_at, "", {}), ("old", old_at, "", {}), ("plain", plain_at, "", {}), ("rude", rude_at, "", {}),
                ("closing", closing_at, "", {}), ("failing", failing_at, "", {}), ("broken", broken_at, "", {}), ("dead", DEAD, "", {}), ("halfdead", DEAD, "\n@ MX 20 mx.plain.test.", {}),
                ("enforced", good_at, sts, {}), ("plainenforced", plain_at, sts, {}), ("wrongname", stranger_at, sts, {}),
                ("dane", good_at, at + tlsa(pem(good)), {"signed": True}), ("baddane", good_at, at + "TLSA 3 1 1 " + "ab" * 32, {"signed": True}),
                ("unsigned", good_at, at + tlsa(pem(good)), {}), ("unusable", good_at, at + "TLSA 1 1 1 " + "ab" * 32, {"signed": True}),
                ("nodane", stranger_at, "", {"signed": True}), ("plaindane", plain_at, at + tlsa(pem(good)), {"signed": True})):
            scene.zone(name + ".test", "@ MX 10 mx\nmx A %s%s" % (address, more), **options)
        scene.zone("crossed.test", "@ MX 10 mx.baddane.test.")
        with Web(web_files) as web:
            web.texts = {"mta-sts.%s.test" % x: policy("enforce", "mx.%s.test" % x) for x in ("enforced", "plainenforced", "wrongname")}
            scene.start(web)
            # domain, {check: (state, words of evidence, words of reason)}
            for name, wanted in (
                    ("long", {"port": ("pass", "127.0.0.20", ""), "starttls": ("pass", "TLSv1.3", ""), "certificate": ("warn", "mx.long.test", "ends soon"),
                              "dane": ("info", "no DNSSEC", "")}),
                    ("stranger", {"starttls": ("pass", "", ""), "certificate": ("warn", "self", "does not verify")}),
                    ("old", {"starttls": ("pass", "", ""), "certificate": ("warn", "expired", "does not verify")}),
                    ("plain", {"port": ("pass", "", ""), "starttls": ("warn", "not offered", "in the clear"), "certificate": None}),
                    ("rude", {"port": ("fail", "554 ", "takes no mail from here"), "starttls": None}),
                    ("closing", {"port": ("fail", "", ""), "starttls": None}),
                    ("failing", {"starttls": ("warn", "454", "fails")}),
                    ("broken", {"starttls": ("warn", "between its reply and TLS", "is offered and fails"), "port": ("pass", "", "")}),
                    ("dead", {"port": ("fail", DEAD, "lets nobody out to port 25"), "starttls": None}),
                    ("halfdead", {"port": ("warn", DEAD, "the others")}),
                    ("enforced", {"mta-sts": ("pass", "mode enforce", ""), "certificate": ("warn", "", "ends soon"), "tlsrpt": ("warn", "", "demands TLS")}),
                    ("plainenforced", {"starttls": ("fail", "not offered", "mail waits")}),
                    ("wrongname", {"certificate": ("fail", "", "MTA-STS policy demands"), "starttls": ("pass", "", "")}),
                    ("dane", {"dane": ("pass", "1 TLSA", ""), "certificate": ("pass", "", "TLSA records vouch"), "tlsrpt": ("warn", "", "")}),
                    ("baddane", {"dane": ("fail", "1 TLSA", "no certificate that they name"), "certificate": ("fail", "", "TLSA")}),
                    ("unsigned", {"dane": ("warn", "not signed", "nobody looks")}),
                    ("unusable", {"dane": ("warn", "", "of use for mail")}),
                    ("nodane", {"dane": ("info", "no TLSA", "would make TLS to this host safe")}),
                    ("plaindane", {"dane": ("fail", "STARTTLS is not offered", ""), "starttls": ("fail", "", "mail waits")}),
                    ("crossed", {"dane": ("warn", "MX records are not signed", "nobody looks")})):
                answer = scene.check(name + ".test")
                for check, want in wanted.items():
                    if want is None:
                        assert not answer.states(check), (name, check, answer)
                    else:
                        answer.has(check, want[0], evidence=want[1], reason=want[2])
            assert "fail" not in scene.check("halfdead.test").states("port")


def test_silent(server):
    """Hosts that say nothing: all of them are asked at once, and it ends in its time."""
    with Scene(server) as scene:
        hosts = [scene.host(says={"greeting": lambda *_: time.sleep(60)}) for _ in range(6)]
        scene.zone("silent.test", "".join("@ MX 10 mx%d\nmx%d A %s\n" % (n, n, address) for n, address in enumerate(hosts)))
        scene.start()
        began = time.monotonic()
        answer = scene.check("silent.test", "--timeout", "4")
        assert time.monotonic() - began < 15, time.monotonic() - began
        assert answer.states("port") == ["warn"] * 6, answer
        answer.has("port", "warn", "mx0.silent.test", reason="longer --timeout")


def test_spf(server):
    """SPF, with all that is included."""
    with Scene(server) as scene:
        many = " ".join("include:s%d.many.test" % n for n in range(11))
        for name, record in (
                ("good", "v=spf1 mx include:soft.test -all"), ("soft", "v=spf1 a:mx.good.test ~all"), ("plus", "v=spf1 mx +all"), ("open", "v=spf1 mx"), ("neutral", "v=spf1 mx ?all"),
                ("syntax", "v=spf1 mx inclide:soft.test -all"), ("badinclude", "v=spf1 include:syntax.test -all"), ("gone", "v=spf1 include:none.test -all"),
                ("loop", "v=spf1 include:loop.test -all"), ("ptr", "v=spf1 ptr -all"), ("after", "v=spf1 -all mx"), ("many", "v=spf1 " + many + " -all"),
                ("void", "v=spf1 a:x.good.test -all"), ("voids", "v=spf1 a:x.good.test a:y.good.test a:z.good.test -all"),
                ("nine", "v=spf1 " + " ".join(["a:mx.good.test"] * 9) + " -all"), ("macro", "v=spf1 exists:%{i}.x.good.test -all"), ("redirect", "v=spf1 redirect=soft.test"),
                ("long", "v=spf1 " + " ".join("ip4:192.0.2.%d" % n for n in range(30)) + " -all")):
            more = "".join("\ns%d TXT \"v=spf1 ip4:192.0.2.%d -all\"" % (n, n) for n in range(11)) if name == "many" else ""
            scene.zone(name + ".test", "@ MX 10 mx.good.test.\n@ TXT %s\nmx A %s%s" % (txt(record), DEAD, more))
        scene.zone("none.test", "@ MX 10 mx.good.test.\n@ TXT \"google-site-verification=x\"")
        scene.zone("two.test", "@ MX 10 mx.good.test.\n@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 mx -all\"")
        scene.start()
        for name, state, evidence, reason, record in (
                ("good", "pass", "3 of 10 terms that ask the DNS, 0 of 2 without an answer, others: fail", "", ""),
                ("good", "pass", "\n  soft.test: v=spf1 a:mx.good.test ~all", "", ""), ("redirect", "pass", "others: softfail", "", ""),
                ("nine", "pass", "9 of 10", "close to the limit", ""), ("macro", "info", "%{i}.x.good.test", "not followed", ""),
                ("none", "fail", "no TXT record that begins with v=spf1", "", line("none.test", "TXT", "v=spf1 mx -all")),
                ("two", "fail", "", "RFC 7208 4.5", ""), ("plus", "fail", "+all", "whole world", line("plus.test", "TXT", "v=spf1 mx -all")),
                ("open", "warn", "", "end the record with -all", line("open.test", "TXT", "v=spf1 mx -all")),
                ("neutral", "warn", "?all", "", line("neutral.test", "TXT", "v=spf1 mx -all")),
                ("syntax", "fail", "at byte 10: inclide:soft.test", "counts for nothing", ""), ("badinclude", "fail", "in the record of syntax.test: there is no such mechanism", "", ""),
                ("gone", "fail", "include:none.test", "no SPF record", line("gone.test", "TXT", "v=spf1 -all")), ("loop", "fail", "loop.test", "leads back", ""), ("ptr", "warn", "ptr", "RFC 7208 5.5", ""),
                ("after", "warn", "-all mx", "never looked at", ""), ("many", "fail", "include:s10.many.test", "More than 10 terms", ""), ("many", "info", "11 of 10", "", ""),
                ("void", "warn", "a:x.good.test", "does not exist", line("void.test", "TXT", "v=spf1 -all")), ("voids", "fail", "a:z.good.test", "More than 2", ""), ("long", "warn", "bytes", "RFC 7208 3.4", "")):
            scene.check(name + ".test", "--dns-only").has("spf", state, evidence=evidence, reason=reason, record=record)


def test_dkim(server):
    """Keys: named ones, and usual names."""
    with Scene(server) as scene:
        good, short, weak = rsa(2048), rsa(1024), rsa(512)
        ed = base64.b64encode(bytes(range(32))).decode()
        keys = {"mail": "v=DKIM1; p=" + good, "short": "v=DKIM1; k=rsa; p=" + short, "weak": "v=DKIM1; p=" + weak, "ed": "v=DKIM1; k=ed25519; p=" + ed, "revoked": "v=DKIM1; p=",
                "test": "v=DKIM1; t=y; p=" + good, "other": "v=DKIM1; s=other; p=" + good, "sha1": "v=DKIM1; h=sha1; p=" + good, "wrong": "v=DKIM1; p=AAAA", "new": "v=DKIM1; k=x; p=AA==",
                "spf": "v=spf1 -all"}
        scene.zone("good.test", "@ MX 10 mx\nmx A %s\n" % DEAD + "".join("%s._domainkey TXT %s\n" % (s, txt(text)) for s, text in keys.items()) +
                   "two._domainkey TXT \"v=DKIM1; p=\"\ntwo._domainkey TXT \"v=DKIM1; k=rsa; p=\"")
        scene.zone("none.test", "@ MX 10 mx.good.test.")
        scene.zone("odd.test", "@ MX 10 mx.good.test.\nodd._domainkey TXT %s" % txt(keys["mail"]))
        scene.start()
        selectors = [word for s in [*keys, "two", "nowhere"] for word in ("--selector", s)]
        answer = scene.check("good.test", "--dns-only", *selectors)
        for selector, state, evidence, reason in (
                ("mail", "pass", "RSA, 2048 bits", ""), ("short", "warn", "1024 bits", "2048"), ("weak", "fail", "512 bits", "RFC 8301"), ("ed", "pass", "Ed25519", "RSA key too"),
                ("revoked", "fail", "", "withdrawn"), ("test", "warn", "t=y", "being tested"), ("other", "fail", "", "not for mail"), ("sha1", "fail", "", "sha256"),
                ("wrong", "fail", "no such key", ""), ("new", "warn", "k=x", "hardly any"), ("spf", "fail", "v=spf1", "not right"), ("two", "fail", "2 records", ""),
                ("nowhere", "fail", "no TXT record", "nobody finds the key")):
            answer.has("dkim", state, selector + "._domainkey.good.test", evidence, reason)
        assert scene.check("good.test", "--dns-only").states("dkim") == ["pass"]       # `mail` is a usual one
        scene.check("none.test", "--dns-only").has("dkim", "warn", evidence="_domainkey does not exist")
        scene.check("odd.test", "--dns-only").has("dkim", "info", evidence="usual names", reason="--selector NAME")


def test_dmarc(server):
    """DMARC: the record, the one above, and who gets reports."""
    with Scene(server) as scene:
        for name, record in (
                ("reject", "v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@reject.test"), ("watch", "v=DMARC1; p=none; rua=mailto:a@watch.test"), ("mute", "v=DMARC1; p=none"),
                ("trial", "v=DMARC1; p=quarantine; t=y"), ("wrong", "v=DMARC1; p=nothing"), ("old", "v=DMARC1; p=reject; pct=50"), ("nop", "v=DMARC1; rua=mailto:a@nop.test"),
                ("sp", "v=DMARC1; p=reject; sp=nothing"),
                ("bare", "v=DMARC1; p=reject; rua=a@bare.test"), ("away", "v=DMARC1; p=reject; rua=mailto:a@reports.test"),
                ("agreed", "v=DMARC1; p=reject; rua=mailto:a@reports.test,mailto:b@sub.agreed.test")):
            scene.zone(name + ".test", "@ MX 10 mx\nsub MX 10 mx\nmx A %s\n_dmarc TXT \"%s\"" % (DEAD, record))
        scene.zone("none.test", "@ MX 10 mx\nmx A " + DEAD)
        scene.zone("two.test", "@ MX 10 mx\nmx A %s\n_dmarc TXT \"v=DMARC1; p=none\"\n_dmarc TXT \"v=DMARC1; p=reject\"" % DEAD)
        scene.zone("above.test", "_dmarc TXT \"v=DMARC1; p=reject\"\nsub MX 0 .\n_dmarc.sub TXT \"v=DMARC1; p=none\"\n_dmarc.sub TXT \"v=DMARC1; p=reject\"")
        scene.zone("reports.test", "agreed.test._report._dmarc TXT \"v=DMARC1\"")
        scene.start()
        for name, state, what, evidence, reason, record in (
                ("reject", "pass", "_dmarc.reject.test", "policy for the domain: reject; organizational domain: reject.test", "kept away", ""),
                ("sub.reject", "pass", "_dmarc.reject.test", "policy for the domain: quarantine; organizational domain: reject.test", "", ""),
                ("watch", "pass", "_dmarc.watch.test", "", "asks for reports", ""), ("mute", "warn", "_dmarc.mute.test", "", "asks for nothing", ""),
                ("trial", "pass", "_dmarc.trial.test", "", "being tried", ""), ("wrong", "fail", "_dmarc.wrong.test", "p=nothing", "cannot have this value", ""),
                ("old", "info", "_dmarc.old.test", "pct=50", "older DMARC", ""), ("nop", "warn", "_dmarc.nop.test", "", "p= is missing", ""),
                ("sp", "fail", "_dmarc.sp.test", "no policy", "counts as none", ""),
                ("bare", "fail", "_dmarc.bare.test", "a@bare.test", "mailto:", ""),
                ("none", "warn", "_dmarc.none.test", "", "", line("_dmarc.none.test", "TXT", "v=DMARC1; p=none; rua=mailto:postmaster@none.test")),
                ("two", "fail", "_dmarc.two.test", "2 records", "", ""), ("sub.above", "fail", "_dmarc.sub.above.test", "2 records", "", ""),
                ("away", "warn", "mailto:a@reports.test", "away.test._report._dmarc.reports.test", "", line("away.test._report._dmarc.reports.test", "TXT", "v=DMARC1")),
                ("agreed", "pass", "mailto:a@reports.test", "agreed.test._report._dmarc.reports.test", "agrees", "")):
            scene.check(name + ".test", "--dns-only").has("dmarc", state, what, evidence, reason, record)
        assert "warn" not in scene.check("agreed.test", "--dns-only").states("dmarc")


def test_sts(server):
    """MTA-STS and TLSRPT."""
    with Scene(server) as scene:
        names = ("good", "testing", "off", "other", "othertesting", "brief", "missing", "broken", "html")
        files = scene.trust(self_signed(server, "web", *("mta-sts.%s.test" % x for x in names)))
        address = scene.host()
        for name in (*names, "name"):
            scene.zone(name + ".test", "@ MX 10 mx\nmx A %s\n_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 127.0.0.1\n_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:a@x.test\"" % address)
        scene.zone("none.test", "@ MX 10 mx\nmx A " + address)
        scene.zone("noid.test", "@ MX 10 mx\nmx A %s\n_mta-sts TXT \"v=STSv1; id=a-b\"\n_smtp._tls TXT \"v=TLSRPTv1; rua=a@x.test\"" % address)
        scene.zone("two.test", "@ MX 10 mx\nmx A %s\n_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"\n_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:a@x.test\"\n"
                   "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:b@x.test\"" % address)
        scene.zone("nohost.test", "@ MX 10 mx\nmx A %s\n_mta-sts TXT \"v=STSv1; id=1\"" % address)
        scene.zone("silent.test", "@ MX 10 mx\nmx A %s\n_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 127.0.0.99" % address)
        with Web(files) as web:
            silent = Silent("127.0.0.99", web.server_port)
            web.texts = {"mta-sts.%s.test" % x: text for x, text in {
                "good": policy("enforce", "*.good.test"), "testing": policy("testing", "mx.testing.test"), "off": policy("none", "mx.elsewhere.test"),
                "other": policy("enforce", "mx.elsewhere.test"), "othertesting": policy("testing", "mx.elsewhere.test"), "missing": "",
                "brief": policy("enforce", "mx.brief.test").replace("86400", "3600"), "broken": policy("enforced", "mx.broken.test"), "html": "<html>"}.items()}
            scene.start(web)
            for name, state, what, evidence, reason, record in (
                    ("good", "pass", "mta-sts.good.test", "mode enforce, for 86400 s, mx: *.good.test", "", ""), ("testing", "info", "mta-sts.testing.test", "mode testing", "", ""),
                    ("off", "info", "mta-sts.off.test", "mode none", "", ""), ("other", "fail", "mx.other.test", "mx.elsewhere.test", "mx: mx.other.test", ""),
                    ("othertesting", "warn", "mx.othertesting.test", "", "being tested", ""), ("brief", "warn", "mta-sts.brief.test", "for 3600 s", "max_age", ""),
                    ("missing", "fail", "mta-sts.missing.test", "answers 404", "cannot be had", ""), ("broken", "fail", "mta-sts.broken.test", "mode: enforced", "no policy", ""),
                    ("html", "fail", "mta-sts.html.test", "<html>", "no policy", ""), ("name", "fail", "mta-sts.name.test", "", "certificate for the host's name", ""),
                    ("nohost", "fail", "mta-sts.nohost.test", "no address", "", ""),
                    ("none", "info", "_mta-sts.none.test", "no record", "", line("_mta-sts.none.test", "TXT", "v=STSv1; id=1")),
                    ("noid", "fail", "_mta-sts.noid.test", "id=a-b", "letters and digits", line("_mta-sts.noid.test", "TXT", "v=STSv1; id=1")),
                    ("two", "fail", "_mta-sts.two.test", "id=1", "several", "")):
                scene.check(name + ".test").has("mta-sts", state, what, evidence, reason, record)
            scene.check("silent.test", "--timeout", "2").has("mta-sts", "skipped", "mta-sts.silent.test", reason="longer --timeout")
            silent.close()
            assert scene.check("off.test").states("mta-sts") == ["info"], "hosts of a policy that asks for nothing"
            record = "v=TLSRPTv1; rua=mailto:postmaster@%s.test"
            scene.check("good.test").has("tlsrpt", "pass", "_smtp._tls.good.test", "mailto:a@x.test")
            scene.check("none.test").has("tlsrpt", "info", "_smtp._tls.none.test", record=line("_smtp._tls.none.test", "TXT", record % "none"))
            scene.check("noid.test").has("tlsrpt", "fail", evidence="rua=a@x.test", record=line("_smtp._tls.noid.test", "TXT", record % "noid"))
            scene.check("two.test").has("tlsrpt", "fail", reason="several")


def test_caa(server):
    """Who may give certificates, for the hosts, by the records at them or above."""
    with Scene(server) as scene:
        for name, caa in (("none", ""), ("one", "@ CAA 0 issue \"ca.test; a=b\"\n@ CAA 0 iodef \"mailto:a@one.test\""), ("own", "@ CAA 0 issue \"ca.test\"\nmx CAA 0 issue \"other.test\""),
                          ("nobody", "@ CAA 0 issue \";\""), ("iodef", "@ CAA 0 iodef \"mailto:a@x.test\""), ("critical", "@ CAA 128 tbs \"x\"\n@ CAA 0 issue \"ca.test\"")):
            scene.zone(name + ".test", "@ MX 10 mx\n@ MX 20 mx2\nmx A %s\nmx2 A %s\n%s" % (DEAD, DEAD, caa))
        scene.start()
        for name, state, what, evidence, reason in (
                ("none", "info", "mx.none.test", "no CAA", ""), ("one", "pass", "one.test", "ca.test", "Only these"), ("own", "pass", "mx.own.test", "other.test", ""),
                ("own", "pass", "own.test", "ca.test", ""), ("nobody", "warn", "nobody.test", "", "No authority"), ("iodef", "info", "iodef.test", "", "Any authority"),
                ("critical", "fail", "critical.test", "tbs", "RFC 8659 4.5")):
            answer = scene.check(name + ".test", "--dns-only")
            answer.has("caa", state, what, evidence, reason)
        assert scene.check("one.test", "--dns-only").states("caa") == ["pass"], "said twice"


def test_dnsbl(server):
    """Blocklists prove themselves (RFC 5782 5) before they are believed; 127.255.255.x is a refusal."""
    with Scene(server) as scene:
        v6 = ".".join("2.0.0.0.0.0.f.7.f.f.f.f".split(".") + ["0"] * 20)
        listed = "3.0.0.127 A 127.0.0.4\n3.0.0.127 TXT \"spam was seen\"\n"
        for name, records in (("good", "2.0.0.127 A 127.0.0.2\n" + listed), ("world", "* A 127.0.0.2"), ("gone", "x TXT y"), ("refusing", "2.0.0.127 A 127.255.255.254"),
                              ("later", "2.0.0.127 A 127.0.0.2\n3.0.0.127 A 127.255.255.255"), ("parked", "* A 192.0.2.1"), ("six", "2.0.0.127 A 127.0.0.2\n%s A 127.0.0.2" % v6)):
            scene.zone(name + ".test", records)
        scene.zone("x.test", "@ MX 10 mx\nmx A 127.0.0.3\nmx A 127.0.0.5\nmx AAAA ::1")
        scene.start()
        answer = scene.check("x.test", "--dns-only", *(word for x in ("good", "world", "gone", "refusing", "later", "parked", "six") for word in ("--dnsbl", x + ".test")))
        for state, what, evidence, reason in (
                ("fail", "127.0.0.3 at good.test", "127.0.0.4\nspam was seen", "on the list"), ("pass", "127.0.0.5 at good.test", "not listed", ""),
                ("skipped", "good.test", "", "knows no IPv6"), ("skipped", "world.test", "127.0.0.1", "lists what may never be on it"), ("skipped", "gone.test", "not there", "test entry"),
                ("skipped", "refusing.test", "127.255.255.254", "refusal"), ("skipped", "127.0.0.3 at later.test", "127.255.255.255", "refusal"), ("pass", "127.0.0.5 at later.test", "", ""),
                ("skipped", "parked.test", "192.0.2.1", "test entry"), ("pass", "::1 at six.test", "not listed", "")):
            answer.has("dnsbl", state, what, evidence, reason)
        assert answer.states("dnsbl").count("fail") == 1, answer


def test_text(server):
    """For people: fails first, with the record to publish."""
    with Scene(server) as scene:
        address = scene.host()
        scene.zone("x.test", "@ MX 10 mx\nmx A %s\n_dmarc TXT \"v=DMARC1; p=reject; x=\\027[31m\\010publish: lies\"\n@ CAA 0 issue \"ca\\010publish: lies\"" % address)
        scene.start()
        done = scene.command("x.test")
        assert done.returncode == 1 and done.stderr == "", done
        assert done.stdout.startswith("FAIL    spf: x.test\n"), done.stdout
        assert '        publish: x.test. IN TXT "v=spf1 mx -all"\n' in done.stdout, done.stdout
        heads = [x.split(" ")[0] for x in done.stdout.split("\n") if x and not x.startswith(" ")][:-1]
        assert heads == sorted(heads, key=("FAIL", "WARN", "pass", "info", "skipped").index), heads
        assert "\n        publish: lies" not in done.stdout and done.stdout.count("publish: lies") == 3, done.stdout
        assert "\x1b" not in done.stdout and "x=?[31m" in done.stdout, done.stdout
        assert re.search(r"\nx\.test: 1 failed, \d+ to be mended, \d+ good, \d+ to know, \d+ left out\n$", done.stdout), done.stdout[-200:]


def test_server(server):
    """--for-this-server: what `dns` prints, published as it is, is all there; what is taken out or changed is found, with the record."""
    with Scene(server) as scene:
        for name, bits in (("key", "2048"), ("other", "2048")):
            subprocess.run(["openssl", "genrsa", "-out", "%s/%s.pem" % (server.dir, name), bits], check=True, capture_output=True)
        files = self_signed(server, "tls", "mx.x.test", days=60)
        scene.more = {"tls": files, 'dkim "x.test"': {"rsa_selector": "s1", "rsa_key_file": server.dir + "/key.pem"}}
        scene.more.update(('dkim "%s.test"' % x, {"rsa_selector": "s1", "rsa_key_file": server.dir + "/other.pem"}) for x in ("changed", "bare"))
        ours = ("--for-this-server", "--address", "198.18.0.20")
        scene.start(hostname="mx.x.test")
        wanted = json.loads(server.command("dns", "x.test", "--json", "--address", "198.18.0.20", "--config", scene.path).stdout)["records"]
        lines = {(x["type"], x["name"]): x["line"] for x in wanted if x["place"] != "later"}
        assert {"MX", "A", "PTR", "TXT", "SRV", "TLSA"} <= {kind for kind, _ in lines}, lines
        scene.restart()
        scene.zone("arpa", lines["PTR", "20.0.18.198.in-addr.arpa"])
        scene.zone("x.test", NS + "\n".join(text for (kind, _), text in lines.items() if kind != "PTR"), signed=True)
        # The same host, and nothing right in the domain; and with mistakes in what is there.
        scene.zone("bare.test", NS + "@ MX 10 elsewhere.x.test.")
        scene.zone("changed.test", NS + "@ MX 20 mx.x.test.\n@ MX 30 other.x.test.\n@ TXT \"v=spf1 ip4:192.0.2.1 -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\ns1._domainkey TXT "
                   + txt("v=DKIM1; k=rsa; p=" + rsa(2048)))
        scene.start(hostname="mx.x.test")
        answer = scene.check("x.test", "--dns-only", *ours)
        assert answer.all["state"] in ("pass", "warn") and set(answer.states("server")) == {"pass"}, answer
        answer.has("server", "pass", evidence="%d of %d records" % (len(lines), len(lines)))
        answer.has("server", "pass", "SPF of mail from 198.18.0.20", evidence="pass by mx")
        answer.has("dkim", "pass", "s1._domainkey.x.test")      # its own selectors

        answer = scene.check("bare.test", "--dns-only", *ours)
        answer.has("server", "fail", "MX bare.test", evidence="10 elsewhere.x.test.", record=line("bare.test", "MX", "10 mx.x.test."))
        answer.has("server", "fail", "TXT bare.test", evidence="no such record", record=line("bare.test", "TXT", "v=spf1 mx -all"))
        key = answer.has("server", "fail", "TXT s1._domainkey.bare.test", evidence="no such record")
        assert key["record"].startswith('s1._domainkey.bare.test. IN TXT "v=DKIM1; k=rsa; p='), key
        answer.has("server", "warn", "TXT _dmarc.bare.test", record=line("_dmarc.bare.test", "TXT", "v=DMARC1; p=none; rua=mailto:postmaster@bare.test"))
        answer.has("server", "fail", "SPF of mail from 198.18.0.20", evidence="none", record=line("bare.test", "TXT", "v=spf1 ip4:198.18.0.20 -all"))
        answer.has("dkim", "fail", "s1._domainkey.bare.test")

        answer = scene.check("changed.test", "--dns-only", *ours)
        assert not [f for f in answer.findings if f["what"] == "MX changed.test"], answer       # another preference is no matter
        answer.has("server", "info", "TXT changed.test", evidence="v=spf1 ip4:192.0.2.1 -all", reason="something else")
        answer.has("server", "info", "TXT _dmarc.changed.test", evidence="p=reject")
        answer.has("server", "fail", "TXT s1._domainkey.changed.test", evidence="v=DKIM1", reason="Not what this server has")
        answer.has("server", "fail", "SPF of mail from 198.18.0.20", evidence="fail by -all", record=line("changed.test", "TXT", "v=spf1 ip4:192.0.2.1 ip4:198.18.0.20 -all"))

        # Mail goes out from another address: that one has to pass, and the one at which mail comes need not.
        scene.start(hostname="mx.x.test", source_v4="11.22.33.55")
        answer = scene.check("bare.test", "--dns-only", *ours)
        assert [f["what"] for f in answer.findings if f["what"].startswith("SPF of")] == ["SPF of mail from 11.22.33.55"], answer
        scene.start(hostname="mx.x.test")

        # The address has another name, the certificate is a new one.
        scene.world.change("arpa", "20.0.18.198.in-addr PTR pool-20.provider.test.")
        scene.world.change("x.test", NS + "\n".join(text.replace("3 1 1 ", "3 1 1 00") if kind == "TLSA" else text for (kind, _), text in lines.items()
                                                    if kind not in ("PTR", "TLSA")) + "\n_25._tcp.mx TLSA 3 1 1 " + "ab" * 32, signed=True)
        answer = scene.check("x.test", "--dns-only", *ours)
        answer.has("server", "fail", "PTR 20.0.18.198.in-addr.arpa", evidence="pool-20.provider.test.", record=line("20.0.18.198.in-addr.arpa", "PTR", "mx.x.test."))
        answer.has("server", "fail", "TLSA _25._tcp.mx.x.test", evidence="3 1 1 abab", reason="Not what this server has")

        assert scene.command("x.test", "--address", "198.18.0.20").returncode == 2
        assert scene.command("x.test", "--for-this-server", "--address", "x").returncode == 2
        # Who has no public address, and keys that cannot be read, is told.
        os.unlink(server.dir + "/key.pem")
        answer = scene.check("x.test", "--dns-only", *ours)
        answer.has("server", "skipped", evidence="selector s1 is left out")


def test_too_much(server):
    """A domain that publishes much: warnings without number hide no failure, and long lists take no other finding away."""
    with Scene(server) as scene:
        scene.zone("many.test", "@ TXT \"v=spf1 +all\"\nmx A %s\n" % DEAD + "".join("@ MX %d mx\n" % i for i in range(700)))
        scene.zone("long.test", "@ TXT \"v=spf1 +all\"\n@ MX 10 mx\nmx A %s\n" % DEAD + "".join("_mta-sts TXT \"v=STSv1; id=%d\"\n" % i for i in range(1500)) +
                   "".join("_smtp._tls TXT \"v=TLSRPTv1; rua=a%d\"\n" % i for i in range(1500)))
        scene.start()
        scene.check("many.test", "--dns-only").has("spf", "fail", reason="worse than none")
        answer = scene.check("long.test", "--dns-only")
        answer.has("spf", "fail", reason="worse than none")
        answer.has("mta-sts", "fail", reason="several count as none")
        assert max(len(f["evidence"]) for f in answer.findings) < 5000

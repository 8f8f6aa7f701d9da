# SPDX-License-Identifier: MIT
"""
Where mail for a domain goes, asked from a DNS of our own with signatures (lib/dnsworld.py), by the functions that the sender uses: MX records
(RFC 5321 5.1, RFC 7505), addresses (RFC 8305 4), TLSA records and which answers are believed (RFC 7672 2).
"""

import json
import os
import socket
import time

from dnsworld import World

DIGEST = "ab" * 32
TLSA = "TLSA 3 1 1 " + DIGEST


def settings_file(server, world, dns=None, **sections):
    path = os.path.join(server.dir, "dns.conf")
    sections = {"dns": {**world.settings(), **(dns or {})}, 'listener "x"': {"port": "2525"}, "server": {"hostname": "Mail.Here.Test"},
                **sections}
    with open(path, "w", encoding="utf-8") as f:
        for section, keys in sections.items():
            f.write("[%s]\n" % section + "".join("%s = %s\n" % pair for pair in keys.items()))
    return path


def check(server, path, domain, *options):
    """Exit status and JSON."""
    done = server.command("check", "mx", domain, "--config", path, "--json", "--dns-only", *options)
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)


def stages(answer):
    """[(stage, host, state, trust, enhanced)] of those that the DNS answers."""
    return [(s["stage"], s["host"], s["state"], s["trust"], s["enhanced"]) for s in answer["stages"]
            if s["stage"] in ("mx", "addresses", "dane")]


def stage(answer, name):
    return next(s for s in answer["stages"] if s["stage"] == name)


def hosts(answer):
    return [h["host"] for h in stage(answer, "mx")["details"]["hosts"]]


STATUS = {"ok": 0, "failed": 1, "later": 5}

# domain: state of all, hosts, the first enhanced code that is told
DECISIONS = {
    "two.test": ("ok", ["a.two.test", "b.two.test"], ""),
    "deep.sub.two.test": ("ok", ["a.two.test"], ""),
    "TWO.test.": ("ok", ["a.two.test", "b.two.test"], ""),
    "someone@two.test": ("ok", ["a.two.test", "b.two.test"], ""),
    "implicit.two.test": ("ok", ["implicit.two.test"], ""),
    "alias.two.test": ("ok", ["a.two.test", "b.two.test"], ""),
    "alias-implicit.two.test": ("ok", ["alias-implicit.two.test"], ""),
    "b\u00fccher.test": ("ok", ["mx.xn--bcher-kva.test"], ""),
    "numbers.two.test": ("ok", ["8.8.4.4"], ""),
    "null.two.test": ("failed", [], "5.1.10"),
    "gone.two.test": ("failed", [], "5.1.2"),
    "gone.test": ("failed", [], "5.1.2"),
    "nothing.two.test": ("failed", ["nothing.two.test"], "5.4.4"),
    "no-address.two.test": ("failed", ["text.two.test", "gone.two.test"], "5.4.4"),
    "one-address.two.test": ("ok", ["gone.two.test", "a.two.test"], "5.4.4"),
    "private.two.test": ("failed", ["private-host.two.test"], "5.4.4"),
    "half-private.two.test": ("ok", ["half-private-host.two.test"], ""),
    "self.two.test": ("failed", [], "5.4.6"),
    "backup.two.test": ("ok", ["a.two.test"], ""),
    "strange.two.test": ("ok", ["a.two.test"], ""),
    "dead.test": ("later", [], "4.4.3"),
    "to-dead.two.test": ("later", ["mx.dead.test"], "4.4.3"),
    "to-dead-and-gone.two.test": ("later", ["mx.dead.test", "gone.two.test"], "4.4.3"),
    "many.two.test": ("ok", 20, ""),
}
TWO = """
@ MX 20 b
@ MX 10 a
a A 8.8.8.8
a A 8.8.4.4
a AAAA 2620:fe::9
b A 9.9.9.9
deep.sub MX 0 a
implicit A 8.8.8.8
alias CNAME two.test.
alias-implicit CNAME implicit
numbers MX 10 8.8.4.4.
null MX 0 .
nothing TXT "no address"
text TXT "no address"
no-address MX 10 text
no-address MX 20 gone
one-address MX 10 gone
one-address MX 20 a
private MX 10 private-host
private-host A 127.0.0.1
private-host A 10.0.0.1
private-host AAAA ::1
private-host AAAA fd00::1
half-private MX 10 half-private-host
half-private-host A 192.168.1.1
half-private-host A 8.8.8.8
self MX 10 mail.here.test.
self MX 10 a
self MX 20 b
backup MX 10 a
backup MX 20 mail.here.test.
backup MX 30 b
strange MX 10 a\\032b
strange MX 20 a
to-dead MX 10 mx.dead.test.
to-dead-and-gone MX 10 mx.dead.test.
to-dead-and-gone MX 20 gone
""" + "".join("many MX %d mail-exchanger-number-%d.with-a-long-name\n" % (100 + i, i) for i in range(150)) \
    + "".join("mail-exchanger-number-%d.with-a-long-name A 8.8.8.8\n" % i for i in range(20))


def test_decisions(server):
    """RFC 5321 5.1, RFC 7505; answers that need TCP; what is of no use for mail."""
    with World() as world:
        world.zone("two.test", TWO, signed=True)
        world.zone("xn--bcher-kva.test", "@ MX 10 mx\nmx A 8.8.8.8")
        world.zone("dead.test", "", dead=True)
        world.start()
        path = settings_file(server, world)
        for domain, (state, want, enhanced) in DECISIONS.items():
            status, answer = check(server, path, domain)
            told = [s["enhanced"] for s in answer["stages"] if s["enhanced"]]
            assert (answer["state"], status) == (state, STATUS[state]), (domain, answer)
            assert hosts(answer) == want or len(hosts(answer)) == want, (domain, answer)
            assert (told or [""])[0] == enhanced, (domain, answer)
            assert answer["is_validating"], answer
        _, answer = check(server, path, "two.test")
        found = stage(answer, "addresses")["details"]["addresses"]
        assert found[0] == "2620:fe::9" and sorted(found[1:]) == ["8.8.4.4", "8.8.8.8"], answer
        _, answer = check(server, path, "half-private.two.test")
        assert stage(answer, "addresses")["details"]["addresses"] == ["8.8.8.8"], answer
        many = hosts(check(server, path, "many.two.test")[1])
        assert many[0].startswith("mail-exchanger-number-0.") and many[19].startswith("mail-exchanger-number-19."), many

        path = settings_file(server, world, queue={"allow_private_addresses": "yes"})
        _, answer = check(server, path, "private.two.test")
        assert sorted(stage(answer, "addresses")["details"]["addresses"]) == ["10.0.0.1", "127.0.0.1", "::1", "fd00::1"], answer


WRONG = {
    "tampered.test": {"tampered": ("8.8.8.8", "8.8.8.9")},
    "tampered-mx.test": {"tampered": ("\t10 mx", "\t11 mx")},
    "expired.test": {"expired": True},
    "stripped.test": {"stripped": True},
}


def test_signatures(server):
    """RFC 7672 2.1.1: what is signed and wrong is an error of the moment, not an absence, and not insecure."""
    with World() as world:
        world.zone("good.test", "@ MX 10 mx\nmx A 8.8.8.8", signed=True)
        world.zone("plain.test", "@ MX 10 mx\nmx A 8.8.8.8")
        for name, options in WRONG.items():
            world.zone(name, "@ MX 10 mx\nmx A 8.8.8.8", **options)
        world.zone("spare.test", "@ MX 10 mx.tampered.test.\n@ MX 20 mx.good.test.", signed=True)
        world.start()
        path = settings_file(server, world)
        assert stages(check(server, path, "good.test")[1]) == [
            ("mx", "", "ok", "secure", ""), ("addresses", "mx.good.test", "ok", "secure", ""), ("dane", "mx.good.test", "none", "", "")]
        assert stages(check(server, path, "plain.test")[1])[:2] == [
            ("mx", "", "ok", "insecure", ""), ("addresses", "mx.plain.test", "ok", "insecure", "")]
        for name in WRONG:
            status, answer = check(server, path, name)
            assert (status, answer["state"]) == (5, "later"), answer
            assert stages(answer)[-1][2:] == ("later", "bogus", "4.7.5"), answer
            assert answer["is_validating"], answer
        status, answer = check(server, path, "gone.good.test")
        assert status == 1 and stages(answer) == [("mx", "", "failed", "secure", "5.1.2")], answer
        # One host that cannot be used leaves the others (RFC 7672 2.1.2).
        status, answer = check(server, path, "spare.test")
        assert status == 0 and [s[1:3] for s in stages(answer)] == [
            ("", "ok"), ("mx.tampered.test", "later"), ("mx.good.test", "ok"), ("mx.good.test", "none")], answer

        # RFC 7646: the operator knows better.
        path = settings_file(server, world, {"unsigned_domains": "stripped.test"})
        status, answer = check(server, path, "stripped.test")
        assert status == 0 and stages(answer)[0] == ("mx", "", "ok", "insecure", ""), answer
        assert check(server, path, "expired.test")[0] == 5
        path = settings_file(server, world, {"dnssec": "no"})
        status, answer = check(server, path, "tampered.test")
        assert status == 0 and stages(answer)[0] == ("mx", "", "ok", "insecure", "") and not answer["is_validating"], answer


def test_resolver_without_signatures(server):
    """A resolver that gives none, not even for the root: with dnssec = auto mail goes out as if nothing was signed."""
    with World(signed=False) as world:
        world.zone("plain.test", "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx %s" % TLSA)
        world.start()
        status, answer = check(server, settings_file(server, world), "plain.test")
        assert status == 0 and not answer["is_validating"], answer
        assert [s[2:4] for s in stages(answer)] == [("ok", "insecure"), ("ok", "insecure"), ("none", "")], answer
        assert "not checked" in stage(answer, "dane")["found"][0], answer
        status, answer = check(server, settings_file(server, world, {"dnssec": "required"}), "plain.test")
        assert status == 5 and stages(answer) == [("mx", "", "later", "bogus", "4.7.5")], answer


# domain: state of the DANE stage, base of the records, usable
DANE = {
    "dane.test": ("ok", "mx.dane.test", True),
    "mixed.test": ("ok", "mx.mixed.test", True),
    "unusable.test": ("ok", "mx.unusable.test", False),
    "without.test": ("none", "", False),
    "implicit.dane.test": ("ok", "implicit.dane.test", True),
    # RFC 7672 2.2.2: aliases
    "alias.test": ("ok", "mx.dane.test", True),
    "alias-own.test": ("ok", "mx.alias-own.test", True),
    "alias-insecure.test": ("ok", "mx.alias-insecure.test", True),
    "alias-itself-insecure.test": ("none", "", False),
    # RFC 7672 2.2.3: aliases of the records
    "records-elsewhere.test": ("ok", "mx.records-elsewhere.test", True),
    "records-insecure.test": ("none", "", False),
    # RFC 7672 2.2.1: MX records without a signature
    "plain.test": ("none", "", False),
    "plain-to-dane.test": ("none", "", False),
    # RFC 7672 2.2.2: servers that answer badly for TLSA, in zones without a signature
    "shy.test": ("none", "", False),
    "shy-alias.test": ("none", "", False),
    # RFC 7672 2.1.2: errors
    "records-tampered.test": ("later", "", False),
    "records-dead.test": ("later", "", False),
}


def test_dane(server):
    """Where TLSA records are looked for, when they are believed, what is an error."""
    signed = {
        "dane.test": "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx %s\ntlsa %s\nimplicit A 8.8.8.8\n_25._tcp.implicit %s\n_2525._tcp.mx TLSA 2 0 2 %s"
                     % (TLSA, TLSA, TLSA, DIGEST * 2),
        "mixed.test": "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx TLSA 0 0 1 %s\n_25._tcp.mx TLSA 2 1 2 %s" % (DIGEST, DIGEST * 2),
        "unusable.test": "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx TLSA 1 1 1 %s\n_25._tcp.mx TLSA 3 1 1 abcd" % DIGEST,
        "without.test": "@ MX 10 mx\nmx A 8.8.8.8",
        "alias.test": "@ MX 10 mx\nmx CNAME mx.dane.test.\n_25._tcp.mx TLSA 3 1 1 %s" % ("cd" * 32),
        "alias-own.test": "@ MX 10 mx\nmx CNAME mx.without.test.\n_25._tcp.mx " + TLSA,
        "alias-insecure.test": "@ MX 10 mx\nmx CNAME mx.plain.test.\n_25._tcp.mx " + TLSA,
        "alias-itself-insecure.test": "@ MX 10 mx-alias.plain.test.",
        "records-elsewhere.test": "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx CNAME tlsa.dane.test.",
        "records-insecure.test": "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx CNAME _25._tcp.mx.plain.test.",
        "records-dead.test": "@ A 8.8.8.8",
        "shy.test": "@ MX 10 mx.shyplain.test.",
        "shy-alias.test": "@ MX 10 alias.shyplain.test.",
    }
    with World() as world:
        for name, records in signed.items():
            world.zone(name, records, signed=True)
        world.zone("records-tampered.test", "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx " + TLSA, tampered=(DIGEST, "ac" * 32))
        world.zone("_tcp.records-dead.test", "", dead=True)
        world.zone("plain.test", "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx %s\nmx-alias CNAME mx.dane.test.\n_25._tcp.mx-alias %s" % (TLSA, TLSA))
        world.zone("shyplain.test", "mx A 8.8.8.8\nalias CNAME mx.dane.test.\n_tcp.mx NS ns.test.\n_tcp.alias NS ns.test.")
        world.zone("_tcp.mx.shyplain.test", "", dead=True)
        world.zone("_tcp.alias.shyplain.test", "", dead=True)
        world.zone("plain-to-dane.test", "@ MX 10 mx.dane.test.")
        world.start()
        path = settings_file(server, world)
        for name, (state, base, is_usable) in DANE.items():
            _, answer = check(server, path, name)
            dane = stage(answer, "dane")
            assert (dane["state"], dane["details"]["base"], dane["details"]["is_usable"]) == (state, base, is_usable), (name, answer)
            assert dane["trust"] == ("secure" if state == "ok" else dane["trust"]), (name, answer)
        assert stage(check(server, path, "records-tampered.test")[1], "dane")["enhanced"] == "4.7.5"
        assert stage(check(server, path, "records-dead.test")[1], "dane")["enhanced"] == "4.4.3"
        # The port is part of the question.
        _, answer = check(server, path, "dane.test", "--port", "2525")
        assert stage(answer, "dane")["details"]["records"] == ["2 0 2 %s..." % DIGEST], answer
        assert stage(check(server, path, "dane.test", "--port", "26")[1], "dane")["state"] == "none"
        path = settings_file(server, world, queue={"port": "2525"})
        assert check(server, path, "dane.test")[1]["port"] == 2525


def test_world_changes(server):
    """The world of these tests itself: a zone gets other content, and other signatures."""
    with World() as world:
        world.zone("good.test", "@ MX 10 mx\nmx A 8.8.8.8", signed=True)
        world.start()
        path = settings_file(server, world)
        assert hosts(check(server, path, "good.test")[1]) == ["mx.good.test"]
        world.change("good.test", "@ MX 10 other\nother A 8.8.8.8", signed=True)
        assert hosts(check(server, path, "good.test")[1]) == ["other.good.test"]
        world.change("good.test", "@ MX 10 other\nother A 8.8.8.8", expired=True)
        assert stages(check(server, path, "good.test")[1]) == [("mx", "", "later", "bogus", "4.7.5")]


def test_no_resolver(server):
    """Nobody answers: told in the time of the settings, and mail would wait."""
    with World() as world, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        world.start()
        path = settings_file(server, world, {"servers": "127.0.0.1@%d" % silent.getsockname()[1], "timeout": "300ms"})
        begun = time.monotonic()
        status, answer = check(server, path, "two.test")
        assert status == 5 and stages(answer) == [("mx", "", "later", "", "4.4.3")], answer
        assert time.monotonic() - begun >= 0.3


def test_command(server):
    """Texts, and what is wrong with arguments and settings."""
    with World() as world:
        world.zone("good.test", "@ MX 10 mx\nmx A 8.8.8.8\n_25._tcp.mx " + TLSA, signed=True)
        world.start()
        path = settings_file(server, world)
        done = server.command("check", "mx", "good.test", "--config", path, "--dns-only")
        for part in ("mx          ok", "10 mx.good.test", "secure  mx.good.test", "8.8.8.8", "3 1 1 abab", "Mail would go out.\n"):
            assert part in done.stdout, (part, done)
        for arguments in ([], ["a..b"], ["a b"], ["good.test", "--port", "0"], ["good.test", "--port", "x"]):
            done = server.command("check", "mx", *arguments, "--config", path)
            assert done.returncode == 2 and done.stderr, (arguments, done)
        path = settings_file(server, world, {"trust_anchor_file": world.path("nothing")})
        done = server.command("check", "mx", "good.test", "--config", path)
        assert done.returncode in (2, 3) and world.path("nothing") in done.stderr, done
        path = settings_file(server, world, {"servers": "ns.example.org"})
        done = server.command("check", "mx", "good.test", "--config", path)
        assert done.returncode == 2 and "servers" in done.stderr, done

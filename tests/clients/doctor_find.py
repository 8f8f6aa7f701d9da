# SPDX-License-Identifier: MIT
"""
Where `martlet check ADDRESS` looks for servers: a DNS with signatures, web servers, and what a domain may publish, right, wrong or hostile. The world is
lib/doctorworld.py; that nobody speaks mail in it is no matter here.
"""

import json
import threading
import time

from certs import self_signed
from doctorworld import Internet, Page, Silent

HOST, OTHER, DEAD = "203.0.113.20", "203.0.113.21", "203.0.113.22"
FIRST, SECOND = "/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"
SLACK = 15      # seconds, of a busy machine


def entry(kind, host, port, socket, user="%EMAILADDRESS%"):
    element = "outgoingServer" if kind == "smtp" else "incomingServer"
    return "<%s type=\"%s\"><hostname>%s</hostname><port>%s</port><socketType>%s</socketType><username>%s</username></%s>" % (
        element, kind, host, port, socket, user, element)


def config(*entries, before=""):
    return '<?xml version="1.0"?>%s<clientConfig version="1.1"><emailProvider id="x">%s</emailProvider></clientConfig>' % (before, "".join(entries))


def check(net, server, what, *options, text=""):
    """What it says; it has ended by itself, in order."""
    done = net.command(server, "check", what, "--json", *options, text=text)
    assert done.returncode >= 0 and done.stderr == "", done
    return json.loads(done.stdout)


def candidates(answer, *sources):
    """["srv imap implicit host:port"], of these sources."""
    return ["%s %s %s %s:%d%s%s" % (c["source"], c["protocol"], c["tls"], c["host"], c["port"], " " + c["user"] if c["user"] else "",
                                    " unproven" if c["is_unproven"] else "") for c in answer["candidates"] if c["source"] in sources or not sources]


def hint(answer, what):
    found = [h for h in answer["hints"] if h["what"] == what]
    assert len(found) == 1, (what, answer["hints"])
    return found[0]["error"], found[0]["found"]


def errors(answer, source):
    return {h["error"] for h in answer["hints"] if h["source"] == source}


def facts(answer):
    return {name for name, value in answer.items() if name.startswith("is_") and value}


def web_files(net, server, *hosts):
    return net.trust(self_signed(server, "web", *hosts))


def test_published(server):
    """All that a domain publishes, with who says it, best first; who is asked hears of the address, and nobody else does."""
    with Internet() as net:
        net.zone("good.test", """
@ MX 10 mx
@ A %(host)s
mx A %(host)s
mx AAAA 2001:db8:113::14
pop A %(host)s
autoconfig A %(host)s
_imaps._tcp SRV 0 1 993 imap
_imaps._tcp SRV 10 1 993 late
_imap._tcp SRV 0 0 0 .
_submissions._tcp SRV 0 1 465 smtp.elsewhere.test.
_sieve._tcp SRV 20 1 4190 imap
""" % {"host": HOST}, signed=False)
        net.zone("elsewhere.test", "smtp A %s" % HOST)
        web = net.web(HOST, web_files(net, server, "good.test", "autoconfig.good.test"),
                      {"autoconfig.good.test" + FIRST: Page(config(entry("imap", "imap.good.test", 993, "SSL"), entry("pop3", "pop.%EMAILDOMAIN%", 995, "SSL", "%EMAILLOCALPART%"),
                                                                   entry("smtp", "smtp.good.test", 587, "STARTTLS"), entry("exchange", "x.test", 443, "SSL")),
                                                            type="application/xml; charset=utf-8")})
        net.start()
        answer = check(net, server, "you+x@good.test")
        assert candidates(answer, "srv", "autoconfig") == [
            "srv imap implicit imap.good.test:993 you+x@good.test", "srv submission implicit smtp.elsewhere.test:465 unproven", "srv imap implicit late.good.test:993",
            "srv sieve starttls imap.good.test:4190", "srv sieve plain imap.good.test:4190",
            "autoconfig pop3 implicit pop.good.test:995 you+x", "autoconfig submission starttls smtp.good.test:587 you+x@good.test"], candidates(answer)
        guesses = candidates(answer, "mx", "name")
        assert guesses[:2] == ["mx smtp starttls mx.good.test:25", "mx smtp plain mx.good.test:25"], guesses
        assert "mx pop3 implicit mx.good.test:995" in guesses and "name pop3 starttls pop.good.test:110" in guesses, guesses
        assert "name submission starttls good.test:2525" in guesses, guesses
        assert not any(":143" in x for x in guesses), guesses      # the domain says that it has none
        assert hint(answer, "SRV _imaps._tcp.good.test") == ("", "0 1 993 imap.good.test, 10 1 993 late.good.test"), answer["hints"]
        assert "no such service" in hint(answer, "SRV _imap._tcp.good.test")[1], answer["hints"]
        assert "not signed" in hint(answer, "SRV _submissions._tcp.good.test")[1], answer["hints"]
        assert hint(answer, "SRV _pop3._tcp.good.test")[0] == "NOT_FOUND", answer["hints"]
        assert hint(answer, "MX good.test") == ("", "10 mx.good.test"), answer["hints"]
        assert hint(answer, "A, AAAA mx.good.test") == ("", "2001:db8:113::14, " + HOST), answer["hints"]
        error, found = hint(answer, "https://autoconfig.good.test" + FIRST)
        assert error == "" and "pop3 pop.good.test port 995" in found and "cannot be used: 1" in found, answer["hints"]
        assert hint(answer, "https://good.test" + SECOND) == ("NOT_FOUND", "the server answers 404"), answer["hints"]
        assert not any("you" in h["found"] + h["what"] for h in answer["hints"]), answer["hints"]
        assert facts(answer) == set(), facts(answer)
        assert sorted(web.asked) == ["autoconfig.good.test%s?emailaddress=you%%2Bx%%40good.test" % FIRST,
                                     "good.test%s?emailaddress=you%%2Bx%%40good.test" % SECOND], web.asked
        # One protocol, one port.
        assert candidates(check(net, server, "you@good.test", "--protocol", "imap", "--port", "993"), "srv") == [
            "srv imap implicit imap.good.test:993 you@good.test", "srv imap implicit late.good.test:993"]
        # A host is asked nothing about.
        n = len(web.asked)
        answer = check(net, server, "good.test", "--protocol", "imap", "--port", "143")
        assert answer["hints"] == [] and len(web.asked) == n, answer
        assert candidates(answer) == ["user imap starttls good.test:143", "user imap plain good.test:143"], candidates(answer)


def test_nothing(server):
    """A domain without anything, none, one whose name servers are dead, and a DNS that is silent are four different things."""
    with Internet() as net:
        net.zone("empty.test", "")
        net.zone("nullmx.test", "@ MX 0 .\n@ A %s" % HOST)
        net.zone("dead.test", "", dead=True)
        net.start()
        answer = check(net, server, "you@empty.test")
        assert candidates(answer) == [] and facts(answer) == set() and errors(answer, "srv") == {"NOT_FOUND"}, answer
        assert hint(answer, "MX empty.test") == ("NOT_FOUND", "there are no such records"), answer["hints"]
        answer = check(net, server, "you@none.test")
        assert candidates(answer) == [] and facts(answer) == {"is_nxdomain"}, answer
        assert hint(answer, "MX none.test") == ("NOT_FOUND", "there is no such name"), answer["hints"]
        answer = check(net, server, "you@nullmx.test")
        assert candidates(answer, "mx") == [] and facts(answer) == {"is_null_mx"} and "takes no mail" in hint(answer, "MX nullmx.test")[1], answer
        answer = check(net, server, "you@dead.test")
        assert candidates(answer) == [] and facts(answer) == {"is_dns_dead"} and errors(answer, "mx") == {"IO"}, answer
        for domain, part in (("empty", "publishes no mail server"), ("none", "no such domain"), ("nullmx", "takes no mail"),
                             ("dead", "name servers of the domain give no answer")):
            done = net.command(server, "check", "you@%s.test" % domain)
            assert done.returncode in (3, 21) and part in done.stdout.split("\n")[1], done
        net.drop_dns()
        begin = time.monotonic()
        answer = check(net, server, "you@empty.test", "--timeout", "3")
        assert time.monotonic() - begin < 3 + SLACK, answer
        assert candidates(answer) == [] and facts(answer) == {"is_deaf"}, answer
        assert errors(answer, "srv") <= {"TIMEOUT", "IO"} and "autoconfig.empty.test" in answer["hints"][7]["what"], answer


def test_signatures(server):
    """What is signed and wrong is no answer. What is signed and right may name hosts elsewhere (RFC 6186 6)."""
    records = "_imaps._tcp SRV 0 1 993 imap.elsewhere.test.\n@ MX 10 mx.elsewhere.test.\nmail A %s" % HOST
    with Internet() as net:
        net.zone("signed.test", records, signed=True)
        net.zone("unsigned.test", records)
        net.zone("expired.test", records, expired=True)
        net.zone("tampered.test", records, tampered=("SRV\t0 1 993", "SRV\t0 1 994"))
        net.zone("elsewhere.test", "imap A %s\nmx A %s" % (HOST, HOST))
        net.start()
        for domain, mark in (("signed.test", ""), ("unsigned.test", " unproven")):
            answer = check(net, server, "you@" + domain, "--protocol", "imap")
            assert candidates(answer, "srv") == ["srv imap implicit imap.elsewhere.test:993" + mark], candidates(answer)
            assert {c["is_unproven"] for c in answer["candidates"] if c["source"] == "mx"} == {bool(mark)}, answer
            assert facts(answer) == set(), answer
        answer = check(net, server, "you@expired.test", "--protocol", "imap")
        assert candidates(answer) == [] and "is_bogus" in facts(answer) and errors(answer, "srv") == errors(answer, "mx") == {"DENIED"}, answer
        assert "signatures are wrong" in hint(answer, "SRV _imaps._tcp.expired.test")[1], answer["hints"]
        answer = check(net, server, "you@tampered.test", "--protocol", "imap")
        assert candidates(answer, "srv") == [] and facts(answer) == {"is_bogus"}, answer
        assert "name imap implicit mail.tampered.test:993" in candidates(answer), candidates(answer)


def test_wildcard(server):
    """Where each name has an address, those that have one of their own come first, and it is told."""
    with Internet() as net:
        net.zone("wild.test", "* A %s\n@ A %s\nmail A %s" % (OTHER, OTHER, HOST))
        net.start()
        answer = check(net, server, "you@wild.test", "--protocol", "imap")
        hosts = [c["host"] for c in answer["candidates"]]
        assert list(dict.fromkeys(hosts)) == ["mail.wild.test", "wild.test", "imap.wild.test", "mx.wild.test"], hosts
        assert facts(answer) == {"is_wildcard"} and "made by chance" in answer["hints"][-1]["found"], answer["hints"]
        assert hint(answer, "A, AAAA imap.wild.test")[1] == OTHER + ": as any name of this domain", answer["hints"]


def test_slow_web_servers(server):
    """Silence, a body without end, a network that drops: they cost their share of the time and no more, and nothing else is lost."""
    release = threading.Event()
    page = Page(config(entry("imap", "late.slow.test", 993, "SSL")), wait=release)
    with Internet() as net:
        net.zone("slow.test", "@ A %s\nautoconfig A %s\n_imaps._tcp SRV 0 1 993 @" % (HOST, DEAD))
        net.zone("late.test", "@ A %s\nautoconfig A %s" % (OTHER, HOST))
        net.start()
        net.listen(Silent, HOST, 443)
        net.web(OTHER, web_files(net, server, "late.test"), {"late.test" + SECOND: page})
        net.drop(address=DEAD)
        for domain in ("slow.test", "late.test"):
            begin = time.monotonic()
            answer = check(net, server, "you@" + domain, "--protocol", "imap", "--timeout", "3")
            assert time.monotonic() - begin < 3 + SLACK, answer
            assert errors(answer, "autoconfig") == {"TIMEOUT"} and candidates(answer, "autoconfig") == [], answer["hints"]
            assert candidates(answer, "name") and facts(answer) == set(), answer
            if domain == "slow.test":
                assert candidates(answer, "srv") == ["srv imap implicit slow.test:993"], candidates(answer)
        release.set()


HOSTILE = {         # name: (page, error, a part of what is said)
    "laughs": (Page(config("<x>&i;</x>", before="<!DOCTYPE c [<!ENTITY a 'ha'>%s]>" % "".join(
        "<!ENTITY %s '%s'>" % (b, 10 * ("&%s;" % a)) for a, b in zip("abcdefgh", "bcdefghi")))), "DENIED", "DOCTYPE"),
    "passwd": (Page(config(entry("imap", "h.test", 993, "SSL", "&f;"), before="<!DOCTYPE c [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>")), "DENIED", "DOCTYPE"),
    "subset": (Page(config(before="<!DOCTYPE c SYSTEM 'https://autoconfig.subset.test/x.dtd'>")), "DENIED", "DOCTYPE"),
    "parameter": (Page(config(before="<!DOCTYPE c [<!ENTITY % p SYSTEM 'file:///dev/zero'> %p;]>")), "DENIED", "DOCTYPE"),
    "long": (Page(config("<x>%s</x>" % ("a" * 10000000))), "LIMIT", "too long"),
    "attribute": (Page(config("<x %s/>" % " ".join("a%d='%s'" % (n, "b" * 50) for n in range(2000)))), "LIMIT", "too long"),
    "deep": (Page("<clientConfig>" + "<a>" * 15000), "LIMIT", "nested"),
    "html": (Page("<!DOCTYPE html><html></html>", type="text/html"), "SYNTAX", "media type is text/html"),
    "json": (Page("{}", type="application/json"), "SYNTAX", "media type"),
    "untyped": (Page(config(entry("imap", "h.test", 993, "SSL")), type=""), "SYNTAX", "media type"),
    "nonsense": (Page(b"\0\xff<" * 1000), "SYNTAX", "not well-formed"),
    "other": (Page("<rss version='2.0'/>"), "SYNTAX", "clientConfig"),
    "escapes": (Page(config(entry("imap", "h\x1b[2J.test", 993, "SSL"))), "SYNTAX", "not well-formed"),
    "teapot": (Page("", status=418), "NOT_FOUND", "418"),
    "loop": (Page("", status=302, location="https://autoconfig.loop.test" + FIRST), "NOT_FOUND", "too often"),
    "plain": (Page("", status=301, location="http://autoconfig.plain.test/x?emailaddress=you@plain.test"), "NOT_FOUND", "not followed: http://autoconfig.plain.test/x"),
    "file": (Page("", status=301, location="file:///etc/passwd"), "NOT_FOUND", ""),
    "inside": (Page("", status=301, location="https://127.0.0.1:25/"), "NOT_FOUND", "not followed"),
    "empty": (Page(config()), "", "no server that can be used"),
    "ports": (Page(config(*(entry("imap", "h.test", port, "SSL") for port in ("0", "-1", "65536", "1e3", "0x10", "")))), "", "cannot be used: 6"),
    "hosts": (Page(config(*(entry("imap", host, 993, "SSL") for host in ("", ".", "a b", "*.x", "http://x", "x" * 300, "[1]", "%REALNAME%")))), "",
              "cannot be used: 8"),
    "many": (Page(config(*(entry("imap", "h%d.many.test" % n, 993, "SSL") for n in range(300)))), "", "cannot be used: 284"),
}


def test_hostile(server):
    """What a web server may answer to do harm, or because nobody looked after it. The command goes on, says what it was, and believes nothing of it."""
    with Internet() as net:
        hosts = ["autoconfig.%s.test" % name for name in HOSTILE]
        files = web_files(net, server, *hosts)
        for name in HOSTILE:
            net.zone(name + ".test", "autoconfig A %s" % HOST)
        web = net.web(HOST, files, {"autoconfig.%s.test%s" % (name, FIRST): page for name, (page, _, _) in HOSTILE.items()})
        net.start()
        for name, (_, error, part) in HOSTILE.items():
            answer = check(net, server, "you@%s.test" % name, "--protocol", "imap")
            got, found = hint(answer, "https://autoconfig.%s.test%s" % (name, FIRST))
            assert got == error and part in found, (name, got, found)
            assert len(candidates(answer)) == (16 if name == "many" else 0), (name, candidates(answer))
            assert "root:" not in json.dumps(answer), answer
        assert not any("x.dtd" in x for x in web.asked), web.asked


def test_redirects(server):
    """A customer's domain leads to its hoster's file; the address goes along only if the server puts it there."""
    with Internet() as net:
        net.zone("customer.test", "autoconfig A %s" % HOST)
        net.zone("hoster.test", "config A %s" % OTHER)
        net.trust(self_signed(server, "customer", "autoconfig.customer.test"))
        net.start()
        net.web(HOST, {"certificate": server.dir + "/customer.pem", "key": server.dir + "/customer.key"},
                {"autoconfig.customer.test" + FIRST: Page("moved", status=301, location="https://config.hoster.test/c.xml?domain=customer.test")})
        web = net.web(OTHER, web_files(net, server, "config.hoster.test"),
                      {"config.hoster.test/c.xml": Page(config(entry("imap", "imap.hoster.test", 993, "SSL")))})
        answer = check(net, server, "you@customer.test", "--protocol", "imap")
        assert candidates(answer) == ["autoconfig imap implicit imap.hoster.test:993 you@customer.test"], answer
        assert web.asked == ["config.hoster.test/c.xml?domain=customer.test"], web.asked


def test_certificates(server):
    """A web server without a good certificate for the name says nothing."""
    page = Page(config(entry("imap", "imap.bad.test", 993, "SSL")))
    with Internet() as net:
        net.zone("bad.test", "autoconfig A %s\n@ A %s" % (HOST, OTHER))
        net.start()
        net.web(HOST, web_files(net, server, "autoconfig.other.test"), {"autoconfig.bad.test" + FIRST: page})
        net.web(OTHER, self_signed(server, "unknown", "bad.test"), {"bad.test" + SECOND: page})
        answer = check(net, server, "you@bad.test", "--protocol", "imap")
        assert candidates(answer, "autoconfig") == [] and errors(answer, "autoconfig") == {"TLS"}, answer["hints"]

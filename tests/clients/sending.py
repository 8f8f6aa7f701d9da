# SPDX-License-Identifier: MIT
"""
What other hosts make of mail that goes out, in company: one recipient named in many ways, hosts that cannot have what their neighbours can, those that
take recipients of few domains, notices in UTF-8. Over [route] sections, or a DNS of the test's own.
"""

import base64
import quopri
import re
import smtplib
import time

from certs import self_signed, tlsa
from dnsworld import World
from mail import submission, wait_inbox
from sink import Sink

ALICE = "alice@example.test"
TEXT = "From: alice@example.test\r\nTo: x@elsewhere.test\r\nSubject: %s\r\n\r\nHello\r\n"


def route(port, domains="elsewhere.test"):
    return {"domains": domains, "host": "127.0.0.1", "port": str(port)}


def use(server, sink, queue=None, **routes):
    """Starts it again with sending on and mail for elsewhere.test going to the sink."""
    server.stop()
    server.settings = {"server": {"hostname": "we.test"},
                       "queue": {"send": "yes", "idle_timeout": "1s", "connect_timeout": "5s", "command_timeout": "10s", **(queue or {})},
                       **{'route "%s"' % name: r for name, r in routes.items()}, 'route "sink"': route(sink.port)}
    server.start()


def wait_empty(server, seconds=30):
    """Until nothing waits any more."""
    end = time.monotonic() + seconds
    while server.control("queue.list"):
        assert time.monotonic() < end, server.control("queue.list")
        time.sleep(0.05)


def test_named_twice(server):
    """One address that is named in many ways, or that aliases lead to, gets one copy; each RCPT is taken."""
    with Sink() as sink:
        use(server, sink, idn=route(sink.port, domains="xn--bcher-kva.test"))
        server.cli("alias", "add", "one@example.test", "x@elsewhere.test")
        server.cli("alias", "add", "two@example.test", "x@Elsewhere.test")
        with submission(server) as smtp:
            refused = smtp.sendmail(ALICE, ["x@elsewhere.test", "x@ELSEWHERE.test", "one@example.test", "x@elsewhere.test", "y@elsewhere.test"],
                                    (TEXT % "direct").encode())
            assert not refused, refused
            smtp.sendmail(ALICE, ["one@example.test", "two@example.test"], (TEXT % "aliases").encode())
            smtp.sendmail(ALICE, ["x@xn--bcher-kva.test", "x@b\u00fccher.test"], (TEXT % "labels").encode(), ["SMTPUTF8"])
        wait_empty(server)
        got = {re.search(rb"^Subject: (\S+)", m[2], re.M)[1].decode(): m[1] for m in sink.wait(3)}
        assert len(sink.messages) == 3, sink.messages
        assert sorted(x.split(" ")[1] for x in got["direct"]) == ["TO:<x@elsewhere.test>", "TO:<y@elsewhere.test>"], got
        assert len(got["aliases"]) == len(got["labels"]) == 1, got


def test_domains_of_a_connection(server):
    """RFC 9422 4.3: a smart host that takes recipients of two domains over one connection gets those of others over another, at once."""
    with Sink(words=("PIPELINING", "8BITMIME", "LIMITS RCPTDOMAINMAX=2")) as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1"}, all=route(sink.port, domains=""))
        to = ["%s@%s.test" % (name, domain) for name in "ab" for domain in ("one", "two", "three", "four", "five")]
        with submission(server) as smtp:
            smtp.sendmail(ALICE, to, TEXT % "many")
        wait_empty(server)
        assert sorted(r for m in sink.messages for r in m[1]) == sorted("RCPT TO:<%s>" % x for x in to), sink.messages
        assert sorted(len(m[1]) for m in sink.messages) == [2, 4, 4] and sink.connections == 3, sink.messages
        assert not [x for x in server.log if "result=deferred" in x]


def test_requiretls_at_the_next_host(server):
    """RFC 8689 4.2.1: a host that does not offer REQUIRETLS is passed over for the next one; without such a one the message goes back, and nobody got it."""
    files = self_signed(server, "sink", "mx1.two.test")
    words = ("PIPELINING", "8BITMIME")
    with Sink("127.0.0.2", tls=files, words=words) as first, Sink("127.0.0.3", port=first.port, tls=files, words=words + ("REQUIRETLS",)) as second, \
            World() as world:
        with open(files["certificate"], encoding="ascii") as f:
            key = tlsa(f.read().encode())
        hosts = "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.2\nmx2 A %s\n" + "".join("_%d._tcp.mx%d %s\n" % (first.port, n, key) for n in (1, 2))
        world.zone("two.test", hosts % "127.0.0.3", signed=True)
        world.zone("none.test", hosts % "127.0.0.2", signed=True)
        world.start()
        server.stop()
        server.settings = {"server": {"hostname": "we.test"}, "dns": world.settings(),
                           "queue": {"send": "yes", "port": str(first.port), "allow_private_addresses": "yes", "connect_timeout": "5s", "mta_sts": "no"}}
        server.start()
        with submission(server) as smtp:
            for domain in "two", "none":
                smtp.sendmail(ALICE, ["x@%s.test" % domain], (TEXT % domain).encode(), ["REQUIRETLS"])
        (mail, _, body), = second.wait(1)
        assert " REQUIRETLS" in mail and b"Subject: two" in body, (mail, body)
        dsn, = wait_inbox(server, ALICE, 1)
        assert b"Status: 5.7.30" in dsn and b"x@none.test" in dsn, dsn
        wait_empty(server)
        assert not first.messages and len(second.messages) == 1


def leaf(message, content_type):
    """What a part of that type says: message/* is no leaf for the library."""
    head, body = re.search(rb"(Content-Type: %s\r\n.*?)\r\n\r\n(.*?)\r\n--" % content_type, message, re.S).groups()
    return {b"base64": base64.b64decode, b"quoted-printable": quopri.decodestring}[re.search(rb"Encoding: (\S+)", head)[1]](body)


def test_notice_in_utf8(server):
    """A notice about an address in UTF-8 to a host without SMTPUTF8 is 7-bit, and says what it has to say (RFC 6533 4.5)."""
    refuse = {"RCPT": "550 5.1.1 nobody of that name"}
    server.cli("alias", "add", "far@example.test", "gr\u00fc\u00dfe@elsewhere.test")
    for words in ("8BITMIME",), ():
        with Sink(says=refuse, words=("PIPELINING", "8BITMIME", "SMTPUTF8")) as sink, Sink(words=("PIPELINING",) + words) as back:
            use(server, sink, back=route(back.port, "back.test"))
            with smtplib.SMTP("127.0.0.1", server.port("smtp"), "peer.example", 60) as smtp:
                smtp.ehlo()
                text = "Subject: gr\u00fcn\r\n\r\nHell\u00f6\r\n".encode()
                smtp.sendmail("carol@back.test", ["far@example.test"], text, ["SMTPUTF8", "BODY=8BITMIME"])
            (mail, rcpts, body), = back.wait(1)
            assert mail.startswith("MAIL FROM:<>") and " BODY=" not in mail and rcpts == ["RCPT TO:<carol@back.test>"], (mail, rcpts)
            assert body.isascii() and b"\r\nTo: <carol@back.test>\r\n" in body, body
            status, returned = leaf(body, b"message/global-delivery-status"), leaf(body, b"message/global")
            assert "Final-Recipient: utf-8; gr\u00fc\u00dfe@elsewhere.test" in status.decode() and returned.endswith(text), (status, returned)
            wait_empty(server)


def test_notice_about_what_cannot_be_encoded(server):
    """A sealed message of 8-bit bytes (RFC 1847 2.1) comes back to a host that takes 7-bit only by its header: a notice that cannot be sent is lost."""
    sealed = ("Subject: sealed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; protocol=x/y; micalg=z\r\n\r\n"
              "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHell\u00f6\r\n"
              "--b\r\nContent-Type: x/y\r\n\r\nz\r\n--b--\r\n").encode()
    server.cli("alias", "add", "far@example.test", "x@elsewhere.test")
    with Sink(says={"RCPT": "550 5.1.1 nobody of that name"}) as sink, Sink(words=("PIPELINING",)) as back:
        use(server, sink, back=route(back.port, "back.test"))
        with smtplib.SMTP("127.0.0.1", server.port("smtp"), "peer.example", 60) as smtp:
            smtp.sendmail("carol@back.test", ["far@example.test"], sealed, ["BODY=8BITMIME"])
        (_, _, body), = back.wait(1)
        assert body.isascii() and b"nobody of that name" in body and b"\r\nSubject: sealed\r\n" in body and b"Hell" not in body, body
        wait_empty(server)

# SPDX-License-Identifier: MIT
"""
Fallbacks: mail whose own hosts cannot be reached, or refuse for now, goes to a host of the settings, once; what was answered, or may
only go where TLS is good, does not. The hosts stand in a DNS of the test's own (lib/dnsworld.py).
"""

import smtplib
import time

from certs import self_signed
from dnsworld import World
from ports import free_port
from mail import inbox
from script import tls_context
from sink import Sink

ALICE = "alice@example.test"
TEXT = "From: alice@example.test\r\nTo: x@far.test\r\nSubject: %s\r\n\r\nHello\r\n"
ZONE = "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.2\nmx2 A 127.0.0.3\n"


def use(server, world, port, relay, **more):
    """Sends by that DNS to hosts at that port; the fallback of far.test is at another."""
    server.stop()
    server.settings = {"server": {"hostname": "we.test"}, "dns": world.settings(),
                       "queue": {"send": "yes", "port": str(port), "allow_private_addresses": "yes", "connect_timeout": "5s",
                                 "command_timeout": "10s", "mta_sts": "no", "idle_timeout": "100ms", **more.pop("queue", {})},
                       'route "far"': {"domains": "far.test signed.test", "host": "mx", "port": str(port), "fallback": "relay"},
                       'route "relay"': {"only_fallback": "yes", "host": "127.0.0.1", "port": str(relay), **more}}
    server.start()


def submit(server, subject, to="x@far.test", options=()):
    with smtplib.SMTP("127.0.0.1", server.port("submission"), "client.example", 60) as smtp:
        smtp.starttls(context=tls_context())
        smtp.login(ALICE, "demo")
        smtp.sendmail(ALICE, [to], TEXT % subject, mail_options=list(options))


def subjects(sink):
    with sink.change:
        return sorted(m[2].split(b"\r\nSubject: ")[1].split(b"\r\n")[0].decode() for m in sink.messages)


def wait_empty(server):
    end = time.monotonic() + 30
    while server.control("queue.list"):
        assert time.monotonic() < end, server.control("queue.list")
        time.sleep(0.05)


def attempt(server, do, **want):
    """The line of the log of what comes of it, with these fields."""
    mark = len(server.log)
    do()
    return server.wait_log("queue.attempt", want, 30, mark)


def test_unreachable(server):
    """Nobody answers: the fallback has it, once; then at once, until the pause is over; and when the hosts are back they have it again."""
    port = free_port()
    with World() as world, Sink() as relay:
        world.zone("far.test", ZONE)
        world.zone("other.test", ZONE)
        world.start()
        use(server, world, port, relay.port)
        submit(server, "one")
        relay.wait(1)
        wait_empty(server)
        story = server.cli("message", "trace", "x@far.test").stdout
        assert story.count("attempt") == 2 and "no host could be spoken to" in story and ", the fallback of far.test" in story, story
        server.wait_log("queue.attempt", {"result": "delivered"}, 30)
        mark = len(server.log)
        submit(server, "two")
        relay.wait(2)
        wait_empty(server)
        server.wait_log("queue.attempt", {"result": "delivered"}, 30, mark)
        tried = [x for x in server.log[mark:] if " queue.attempt " in x]
        assert len(tried) == 1 and "fallback_for=far.test" in tried[0] and "result=delivered" in tried[0], tried
        attempt(server, lambda: submit(server, "other", "x@other.test"), to="x@other.test", result="deferred")
        assert subjects(relay) == ["one", "two"] and len(server.control("queue.list")) == 1
        with Sink("127.0.0.3", port) as host:
            server.control("test.clock", ms=10 * 60000)
            submit(server, "three")
            host.wait(2)        # and what waited for the other domain
            wait_empty(server)
            submit(server, "four")
            host.wait(3)
            assert subjects(host) == ["four", "other", "three"] and subjects(relay) == ["one", "two"]


def test_answers(server):
    """A recipient that is refused goes back, one that is greylisted waits: the fallback hears of neither."""
    def say(_, line):
        return "550 5.1.1 nobody of that name" if "<gone@" in line else "450 4.2.0 greylisted" if "<grey@" in line else None

    with World() as world, Sink() as relay, Sink("127.0.0.2", says={"RCPT": say}) as host:
        world.zone("far.test", ZONE)
        world.start()
        use(server, world, host.port, relay.port)
        attempt(server, lambda: submit(server, "gone", "gone@far.test"), result="failed")
        end = time.monotonic() + 30
        while not inbox(server, ALICE):
            assert time.monotonic() < end, "nobody was told"
            time.sleep(0.1)
        assert b"nobody of that name" in inbox(server, ALICE)[0]
        attempt(server, lambda: submit(server, "grey", "grey@far.test"), result="deferred")
        attempt(server, lambda: server.control("test.clock", ms=6 * 60000), result="deferred")
        time.sleep(0.3)
        assert relay.connections == 0 and len(server.control("queue.list")) == 1


def test_refused_for_now(server):
    """421 from one host, none at the other: that is not to be reached. 451 to MAIL of all hosts for a while is neither."""
    with World() as world, Sink() as relay, Sink("127.0.0.2", says={"greeting": "421 4.3.2 later"}) as first:
        world.zone("far.test", ZONE)
        world.start()
        use(server, world, first.port, relay.port)
        submit(server, "one")
        relay.wait(1)
        wait_empty(server)
        assert first.connections == 1
        server.control("test.clock", ms=10 * 60000)
        first.says["greeting"] = None
        first.says["MAIL"] = "451 4.7.1 too many today"
        with Sink("127.0.0.3", first.port, says={"MAIL": "451 4.7.1 too many today"}) as second:
            attempt(server, lambda: submit(server, "two"), result="deferred")
            for n in range(2):
                assert relay.connections == 1 and second.connections == n + 1
                attempt(server, lambda: server.control("test.clock", ms=30 * 60000), result="deferred")
            relay.wait(2)
            wait_empty(server)
            assert subjects(relay) == ["one", "two"] and not first.messages and not second.messages


def test_protected(server):
    """A domain with DANE, and a message with REQUIRETLS, go only to a fallback whose certificate is checked."""
    port = free_port()
    dane = "_%d._tcp.mx1 TLSA 3 1 1 %s\n_%d._tcp.mx2 TLSA 3 1 1 %s\n" % (port, "ab" * 32, port, "ab" * 32)
    files = self_signed(server, "relay", "localhost")
    with World() as world, Sink(tls=files, words=("PIPELINING", "8BITMIME", "REQUIRETLS")) as relay:
        world.zone("far.test", ZONE)
        world.zone("signed.test", ZONE + dane, signed=True)
        world.start()
        use(server, world, port, relay.port, tls="encrypt")
        submit(server, "plain")
        relay.wait(1)
        attempt(server, lambda: submit(server, "dane", "x@signed.test"), to="x@signed.test", result="deferred")
        submit(server, "again", "y@signed.test")
        submit(server, "required", "z@signed.test", ["REQUIRETLS"])
        time.sleep(0.5)
        assert subjects(relay) == ["plain"], subjects(relay)
        assert len(server.control("queue.list")) == 3
        use(server, world, port, relay.port, tls="verify", host="localhost", queue={"ca_file": files["certificate"]})
        server.control("test.clock", ms=10 * 60000)
        relay.wait(4)
        wait_empty(server)
        assert subjects(relay) == ["again", "dane", "plain", "required"] and relay.tls_sessions >= 2
        assert "REQUIRETLS" in [m[0] for m in relay.messages if b"Subject: required" in m[2]][0]


def test_killed(server):
    """The server dies while mail goes round: all of it is at the fallback, and nothing went anywhere else."""
    with World() as world, Sink() as relay:
        world.zone("far.test", ZONE)
        world.start()
        use(server, world, free_port(), relay.port)
        sent = ["m%d" % n for n in range(40)]
        for n, name in enumerate(sent):
            submit(server, name)
            if n % 10 == 5:
                server.crash()
        server.control("test.clock", ms=10 * 60000)
        wait_empty(server)
        assert set(subjects(relay)) == set(sent)
        assert not inbox(server, ALICE)


def test_ourselves(server):
    """A fallback that is this server itself is no place to send to (RFC 5321 5.1): the mail waits, and does not come round, nor back."""
    with World() as world:
        world.zone("far.test", ZONE)
        world.start()
        port = free_port()
        use(server, world, port, port)
        use(server, world, port, server.port("smtp"))
        mark = len(server.log)
        line = attempt(server, lambda: submit(server, "one"), fallback_for="far.test", result="deferred")
        assert "enhanced=4.4.6" in line and "is this server itself" in line, line
        time.sleep(0.3)
        assert len([x for x in server.log[mark:] if " smtp.accept " in x]) == 1
        assert len(server.control("queue.list")) == 1 and not inbox(server, ALICE)

# SPDX-License-Identifier: MIT
"""
Mail that goes out by what the DNS says: MX records, hosts that are passed over, domains that take none, and DANE (RFC 7672), which lets nothing go
to who is not named by it. A DNS of our own (lib/dnsworld.py), sinks on loopback.
"""

import hashlib
import re
import socket
import subprocess
import time

from certs import self_signed
from dnsworld import World
from mail import submission, wait_inbox
from sink import Sink

ALICE = "alice@example.test"


def use(server, world, port, **dns):
    """Starts the server again, with sending on, to this world."""
    server.stop()
    server.settings = {"server": {"hostname": "we.test"}, "dns": world.settings(**dns),
                       "queue": {"send": "yes", "port": str(port), "allow_private_addresses": "yes", "idle_timeout": "100ms",
                                 "connect_timeout": "5s", "command_timeout": "10s"}}
    server.start()


def submit(server, *domains, head="", parameters=()):
    """One message to each."""
    with submission(server) as smtp:
        for domain in domains:
            smtp.sendmail(ALICE, ["x@" + domain], "From: %s\r\nTo: x@%s\r\n%sSubject: x\r\n\r\nHello\r\n" % (ALICE, domain, head), parameters)


def arrived(sink, n):
    """The domains that the first n messages were for, in order."""
    return sorted(rcpts[0].split("@")[1].split(">")[0] for _, rcpts, _ in sink.wait(n))


def wait_for(what, get, is_right, seconds=30):
    end = time.monotonic() + seconds
    while not is_right(get()):
        assert time.monotonic() < end, (what, get())
        time.sleep(0.05)
    return get()


def waiting(server):
    """The recipients that are still in the queue."""
    return sorted(i["to"] for i in server.control("queue.list"))


def attempts(server):
    """What the log tells of each domain's last try: result, and the whole line."""
    lines = [x for x in server.log if " queue.attempt " in x]
    return {re.search(r" to=x@(\S+)", x)[1]: (re.search(r" result=(\S+)", x)[1], x) for x in lines}


def spki_digest(files):
    """For TLSA 3 1 1."""
    key = subprocess.run(["openssl", "x509", "-in", files["certificate"], "-noout", "-pubkey"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


def test_by_mx(server):
    """The best host that can be spoken to gets it; where no host is named the sender hears so at once."""
    with World() as world, Sink("127.0.0.2") as sink:
        world.zone("plain.test", "@ MX 10 mx\nmx A 127.0.0.2", signed=True)
        world.zone("second.test", "@ MX 20 mx.plain.test.\n@ MX 10 dead\n@ MX 5 gone\ndead A 127.0.0.3")
        world.zone("implicit.test", "@ A 127.0.0.2")
        world.zone("null.test", "@ MX 0 .")
        world.zone("ours.test", "@ MX 10 we.test.\n@ MX 20 mx.plain.test.")
        world.start()
        use(server, world, sink.port)
        submit(server, "plain.test", "second.test", "implicit.test", "null.test", "gone.test", "ours.test")
        assert arrived(sink, 3) == ["implicit.test", "plain.test", "second.test"]
        told = b"".join(wait_inbox(server, ALICE, 3))
        for words in (b"556 5.1.10", b"5.1.10", b"5.1.2", b"5.4.6", b"there is no domain gone.test"):
            assert words in told, (words, told)
        wait_for("queue", lambda: waiting(server), lambda got: not got)


def test_dane(server):
    """To the host that the records name; not to another, not without TLS, and not while signatures are wrong."""
    files = self_signed(server, "sink", "mx.dane.test")
    records = "@ MX 10 mx\nmx A %s\n_%d._tcp.mx TLSA 3 1 1 %s"
    with Sink("127.0.0.2", tls=files) as sink, Sink("127.0.0.3", port=sink.port) as plain, World() as world:
        right = spki_digest(files)
        world.zone("dane.test", records % ("127.0.0.2", sink.port, right), signed=True)
        world.zone("other-key.test", records % ("127.0.0.2", sink.port, "ab" * 32), signed=True)
        world.zone("no-tls.test", records % ("127.0.0.3", sink.port, right), signed=True)
        world.zone("expired.test", "@ MX 10 mx\nmx A 127.0.0.2", expired=True)
        world.zone("unsigned.test", records % ("127.0.0.2", sink.port, "ab" * 32))
        world.start()
        use(server, world, sink.port)
        submit(server, "other-key.test", "no-tls.test", "expired.test", "dane.test", "unsigned.test")
        assert arrived(sink, 2) == ["dane.test", "unsigned.test"]
        found = wait_for("tries", lambda: attempts(server), lambda got: len(got) == 5)
        assert found["dane.test"][0] == "delivered" and "DANE" in found["dane.test"][1], found
        assert found["unsigned.test"][0] == "delivered" and "DANE" not in found["unsigned.test"][1], found
        for domain in ("other-key.test", "no-tls.test", "expired.test"):
            assert found[domain][0] == "deferred", found
        assert "enhanced=4.7.5" in found["expired.test"][1], found
        kept = ["x@expired.test", "x@no-tls.test", "x@other-key.test"]
        wait_for("queue", lambda: waiting(server), lambda got: got == kept)
        assert len(sink.messages) == 2 and not plain.messages


def test_tls_is_not_required(server):
    """RFC 8689 3, 4.2.2: a message that says so goes out whatever is published, unless it came with REQUIRETLS, which counts alone (4.1)."""
    files = self_signed(server, "sink", "mx.dane.test")
    no, words = "TLS-Required: No\r\n", ("PIPELINING", "8BITMIME", "REQUIRETLS")
    with Sink("127.0.0.2", tls=files, words=words) as sink, Sink("127.0.0.3", port=sink.port) as plain, World() as world:
        for name, address, key in (("no", "127.0.0.2", "ab" * 32), ("no-tls", "127.0.0.3", "ab" * 32), ("yes", "127.0.0.3", "ab" * 32),
                                   ("both", "127.0.0.2", spki_digest(files)), ("both-wrong", "127.0.0.2", "ab" * 32)):
            world.zone(name + ".test", "@ MX 10 mx\nmx A %s\n_%d._tcp.mx TLSA 3 1 1 %s" % (address, sink.port, key), signed=True)
        world.start()
        use(server, world, sink.port)
        submit(server, "yes.test", head="TLS-Required: Yes\r\n")
        submit(server, "both.test", "both-wrong.test", head=no, parameters=["REQUIRETLS"])
        submit(server, "no.test", "no-tls.test", head=no)
        assert arrived(sink, 2) == ["both.test", "no.test"] and arrived(plain, 1) == ["no-tls.test"]
        found = wait_for("tries", lambda: attempts(server), lambda got: len(got) == 5)
        assert sorted(k for k, v in found.items() if v[0] == "delivered") == ["both.test", "no-tls.test", "no.test"], found
        assert "DANE verified" in found["both.test"][1] and "enhanced=4.7.5" in found["both-wrong.test"][1], found
        assert len(sink.messages) == 2 and len(plain.messages) == 1


def test_reload(server):
    """Another resolver by a reload: what could not be asked for goes out at the next try."""
    with World() as world, Sink("127.0.0.2") as sink, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        world.zone("plain.test", "@ MX 10 mx\nmx A 127.0.0.2", signed=True)
        world.start()
        use(server, world, sink.port, servers="127.0.0.1@%d" % silent.getsockname()[1], timeout="300ms")
        submit(server, "plain.test")
        found = wait_for("a try", lambda: attempts(server), lambda got: len(got) == 1)
        assert found["plain.test"][0] == "deferred" and "enhanced=4.4.3" in found["plain.test"][1], found
        log = server.reload(**{**server.settings, "dns": world.settings()})
        wait_for("reload", lambda: [x for x in server.log[log:] if " server.reload " in x and "result=" in x], lambda got: got)
        server.control("test.clock", ms=6 * 60000)
        assert arrived(sink, 1) == ["plain.test"]

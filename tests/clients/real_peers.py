# SPDX-License-Identifier: MIT
"""
Postfix and Exim on the other side (lib/realpeers.py), in both directions: 100 messages byte for byte behind the trace fields, over
STARTTLS; with PIPELINING, 8BITMIME, SMTPUTF8, CHUNKING (Exim sends BDAT), lines as long as they may be, many recipients; and notifications.
"""

import json
import random
import re

from mail import submission, wait_inbox
from realpeers import RealPeer

ALICE, BOB, N = "alice@example.test", "bob@example.test", 100


def start(server, peer):
    """Again, with mail for the peer's domain going to it."""
    server.stop()
    hop = {"host": "127.0.0.1", "port": str(peer.port), "tls": "encrypt"}
    server.settings = {"server": {"hostname": "we.test"}, "queue": {"send": "yes", "retry_min": "1s", "retry_max": "1s", "idle_timeout": "1s",
                                 "port": str(peer.port), "allow_private_addresses": "yes"},
                       'route "peer"': {"domains": peer.name + ".test", **hop}}
    server.start()


def text(n):
    """Message number n: text, 8-bit text, dots, lines of 998 bytes, a long one now and then; no bytes that only BINARYMIME may have."""
    rnd = random.Random(n)
    lines = [b"." * rnd.randrange(4) + rnd.randbytes(rnd.randrange(36)).hex().encode() for _ in range(rnd.choice((3, 30, 300)))]
    if n % 3 == 0:
        lines += ["Grüße aus der Ferne, \U0001f426".encode(), b"x" * 998, b"." * 997]
    if n % 25 == 0:
        lines += [b"y" * 70] * 20000
    head = [b"From: <alice@example.test>", b"To: <box@elsewhere.test>", b"Subject: n%d" % n, b"Message-ID: <n%d@example.test>" % n,
            b"Date: Mon, 05 Jan 2026 10:00:00 +0000", b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=utf-8",
            b"Content-Transfer-Encoding: 8bit"]
    return b"\r\n".join(head + [b""] + lines + [b""])


def check(mails, numbers, end_of_line):
    """Each once, with nothing changed behind the trace fields."""
    left = {n: text(n).replace(b"\r\n", end_of_line) for n in numbers}
    for raw in mails:
        n = int(re.search(rb"^Subject: n(\d+)", raw, re.M)[1])
        want = left.pop(n)
        assert raw.endswith(end_of_line + want), (n, raw[:1500], raw[-200:], want[-200:])
        trace = raw[:-len(want)]
        assert not re.search(rb"^(From|To|Subject|MIME-Version|Content-.*):", trace, re.M), trace
    assert not left, sorted(left)


def to_peer(server, name):
    """Out: many messages, then one to 150 recipients, an address in UTF-8, an address literal."""
    with RealPeer(name, server.martlet, server.port("smtp")) as peer:
        start(server, peer)
        with submission(server) as smtp:
            for n in range(N):
                smtp.sendmail(ALICE, ["n%d@%s.test" % (n, name)], text(n), ["BODY=8BITMIME"])
        check(peer.wait(N), range(N), b"\n")
        tries = [x for x in server.log if " queue.attempt " in x]
        assert tries and all(" result=delivered " in x and "TLSv1.3" in x for x in tries), tries[:5]
        with submission(server) as smtp:
            smtp.sendmail(ALICE, ["r%d@%s.test" % (n, name) for n in range(150)], text(1000), ["BODY=8BITMIME"])
            smtp.sendmail(ALICE, ["grüße@%s.test" % name], text(1001), ["SMTPUTF8", "BODY=8BITMIME"])
        found = peer.wait(N + 150 + 1)
        assert sum(b"Subject: n1000\n" in x for x in found) == 150 and sum(b"Subject: n1001\n" in x for x in found) == 1, len(found)
        delivered = [x for x in server.log if " queue.attempt " in x and " result=delivered " in x]
        assert len(delivered) == N + 151 and len(server.control("queue.list")) == 0, (len(delivered), delivered[-3:])
        # Asked and taken back: the same way, and nothing arrives.
        checked = json.loads(server.cli("check", "mx", name + ".test", "--json", "--rcpt", "grüße@%s.test" % name, "--from", ALICE).stdout)
        stages = {x["stage"]: x for x in checked["stages"]}
        assert checked["state"] == "ok" and stages["rcpt"]["state"] == "ok" and stages["starttls"]["details"]["version"] == "TLSv1.3", checked
        assert {"8BITMIME", "SMTPUTF8", "CHUNKING"} <= set(stages["limits"]["details"]["words"]), checked
        assert len(peer.mails()) == N + 151


def from_peer(server, name):
    """In: many messages over STARTTLS, one to both accounts, and one that nobody is there for, which the peer returns."""
    with RealPeer(name, server.martlet, server.port("smtp")) as peer:
        start(server, peer)
        with peer.smtp() as smtp:
            for n in range(N):
                smtp.sendmail("carol@%s.test" % name, [BOB], text(n), ["BODY=8BITMIME"])
        check(wait_inbox(server, BOB, N, 60, peer.log), range(N), b"\r\n")
        accepted = [x for x in server.log if " smtp.accept " in x]
        assert len(accepted) == N, accepted[:3]
        assert name != "exim" or re.search(r" => bob@.* X=TLS1.3.* K ", peer.log()), peer.log()     # K: by BDAT
        with peer.smtp() as smtp:
            smtp.sendmail("carol@%s.test" % name, [ALICE, BOB, "nobody@example.test"], text(N), ["BODY=8BITMIME"])
        check(wait_inbox(server, ALICE, 1, 60, peer.log), [N], b"\r\n")
        (bounce,) = peer.wait(1)
        assert b"nobody@example.test" in bounce and b"550" in bounce, bounce


def notified(server, name, action):
    """NOTIFY=SUCCESS: the peer delivers and says so, or does not know the extension, and we say that it was relayed."""
    with RealPeer(name, server.martlet, server.port("smtp")) as peer:
        start(server, peer)
        with submission(server) as smtp:
            smtp.ehlo_or_helo_if_needed()
            smtp.sendmail(ALICE, ["box@%s.test" % name], text(1), ["RET=HDRS", "ENVID=e+3D1"],
                          ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first@%s.test" % name])
        peer.wait(1)
        (dsn,) = wait_inbox(server, ALICE, 1, 60, peer.log)
        part = dsn.split(b"message/delivery-status", 1)[1]
        assert re.search(rb"^Action: *" + action, part, re.M) and b"Original-Envelope-Id: e=1" in part, dsn
        assert re.search(rb"^Original-Recipient: *rfc822; *first@%s\.test" % name.encode(), part, re.M | re.I), dsn
        assert server.control("queue.list") == []


def test_to_postfix(server):
    to_peer(server, "postfix")


def test_from_postfix(server):
    from_peer(server, "postfix")


def test_postfix_notifies(server):
    notified(server, "postfix", b"delivered")


def test_to_address_literal(server):
    """Exim takes mail for the addresses that it has."""
    with RealPeer("exim", server.martlet, server.port("smtp")) as peer:
        start(server, peer)
        with submission(server) as smtp:
            smtp.sendmail(ALICE, ["box@[127.0.0.1]"], text(3), ["BODY=8BITMIME"])
        check(peer.wait(1), [3], b"\n")


def test_to_exim(server):
    to_peer(server, "exim")


def test_from_exim(server):
    from_peer(server, "exim")


def test_exim_does_not_notify(server):
    notified(server, "exim", b"relayed")

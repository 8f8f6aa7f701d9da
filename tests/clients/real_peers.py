# SPDX-License-Identifier: MIT
"""
Postfix, Exim and OpenSMTPD on the other side (lib/realpeers.py), in both directions: 100 messages byte for byte behind the trace fields, over
STARTTLS (but to OpenSMTPD); with PIPELINING, 8BITMIME, SMTPUTF8, CHUNKING (Exim sends BDAT), and without all that but 8BITMIME (OpenSMTPD); lines as
long as they may be, many recipients; and notifications.
"""

import json
import re

from mail import submission, wait_inbox
from numbered import check, text
from realpeers import RealPeer
from recorder import Recorder

ALICE, BOB, N = "alice@example.test", "bob@example.test", 100


def start(server, peer, port=None, tls=None):
    """Again, with mail for the peer's domain going to it, or to what stands before it."""
    server.stop()
    hop = {"host": "127.0.0.1", "port": str(port or peer.port), "tls": tls or ("none" if peer.name == "opensmtpd" else "encrypt")}
    server.settings = {"server": {"hostname": "we.test"}, "queue": {"send": "yes", "retry_min": "1s", "retry_max": "1s", "idle_timeout": "1s",
                                 "port": str(peer.port), "allow_private_addresses": "yes"},
                       'route "peer"': {"domains": peer.name + ".test", **hop}}
    server.start()


def to_peer(server, name):
    """Out: many messages, then one to 150 recipients, an address in UTF-8, an address literal."""
    with RealPeer(name, server.martlet, server.port("smtp")) as peer:
        start(server, peer)
        with submission(server) as smtp:
            for n in range(N):
                smtp.sendmail(ALICE, ["n%d@%s.test" % (n, name)], text(n), ["BODY=8BITMIME"])
        check(peer.wait(N), range(N), b"\n")
        tries = server.wait_lines("queue.attempt", N)
        assert len(tries) == N and all(" result=delivered " in x and ("TLSv1.3" in x or name == "opensmtpd") for x in tries), tries[:5]
        with submission(server) as smtp:
            smtp.sendmail(ALICE, ["r%d@%s.test" % (n, name) for n in range(150)], text(1000), ["BODY=8BITMIME"])
            smtp.sendmail(ALICE, ["grüße@%s.test" % name], text(1001), ["SMTPUTF8", "BODY=8BITMIME"])
        utf8 = 0 if name == "opensmtpd" else 1          # it does not know SMTPUTF8: that one goes back
        found = peer.wait(N + 150 + utf8)
        assert sum(b"Subject: n1000\n" in x for x in found) == 150 and sum(b"Subject: n1001\n" in x for x in found) == utf8, len(found)
        if not utf8:
            assert b"5.6.7" in wait_inbox(server, ALICE, 1, 60, peer.log)[0]
        delivered = server.wait_lines("queue.attempt", N + 150 + utf8, {"result": "delivered"})
        assert len(delivered) == N + 150 + utf8 and len(server.control("queue.list")) == 0, (len(delivered), delivered[-3:])
        if utf8:
            # Asked and taken back: the same way, and nothing arrives.
            checked = json.loads(server.cli("check", "mx", name + ".test", "--json", "--rcpt", "grüße@%s.test" % name, "--from", ALICE).stdout)
            stages = {x["stage"]: x for x in checked["stages"]}
            assert checked["state"] == "ok" and stages["rcpt"]["state"] == "ok" and stages["starttls"]["details"]["version"] == "TLSv1.3", checked
            assert {"8BITMIME", "SMTPUTF8", "CHUNKING"} <= set(stages["limits"]["details"]["words"]), checked
            assert len(peer.mails()) == N + 150 + utf8


def from_peer(server, name):
    """In: many messages over STARTTLS, one to both accounts, and one that nobody is there for, which the peer returns."""
    with RealPeer(name, server.martlet, server.port("smtp")) as peer:
        start(server, peer)
        with peer.smtp() as smtp:
            for n in range(N):
                smtp.sendmail("carol@%s.test" % name, [BOB], text(n), ["BODY=8BITMIME"])
        check(wait_inbox(server, BOB, N, 60, peer.log), range(N), b"\r\n")
        accepted = server.wait_lines("smtp.accept", N)
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


def extensions(server, name):
    """What is offered is used, by what passes between both: PIPELINING, 8BITMIME, SMTPUTF8; BDAT for what DATA may not carry (RFC 3030)."""
    with RealPeer(name, server.martlet, server.port("smtp")) as peer, Recorder(peer.port) as wire:
        start(server, peer, wire.port, tls="none")
        with submission(server) as smtp:
            smtp.sendmail(ALICE, ["a@%s.test" % name, "b@%s.test" % name], text(6), ["BODY=8BITMIME"])
            smtp.sendmail(ALICE, ["c@%s.test" % name], "Subject: ascii\r\n\r\nHello\r\n")
            smtp.sendmail(ALICE, ["grüße@%s.test" % name], text(3), ["SMTPUTF8", "BODY=8BITMIME"])
        peer.wait(4)
        told = server.command("send", "--server", "127.0.0.1:%d" % wire.port, "--tls", "never", "--from", ALICE, "--to", "d@%s.test" % name,
                              text="Subject: bare\r\n\r\none\rtwo\r\n")
        assert told.returncode == 0, (told.stdout, told.stderr)
        found = peer.wait(5)
        greetings = [d for pieces in wire.sessions for is_client, d in pieces if not is_client and b"PIPELINING" in d]
        assert greetings and all(b"8BITMIME" in x and b"SMTPUTF8" in x and b"CHUNKING" in x for x in greetings), wire.sessions
        by_rcpt = {rcpts[0].split("<")[1].split("@")[0]: (mail, len(rcpts), verb, between) for mail, rcpts, verb, between in wire.transactions()}
        mail, n, verb, between = by_rcpt["a"]
        assert "BODY=8BITMIME" in mail and "SMTPUTF8" not in mail and n == 2, by_rcpt
        assert "SMTPUTF8" not in by_rcpt["c"][0], by_rcpt
        assert "SMTPUTF8" in by_rcpt["grüße"][0] and "BODY=8BITMIME" in by_rcpt["grüße"][0], by_rcpt
        for who in ("a", "c", "grüße"):
            assert by_rcpt[who][2:] == ("DATA", 0), by_rcpt         # all of it before a reply
        assert by_rcpt["d"][2] == "BDAT", by_rcpt
        assert any(b"Subject: bare" in x for x in found), found


def sends_pipelined(server, name):
    """And the peer to us: it finds PIPELINING offered, and no reply is lost or early."""
    with Recorder(server.port("smtp")) as wire, RealPeer(name, server.martlet, wire.port, is_tls=False) as peer:
        start(server, peer, tls="none")
        wire.to = server.port("smtp")
        with peer.smtp() as smtp:
            smtp.sendmail("carol@%s.test" % name, [ALICE, "bob@example.test"], text(6), ["BODY=8BITMIME"])
        check(wait_inbox(server, BOB, 1, 60, peer.log), [6], b"\r\n")
        check(wait_inbox(server, ALICE, 1, 60, peer.log), [6], b"\r\n")
        (mail, rcpts, verb, between), = wire.transactions()
        assert len(rcpts) == 2 and between == 0, (mail, rcpts, verb, between)
        assert verb == ("BDAT" if name == "exim" else "DATA"), (mail, verb)
        assert name == "exim" or "BODY=8BITMIME" in mail, mail      # Exim never says so


def test_extensions_to_postfix(server):
    extensions(server, "postfix")


def test_extensions_to_exim(server):
    extensions(server, "exim")


def test_extensions_from_postfix(server):
    sends_pipelined(server, "postfix")


def test_extensions_from_exim(server):
    sends_pipelined(server, "exim")


def test_to_opensmtpd(server):
    to_peer(server, "opensmtpd")


def test_from_opensmtpd(server):
    from_peer(server, "opensmtpd")


def test_opensmtpd_notifies(server):
    """It says that it delivered, and leaves out what was asked with ENVID and ORCPT; they were said to it, in a dialogue without PIPELINING."""
    with RealPeer("opensmtpd", server.martlet, server.port("smtp")) as peer, Recorder(peer.port) as wire:
        start(server, peer, wire.port)
        with submission(server) as smtp:
            smtp.ehlo_or_helo_if_needed()
            smtp.sendmail(ALICE, ["box@opensmtpd.test"], text(3), ["RET=HDRS", "ENVID=e+3D1", "BODY=8BITMIME"],
                          ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first@opensmtpd.test"])
        peer.wait(1)
        (dsn,) = wait_inbox(server, ALICE, 1, 60, peer.log)
        part = dsn.split(b"message/delivery-status", 1)[1]
        assert re.search(rb"^Action: *delivered", part, re.M) and re.search(rb"^Final-Recipient: *rfc822; *box@opensmtpd\.test", part, re.M), dsn
        (mail, (rcpt,), verb, between), = wire.transactions()
        assert "RET=HDRS" in mail and "ENVID=e+3D1" in mail and "BODY=8BITMIME" in mail and "SMTPUTF8" not in mail, mail
        assert "NOTIFY=SUCCESS,FAILURE" in rcpt and "ORCPT=rfc822;first@opensmtpd.test" in rcpt, rcpt
        assert verb == "DATA" and between == 2, (verb, between)     # one reply after the other
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


def few_recipients(server, name, settings):
    """To one that takes ten recipients at once: 35 get the message without waiting, each once, and nobody hears of it (RFC 5321 4.5.3.1.10)."""
    with RealPeer(name, server.martlet, server.port("smtp"), first=settings) as peer:
        start(server, peer)
        with submission(server) as smtp:
            smtp.sendmail(ALICE, ["r%d@%s.test" % (n, name) for n in range(35)], text(4), ["BODY=8BITMIME"])
        assert len(peer.wait(35)) == 35
        tries = server.wait_lines("queue.attempt", 35)
        assert len(tries) == 35 and all(" result=delivered " in x for x in tries), tries


def test_few_recipients_of_postfix(server):
    few_recipients(server, "postfix", "smtpd_recipient_limit = 10\n")


def test_few_recipients_of_exim(server):
    """It says 552, and refuses those that it had taken as well."""
    few_recipients(server, "exim", "recipients_max = 10\nrecipients_max_reject = true\n")


def test_to_exim(server):
    to_peer(server, "exim")


def test_from_exim(server):
    from_peer(server, "exim")


def test_exim_does_not_notify(server):
    notified(server, "exim", b"relayed")

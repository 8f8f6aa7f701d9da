# SPDX-License-Identifier: MIT
"""
Mail that is submitted here is signed with the keys of its author's domain (DKIM): it arrives at a server of others, by every way of submission, and
a verifier that is not ours (python3-dkim) finds each signature good, with records made by openssl.
"""

import base64
import email
import json
import os
import re
import smtplib
import subprocess
import time

from dkimcheck import VERIFIER, verify
from mail import submission, wait_inbox
from server import Skip
from sink import Sink

ALICE = "alice@example.test"
KINDS = {"rsa": ("r1", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), "ed25519": ("e1", ["ED25519"])}


def make_key(server, kind, name="key"):
    """A key, the settings that name it, and its record."""
    selector, algorithm = KINDS[kind]
    path = "%s/%s-%s.pem" % (server.dir, name, kind)
    subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out", path], check=True, capture_output=True)
    os.chmod(path, 0o600)
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    record = "v=DKIM1; k=%s; p=%s" % (kind, base64.b64encode(der if kind == "rsa" else der[-32:]).decode())
    return {kind + "_selector": selector, kind + "_key_file": path}, record


def make_keys(server, name="key"):
    settings, records = {}, {}
    for kind in KINDS:
        more, record = make_key(server, kind, name)
        settings.update(more)
        records[KINDS[kind][0]] = record
    return settings, records


def use(server, sink, keys, domain="example.test", **more):
    server.stop()
    server.settings = {"server": {"hostname": "mail.example.test"}, "queue": {"send": "yes"}, 'dkim "%s"' % domain: keys,
                       'route "sink"': {"domains": "elsewhere.test", "host": "127.0.0.1", "port": str(sink.port)}, **more}
    server.start()


BOTH = ["ed25519-sha256", "rsa-sha256"]


def send_chunked(server, text, body):
    """BDAT, in two pieces."""
    with submission(server) as smtp:
        assert smtp.docmd("MAIL", "FROM:<%s> BODY=%s" % (ALICE, body))[0] == 250
        assert smtp.docmd("RCPT", "TO:<x@elsewhere.test>")[0] == 250
        middle = len(text) // 2
        smtp.send(b"BDAT %d\r\n" % middle + text[:middle])
        assert smtp.getreply()[0] == 250
        smtp.send(b"BDAT %d LAST\r\n" % (len(text) - middle) + text[middle:])
        assert smtp.getreply()[0] == 250


def send(server, text, *options, sender=ALICE, to="x@elsewhere.test"):
    with submission(server) as smtp:
        smtp.sendmail(sender, [to], text, mail_options=options)


HEAD = b"From: Alice <alice@example.test>\r\nTo: x@elsewhere.test\r\nSubject: %s\r\n"
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
BINARY = (b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
          + bytes(range(256)) * 8 + b"\r bare \n ends, \r\n. and dots\r\n")


def check_as_sent(message):
    """Mail that may go as it is: what was sent stands at the end of what came."""
    return lambda body: body.endswith(message)


def text_of(body):
    return email.message_from_bytes(body).get_payload(decode=True)


CASES = {
    "plain": (HEAD % b"plain" + b"\r\nHello\r\n.dots\r\n\r\n\r\n", ()),
    "no-date": (HEAD % b"no-date" + b"\r\nHello\r\n", ()),
    "dated": (HEAD % b"dated" + b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <a@b>\r\n\r\nHello\r\n", ()),
    "folded": (HEAD % b"folded\r\n  and \t more" + b"X-Empty:\r\nX-Empty: \r\n\r\n  Hello \t there  \r\n", ()),
    "empty": (HEAD % b"empty" + b"\r\n", ()),
    "long": (HEAD % b"long" + b"\r\n" + b"x" * 990 + b"\r\n" + b"y " * 20000 + b"\r\n", ()),
    "large": (HEAD % b"large" + b"\r\n" + b"A line of no interest at all.\r\n" * 100000, ()),
    "8-bit": (HEAD % b"8-bit" + MIME + b"\r\n" + "Grüße, und ein langer Satz =: \r\n".encode() * 50, ("BODY=8BITMIME",)),
    "undeclared": (HEAD % b"undeclared" + MIME + b"\r\n" + "Grüße\r\n".encode(), ()),
    "list": (HEAD % b"list" + b"List-Id: <l.example.test>\r\nReply-To: b@c.test\r\nCc: c@d.test\r\n\r\nHello\r\n", ()),
}


def test_signed(server):
    """Whatever is sent has two good signatures when it arrives, from a server that takes 7-bit alone too."""
    keys, records = make_keys(server)
    for words in (("PIPELINING", "8BITMIME"), ("PIPELINING",)):
        with Sink(words=words) as sink:
            use(server, sink, keys)
            for name, (text, options) in CASES.items():
                n = len(sink.messages)
                send(server, text, *options)
                body = sink.wait(n + 1)[-1][2]
                assert verify(body, records) == BOTH, name
                assert body.startswith(b"DKIM-Signature: ") and b"\r\nReceived: " in body, body[:500]
                assert re.search(rb"^Date: ", body, re.M) and re.search(rb"^Message-ID: ", body, re.M)
                if text.isascii() and name != "long":
                    assert body.endswith(text), (name, body)
                else:
                    assert body.isascii() and text_of(body) == text.split(b"\r\n\r\n", 1)[1], (name, body)
                assert max(len(x) for x in body.split(b"\r\n")) <= 998, name


def test_binary(server):
    """BINARYMIME by BDAT arrives encoded, with signatures that hold; what is inside is what was sent."""
    keys, records = make_keys(server)
    with Sink() as sink:
        use(server, sink, keys)
        send_chunked(server, HEAD % b"binary" + BINARY, "BINARYMIME")
        body = sink.wait(1)[0][2]
        assert verify(body, records) == BOTH
        assert text_of(body) == BINARY.split(b"\r\n\r\n", 1)[1]
        send_chunked(server, HEAD % b"chunked" + b"\r\nHello\r\n" * 3, "8BITMIME")
        assert verify(sink.wait(2)[1][2], records) == BOTH


def test_sealed(server):
    """A message whose parts are signed is not changed before it is signed; a host that takes 7-bit alone does not get it, and its sender hears so."""
    text = (HEAD % b"sealed" + b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; protocol="application/pgp-signature"\r\n\r\n'
            b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "Grüße\r\n".encode()
            + b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n")
    keys, records = make_keys(server)
    with Sink() as sink:
        use(server, sink, keys)
        send(server, text, "BODY=8BITMIME")
        body = sink.wait(1)[0][2]
        assert verify(body, records) == BOTH and body.endswith(text)
    with Sink(words=("PIPELINING",)) as sink:
        use(server, sink, keys)
        send(server, text, "BODY=8BITMIME")
        assert b"5.6.3" in wait_inbox(server, ALICE, 1)[0] and not sink.messages


def test_one_key(server):
    """A key of one kind makes one signature. Mail for here is signed as well, and stored once as what it is."""
    for kind in KINDS:
        keys, record = make_key(server, kind)
        with Sink() as sink:
            use(server, sink, keys)
            send(server, HEAD % b"one" + b"\r\nHello\r\n")
            assert verify(sink.wait(1)[0][2], {KINDS[kind][0]: record}) == [kind + "-sha256"]
    send(server, HEAD % b"here" + MIME + "\r\nGrüße\r\n".encode(), to="bob@example.test")
    message = wait_inbox(server, "bob@example.test", 1)[0]
    assert message.startswith(b"Return-Path: <alice@example.test>\r\nDKIM-Signature: ") and message.endswith("\r\nGrüße\r\n".encode()), message
    assert verify(message, {KINDS["ed25519"][0]: record}) == ["ed25519-sha256"]


def test_not_signed(server):
    """Not: mail of strangers, of an author of another domain or another account, of two authors, of a domain without key, what an alias sends on."""
    keys, records = make_keys(server)
    with Sink() as sink:
        use(server, sink, keys)
        server.cli("domain", "add", "other.test")
        server.cli("domain", "add", "sub.example.test")
        server.cli("alias", "add", "alice@sub.example.test", ALICE)
        server.cli("alias", "add", "alice@other.test", ALICE)
        server.cli("alias", "add", "away@example.test", "x@elsewhere.test")
        heads = {"bob's": b"From: bob@example.test\r\n", "a stranger's": b"From: someone@stranger.test\r\n", "another domain's": b"From: alice@other.test\r\n",
                 "two fields": b"From: alice@example.test\r\nFrom: alice@example.test\r\n", "none": b"",
                 "two authors": b"From: alice@example.test, bob@example.test\r\n"}
        for n, (name, head) in enumerate(heads.items(), 1):
            send(server, head + b"Subject: x\r\n\r\nHello\r\n")
            assert b"DKIM-Signature" not in sink.wait(n)[-1][2], name
        n = len(heads)
        with smtplib.SMTP("127.0.0.1", server.port("smtp")) as smtp:
            smtp.sendmail("carol@stranger.test", ["away@example.test"], HEAD % b"forwarded" + b"\r\nHello\r\n")
        assert b"DKIM-Signature" not in sink.wait(n + 1)[-1][2]
        # What is below the domain is signed by it; an address that is written otherwise is the same.
        send(server, b"From: alice@sub.example.test\r\n\r\nHello\r\n")
        assert verify(sink.wait(n + 2)[-1][2], records) == BOTH
        send(server, b"From: \"A, B\" (x) <Alice@EXAMPLE.test>\r\n\r\nHello\r\n")
        assert verify(sink.wait(n + 3)[-1][2], records) == BOTH


def test_many_fields(server):
    """More fields than a signature names: it goes without one, and the log says so."""
    keys, _ = make_keys(server)
    with Sink() as sink:
        use(server, sink, keys)
        send(server, HEAD % b"many" + b"X: y\r\n" * 200 + b"\r\nHello\r\n")
        assert b"DKIM-Signature" not in sink.wait(1)[0][2]
        server.wait_log("smtp.sign", {"err": "LIMIT"})


def test_growth(server):
    """What would be larger than a message may be, made 7-bit, stays 8-bit."""
    text = HEAD % b"grown" + MIME + b"\r\n" + "ü=ü\r\n".encode() * 10000
    keys, records = make_keys(server)
    with Sink() as sink:
        use(server, sink, keys, smtp={"max_message_size": str(len(text) + 100)})
        send(server, text, "BODY=8BITMIME")
        body = sink.wait(1)[0][2]
        assert verify(body, records) == BOTH and body.endswith(text)


def test_notice(server):
    """What this server tells senders is signed by the domain that its own name is below."""
    keys, records = make_keys(server)
    with Sink(says={"RCPT": "550 5.1.1 no"}) as sink:
        use(server, sink, keys)
        send(server, HEAD % b"returned" + b"\r\nHello\r\n")
        message = wait_inbox(server, ALICE, 1)[0]
        assert message.startswith(b"Return-Path: <>\r\nDKIM-Signature: ") and b"From: Mail system <postmaster@mail.example.test>" in message
        own, returned = message.split(b"Content-Type: message/rfc822", 1)
        assert b"DKIM-Signature" in returned and own.count(b"DKIM-Signature") == 2
        assert set(x.split()[0] for x in signatures(message, records)[:2]) == {"True"}


def signatures(message, records, domain="example.test"):
    """Of the header alone: a message inside has others."""
    table = {"%s._domainkey.%s." % (k, domain): v for k, v in records.items()}
    script = VERIFIER.replace('message.lower().count(b"dkim-signature:")', "2").replace("print(", "print(good, ")
    done = subprocess.run(["/usr/bin/python3", "-c", script, json.dumps(table)], input=message, capture_output=True, check=False)
    if done.returncode == 3:
        raise Skip("python3-dkim is not installed")
    return done.stdout.decode().splitlines()


def check_config(server, keys, words, domain="example.test"):
    server.settings = {'dkim "%s"' % domain: keys}
    server.write_settings()
    r = server.command("config", "check", "--config", server.config)
    assert r.returncode != 0 and words in r.stderr, (words, r.stderr)


def test_settings(server):
    """Bad keys are refused by config check, at a start and at a reload, which goes on with the old ones; a good one is taken while it runs."""
    keys, records = make_keys(server)
    other, other_records = make_keys(server, "other")
    rsa = {k: v for k, v in keys.items() if k.startswith("rsa")}
    check_config(server, {"rsa_selector": "a"}, "both a selector and rsa_key_file")
    check_config(server, {}, "leave the section out")
    check_config(server, {**rsa, "rsa_selector": "a b"}, "letters")
    check_config(server, rsa, "not a domain", domain="no domain")
    check_config(server, {**rsa, "rsa_key_file": server.dir + "/none"}, "No such file")
    check_config(server, {**rsa, "rsa_key_file": keys["ed25519_key_file"]}, "RSA is wanted")
    check_config(server, {"ed25519_selector": "e", "ed25519_key_file": keys["rsa_key_file"]}, "Ed25519 is wanted")
    os.chmod(keys["rsa_key_file"], 0o644)
    check_config(server, rsa, "chmod 600")
    os.chmod(keys["rsa_key_file"], 0o600)
    with Sink() as sink:
        use(server, sink, keys)
        base = {k: v for k, v in server.settings.items() if not k.startswith("dkim")}
        with open(keys["rsa_key_file"], "r+b") as f:
            whole = f.read()
            f.truncate(100)
        mark = server.reload(**base, **{'dkim "example.test"': keys})
        assert "no private key" in server.wait_log("server.reload", {}, mark=mark)
        send(server, HEAD % b"old" + b"\r\nHello\r\n")
        assert verify(sink.wait(1)[0][2], records) == BOTH
        with open(keys["rsa_key_file"], "wb") as f:
            f.write(whole)
        mark = server.reload(**base, **{'dkim "example.test"': other})
        server.wait_log("server.reload", {"result": "done"}, mark=mark)
        send(server, HEAD % b"new" + b"\r\nHello\r\n")
        assert verify(sink.wait(2)[1][2], other_records) == BOTH
        mark = server.reload(**base)
        server.wait_log("server.reload", {"result": "done"}, mark=mark)
        send(server, HEAD % b"unsigned" + b"\r\nHello\r\n")
        assert b"DKIM-Signature" not in sink.wait(3)[2][2]
    with open(keys["rsa_key_file"], "wb") as f:
        f.write(b"nothing")
    server.stop()
    server.settings = {'dkim "example.test"': keys}
    server.write_settings()
    begin = time.monotonic()
    r = server.command("serve", "--config", server.config)
    assert r.returncode != 0 and "rsa_key_file" in r.stderr and time.monotonic() - begin < 30, r.stderr
    server.settings = {}
    server.start()

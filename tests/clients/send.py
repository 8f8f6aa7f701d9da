# SPDX-License-Identifier: MIT
"""`martlet send` and the client below it, against a whole server: TLS, logins, LMTP, what arrives, and how it ends otherwise."""

import email
import email.policy
import json
import os
import re
import socket
import ssl
import threading

from certs import certificate_of, self_signed
from listener import stop
from mail import read_all
from script import tls_context

ALICE, BOB = "alice@example.test", "bob@example.test"
STAGES = {"connect": 10, "greeting": 11, "helo": 12, "tls": 13, "auth": 14, "mail": 15, "rcpt": 16, "data": 17, "end": 18}


def send(server, listener, *args, text=""):
    return server.command("send", "--server", "localhost:%d" % server.port(listener), *args, text=text)


def must(result, status, *texts):
    assert result.returncode == status, (result.returncode, result.stdout, result.stderr)
    for text in texts:
        assert text in result.stdout + result.stderr, (text, result.stdout, result.stderr)
    return result


def file(server, name, text):
    path = "%s/%s" % (server.dir, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def test_what_arrives(server):
    """RFC 5321 4.5.2: every byte as it was, dots at all places, over the clear, TLS and LMTP, small and large."""
    large = "".join(".%d .. %s.\n" % (i, "x" * (i % 900)) for i in range(3000))
    texts = {"small": ".\n..\n. x\n.\n", "none": "", "open": "no end of line", "large": large, "plain": "y" * 70 + "\n"}
    texts["flat"] = texts["plain"] * 30000
    for i, (name, text) in enumerate(texts.items()):
        for how in (("smtp", "--tls", "never"), ("smtp",), ("lmtp", "--lmtp")):
            subject = "%s-%s" % (name, "-".join(how).replace("--", ""))
            must(send(server, *how, "--to", BOB, text="Subject: %s\n\n%s" % (subject, text)), 0, BOB + ": 250 2.0.0 queued")
    there = read_all(server)
    assert len(there) == 3 * len(texts), sorted(there)
    for subject, raw in there.items():
        text = texts[subject.split("-")[0]].replace("\n", "\r\n")
        want = text if text.endswith("\r\n") or not text else text + "\r\n"
        assert raw.partition(b"\r\n\r\n")[2] == want.encode(), subject


def test_a_message_is_made(server):
    """RFC 5322 3.6, RFC 2045 to 2047, 2231: what Python's parser reads is what was given."""
    subject, text = "Gr\xfc\xdfe \u2013 " + "and so on " * 12 + "\U0001f426", "a line\n\xe9\nFrom here\n.\n" + "long " * 400 + "\n"
    files = {"plain.txt": b"a\nb\r\n\xff", "\xdcbersicht " + "x" * 90 + ".pdf": bytes(range(256)) * 300, "none.bin": b"",
             "old.eml": b"Subject: inside\n\ntext\n"}
    for name, held in files.items():
        with open(os.path.join(server.dir, name), "wb") as f:
            f.write(held)
    attach = [x for name in files for x in ("--attach", os.path.join(server.dir, name))]
    must(send(server, "smtp", "--from", "\"J\xf6rg, the\" <j@y.example>", "--to", "Alice <%s>" % ALICE,
              "--to", BOB, "--subject", subject, *attach, text=text), 0, ALICE + ": 250", BOB + ": 250")
    raw, = read_all(server).values()
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 78, raw
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects and message["subject"] == subject, message["subject"]
    assert message["from"].addresses[0].display_name == "J\xf6rg, the" and message["from"].addresses[0].addr_spec == "j@y.example"
    assert [x.addr_spec for x in message["to"].addresses] == [ALICE, BOB] and message["message-id"] and message["date"].datetime
    body, *parts = message.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == text, body.get_content()
    assert [x.get_filename() for x in parts] == list(files), [x.get_filename() for x in parts]
    assert parts[3].get_content_type() == "message/rfc822" and parts[3].get_content()["subject"] == "inside"
    assert [x.get_payload(decode=True) for x in parts[:3]] == list(files.values())[:3]
    assert parts[1].get_content_type() == "application/pdf"


def test_a_message_that_cannot_be_made(server):
    sender = ("--from", "x@y.example", "--to", BOB)
    for options, said in ((("--to", BOB, "--subject", "s"), "--from"), (("--from", "nobody", "--to", BOB, "--subject", "s"), "--from"),
                          (("--from", "x@y.example", "--to", "nobody", "--subject", "s"), "nobody"),
                          ((*sender, "--subject", "two\nBcc: lines"), "control"), ((*sender, "--attach", server.dir), "directory")):
        must(send(server, "smtp", *options, text="a"), 2, said)
    must(send(server, "smtp", *sender, "--attach", server.dir + "/gone", text="a"), 3, "No such file")
    assert messages(server) == 0


def test_each_recipient_has_its_fate(server):
    said = must(send(server, "smtp", "--json", "--trace", "--from", "x@y.example", "--to", ALICE, "--to", "nobody@example.test", "--to", BOB,
                     text="Subject: a\n\n.\n"), STAGES["rcpt"], "> DATA", "> QUIT", "< 221 ")
    fates = json.loads(said.stdout)
    assert [x["code"] for x in fates["recipients"]] == [250, 550, 250], fates
    assert [x["stage"] for x in fates["recipients"]] == ["end", "rcpt", "end"], fates
    assert fates["recipients"][1]["enhanced"] == "5.1.1" and fates["tls"]["version"] == "TLSv1.3", fates
    assert not fates["tls"]["verified"] and "self-signed" in fates["tls"]["problem"], fates
    must(send(server, "smtp", "--to", "nobody@example.test", text="x: y\n\n"), STAGES["rcpt"], "550 5.1.1")
    must(send(server, "smtp", "--to", ALICE, "--from", "\xe4@y.example", text="x: y\n\n"), 0, "250 2.0.0")
    assert len(read_all(server)) == 1
    told = must(send(server, "smtp", "--to", BOB, "--trace", text="Subject: b\r\n\r\na\nb\r\n"), 0, "BODY=BINARYMIME", "> BDAT 19 LAST")
    assert "> DATA" not in told.stderr
    assert read_all(server)["b"].endswith(b"\r\n\r\na\nb\r\n")


def test_certificates(server):
    """RFC 9525 6: verified by the authority that is named, for the host that is named."""
    ca = file(server, "ca.pem", ssl.DER_cert_to_PEM_cert(certificate_of(server)))
    with open(self_signed(server, "other", "localhost")["certificate"], encoding="ascii") as f:
        other = file(server, "other-ca.pem", f.read())
    for listener, kind in (("submission", "verify"), ("submissions", "implicit")):
        must(send(server, listener, "--tls", kind, "--ca-file", ca, "--stop-after", "tls"), 0)
        must(send(server, listener, "--tls", kind, "--ca-file", other, "--stop-after", "tls"), STAGES["tls"], "does not verify")
        must(send(server, listener, "--tls", kind, "--stop-after", "tls"), STAGES["tls"], "self-signed certificate")
        must(send(server, listener, "--tls", kind, "--stop-after", "tls", "--insecure"), 0)
    must(send(server, "lmtp", "--lmtp", "--tls", "always", "--stop-after", "tls"), STAGES["tls"], "does not offer STARTTLS")
    must(send(server, "smtp", "--tls", "implicit", "--stop-after", "tls"), STAGES["tls"], "TLS failed")
    must(send(server, "submissions", "--ca-file", server.dir + "/none", "--stop-after", "tls"), 2, "cannot read")


def test_logins(server):
    """RFC 4954, RFC 5802 6, RFC 9266: bound to the connection where it can be, and never without a certificate that verifies."""
    ca = file(server, "ca.pem", ssl.DER_cert_to_PEM_cert(certificate_of(server)))
    good, bad = file(server, "good", "demo\n"), file(server, "bad", "wrong\n")
    login = ("--user", ALICE, "--password-file")
    told = must(send(server, "submission", "--tls", "verify", "--ca-file", ca, *login, good, "--trace", "--from", ALICE, "--to", BOB,
                     text="Subject: scram\n\n"), 0, "> AUTH SCRAM-SHA-256-PLUS <secret>", "< 235 ")
    assert "demo" not in told.stderr and "334 <challenge>" in told.stderr, told.stderr
    must(send(server, "submissions", "--tls", "implicit", "--ca-file", ca, *login, bad, "--trace", "--stop-after", "auth"), STAGES["auth"],
         "AUTH SCRAM-SHA-256-PLUS", "AUTH PLAIN", "535 5.7.8")
    must(send(server, "submission", "--tls", "always", *login, good, "--stop-after", "auth"), STAGES["auth"], "no password is sent",
         "--tls verify", "--ca-file", "--insecure")
    must(send(server, "submission", "--tls", "never", *login, good, "--stop-after", "auth"), STAGES["auth"], "no password is sent")
    must(send(server, "submission", "--tls", "never", "--insecure", *login, good, "--stop-after", "auth"), 0)
    must(send(server, "submission", "--tls", "always", "--insecure", *login, "-", "--from", ALICE, "--to", BOB,
              text="demo\nSubject: typed\n\n"), 0, "250 2.0.0 queued")
    must(send(server, "submission", "--tls", "always", "--insecure", "--user", ALICE), 2, "--to")
    assert sorted(read_all(server)) == ["scram", "typed"]
    for mechanisms in ("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"):
        mark = server.reload(auth={"mechanisms": mechanisms})
        server.wait_log("server.reload", {"result": "done"}, mark=mark)
        must(send(server, "submissions", "--tls", "implicit", "--ca-file", ca, *login, good, "--trace", "--stop-after", "auth"), 0,
             "> AUTH " + mechanisms)


def test_going_no_further(server):
    must(send(server, "smtp", "--stop-after", "connect"), 0)
    told = must(send(server, "smtp", "--stop-after", "mail", "--trace"), 0, "250 2.1.0", "> MAIL FROM:<>", "> RSET")
    assert "RCPT" not in told.stderr.replace("RCPTMAX", ""), told.stderr
    must(send(server, "submission", "--tls", "always", "--stop-after", "mail"), STAGES["mail"], "530 5.7.0")
    must(send(server, "smtp", "--stop-after", "rcpt", "--to", ALICE), 0, ALICE + ": 250 2.1.5")
    must(send(server, "smtp", "--stop-after", "data", "--to", BOB), 0, BOB + ": 354")
    must(send(server, "smtp", "--stop-after", "data", "--to", "nobody@example.test"), STAGES["rcpt"], "550 5.1.1")
    must(send(server, "smtp", "--stop-after", "rcpt", "--to", ALICE, "--to", "nobody@example.test"), STAGES["rcpt"], "550 5.1.1")
    must(server.command("send", "--server", "[::1]:1", "--stop-after", "connect"), STAGES["connect"], "::1")
    must(server.command("send", "--server", "127.0.0.1:1", "--stop-after", "connect"), STAGES["connect"], "Connection refused")
    must(server.command("send", "--server", "a..b", "--stop-after", "connect"), STAGES["connect"], "a..b")
    for wrong in (("--tls", "maybe"), ("--stop-after", "lunch"), ("--helo", "a b")):
        must(send(server, "smtp", "--to", "x@y", *wrong), 2, wrong[0])
    for wrong in ("a:b", "[]:25", "a:0", ""):
        must(server.command("send", "--server", wrong, "--to", "x@y"), 2, "--server")
    must(server.command("send", "--to", "x@y"), 2, "--server")
    must(send(server, "smtp", "--from", "x@y"), 2, "--to")
    assert messages(server) == 0


def messages(server):
    with socket.create_connection(("127.0.0.1", server.port("imap"))) as s:
        s.sendall(b"a LOGIN %s demo\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n" % BOB.encode())
        said = b"".join(iter(lambda: s.recv(4096), b""))
    return int(re.search(rb"MESSAGES (\d+)", said).group(1))


class Peer(threading.Thread):
    """A server of a few lines: each of them is said when the one of the client before it has come. TLS begins after "220 TLS"."""

    def __init__(self, lines, context=None):
        super().__init__(daemon=True)
        self.lines, self.context, self.heard = lines, context, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        sock, _ = self.listener.accept()
        sock.settimeout(20)
        try:
            self.talk(sock)
        except OSError as e:
            self.heard.append(repr(e))
        finally:
            sock.close()

    def talk(self, sock):
        f = sock.makefile("rwb")
        for i, line in enumerate(self.lines):
            if i:
                self.heard.append(f.readline().decode().strip())
            if line:
                f.write(line.encode())
                f.flush()
            if line.startswith("220 TLS"):
                sock = self.context.wrap_socket(sock, server_side=True)
                f = sock.makefile("rwb")

    def tell(self, server, *args, text=""):
        result = server.command("send", "--server", "127.0.0.1:%d" % self.port, "--helo", "me.example", *args, text=text)
        self.join(20)
        stop(self.listener, self)
        return result


def test_hostile_servers_over_tls(server):
    """RFC 3207 4.2, 6: nothing said before TLS counts under it, and what is injected ends the dialogue. An old server (TLS 1.0) is better than none."""
    pair = self_signed(server, "peer", "peer.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair["certificate"], pair["key"])
    offer = ["220 x\r\n", "250-x\r\n250-AUTH PLAIN\r\n250-SIZE 1\r\n250 STARTTLS\r\n"]
    peer = Peer(offer + ["220 TLS\r\n", "250 x\r\n", "250 a\r\n", "250 b\r\n", "354 c\r\n", "", "250 d\r\n", "221 e\r\n"], context)
    must(peer.tell(server, "--to", "a@b.example", text="Subject: x\n"), 0, "a@b.example: 250 d")
    name = "EHLO me.example"
    assert peer.heard == [name, "STARTTLS", name, "MAIL FROM:<>", "RCPT TO:<a@b.example>", "DATA", "Subject: x", ".", "QUIT"], peer.heard
    peer = Peer(offer + ["220 TLS\r\n250 injected\r\n"], context)
    must(peer.tell(server, "--to", "a@b.example", text="x: y\n"), STAGES["tls"], "between its reply and TLS")
    peer = Peer(offer + ["454 4.7.0 not now\r\n"])
    must(peer.tell(server, "--tls", "always", "--stop-after", "tls"), STAGES["tls"], "454 4.7.0 not now")
    peer = Peer(["220 \x1b[2Jx\r\n", "550 \x1b[31mred\r\n", "550 no\r\n"])
    told = must(peer.tell(server, "--trace", "--stop-after", "tls"), STAGES["helo"], "550 no")
    assert "\x1b" not in told.stderr + told.stdout
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1
    old.load_cert_chain(pair["certificate"], pair["key"])
    peer = Peer(offer + ["220 TLS\r\n", "250 x\r\n", "221 y\r\n"], old)
    must(peer.tell(server, "--stop-after", "tls"), 0)
    peer = Peer(offer + ["220 TLS\r\n", "250 x\r\n", "221 y\r\n"], old)
    must(peer.tell(server, "--tls", "verify", "--stop-after", "tls"), STAGES["tls"], "protocol version")

# SPDX-License-Identifier: MIT
"""
SASL from the other side: a small SCRAM client (RFC 5802, RFC 7677, channel bindings of RFC 5929), client certificates
(RFC 4422 A), and password hashes that were made elsewhere.
"""

import base64
import crypt
import hashlib
import hmac
import os
import ssl
import subprocess

from script import Actor, Failure, tls_context

BOB = "bob@example.test"


def b64(data):
    return base64.b64encode(data).decode()


class Scram:
    """One exchange. binding: None, or the tls-unique bytes for a -PLUS mechanism; gs2 overrides the header."""

    def __init__(self, name, password, hash_name="sha256", binding=None, gs2=None, nonce=None):
        self.hash_name, self.password = hash_name, password.encode()
        self.gs2 = gs2 or ("p=tls-unique,," if binding is not None else "n,,")
        self.binding = binding or b""
        self.nonce = nonce or b64(os.urandom(18))
        self.bare = "n=%s,r=%s" % (name.replace("=", "=3D").replace(",", "=2C"), self.nonce)
        self.server_signature = b""

    def hmac(self, key, data):
        return hmac.new(key, data, self.hash_name).digest()

    def first(self):
        return self.gs2 + self.bare

    def final(self, server_first):
        fields = dict(x.split("=", 1) for x in server_first.split(","))
        assert fields["r"].startswith(self.nonce) and fields["r"] != self.nonce, server_first
        assert int(fields["i"]) >= 4096, "RFC 7677 4: at least 4096 iterations: " + server_first
        salted = hashlib.pbkdf2_hmac(self.hash_name, self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = "c=%s,r=%s" % (b64(self.gs2.encode() + self.binding), fields["r"])
        message = ",".join((self.bare, server_first, without_proof)).encode()
        client_key = self.hmac(salted, b"Client Key")
        signature = self.hmac(hashlib.new(self.hash_name, client_key).digest(), message)
        self.server_signature = self.hmac(self.hmac(salted, b"Server Key"), message)
        return "%s,p=%s" % (without_proof, b64(bytes(a ^ b for a, b in zip(client_key, signature))))

    def check(self, server_final):
        assert server_final == "v=" + b64(self.server_signature), "the server does not know the password: " + server_final


def challenge(actor):
    """The decoded challenge of the three protocols, or None when the exchange is over (then actor.last says how)."""
    actor.last = actor.line()
    if actor.last.startswith(("+ ", "334 ")):
        return base64.b64decode(actor.last.split(" ", 1)[1]).decode()
    return None


def begin(server, protocol, tls_version=None):
    """A connection after its greeting."""
    if tls_version:
        context = tls_context()
        context.maximum_version = tls_version
        actor = actor_with(server, protocol, context)
    else:
        actor = Actor(server, protocol)
    greet(actor)
    return actor


def actor_with(server, protocol, context):
    """A connection to an implicit-TLS port with a TLS context of our own."""
    port = server.port(protocol)

    class Proxy:
        def port(self, _):
            return port
    actor = Actor(Proxy(), protocol[:-1])
    actor.protocol = protocol
    actor.sock = context.wrap_socket(actor.sock, server_hostname="localhost")
    return actor


def greet(actor):
    if actor.protocol.startswith("sub"):
        actor.hello()
    else:
        actor.line()


def say(actor, mechanism, text):
    """The AUTH command with an initial response."""
    word = "a AUTHENTICATE" if actor.protocol.startswith("imap") else "AUTH"
    actor.send(("%s %s %s\r\n" % (word, mechanism, b64(text.encode()) or "=")).encode())


def exchange(actor, mechanism, scram):
    """True when logged in."""
    say(actor, mechanism, scram.first())
    server_first = challenge(actor)
    if server_first is None:
        return False
    actor.send(b64(scram.final(server_first).encode()).encode() + b"\r\n")
    server_final = challenge(actor)
    if server_final is None:
        assert not actor.last.startswith(("a OK", "235", "+OK")), "no server signature: " + actor.last
        return False
    scram.check(server_final)
    actor.send(b"\r\n")
    assert challenge(actor) is None
    assert actor.last.startswith(("a OK", "235", "+OK")), actor.last
    return True


def leave(actor):
    """Good-bye: with its answer the maildrop is free again (RFC 1939 6)."""
    actor.send(b"a LOGOUT\r\n" if actor.protocol.startswith("imap") else b"QUIT\r\n")
    while actor.line().startswith("*"):
        pass
    actor.close()


def test_scram(server):
    """RFC 5802 5, RFC 7677 3: both hashes over the three protocols; the server proves itself too."""
    for protocol in ("imaps", "pop3s", "submissions", "imap", "pop3", "submission"):
        for mechanism, name in (("SCRAM-SHA-256", "sha256"), ("SCRAM-SHA-1", "sha1")):
            actor = begin(server, protocol)
            assert exchange(actor, mechanism, Scram(BOB, "demo", name)), (protocol, mechanism, actor.last)
            leave(actor)


def test_scram_wrong(server):
    """RFC 5802 7: wrong passwords, names and messages; the session goes on."""
    actor = begin(server, "imaps")
    assert not exchange(actor, "SCRAM-SHA-256", Scram(BOB, "wrong"))
    assert actor.last.startswith("a NO [AUTHENTICATIONFAILED]"), actor.last
    assert not exchange(actor, "SCRAM-SHA-256", Scram("nobody@example.test", "demo"))
    assert actor.last.startswith("a NO [AUTHENTICATIONFAILED]"), actor.last
    for text in ("", "n,,", "x,,n=bob,r=abc", "n,,n=bob@example.test", "n,,m=ext,n=bob@example.test,r=abc",
                 "n,,r=abc,n=bob@example.test", "p=tls-unique,,n=bob@example.test,r=abc"):
        say(actor, "SCRAM-SHA-256", text)
        if challenge(actor) is not None:
            actor.send(b"*\r\n")
            challenge(actor)
        assert actor.last.startswith(("a NO", "a BAD")), (text, actor.last)
    actor.send(b"b NOOP\r\n")
    assert actor.line().startswith("b OK")


def test_scram_unknown_name_looks_alike(server):
    """RFC 5802 9 and RFC 4422 6.1: a name that does not exist gets the same salt each time, as a real one does."""
    seen = []
    for _ in range(2):
        for name in (BOB, "nobody@example.test"):
            actor = begin(server, "imaps")
            say(actor, "SCRAM-SHA-256", Scram(name, "x").first())
            fields = dict(x.split("=", 1) for x in challenge(actor).split(","))
            seen.append((fields["s"], fields["i"]))
            actor.close()
    assert seen[:2] == seen[2:] and seen[0][1] == seen[1][1] and len(seen[0][0]) == len(seen[1][0]), seen


def test_scram_plus(server):
    """RFC 5929 3: tls-unique under TLS 1.2; another binding, or a stripped one (RFC 5802 6), is refused."""
    def tls12():
        return begin(server, "imaps", ssl.TLSVersion.TLSv1_2)
    for mechanism, name in (("SCRAM-SHA-256-PLUS", "sha256"), ("SCRAM-SHA-1-PLUS", "sha1")):
        actor = tls12()
        assert exchange(actor, mechanism, Scram(BOB, "demo", name, actor.sock.get_channel_binding("tls-unique"))), actor.last
        actor.close()
    actor = tls12()
    assert not exchange(actor, "SCRAM-SHA-256-PLUS", Scram(BOB, "demo", binding=b"x" * 12))
    assert actor.last.startswith("a NO"), actor.last
    # the client could have bound but thinks that the server cannot: somebody removed -PLUS on the way
    actor = tls12()
    assert not exchange(actor, "SCRAM-SHA-256", Scram(BOB, "demo", gs2="y,,"))
    assert actor.last.startswith("a NO"), actor.last
    actor = tls12()
    assert exchange(actor, "SCRAM-SHA-256", Scram(BOB, "demo"))


def test_scram_after_password_change(server):
    """RFC 5802 2.2: the keys follow the password."""
    server.cli("account", "password", BOB, input="next\n")
    assert not exchange(begin(server, "imaps"), "SCRAM-SHA-256", Scram(BOB, "demo"))
    assert exchange(begin(server, "imaps"), "SCRAM-SHA-256", Scram(BOB, "next"))


# ---- client certificates ----

def openssl(*words):
    r = subprocess.run(("openssl",) + words, capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 0, r.stderr


def make_certificates(d):
    """ca.pem, and name.pem + name.key for bob (signed), eve (signed, unknown address), mallory (signed by nobody)."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl("req", "-x509", *curve, "-keyout", d + "/ca.key", "-out", d + "/ca.pem", "-subj", "/CN=Test CA")
    for name, address, signer in (("bob", BOB, "ca"), ("eve", "eve@example.test", "ca"), ("mallory", BOB, None)):
        files = ("-keyout", "%s/%s.key" % (d, name), "-subj", "/CN=" + name, "-addext", "subjectAltName=email:" + address)
        if not signer:
            openssl("req", "-x509", *curve, *files, "-out", "%s/%s.pem" % (d, name))
            continue
        openssl("req", *curve[:-2], *files, "-out", "%s/%s.csr" % (d, name))
        openssl("x509", "-req", "-in", "%s/%s.csr" % (d, name), "-CA", d + "/ca.pem", "-CAkey", d + "/ca.key", "-days", "2",
                "-copy_extensions", "copy", "-out", "%s/%s.pem" % (d, name))


def with_certificate(server, protocol, name):
    context = tls_context()
    if name:
        context.load_cert_chain("%s/%s.pem" % (server.dir, name), "%s/%s.key" % (server.dir, name))
    actor = actor_with(server, protocol, context)
    greet(actor)
    return actor


def external(actor, authzid=""):
    say(actor, "EXTERNAL", authzid)
    challenge(actor)
    return actor.last.startswith(("a OK", "235", "+OK"))


def test_external(server):
    """RFC 4422 A: EXTERNAL logs in whose certificate an authority of ours signed, and nobody else."""
    server.stop()
    make_certificates(server.dir)
    server.settings = {"tls": {"client_ca": server.dir + "/ca.pem"}}
    server.start()
    for protocol in ("imaps", "submissions", "pop3s"):
        actor = with_certificate(server, protocol, "bob")
        assert external(actor), (protocol, actor.last)
        actor.close()
    assert external(with_certificate(server, "imaps", "bob"), BOB)
    assert not external(with_certificate(server, "imaps", "bob"), "alice@example.test")
    assert not external(with_certificate(server, "imaps", "eve"))
    assert not external(with_certificate(server, "imaps", None))
    # a certificate of nobody's: the handshake fails, or it counts as none
    try:
        assert not external(with_certificate(server, "imaps", "mallory"))
    except (ssl.SSLError, ConnectionError, Failure):
        pass
    # offered to who has one
    actor = with_certificate(server, "imaps", "bob")
    actor.send(b"c CAPABILITY\r\n")
    assert "AUTH=EXTERNAL" in actor.line()
    # and everything else works as before
    assert exchange(begin(server, "imaps"), "SCRAM-SHA-256", Scram(BOB, "demo"))


# ---- imported hashes ----

def test_imported_hashes(server):
    """Hashes of other systems hold: who had a password there has it here."""
    hashes = {"sha": "{SHA512-CRYPT}" + crypt.crypt("old pässword", crypt.METHOD_SHA512),
              "bf": "{BLF-CRYPT}" + crypt.crypt("old pässword", crypt.METHOD_BLOWFISH),
              "any": "{CRYPT}" + crypt.crypt("old pässword", crypt.METHOD_SHA256)}
    path = server.dir + "/hash"
    for name, text in hashes.items():
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "\n")
        server.cli("account", "add", name + "@example.test", "--hash-file", path)
        for password, ok in (("old pässword", True), ("old passwort", False), ("", False), ("old pässword", True)):
            actor = begin(server, "imaps")
            say(actor, "PLAIN", "\0%s@example.test\0%s" % (name, password))
            challenge(actor)
            assert actor.last.startswith("a OK" if ok else "a NO"), (name, password, actor.last)
            actor.close()
    with open(path, "w", encoding="utf-8") as f:
        f.write("{ROT13}abc\n")
    assert server.command("account", "add", "rot@example.test", "--hash-file", path, "--config", server.config).returncode == 2

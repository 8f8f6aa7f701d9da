# SPDX-License-Identifier: MIT
"""
Access tokens: OAUTHBEARER (RFC 7628) and XOAUTH2 over IMAP, POP3 and submission, with an identity provider of our own on
loopback (RFC 7662), with signed tokens (RFC 7519, RFC 7517) that openssl makes, and with real clients.
"""

import base64
import http.server
import imaplib
import json
import os
import signal
import smtplib
import ssl
import subprocess
import threading
import time
import urllib.parse

from certs import self_signed
from script import Actor, tls_context
from server import Skip

ALICE, BOB = "alice@example.test", "bob@example.test"
PROTOCOLS = ("imaps", "pop3s", "submissions")
SECRET = "s3cret+with/signs"


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# ---- the identity provider ----

def active(**more):
    claims = {"active": True, "email": ALICE, "iss": "https://id.example", "aud": ["mail", "else"], "scope": "openid mail",
              "exp": time.time() + 600, "token_type": "Bearer"}
    claims.update(more)
    return json.dumps({k: v for k, v in claims.items() if v is not None}).encode()


ANSWERS = {
    "good": active, "bob": lambda: active(email=BOB), "string-aud": lambda: active(aud="mail"),
    "inactive": lambda: b'{"active": false}', "no-active": lambda: b'{"email": "alice@example.test"}',
    "active-text": lambda: active(active="true"), "expired": lambda: active(exp=time.time() - 100),
    "not-yet": lambda: active(nbf=time.time() + 1000), "other-aud": lambda: active(aud="web"), "no-aud": lambda: active(aud=None),
    "other-iss": lambda: active(iss="https://id.example/"), "no-scope": lambda: active(scope="openid mailbox"),
    "unverified": lambda: active(email_verified=False), "bound": lambda: active(cnf={"jkt": "x"}),
    "nobody": lambda: active(email="nobody@example.test"), "no-email": lambda: active(email=None),
    "number-email": lambda: active(email=7), "text-exp": lambda: active(exp="soon"),
    "heads": active, "continue": active, "garbage": lambda: b"<html>no</html>", "array": lambda: b"[true]", "empty": lambda: b"",
    "huge": lambda: b" " * (1 << 20) + active(), "deep": lambda: b"[" * 16000, "twice": lambda: b'{"active":true,"active":true}',
}
REFUSED = ("inactive", "expired", "not-yet", "other-aud", "no-aud", "other-iss", "no-scope", "unverified", "bound", "nobody",
           "no-email", "number-email", "text-exp", "unknown-token")
TROUBLE = ("garbage", "array", "empty", "huge", "deep", "twice", "no-active", "active-text", "500", "401", "redirect", "cut", "heads", "continue")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        provider = self.server.provider
        if provider.is_gone:        # a connection that was kept
            self.close_connection = True
            return
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = form["token"][0]
        with provider.lock:
            provider.asked.append(token)
        user, _, password = base64.b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
        if (user, urllib.parse.unquote(password)) != ("martlet", SECRET) or self.path != "/introspect":
            token = "401"
        if token.startswith("slow"):
            provider.release.wait(20)
            token = "good"
        status = {"500": 500, "401": 401, "redirect": 302}.get(token, 200)
        body = ANSWERS.get(token, ANSWERS["inactive"])()
        if token == "continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)
        self.send_response(status)
        for i in range(500 if token == "heads" else 0):
            self.send_header("X-%d" % i, 100 * "x")
        if status == 302:
            self.send_header("Location", "/other")
        self.send_header("Content-Length", str(len(body) + (5 if token == "cut" else 0)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = token == "cut"


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Provider:
    def __init__(self, server, has_tls=True):
        self.is_gone = False
        self.asked, self.lock, self.release = [], threading.Lock(), threading.Event()
        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.http.provider = self
        self.secret = server.dir + "/secret"
        with open(self.secret, "w", encoding="ascii") as f:
            f.write(SECRET + "\n")
        os.chmod(self.secret, 0o600)
        self.settings = {"oauth_introspection_url": "%s://localhost:%d/introspect" % ("https" if has_tls else "http",
                                                                                   self.http.server_port),
                         "oauth_client_id": "martlet", "oauth_client_secret_file": self.secret,
                         "oauth_issuer": "https://id.example", "oauth_audience": "mail", "oauth_scope": "mail",
                         "oauth_configuration_url": "https://id.example/.well-known/openid-configuration",
                         "oauth_timeout": "3s", "throttle_exempt": "127.0.0.0/8"}
        if has_tls:
            files = self_signed(server, "provider", "localhost")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(files["certificate"], files["key"])
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
            self.settings["oauth_ca_file"] = files["certificate"]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_gone = True
        self.release.set()
        self.http.shutdown()
        self.http.server_close()


def use(server, auth):
    """A reload with these settings; comes back when both processes have them."""
    auth = {"plaintext_on_loopback": "yes", "failure_delay": "50ms", **auth}
    mark = server.reload(auth=auth)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    if "oauth_introspection_url" in auth:
        server.wait_log("asker.start", {}, mark=mark)


# ---- logging in ----

class Login:
    """One connection; send() begins the exchange, end() says how it ended."""

    def __init__(self, server, protocol="imaps"):
        self.actor, self.protocol, self.error = Actor(server, protocol), protocol, None
        if protocol.startswith("sub"):
            self.actor.hello()
        else:
            self.actor.line()

    def send(self, mechanism, message):
        word = "a AUTHENTICATE" if self.protocol.startswith("imap") else "AUTH"
        text = b64(message)
        if self.protocol.startswith("pop"):      # as a line of its own: RFC 2449 4 has short commands
            self.actor.send(("%s %s\r\n" % (word, mechanism)).encode())
            assert self.actor.line().startswith("+ ")
            self.actor.send((text + "\r\n").encode())
        else:
            self.actor.send(("%s %s %s\r\n" % (word, mechanism, text)).encode())
        return self

    def end(self):
        """The last line of the exchange; the error that came before it is in self.error."""
        line = self.actor.line()
        if line.startswith(("+ ", "334 ")):
            self.error = json.loads(base64.b64decode(line.split(" ", 1)[1]))
            self.actor.send(b"AQ==\r\n")
            line = self.actor.line()
        return line

    def close(self):
        self.actor.close()


def bearer(token, user=ALICE, header=None):
    gs2 = header or ("n,%s," % ("a=" + user if user else ""))
    return ("%s\1host=localhost\1port=993\1auth=Bearer %s\1\1" % (gs2, token)).encode()


def xoauth2(token, user=ALICE):
    return ("user=%s\1auth=Bearer %s\1\1" % (user, token)).encode()


def login(server, token, protocol="imaps", user=ALICE):
    """(last line, error) of an OAUTHBEARER exchange."""
    c = Login(server, protocol).send("OAUTHBEARER", bearer(token, user))
    line = c.end()
    if line.startswith(("+OK", "a OK", "235")):     # with the answer to it the maildrop is free again
        c.actor.send(b"a LOGOUT\r\n" if protocol.startswith("imap") else b"QUIT\r\n")
        while c.actor.line().startswith("*"):
            pass
    c.close()
    return line, c.error


def is_ok(line):
    return line.startswith(("a OK", "+OK", "235 "))


def is_refused(line):
    return line.startswith(("a NO [AUTHENTICATIONFAILED]", "-ERR [AUTH]", "535 5.7.8"))


def is_of_another(line):
    """RFC 9051 7.1: the token is good, and not that user's."""
    return line.startswith("a NO [AUTHORIZATIONFAILED]")


def is_trouble(line):
    return line.startswith(("a NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "454 4.7.0"))


def capabilities(server, protocol):
    actor = Actor(server, protocol)
    actor.line()
    actor.send({"imap": b"a CAPABILITY\r\n", "subm": b"EHLO x\r\n", "pop3": b"CAPA\r\n"}[protocol[:4]])
    lines = []
    while not lines or not lines[-1].startswith(("a OK", "250 ", ".")):
        lines.append(actor.line())
    actor.close()
    return "\n".join(lines)


def asker_pid(server):
    return int([x for x in server.log if " asker.start " in x][-1].split(" pid=")[1].split()[0])


def no_token_logged(server):
    secrets = ("Bearer", "unknown-token", "one-too-many", "slow1", SECRET, b64(bearer("good")), b64(xoauth2("good")))
    for line in server.log:
        assert not [x for x in secrets if x in line], line


def test_introspection(server):
    """RFC 7628 3: both mechanisms over the three protocols, offered over TLS only, and only when set up."""
    for protocol in PROTOCOLS:
        assert "OAUTHBEARER" not in capabilities(server, protocol)
    with Provider(server) as provider:
        use(server, provider.settings)
        for protocol in PROTOCOLS:
            assert "OAUTHBEARER" in capabilities(server, protocol) and "XOAUTH2" in capabilities(server, protocol)
            assert "OAUTH" not in capabilities(server, protocol[:-1]), "offered without TLS"
            for mechanism, message in (("OAUTHBEARER", bearer("good")), ("XOAUTH2", xoauth2("good")),
                                       ("oauthbearer", bearer("good", "")), ("OAUTHBEARER", bearer("good", "ALICE@example.test"))):
                c = Login(server, protocol).send(mechanism, message)
                line = c.end()
                assert is_ok(line), (protocol, mechanism, line)
                c.actor.send(b"a LOGOUT\r\n" if protocol == "imaps" else b"QUIT\r\n")
                while c.actor.line().startswith("*"):
                    pass
                c.close()
        assert provider.asked.count("good") == 1, "a good token is remembered: %s" % provider.asked
        assert is_ok(login(server, "string-aud")[0])
        server.wait_log("imap.login", {"user": ALICE, "mech": "XOAUTH2"})
    no_token_logged(server)


def test_refusals(server):
    """RFC 7628 3.2.2: what the provider does not say, says otherwise, or says of somebody else; and messages of no form."""
    with Provider(server) as provider:
        use(server, provider.settings)
        for i, token in enumerate(REFUSED):
            line, error = login(server, token, PROTOCOLS[i % 3], "nobody@example.test" if token == "nobody" else ALICE)
            assert is_refused(line), (token, line)
            assert error == {"status": "insufficient_scope" if token == "no-scope" else "invalid_token", "scope": "mail",
                             "openid-configuration": provider.settings["oauth_configuration_url"]}, error
        for user in (BOB, "nobody@example.test", "bob"):
            assert is_of_another(login(server, "good", user=user)[0]), "somebody else's token: " + user
            assert is_of_another(login(server, "good", user=user)[0]), "remembered, and still somebody else's"
        c = Login(server).send("XOAUTH2", xoauth2("good", BOB))
        assert is_of_another(c.end()) and c.error["status"] == "401", c.error
        c.close()
        assert is_ok(login(server, "bob", user=BOB)[0])
        asked = len(provider.asked)
        for message in (b"\1", b"n,,\1\1", bearer("good", header="p=tls-unique,,"), bearer("good") + b"x", bearer("good")[:-1],
                        bearer("two words"), b"n,,\1auth=Bearer good\1auth=Bearer good\1\1", b"n,,\1auth=Basic good\1\1"):
            c = Login(server).send("OAUTHBEARER", message)
            assert is_refused(c.end()) and c.error["status"] == "invalid_request", (message, c.error)
            c.close()
        assert len(provider.asked) == asked
        c = Login(server).send("OAUTHBEARER", bearer("inactive"))
        assert c.actor.line().startswith("+ ")
        c.actor.send(b"*\r\n")
        assert c.actor.line().startswith("a BAD")
        c.close()
    no_token_logged(server)


def test_sizes(server):
    """Tokens as large as a SASL message can be, and larger."""
    with Provider(server) as provider:
        use(server, provider.settings)
        for protocol in PROTOCOLS:
            assert is_refused(login(server, "a" * 9000, protocol)[0])
            assert provider.asked[-1] == "a" * 9000
            for n in (9300, 13000, 70000):
                c = Login(server, protocol)
                try:
                    c.send("OAUTHBEARER", bearer("a" * n))
                    assert not is_ok(c.actor.line())
                except (ConnectionError, BrokenPipeError, EOFError):
                    pass
                c.close()
        assert max(len(x) for x in provider.asked) == 9000
        c = Login(server, "pop3s")      # as an initial response too, longer than any other command
        c.actor.send(("AUTH XOAUTH2 %s\r\n" % b64(xoauth2("b" * 8900))).encode())
        assert is_refused(c.end()) and provider.asked[-1] == "b" * 8900
        c.actor.send(b"USER " + b"x" * 1100 + b"\r\n")
        assert c.actor.line() == "-ERR the line is too long"
        c.close()
        assert is_ok(login(server, "good")[0])


def wait_asked(provider, n):
    """Until it was asked about so many slow tokens."""
    end = time.monotonic() + 30
    while len([x for x in provider.asked if x.startswith("slow")]) < n:
        assert time.monotonic() < end, provider.asked
        time.sleep(0.01)


def test_trouble(server):
    """A provider that makes no sense is no wrong token: try again later. A slow one holds no thread, and not everybody's logins."""
    with Provider(server) as provider:
        use(server, {**provider.settings, "oauth_max_waiting": "12", "oauth_timeout": "6s"})
        for i, token in enumerate(TROUBLE):
            line, error = login(server, token, PROTOCOLS[i % 3])
            assert is_trouble(line) and error is None, (token, line, error)
        assert provider.asked.count("redirect") == 1
        begin = time.monotonic()
        slow = [Login(server, PROTOCOLS[i % 3]).send("OAUTHBEARER", bearer("slow%d" % i)) for i in range(12)]
        wait_asked(provider, 12)
        assert is_trouble(login(server, "one-too-many")[0]), "waiting logins are bounded"
        slow[0].actor.send(b"b NOOP\r\n")
        actor = Actor(server, "imaps")
        actor.login("bob")
        actor.close()
        assert time.monotonic() - begin < 5.9, "somebody waited for the slow ones"
        for c in slow:
            assert is_trouble(c.end())
        assert 5.5 < time.monotonic() - begin < 60
        assert slow[0].actor.line().startswith("b OK"), "what was pipelined is still there"
        for c in slow:
            c.close()
        assert is_ok(login(server, "good")[0])
        begin = time.monotonic()
        c = Login(server).send("OAUTHBEARER", bearer("slow-but-there"))
        threading.Timer(0.3, provider.release.set).start()
        assert is_ok(c.end()) and time.monotonic() - begin < 5.5
        c.close()
    line, _ = login(server, "provider-is-gone")
    assert is_trouble(line), line
    no_token_logged(server)


def test_certificate(server):
    """A provider whose certificate is of nobody that the system knows, or of another name, is not asked."""
    with Provider(server) as provider:
        for change in ({"oauth_ca_file": None},
                       {"oauth_introspection_url": provider.settings["oauth_introspection_url"].replace("localhost", "127.0.0.1")}):
            use(server, {k: v for k, v in {**provider.settings, **change}.items() if v})
            mark = len(server.log)
            assert is_trouble(login(server, "good")[0])
            line = server.wait_log("asker.trouble", {}, mark=mark)
            if change.get("oauth_ca_file", "") is None and not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
                continue
            assert "certificate" in line and "CA cert" not in line, line
        assert not provider.asked


def test_unknown_host(server):
    """A name that leads nowhere: the asker looks for it from inside of its cage, and lives on."""
    with Provider(server) as provider:
        use(server, {**provider.settings, "oauth_timeout": "1s",
                     "oauth_introspection_url": "https://id.martlet.invalid:%d/introspect" % provider.http.server_port})
        pid = asker_pid(server)
        assert is_trouble(login(server, "good")[0])
        server.wait_log("asker.trouble", {})
        assert not [x for x in server.log if " asker.died " in x]
        use(server, provider.settings)
        assert asker_pid(server) != pid and is_ok(login(server, "good")[0])


def test_killed(server):
    """The asker dies while it is asked: who waits hears so at once, and the next login works. So when the server process dies."""
    with Provider(server) as provider:
        use(server, {**provider.settings, "oauth_timeout": "30s"})
        for _ in range(3):
            waiting = [Login(server, p).send("OAUTHBEARER", bearer("slow" + p)) for p in PROTOCOLS]
            wait_asked(provider, len(waiting))
            mark, begin = len(server.log), time.monotonic()
            os.kill(asker_pid(server), signal.SIGKILL)
            for c in waiting:
                assert is_trouble(c.end())
                c.close()
            assert time.monotonic() - begin < 25, "they waited for the timeout"
            server.wait_log("asker.died", {"signal": "9"}, mark=mark)
            server.wait_log("asker.start", {}, mark=mark)
            provider.asked.clear()
        assert is_ok(login(server, "good")[0])
        mark = len(server.log)
        pid = int([x for x in server.log if " server.start " in x][-1].split(" pid=")[1].split()[0])
        os.kill(pid, signal.SIGKILL)
        server.wait_log("server.start", {}, mark=mark)
        assert is_ok(login(server, "good")[0])
    use(server, {})
    mark = len(server.log)
    assert "OAUTH" not in capabilities(server, "imaps")
    assert not [x for x in server.log[mark:] if " asker.died " in x]


def test_cage(server):
    """The asker is closed in: seccomp, no capabilities, nothing open but the log, its socket and what it works with."""
    with Provider(server) as provider:
        use(server, provider.settings)
        assert is_ok(login(server, "good")[0])
        line = [x for x in server.log if " asker.start " in x][-1]
        if "seccomp" not in line:
            raise Skip("no sandbox here: " + line)
        with open("/proc/%d/status" % asker_pid(server), encoding="ascii") as f:
            status = dict(x.rstrip("\n").split(":\t", 1) for x in f if ":\t" in x)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0
        links = [os.readlink(x.path) for x in os.scandir("/proc/%d/fd" % asker_pid(server))]
        assert not [x for x in links if server.dir in x], links
        with open("/proc/net/tcp", encoding="ascii") as f:
            listening = {x.split()[9] for x in f if x.split()[3] == "0A"}
        assert not [x for x in links if x.startswith("socket:[") and x[8:-1] in listening], "a listener is open in the asker"


# ---- signed tokens ----

def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


class Key:
    def __init__(self, server, kid, kind):
        self.kid, self.kind, self.path = kid, kind, "%s/%s.key" % (server.dir, kid)
        if kind == "RSA":
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.path)
            modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().split("=")[1]
            self.jwk = {"kty": "RSA", "n": b64url(bytes.fromhex(modulus)), "e": "AQAB"}
        else:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path)
            point = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
            self.jwk = {"kty": "EC", "crv": "P-256", "x": b64url(point[:32]), "y": b64url(point[32:])}
        self.jwk.update(kid=kid, use="sig")

    def sign(self, data):
        der = openssl("dgst", "-sha256", "-sign", self.path, data=data)
        if self.kind == "RSA":
            return der
        n = der[3]
        r, s = der[4:4 + n], der[6 + n:]
        return b"".join(x.lstrip(b"\0").rjust(32, b"\0") for x in (r, s))

    def token(self, header=None, **claims):
        head = {"alg": "RS256" if self.kind == "RSA" else "ES256", "typ": "at+jwt", "kid": self.kid, **(header or {})}
        body = {"iss": "https://id.example", "aud": "mail", "sub": ALICE, "scope": "mail", "exp": int(time.time()) + 600, **claims}
        text = ".".join(b64url(json.dumps({k: v for k, v in x.items() if v is not None}).encode()) for x in (head, body))
        return text + "." + b64url(self.sign(text.encode()))


def write_keys(path, *keys):
    with open(path, "w", encoding="ascii") as f:
        json.dump({"keys": [k.jwk for k in keys]}, f)


def jwt_settings(path):
    return {"oauth_jwks_file": path, "oauth_issuer": "https://id.example", "oauth_audience": "mail", "oauth_scope": "mail",
            "oauth_claim": "sub", "throttle_exempt": "127.0.0.0/8"}


def test_jwt(server):
    """RFC 8725 3: signatures by the keys of a file, which a reload reads anew; nobody is asked."""
    rsa, ec, other = Key(server, "rsa-1", "RSA"), Key(server, "ec-1", "EC"), Key(server, "rsa-2", "RSA")
    path = server.dir + "/jwks.json"
    write_keys(path, rsa, ec)
    use(server, jwt_settings(path))
    for i, token in enumerate((rsa.token(), ec.token(), rsa.token(aud=["x", "mail"]), ec.token({"typ": "JWT"}), ec.token({"kid": None}),
                               rsa.token(exp=int(time.time()) - 5), rsa.token(nbf=time.time() + 5.5))):
        assert is_ok(login(server, token, PROTOCOLS[i % 3])[0]), i
    good = rsa.token()
    head, body, signature = good.split(".")
    none = b64url(b'{"alg":"none","typ":"at+jwt"}')
    confused = b64url(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": "rsa-1"}).encode())
    for token in (rsa.token(exp=int(time.time()) - 100), rsa.token(nbf=time.time() + 100), rsa.token(exp=None), rsa.token(aud="web"),
                  rsa.token(aud=None), rsa.token(iss="https://id.example/x"), rsa.token(iss=None), rsa.token(scope="other"),
                  rsa.token(sub="nobody@example.test"), rsa.token(sub=None), rsa.token({"kid": "gone"}), rsa.token({"kid": 5}),
                  rsa.token({"kid": "ec-1"}), rsa.token({"alg": "RS512"}), rsa.token({"alg": "HS256"}), rsa.token({"crit": ["x"], "x": 1}),
                  rsa.token({"typ": "secevent+jwt"}), ec.token({"alg": "RS256"}), other.token(), other.token({"kid": "rsa-1"}),
                  none + "." + body + ".", none + "." + body + "." + signature, confused + "." + body + "." + signature,
                  head + "." + body + ".", head + "." + body + "." + signature[:-8], head + ".." + signature, "..", "a.b.c",
                  head + "." + b64url(b'{"iss":"https://id.example","aud":"mail","sub":"%s","exp":99999999999}' % BOB.encode()) + "." + signature,
                  "opaque"):
        line, error = login(server, token, user="")
        assert is_refused(line) and error["status"] in ("invalid_token", "insufficient_scope"), (token, line, error)
    use(server, {**jwt_settings(path), "oauth_requires_at_jwt": "yes", "oauth_algorithms": "RS256"})
    assert is_ok(login(server, rsa.token())[0])
    assert is_refused(login(server, rsa.token({"typ": "JWT"}))[0]) and is_refused(login(server, ec.token())[0])
    write_keys(path, ec, other)
    use(server, jwt_settings(path))
    assert is_refused(login(server, good)[0]), "a key that is gone, and a token that was remembered"
    assert is_ok(login(server, other.token())[0])
    mark = len(server.log)
    with open(path, "w", encoding="ascii") as f:
        f.write("{}")
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("server.reload", {}, mark=mark)
    assert is_ok(login(server, ec.token())[0]), "a broken file changes nothing"
    assert not [x for x in server.log if good[-40:] in x]


def test_jwt_or_ask(server):
    """A signed token whose key is not in the file is asked about, one with a wrong signature is not."""
    rsa, other = Key(server, "rsa-1", "RSA"), Key(server, "rsa-2", "RSA")
    path = server.dir + "/jwks.json"
    write_keys(path, rsa)
    with Provider(server, has_tls=False) as provider:
        use(server, {**provider.settings, **jwt_settings(path), "oauth_claim": "email"})
        assert is_ok(login(server, rsa.token(email=ALICE))[0]) and not provider.asked
        assert is_refused(login(server, other.token({"kid": "rsa-1"}, email=ALICE))[0]) and not provider.asked
        assert is_refused(login(server, other.token(email=ALICE))[0]) and len(provider.asked) == 1
        assert is_ok(login(server, "good")[0])


# ---- real clients ----

def curl(server, url, *args):
    return subprocess.run(["curl", "--silent", "--insecure", "--max-time", "20", "--user", ALICE, "--oauth2-bearer", "good",
                           "--url", url, *args], capture_output=True, check=False, timeout=30)


def test_clients(server):
    """curl, imaplib and smtplib; and what they make of a refusal."""
    with Provider(server) as provider:
        use(server, provider.settings)
        mail = server.dir + "/mail"
        with open(mail, "w", encoding="ascii") as f:
            f.write("From: %s\r\nTo: %s\r\nSubject: token\r\n\r\nhello\r\n" % (ALICE, ALICE))
        for extra in ((), ("--sasl-ir",)):
            r = curl(server, "smtps://127.0.0.1:%d" % server.port("submissions"), "--mail-from", ALICE, "--mail-rcpt", ALICE,
                     "--upload-file", mail, *extra)
            assert r.returncode == 0, r
            r = curl(server, "imaps://127.0.0.1:%d/INBOX;MAILINDEX=1" % server.port("imaps"), *extra)
            assert r.returncode == 0 and b"hello" in r.stdout, r
            r = curl(server, "pop3s://127.0.0.1:%d/1" % server.port("pop3s"), *extra)
            assert r.returncode == 0 and b"hello" in r.stdout, r
        server.wait_log("imap.login", {"mech": "OAUTHBEARER"})
        c = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context())
        assert c.authenticate("XOAUTH2", lambda _: xoauth2("good"))[0] == "OK"
        assert c.select()[0] == "OK"
        c.logout()
        c = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context())
        try:
            c.authenticate("OAUTHBEARER", lambda challenge: b"\1" if challenge else bearer("inactive"))
            raise AssertionError("an inactive token logged in")
        except imaplib.IMAP4.error as e:
            assert "AUTHENTICATIONFAILED" in str(e)
        c.shutdown()
        with smtplib.SMTP_SSL("127.0.0.1", server.port("submissions"), context=tls_context()) as s:
            s.ehlo()
            assert s.auth("XOAUTH2", lambda _=None: xoauth2("good").decode())[0] == 235
        with smtplib.SMTP_SSL("127.0.0.1", server.port("submissions"), context=tls_context()) as s:
            s.ehlo()
            try:
                s.auth("OAUTHBEARER", lambda c=None: bearer("inactive").decode() if not c else "\1")
                raise AssertionError("an inactive token logged in")
            except smtplib.SMTPAuthenticationError as e:
                assert e.smtp_code == 535


def test_msmtp(server):
    """msmtp gives a token by auth oauthbearer and xoauth2."""
    with Provider(server) as provider:
        use(server, provider.settings)
        for method in ("oauthbearer", "xoauth2"):
            r = subprocess.run(["msmtp", "--host=127.0.0.1", "--port=%d" % server.port("submissions"), "--tls=on", "--tls-starttls=off",
                                "--tls-certcheck=off", "--auth=" + method, "--user=" + ALICE, "--passwordeval=echo good", "--from=" + ALICE,
                                "--file=/dev/null", ALICE], input=b"Subject: x\r\n\r\nx\r\n", capture_output=True, check=False, timeout=30)
            if b"authentication method" in r.stderr and b"not supported" in r.stderr:
                raise Skip("this msmtp has no " + method)
            assert r.returncode == 0, r


def test_throttled(server):
    """Wrong tokens count like wrong passwords; the same one again does not, nor does trouble."""
    with Provider(server) as provider:
        use(server, {**provider.settings, "throttle_exempt": "192.0.2.1", "max_address_failures": "3", "max_wait": "1h"})
        for _ in range(3):
            assert is_refused(login(server, "inactive")[0])
            assert is_trouble(login(server, "500")[0])
        assert is_ok(login(server, "good")[0])
        for i in range(8):
            line, error = login(server, "wrong%d" % i, user=BOB)
            if not is_refused(line):
                break
        assert line.startswith("a NO [UNAVAILABLE]") and error is None and 2 <= i <= 4, (i, line)
        server.wait_log("imap.login-refused", {"err": "THROTTLED", "mech": "OAUTHBEARER"})


def test_mistakes(server):
    """What `config check` says."""
    secret, keys = server.dir + "/secret", server.dir + "/keys"
    with open(secret, "w", encoding="ascii") as f:
        f.write(SECRET)
    url = {"oauth_introspection_url": "https://id.example/x", "oauth_client_id": "m", "oauth_client_secret_file": secret}
    jwt = {"oauth_jwks_file": keys, "oauth_issuer": "i", "oauth_audience": "a"}
    pair = Key(server, "pair", "EC").jwk

    def check(auth, text=None, mode=0o600):
        os.chmod(secret, mode)
        with open(keys, "w", encoding="ascii") as f:
            f.write(text or "{}")
        server.settings = {"auth": auth}
        server.write_settings()
        r = server.command("config", "check", "--config", server.config)
        return "" if r.returncode == 0 else r.stderr + r.stdout

    assert check(url) == ""
    assert "chmod 600" in check(url, mode=0o644)
    assert "https://HOST" in check({**url, "oauth_introspection_url": "http://id.example/x"})
    assert "https://HOST" in check({**url, "oauth_introspection_url": "http://127.0.0.1.id.example/x"})
    assert check({**url, "oauth_introspection_url": "http://127.0.0.1:8080/x"}) == ""
    assert "go together" in check({**url, "oauth_client_id": ""})
    assert "oauth_client_id" in check({"oauth_introspection_url": "https://id.example/x"})
    assert "cannot read" in check({**url, "oauth_ca_file": server.dir + "/none"})
    assert "oauth_audience" in check({"oauth_jwks_file": keys, "oauth_issuer": "i"})
    assert "HS256" in check({**jwt, "oauth_algorithms": "RS256 HS256"}) and "none" in check({**jwt, "oauth_algorithms": "none"})
    assert "no set of keys" in check(jwt) and "no JSON" in check(jwt, "x")
    assert check(jwt, json.dumps({"keys": [pair, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}]})) == ""
    assert "private key" in check(jwt, json.dumps({"keys": [{**pair, "d": "AA"}]}))
    assert "secret key" in check(jwt, json.dumps({"keys": [pair, {"kty": "oct", "k": "AAAA"}]}))
    assert "two keys" in check(jwt, json.dumps({"keys": [pair, pair]}))
    assert "no key" in check(jwt, json.dumps({"keys": [{**pair, "use": "enc"}]}))
    assert "2048" in check(jwt, json.dumps({"keys": [{"kty": "RSA", "kid": "s", "n": b64url(b"\xff" * 128), "e": "AQAB"}]}))
    assert "https://" in check({**url, "oauth_configuration_url": "http://id.example"})

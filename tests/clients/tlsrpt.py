# SPDX-License-Identifier: MIT
"""
Reports about TLS (RFC 8460): mail goes to domains whose DNS, policies and hosts are good and bad in each way that there is a word for, in a small
world (lib/dnsworld.py, lib/sink.py); a day later each domain gets its report.
"""

import base64
import email
import gzip
import hashlib
import http.server
import json
import smtplib
import ssl
import subprocess
import threading
import time

from dnsworld import World
from script import tls_context
from server import Skip
from sink import Sink

ALICE = "alice@example.test"
DAY = 86400


def certificate(server, name, *hosts, days=2):
    """Self-made, for these hosts; negative days: it has expired."""
    files = {"certificate": "%s/%s.pem" % (server.dir, name), "key": "%s/%s.key" % (server.dir, name)}
    request = "%s/%s.csr" % (server.dir, name)
    extensions = "%s/%s.ext" % (server.dir, name)
    with open(extensions, "w", encoding="ascii") as f:
        f.write("basicConstraints=critical,CA:TRUE\nsubjectAltName=%s\n" % ",".join("DNS:" + x for x in hosts))
    for args in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + hosts[0],
                  "-keyout", files["key"], "-out", request],
                 ["x509", "-req", "-in", request, "-signkey", files["key"], "-days", str(days), "-extfile", extensions,
                  "-out", files["certificate"]]):
        subprocess.run(["openssl", *args], check=True, capture_output=True)
    return files


def tlsa(files):
    """3 1 1 of its key (RFC 6698 2.1)."""
    key = subprocess.run(["openssl", "x509", "-noout", "-pubkey", "-in", files["certificate"]], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


class Web:
    """HTTPS on loopback: policies by host, and a place for reports by path."""

    def __init__(self, files, address="127.0.0.1", port=0):
        self.policies, self.reports, self.refused, self.odd = {}, {}, set(), {}
        self.change = threading.Condition()
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                text = web.policies.get(self.headers["Host"].split(":")[0], "")
                self.answer(200 if text else 404, text.encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with web.change:
                    is_refused = self.path in web.refused
                    web.reports.setdefault(self.path, []).append((dict(self.headers), body))
                    web.change.notify_all()
                if self.path in web.odd:
                    web.odd[self.path](self)
                else:
                    self.answer(503 if is_refused else 201, b"thanks")

        self.http = http.server.ThreadingHTTPServer((address, port), Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["certificate"], files["key"])
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.http.server_port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def wait(self, path, n=1, seconds=30):
        """What came to that path, the nth of it."""
        with self.change:
            if not self.change.wait_for(lambda: len(self.reports.get(path, [])) >= n, seconds):
                raise AssertionError("no report at %s; there are %s" % (path, sorted(self.reports)))
            return self.reports[path][n - 1]


def use(server, world, port, queue, tlsrpt, **sections):
    """Starts it again, sending by that DNS to hosts at that port, and reporting."""
    server.stop()
    server.settings = {"server": {"hostname": "we.test"}, "dns": world.settings(),
                       "queue": {"send": "yes", "port": str(port), "allow_private_addresses": "yes", "connect_timeout": "5s",
                                 "command_timeout": "10s", **queue},
                       "tlsrpt": {"address": "tls-reports@example.test", "organization": "The Example Company", **tlsrpt}, **sections}
    server.start()


def send(server, *domains):
    """One message to each, one after the other; until something has come of each."""
    for domain in domains:
        mark = len(server.log)
        with smtplib.SMTP("127.0.0.1", server.port("submission"), "client.example", 60) as smtp:
            smtp.starttls(context=tls_context())
            smtp.login(ALICE, "demo")
            smtp.sendmail(ALICE, ["carol@" + domain], "From: %s\r\nSubject: x\r\n\r\nHello\r\n" % ALICE)
        server.wait_log("queue.attempt", {"to": "carol@" + domain}, 30, mark)


def end_day(server):
    """To the next day, when all reports are due. What day it was, as far as the server knows."""
    now = server.__dict__.setdefault("now", time.time())
    server.now = (now // DAY + 1) * DAY + 4 * 3600 + 60
    server.control("test.clock", ms=int((server.now - now) * 1000))
    return int(now // DAY)


MX = "@ MX 10 mx\nmx A %s\n"
RUA = '_smtp._tls TXT "v=TLSRPTv1; rua=%s"\n'
STS = '_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A 127.0.0.1\n'
POLICY = "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: 86400\r\n"

# domain: (policy type, result, has a peer, how many went well)
WANTED = {
    "good.test": [("no-policy-found", None, 1)],
    "clear.test": [("no-policy-found", "starttls-not-supported", 0)],
    "dane.test": [("tlsa", None, 1)],
    "wrong.test": [("tlsa", "validation-failure", 0)],
    "unusable.test": [("tlsa", "tlsa-invalid", 0)],
    "lie.test": [("tlsa", "dnssec-invalid", 0)],
    "enforce.test": [("sts", None, 1)],
    "othername.test": [("sts", "certificate-host-mismatch", 0)],
    "expired.test": [("sts", "certificate-expired", 0)],
    "untrusted.test": [("sts", "certificate-not-trusted", 0)],
    "fetch.test": [("no-policy-found", None, 1), ("sts", "sts-policy-fetch-error", 0)],
    "invalid.test": [("no-policy-found", None, 1), ("sts", "sts-policy-invalid", 0)],
    "webpki.test": [("no-policy-found", None, 1), ("sts", "sts-webpki-invalid", 0)],
}
STS_HOSTS = ("enforce", "othername", "expired", "untrusted", "fetch", "invalid")


def build(world, web, good):
    """The zones of all of them."""
    hosts = {"clear": "127.0.0.2", "expired": "127.0.0.4", "untrusted": "127.0.0.5"}
    records = {"dane": tlsa(good), "wrong": "ab" * 32, "lie": tlsa(good)}
    for domain in WANTED:
        name = domain.split(".", maxsplit=1)[0]
        text = MX % hosts.get(name, "127.0.0.3") + RUA % ("https://reports.test/" + name)
        options = {}
        if name in STS_HOSTS or name == "webpki":
            text += STS
        if name in records:
            text += "_%d._tcp.mx TLSA 3 1 1 %s\n" % (web.mail_port, records[name])
            options["signed"] = True
        if name == "unusable":
            text += "_%d._tcp.mx TLSA 0 1 1 %s\n" % (web.mail_port, "ab" * 32)
            options["signed"] = True
        if name == "lie":
            options = {"tampered": (tlsa(good)[:8], "00000000")}
        world.zone(domain, text, **options)
    world.zone("reports.test", "@ A 127.0.0.1")
    world.zone("silent.test", MX % "127.0.0.3")     # wants no reports
    web.policies = {"mta-sts.enforce.test": POLICY % ("enforce", "mx.enforce.test"),
                    "mta-sts.othername.test": POLICY % ("enforce", "*.othername.test"),
                    "mta-sts.expired.test": POLICY % ("testing", "mx.expired.test"),
                    "mta-sts.untrusted.test": POLICY % ("testing", "mx.untrusted.test"),
                    "mta-sts.invalid.test": "<html>", "mta-sts.webpki.test": POLICY % ("enforce", "mx.webpki.test")}


def check_report(report, domain, day):
    """One report as a whole, and what it says of its domain."""
    assert report["organization-name"] == "The Example Company" and report["contact-info"] == "tls-reports@example.test"
    begin = time.strftime("%Y-%m-%dT", time.gmtime(day * DAY))
    assert report["date-range"] == {"start-datetime": begin + "00:00:00Z", "end-datetime": begin + "23:59:59Z"}, report["date-range"]
    got = []
    for entry in report["policies"]:
        policy, summary, details = entry["policy"], entry["summary"], entry.get("failure-details", [])
        assert summary["total-failure-session-count"] == sum(x["failed-session-count"] for x in details) == len(details), report
        got.append((policy["policy-type"], details[0]["result-type"] if details else None, summary["total-successful-session-count"]))
        assert policy["policy-domain"] == ("mx." if policy["policy-type"] == "tlsa" else "") + domain, policy
    assert got == WANTED[domain], (domain, report)


def check_details(reports):
    """Some of it to the letter."""
    clear = reports["clear.test"]["policies"][0]
    assert clear["policy"] == {"policy-type": "no-policy-found", "policy-domain": "clear.test"}, clear
    assert clear["failure-details"] == [{"result-type": "starttls-not-supported", "sending-mta-ip": "127.0.0.1",
                                         "receiving-mx-hostname": "mx.clear.test", "receiving-ip": "127.0.0.2",
                                         "failed-session-count": 1}], clear
    enforce = reports["enforce.test"]["policies"][0]["policy"]
    assert enforce == {"policy-type": "sts", "policy-domain": "enforce.test", "mx-host": ["mx.enforce.test"],
                       "policy-string": ["version: STSv1", "mode: enforce", "mx: mx.enforce.test", "max_age: 86400"]}, enforce
    wrong = reports["wrong.test"]["policies"][0]
    assert wrong["policy"]["policy-string"] == ["3 1 1 " + "AB" * 32], wrong
    assert "TLSA" in wrong["failure-details"][0]["failure-reason-code"], wrong
    assert "expired" in reports["expired.test"]["policies"][0]["failure-details"][0]["failure-reason-code"]
    ids = {x["report-id"] for x in reports.values()}
    assert len(ids) == len(reports) and all(x.endswith("@example.test") for x in ids), ids


def test_every_kind_by_https(server):
    """RFC 8460 4.3, 4.4, 5.4: each domain gets what is its own, packed; who publishes no record gets nothing."""
    good = certificate(server, "good", "mx.enforce.test")
    old = certificate(server, "old", "mx.expired.test", days=-1)
    stranger = certificate(server, "stranger", "mx.untrusted.test")
    policies = certificate(server, "policies", *("mta-sts.%s.test" % x for x in STS_HOSTS))
    authorities = server.dir + "/authorities.pem"
    with open(authorities, "wb") as f:
        for files in (good, old, policies):
            with open(files["certificate"], "rb") as g:
                f.write(g.read())
    with World() as world, Web(policies) as web, Sink(address="127.0.0.3", tls=good) as mx, \
            Sink(address="127.0.0.2", port=mx.port), Sink(address="127.0.0.4", port=mx.port, tls=old), \
            Sink(address="127.0.0.5", port=mx.port, tls=stranger):
        web.mail_port = mx.port
        build(world, web, good)
        world.start()
        use(server, world, mx.port, {"mta_sts_port": str(web.port), "ca_file": authorities}, {"https_port": str(web.port)})
        send(server, "silent.test", *WANTED)
        day = end_day(server)
        reports = {}
        for domain in WANTED:
            headers, body = web.wait("/" + domain.split(".", maxsplit=1)[0])
            assert headers["Content-Type"] == "application/tlsrpt+gzip" and "Expect" not in headers, headers
            reports[domain] = json.loads(gzip.decompress(body))
            check_report(reports[domain], domain, day)
            server.wait_log("tlsrpt.sent", {"domain": domain, "by": "https"})
        check_details(reports)
        assert len(web.reports) == len(WANTED), sorted(web.reports)


def test_https_again(server):
    """RFC 8460 5.5: a report that was not taken comes again, with the same id."""
    files = certificate(server, "x", "x.test")
    with World(signed=False) as world, Web(files) as web, Sink(address="127.0.0.2") as clear:
        world.zone("far.test", MX % "127.0.0.2" + RUA % "https://reports.test/far")
        world.zone("reports.test", "@ A 127.0.0.1")
        world.start()
        web.refused.add("/far")
        use(server, world, clear.port, {"mta_sts": "no"}, {"https_port": str(web.port)})
        send(server, "far.test")
        end_day(server)
        first = web.wait("/far")
        server.wait_log("tlsrpt.deferred", {"domain": "far.test", "tries": "1"})
        web.refused.clear()
        server.control("test.clock", ms=6 * 60000)
        second = web.wait("/far", 2)
        assert gzip.decompress(first[1]) == gzip.decompress(second[1])
        server.wait_log("tlsrpt.sent", {"domain": "far.test", "tries": "2"})


def moved(handler):
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass


def long_header(handler):
    handler.send_response(200)
    for n in range(2000):
        handler.send_header("X-%d" % n, "x" * 1000)
    try:
        handler.end_headers()
    except OSError:
        pass


def deaf(handler):
    handler.close_connection = True


def test_odd_receivers(server):
    """Redirects are not followed, answers without end are not read, and who says nothing has not taken it. Another port is not tried."""
    files = certificate(server, "x", "x.test")
    odd = {"moved": (moved, "302"), "endless": (endless, "too long"), "header": (long_header, "too long"), "deaf": (deaf, "")}
    with World(signed=False) as world, Web(files) as web, Sink(address="127.0.0.2") as clear:
        for name in odd:
            world.zone(name + ".test", MX % "127.0.0.2" + RUA % ("https://reports.test/" + name))
        world.zone("port.test", MX % "127.0.0.2" + RUA % "https://reports.test:1/port")
        world.zone("reports.test", "@ A 127.0.0.1")
        world.start()
        web.odd = {"/" + name: what[0] for name, what in odd.items()}
        use(server, world, clear.port, {"mta_sts": "no"}, {"https_port": str(web.port)})
        send(server, "port.test", *(name + ".test" for name in odd))
        end_day(server)
        for name, (_, words) in odd.items():
            line = server.wait_log("tlsrpt.deferred", {"domain": name + ".test", "tries": "1"}, 20)
            assert words in line, line
        server.wait_log("tlsrpt.dropped", {"domain": "port.test"})
        assert "/elsewhere" not in web.reports and "/port" not in web.reports


# ---- by mail ----

def signing_key(server, *algorithm):
    """Settings of a key, and its record (RFC 6376 3.6.1, RFC 8463 4, RFC 8460 3)."""
    path = "%s/%s.key" % (server.dir, algorithm[0])
    subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out", path], check=True, capture_output=True)
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    is_rsa = algorithm[0] == "RSA"
    record = "v=DKIM1; k=%s; s=tlsrpt; p=%s" % ("rsa" if is_rsa else "ed25519", base64.b64encode(der if is_rsa else der[-32:]).decode())
    return {"dkim_selector": "s1", "dkim_key_file": path}, record


# Debian's python3-dkim, which belongs to its own python3. The clock of the server is ahead.
VERIFIER = """
import logging, sys, time
name, record, now = sys.argv[1:]
try:
    import dkim
except ImportError:
    sys.exit(3)
time.time = lambda: float(now)
asked = []
answer = lambda question, **_: asked.append(question.decode()) or record.encode()
good = dkim.verify(sys.stdin.buffer.read(), logger=logging.getLogger(), dnsfunc=answer, tlsrpt="strict")
sys.exit(0 if good and asked == [name] else 1)
"""


def verify(server, message, name, record):
    """What a verifier of others says of it."""
    done = subprocess.run(["/usr/bin/python3", "-c", VERIFIER, name, record, str(server.now)], input=message, capture_output=True, check=False)
    if done.returncode == 3:
        raise Skip("python3-dkim is not installed")
    return done.returncode == 0


def check_mail(mail, to, domain, day):
    """RFC 8460 5.3: envelope, header fields, parts. The report."""
    envelope, rcpts, body = mail
    assert envelope.startswith("MAIL FROM:<>") and len(rcpts) == 1 and rcpts[0].startswith("RCPT TO:<%s>" % to), mail
    message = email.message_from_bytes(body)
    report_id = message["Message-ID"]
    assert " ".join(message["Subject"].split()) == "Report Domain: %s Submitter: example.test Report-ID: %s" % (domain, report_id)
    assert message["TLS-Report-Domain"] == domain and message["TLS-Report-Submitter"] == "example.test"
    assert message["TLS-Required"] == "No" and message["To"] == "<%s>" % to and message["From"] == "<tls-reports@example.test>"
    assert message.get_content_type() == "multipart/report" and message.get_param("report-type") == "tlsrpt"
    text, packed = message.get_payload()
    assert text.get_content_type() == "text/plain" and packed.get_content_type() == "application/tlsrpt+gzip"
    name = packed.get_filename().split("!")
    assert name[:4] == ["example.test", domain, str(day * DAY), str(day * DAY + DAY - 1)] and name[4].endswith(".json.gz"), name
    report = json.loads(gzip.decompress(packed.get_payload(decode=True)))
    assert "<%s>" % report["report-id"] == report_id and report["contact-info"] == "tls-reports@example.test", report
    return report


def send_signed(server, *algorithm):
    """Two domains whose TLS is none, or is not what they publish, get their reports all the same; none follows from those."""
    good = certificate(server, "good", "mx.wrong.test")
    key, record = signing_key(server, *algorithm)
    with World() as world, Sink(address="127.0.0.3", tls=good) as mx, Sink(address="127.0.0.2", port=mx.port) as clear:
        world.zone("clear.test", MX % "127.0.0.2" + RUA % "mailto:reports@clear.test")
        world.zone("wrong.test", MX % "127.0.0.3" + RUA % "mailto:reports@wrong.test"
                   + "_%d._tcp.mx TLSA 3 1 1 %s\n" % (mx.port, "ab" * 32), signed=True)
        world.start()
        use(server, world, mx.port, {"mta_sts": "no"}, key)
        assert not [x for x in server.log if "tlsrpt.no-key" in x]
        send(server, "clear.test", "wrong.test")
        server.cli("queue", "remove", "--to", "carol@wrong.test")
        day = end_day(server)
        kinds = {"clear.test": (clear, 1, "starttls-not-supported"), "wrong.test": (mx, 0, "validation-failure")}
        for domain, (sink, n, kind) in kinds.items():
            mail = sink.wait(n + 1)[n]
            report = check_mail(mail, "reports@" + domain, domain, day)
            assert report["policies"][0]["failure-details"][0]["result-type"] == kind, report
            assert verify(server, mail[2], "s1._domainkey.example.test.", record), mail[2]
            assert not verify(server, mail[2].replace(b"Date: ", b"Date:  x", 1), "s1._domainkey.example.test.", record)
            assert not verify(server, mail[2].replace(b"H4sI", b"H4sJ", 1), "s1._domainkey.example.test.", record)
            server.wait_log("tlsrpt.sent", {"domain": domain, "by": "mail"})
        mark = len(server.log)
        end_day(server)
        send(server, "clear.test")
        assert not [x for x in server.log[mark:] if " tlsrpt." in x], server.log[mark:]


def test_mail_rsa(server):
    send_signed(server, "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


def test_mail_ed25519(server):
    send_signed(server, "ED25519")


def test_without_a_key(server):
    """It is said at the start and by config check, and reports by mail are dropped."""
    with World(signed=False) as world, Sink(address="127.0.0.2") as clear:
        world.zone("clear.test", MX % "127.0.0.2" + RUA % "mailto:reports@clear.test")
        world.start()
        use(server, world, clear.port, {"mta_sts": "no"}, {})
        assert [x for x in server.log if "tlsrpt.no-key" in x and "dkim_key_file" in x]
        assert "[tlsrpt] dkim_key_file is not set" in server.cli("config", "check").stdout
        send(server, "clear.test")
        end_day(server)
        assert "dkim_key_file" in server.wait_log("tlsrpt.dropped", {"domain": "clear.test"})
        assert len(clear.messages) == 1


def test_settings(server):
    """What cannot be is refused, by config check and a reload; a key that others can read is none; a reload takes a new one."""
    key, _ = signing_key(server, "ED25519")
    bad = [({"address": "not an address"}, "one plain address"), ({"address": "a@b.test", "dkim_selector": "s1"}, "both dkim_selector"),
           ({"dkim_domain": "a b"}, "letters"), ({"organization": "x" * 201}, "200 bytes"),
           ({"dkim_selector": "s1", "dkim_key_file": server.config}, "no private key")]
    for settings, words in bad:
        server.settings = {"tlsrpt": settings}
        server.write_settings()
        subprocess.run(["chmod", "600", server.config], check=True)
        r = server.command("config", "check", "--config", server.config)
        assert r.returncode != 0 and words in r.stderr, (settings, r.stderr)
    mark = server.reload(tlsrpt={"address": "a@b.test", "dkim_domain": "b.test", **key})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    subprocess.run(["chmod", "644", key["dkim_key_file"]], check=True)
    mark = server.reload(tlsrpt={"address": "a@b.test", "dkim_domain": "b.test", **key})
    assert "chmod 600" in server.wait_log("server.reload", {}, mark=mark)

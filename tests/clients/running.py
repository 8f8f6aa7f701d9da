# SPDX-License-Identifier: MIT
"""The server as a process: reload, orderly stop, death and return, and the demo with the lines that it tells people to paste."""

import os
import pwd
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from script import Actor, Failure, message, tls_context
from server import Skip, free_offset


def ehlo(server):
    actor = Actor(server, "smtp")
    actor.line()
    actor.send(b"EHLO client.example\r\n")
    words = []
    while not words or words[-1].startswith("250-"):
        words.append(actor.line())
    return actor, [x[4:] for x in words]


def reload(server, /, **settings):
    mark = len(server.log)
    server.settings = settings
    server.write_settings()
    server.process.send_signal(signal.SIGHUP)
    return mark


def test_reload(server):
    """SIGHUP: new sessions have the new settings, those that run keep the old; a bad file changes nothing."""
    old, words = ehlo(server)
    assert "SIZE 52428800" in words, words
    mark = reload(server, smtp={"max_message_size": "1M"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert "SIZE 1048576" in ehlo(server)[1]
    old.send(b"MAIL FROM:<a@example.org> SIZE=2000000\r\n")
    assert old.line().startswith("250")
    mark = reload(server, smtp={"max_message_size": "2M", "max_mesage_size": "3M"})
    fault = server.wait_log("server.reload", {}, mark=mark)
    assert "max_mesage_size" in fault and "max_message_size" in fault, fault
    assert "SIZE 1048576" in ehlo(server)[1]
    server.crash()
    assert "SIZE 1048576" in ehlo(server)[1]
    mark = reload(server)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert "SIZE 52428800" in ehlo(server)[1]


def certificate_of(server):
    with socket.create_connection(("127.0.0.1", server.port("imaps"))) as s:
        return tls_context().wrap_socket(s, server_hostname="localhost").getpeercert(True)


def self_signed(server, name, host):
    """Settings of a certificate for that host."""
    files = {"certificate": "%s/%s.pem" % (server.dir, name), "key": "%s/%s.key" % (server.dir, name)}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=" + host, "-addext", "subjectAltName=DNS:" + host,
                    "-keyout", files["key"], "-out", files["certificate"]], check=True, capture_output=True)
    return files


def test_reload_certificate(server):
    """A new certificate is used after a reload, while sessions under the old one go on; a broken one is not taken."""
    first = certificate_of(server)
    session = Actor(server, "imaps")
    session.line()
    files = self_signed(server, "new", "localhost")
    mark = reload(server, tls=files)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    second = certificate_of(server)
    with open(files["certificate"], encoding="ascii") as f:
        assert second != first and second == ssl.PEM_cert_to_DER_cert(f.read())
    session.send(b"a NOOP\r\n")
    assert session.line().startswith("a OK")
    with open(files["certificate"], "w", encoding="ascii") as f:
        f.write("nothing\n")
    mark = reload(server, tls=files)
    assert "failed" in server.wait_log("server.reload", {}, mark=mark)
    assert certificate_of(server) == second


def test_reload_certificate_of_root(server):
    """The server process runs as another user; keys that only root may read are still reloaded, and outlive its death."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    server.stop()
    os.chmod(server.dir, 0o755)
    subprocess.run(["chown", "-R", "nobody", server.dir + "/data"], check=True)
    nobody = {"user": "nobody"}
    server.settings = {"server": nobody, "tls": self_signed(server, "first", "localhost")}
    server.start()
    assert os.stat("/proc/%d" % server.server_pid()).st_uid == pwd.getpwnam("nobody").pw_uid
    first = certificate_of(server)
    files = self_signed(server, "second", "localhost")
    mark = reload(server, server=nobody, tls=files)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    second = certificate_of(server)
    assert first != second
    server.crash()
    assert certificate_of(server) == second
    with open(files["key"], "w", encoding="ascii") as f:
        f.write("not a key\n")
    mark = reload(server, server=nobody, tls=files)
    assert "failed" in server.wait_log("server.reload", {}, mark=mark)
    server.crash()
    assert certificate_of(server) == second


def test_reload_twice(server):
    """Two SIGHUPs before the first is answered: each set has its own answer; a refused one is not what outlives a death."""
    good, bad = self_signed(server, "good", "localhost"), self_signed(server, "bad", "localhost")
    with open(bad["key"], "w", encoding="ascii") as f:
        f.write("not a key\n")
    child = server.server_pid()
    os.kill(child, signal.SIGSTOP)
    mark = reload(server, tls=good)
    time.sleep(0.3)
    reload(server, tls=bad)
    time.sleep(0.3)
    os.kill(child, signal.SIGCONT)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    server.wait_log("server.reload", {"result": '"failed,'}, mark=mark)
    used = certificate_of(server)
    with open(good["certificate"], encoding="ascii") as f:
        assert used == ssl.PEM_cert_to_DER_cert(f.read())
    server.crash()
    assert certificate_of(server) == used
    mark = reload(server, server={"log_level": "debug"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    assert certificate_of(server) != used


def test_certificates_by_name(server):
    """RFC 6066 3: the certificate follows the name that the client asks for; unknown names get the default one."""
    mark = reload(server, **{'certificate "one"': self_signed(server, "one", "one.example"),
                             'certificate "wild"': self_signed(server, "wild", "*.wild.example")})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    for asked, name in (("one.example", "one"), ("ONE.example", "one"), ("mail.wild.example", "wild"),
                        ("other.example", None), ("one.example.evil", None)):
        with socket.create_connection(("127.0.0.1", server.port("imaps"))) as s:
            got = tls_context().wrap_socket(s, server_hostname=asked).getpeercert(True)
        for file in ("one", "wild"):
            with open("%s/%s.pem" % (server.dir, file), encoding="ascii") as f:
                assert (got == ssl.PEM_cert_to_DER_cert(f.read())) == (file == name), (asked, file)


def test_tls_versions(server):
    """RFC 9325 3.1, RFC 8996: TLS 1.2 and 1.3, nothing older; ALPN is answered (RFC 7301)."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = tls_context()
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["imap"])
        with socket.create_connection(("127.0.0.1", server.port("imaps"))) as s:
            tls = context.wrap_socket(s, server_hostname="localhost")
            assert tls.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
            assert tls.selected_alpn_protocol() == "imap"
    context = tls_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.port("imaps"))) as s:
        try:
            context.wrap_socket(s, server_hostname="localhost")
        except (ssl.SSLError, OSError):
            return
    raise AssertionError("TLS 1.1 was negotiated")


def test_session_tickets(server):
    """No session tickets on port 25, where a large sender breaks on them; elsewhere they may be there."""
    context = tls_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    smtp, _ = ehlo(server)
    smtp.ask("STARTTLS", "220 ")
    smtp.sock = context.wrap_socket(smtp.sock, server_hostname="localhost")
    assert not smtp.sock.session.has_ticket
    smtp.ask("EHLO client.example", "250 ")


def test_handshake_timeout(server):
    """A handshake that does not go on is ended."""
    mark = reload(server, net={"handshake_timeout": "1s"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    with socket.create_connection(("127.0.0.1", server.port("imaps")), 10) as s:
        s.sendall(b"\x16\x03\x01\x00")
        begin = time.monotonic()
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
        assert 0.5 < time.monotonic() - begin < 4


def test_unix_socket(server):
    """RFC 2033 5: LMTP over a unix socket."""
    server.stop()
    path = server.dir + "/lmtp.sock"
    server.settings = {'listener "local"': {"protocol": "lmtp", "address": path, "tls": "none"}}
    server.start()
    actor = Actor(server, "lmtp")
    actor.close()
    actor.sock = socket.socket(socket.AF_UNIX)
    actor.sock.connect(path)
    actor.hello()
    actor.mail("<carol@example.org>", "bob@example.test", "alice@example.test")
    actor.send(b"Subject: x\r\n\r\n.\r\n")
    assert actor.line().startswith("250 ") and actor.line().startswith("250 ")
    server.crash()
    actor.sock = socket.socket(socket.AF_UNIX)
    actor.sock.connect(path)
    actor.hello()


def test_stop_says_goodbye(server):
    """RFC 5321 3.8, RFC 9051 7.1.5: SIGTERM: sessions hear 421 and BYE, and the process ends with status 0."""
    smtp, _ = ehlo(server)
    imap = Actor(server, "imap")
    imap.login("bob")
    pop = Actor(server, "pop3")
    pop.login("alice")
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert smtp.line().startswith("421 "), smtp.buffer
    assert imap.line().startswith("* BYE"), imap.buffer
    server.stop()
    assert time.monotonic() - begin < 10


def test_stop_drains(server):
    """A message in transfer when SIGTERM comes is finished within the grace: 250 and stored."""
    smtp, _ = ehlo(server)
    smtp.mail("<carol@example.org>", "bob@example.test")
    body = message("simple.eml")
    smtp.send(body[:100])
    time.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    smtp.send(re.sub(rb"(?m)^\.", b"..", body)[100:] + b".\r\n")
    answer = smtp.line()
    server.stop()
    server.start()
    count = [x["messages"] for x in server.control("account.list") if x["address"] == "bob@example.test"]
    assert (answer.startswith("250 "), count) in ((True, [1]), (False, [0])), (answer, count)
    assert answer.startswith("250 "), answer


def test_death(server):
    """The server process killed: connections made meanwhile wait in the listeners, which the supervisor holds, and are served."""
    os.kill(server.server_pid(), signal.SIGKILL)
    begin = time.monotonic()
    actor = Actor(server, "smtp")
    assert actor.line().startswith("220 ")
    assert time.monotonic() - begin < 5


def test_supervisor_death(server):
    """Without its supervisor the server process ends too, and leaves the data free for the next one."""
    child = server.server_pid()
    server.process.kill()
    server.process.wait()
    for _ in range(100):
        if not os.path.exists("/proc/%d" % child):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the server process outlived its supervisor")
    server.process = None
    server.start()


def test_many_sessions(server):
    """Two hundred deliveries by twenty peers at once: each is answered 250 once and is there once."""
    answers = []

    def deliver(number):
        for i in range(10):
            actor, _ = ehlo(server)
            actor.mail("<carol@example.org>", "bob@example.test")
            actor.send(b"Subject: %d-%d\r\n\r\nbody\r\n.\r\n" % (number, i))
            answers.append(actor.line()[:4])
            actor.close()
    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == ["250 "] * 200, answers
    imap = Actor(server, "imap")
    imap.login("bob")
    imap.ask("a SELECT INBOX", "a OK")
    imap.send(b"b FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]\r\n")
    seen = []
    while not (seen and seen[-1].startswith("b ")):
        seen.append(imap.line())
    subjects = [x for x in seen if x.startswith("Subject: ")]
    assert len(subjects) == len(set(subjects)) == 200


def test_slow_peers(server):
    """Peers that stop in the middle of a line or a handshake cost the others nothing."""
    idle = []
    for name in ("smtp", "imap", "pop3", "imaps", "submissions") * 20:
        s = socket.create_connection(("127.0.0.1", server.port(name)))
        s.sendall(b"\x16\x03\x01" if name.endswith("s") else b"NO")
        idle.append(s)
    begin = time.monotonic()
    for _ in range(5):
        ehlo(server)[0].close()
        actor = Actor(server, "imaps")
        actor.login("bob")
        actor.close()
    assert time.monotonic() - begin < 5
    for s in idle:
        s.close()


def test_reader_that_does_not_read(server):
    """A client that asks for much and reads nothing: others in the same mailbox are served."""
    with Actor(server, "lmtp").sock:
        pass
    for _ in range(3):
        actor, _ = ehlo(server)
        actor.mail("<carol@example.org>", "bob@example.test")
        actor.send(message("long.eml") + b".\r\n")
        assert actor.line().startswith("250")
        actor.close()
    stuck = Actor(server, "imap")
    stuck.login("bob")
    stuck.ask("a SELECT INBOX", "a OK")
    stuck.send(b"b FETCH 1:3 BODY[]\r\n" * 50)
    other = Actor(server, "imap")
    other.login("bob")
    other.ask("a SELECT INBOX", "a OK")
    other.ask("b STORE 1 +FLAGS.SILENT (\\Flagged)", "b OK")
    stuck.close()


def demo_lines(text):
    """The commands that the demo prints, continuation lines joined."""
    text = text.replace("\\\n", " ")
    text = re.sub(r"\|\n\s+curl", "| curl", text)
    return [x.strip() for x in text.splitlines() if re.match(r"\s+(printf|curl|\S*martlet) ", x)]


def test_demo(server):
    """martlet demo: starts without settings, prints ports, accounts and lines to paste, and the lines work."""
    with tempfile.TemporaryDirectory() as d:
        demo = subprocess.Popen([server.martlet, "demo", "--dir", d + "/demo", "--port-offset", str(free_offset())],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            text = ""
            while "account list" not in text:
                line = demo.stdout.readline()
                assert line, text
                text += line
            assert "alice@example.test" in text and "bob@example.test" in text and "password demo" in text
            lines = demo_lines(text)
            assert len(lines) == 4, lines
            env = {**os.environ, "PATH": os.path.dirname(server.martlet) + ":" + os.environ["PATH"]}
            out = [subprocess.run(["sh", "-c", x], env=env, capture_output=True, text=True, timeout=30, check=False) for x in lines]
            assert all(r.returncode == 0 for r in out), [(x, r.stderr) for x, r in zip(lines, out)]
            assert "It works." in out[1].stdout and "It works." in out[2].stdout
            assert "bob@example.test" in out[3].stdout
        finally:
            demo.send_signal(signal.SIGINT)
            status = demo.wait(30)
        assert status == 0, status


def test_json_log(server):
    """log_format = json: each line is one JSON object."""
    import json  # pylint: disable=import-outside-toplevel
    mark = reload(server, server={"log_format": "json"})
    for _ in range(50):
        if any("server.reload" in x for x in server.log[mark:]):
            break
        time.sleep(0.1)
    mark = len(server.log)
    actor = Actor(server, "smtp")
    actor.line()
    actor.send(b"EHLO \"quote\\back\r\nMAIL FROM:<\xff@example.org>\r\nQUIT\r\n")
    try:
        while actor.line():
            pass
    except Failure:
        pass
    time.sleep(0.2)
    events = [json.loads(x) for x in server.log[mark:]]
    assert any("smtp.end" in e.values() for e in events), events

# SPDX-License-Identifier: MIT
"""The server as a process: TLS, many and slow peers, and the demo with the lines that it tells people to paste."""

import fcntl
import imaplib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unicodedata

from certs import self_signed
from script import Actor, Failure, ehlo, message, tls_context
from ports import free_offset
from server import Skip


def test_certificates_by_name(server):
    """RFC 6066 3: the certificate follows the name that the client asks for; unknown names get the default one."""
    mark = server.reload(**{'certificate "one"': self_signed(server, "one", "one.example"),
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


def test_few_open_files(server):
    """It takes far fewer connections then, and says so."""
    assert not [x for x in server.log if "server.files" in x]
    server.stop()
    wrapper = server.dir + "/few"
    with open(wrapper, "w", encoding="ascii") as f:
        f.write('#!/bin/sh\nulimit -n 300\nexec "%s" "$@"\n' % server.martlet)
    os.chmod(wrapper, 0o700)
    server.martlet = wrapper
    mark = len(server.log)
    server.start()
    most = server.control("status")["max_connections"]
    assert 0 < most < 300, most
    server.wait_log("server.files", {"connections": most}, mark=mark)


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
    mark = server.reload(net={"handshake_timeout": "1s"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port("imaps")), 60) as s:
        s.sendall(b"\x16\x03\x01\x00")
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
        assert 0.9 < time.monotonic() - begin < 30


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
    assert time.monotonic() - begin < 25, "they waited for the handshakes' timeout"
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
            assert len(lines) == 5, lines
            env = {**os.environ, "PATH": os.path.dirname(server.martlet) + ":" + os.environ["PATH"]}
            out = [subprocess.run(["sh", "-c", x], env=env, capture_output=True, text=True, timeout=30, check=False) for x in lines]
            assert all(r.returncode == 0 for r in out), [(x, r.stderr) for x, r in zip(lines, out)]
            assert "It works." in out[1].stdout and "It works." in out[2].stdout
            assert "Mail can be read." in out[3].stdout
            assert "bob@example.test" in out[4].stdout
        finally:
            demo.send_signal(signal.SIGINT)
            status = demo.wait(30)
        assert status == 0, status


def wait_until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_demo_leaves_directories_of_others_alone(server):
    """Settings and data of a server, or anything else, that --dir names by mistake."""
    for content in ("# a server's\n[server]\nhostname = mail.example.org\n", None):
        path = tempfile.mkdtemp(dir=server.dir)
        with open(path + ("/martlet.conf" if content else "/letter.txt"), "w", encoding="utf-8") as f:
            f.write(content or "x")
        before = [(name, os.stat(path + "/" + name).st_size) for name in os.listdir(path)]
        demo = subprocess.Popen([server.martlet, "demo", "--dir", path, "--port-offset", str(free_offset())], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        try:
            told = demo.communicate(timeout=30)[1]
        finally:
            demo.terminate()
        assert demo.returncode == 4 and "%s is not empty and no demo's" % path in told, told
        assert [(name, os.stat(path + "/" + name).st_size) for name in os.listdir(path)] == before


def test_json_log(server):
    """log_format = json: each line is one JSON object."""
    import json  # pylint: disable=import-outside-toplevel
    mark = server.reload(server={"log_format": "json"})
    wait_until(lambda: any("server.reload" in x for x in server.log[mark:]))
    mark = len(server.log)
    actor = Actor(server, "smtp")
    actor.line()
    actor.send(b"EHLO \"quote\\back\r\nMAIL FROM:<\xff@example.org>\r\nQUIT\r\n")
    try:
        while actor.line():
            pass
    except Failure:
        pass
    wait_until(lambda: any("smtp.end" in x for x in server.log[mark:]))
    events = [json.loads(x) for x in server.log[mark:]]
    assert any("smtp.end" in e.values() for e in events), events


def test_quiet_log(server):
    """log_level = error: nothing is written, and the server serves all the same."""
    server.stop()
    server.settings = {"server": {"log_level": "error"}}
    server.write_settings()
    server.process = subprocess.Popen([server.martlet, "serve", "--config", server.config], stdin=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)
    actor = None
    for _ in range(600):
        try:
            actor = Actor(server, "smtp")
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    assert actor.line().startswith("220 ")
    child = server.server_pid()
    time.sleep(0.5)
    actor.ask("NOOP", "250 ")
    assert server.server_pid() == child
    server.process.terminate()
    assert server.process.stderr.read() == b""
    assert server.process.wait(30) == 0


def test_tables_end_with_their_text(server):
    """No blanks behind it, which would wrap in a narrow window."""
    server.command("send", "--server", "localhost:%d" % server.port("submission"), "--insecure", "--user", "alice@example.test", "--password-file", "-",
                   "--from", "alice@example.test", "--to", "x@elsewhere.example", text="demo\nSubject: x\n\nx\n")
    for what in ("account", "queue"):
        lines = server.cli(what, "list").stdout.splitlines()
        assert len(lines) > 1 and all(line == line.rstrip() for line in lines), lines


def test_tables_stand_in_columns(server):
    """Of a terminal: letters of two bytes are one wide, those of East Asia two."""
    for name in ("Gr\u00f6\u00dfe", "\u53d7\u4fe1\u7bb1", "plain"):
        server.cli("mailbox", "create", "bob@example.test", name)
    lines = [line for line in server.cli("mailbox", "list", "bob@example.test").stdout.splitlines() if line]
    at = lines[0].index("messages")
    for line in lines[1:]:
        width, cut = 0, 0
        while width < at:
            width += 2 if unicodedata.east_asian_width(line[cut]) in "WF" else 1
            cut += 1
        assert width == at and re.match(r"  \d", line[cut - 2:]), lines


def test_lists_without_rows_say_so(server):
    """In words for people, as [] for programs."""
    for what, told in (("alias", "no aliases"), ("queue", "nothing found that waits"), ("auth", "no failed logins")):
        assert server.cli(what, "list").stdout == told + "\n"
        assert server.cli(what, "list", "--json").stdout == "[]\n"


def test_arguments_that_are_no_names(server):
    """What is no UTF-8 is refused as an argument, and makes nothing that is called so."""
    r = subprocess.run([server.martlet, "mailbox", "create", "bob@example.test", b"caf\xe9", "--config", server.config], capture_output=True, check=False)
    assert r.returncode == 2 and b"not UTF-8" in r.stderr and b"\xe9" not in r.stderr, r
    r = server.command("mailbox", "create", "bob@example.test", "a\nb", "--config", server.config)
    assert r.returncode == 1 and "control characters" in r.stderr, r
    assert len(json.loads(server.cli("mailbox", "list", "bob@example.test", "--json").stdout)) == 6


def test_many_mailboxes_are_listed(server):
    """An answer of more than fits into one buffer of the connection."""
    client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    client.login("bob@example.test", "demo")
    for i in range(200):
        assert client.create("%s/%d" % ("x" * 900, i))[0] == "OK"
    client.logout()
    rows = json.loads(server.cli("mailbox", "list", "bob@example.test", "x*", "--json").stdout)
    assert len(rows) == 201 and len({row["mailbox"] for row in rows}) == 201
    assert len(server.cli("mailbox", "list", "bob@example.test", "x*").stdout.splitlines()) == 202


def test_a_port_that_cannot_be_had(server):
    """The listener, and how to find out why."""
    for address, told in (("127.0.0.1", "another program listens there; `ss -ltnp` tells which"), ("192.0.2.1", "this host does not have that address")):
        path = server.dir + "/second.conf"
        with open(path, "w", encoding="utf-8") as f:
            f.write("[server]\nhostname = localhost\ndata_dir = %s/second\n[listener \"mine\"]\nprotocol = imap\naddress = %s\nport = %d\n"
                    % (server.dir, address, server.port("imap")))
        r = server.command("serve", "--config", path)
        assert r.returncode == 5 and '[listener "mine"] %s port %d: %s' % (address, server.port("imap"), told) in r.stderr, r


def test_commands_of_other_users(server):
    """Who may not speak to the server hears who may, whether it runs or not."""
    if os.geteuid() != 0:
        raise Skip("needs root, to be another user")
    os.chmod(server.dir, 0o755)
    os.chmod(server.config, 0o644)
    for _ in range(2):
        r = subprocess.run([server.martlet, "account", "list", "--config", server.config], capture_output=True, text=True, check=False, user=65534, group=65534)
        assert r.returncode == 1 and "/data is for root and the user of [server] user alone; run it as one of them" in r.stderr, r
        server.stop()
    server.start()


def test_start_waits_for_a_command(server):
    """A command that found no server has the data open, a moment before the server starts: that one waits, and does not give up."""
    server.stop()
    with open(server.dir + "/data/martlet.lock", "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        threading.Timer(0.5, fcntl.lockf, (lock, fcntl.LOCK_UN)).start()
        start = time.monotonic()
        server.start()
        assert time.monotonic() - start >= 0.4
    Actor(server, "imap").login("bob")


def test_commands_wait_for_each_other(server):
    """Without a server one command at a time has the data open; the next one waits, and asks the server if one starts meanwhile."""
    server.stop()
    with open(server.dir + "/data/martlet.lock", "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        threading.Timer(0.5, fcntl.lockf, (lock, fcntl.LOCK_UN)).start()
        assert "bob@example.test" in server.cli("account", "list").stdout
        fcntl.lockf(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([server.martlet, "status", "--config", server.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(0.3)
        threading.Timer(0.1, fcntl.lockf, (lock, fcntl.LOCK_UN)).start()
        server.start()
        told = waiting.communicate(timeout=60)[0]
        assert waiting.returncode in (0, 1) and "another martlet" not in told, told


def test_import_export_and_backup_wait_for_another_command(server):
    """They are no worse than the others: who has the data open mostly is done in a moment."""
    server.stop()
    mail = os.path.join(server.dir, "mail")
    for name in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(mail, name))
    with open(os.path.join(mail, "cur", "1:2,S"), "wb") as f:
        f.write(b"Subject: x\n\nx\n")
    with open(server.dir + "/data/martlet.lock", "r+b") as lock:
        for args in (("import", "bob@example.test", mail), ("export", "bob@example.test", server.dir + "/out"), ("backup", server.dir + "/copy")):
            fcntl.lockf(lock, fcntl.LOCK_EX)
            threading.Timer(0.5, fcntl.lockf, (lock, fcntl.LOCK_UN)).start()
            start = time.monotonic()
            server.cli(*args)
            assert time.monotonic() - start >= 0.4
    assert len(os.listdir(server.dir + "/out/cur")) == 1
    server.start()


def test_import_asks_a_server_that_starts_meanwhile(server):
    """The one that has the data open then is asked, and nothing of it is waited for in vain. This one only says that it was asked."""
    server.stop()
    path = server.dir + "/data/control.sock"
    with open(server.dir + "/data/martlet.lock", "r+b") as lock, socket.socket(socket.AF_UNIX) as listener:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([server.martlet, "export", "bob@example.test", server.dir + "/out", "--config", server.config],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(0.5)
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen()
        listener.settimeout(20)
        for _ in range(2):  # the child that waited looks, the command asks
            peer = listener.accept()[0]
            asked = peer.recv(4096)
            if asked:
                break
        assert b"export.mailboxes" in asked
        peer.sendall(b'{"ok": false, "code": 1, "error": "NOT_FOUND", "text": "asked"}\n')
        told = waiting.communicate(timeout=60)[0]
        assert waiting.returncode == 3 and "asked" in told, told
    os.unlink(path)
    server.start()

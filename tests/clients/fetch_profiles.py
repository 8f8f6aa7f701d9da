# SPDX-License-Identifier: MIT
"""The user's file of servers (src/cli/profile.h): fetch, send and sendmail by it; what is wrong in it is told with its line, and what others may change or read is not used."""

import json
import os
import shutil
import ssl
import subprocess
import tempfile

from certs import certificate_of
from mail import inbox, wait_inbox

ALICE, BOB = "alice@example.test", "bob@example.test"

FILE = """# two accounts of one server
[account "alice"]
address = {alice}
pop3 = localhost:{pop3s}
smtp = localhost:{submission}
smtp_tls = starttls
ca_file = ~/ca
password_file = ~/password
from = pop3
to = maildir:~/mail-alice
delete = yes

[account "bob"]
address = {bob}
pop3 = localhost:{pop3}
pop3_tls = starttls
smtp = localhost:{submissions}
ca_file = ~/ca
from = pop3
to = mbox:~/bob
{password}
"""


class Home:
    """A home with a file of servers, a certificate and a password, until the end of a `with`."""

    def __init__(self, server):
        self.server, self.dir = server, tempfile.mkdtemp(prefix="martlet-home-")
        self.path = self.dir + "/.config/martlet/servers.ini"
        os.makedirs(os.path.dirname(self.path))
        self.put("ca", ssl.DER_cert_to_PEM_cert(certificate_of(server)))
        self.put("password", "demo\n", 0o600)
        self.write()

    def put(self, name, text, mode=0o644):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(os.path.join(self.dir, name), mode)

    def write(self, password="password_command = echo demo; echo more", **replace):
        text = FILE.format(alice=ALICE, bob=BOB, password=password, **{x: self.server.port(x) for x in ("pop3", "pop3s", "submission", "submissions")})
        for old, new in replace.items():
            assert old in text
            text = text.replace(old, new, 1)
        self.put(".config/martlet/servers.ini", text)

    def run(self, *args, status=0, text="", **env):
        base = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        r = subprocess.run([self.server.martlet, *args], input=text, capture_output=True, text=True, timeout=60, check=False,
                           env={**base, "HOME": self.dir, **env})
        assert r.returncode == status, (r.returncode, r.stdout, r.stderr)
        return r.stderr + r.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def give(server, user, n):
    for i in range(n):
        server.command("send", "--server", "localhost:%d" % server.port("smtp"), "--to", user, text="Subject: %d\n\nhello\n" % i)
    wait_inbox(server, user, n)


def test_fetch(server):
    """All accounts in one call; one by its name; the password from a file, a command, a variable; one account's failure does not keep the other."""
    give(server, ALICE, 3)
    give(server, BOB, 2)
    with Home(server) as home:
        said = [json.loads(x) for x in home.run("fetch", "--json").splitlines()]
        ends = {x["account"]: x for x in said if x["event"] == "end"}
        assert ends["alice"]["fetched"] == ends["alice"]["deleted"] == 3 and ends["bob"]["fetched"] == 2 and ends["bob"]["deleted"] == 0, ends
        assert len(os.listdir(home.dir + "/mail-alice/new")) == 3 and not inbox(server, ALICE) and len(inbox(server, BOB)) == 2
        assert "bob: 0 fetched\n" in home.run("fetch", "--account", "bob")
        home.write("password_env = THE_PASSWORD")
        give(server, ALICE, 1)
        said = home.run("fetch", "--account", "bob", "--account", "alice", status=2)
        assert "THE_PASSWORD" in said and "alice: 1 fetched" in said, said
        assert "bob: 0 fetched, 2 deleted" in home.run("fetch", "--account", "bob", "--delete", THE_PASSWORD="demo")
        give(server, BOB, 1)
        home.run("fetch", "--account", "bob", "--to", "command:env >%s/env" % home.dir, THE_PASSWORD="demo", THE_PASSWORD2="other")
        with open(home.dir + "/env", encoding="utf-8") as f:
            assert "THE_PASSWORD2=other" in (said := f.read().split("\n")) and "THE_PASSWORD=demo" not in said, said
        home.write("password_env = THE_PASSWORD")
        assert "login" in home.run("fetch", "--account", "bob", status=12, THE_PASSWORD="wrong")


def test_send(server):
    """send --account and sendmail with MARTLET_ACCOUNT: server, TLS, login and sender are the account's."""
    with Home(server) as home:
        home.run("send", "--account", "alice", "--to", BOB, "--subject", "hi", text="text\n")
        home.run("send", "--account", "bob", "--to", BOB, text="Subject: x\n\nraw\n")
        home.run("sendmail", BOB, text="Subject: y\n\nfrom cron\n", MARTLET_ACCOUNT="alice")
        got = wait_inbox(server, BOB, 3)
        assert sum(b"From: <alice@example.test>" in x or b"From: alice@example.test" in x for x in got) == 2, got
        server.wait_log("smtp.accept", {"from": BOB})
        assert "wrong" not in home.run("sendmail", BOB, text="x\n", MARTLET_ACCOUNT="nobody", status=78)
        assert "smtp = HOST" in home.run("send", "--account", "carol", "--to", BOB, "--profiles", write_other(home), status=2)


def write_other(home):
    home.put("other", '[account "carol"]\naddress = carol@example.test\n')
    return home.dir + "/other"


def test_what_is_wrong(server):
    """File, line and what to write; and files that others may write to or read."""
    with Home(server) as home:
        home.write(**{"pop3_tls": "pop3_ttls"})
        said = home.run("fetch", status=2)
        assert "servers.ini:16" in said and "pop3_tls" in said, said
        home.write(**{"from = pop3": "from = pop"})
        assert "pop3" in home.run("fetch", status=2)
        home.write("password_command = echo a\npassword_env = B")
        assert "write one of them" in home.run("fetch", status=2)
        home.write("password_command = false")
        assert "password_command failed" in home.run("fetch", "--account", "bob", status=2)
        home.write("")
        assert "says nothing of a password" in home.run("fetch", "--account", "bob", status=2)
        assert "it has: alice, bob" in home.run("fetch", "--account", "carol", status=3)
        os.chmod(home.dir + "/password", 0o644)
        assert "chmod 600" in home.run("fetch", "--account", "alice", status=2)
        os.chmod(home.path, 0o666)
        assert "chmod go-w" in home.run("fetch", status=2)
        os.unlink(home.path)
        assert "make one" in home.run("fetch", status=3)
        assert "--to says" in home.run("fetch", "--server", "localhost", "--user", "x", "--password-file", home.dir + "/password", status=2)
        assert "one of them" in home.run("fetch", "--server", "localhost", "--account", "x", status=2)
        assert home.run("fetch", "--server", "localhost:1", "--protocol", "pop", status=2).startswith("martlet: localhost:1: --protocol pop: ")


def test_options_win_over_the_file(server):
    """The name and the password of the command line; what would mean nothing is refused."""
    with Home(server) as home:
        give(server, BOB, 1)
        home.write("password_command = false")
        said = home.run("fetch", "--account", "bob", "--user", ALICE, "--password-file", home.dir + "/password", "--to", "mbox:" + home.dir + "/other")
        assert said == "bob: 0 fetched\n", said
        home.put("wrong", "wrong\n", 0o600)
        said = home.run("fetch", "--account", "alice", "--password-file", home.dir + "/wrong", status=12)
        assert "refuses the login" in said, said
        for options, word in ((("--tls", "never"), "pop3_tls"), (("--mailbox", "Sent"), "--mailbox is for IMAP"), (("--allow-empty",), "--sync")):
            said = home.run("fetch", "--account", "alice", *options, status=2)
            assert word in said and "fetched" not in said, said

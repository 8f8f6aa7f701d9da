# SPDX-License-Identifier: MIT
"""
From nothing to a server: `quickstart` twice, the server that comes of it, its records in a name server, a signature by the published key, and what
it says when it cannot. `dns` for more domains and settings.
"""

import glob
import imaplib
import json
import os
import shutil
import smtplib
import subprocess
import time

from certs import self_signed, tlsa
from dkimcheck import verify
from dnsworld import World, tool
from script import tls_context
from server import Server, Skip
from sink import Sink

YOU = "you@example.test"
OUTSIDE = "11.22.33.44"     # no address that resolvers know answers for without asking


class Made(Server):
    """A server that quickstart makes: it writes no settings of its own."""

    def __init__(self, martlet):
        super().__init__(martlet)
        os.chmod(self.dir, 0o755)

    def write_settings(self):
        pass

    def make_accounts(self):
        pass

    def quickstart(self, *args, address=YOU, status=0, words=()):
        """Its answer as JSON; for a bad call what stands on standard error."""
        defaults = {"--config": self.config, "--data": self.dir + "/data", "--hostname": "mail.example.test", "--port-offset": str(self.offset), "--user": ""}
        options = [x for k, v in defaults.items() if k not in args for x in (k, v)]
        r = self.command("quickstart", address, "--json", "--address", OUTSIDE, *options, *args)
        assert r.returncode == status and "AddressSanitizer" not in r.stderr, (r.returncode, r.stdout, r.stderr)
        for word in words:
            assert word in r.stdout + r.stderr, (word, r.stdout, r.stderr)
        return json.loads(r.stdout)

    def append(self, text):
        with open(self.config, "a", encoding="ascii") as f:
            f.write(text)

    def files(self):
        """Everything that is no data, byte for byte, with its mode."""
        found = {}
        for path in sorted(glob.glob(self.dir + "/*")):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    found[os.path.basename(path)] = (oct(os.stat(path).st_mode), f.read())
        return found

    def rows(self):
        return [self.cli(what, "list", "--json").stdout for what in ("account", "domain", "alias")]


def states(answer):
    return {x["step"]: x["state"] for x in answer["steps"]}


def said(answer, step):
    return "\n".join("\n".join(x["said"]) for x in answer["steps"] if x["step"] == step)


def password(answer):
    return [x["password"] for x in answer["steps"] if "password" in x]


def made(test):
    """For a test with such a server instead of the one that is there."""
    def run(server):
        mine = Made(server.martlet)
        try:
            test(mine)
        finally:
            mine.remove()
    run.__doc__ = test.__doc__
    return run


def log_in(server, secret, user=YOU):
    with imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context(), timeout=60) as imap:
        imap.login(user, secret)
        assert imap.select("INBOX")[0] == "OK"


@made
def test_twice(server):
    """Once makes all, twice changes nothing, with the server or without; it starts with the result, and the password is right."""
    first = server.quickstart("--no-network")
    assert states(first) == {"settings": "made", "user": "done", "data": "made", "keys": "made", "certificate": "left", "check": "done",
                             "domain": "made", "account": "made", "postmaster": "made", "records": "left", "port 25": "would", "names": "would"}
    (secret,) = password(first)
    files, rows = server.files(), server.rows()
    assert set(files) == {"martlet.conf", "dkim-example.test-rsa.pem", "dkim-example.test-ed25519.pem", "mail.example.test.key", "mail.example.test.csr"}
    assert [files[x][0] for x in files if not x.endswith(".conf")] == ["0o100600"] * 4
    for _ in range(2):
        again = server.quickstart("--no-network")
        assert {**states(again), "certificate": 0, "records": 0, "port 25": 0, "names": 0} == dict.fromkeys(states(again), "done") | {
            "certificate": 0, "records": 0, "port 25": 0, "names": 0}, states(again)
        assert not password(again) and server.files() == files and server.rows() == rows
        assert again["records"] == first["records"]
        if not server.process:
            server.start()
    log_in(server, secret)
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=60) as smtp:
        smtp.sendmail("carol@elsewhere.test", ["postmaster@example.test"], "Subject: hello\r\n\r\nHello\r\n")
    assert '"messages":1' in server.rows()[0]
    csr = subprocess.run(["openssl", "req", "-verify", "-noout", "-text", "-in", server.dir + "/mail.example.test.csr"], capture_output=True, text=True,
                         check=True).stdout
    assert "DNS:mail.example.test" in csr
    assert "no mistakes" in server.cli("config", "check").stdout


@made
def test_dry_run(server):
    """Looks at everything and leaves nothing, before and after."""
    answer = server.quickstart("--dry-run", "--no-network")
    assert not os.listdir(server.dir) and set(states(answer).values()) <= {"would", "done", "left"}, answer
    server.quickstart("--no-network")
    files = server.files()
    os.unlink(server.dir + "/dkim-example.test-rsa.pem")
    assert states(server.quickstart("--dry-run", "--no-network"))["keys"] == "would"
    assert set(files) - set(server.files()) == {"dkim-example.test-rsa.pem"}
    assert states(server.quickstart("--no-network"))["keys"] == "made"      # what is missing is made again


@made
def test_user(server):
    """Root gives the data to the user of the settings, and the server runs as that user."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    first = server.quickstart("--no-network", "--user", "nobody")
    assert states(first)["account"] == "made" and states(first)["check"] == "done", first
    owner = os.stat("/").st_uid, os.stat(server.dir + "/data/martlet.db").st_uid
    assert owner[1] != 0 and os.stat(server.dir + "/data").st_uid == owner[1]
    assert os.stat(server.dir + "/dkim-example.test-rsa.pem").st_uid == 0
    files = server.files()
    assert states(server.quickstart("--no-network", "--user", "nobody"))["data"] == "done" and server.files() == files
    server.start()
    log_in(server, password(first)[0])


@made
def test_unprivileged(server):
    """Without root all that is the caller's own is made; where he may not write, that is said."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    os.chmod(server.dir, 0o777)
    program = server.dir + "/martlet"       # nobody may enter where it was built
    subprocess.run(["cp", server.martlet, program], check=True)       # not by a thread of ours, whose children would hold it open
    base = [program, "quickstart", YOU, "--no-network", "--hostname", "mail.example.test"]

    def run(*args):
        return subprocess.run([*base, *args], capture_output=True, text=True, user=65534, group=65534, extra_groups=[], check=False, timeout=60)

    r = run("--config", server.dir + "/own/martlet.conf", "--data", server.dir + "/own-data", "--json")
    assert r.returncode == 0, r
    assert states(json.loads(r.stdout))["account"] == "made" and os.stat(server.dir + "/own-data/martlet.db").st_uid == 65534
    again = run("--config", server.dir + "/own/martlet.conf", "--json")
    assert again.returncode == 0 and states(json.loads(again.stdout))["account"] == "done", again
    r = run("--config", "/root-only-%d/martlet.conf" % os.getpid())
    assert r.returncode == 1 and "cannot make the directory /root-only" in r.stdout and "Permission denied" in r.stdout, r


@made
def test_password_file(server):
    """A password that is given is taken, and shown nowhere."""
    path = server.dir + "/secret"
    with open(path, "w", encoding="ascii") as f:
        f.write("Correct horse\n")
    answer = server.quickstart("--no-network", "--password-file", path)
    assert not password(answer) and "horse" not in json.dumps(answer)
    server.start()
    log_in(server, "Correct horse")


# ---- the records ----

def dig(world, name, kind):
    text = subprocess.run([tool("drill"), "-Q", "-p", str(world.port), name, "@127.0.0.1", kind], capture_output=True, text=True, check=False, timeout=60).stdout
    return [x for x in text.splitlines() if x and not x.startswith(";")]


def load(world, server, domain="example.test", *args):
    """The zone as `dns` prints it, into the world; checked by NSD's own checker."""
    text = server.cli("dns", domain, "--address", OUTSIDE, "--address", "2001:db8::44", *args).stdout
    world.zone(domain, text)
    path = world.path("checked")
    with open(path, "w", encoding="ascii") as f:
        f.write("$ORIGIN %s.\n$TTL 60\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ NS ns.test.\n%s" % (domain, text))
    checked = subprocess.run([tool("nsd-checkzone"), domain, path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "is ok" in checked.stdout, checked
    return text


@made
def test_records(server):
    """What `dns` prints is what quickstart prints, a name server loads it and gives it, and a signature by the server is good by the record that it gives."""
    first = server.quickstart("--no-network", "--address", "2001:db8::44")
    with World(signed=False) as world, Sink() as sink:
        text = load(world, server)
        listed = json.loads(server.cli("dns", "example.test", "--json", "--address", OUTSIDE, "--address", "2001:db8::44").stdout)["records"]
        assert listed == first["records"]
        for record in listed:
            assert ("; " if record["place"] != "here" else "") + record["line"] in text.splitlines(), record
        world.start()
        assert dig(world, "example.test", "MX") == ["10 mail.example.test."]
        assert dig(world, "mail.example.test", "AAAA") == ["2001:db8::44"]
        assert dig(world, "_imaps._tcp.example.test", "SRV") == ["0 1 %d mail.example.test." % server.port("imaps")]
        assert dig(world, "_pop3._tcp.example.test", "SRV") == ["0 0 0 ."]
        keys = {x["name"].split(".")[0]: "".join(dig(world, x["name"], "TXT")[0].strip('"').split('" "'))
                for x in listed if "_domainkey" in x["name"]}
        assert len(keys) == 2, keys
        server.append("\n[queue]\nsend = yes\n[route \"sink\"]\ndomains = elsewhere.test\nhost = 127.0.0.1\nport = %d\n" % sink.port)
        server.start()
        with smtplib.SMTP_SSL("127.0.0.1", server.port("submissions"), context=tls_context(), timeout=60) as smtp:
            smtp.login(YOU, password(first)[0])
            smtp.sendmail(YOU, ["x@elsewhere.test"], "From: %s\r\nSubject: hello\r\n\r\nHello\r\n" % YOU)
        assert verify(sink.wait(1)[0][2], keys) == ["ed25519-sha256", "rsa-sha256"]


def test_dns(server):
    """Certificates, listeners, routes and other domains; what cannot be read is left out and said."""
    server.stop()
    files = self_signed(server, "tls", "mail.example.test")
    other = self_signed(server, "other", "mail.example.test", "www.example.test")
    third = self_signed(server, "third", "www.example.test")
    server.settings = {"server": {"hostname": "mail.example.test"}, "tls": files, 'certificate "b"': other, 'certificate "c"': third,
                       'listener "public"': {"protocol": "imap", "address": "0.0.0.0", "port": "993", "tls": "implicit"},
                       'route "part"': {"domains": "elsewhere.test", "host": "127.0.0.1"}}
    server.write_settings()
    with open(files["certificate"], "rb") as f, open(other["certificate"], "rb") as g:
        want = [tlsa(f.read()), tlsa(g.read())]

    def dns(domain, **more):
        for section, keys in more.items():
            server.settings[section.replace("_", " ")] = keys
        server.write_settings()
        r = json.loads(server.cli("dns", domain, "--json", "--address", OUTSIDE).stdout)
        return {(x["name"], x["type"]): x for x in r["records"]}, [x["type"] + " " + x["value"] for x in r["records"]], r["notes"]

    table, values, notes = dns("example.test")
    assert [x for x in values if x.startswith("TLSA")] == want
    assert table["_imaps._tcp.example.test", "SRV"]["value"] == "0 1 993 mail.example.test."
    assert table["_imap._tcp.example.test", "SRV"]["value"] == "0 0 0 ."         # on loopback alone
    assert len(notes) == 1 and "not signed" in notes[0], notes
    assert table["example.test", "TXT"]["value"] == "v=spf1 mx -all"
    with World(signed=False) as world:
        load(world, server)
        load(world, server, "bücher.test".encode("idna").decode())
    table, _, _ = dns("Bücher.test")
    assert table["xn--bcher-kva.test", "MX"]["value"] == "10 mail.example.test." and table["mail.example.test", "A"]["place"] == "elsewhere"
    server.settings["queue"] = {"source_v4": "11.22.33.55"}
    table, _, _ = dns("example.test")
    assert table["example.test", "TXT"]["value"] == "v=spf1 mx ip4:11.22.33.55 -all" and ("55.33.22.11.in-addr.arpa", "PTR") in table
    server.settings["queue"] = {"source_v4": OUTSIDE}
    assert dns("example.test")[0]["example.test", "TXT"]["value"] == "v=spf1 mx -all"
    server.settings['route "all"'] = {"host": "smtp.provider.test", "port": "465", "tls": "implicit"}
    table, _, _ = dns("example.test")
    assert table["example.test", "TXT"]["value"] == "v=spf1 mx a:smtp.provider.test ~all"
    os.unlink(files["certificate"])
    server.settings['dkim "example.test"'] = {"rsa_selector": "s", "rsa_key_file": server.dir + "/none"}
    _, values, notes = dns("example.test")
    assert [x for x in values if x.startswith("TLSA")] == want[1:] and len(notes) == 2 and "selector s" in notes[0] and files["certificate"] in notes[1], notes
    assert all(x.count(f) <= 1 for x in notes for f in files.values()), notes
    for args, words in ((["no domain"], "not a domain"), ([], "name the domain"), (["a.test", "--address", "x"], "IPv4 or IPv6")):
        r = server.command("dns", *args, "--config", server.config)
        assert r.returncode == 2 and words in r.stderr, r
    del server.settings["server"]
    server.write_settings()
    r = server.command("dns", "example.test", "--config", server.config)
    assert r.returncode == 2 and "[server] hostname" in r.stderr, r


# ---- the network ----

@made
def test_network(server):
    """Does port 25 leave here, and is this host called what it says: good, bad, and nothing there; the settings' DNS is asked."""
    server.quickstart("--no-network")
    zone = "mail A %s\n" % OUTSIDE
    with World(signed=False) as world, Sink() as sink, Sink(says={"greeting": "554 go away\u009b2J"}) as rude:
        world.zone("example.test", zone + "sink A 127.0.0.1")
        world.zone("44.33.22.11.in-addr.arpa", "@ PTR mail.example.test.")
        world.start()
        server.append("\n[dns]\nservers = %s\ndnssec = no\n" % world.settings()["servers"])
        good = server.quickstart("--probe", "127.0.0.1:%d" % rude.port, "--probe", "sink.example.test:%d" % sink.port)
        assert states(good)["port 25"] == states(good)["names"] == "done", good
        assert "554 go away??2J" in said(good, "port 25") and "greets" in said(good, "port 25") and "that is it" in said(good, "names")
        assert sink.counts == {"QUIT": 1}
        bad = server.quickstart("--probe", "127.0.0.1:1", "--probe", "none.example.test")
        assert states(bad)["port 25"] == "left" and "has no address" in said(bad, "port 25") and "relay" in said(bad, "port 25")
        large = server.quickstart()         # a DNS that knows none of them
        assert states(large)["port 25"] == "left" and said(large, "port 25").count("\n") >= 4, large
        server.quickstart("--probe", "a:b", status=1, words=["HOST:PORT"])
        world.change("44.33.22.11.in-addr.arpa", "@ PTR dialup.provider.test.")
        world.change("example.test", "mail A %s\nmail A 11.22.33.45\n" % OUTSIDE)
        other = said(server.quickstart("--probe", "127.0.0.1:%d" % sink.port), "names")
        assert "%s is called dialup.provider.test" % OUTSIDE in other and "11.22.33.45 is no address of this host" in other, other
        world.change("example.test", "@ MX 10 mail\n")
        assert "no address yet" in said(server.quickstart("--probe", "127.0.0.1:%d" % sink.port), "names")


@made
def test_silent_network(server):
    """Nobody answers: it ends in a bounded time all the same and says what it waited for."""
    server.quickstart("--no-network")
    with Sink(says={"greeting": lambda *_: time.sleep(30) or "-"}) as mute:
        server.append("\n[dns]\nservers = 127.0.0.1@1\ndnssec = no\n")
        begin = time.monotonic()
        answer = server.quickstart("--probe", "127.0.0.1:%d" % mute.port)
        assert time.monotonic() - begin < 55 and "said nothing" in said(answer, "port 25") and states(answer)["names"] == "left", answer


# ---- trouble ----

@made
def test_trouble(server):
    """Each failure names the file and what to do; what does not depend on it is done all the same."""
    for address, words in (("you", "not an address"), ("you@localhost", "not an address"), ("you@example.test>", "not an address"), ("", "not an address")):
        server.quickstart("--no-network", address=address, status=2, words=[words])
    for options, words in ((["--hostname", "mail"], "full name"), (["--port-offset", "x"], "from 0 to"), (["--user", "a b"], "letters"),
                           (["--data", server.dir + "/a\nb"], "no line end")):
        r = server.command("quickstart", YOU, "--config", server.config, "--no-network", "--dry-run", *options)
        assert r.returncode == 2 and words in r.stderr, r
    assert not os.listdir(server.dir)
    r = server.command("quickstart", YOU, "--config", "/dev/null/martlet/martlet.conf", "--no-network", "--user", "")
    assert r.returncode == 1 and "/dev/null/martlet" in r.stdout, r
    server.quickstart("--no-network")
    key = server.dir + "/dkim-example.test-rsa.pem"
    os.chmod(key, 0o644)
    answer = server.quickstart("--no-network", status=1)
    assert "chmod 600 " + key in said(answer, "keys") and states(answer)["check"] == "failed" and states(answer)["account"] == "done", answer
    os.chmod(key, 0o600)
    shutil.copy(server.dir + "/dkim-example.test-ed25519.pem", key)
    assert "RSA is wanted; move it away" in said(server.quickstart("--no-network", status=1), "keys")
    with open(key, "w", encoding="ascii") as f:
        f.write("nonsense")
    assert key + ": no private key" in said(server.quickstart("--no-network", status=1), "keys")
    os.unlink(key)
    server.quickstart("--no-network")
    # The settings of another hand are kept, and say what is missing.
    with open(server.config, encoding="ascii") as f:
        text = f.read()
    server.quickstart("--no-network", "--hostname", "mx.example.test", words=["stays so"])
    second = server.quickstart("--no-network", address="you@other.test")
    assert states(second)["keys"] == "left" and '[dkim "other.test"]' in said(second, "keys") and states(second)["account"] == "made"
    with open(server.config, encoding="ascii") as f:
        assert f.read() == text
    server.append("[nonsense]\n")
    answer = server.quickstart("--no-network", status=1)
    assert list(states(answer)) == ["settings"] and "%s:" % server.config in said(answer, "settings") and "nonsense" in said(answer, "settings")
    with open(server.config, "w", encoding="ascii") as f:
        f.write(text.replace("/data\n", "/martlet.conf\n"))
    assert "is not a directory" in said(server.quickstart("--no-network", status=1), "data")


@made
def test_another_umask(server):
    """Secrets are the owner's alone under any, and the server's user comes to its data, through a directory that is made for the settings."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    for umask in (0, 0o077):
        base = "%s/%o" % (server.dir, umask)
        old = os.umask(umask)
        try:
            answer = server.quickstart("--no-network", "--user", "nobody", "--config", base + "/martlet.conf", "--data", base + "/data")
        finally:
            os.umask(old)
        assert states(answer)["account"] == "made", answer
        modes = {name: oct(os.stat(base + "/" + name).st_mode & 0o777) for name in os.listdir(base)}
        assert modes == {"martlet.conf": "0o644", "data": "0o700", **dict.fromkeys((
            "dkim-example.test-rsa.pem", "dkim-example.test-ed25519.pem", "mail.example.test.key", "mail.example.test.csr"), "0o600")}, modes
        assert os.stat(base).st_mode & 0o777 == 0o755 and os.stat(base + "/data/martlet.db").st_mode & 0o077 == 0


@made
def test_links_of_others(server):
    """What is a link to nowhere is no free name: nothing is written where it leads."""
    for name in ("martlet.conf.new", "dkim-example.test-rsa.pem", "mail.example.test.key.new"):
        os.symlink(server.dir + "/victim", server.dir + "/" + name)
    answer = server.quickstart("--no-network", status=1)
    assert "File exists" in said(answer, "keys") and states(answer)["settings"] == "made", answer
    assert not os.path.exists(server.dir + "/victim")


@made
def test_a_directory_of_others(server):
    """Root gives none away that has more than data in it, such as /etc by a slip of the pen."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    os.makedirs(server.dir + "/etc/ssh")
    answer = server.quickstart("--no-network", "--user", "nobody", "--data", server.dir + "/etc", status=1)
    assert "is a directory of others" in said(answer, "data") and os.stat(server.dir + "/etc").st_uid == 0, answer
    os.makedirs(server.dir + "/mounted/lost+found")
    with open(server.config, encoding="ascii") as f:
        text = f.read()
    with open(server.config, "w", encoding="ascii") as f:
        f.write(text.replace("/etc\n", "/mounted\n"))
    assert states(server.quickstart("--no-network", "--user", "nobody"))["account"] == "made"


@made
def test_an_alias_is_no_account(server):
    server.quickstart("--no-network")
    server.cli("alias", "add", "sales@example.test", YOU)
    answer = server.quickstart("--no-network", address="sales@example.test", status=1)
    assert states(answer)["account"] == "failed" and not password(answer), answer


@made
def test_nobody_is_asked_by_root(server):
    """With a dry run there is no user yet whom root could become."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    with Sink() as sink:
        answer = server.quickstart("--dry-run", "--user", "martlet-none", "--probe", "127.0.0.1:%d" % sink.port)
        assert sink.connections == 0 and states(answer)["port 25"] == states(answer)["names"] == "would", answer


@made
def test_for_people(server):
    """The same as text; a machine without a full name is called after the domain."""
    r = server.command("quickstart", YOU, "--config", server.config, "--data", server.dir + "/data", "--user", "", "--no-network",
                       "--port-offset", str(server.offset), "--hostname", "mail.example.test")
    assert r.returncode == 0 and not r.stderr, r
    for word in ("settings     made     " + server.config, "password, shown this once: ", "example.test. IN MX 10 mail.example.test.", "Next:",
                 "serve --config " + server.config):
        assert word in r.stdout, (word, r.stdout)

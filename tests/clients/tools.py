# SPDX-License-Identifier: MIT
"""Mail programs from Debian against the server: curl, swaks, msmtp, mbsync, fetchmail."""

import email
import glob
import mailbox
import os
import re
import shutil
import subprocess
import tempfile

from script import MESSAGES, message

BOB = "bob@example.test"


def tool(*words, text=None, env=None, ok=(0,)):
    path = shutil.which(words[0])
    assert path, "%s is not installed; make test-deps installs it" % words[0]
    r = subprocess.run(words, input=text, capture_output=True, timeout=60, check=False,
                       env={**os.environ, **(env or {})})
    assert r.returncode in ok, "%s: status %d\n%s\n%s" % (words[0], r.returncode, r.stdout.decode(), r.stderr.decode())
    return r.stdout


def private_file(directory, name, text):
    path = os.path.join(directory, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
        f.write(text)
    return path


def test_curl(server):
    body = message("multipart.eml")
    with tempfile.NamedTemporaryFile() as f:
        f.write(body)
        f.flush()
        tool("curl", "-sS", "-k", "--ssl-reqd", "smtp://127.0.0.1:%d" % server.port("submission"), "-u", "alice@example.test:demo",
             "--mail-from", "alice@example.test", "--mail-rcpt", BOB, "-T", f.name)
    by_imap = tool("curl", "-sS", "-k", "imaps://127.0.0.1:%d/INBOX;MAILINDEX=1" % server.port("imaps"), "-u", BOB + ":demo")
    by_pop = tool("curl", "-sS", "-k", "pop3s://127.0.0.1:%d/1" % server.port("pop3s"), "-u", BOB + ":demo")
    assert by_imap.endswith(body) and by_pop == by_imap
    listed = tool("curl", "-sS", "-k", "imaps://127.0.0.1:%d/" % server.port("imaps"), "-u", BOB + ":demo")
    assert b"Drafts" in listed and b"INBOX" in listed


def test_swaks(server):
    for port, more in (("smtp", ["--tls"]), ("submission", ["--tls", "--auth", "PLAIN"]), ("submissions", ["--tls-on-connect", "--auth", "LOGIN"])):
        login = ["--auth-user", "alice@example.test", "--auth-password", "demo"] if "--auth" in more else []
        tool("swaks", "--server", "127.0.0.1:%d" % server.port(port), "--from", "alice@example.test", "--to", BOB, *more, *login)
    tool("swaks", "--server", "127.0.0.1:%d" % server.port("smtp"), "--from", "x@example.org", "--to", "y@example.net", ok=(24,))
    tool("swaks", "--server", "127.0.0.1:%d" % server.port("lmtp"), "--protocol", "LMTP", "--from", "x@example.org", "--to", BOB)
    assert server.cli("account", "list", "--json").stdout.count('"messages":4') == 1


def test_msmtp_scram(server):
    with tempfile.TemporaryDirectory() as d:
        for auth in ("scram-sha-256", "plain", "login"):
            conf = private_file(d, "msmtprc-" + auth, "account default\nhost 127.0.0.1\nport %d\ntls on\ntls_certcheck off\n"
                                "auth %s\nuser alice@example.test\npassword demo\nfrom alice@example.test\n"
                                % (server.port("submission"), auth))
            tool("msmtp", "-C", conf, BOB, text=message("simple.eml"))
    assert server.cli("account", "list", "--json").stdout.count('"messages":3') == 1


def mbsync_tree(root):
    """Mailbox -> sorted (flags, body) of a Maildir tree."""
    out = {}
    for path in glob.glob(root + "/**/cur", recursive=True):
        box = os.path.dirname(path)
        out[os.path.relpath(box, root)] = sorted((m.get_flags(), m.get("Message-ID")) for m in mailbox.Maildir(box, create=False))
    return out


def test_mbsync(server):
    for name in sorted(os.path.basename(p) for p in glob.glob(MESSAGES + "/*.eml")):
        tool("curl", "-sS", "-k", "imaps://127.0.0.1:%d/INBOX" % server.port("imaps"), "-u", BOB + ":demo", "-T", os.path.join(MESSAGES, name))
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(d + "/mail")
        conf = private_file(d, "mbsyncrc", "IMAPAccount a\nHost 127.0.0.1\nPort %d\nUser %s\nPass demo\nSSLType IMAPS\nCertificateFile %s/data/self-signed.crt\n"
                            "AuthMechs PLAIN\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath %s/mail/\nInbox %s/mail/INBOX\nSubFolders Verbatim\n\n"
                            "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n"
                            % (server.port("imaps"), BOB, server.dir, d, d))
        env = {"HOME": d}

        def sync():
            r = subprocess.run(["mbsync", "-c", conf, "-V", "all"], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})
            assert r.returncode == 0, r.stdout + r.stderr
            return r.stdout + r.stderr
        # mbsync checks names alone, not addresses
        text = open(conf, encoding="utf-8").read().replace("Host 127.0.0.1", "Host localhost")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text)
        sync()
        first = mbsync_tree(d + "/mail")
        count = len(glob.glob(MESSAGES + "/*.eml"))
        assert len(first["INBOX"]) == count, first
        # change both sides: a flag and a deletion here, a new message there
        files = sorted(glob.glob(d + "/mail/INBOX/*/*"))
        head, _, flags = files[0].partition(":2,")
        os.rename(files[0], head.replace("/new/", "/cur/") + ":2," + "".join(sorted(set(flags + "FS"))))
        head, _, flags = files[1].partition(":2,")
        os.rename(files[1], head.replace("/new/", "/cur/") + ":2," + "".join(sorted(set(flags + "T"))))
        tool("curl", "-sS", "-k", "imaps://127.0.0.1:%d/Drafts" % server.port("imaps"), "-u", BOB + ":demo", "-T", os.path.join(MESSAGES, "simple.eml"))
        sync()
        second = mbsync_tree(d + "/mail")
        assert len(second["INBOX"]) == count - 1 and len(second["Drafts"]) == 1, second
        sync()
        assert mbsync_tree(d + "/mail") == second
        flagged = tool("curl", "-sS", "-k", "imaps://127.0.0.1:%d/INBOX" % server.port("imaps"), "-u", BOB + ":demo", "-X", "SEARCH FLAGGED SEEN")
        assert len(re.findall(rb"\d+", flagged)) == 1, flagged


def test_fetchmail(server):
    for name in ("simple.eml", "multipart.eml", "long.eml"):
        tool("curl", "-sS", "-k", "imaps://127.0.0.1:%d/INBOX" % server.port("imaps"), "-u", BOB + ":demo", "-T", os.path.join(MESSAGES, name))
    with tempfile.TemporaryDirectory() as d:
        for protocol, port in (("pop3", "pop3s"), ("imap", "imaps")):
            conf = private_file(d, "fetchmailrc", "poll localhost proto %s port %d user %s pass demo ssl no sslcertck %s fetchall mda \"tee -a %s/%s >/dev/null; echo >>%s/%s; true\"\n"
                                % (protocol, server.port(port), BOB, "keep" if protocol == "pop3" else "nokeep", d, protocol, d, protocol))
            # fetchmail asks the mda through a shell; every message ends up in one file
            tool("fetchmail", "-f", conf, "--nosyslog", "--invisible", env={"HOME": d, "FETCHMAILHOME": d})
            os.remove(conf)
            with open(os.path.join(d, protocol), "rb") as f:
                got = f.read()
            for name in ("simple.eml", "multipart.eml", "long.eml"):
                want = email.message_from_bytes(message(name))["Message-ID"].encode()
                assert got.count(b"Message-ID: " + want) + got.count(b"Message-Id: " + want) == 1, (protocol, name)
    assert '"messages":0' in server.cli("account", "list", "--json").stdout.split(BOB)[1]

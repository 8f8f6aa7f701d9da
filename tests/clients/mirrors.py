# SPDX-License-Identifier: MIT
"""
Programs that keep a mailbox on both sides: mbsync, offlineimap, mutt; and curl. All system flags both ways, every message byte for
byte. mbsync and offlineimap know neither CONDSTORE nor QRESYNC; mutt is run with and without both.
"""

import glob
import imaplib
import os
import pty
import re
import select
import subprocess
import tempfile
import time

from script import MESSAGES, message, tls_context

BOB = "bob@example.test"
FLAGS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}     # of Maildir


def names():
    return sorted(os.path.basename(p) for p in glob.glob(MESSAGES + "/*.eml"))


def imap(server):
    c = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context())
    c.login(BOB, "demo")
    return c


def there(server, box="INBOX"):
    """{bytes: flags} of a mailbox."""
    c = imap(server)
    c.select(box, readonly=True)
    out = {}
    _, data = c.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    for head, body in (x for x in data if isinstance(x, tuple)):
        flags = re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().split()
        assert body not in out, "twice there"
        out[body] = {f for f in flags if f != "\\Recent"}
    c.logout()
    return out


def fill(server, flags):
    """Message i has flags[i]."""
    c = imap(server)
    for name, own in zip(names(), flags):
        assert c.append("INBOX", "(%s)" % " ".join(own), None, message(name))[0] == "OK"
    c.logout()


def maildir(path):
    """{bytes with CRLF: flags} of a Maildir."""
    out = {}
    for file in glob.glob(path + "/cur/*") + glob.glob(path + "/new/*"):
        with open(file, "rb") as f:
            data = f.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert data not in out, "twice there"
        out[data] = {FLAGS[x] for x in file.partition(":2,")[2] if x in FLAGS}
    return out


def same(a, b):
    """The same messages with the same flags."""
    name = {x: re.search(rb"(?i)subject: ?([^\r]*)|\Z", x).group(0) for x in {*a, *b}}
    wrong = [(name[x], a.get(x, "not there"), b.get(x, "not there")) for x in name if a.get(x) != b.get(x)]
    assert not wrong, wrong


def file_of(path, data, bare):
    """The file of the message with those bytes."""
    for file in glob.glob(path + "/cur/*") + glob.glob(path + "/new/*"):
        with open(file, "rb") as f:
            if bare(f.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) == bare(data):
                return file
    raise AssertionError("not there")


def set_flags(path, data, letters, bare):
    """As a mail reader does it."""
    file = file_of(path, data, bare)
    os.rename(file, path + "/cur/" + os.path.basename(file).partition(":2,")[0] + ":2," + letters)


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write(text)
    return path


def without_marks(data):
    """Both programs add a field by which they find what they have copied."""
    return re.sub(rb"(?m)^X-(?:TUID|OfflineIMAP): [^\r\n]*\r\n", b"", data)


def respaced(data):
    """offlineimap writes the header anew, with one space after each name."""
    header, end, body = without_marks(data).partition(b"\r\n\r\n")
    return re.sub(rb"(?m)^([!-9;-~]+):[ \t]*", rb"\1:", header) + end + body


SOME = ((), ("\\Seen",), ("\\Flagged",), ("\\Answered",), ("\\Draft",), ("\\Seen", "\\Flagged", "\\Answered", "\\Draft"), ("\\Seen", "\\Answered"))


def both_ways(server, sync, near, bare=without_marks):
    """`sync()` makes the Maildir `near` and INBOX the same, but for what `bare` takes away."""
    def alike():
        same(*({bare(b): f for b, f in x.items()} for x in (maildir(near), far)))
    n = len(names())
    fill(server, [SOME[i % len(SOME)] for i in range(n)])
    sync()
    far = there(server)
    assert len(far) == n and set(far) == {message(x) for x in names()}
    alike()
    # other flags on both sides, of each kind, set and taken away; a message goes on either side, one comes
    bodies = [message(x) for x in names()]
    c = imap(server)
    c.select("INBOX")
    for i, own in enumerate(SOME):
        c.store(str(i + 1), "FLAGS", "(%s)" % " ".join(SOME[(i + 1) % len(SOME)]))
        far[bodies[i]] = set(SOME[(i + 1) % len(SOME)])
    c.logout()
    set_flags(near, bodies[n - 1], "DFRS", bare)
    set_flags(near, bodies[n - 2], "", bare)
    sync()
    far[bodies[n - 1]], far[bodies[n - 2]] = set(FLAGS.values()) - {"\\Deleted"}, set()
    same(there(server), far)
    alike()
    gone = [bodies[0], bodies[1]]
    c = imap(server)
    c.select("INBOX")
    c.store("1", "+FLAGS", "(\\Deleted)")
    c.expunge()
    c.logout()
    os.remove(file_of(near, bodies[1], bare))
    fresh = b"From: a@example.org\r\nMessage-ID: <fresh@example.org>\r\nSubject: fresh \xc3\xa4\r\n\r\n.\r\nFrom the other side\r\n"
    with open(near + "/cur/%d.fresh:2,S" % time.time(), "wb") as f:
        f.write(fresh.replace(b"\r\n", b"\n"))
    sync()
    sync()
    far = there(server)
    left = {b: f for b, f in far.items() if b in bodies}
    assert set(left) == set(bodies) - set(gone)
    come = [b for b in far if b not in bodies]
    assert len(come) == 1 and bare(come[0]) == bare(fresh) and far[come[0]] == {"\\Seen"}, come
    alike()
    before = there(server)
    sync()
    same(there(server), before)


def tool(words, env):
    r = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})
    assert r.returncode == 0, "%s: status %d\n%s%s" % (words[0], r.returncode, r.stdout, r.stderr)
    return r.stdout


def test_mbsync(server):
    with tempfile.TemporaryDirectory() as d:
        conf = write(d + "/rc", "IMAPAccount a\nHost localhost\nPort %d\nUser %s\nPass demo\nSSLType IMAPS\nCertificateFile %s/data/self-signed.crt\nAuthMechs PLAIN\n\n"
                     "IMAPStore far\nAccount a\n\nMaildirStore near\nPath %s/mail/\nInbox %s/mail/INBOX\n\nChannel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Both\n"
                     "Sync All\nExpunge Both\nSyncState *\n" % (server.port("imaps"), BOB, server.dir, d, d))
        os.mkdir(d + "/mail")
        both_ways(server, lambda: tool(["mbsync", "-c", conf, "all"], {"HOME": d}), d + "/mail/INBOX")


def test_offlineimap(server):
    with tempfile.TemporaryDirectory() as d:
        conf = write(d + "/rc", "[general]\naccounts = a\nmetadata = %s/meta\n[Account a]\nlocalrepository = near\nremoterepository = far\n[Repository near]\ntype = Maildir\n"
                     "localfolders = %s/mail\n[Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = %d\nremoteuser = %s\nremotepass = demo\nssl = yes\n"
                     "sslcacertfile = %s/data/self-signed.crt\nusecompression = yes\nfolderfilter = lambda name: name == 'INBOX'\n" % (d, d, server.port("imaps"), BOB, server.dir))
        both_ways(server, lambda: tool(["offlineimap", "-o", "-u", "basic", "-c", conf], {"HOME": d}), d + "/mail/INBOX", respaced)


# ---- mutt ----

class Mutt:
    """Run on a terminal that nobody looks at; what it does is pushed to it."""

    def __init__(self, server, d, more=""):
        self.d = d
        self.rc = write(d + "/muttrc", "set folder=imaps://%s@localhost:%d/\nset spoolfile=+INBOX\nset imap_pass=demo\nset certificate_file=%s/data/self-signed.crt\n"
                        "set mbox_type=Maildir\nset confirmcreate=no\nset confirmappend=no\nset delete=yes\nset move=no\nset mail_check=0\nset imap_passive=no\n"
                        "set wait_key=no\nset quit=yes\nset header_cache=%s/cache\nset message_cachedir=%s/cache\nset ssl_starttls=yes\nset copy=yes\nset record=+Sent\n"
                        "set from=bob@example.test\nset smtp_url=smtps://%s@localhost:%d/\nset smtp_pass=demo\nset sig_dashes=no\nset user_agent=no\nset hostname=localhost\nset mark_old=no\nset sleep_time=0\nset smtp_authenticators=plain\n%s"
                        % (BOB, server.port("imaps"), server.dir, d, d, BOB, server.port("submissions"), more))
        os.makedirs(d + "/cache", exist_ok=True)

    def run(self, keys):
        env = {**os.environ, "HOME": self.d, "TERM": "xterm", "LANG": "C.UTF-8"}
        pid, fd = pty.fork()
        if pid == 0:
            os.execvpe("mutt", ["mutt", "-n", "-d", "2", "-F", self.rc, "-e", "push '%s'" % keys], env)
        screen, end = b"", time.monotonic() + 60
        try:
            while time.monotonic() < end:
                if select.select([fd], [], [], 0.2)[0]:
                    screen += os.read(fd, 65536)
        except OSError:         # it has ended
            pass
        if time.monotonic() >= end:
            os.kill(pid, 9)
        os.close(fd)
        _, status = os.waitpid(pid, 0)
        assert status == 0, "mutt: status %d, last it showed: %r" % (status, screen[-1500:])


def mutt(server, more):
    with tempfile.TemporaryDirectory() as d:
        n = len(names())
        fill(server, [SOME[i % len(SOME)] for i in range(n)])
        m = Mutt(server, d, more + "set sort=mailbox-order\n")
        bodies = [message(x) for x in names()]
        # it writes each message with the flags that it saw to a Maildir
        m.run("<tag-pattern>~A<enter><tag-prefix><copy-message>%s/out<enter><quit>" % d)
        got = {plain(b): f for b, f in maildir(d + "/out").items()}
        assert set(got) == {plain(b) for b in bodies}, sorted(set(got) ^ {plain(b) for b in bodies})
        far = there(server)
        same({plain(b): f - {"\\Draft"} for b, f in far.items()}, {b: f - {"\\Draft"} for b, f in got.items()})
        # flags, a deletion and a move; the second time what it keeps on disk is there
        m.run("<first-entry><set-flag>!<first-entry><next-entry><clear-flag>N<jump>3<enter><set-flag>r<last-entry><delete-message>"
              "<previous-entry><save-message>+Archive<enter><sync-mailbox><quit>")
        now = there(server)
        assert set(now) == set(bodies[:-2]), len(now)
        assert "\\Flagged" in now[bodies[0]] and "\\Answered" in now[bodies[2]]
        assert set(there(server, "Archive")) == {bodies[-2]}
        # what others have done meanwhile
        c = imap(server)
        c.select("INBOX")
        c.store("2", "+FLAGS", "(\\Deleted)")
        c.expunge()
        c.store("1", "-FLAGS", "(\\Flagged)")
        c.append("INBOX", None, None, bodies[-1])
        c.logout()
        m.run("<tag-pattern>~A<enter><tag-prefix><copy-message>%s/again<enter><quit>" % d)
        got, far = {plain(b): f for b, f in maildir(d + "/again").items()}, there(server)
        with open(d + "/.muttdebug0", encoding="utf-8", errors="replace") as f:
            log = f.read()
        for word in ("ENABLE QRESYNC", "COMPRESS DEFLATE", "(CHANGEDSINCE "):
            assert (word in log.replace("CAPABILITY", "")) == ("qresync=yes" in more), word
        assert len(far) == n - 2
        same({plain(b): f - {"\\Draft", "\\Seen"} for b, f in far.items()}, {b: f - {"\\Draft", "\\Seen"} for b, f in got.items()})


def plain(data):
    """A message as mutt copies it: without the fields in which it keeps flags and sizes."""
    return re.sub(rb"(?mi)^(?:Status|X-Status|Content-Length|Lines): [^\r\n]*\r\n", b"", data)


def test_mutt(server):
    mutt(server, "set imap_condstore=no\nset imap_qresync=no\nset imap_deflate=no\n")


def test_mutt_qresync(server):
    mutt(server, "set imap_condstore=yes\nset imap_qresync=yes\nset imap_deflate=yes\n")


def test_mutt_sends(server):
    """In batch: out by submission, and the same bytes into Sent."""
    with tempfile.TemporaryDirectory() as d:
        m = Mutt(server, d)
        file = d + "/part.bin"
        with open(file, "wb") as f:
            f.write(bytes(range(256)) * 20)
        r = subprocess.run(["mutt", "-n", "-F", m.rc, "-s", "Gr\u00fc\u00dfe", "-a", file, "--", "alice@example.test"], input="hello\n.\nFrom here\n", text=True, capture_output=True,
                           timeout=60, check=False, env={**os.environ, "HOME": d, "LANG": "C.UTF-8"})
        assert r.returncode == 0, r.stdout + r.stderr
        (sent, flags), = there(server, "Sent").items()
        assert "\\Seen" in flags
        c = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context())
        c.login("alice@example.test", "demo")
        c.select("INBOX")
        came = c.fetch("1", "(BODY.PEEK[])")[1][0][1]
        c.logout()
        assert came.endswith(sent.partition(b"MIME-Version")[2]) and b"hello\r\n.\r\n" in sent


# ---- curl ----

def test_curl(server):
    """Each message up and down, its parts, flags, search, expunge."""
    url = "imaps://127.0.0.1:%d/INBOX" % server.port("imaps")
    curl = ["curl", "-sS", "-k", "-u", BOB + ":demo"]

    def run(*words):
        r = subprocess.run(curl + list(words), capture_output=True, timeout=60, check=False)
        assert r.returncode == 0, (words, r.stdout, r.stderr)
        return r.stdout
    with tempfile.TemporaryDirectory() as d:
        for name in names():
            with open(d + "/m", "wb") as f:
                f.write(message(name))
            run(url, "-T", d + "/m")
    for i, name in enumerate(names(), 1):
        assert run(url + ";UID=%d" % i) == message(name) == run(url + ";MAILINDEX=%d" % i)
        header = message(name).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        assert run(url + ";UID=%d;SECTION=HEADER" % i) == header
        assert run(url + ";UID=%d;SECTION=TEXT" % i) == message(name)[len(header):]
    run(url, "-X", "STORE 2:3 +FLAGS.SILENT (\\Flagged $Work)")
    assert run(url + "?FLAGGED").split() == [b"*", b"SEARCH", b"2", b"3"]
    assert re.findall(rb"FLAGS \(([^)]*)\)", run(url, "-X", "FETCH 3 FLAGS"))[0].split()[:2] == [b"\\Flagged", b"\\Seen"]
    run(url, "-X", "STORE 1 +FLAGS (\\Deleted)")
    assert b"* 1 EXPUNGE" in run(url, "-X", "EXPUNGE")
    assert there(server).keys() == {message(n) for n in names()[1:]}

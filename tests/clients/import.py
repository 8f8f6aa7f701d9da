# SPDX-License-Identifier: MIT
"""Mail from elsewhere: what comes in is what was there, each message once, and nothing is lost without a word."""

import imaplib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from certs import certificate_of
from listener import stop
from script import MESSAGES
from server import Server, Skip

FLAGS = {"D": r"\Draft", "F": r"\Flagged", "R": r"\Answered", "S": r"\Seen", "T": r"\Deleted", "P": "$Forwarded"}


class Scratch:
    """A directory that goes when the test ends."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="martlet-import-")
        return self.dir

    def __exit__(self, *exc):
        shutil.rmtree(self.dir)


def text(number, lines=3):
    return ("From: a@example.org\nSubject: message %d\nMessage-ID: <%d@example.org>\n\n%s"
            % (number, number, "".join("line %d of %d\n" % (i, number) for i in range(lines)))).encode()


def crlf(raw):
    return re.sub(rb"(?<!\r)\n", b"\r\n", raw)


def put(folder, name, raw, date=None, sub="cur"):
    for d in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(folder, d), exist_ok=True)
    path = os.path.join(folder, sub, name)
    with open(path, "wb") as f:
        f.write(raw)
    if date:
        os.utime(path, (date, date))
    return path


def run_import(server, *args, status=0):
    r = server.command("import", *args, "--config", server.config, "--json")
    assert r.returncode == status, (r.returncode, r.stdout, r.stderr)
    return json.loads(r.stdout)


def connect(server, name="bob"):
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login(name + "@example.test", "demo")
    return imap


def mailbox_names(imap, command="LIST"):
    lines = (imap.list if command == "LIST" else imap.lsub)('""', "*")[1]
    return {re.search(rb' "?([^"]*)"?$', x).group(1).decode() for x in lines if x}


def read_mailbox(server, mailbox, name="bob"):
    """(UIDVALIDITY, {uid: (bytes, flags, INTERNALDATE in seconds)})"""
    imap = connect(server, name)
    assert imap.select('"%s"' % mailbox, readonly=True)[0] == "OK", mailbox
    validity = int(imap.response("UIDVALIDITY")[1][0])
    found = {}
    data = imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
    for i, x in enumerate(data):
        if not isinstance(x, tuple):
            continue
        head = x[0] + (data[i + 1] if isinstance(data[i + 1], bytes) else b"")
        flags = set(re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().split()) - {r"\Recent"}
        date = time.mktime(imaplib.Internaldate2tuple(head))
        found[int(re.search(rb"UID (\d+)", head).group(1))] = (x[1], flags, int(date))
    imap.logout()
    return validity, found


def make_dovecot(top):
    """A Maildir as Dovecot keeps it, written by hand."""
    put(top, "1.host,S=9,W=9:2,S", text(1), 1000000001)
    put(top, "2.host:2,RSab", crlf(text(2)), 1000000002)
    put(top, "3.host:2,DFPRST", text(3) + b"no end", 1000000003)
    put(top, "9.host", text(9), 1000000009, "new")
    put(top, "tmp.host", b"not delivered", sub="tmp")
    with open(top + "/dovecot-uidlist", "w", encoding="ascii") as f:
        f.write("3 V1234567 N20 Gabc\n5 W9 :1.host,S=9,W=9\n7 :2.host:2,S\n11 :3.host\n12 :gone.host\n")
    with open(top + "/dovecot-keywords", "w", encoding="ascii") as f:
        f.write("0 $Work\n1 later\n")
    put(top + "/.Sent.2024", "1.host:2,S", text(101), 1000000101)
    with open(top + "/.Sent.2024/dovecot-uidlist", "w", encoding="ascii") as f:
        f.write("1 777 9\n8 1.host:2,S\n")
    put(top + "/.Entw&APw-rfe", "1.host:2,D", text(102), 1000000102)
    put(top + "/.a&AC8-b", "1.host:2,", text(103), 1000000103)
    with open(top + "/subscriptions", "w", encoding="utf-8") as f:
        f.write("V\t2\n\nSent\t2024\nEntw&APw-rfe\n")


def check_dovecot(server):
    validity, inbox = read_mailbox(server, "INBOX")
    assert validity == 1234567, validity
    assert inbox == {
        5: (crlf(text(1)), {r"\Seen"}, 1000000001),
        7: (crlf(text(2)), {r"\Seen", r"\Answered", "$Work", "later"}, 1000000002),
        11: (crlf(text(3)) + b"no end", set(FLAGS.values()), 1000000003),
        20: (crlf(text(9)), set(), 1000000009)}, inbox
    validity, sent = read_mailbox(server, "Sent/2024")
    assert validity == 777 and list(sent) == [8], (validity, list(sent))
    assert read_mailbox(server, "Entw&APw-rfe")[1][1] == (crlf(text(102)), {r"\Draft"}, 1000000102)
    assert read_mailbox(server, "a_b")[1][1][0] == crlf(text(103))
    imap = connect(server)
    assert {"Sent/2024", "Entw&APw-rfe"} <= mailbox_names(imap, "LSUB") and "a_b" not in mailbox_names(imap, "LSUB")
    imap.logout()


def test_import_of_dovecots_files(server):
    """UIDs, UIDVALIDITY, flags, keywords, dates, names, subscriptions; a second time nothing; while the server runs and when not."""
    with Scratch() as top:
        make_dovecot(top)
        said = run_import(server, "bob@example.test", top)
        assert (said["imported"], said["was_there"], said["new_uids"], said["bad"]) == (7, 0, 0, 0), said
        assert len(said["notes"]) == 1 and "a_b" in said["notes"][0], said
        check_dovecot(server)
        again = run_import(server, "bob@example.test", top)
        assert (again["imported"], again["was_there"]) == (0, 7), again
        put(top, "30.host:2,S", text(30), 1000000030)
        assert run_import(server, "bob@example.test", top)["imported"] == 1
        assert read_mailbox(server, "INBOX")[1][21][0] == crlf(text(30))
        os.unlink(top + "/cur/30.host:2,S")
        server.stop()
        shutil.rmtree(server.dir + "/data")
        server.make_accounts()
        assert run_import(server, "bob@example.test", top)["imported"] == 7
        server.start()
        check_dovecot(server)
        server.stop()
        assert json.loads(server.cli("fsck", "--json").stdout)["clean"]
        server.start()


def test_import_into_a_used_mailbox(server):
    """New UIDs, and that is said; mail that is delivered in the middle of an import gets none of the source's UIDs."""
    with Scratch() as top:
        make_dovecot(top)
        imap = connect(server)
        imap.append("INBOX", None, None, crlf(text(77)))
        said = run_import(server, "bob@example.test", top)
        assert said["imported"] == 7 and any("INBOX had mail before" in x for x in said["notes"]), said
        validity, inbox = read_mailbox(server, "INBOX")
        assert validity != 1234567 and sorted(inbox) == [1, 2, 3, 4, 5], (validity, sorted(inbox))
        # alice: half of it, then a message of another kind, then the rest
        os.rename(top + "/cur/3.host:2,DFPRST", top + "/kept")
        assert run_import(server, "alice@example.test", top)["imported"] == 6
        other = connect(server, "alice")
        other.append("INBOX", None, None, crlf(text(77)))
        os.rename(top + "/kept", top + "/cur/3.host:2,DFPRST")
        said = run_import(server, "alice@example.test", top)
        assert (said["imported"], said["new_uids"]) == (1, 1), said
        validity, inbox = read_mailbox(server, "INBOX", "alice")
        assert validity == 1234567 and sorted(inbox) == [5, 7, 20, 21, 22], (validity, sorted(inbox))
        other.logout()
        imap.logout()


def test_import_reports_what_is_bad(server):
    """Links, FIFOs, directories, empty and forbidden files: said, counted, the exit status tells; the rest comes."""
    with Scratch() as top:
        put(top, "1.host:2,S", text(1))
        put(top, "empty.host:2,S", b"")
        os.symlink("/etc/passwd", top + "/cur/link.host:2,S")
        os.mkfifo(top + "/cur/fifo.host:2,S")
        os.mkdir(top + "/cur/dir.host:2,S")
        os.symlink(top + "/cur", top + "/.Linked")
        with open(put(top, "big.host:2,S", b"x"), "r+b") as f:
            f.truncate((256 << 20) + 1)
        put(top + "/.Good", "1.host:2,S", text(2))
        said = run_import(server, "bob@example.test", top, status=1)
        assert (said["imported"], said["bad"], said["clean"]) == (2, 6, False), said
        names = {os.path.basename(x["source"]).split(".host")[0] for x in said["bad_messages"]}
        assert names == {"empty", "link", "fifo", "dir", ".Linked", "big"}, names
        r = server.command("import", "bob@example.test", top, "--config", server.config)
        assert r.returncode == 1 and "fifo.host" in r.stderr and "imported before: 2" in r.stdout, (r.stdout, r.stderr)
        os.makedirs(top + "/nothing")
        assert server.command("import", "bob@example.test", top + "/nothing", "--config", server.config).returncode == 3
        assert server.command("import", "bob@example.test", top + "/none", "--config", server.config).returncode == 3
        r = server.command("import", "nobody@example.test", top, "--config", server.config)
        assert r.returncode == 3 and "no account nobody@example.test" in r.stderr, r.stderr
        assert server.command("import", "bob@example.test", "--config", server.config).returncode == 2


def test_import_as_root(server):
    """Root imports what only root may read, for a server that is somebody else, with and without it: no file of root's appears."""
    if os.geteuid() != 0:
        raise Skip("needs root, to run the server as another user")
    other = Server(server.martlet, {"server": {"user": "daemon"}})
    with Scratch() as top:
        try:
            os.chmod(other.dir, 0o755)
            other.start()
            for i in range(2):
                put(top + "/in", "%d.host:2,S" % i, text(i))
                if i:
                    other.stop()
                said = run_import(other, "bob@example.test", top + "/in")
                assert said["imported"] == 1, (i, said)
                run_export(other, "bob@example.test", top + "/out")
                owners = {os.lstat(os.path.join(d, x)).st_uid for d, _, files in os.walk(other.dir + "/data") for x in files}
                assert owners == {pwd.getpwnam("daemon").pw_uid}, owners
            assert len(os.listdir(top + "/out/cur")) == 2
        finally:
            other.remove()


def test_links_of_others_on_the_way(server):
    """Root follows no link that a user made, into no directory of others, reading or writing; those of root's work."""
    if os.geteuid() != 0:
        raise Skip("needs root, whom others want to lead astray")
    with Scratch() as top:
        put(top + "/real/mail", "1.host:2,S", text(1))
        os.mkdir(top + "/user")
        for name, target, owner in (("theirs", top + "/real", 1), ("ours", "../real", 0), ("round", "round", 0)):
            os.symlink(target, top + "/user/" + name)
            os.lchown(top + "/user/" + name, owner, owner)
        for command, path in (("import", "theirs/mail"), ("import", "theirs/"), ("export", "theirs"), ("export", "theirs/new")):
            r = server.command(command, "bob@example.test", top + "/user/" + path, "--config", server.config)
            assert r.returncode == 1 and "symbolic link" in r.stderr, (command, path, r)
        r = server.command("export", "bob@example.test", top + "/user/round", "--config", server.config)
        assert r.returncode != 0 and "Too many" in r.stderr, r
        assert os.listdir(top + "/real") == ["mail"]
        assert run_import(server, "bob@example.test", top + "/user//ours/./mail/")["imported"] == 1
        run_export(server, "bob@example.test", top + "/user/ours/../new")
        assert len(os.listdir(top + "/new/cur")) == 1


def test_import_of_what_is_deep(server):
    """Folders deeper than we look are told."""
    with Scratch() as top:
        put(top, "1.host:2,S", text(1))
        put(top + "/a" * 22, "2.host:2,S", text(2))
        said = run_import(server, "bob@example.test", top, status=1)
        assert (said["imported"], said["bad"]) == (1, 1) and "too deep" in said["bad_messages"][0]["text"], said


def import_seconds(server, path, mailbox):
    """Of a processor, for what the command itself does."""
    p = subprocess.Popen([server.martlet, "import", "bob@example.test", path, "--into", mailbox, "--config", server.config],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=server.env)
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = status
    assert status == 0, status
    return used.ru_utime


def test_import_of_many_that_are_alike(server):
    """Messages that are alike are told apart by their number, and that takes no longer for the last one than for the first."""
    with Scratch() as top:
        seconds = []
        for n in (500, 4000):
            with open(top + "/mbox", "wb") as f:
                f.write(b"From - Tue Nov 24 10:00:00 2026\nSubject: %d\n\nx\n\n" % n * n)
            seconds.append(import_seconds(server, top + "/mbox", "of %d" % n))
            assert len(read_mailbox(server, "of %d" % n)[1]) == n
        assert seconds[1] < 24 * max(seconds[0], 0.02), seconds
        assert run_import(server, "bob@example.test", top + "/mbox", "--into", "of 4000")["was_there"] == 4000


def test_import_of_what_is_no_keyword(server):
    """RFC 9051 9: flags stand in answers as atoms; whoever wrote a mail may have written its X-Keywords, too."""
    with Scratch() as top:
        with open(top + "/mbox", "wb") as f:
            f.write(b"From - Tue Nov 24 10:00:00 2026\nX-Mozilla-Keys: a(b \"x {9} ]y \\Deleted 50% a\x01 $label1\nX-Keywords: ) BODY[] \\*\nSubject: 1\n\nx\n")
        said = run_import(server, "bob@example.test", top + "/mbox")
        assert (said["imported"], said["bad"], said["lost_keywords"]) == (1, 0, 10), said
        assert read_mailbox(server, "INBOX")[1][1][1] == {"$label1"}


def test_import_of_long_names(server):
    """A folder whose levels together are longer than a name may be gets a shorter one, and what comes behind it is there too."""
    with Scratch() as top:
        for folder in ("/." + "p" * 240, "/.." + "q" * 240):
            for depth in range(5):
                put(top + folder + ("/" + "r" * 240) * depth, "%d.host:2,S" % depth, text(depth))
        put(top + "/.zulu", "1.host:2,S", text(9))
        said = run_import(server, "bob@example.test", top)
        assert (said["imported"], said["bad"], said["mailboxes"]) == (11, 0, 11), said
        assert len([x for x in said["notes"] if "cannot have that name" in x]) == 2, said["notes"]
        assert len(read_mailbox(server, "zulu")[1]) == 1


def test_import_of_a_far_date(server):
    """The time of a file may be any number: a date beyond the year 9999 becomes its end, and stays sound in an mbox."""
    if not os.path.isdir("/dev/shm"):
        raise Skip("needs a file system in memory, which takes any date")
    top = tempfile.mkdtemp(prefix="martlet-import-", dir="/dev/shm")
    try:
        path = put(top + "/in", "1.host:2,S", text(1))
        os.utime(path, (2 ** 58, 2 ** 58))
        if os.stat(path).st_mtime_ns != 2 ** 58 * 10 ** 9:
            raise Skip("needs a file system that takes any date")
        run_import(server, "bob@example.test", top + "/in")
        run_export(server, "bob@example.test", top + "/out", "--format", "mbox")
        with open(top + "/out/INBOX.mbox", "rb") as f:
            assert f.readline() == b"From MAILER-DAEMON Fri Dec 31 23:59:59 9999 +0000\n"
    finally:
        shutil.rmtree(top)


def test_import_of_an_mbox(server):
    """RFC 4155: quoted lines, flags, dates, Content-Length, two messages that are alike."""
    line = b"From bob@example.org Mon Nov 23 20:08:00 2026 +0000\n"
    with Scratch() as top:
        with open(top + "/mbox", "wb") as f:
            f.write(line + b"Status: RO\nX-Status: AF\nX-Keywords: $Work\nSubject: 1\n\n>From x\n>>From y\n\n")
            f.write(line + b"Subject: 2\n\nFrom here on\n\n")
            f.write(line + b"Subject: 2\n\nFrom here on\n\n")
            body = b"a\n\n" + line + b"b\n"
            f.write(line + b"Content-Length: %d\nSubject: 3\n\n" % len(body) + body + b"\n")
            f.write(line + b"Subject: 4\n\nend")
        said = run_import(server, "bob@example.test", top + "/mbox", "--into", "Old/mail")
        assert (said["imported"], said["bad"]) == (5, 0), said
        found = [x for _, x in sorted(read_mailbox(server, "Old/mail")[1].items())]
        assert found[0] == (b"Subject: 1\r\n\r\nFrom x\r\n>From y\r\n", {r"\Seen", r"\Answered", r"\Flagged", "$Work"}, 1795464480)
        assert found[1] == found[2] == (b"Subject: 2\r\n\r\nFrom here on\r\n", set(), 1795464480), found[1]
        assert found[3][0].startswith(b"Subject: 3\r\n\r\na\r\n\r\nFrom bob@example.org"), found[3]
        assert found[4][0] == b"Subject: 4\r\n\r\nend"
        with open(top + "/mbox", "r+b") as f:
            raw = f.read().replace(b"Status: RO\n", b"Status: O\n")
            f.seek(0)
            f.truncate()
            f.write(raw + b"\n\n" + line + b"Subject: 5\n\nnew\n")
        said = run_import(server, "bob@example.test", top + "/mbox", "--into", "Old/mail")
        assert (said["imported"], said["was_there"]) == (1, 5), said
        with open(top + "/none", "wb") as f:
            f.write(b"Subject: no mbox\n\n")
        assert run_import(server, "bob@example.test", top + "/none", status=1)["bad"] == 1


def test_import_of_other_programs_folders(server):
    """Thunderbird: flags in fields of its own, folders of A in A.sbd, From_ lines without a date. Apple Mail: A.mbox/mbox."""
    with Scratch() as top:
        files = {"Inbox": b"From - Tue Nov 24 10:00:00 2026\nX-Mozilla-Status: 1003\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1    \n"
                          b"Subject: 1\n\nx\n\nFrom \r\nX-Mozilla-Status: 0008\r\nSubject: 2\r\n\r\ny\r\n\r\n",
                 "Inbox.msf": b"// <!-- <mdb:mork:z v=\"1.4\"/> -->\n", "Archives": b"", "Archives.sbd/2026": b"From \nSubject: 3\n\nx\n",
                 "Archives.sbd/2026.sbd/a.b": b"From \nSubject: 4\n\nx\n", "Apple/Old mail.mbox/mbox": b"From a@example.org Tue Nov 24 10:00:00 2026\nSubject: 5\n\nx\n",
                 "Apple/Old mail.mbox/table_of_contents": b"\0"}
        for name, raw in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            with open(os.path.join(top, name), "wb") as f:
                f.write(raw)
        said = run_import(server, "bob@example.test", top)
        assert (said["imported"], said["bad"], said["mailboxes"]) == (5, 0, 4), said
        inbox = read_mailbox(server, "INBOX")[1]
        assert inbox[1] == (b"Subject: 1\r\n\r\nx\r\n", {r"\Seen", r"\Answered", "$Forwarded", "$label1"}, inbox[1][2]), inbox
        assert inbox[2][:2] == (b"Subject: 2\r\n\r\ny\r\n", {r"\Deleted"}), inbox
        for name, raw in (("Archives/2026", b"Subject: 3"), ("Archives/2026/a.b", b"Subject: 4"), ("Apple/Old mail", b"Subject: 5")):
            assert read_mailbox(server, name)[1][1][0] == raw + b"\r\n\r\nx\r\n", name


def test_import_of_nested_maildirs(server):
    """How programs lay out folders below folders: mbsync (Legacy; Maildir++, where "..a" is below INBOX), KMail, Thunderbird; mboxes beside them."""
    layouts = {"legacy": {"INBOX": "INBOX", "top": "top", "top/.sub": "top/sub", "top/.sub/.deep": "top/sub/deep", "INBOX/.in": "INBOX/in"},
               "plusplus": {"": "INBOX", ".top.sub": "top/sub", "..sub.deep": "INBOX/sub/deep"},
               "kmail": {"inbox": "INBOX", ".inbox.directory/Sub": "INBOX/Sub", ".inbox.directory/.Sub.directory/a.b": "INBOX/Sub/a.b", "sent-mail": "sent-mail"},
               "thunderbird": {"Inbox": "INBOX", "Old.sbd/2026": "Old/2026", "Old.sbd/2026.sbd/May": "Old/2026/May"}}
    with Scratch() as top:
        for number, (layout, folders) in enumerate(sorted(layouts.items())):
            login = "%s@example.test" % layout
            server.cli("account", "add", login, input="demo\n")
            for i, folder in enumerate(folders):
                put("%s/%s/%s" % (top, layout, folder), "%d.host:2,S" % i, text(100 * number + i))
            os.makedirs("%s/%s/.cache/old/cur" % (top, layout))     # not of the mail
            said = run_import(server, login, top + "/" + layout)
            assert (said["imported"], said["bad"], said["mailboxes"], said["notes"]) == (len(folders), 0, len(folders), []), (layout, said)
            for i, name in enumerate(folders.values()):
                assert [x[:2] for x in read_mailbox(server, name, layout)[1].values()] == [(crlf(text(100 * number + i)), {r"\Seen"})], (layout, name)
        put(top + "/mboxes/Maildir", "1.host:2,", text(2))
        put(top + "/mboxes/Maildir", "From.host:2,", b"From a@example.org Tue Nov 24 10:00:00 2026\n" + text(3))     # no mbox, whatever it begins with
        os.makedirs(top + "/mboxes/.Old.directory")
        with open(top + "/mboxes/.Old.directory/2026", "wb") as f:
            f.write(b"From a@example.org Tue Nov 24 10:00:00 2026\n" + text(1))
        said = run_import(server, "bob@example.test", top + "/mboxes")
        assert (said["imported"], said["bad"], said["mailboxes"]) == (3, 0, 2), said
        for name, n in (("Maildir", 2), ("Old/2026", 1)):
            assert len(read_mailbox(server, name)[1]) == n, name
        with open(top + "/mboxes/notes.txt", "wb") as f:
            f.write(b"From the desk of Joe\n\nno mail at all\n")
        said = run_import(server, "bob@example.test", top + "/mboxes")
        assert (said["imported"], said["was_there"], said["bad"], said["mailboxes"]) == (0, 3, 0, 2), said
        assert "notes.txt" in said["notes"][0], said


def test_import_killed(server):
    """kill -9 of the command, and of the server: the next run goes on, and each message is there once."""
    n = 6000
    with Scratch() as top:
        for i in range(1, n + 1):
            put(top, "%d.host,S=1:2,S" % i, text(i, 12), 1000000000 + i)
        with open(top + "/dovecot-uidlist", "w", encoding="ascii") as f:
            f.write("3 V1234567 N%d Gabc\n" % (2 * n + 1) + "".join("%d :%d.host,S=1\n" % (2 * i, i) for i in range(1, n + 1)))
        command = [server.martlet, "import", "bob@example.test", top, "--config", server.config]
        watch = connect(server)
        for victim in ("command", "server", "command"):
            before = messages(watch)
            p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=server.env)
            while p.poll() is None and messages(watch) <= before:
                pass
            if victim == "command":
                p.send_signal(signal.SIGKILL)
            else:
                server.crash()
            out, err = p.communicate(timeout=60)
            assert victim == "command" or p.returncode in (0, 5), (p.returncode, out, err)
            if victim == "server":
                watch = connect(server)
        said = run_import(server, "bob@example.test", top)
        assert said["imported"] + said["was_there"] == n and said["new_uids"] == 0, said
        watch.logout()
        validity, found = read_mailbox(server, "INBOX")
        assert validity == 1234567 and len(found) == n
        assert all(found[2 * i][0] == crlf(text(i, 12)) for i in range(1, n + 1))


def messages(imap):
    return int(re.search(rb"MESSAGES (\d+)", imap.status("INBOX", "(MESSAGES)")[1][0]).group(1))


def run_export(server, *args, status=0):
    r = server.command("export", *args, "--config", server.config, "--json")
    assert r.returncode == status, (r.returncode, r.stdout, r.stderr)
    return json.loads(r.stdout)


def fill_mailboxes(server):
    """Mail of all kinds for bob: all of tests/messages, odd line ends, flags, keywords, dates, names."""
    imap = connect(server)
    for name in ("Entw&APw-rfe", "a.b/c.d", "R&-D"):
        imap.create('"%s"' % name)
        imap.subscribe('"%s"' % name)
    for name in sorted(os.listdir(MESSAGES)):
        with open(os.path.join(MESSAGES, name), "rb") as f:
            assert imap.append("INBOX", r"(\Seen)", '"01-Feb-2003 04:05:06 +0000"', crlf(f.read()))[0] == "OK"
    for raw in (b"A: 1\n\nbare\nLF", b"A: 2\r\n\r\nbare\rCR\r\n", b"A: 3\r\nB: mixed\n\r\nFrom x\r\n>From y\n", b"\r\n", b"x",
                b"Subject: 8bit \xff\r\n\r\n\xe4\r\n"):
        imap.append('"a.b/c.d"', r"(\Flagged \Draft \Answered $Forwarded $Work)", None, raw)
    imap.select('"a.b/c.d"')
    imap.store("2", "+FLAGS", " ".join("k%d" % i for i in range(24)))
    imap.store("1", "+FLAGS", r"(\Deleted)")
    imap.expunge()
    imap.store("3", "+FLAGS", r"(\Deleted)")
    imap.append('"R&-D"', None, None, crlf(text(5)))
    imap.logout()
    return ("INBOX", "a.b/c.d", "R&-D", "Entw&APw-rfe")


def test_export_and_import_again(server):
    """Martlet -> Maildir -> Martlet: UIDVALIDITY, UIDs, bytes, flags, dates, subscriptions are equal; again: what is new."""
    names = fill_mailboxes(server)
    with Scratch() as top:
        said = run_export(server, "bob@example.test", top + "/out")
        assert said["exported"] == len(os.listdir(MESSAGES)) + 6 and said["lost_keywords"] == 0, said
        imap = connect(server)
        imap.append("INBOX", r"(\Draft)", None, crlf(text(9)))
        assert run_export(server, "bob@example.test", top + "/out")["exported"] == 1
        assert run_export(server, "bob@example.test", top + "/out")["exported"] == 0
        said = run_import(server, "alice@example.test", top + "/out")
        assert said["notes"] == [], said
        for name in names:
            assert read_mailbox(server, name) == read_mailbox(server, name, "alice"), name
        assert mailbox_names(imap, "LSUB") == mailbox_names(connect(server, "alice"), "LSUB")
        # another mailbox of that name is not mixed with it
        imap.delete('"R&-D"')
        imap.create('"R&-D"')
        said = run_export(server, "bob@example.test", top + "/out", status=1)
        assert said["bad"] == 1 and said["bad_messages"][0]["source"] == "R&D", said
        imap.logout()
        # a link that somebody laid leads nowhere
        os.makedirs(top + "/other")
        os.makedirs(top + "/trap")
        os.symlink(top + "/trap", top + "/other/.Archive")
        run_export(server, "bob@example.test", top + "/other", status=1)
        assert os.listdir(top + "/trap") == []


def test_export_to_mbox(server):
    """Martlet -> mboxrd -> Martlet; again: what is new; a run that was cut off is made good."""
    imap = connect(server)
    raws = [b"A: 1\r\n\r\nFrom x\r\n>From y\r\n>>From z\r\n\r\n", crlf(text(1)),
            b"A: 2\r\n\r\nFrom a@example.org Mon Nov 23 20:08:00 2026\r\n\r\nx\r\n"]
    for raw in raws:
        imap.append("INBOX", r"(\Seen \Flagged $Work)", '"01-Feb-2003 04:05:06 +0000"', raw)
    with Scratch() as top:
        args = ("bob@example.test", top, "--format", "mbox", "--mailbox", "INBOX")
        assert run_export(server, *args)["exported"] == 3
        with open(top + "/INBOX.mbox", "ab") as f:
            f.write(b"From half of a mess")
        imap.append("INBOX", None, '"02-Feb-2003 04:05:06 +0000"', crlf(text(2)))
        assert run_export(server, *args)["exported"] == 1
        assert run_export(server, *args)["exported"] == 0
        said = run_import(server, "alice@example.test", top + "/INBOX.mbox")
        assert said["imported"] == 4, said
        assert list(read_mailbox(server, "INBOX")[1].values()) == list(read_mailbox(server, "INBOX", "alice")[1].values())
        run_export(server, "bob@example.test", top + "/all", "--format", "mbox")
        os.makedirs(top + "/all/Work")
        shutil.copy(top + "/INBOX.mbox", top + "/all/Work/2024")
        os.symlink(top + "/INBOX.mbox", top + "/all/Link")
        said = run_import(server, "alice@example.test", top + "/all", status=1)
        assert (said["imported"], said["was_there"], said["bad"], said["mailboxes"]) == (4, 4, 1, 2), said
        assert len(read_mailbox(server, "Work/2024", "alice")[1]) == 4
        with open(top + "/Sent.mbox", "wb") as f:
            f.write(b"somebody else's")
        run_export(server, "bob@example.test", top, "--format", "mbox", "--mailbox", "Sent", status=1)
        with open(top + "/Sent.mbox", "rb") as f:
            assert f.read() == b"somebody else's"
        assert server.command("export", "bob@example.test", top, "--mailbox", "None", "--config", server.config).returncode == 3
    imap.logout()


def test_export_to_files(server):
    """A file for each message, byte for byte, with its date; flags beside them; again: what is new. A name too long is told."""
    fill_mailboxes(server)
    imap = connect(server)
    imap.create("x" * 250)
    with Scratch() as top:
        want = read_mailbox(server, "a.b/c.d")[1]
        said = run_export(server, "bob@example.test", top, "--format", "eml", status=0)
        assert said["exported"] == len(os.listdir(MESSAGES)) + 6, said
        folder = top + "/a&AC4-b.c&AC4-d"
        files = {int(x[:-4]): x for x in os.listdir(folder) if x.endswith(".eml")}
        assert sorted(files) == sorted(want)
        with open(folder + "/index.tsv", encoding="ascii") as f:
            flags = {int(x.split("\t")[0]): set(x.rstrip("\n").split("\t")[1].split(" ")) - {""} for x in f if x[0] != "#"}
        for uid, (raw, have, date) in want.items():
            with open(folder + "/" + files[uid], "rb") as f:
                assert f.read() == raw
            assert os.stat(folder + "/" + files[uid]).st_mtime == date and flags[uid] == have, (flags[uid], have)
        imap.append("INBOX", None, None, crlf(text(5)))
        assert run_export(server, "bob@example.test", top, "--format", "eml")["exported"] == 1
        said = run_export(server, "bob@example.test", top + "/mbox", "--format", "mbox", status=1)
        assert said["bad"] == 1 and "too long" in said["bad_messages"][0]["text"], said
    imap.logout()


def test_export_where_others_write(server):
    """What another program delivered into an export, or linked into it, is told; nothing is left out without a word or cut."""
    with Scratch() as top:
        put(top + "/in", "1.host:2,S", text(1))
        run_import(server, "bob@example.test", top + "/in")
        run_export(server, "bob@example.test", top + "/out")
        put(top + "/out", "9.other:2,S", text(9))
        with open(top + "/out/dovecot-uidlist", "a", encoding="ascii") as f:
            f.write("2 :9.other\n")
        put(top + "/in", "2.host:2,S", text(2))
        run_import(server, "bob@example.test", top + "/in")
        said = run_export(server, "bob@example.test", top + "/out", status=1)
        assert said["bad"] == 1 and "not from us" in said["bad_messages"][0]["text"], said
        run_export(server, "bob@example.test", top + "/mbox", "--format", "mbox")
        os.link(top + "/mbox/INBOX.mbox", top + "/other")
        said = run_export(server, "bob@example.test", top + "/mbox", "--format", "mbox", status=1)
        assert said["bad"] == 1, said


def test_export_killed(server):
    """kill -9 of the command: the next run goes on, and each message is there once."""
    n = 3000
    with Scratch() as top:
        for i in range(n):
            put(top + "/in", "%d.host" % i, text(i))
        run_import(server, "bob@example.test", top + "/in")
        for _ in range(2):
            p = subprocess.Popen([server.martlet, "export", "bob@example.test", top + "/out", "--config", server.config],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=server.env)
            while p.poll() is None and not (os.path.isdir(top + "/out/cur") and len(os.listdir(top + "/out/cur")) > 50):
                pass
            p.kill()
            p.wait()
        imap = connect(server)
        imap.select("INBOX")
        imap.store("1:100", "+FLAGS", r"(\Flagged)")
        run_export(server, "bob@example.test", top + "/out")
        files = os.listdir(top + "/out/cur")
        assert len(files) == n and os.listdir(top + "/out/tmp") == [], len(files)
        assert run_import(server, "alice@example.test", top + "/out")["imported"] == n
        ours, theirs = read_mailbox(server, "INBOX"), read_mailbox(server, "INBOX", "alice")
        assert ours[0] == theirs[0] and {u: x[0] for u, x in ours[1].items()} == {u: x[0] for u, x in theirs[1].items()}
    imap.logout()


def certificate(server, path):
    with open(path, "w", encoding="ascii") as f:
        f.write(ssl.DER_cert_to_PEM_cert(certificate_of(server)))
    return path


def test_import_over_imap(server):
    """From another server, over TLS and STARTTLS: UIDs, UIDVALIDITY, bytes, flags, dates, names, subscriptions; again: what is new."""
    other = Server(server.martlet)
    with Scratch() as top:
        try:
            other.start()
            names = fill_mailboxes(other)
            trust = certificate(other, top + "/ca.pem")
            with open(top + "/password", "w", encoding="ascii") as f:
                f.write("demo\n")
            imap = connect(other)
            for port, scheme, who in ((other.port("imaps"), "imaps", "bob"), (other.port("imap"), "imap", "alice")):
                url = "%s://bob%%40example.test@localhost:%d/" % (scheme, port)
                args = (who + "@example.test", url, "--password-file", top + "/password")
                r = server.command("import", *args, "--config", server.config)
                assert r.returncode == 1 and "does not verify" in r.stderr, r
                args += ("--ca-file", trust)
                said = run_import(server, *args)
                assert said["notes"] == [] and said["bad"] == 0 and said["imported"] >= len(os.listdir(MESSAGES)) + 6, said
                for name in names:
                    assert read_mailbox(server, name, who) == read_mailbox(other, name), name
                assert mailbox_names(imap, "LSUB") == mailbox_names(connect(server, who), "LSUB")
                before = said["imported"]
                imap.append("INBOX", None, None, crlf(text(99)))
                said = run_import(server, *args)
                assert (said["imported"], said["was_there"]) == (1, before), said
            # the name must be that of the certificate
            r = server.command("import", "bob@example.test", "imaps://bob%%40example.test@127.0.0.3:%d/" % other.port("imaps"),
                               "--password-file", top + "/password", "--ca-file", trust, "--config", server.config)
            assert r.returncode != 0, r
            with open(top + "/password", "w", encoding="ascii") as f:
                f.write("wrong\n")
            assert server.command("import", *args, "--config", server.config).returncode == 1
            imap.logout()
        finally:
            other.remove()


class Flaky:
    """An IMAP server of 30 messages that hangs up in the middle, refuses one message and has lost another; UIDs are twice the place."""

    def __init__(self, breaks):
        self.breaks, self.fetched, self.listener = breaks, 0, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            with peer, peer.makefile("rwb") as f:
                try:
                    self.serve(f)
                except ConnectionError:
                    pass

    def say(self, f, line):
        f.write(line + b"\r\n")
        f.flush()

    def serve(self, f):
        self.say(f, b"* OK hello")
        for line in f:
            tag, command = line.decode().strip().split(" ", 1)
            if not self.answer(f, command):
                return
            if command.startswith("LSUB"):
                self.say(f, tag.encode() + b" BAD not in IMAP4rev2")
            elif not command.startswith("UID FETCH 14 "):
                self.say(f, tag.encode() + b" OK done")
            else:
                self.say(f, tag.encode() + b" NO [SERVERBUG] broken")

    def answer(self, f, command):
        if command == "CAPABILITY":
            self.say(f, b"* CAPABILITY IMAP4rev1")
        elif command.startswith("LIST"):
            self.say(f, b'* LIST () "." INBOX')
            self.say(f, b'* LIST () "." "INBOX.Old.Mail"')
        elif command.startswith("EXAMINE"):
            self.say(f, b"* %d EXISTS" % (30 if "Old" not in command else 0))
            self.say(f, b"* OK [UIDVALIDITY 5]")
            self.say(f, b"* OK [UIDNEXT 61]")
        elif command.startswith("FETCH"):
            lo, hi = map(int, command.split()[1].split(":"))
            for i in range(lo, hi + 1):
                self.say(f, b"* %d FETCH (RFC822.SIZE %d UID %d)" % (i, len(crlf(text(i))), 2 * i))
        elif command.startswith("UID FETCH"):
            for uid in map(int, command.split()[2].split(",")):
                if uid in (14, 40):
                    continue
                self.fetched += 1
                if self.fetched in self.breaks:
                    self.say(f, b"* %d FETCH (UID %d BODY[] {500}\r\nhalf of it" % (uid // 2, uid))
                    return False
                raw = crlf(text(uid // 2))
                self.say(f, b'* %d FETCH (FLAGS (\\Seen \\Recent Word) X ("a" (b)) INTERNALDATE " 1-Feb-2003 04:05:06 +0000" BODY[] {%d}\r\n%s UID %d)'
                         % (uid // 2, len(raw), raw, uid))
        return True


def test_import_from_a_server_that_breaks(server):
    """Connections that break are made again; what the server does not give is reported, once; each message comes once."""
    flaky = Flaky({5, 12})
    with Scratch() as top:
        with open(top + "/password", "w", encoding="ascii") as f:
            f.write("demo\n")
        args = ("bob@example.test", "imap://bob@127.0.0.1:%d/" % flaky.port, "--password-file", top + "/password")
        r = server.command("import", *args, "--config", server.config)
        assert r.returncode == 1 and "STARTTLS" in r.stderr, r.stderr
        said = run_import(server, *args, "--insecure", status=1)
        assert (said["imported"], said["was_there"], said["bad"], said["new_uids"]) == (28, 0, 2, 0), said
        assert {x["source"] for x in said["bad_messages"]} == {"INBOX, UID 14", "INBOX, UID 40"}, said
        validity, found = read_mailbox(server, "INBOX")
        assert validity == 5 and sorted(found) == [2 * i for i in range(1, 31) if i not in (7, 20)], sorted(found)
        assert all(x == (crlf(text(uid // 2)), {r"\Seen", "Word"}, 1044072306) for uid, x in found.items())
        assert "Old/Mail" in mailbox_names(connect(server))
        stop(flaky.listener, flaky.thread)


class Refusing(Flaky):
    """Hangs up within a message, and then refuses everything."""

    def answer(self, f, command):
        if self.fetched and command == "CAPABILITY":
            self.say(f, b"m1 NO not again")
            return False
        return super().answer(f, command)


def test_import_from_a_server_that_refuses(server):
    """A server that breaks and takes no connection again ends the command with its words."""
    refusing = Refusing({5})
    with Scratch() as top:
        with open(top + "/password", "w", encoding="ascii") as f:
            f.write("demo\n")
        r = server.command("import", "bob@example.test", "imap://bob@127.0.0.1:%d/" % refusing.port, "--insecure",
                           "--password-file", top + "/password", "--config", server.config)
        assert r.returncode == 1 and "not again" in r.stderr, r
        stop(refusing.listener, refusing.thread)


class Twins(Flaky):
    """Two mailboxes of which both must get the same name here, with the same UIDVALIDITY, UIDs and sizes, and other words."""

    def answer(self, f, command):
        if command.startswith("LIST"):
            self.say(f, b'* LIST () "/" "Twin\x01"')
            self.say(f, b'* LIST () "/" "Twin\x02"')
            return True
        if command.startswith("EXAMINE"):
            self.word = b"one" if "\x01" in command else b"two"
            self.say(f, b"* 1 EXISTS")
            self.say(f, b"* OK [UIDVALIDITY 5]")
        elif command.startswith("FETCH"):
            self.say(f, b"* 1 FETCH (RFC822.SIZE 20 UID 1)")
        elif command.startswith("UID FETCH"):
            self.say(f, b"* 1 FETCH (UID 1 BODY[] {20}\r\nSubject: %s\r\n\r\nabcd)" % self.word)
        else:
            return super().answer(f, command)
        return True


def test_import_of_two_that_share_a_name(server):
    """Their messages are not taken for each other."""
    twins = Twins(set())
    with Scratch() as top:
        with open(top + "/password", "w", encoding="ascii") as f:
            f.write("demo\n")
        args = ("bob@example.test", "imap://bob@127.0.0.1:%d/" % twins.port, "--insecure", "--password-file", top + "/password")
        assert run_import(server, *args)["imported"] == 2
        assert run_import(server, *args)["imported"] == 0
        stop(twins.listener, twins.thread)


DOVECOT = "/usr/lib/dovecot/imap"


def dovecot(top):
    """Dovecot's IMAP, logged in, over a Maildir in that directory; as another user, because it does not serve root."""
    with open(top + "/dovecot.conf", "w", encoding="ascii") as f:
        f.write("mail_location = maildir:%s/Maildir\nbase_dir = %s/run\nlog_path = %s/log\nssl = no\n" % (top, top, top))
    user = "setpriv --reuid daemon --regid daemon --clear-groups " if os.geteuid() == 0 else ""
    return imaplib.IMAP4_stream("%senv HOME=%s USER=daemon %s -c %s/dovecot.conf 2>/dev/null" % (user, top, DOVECOT, top))


def fetch_dovecot(imap, mailbox):
    imap.select('"%s"' % mailbox, readonly=True)
    validity = int(imap.response("UIDVALIDITY")[1][0])
    found, data = {}, imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
    for i, x in enumerate(data):
        if isinstance(x, tuple):
            head = x[0] + (data[i + 1] if isinstance(data[i + 1], bytes) else b"")
            flags = set(re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().split()) - {r"\Recent"}
            found[int(re.search(rb"UID (\d+)", head).group(1))] = (
                x[1], flags, int(time.mktime(imaplib.Internaldate2tuple(head))))
    return validity, found


def test_import_from_dovecot(server):
    """Data that Dovecot made is the same here, over IMAP; what we export is the same in Dovecot."""
    if not os.path.exists(DOVECOT):
        raise Skip("needs dovecot-imapd")
    names = ("INBOX", "Sent", "Entw&APw-rfe.2024", "R&-D")
    with Scratch() as top:
        os.chmod(top, 0o777)
        theirs = dovecot(top)
        for name in names[1:]:
            theirs.create('"%s"' % name)
        theirs.subscribe('"Entw&APw-rfe.2024"')
        for number, name in enumerate(names):
            for i in range(4):
                theirs.append('"%s"' % name, r"(\Seen \Flagged $Forwarded $Work k%d)" % number if i % 2 else None,
                              '"0%d-Feb-2003 04:05:06 +0000"' % (i + 1), crlf(text(10 * number + i)))
            for file in sorted(os.listdir(MESSAGES)) if name == "INBOX" else ():
                with open(os.path.join(MESSAGES, file), "rb") as f:
                    theirs.append("INBOX", None, None, crlf(f.read()))
            theirs.select('"%s"' % name)
            theirs.store("2", "+FLAGS", r"(\Deleted)")
            theirs.expunge()
            theirs.store("2", "+FLAGS", r"(\Deleted \Answered \Draft)")
            theirs.close() if name == "Sent" else theirs.unselect()
        want = {name: fetch_dovecot(theirs, name) for name in names}
        theirs.logout()
        said = run_import(server, "bob@example.test", top + "/Maildir")
        assert said["bad"] == 0 and said["new_uids"] == 0 and said["notes"] == [], said
        for name in names:
            assert read_mailbox(server, name.replace(".", "/")) == want[name], name
        assert "Entw&APw-rfe/2024" in mailbox_names(connect(server), "LSUB")
        shutil.rmtree(top + "/Maildir")
        run_export(server, "bob@example.test", top + "/Maildir")
        subprocess.run(["chmod", "-R", "a+rwX", top + "/Maildir"], check=True)
        theirs = dovecot(top)
        for name in names:
            assert fetch_dovecot(theirs, name) == want[name], name
        assert "Entw&APw-rfe.2024" in mailbox_names(theirs, "LSUB")
        theirs.logout()
        with open(top + "/log", encoding="utf-8", errors="replace") if os.path.exists(top + "/log") else open(os.devnull, encoding="ascii") as f:
            trouble = [x for x in f if "Error" in x]
        assert not trouble, trouble

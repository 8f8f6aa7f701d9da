# SPDX-License-Identifier: MIT
"""`martlet sendmail`, called as programs call sendmail(1): what arrives, whom it goes to, and the exit statuses of sysexits(3)."""

import email
import email.header
import email.policy
import email.utils
import os
import pwd
import socket
import subprocess

from mail import inbox, read_all
from sink import Sink

ALICE, BOB = "alice@example.test", "bob@example.test"
USAGE, UNAVAILABLE, TEMPFAIL = 64, 69, 75


def here():
    try:
        with open("/etc/mailname", encoding="ascii") as f:
            name = f.read().strip()
    except OSError:
        name = ""
    return name or socket.gethostname()


def sendmail(server, *args, text, status=0, port=None):
    env = {**(server.env or os.environ), "MARTLET_SENDMAIL_SERVER": "127.0.0.1:%d" % (port or server.port("smtp"))}
    said = subprocess.run([server.martlet, "sendmail", *args], input=text.encode("utf-8", "surrogateescape"), capture_output=True, timeout=60,
                          check=False, env=env)
    assert said.returncode == status and not said.stdout, (args, said)
    return said.stderr.decode()


def one(server):
    raw, = read_all(server).values()
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


def test_the_header_says_who(server):
    """-t: recipients from the header, once each; Bcc is seen by nobody; what lacks is written."""
    sendmail(server, "-t", "-i", text="From mbox Thu Nov 26 07:00:00 2026\nTo: Bob <%s>, %s\nCC: %s\nBcc:\n %s\nSubject: a\nReturn-Path: <x@y>\n\n"
                                      "one\n.\ntwo\n" % (BOB, BOB, BOB, ALICE))
    raw, message = one(server)
    assert raw.endswith(b"\r\n\r\none\r\n.\r\ntwo\r\n") and b"mbox" not in raw and message["bcc"] is None, raw
    assert len(message.get_all("return-path", [])) <= 1 and "x@y" not in str(message.get_all("return-path")), raw
    sender = message["from"].addresses[0]
    assert sender.addr_spec == "%s@%s" % (pwd.getpwuid(os.getuid()).pw_name, here()), sender
    assert message["date"].datetime and message["message-id"]
    assert len(inbox(server, ALICE)) == 1


def test_recipients_are_arguments(server):
    """A text without a header is a body; the sender is told; a dot ends it."""
    sendmail(server, "-f", "", "-F", "J\xf6rg \"x\"", "--", BOB, text="no header\nat all\n.\nnot this\n")
    raw = inbox(server, BOB)[0]
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert raw.endswith(b"\r\n\r\nno header\r\nat all\r\n"), raw
    assert message["from"].addresses[0].addr_spec == "MAILER-DAEMON@" + here(), raw
    said = sendmail(server, "-fx@y.example", "-oi", "-oem", "-B8BITMIME", "-Nnever", "-R", "hdrs", "-V", "a=b", "-v", BOB,
                    text="Subject: b\n\n\xe9\n")
    assert "MAIL FROM:<x@y.example>" in said and "RET=HDRS" in said and "ENVID=a+3Db" in said and "NOTIFY=NEVER" in said, said
    raw, message = one_named(server, "b")
    assert message["from"].addresses[0].addr_spec == "x@y.example" and "\xe9".encode() in raw


def one_named(server, name):
    raw = read_all_lenient(server)[name]
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


def read_all_lenient(server):
    return {str(email.message_from_bytes(raw)["subject"]): raw for raw in inbox(server, BOB)}


def test_resent(server):
    """RFC 5322 3.6.6: who gets it again is meant, not who had it."""
    sendmail(server, "-t", text="Resent-To: %s\nResent-From: c@y.example\nTo: nobody@example.test\nFrom: d@y.example\nSubject: r\n\nx\n" % BOB)
    _, message = one(server)
    assert message["from"].addresses[0].addr_spec == "d@y.example"


def test_names_without_a_domain(server):
    said = sendmail(server, "-v", "-f", "me", "root", text="Subject: u\n\n", status=UNAVAILABLE)
    assert "MAIL FROM:<me@%s>" % here() in said and "RCPT TO:<root@%s>" % here() in said, said


def test_how_it_ends(server):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = s.getsockname()[1]
        assert "cannot connect" in sendmail(server, BOB, text="a: b\n\n", status=TEMPFAIL, port=closed)
    assert "550 5.1.1" in sendmail(server, "nobody@example.test", BOB, text="Subject: p\n\n", status=UNAVAILABLE)
    assert list(read_all(server)) == ["p"]
    for args, words in (((), "no recipients"), (("-t",), "names no recipients"), (("-bs",), "mode"), (("-bp",), "queue list"), (("-q",), "queue flush"),
                        (("-Z", BOB), "-Z"), (("-f",), "value"), (("-N", "often", BOB), "never"), (("-f", "a b", BOB), "no address"),
                        (("-F", "two\nBcc: x", BOB), "name"), ((BOB, "-v"), "before"), ((BOB, "Bob Jones"), "no address"), ((BOB, ""), "no address"),
                        (("-f", "a@\"b>,<c\"", BOB), "no address"), (("-S", "a:b", BOB), "HOST:PORT"), (("-f", "x" * 5000 + "@y", BOB), "no address")):
        assert words in sendmail(server, *args, text="Subject: q\n\n", status=USAGE), args
    assert list(read_all(server)) == ["p"]


def test_options_as_getopt_has_them(server):
    """Letters together, a value in the same word or the next; -- ends them."""
    sendmail(server, "-toi", "-b", "m", "-e", "m", "-em", "-d", "-O", "X=y", text="To: %s\nSubject: o\n\n.\nend\n" % BOB)
    raw, _ = one(server)
    assert raw.endswith(b"\r\n\r\n.\r\nend\r\n"), raw
    said = sendmail(server, "-vifx@y.example", "--", BOB, text="Subject: p\n\n")
    assert "MAIL FROM:<x@y.example>" in said, said
    assert "<-x@" in sendmail(server, "-v", "--", "-x", text="Subject: p\n\n", status=UNAVAILABLE)


def test_no_recipient_is_lost_unheard(server):
    """What one list cannot hold is refused, not cut; a caller that comes again after 75 doubles nobody's mail."""
    server.cli("alias", "add", "@example.test", BOB)
    many = ",\n ".join("r%d@example.test" % i for i in range(5000))
    assert "too many" in sendmail(server, "-t", text="To: %s\nSubject: q\n\n" % many, status=USAGE)
    assert "too many" in sendmail(server, *[",".join("r%d@example.test" % i for i in range(6000))], text="a: b\n\n", status=USAGE)
    assert not read_all(server)
    with Sink(says={"RCPT": lambda _, line: "450 later" if "late" in line else None}) as sink:
        both = sendmail(server, "now@x.example", "late@x.example", text="Subject: r\n\n", status=UNAVAILABLE, port=sink.port)
        assert "late@x.example: 450" in both, both
        sink.wait(1)
        sendmail(server, "late@x.example", text="Subject: r\n\n", status=TEMPFAIL, port=sink.port)


def test_a_server_without_8bitmime(server):
    """RFC 6152 3: what it cannot take as it is is made 7-bit."""
    with Sink(words=("PIPELINING",)) as sink:
        sendmail(server, "-i", BOB, text="MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xe9\n", port=sink.port)
        ((_, _, raw),) = sink.wait(1)
    assert raw.isascii() and email.message_from_bytes(raw, policy=email.policy.default).get_content().strip() == "\xe9", raw


def test_long_names(server):
    """Lines as RFC 5322 2.1.1 and RFC 2047 2 have them, and the name is read again."""
    for name in ("x " * 600, "\xe9" * 100, "A" * 59, "a, b" * 14):
        sendmail(server, "-F", name.strip(), BOB, text="Subject: %d\n\n" % len(name))
        raw, _ = one_named(server, str(len(name)))
        lines = raw.partition(b"\r\nFrom: ")[2].partition(b"\r\nDate")[0].split(b"\r\n")
        assert max(map(len, lines)) <= 76, lines
        value = str(email.header.make_header(email.header.decode_header(b"\r\n".join(lines).decode())))
        assert email.utils.parseaddr(value)[0] == name.strip(), value


def test_other_hosts(server):
    """Only where the settings let this host's programs write to anybody."""
    assert "x@elsewhere.example: 550 5.7.1" in sendmail(server, "x@elsewhere.example", text="a: b\n\n", status=UNAVAILABLE)
    mark = server.reload(smtp={"relay_networks": "127.0.0.0/8 ::1"}, queue={"send": "no"})
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    sendmail(server, "x@elsewhere.example", text="a: b\n\n")
    assert "x@elsewhere.example" in server.cli("queue", "list").stdout


def test_many_recipients(server):
    """More than one transaction holds (RFC 5321 4.5.3.1.8)."""
    server.cli("alias", "add", "@example.test", BOB)
    sendmail(server, *["r%d@example.test" % i for i in range(250)], text="Subject: many\n\n")
    assert len(inbox(server, BOB)) == 3


def test_called_by_its_name(server):
    """A link, and a program that calls it: mutt writes the whole message and says -oem -oi -- RECIPIENT."""
    link = os.path.join(server.dir, "sendmail")
    os.symlink(server.martlet, link)
    env = {**(server.env or os.environ), "MARTLET_SENDMAIL_SERVER": "127.0.0.1:%d" % server.port("smtp"), "HOME": server.dir}
    subprocess.run([link, "-i", BOB], input=b"Subject: link\n\nx\n", check=True, timeout=60, env=env)
    subprocess.run(["mutt", "-n", "-F", "/dev/null", "-e", "set sendmail='%s -oem -oi' use_envelope_from=yes from=%s copy=no" % (link, ALICE),
                    "-s", "gr\xfc\xdfe", "-a", "/etc/hostname", "--", BOB], input=b"text\n", check=True, timeout=60, env=env)
    found = [email.message_from_bytes(x, policy=email.policy.default) for x in inbox(server, BOB)]
    assert [x["subject"] for x in found] == ["link", "gr\xfc\xdfe"], found
    assert found[1]["return-path"].strip("<> ") == ALICE and found[1].is_multipart()

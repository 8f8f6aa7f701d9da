# SPDX-License-Identifier: MIT
"""Python's own smtplib, imaplib and poplib: every message of tests/messages, byte for byte, in through each door and out through each."""

import glob
import imaplib
import os
import poplib
import re
import smtplib
import ssl

from script import MESSAGES, message, tls_context

poplib._MAXLINE = 1 << 20  # pylint: disable=protected-access  # the messages have long lines
BOB = ("bob@example.test", "demo")
TRACE = re.compile(rb"\AReturn-Path: <[^\r\n]*>\r\nReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


def names():
    return sorted(os.path.basename(p) for p in glob.glob(MESSAGES + "/*.eml"))


def without_trace(stored):
    m = TRACE.match(stored)
    assert m, "no trace headers: %r" % stored[:200]
    return stored[m.end():]


def imap(server):
    c = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context())
    c.login(*BOB)
    return c


def fetch_all(server):
    c = imap(server)
    c.select("INBOX")
    _, found = c.uid("SEARCH", None, "ALL")
    out = [c.uid("FETCH", uid, "(RFC822.SIZE BODY.PEEK[])")[1][0] for uid in found[0].split()]
    for head, body in out:
        assert int(re.search(rb"RFC822.SIZE (\d+)", head).group(1)) == len(body)
    c.logout()
    return [body for _, body in out]


def pop_all(server):
    c = poplib.POP3_SSL("127.0.0.1", server.port("pop3s"), context=tls_context(), timeout=30)
    c.user(BOB[0])
    c.pass_(BOB[1])
    count, _ = c.stat()
    out = [b"".join(x + b"\r\n" for x in c.retr(i + 1)[1]) for i in range(count)]
    c.quit()
    return out


def same_everywhere(server, sent):
    by_imap, by_pop = fetch_all(server), pop_all(server)
    assert len(by_imap) == len(by_pop) == len(sent), (len(by_imap), len(by_pop), len(sent))
    for want, got, popped in zip(sent, by_imap, by_pop):
        assert without_trace(got) == want, (want[:300], got[:600])
        assert popped == got


def test_port_25(server):
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=30) as c:
        c.ehlo("client.example")
        for name in names():
            c.sendmail("carol@example.org", ["bob@example.test"], message(name))
    same_everywhere(server, [message(n) for n in names()])


def test_submission_starttls(server):
    with smtplib.SMTP("127.0.0.1", server.port("submission"), timeout=30) as c:
        c.starttls(context=tls_context())
        c.login("alice@example.test", "demo")
        for name in names():
            c.sendmail("alice@example.test", ["bob@example.test"], message(name))
    same_everywhere(server, [message(n) for n in names()])


def test_lmtp(server):
    with smtplib.LMTP("127.0.0.1", server.port("lmtp")) as c:
        c.ehlo("client.example")
        for name in names():
            refused = c.sendmail("carol@example.org", ["bob@example.test", "nobody@example.test"], message(name))
            assert list(refused) == ["nobody@example.test"], refused
    same_everywhere(server, [message(n) for n in names()])


def test_append(server):
    c = imap(server)
    for name in names():
        typ, answer = c.append("INBOX", r"(\Seen $Work)", '"23-Nov-2026 20:08:00 +0000"', message(name))
        assert typ == "OK" and b"APPENDUID" in answer[0], answer
    c.logout()
    assert fetch_all(server) == [message(n) for n in names()]
    assert pop_all(server) == fetch_all(server)


def test_imap_session(server):
    c = imap(server)
    for name in ("simple.eml", "multipart.eml"):
        c.append("INBOX", None, None, message(name))
    assert c.create('"A/B"')[0] == "OK"
    c.select("INBOX")
    assert c.store("1", "+FLAGS", r"(\Flagged)")[0] == "OK"
    assert c.search(None, "FLAGGED")[1] == [b"1"]
    assert c.search("UTF-8", "SUBJECT", '"Prüfung"'.encode())[1] == [b"2"]
    assert c.uid("COPY", "1:2", '"A/B"')[0] == "OK"
    assert c.uid("MOVE", "2", "Trash")[0] == "OK"
    c.store("1", "+FLAGS", r"(\Deleted)")
    assert c.expunge()[1][-1] == b"1"        # imaplib adds the one that MOVE caused
    assert c.status('"A/B"', "(MESSAGES)")[1] == [b'A/B (MESSAGES 2)'] or b"MESSAGES 2" in c.status('"A/B"', "(MESSAGES)")[1][0]
    c.select("Trash")
    _, data = c.fetch("1", "(BODYSTRUCTURE ENVELOPE FLAGS)")
    assert data, data
    assert c.delete('"A/B"')[0] == "OK"
    c.logout()


def test_imap_acl(server):
    """imaplib shares a mailbox, the other user reads it in the namespace that the server tells."""
    shared = '"Other Users/alice@example.test/Work"'
    alice = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=tls_context())
    alice.login("alice@example.test", "demo")
    bob = imap(server)
    assert alice.create("Work")[0] == "OK"
    assert alice.append("Work", None, None, message("simple.eml"))[0] == "OK"
    assert bob.select(shared)[0] == "NO"
    assert alice.setacl("Work", BOB[0], "lr")[0] == "OK"
    assert b'"bob@example.test" lr' in alice.getacl("Work")[1][0]
    assert bob.namespace()[1][0] == b'(("" "/")) (("Other Users/" "/")) NIL'
    assert bob.myrights(shared)[1][0].endswith(b" lr")
    assert any(b"/Work" in line for line in bob.list('""', '"Other Users/*"')[1])
    assert bob.select(shared, readonly=True)[1] == [b"1"]
    assert bob.fetch("1", "(BODY[])")[1][0][1] == message("simple.eml")
    assert bob.append(shared, None, None, message("simple.eml"))[0] == "NO"
    assert alice.deleteacl("Work", BOB[0])[0] == "OK"
    try:
        bob.noop()
        raise AssertionError("bob still has the mailbox open")
    except imaplib.IMAP4.abort:
        pass
    alice.logout()


def test_pop3_delete(server):
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=30) as c:
        c.ehlo("client.example")
        for _ in range(3):
            c.sendmail("", ["bob@example.test"], message("simple.eml"))
    c = poplib.POP3("127.0.0.1", server.port("pop3"), timeout=30)
    c.stls(context=tls_context())
    c.user(BOB[0])
    c.pass_(BOB[1])
    uids = [x.split()[1] for x in c.uidl()[1]]
    assert len(set(uids)) == 3
    c.dele(2)
    c.quit()
    c = poplib.POP3_SSL("127.0.0.1", server.port("pop3s"), context=tls_context(), timeout=30)
    c.user(BOB[0])
    c.pass_(BOB[1])
    assert [x.split()[1] for x in c.uidl()[1]] == [uids[0], uids[2]]
    c.quit()


def test_wrong_password(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, password in (("bob@example.test", "wrong"), ("nobody@example.test", "demo")):
        c = imaplib.IMAP4_SSL("127.0.0.1", server.port("imaps"), ssl_context=context)
        try:
            c.login(name, password)
            raise RuntimeError("logged in as %s" % name)
        except imaplib.IMAP4.error as e:
            assert "AUTHENTICATIONFAILED" in str(e), e
        c.logout()


def test_certificate_of_the_first_start(server):
    """The self-made certificate, trusted, is good for the name and the addresses that a demo is reached by."""
    context = ssl.create_default_context(cafile=server.dir + "/data/self-signed.crt")
    for host in ("127.0.0.1", "localhost"):
        imaplib.IMAP4_SSL(host, server.port("imaps"), ssl_context=context).logout()

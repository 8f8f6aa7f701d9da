# SPDX-License-Identifier: MIT
"""
Mail that goes out: from submission over the queue and the sender to other servers, which take it, refuse it, are late, are gone; both
processes killed on the way; connections shared; the sender's cage. The way is told by [route] sections, so the DNS is not asked here.
"""

import base64
import datetime
import email
import email.utils
import glob
import os
import quopri
import re
import signal
import smtplib
import threading
import time

from certs import self_signed
from mail import inbox, sender_pid, submission, wait_inbox
from script import ehlo
from server import Skip
from sink import Sink

ALICE = "alice@example.test"
TEXT = "From: alice@example.test\r\nTo: x@elsewhere.test\r\nSubject: %s\r\n\r\n%s\r\n.a line with a dot\r\n"


def route(port, host="127.0.0.1", **more):
    return {"domains": "elsewhere.test", "host": host, "port": str(port), **more}


def use(server, *sinks, queue=None, level="info", stop_grace="10s", **routes):
    """Starts it again with sending on and mail for elsewhere.test going to the first sink."""
    server.stop()
    sections = {'route "sink"': route(sinks[0].port)} if sinks else {}
    sections.update({'route "%s"' % k: v for k, v in routes.items()})
    server.settings = {"server": {"hostname": "we.test", "log_level": level, "stop_grace": stop_grace},
                       "queue": {"send": "yes", "retry_min": "5m", "idle_timeout": "1s", "connect_timeout": "5s", "command_timeout": "10s",
                                 **(queue or {})}, **sections}
    server.start()


def submit(server, *names, to=("x@elsewhere.test",), body="Hello"):
    with submission(server) as smtp:
        for name in names:
            smtp.sendmail(ALICE, list(to), (TEXT % (name, body)).encode())


def subjects(sink):
    with sink.change:
        return [re.search(rb"^Subject: (\S+)", m[2], re.M).group(1).decode() for m in sink.messages]


def wait_empty(server, seconds=30):
    """Until nothing waits any more."""
    end = time.monotonic() + seconds
    while server.control("queue.list"):
        assert time.monotonic() < end, server.control("queue.list")
        time.sleep(0.05)


def move_clock(server, minutes):
    server.control("test.clock", ms=minutes * 60000)


# ---- one message ----

def test_delivered(server):
    """As it was written, with one trace field on top; the sender is started by the first message, and nothing is left in the queue."""
    with Sink() as sink:
        use(server, sink)
        assert sender_pid(server) is None
        submit(server, "one")
        (mail, rcpts, body), = sink.wait(1)
        assert mail.startswith("MAIL FROM:<%s>" % ALICE) and rcpts[0].startswith("RCPT TO:<x@elsewhere.test>"), (mail, rcpts)
        assert body.startswith(b"Received: ") and body.endswith((TEXT % ("one", "Hello")).encode()), body
        wait_empty(server)
        assert sender_pid(server)


def test_greylisted(server):
    """A temporary refusal is tried again when its time has come, not before; in one transaction for all recipients."""
    seen = []

    def grey(_, line):
        seen.append(line)
        return "450 4.7.1 come again" if len(seen) <= 2 else None

    with Sink(says={"RCPT": grey}) as sink:
        use(server, sink)
        submit(server, "grey", to=("x@elsewhere.test", "y@elsewhere.test"))
        sink.wait_count("RCPT", 2)
        server.wait_log("queue.attempt", {"to": "x@elsewhere.test", "result": "deferred"})
        server.wait_log("queue.attempt", {"to": "y@elsewhere.test", "result": "deferred"})
        time.sleep(0.5)
        assert not sink.messages and len(seen) == 2
        move_clock(server, 6)
        (_, rcpts, _), = sink.wait(1)
        assert len(rcpts) == 2, rcpts
        wait_empty(server)


def test_refused(server):
    """Refused for good: the writer hears so, with the other side's words; who was taken is not named."""
    def refuse(_, line):
        return "550 5.1.1 nobody of that name" if "<gone@" in line else None

    with Sink(says={"RCPT": refuse}) as sink:
        use(server, sink)
        submit(server, "half", to=("x@elsewhere.test", "gone@elsewhere.test"))
        sink.wait(1)
        (dsn,) = wait_inbox(server, ALICE, 1)
        assert b"nobody of that name" in dsn and b"gone@elsewhere.test" in dsn and b"5.1.1" in dsn, dsn
        assert b"x@elsewhere.test" not in dsn.split(b"message/delivery-status")[1].split(b"\r\n\r\n")[1], dsn
        wait_empty(server)


def test_forwarded_in_utf8(server):
    """An alias leads to an address in UTF-8: mail of those who know nothing of SMTPUTF8 goes there with it (RFC 6531 3.4), and the rest as it came."""
    with Sink(words=("PIPELINING", "8BITMIME", "SMTPUTF8")) as sink, Sink() as old:
        use(server, sink, old=route(old.port, domains="old.test"))
        for target in "grüße@elsewhere.test", "x@old.test":
            server.cli("alias", "add", "far@example.test", target)
        with smtplib.SMTP("127.0.0.1", server.port("smtp"), "peer.example", 60) as smtp:
            smtp.sendmail("carol@example.org", ["far@example.test"], (TEXT % ("plain", "Hello")).encode())
        ((mail, rcpts, _),), ((mail_old, rcpts_old, _),) = sink.wait(1), old.wait(1)
        assert mail.endswith(" SMTPUTF8") and rcpts == ["RCPT TO:<grüße@elsewhere.test>"], (mail, rcpts)
        assert "SMTPUTF8" not in mail_old and rcpts_old == ["RCPT TO:<x@old.test>"], (mail_old, rcpts_old)
        wait_empty(server)
        # What one target needs is nothing to the other: a header of 8-bit that nobody declared goes there as it came, as it does without the first.
        with smtplib.SMTP("127.0.0.1", server.port("smtp"), "peer.example", 60) as smtp:
            smtp.sendmail("carol@example.org", ["far@example.test"], (TEXT % ("schön", "Hello")).encode())
        assert sink.wait(2)[1][0].endswith(" SMTPUTF8")
        assert "Subject: schön".encode() in old.wait(2)[1][2]
        wait_empty(server)


def test_message_in_utf8_inside(server):
    """A message in UTF-8 inside of one that is not goes to hosts without SMTPUTF8 encoded (RFC 6532 3.7), and as it is to those with it."""
    inner = "From: grüße@elsewhere.test\r\nSubject: ü\r\n\r\nHellö\r\n"
    text = ("From: alice@example.test\r\nSubject: forwarded\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
            "Content-Type: message/global\r\n%s\r\n" + inner + "\r\n--b--\r\n")
    eight = "Content-Transfer-Encoding: 8bit\r\n"
    for words in (), ("8BITMIME",), ("8BITMIME", "SMTPUTF8"):
        with Sink(words=("PIPELINING",) + words) as sink:
            use(server, sink)
            with submission(server) as smtp:
                smtp.sendmail(ALICE, ["x@elsewhere.test"], (text % eight).encode(), ["BODY=8BITMIME", "SMTPUTF8"])
                refused = text.replace("Subject: forwarded", "Subject: forwärded") % eight
                smtp.sendmail(ALICE, ["x@elsewhere.test"], refused.encode(), ["BODY=8BITMIME", "SMTPUTF8"])
            wait_empty(server)
            is_new = "SMTPUTF8" in words
            mail, _, body = sink.wait(1)[0]
            assert len(sink.messages) == 1 + is_new and (" SMTPUTF8" in mail) == is_new and (" BODY=8BITMIME" in mail) == is_new, sink.messages
            assert body.isascii() != is_new, body
            part = re.search(rb"message/global\r\n(.*?)\r\n\r\n(.*)\r\n--b--", body, re.S)
            got = part[2] if is_new else quopri.decodestring(part[2]) if b"quoted" in part[1] else base64.b64decode(part[2])
            assert got.decode() == inner, body


def test_long_lines(server):
    """
    RFC 5321 4.5.3.1.6: no line of more than 998 octets goes out where it need not: it is encoded, and decoded it is what was written (RFC 2045 6.7). What is
    signed goes as it came, and so does what is as long as may be.
    """
    head = "From: alice@example.test\r\nSubject: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n%s\r\n"
    long = "<p>" + "a long = line " * 500 + "</p>\r\n.\r\nend\r\n"
    cases = (("plain", "", long, ()), ("eight", "Content-Transfer-Encoding: 8bit\r\n", "ü" + long, ("BODY=8BITMIME",)),
             ("most", "", "x" * 998 + "\r\n", ()), ("sealed", "DKIM-Signature: v=1; d=x.test\r\n", long, ()))
    with Sink() as sink:
        use(server, sink)
        for n, (name, more, text, options) in enumerate(cases):
            with submission(server) as smtp:
                smtp.sendmail(ALICE, ["x@elsewhere.test"], (head % (name, more) + text).encode(), options)
            body = sink.wait(n + 1)[-1][2]
            is_long = max(len(x) for x in body.split(b"\r\n")) > 998
            assert is_long == (name == "sealed"), (name, body)
            assert email.message_from_bytes(body).get_payload(decode=True).decode() == text, (name, body)
            assert body.endswith(text.encode()) == (name in ("most", "sealed")), (name, body)


def test_time_over(server):
    """What the other side said is quoted as it was said, also when it is the time that is over; and the attempt was when it was (RFC 3464 2.3.4, 2.3.6, 2.3.7)."""
    def field(dsn, name):
        return re.search(rb"^%s: (.*)\r$" % name, dsn, re.M).group(1).decode()

    with Sink(says={"RCPT": "450 4.2.1 she is away"}) as sink:
        use(server, sink, queue={"delay_notice": "4h", "lifetime": "5h", "retry_min": "3h", "retry_max": "12h"})
        submit(server, "late")
        server.wait_log("queue.attempt", {"attempts": "1"})
        move_clock(server, 192)
        line = server.wait_log("queue.attempt", {"attempts": "2"})
        for action, status in ("delayed", "4.2.1"), ("failed", "4.4.7"):
            move_clock(server, 60)
            dsn = wait_inbox(server, ALICE, 1 + (action == "failed"))[-1]
            assert field(dsn, b"Action") == action and field(dsn, b"Status") == status, dsn
            assert field(dsn, b"Diagnostic-Code") == "smtp; 450 4.2.1 she is away" and dsn.count(b"450 4.2.1 she is away") == 2, dsn
            tried = email.utils.parsedate_to_datetime(field(dsn, b"Last-Attempt-Date"))
            logged = datetime.datetime.fromisoformat(line.split(" ")[0].replace("Z", "+00:00"))
            assert abs((tried - logged).total_seconds()) < 2, (tried, line)


def test_few_recipients(server):
    """RFC 5321 4.5.3.1.10: who takes ten recipients at once, and says 552 to more, gets the others at once, in as many transactions as it needs."""
    named = []

    def rcpt(_, line):
        named.append(line)
        return "552 too many recipients" if len(named) > 10 else None

    def end(sink, _):
        return "451 4.3.0 later" if len(sink.messages) >= 3 else None

    with Sink(says={"MAIL": lambda *_: named.clear(), "RCPT": rcpt, "end": end}) as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1"})
        submit(server, "many", to=["r%d@elsewhere.test" % n for n in range(30)])
        assert [len(m[1]) for m in sink.wait(3)] == [10, 10, 10] and sink.connections == 1
        assert len({r for m in sink.messages for r in m[1]}) == 30, sink.messages
        wait_empty(server)
        # Of a message that is refused for now nobody is returned, those with a 552 neither. Over another connection, that has not said yet how many are too many.
        with sink.change:
            assert sink.change.wait_for(lambda: not sink.open, 30)
        submit(server, "later", to=["r%d@elsewhere.test" % n for n in range(12)])
        sink.wait_count("DATA", 4)
        server.wait_log("queue.attempt", {"code": "552", "result": "deferred"})
        assert len(server.control("queue.list")) == 12, server.control("queue.list")
    assert not inbox(server, ALICE)


def test_limits(server):
    """RFC 9422: no more messages over one connection, and recipients in one transaction, than the host says it takes; nobody waits for that."""
    with Sink(words=("PIPELINING", "8BITMIME", "LIMITS MAILMAX=2 RCPTMAX=3")) as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1"})
        submit(server, *["n%d" % n for n in range(5)])
        sink.wait(5)
        assert sink.connections == 3, sink.counts
        submit(server, "many", to=["r%d@elsewhere.test" % n for n in range(20)])
        assert sorted(len(m[1]) for m in sink.wait(12)[5:]) == [2, 3, 3, 3, 3, 3, 3]
        wait_empty(server)
        assert sink.counts["RCPT"] == 25 and not [x for x in server.log if "result=deferred" in x], sink.counts


def test_limits_and_a_refusal(server):
    """What a host says to the message of one transaction is for those who were named in it: the others have their own (RFC 5321 4.1.1.4, RFC 9422 4.2)."""
    def end(sink, _):
        return {1: "554 5.7.1 not for her", 3: "451 4.2.0 not now"}.get(sink.counts["DATA"])

    with Sink(says={"end": end}, words=("PIPELINING", "LIMITS RCPTMAX=2")) as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1"})
        submit(server, "many", to=["r%d@elsewhere.test" % n for n in range(7)])
        assert [len(m[1]) for m in sink.wait(2)] == [2, 1] and sink.connections == 1, sink.messages
        (dsn,) = wait_inbox(server, ALICE, 1)
        assert dsn.count(b"\r\nAction: failed") == 2, dsn
        server.wait_log("queue.attempt", {"to": "r6@elsewhere.test", "result": "delivered"})
        assert len(server.control("queue.list")) == 2, server.control("queue.list")


def test_limits_and_a_death(server):
    """Who has the message by a transaction gets it no second time because all dies in the next one (RFC 5321 4.5.3.2.6)."""
    began, gone = threading.Event(), threading.Event()

    def end(sink, _):
        if sink.counts["DATA"] != 3 or began.is_set():
            return None
        began.set()
        gone.wait(30)
        return "451 4.3.0 nobody hears it"

    with Sink(says={"end": end}, words=("PIPELINING", "LIMITS RCPTMAX=2")) as sink:
        use(server, sink)
        submit(server, "once", to=["r%d@elsewhere.test" % n for n in range(7)])
        assert began.wait(30)
        server.crash()
        gone.set()
        messages = sink.wait(4)
        wait_empty(server)
        assert sorted(len(m[1]) for m in messages) == [1, 2, 2, 2] and len({r for m in messages for r in m[1]}) == 7, [m[1] for m in messages]


def test_dead_host(server):
    """Nobody is there: deferred; a host that comes up later gets it."""
    with Sink() as sink:
        port = sink.port
    use(server, dead=route(port))
    submit(server, "late")
    server.wait_log("queue.attempt", {}, seconds=30)
    with Sink(port=port) as sink:
        move_clock(server, 6)
        sink.wait(1)
        wait_empty(server)


def test_reused(server):
    """Many messages to one destination go over one connection."""
    with Sink() as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1", "idle_timeout": "10s"})
        submit(server, *["n%d" % n for n in range(20)])
        sink.wait(20)
        assert sorted(subjects(sink)) == sorted("n%d" % n for n in range(20))
        assert sink.connections == 1, sink.connections
        wait_empty(server)


def test_connection_lost_at_rest(server):
    """A kept connection that the other side closes meanwhile is not a failure."""
    with Sink() as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1", "idle_timeout": "20s"})
        submit(server, "first")
        sink.wait(1)
        wait_empty(server)
        with sink.change:
            for s in sink.sockets:
                s.shutdown(2)
            assert sink.change.wait_for(lambda: sink.open == 0, 10)
        submit(server, "second")
        sink.wait(2)
        assert sink.connections == 2
        wait_empty(server)


def lost_in_use(server, verb, words):
    """The other side ends the kept connection at that command of the second message."""
    seen = []

    def end(_, line):
        seen.append(line)
        return words if len(seen) == 2 else None

    with Sink(says={verb: end}) as sink:
        use(server, sink, queue={"max_sessions_per_destination": "1", "idle_timeout": "20s"})
        mark = len(server.log)
        for n, name in enumerate(("first", "second")):
            submit(server, name)
            sink.wait(n + 1)
            wait_empty(server)
        assert sink.connections == 2 and len(seen) == 3, (sink.connections, seen)
        assert not [x for x in server.log[mark:] if " result=deferred " in x], server.log[mark:]


def test_connection_lost_in_use(server):
    """Nor is one that ends when it is used again: another one is made, at once."""
    lost_in_use(server, "MAIL", "-")


def test_connection_closing_at_mail(server):
    lost_in_use(server, "MAIL", "421 4.3.2 closing")


def test_connection_closing_at_rcpt(server):
    lost_in_use(server, "RCPT", "421 4.3.2 closing")


def test_idle(server):
    """The sender ends when nothing is to be sent, in good order, and comes back for the next message."""
    with Sink() as sink:
        use(server, sink, queue={"idle_timeout": "100ms", "sender_idle": "300ms"})
        for n in range(2):
            mark = len(server.log)
            submit(server, "n%d" % n)
            sink.wait(n + 1)
            assert 'why="nothing to do"' in server.wait_log("sender.end", {}, 20, mark)
            wait_empty(server)
        assert not [x for x in server.log if " sender.died " in x]
        end = time.monotonic() + 30
        while sender_pid(server):
            assert time.monotonic() < end, "it said that it ends, and stays"
            time.sleep(0.05)


# ---- deaths ----

def death(server, kill):
    """A process dies while the whole message is there and not answered: it comes once more, as the protocol has it, and is not lost."""
    release, held = threading.Event(), []

    def hold(_, line):
        if not held:
            held.append(line)
            release.wait(30)
            return "-"
        return None

    with Sink(says={"end": hold}) as sink:
        use(server, sink)
        submit(server, "held")
        end = time.monotonic() + 30
        while not held:
            assert time.monotonic() < end
            time.sleep(0.02)
        kill()
        release.set()
        move_clock(server, 6)
        sink.wait(2)
        assert subjects(sink) == ["held", "held"]
        wait_empty(server)
        submit(server, "after")
        sink.wait(3)
        wait_empty(server)


def test_sender_dies(server):
    def kill():
        mark = len(server.log)
        os.kill(sender_pid(server), signal.SIGKILL)
        server.wait_log("sender.died", {"signal": "9"}, mark=mark)
        server.wait_log("queue.attempt", {"result": "deferred"}, mark=mark)     # the server process was told

    death(server, kill)


def test_server_dies(server):
    death(server, server.crash)


def test_both_die_often(server):
    """Both processes are killed again and again while mail flows: everything that was answered arrives."""
    with Sink() as sink:
        use(server, sink, queue={"retry_min": "1s", "retry_max": "1s"})
        sent, stop = [], threading.Event()

        def flow():
            n = 0
            while not stop.is_set():
                try:
                    submit(server, "m%d" % n)
                    sent.append("m%d" % n)
                except (OSError, smtplib.SMTPException):
                    pass
                n += 1

        t = threading.Thread(target=flow)
        t.start()
        for n in range(6):
            time.sleep(0.5)
            if n % 2:
                server.crash()
            elif sender_pid(server):
                os.kill(sender_pid(server), signal.SIGKILL)
        stop.set()
        t.join()
        assert len(sent) > 5, sent
        end = time.monotonic() + 60
        while server.control("queue.list"):
            assert time.monotonic() < end, server.control("queue.list")
            move_clock(server, 1)
            time.sleep(0.3)
        assert set(sent) <= set(subjects(sink)), set(sent) - set(subjects(sink))


test_both_die_often.settings = {"server": {"restart_pause": "0s"}}


# ---- settings ----

def test_reload(server):
    """New settings are a new sender; the old one finishes what it has."""
    release, began = threading.Event(), threading.Event()

    def hold(_, line):
        if "old" in line or not began.is_set():
            began.set()
            release.wait(30)
        return None

    with Sink(says={"end": hold}) as old, Sink() as new:
        use(server, old)
        submit(server, "old")
        assert began.wait(30)
        pid = sender_pid(server)
        settings = dict(server.settings)
        settings['route "sink"'] = route(new.port)
        mark = server.reload(**settings)
        server.wait_log("server.reload", {"result": "done"}, mark=mark)
        submit(server, "new")
        new.wait(1)
        server.wait_log("sender.start", {}, mark=mark)
        assert subjects(new) == ["new"] and sender_pid(server) != pid
        release.set()
        old.wait(1)
        wait_empty(server)
        end = time.monotonic() + 30
        while os.path.exists("/proc/%d" % pid):
            assert time.monotonic() < end, "the old sender stays"
            time.sleep(0.05)
        assert old.connections == 1 and not [x for x in server.log if " sender.died " in x]


def test_stop(server):
    """Results are taken as long as sessions are waited for: what arrives meanwhile is not sent again by the next server."""
    began, release = threading.Event(), threading.Event()

    def late(_, line):
        began.set()
        release.wait(60)
        return None

    with Sink(says={"end": late}) as sink:
        use(server, sink, stop_grace="60s")
        submit(server, "once")
        assert began.wait(30)
        smtp, _ = ehlo(server)
        smtp.mail("<carol@example.org>", "bob@example.test")
        smtp.send(b"Subject: half a message\r\n")
        server.process.send_signal(signal.SIGTERM)
        server.wait_log("server.stop", {"signal": "15"})
        time.sleep(0.3)
        release.set()
        server.wait_log("queue.attempt", {"result": "delivered"})
        smtp.close()
        assert server.process.wait(90) == 0
        sink.wait(1)
        server.start()
        assert not server.control("queue.list")
        assert subjects(sink) == ["once"]


def test_smart_host(server):
    """All mail goes to one host, with a password, which goes to nobody without a good certificate."""
    files = self_signed(server, "relay", "localhost")
    password = server.dir + "/password"
    with open(password, "w", encoding="ascii") as f:
        f.write("open sesame\n")
    os.chmod(password, 0o600)
    with Sink(tls=files, login=("martlet", "open sesame")) as sink:
        host = {"host": "localhost", "port": str(sink.port), "tls": "verify", "user": "martlet", "password_file": password}
        use(server, level="debug", queue={"ca_file": files["certificate"]}, all=host)
        submit(server, "relayed")
        sink.wait(1)
        assert sink.tls_sessions == 1 and sink.counts["AUTH"] == 1, sink.counts
        server.wait_log("queue.attempt", {"result": "delivered"}, 30)
        said = [x for x in server.log if " send.line " in x]
        assert any("RCPT TO:" in x for x in said) and any("235 2.7.0" in x for x in said), said
        assert not [x for x in server.log if "sesame" in x or "b3BlbiBzZXNhbWU" in x or "c2VzYW1l" in x], "a password is in the log"
        wait_empty(server)
        wrong = self_signed(server, "wrong", "elsewhere.example")
        use(server, queue={"ca_file": wrong["certificate"]}, all=host)
        submit(server, "kept")
        server.wait_log("queue.attempt", {}, seconds=30)
        time.sleep(0.2)
        assert len(sink.messages) == 1 and sink.counts["AUTH"] == 1, "the password went to a stranger"


def test_authorities_of_the_system(server):
    """They are opened before the sender closes itself in, and read at the first handshake: a good certificate passes, another does not."""
    files, wrong = self_signed(server, "relay", "localhost"), self_signed(server, "wrong", "localhost")
    server.env["SSL_CERT_FILE"] = files["certificate"]
    with Sink(tls=files) as sink, Sink(tls=wrong) as stranger:
        use(server, all={"host": "localhost", "port": str(sink.port), "tls": "verify"})
        submit(server, "first", "second")
        sink.wait(2)
        wait_empty(server)
        assert sink.tls_sessions > 0
        use(server, all={"host": "localhost", "port": str(stranger.port), "tls": "verify"})
        mark = len(server.log)
        submit(server, "third")
        server.wait_log("queue.attempt", {"result": "deferred"}, mark=mark)
        assert not stranger.messages


def test_off(server):
    """send = no, as in the demo: mail for elsewhere is taken and waits, and no sender is ever started."""
    with Sink() as sink:
        use(server, sink, queue={"send": "no"})
        submit(server, "waits")
        time.sleep(0.5)
        assert len(server.control("queue.list")) == 1 and sink.connections == 0 and sender_pid(server) is None


# ---- many ----

def test_thousand(server):
    """1,000 messages: all of them, each once, over few connections."""
    with Sink() as sink:
        use(server, sink, queue={"max_sessions_per_destination": "10"})
        begin = time.monotonic()
        threads = [threading.Thread(target=submit, args=(server, *["t%d-%d" % (k, n) for n in range(250)])) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        sink.wait(1000, 60)
        took = time.monotonic() - begin
        wait_empty(server)
        assert len(set(subjects(sink))) == len(sink.messages) == 1000
        assert sink.most <= 15, sink.most       # 10, and some whose end the sink has not seen yet
        print("1,000 messages in and out in %.1f s, %d connections" % (took, sink.connections))


# ---- the cage ----

def test_closed_in(server):
    """The sender is closed in: seccomp, no capabilities, nothing open but the log, its sockets and what wakes it."""
    with Sink() as sink:
        use(server, sink)
        submit(server, "one")
        sink.wait(1)
        line = [x for x in server.log if " sender.start " in x][-1]
        if "landlock" not in line or "seccomp" not in line:
            raise Skip("no sandbox here: " + line)
        pid = sender_pid(server)
        for task in glob.glob("/proc/%d/task/*/status" % pid):
            with open(task, encoding="ascii") as f:
                status = dict(x.split(":", 1) for x in f if ":" in x)
            assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1", (task, status)
            assert int(status["CapEff"], 16) == 0, status
        links = [os.readlink(x.path) for x in os.scandir("/proc/%d/fd" % pid)]
        assert not [x for x in links if server.dir in x], links
        with open("/proc/net/tcp", encoding="ascii") as f:
            listening = [x.split()[9] for x in f.read().splitlines()[1:] if x.split()[3] == "0A"]
        assert not [x for x in links if x.startswith("socket:[") and x[8:-1] in listening], "a listener is open in the sender"
        with open("/proc/%d/limits" % pid, encoding="ascii") as f:
            assert any(x.split()[:6] == ["Max", "core", "file", "size", "0", "0"] for x in f)

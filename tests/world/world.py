# SPDX-License-Identifier: MIT
"""
Three hosts, each in a network of its own, and a DNS and a web server between them. All of it lives in namespaces of `run`, whose first process
ends them.

    one.test, two.test   DANE: TLSA records of their keys; nothing is sent to them otherwise
    three.test           MTA-STS: a policy at mta-sts.three.test, enforced

What must hold for each message (named by its Subject) and each of its recipients:
  1. Answered with 250: it arrived, byte for byte behind trace headers, or its sender has one notification about it; never none, never both. Those that
     are there get it, nobody else's comes back. Not answered: all of that or nothing.
  2. It arrived twice only where a host was killed or cut off at that time, and not more often than connections can have been open then.
  3. No message went in the clear or unverified, queues are empty, `martlet fsck` is clean.
"""

import collections
import ctypes
import email.utils
import hashlib
import imaplib
import random
import re
import smtplib
import subprocess
import threading
import time

from certs import self_signed
from dnsworld import World
from load import body, fetch, fsck, ok, subject
from outgoing import PARTS, kill_part
from policies import Web, policy
from script import tls_context
from server import Server, give_back

HUB, NAMES = "10.77.0.1", ("one", "two", "three")
SESSIONS = 5                # to one destination
CLONE_NEWNET = 0x40000000
GRACE_S = 12                # after a cut: as long as an answer is waited for, and some
libc = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def inside(name, function, *args):
    """Calls it on a thread that is in that host's network; what it starts is there, too."""
    result = []

    def call():
        with open("/run/netns/" + name, "rb") as f:
            if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
                result.append((None, OSError(ctypes.get_errno(), "setns")))
                return
        try:
            result.append((function(*args), None))
        except Exception as e:      # pylint: disable=broad-except
            result.append((None, e))

    t = threading.Thread(target=call)
    t.start()
    t.join()
    if result[0][1]:
        raise result[0][1]
    return result[0][0]


def spki_digest(files):
    key = subprocess.run(["openssl", "x509", "-in", files["certificate"], "-noout", "-pubkey"], check=True, capture_output=True).stdout
    return hashlib.sha256(subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True, capture_output=True).stdout).hexdigest()


def sent(host, name):
    return b"From: <user@%s.test>\r\nMessage-ID: <%s@%s.test>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n" % (
        host.encode(), name.encode(), host.encode()) + body(name)


class Host(Server):
    def __init__(self, martlet, name, number):
        super().__init__(martlet)
        give_back(self.offset)
        self.offset, self.has_ports = 0, False      # all ports of this network are ours
        self.name, self.address, self.veth = name, "10.77.0.%d" % (10 + number), "hub-" + name
        self.files = self_signed(self, "mx", "mx.%s.test" % name)

    def plug(self):
        ip("netns", "add", self.name)
        ip("link", "add", self.veth, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self.veth, "master", "hub", "up")
        for words in (("addr", "add", self.address + "/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            ip("-n", self.name, *words)

    def make_accounts(self):
        self.cli("domain", "add", self.name + ".test")
        self.cli("account", "add", "user@%s.test" % self.name, input="demo\n")

    def configure(self, dns, port, authorities):
        self.settings = {
            "server": {"hostname": "mx.%s.test" % self.name, "restart_pause": "0s", "stop_grace": "1s"}, "tls": self.files, "dns": {**dns, "timeout": "3s"},
            'listener "smtp"': {"address": self.address},
            "queue": {"send": "yes", "allow_private_addresses": "yes", "retry_min": "1s", "retry_max": "2s", "delay_notice": "0s",
                      "connect_timeout": "2s", "command_timeout": "5s", "data_end_timeout": "10s", "mta_sts_port": str(port),
                      "ca_file": authorities, "max_sessions_per_destination": str(SESSIONS)}}

    def begin(self):
        inside(self.name, self.start)

    def mailbox(self):
        def read():
            imap = imaplib.IMAP4("127.0.0.1", self.port("imap"), timeout=60)
            imap.login("user@%s.test" % self.name, "demo")
            ok(imap.select("INBOX", readonly=True))
            found = list(fetch(imap, "BODY.PEEK[]").values())
            imap.logout()
            return found

        return inside(self.name, read)


class Small:
    """The world. begin(), run(), check(), end()."""

    def __init__(self, martlet, rnd, count):
        self.rnd, self.count, self.number, self.lock = rnd, count, 0, threading.Lock()
        self.hosts = {name: Host(martlet, name, n) for n, name in enumerate(NAMES)}
        self.asked, self.answered = {}, set()       # {name: (host, recipients)}
        self.disturbed, self.counts = [], collections.Counter()     # (begin, end) in wall time; by kind
        self.stop, self.words, self.last_wait = threading.Event(), "", 0
        self.dns = self.web = None

    def begin(self):
        ip("link", "set", "lo", "up")
        ip("link", "add", "hub", "type", "bridge")
        ip("addr", "add", HUB + "/24", "dev", "hub")
        ip("link", "set", "hub", "up")
        first = self.hosts["one"]
        web = self_signed(first, "web", "mta-sts.three.test")
        self.dns, self.web = World(address=HUB), Web(web, HUB)
        page = self.web.__enter__()
        page.text = policy("enforce", "mx.three.test")
        authorities = first.dir + "/authorities.pem"
        with open(authorities, "wb") as f:
            for path in (web["certificate"], self.hosts["three"].files["certificate"]):
                with open(path, "rb") as g:
                    f.write(g.read())
        for host in self.hosts.values():
            records = "@ MX 10 mx\nmx A %s\n" % host.address
            records += '_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A ' + HUB if host.name == "three" else "_25._tcp.mx TLSA 3 1 1 " + spki_digest(host.files)
            self.dns.zone(host.name + ".test", records, signed=True)
        self.dns.start()
        for host in self.hosts.values():
            host.plug()
            host.configure(self.dns.settings(), page.server_port, authorities)
            host.begin()

    def end(self):
        for host in self.hosts.values():
            host.remove()
        self.web.__exit__()
        self.dns.stop()

    # ---- the load ----

    def recipients(self, host):
        """The user of another host, or of both, now and then nobody."""
        others = [x for x in NAMES if x != host]
        to = ["user@%s.test" % x for x in (others if random.randrange(8) == 0 else random.sample(others, 1))]
        return to + ["nobody@%s.test" % random.choice(others)] * (random.randrange(10) == 0)

    def next(self, host):
        with self.lock:
            if len(self.answered) >= self.count or self.stop.is_set():
                return None
            self.number += 1
            name = "w-%d" % self.number
            self.asked[name] = (host, self.recipients(host))
            return name

    def send(self, host, pause):
        with smtplib.SMTP("127.0.0.1", 587, "client.example", 60) as smtp:
            smtp.starttls(context=tls_context())
            smtp.login("user@%s.test" % host, "demo")
            while (name := self.next(host)):
                smtp.sendmail("user@%s.test" % host, self.asked[name][1], sent(host, name))
                with self.lock:
                    self.answered.add(name)
                time.sleep(random.uniform(0, pause))

    def load(self, host, pause):
        while len(self.answered) < self.count and not self.stop.is_set():
            try:
                self.send(host, pause)
            except (OSError, EOFError, smtplib.SMTPException):
                time.sleep(0.05)

    # ---- trouble ----

    def disturb(self):
        host, what = self.hosts[self.rnd.choice(NAMES)], self.rnd.choice(PARTS + ("cut",) * 4 + ("cut and killed",) * 2)
        begin = time.time()
        if "cut" in what:
            ip("link", "set", host.veth, "down")
            time.sleep(self.rnd.uniform(0.1, 2))
        if what == "cut and killed":
            kill_part(host, self.rnd.choice(PARTS), host.begin)
        elif what != "cut":
            kill_part(host, what, host.begin)
        if "cut" in what:
            ip("link", "set", host.veth, "up")
        self.disturbed.append((begin, time.time()))
        self.counts["cut" if what == "cut" else what] += 1

    def waiting(self):
        return sum(len(host.control("queue.list")) for host in self.hosts.values())

    def run(self, seconds, pause):
        """Load and trouble until all messages are answered, then calm until the queues are empty."""
        begin = time.monotonic()
        threads = [threading.Thread(target=inside, args=(host, self.load, host, pause)) for host in NAMES for _ in range(2)]
        for t in threads:
            t.start()
        try:
            while len(self.answered) < self.count and time.monotonic() - begin < seconds:
                time.sleep(self.rnd.uniform(0.2, 1.5))
                self.disturb()
        finally:
            self.stop.set()
            for t in threads:
                t.join(120)
        if len(self.answered) < self.count:
            raise AssertionError("%d of %d messages were taken in %d s" % (len(self.answered), self.count, seconds))
        calm = time.monotonic()
        while self.waiting():
            if time.monotonic() - calm > 120:
                raise AssertionError("%d recipients are still in the queues" % self.waiting())
            time.sleep(0.2)
        self.last_wait = time.monotonic() - calm
        time.sleep(1)

    # ---- what came of it ----

    def look(self):
        """{(name, recipient): times of arrival}, {(name, recipient): notifications}, and what is not as it was sent."""
        arrived, told, wrong = collections.defaultdict(list), collections.Counter(), []
        for host in self.hosts.values():
            for raw in host.mailbox():
                if b"message/delivery-status" in raw:
                    name = subject(raw.split(b"message/delivery-status", 1)[1].split(b"Content-Type:", 1)[1])
                    for to in re.findall(rb"^Final-Recipient: *rfc822; *(\S+)", raw, re.M | re.I):
                        told[name, to.decode()] += 1
                    continue
                name = subject(raw)
                if not raw.endswith(b"\r\n" + sent(self.asked[name][0], name)):
                    wrong.append("%s at %s: other bytes than were sent" % (name, host.name))
                date = re.search(rb"Received:[^;]*;\s*([^\r\n]+)", raw)[1].decode()
                arrived[name, "user@%s.test" % host.name].append(email.utils.parsedate_to_datetime(date).timestamp())
        return arrived, told, wrong

    def check(self):
        arrived, told, wrong = self.look()
        again = sum(len(x) - 1 for x in arrived.values())
        for name, (_, to) in self.asked.items():
            fates = [(x, len(arrived.get((name, x), ())), told[name, x]) for x in to]
            if name not in self.answered and not any(a or t for _, a, t in fates):
                continue
            wrong += ["%s for %s: arrived %d times, %d notifications" % (name, x, a, t) for x, a, t in fates
                      if (a > 0, t) != ((False, 1) if x.startswith("nobody@") else (True, 0))]
        for key, times in arrived.items():
            first, last = min(times) - 1, max(times) + 1
            if len(times) > 1 and not any(begin <= last and end + GRACE_S >= first for begin, end in self.disturbed):
                wrong.append("%s: came %d times, and nothing had happened" % (key, len(times)))
        if again > len(self.disturbed) * SESSIONS * len(NAMES) * 2:
            wrong.append("%d came again after %d disturbances: more than there were connections" % (again, len(self.disturbed)))
        wrong += self.check_tls()
        for host in self.hosts.values():
            wrong += fsck(host)
        self.words = "%d messages taken, %d returned, %d came again; %s; queues empty %.1f s after the last" % (
            len(self.answered), sum(told.values()), again, ", ".join("%d %s" % (n, what) for what, n in sorted(self.counts.items())), self.last_wait)
        return wrong

    def check_tls(self):
        wrong, want = [], {"one": "DANE verified", "two": "DANE verified", "three": "MTA-STS verified"}
        for host in self.hosts.values():
            for line in host.log:
                if " queue.attempt " in line and " result=delivered " in line and want[re.search(r" to=\S+@(\S+)\.test ", line)[1]] not in line:
                    wrong.append(line)
        return wrong

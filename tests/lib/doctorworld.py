# SPDX-License-Identifier: MIT
"""
A small Internet for the doctor: the host that asks in a network of its own, everybody else behind a link, at addresses of documentation (RFC 5737, RFC 3849) that
look public, at their usual ports. What a network does to ports is done to the packets that cross the link:

    with Internet() as net:
        net.zone("good.test", "@ MX 10 mx\\nmx A 203.0.113.20\\n_imaps._tcp SRV 0 1 993 mx")
        net.start()
        net.web("203.0.113.20", files, {"autoconfig.good.test/mail/config-v1.1.xml": Page(XML)})
        net.drop(port=993)                      # silence
        net.drop(port=25, address="203.0.113.20")
        net.forbid(port=587)                    # ICMP: administratively prohibited
        net.unreachable("203.0.113.21")         # ICMP: host unreachable
        done = net.command(server, "check", "you@good.test", "--json")

Where nobody listens a connection is refused, as everywhere. An error by ICMP may come a second late: the link is so fast that the first one finds the socket
busy with its SYN, and the kernel drops it. Without `ipv6` the host has IPv4 only. Needs root, ip, unshare; else the test is skipped.
"""

import ctypes
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from certs import self_signed
from dnsworld import World
from listener import stop
from ports import PORTS, give_back
from server import Server, Skip

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
DNS = "203.0.113.53"
INSIDE = ("198.51.100.2", "2001:db8:51::2")     # of the host that asks
GATEWAY = ("198.51.100.1", "2001:db8:51::1")
NETWORKS = ("203.0.113.0/24", "2001:db8:113::/64")      # all of it is outside; ADDRESS % N is a host
ADDRESS, ADDRESS_6 = "203.0.113.%d", "2001:db8:113::%x"


class Place:
    """A network of its own, as long as a process that does nothing lives in it."""

    def __init__(self):
        self.process = subprocess.Popen(        # pylint: disable=consider-using-with
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"\n":
            self.close()
            raise Skip("a network namespace cannot be made")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ip(self, words):
        self.run(subprocess.run, ["ip", *words.split()], check=True)

    def run(self, function, *args, **options):
        """Calls it on a thread that is in this network; sockets that it makes and programs that it starts are there too."""
        result = []

        def call():
            try:
                with open("/proc/%d/ns/net" % self.process.pid, "rb") as f:
                    if LIBC.setns(f.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result.append((function(*args, **options), None))
            except BaseException as e:  # pylint: disable=broad-except
                result.append((None, e))

        t = threading.Thread(target=call)
        t.start()
        t.join()
        if result[0][1]:
            raise result[0][1]
        return result[0][0]


def be_a_router():
    """For the network of the calling thread: ICMP is sent by those who forward, and IPv6 must be told that a network which is local as a whole is its own."""
    for name, value in (("ipv4/ip_forward", 1), ("ipv6/conf/all/forwarding", 1), ("ipv6/ip_nonlocal_bind", 1), ("ipv4/icmp_ratelimit", 0),
                        ("ipv6/icmp/ratelimit", 0)):
        with open("/proc/sys/net/" + name, "w", encoding="ascii") as f:
            f.write(str(value))


class Internet:
    """See above. `world` is its DNS (dnsworld.World), at DNS."""

    def __init__(self, ipv6=True, signed=True):
        if os.geteuid() != 0:
            raise Skip("network namespaces need root")
        for tool in ("ip", "unshare", "setpriv"):
            if not shutil.which(tool):
                raise Skip("%s is not installed" % tool)
        self.closers, self.dir, self.ipv6 = [], tempfile.mkdtemp(prefix="martlet-doctor-"), ipv6
        self.authorities = os.path.join(self.dir, "authorities.pem")
        self.path = os.path.join(self.dir, "check.conf")
        self.world = World(signed=signed, address=DNS)
        self.inside = self.outside = None
        try:
            self.inside, self.outside = Place(), Place()
            self.connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for close in reversed(self.closers):
            close()
        self.world.stop()
        for place in (self.inside, self.outside):
            if place:
                place.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- the link ----

    def connect(self):
        """Two ends; outside, all addresses of the networks are its own, but only after the rules of drop() and forbid()."""
        self.trust(self_signed(self, "nobody", "nobody.test"))      # a file without any is a fault
        self.outside.ip("link add out type veth peer name eth0 netns %d" % self.inside.process.pid)
        for place, device, ours in ((self.inside, "eth0", INSIDE), (self.outside, "out", GATEWAY)):
            place.ip("link set lo up")
            place.ip("link set %s up" % device)
            place.ip("addr add %s/24 dev %s" % (ours[0], device))
            if self.ipv6:
                place.ip("addr add %s/64 dev %s nodad" % (ours[1], device))
        self.outside.run(be_a_router)
        for family, network in zip(("-4", "-6"), NETWORKS):
            self.outside.ip("%s route add local %s dev lo" % (family, network))
            self.outside.ip("%s rule add pref 100 lookup local" % family)
            self.outside.ip("%s rule del pref 0" % family)
        self.inside.ip("route add default via " + GATEWAY[0])
        if self.ipv6:
            self.inside.ip("-6 route add default via " + GATEWAY[1])

    def rule(self, what, port=None, address=None):
        """For TCP that comes from inside."""
        for family in ("-4", "-6"):
            if address and (":" in address) != (family == "-6"):
                continue
            self.outside.ip("%s rule add pref 50 iif out ipproto tcp %s %s %s" % (
                family, "to " + address if address else "", "dport %d" % port if port else "", what))

    def drop(self, port=None, address=None):
        """No answer at all: what a firewall or a network does that blocks a port."""
        self.rule("blackhole", port, address)

    def forbid(self, port=None, address=None):
        self.rule("prohibit", port, address)

    def drop_dns(self):
        self.outside.ip("-4 rule add pref 50 iif out to %s blackhole" % DNS)

    def unreachable(self, address):
        self.rule("unreachable", None, address)

    # ---- who is there ----

    def zone(self, name, records, **options):
        self.world.zone(name, records, **options)

    def trust(self, files):
        """Its certificate is an authority for the host that asks."""
        with open(files["certificate"], encoding="ascii") as f, open(self.authorities, "a", encoding="ascii") as to:
            to.write(f.read())
        return files

    def start(self, **sections):
        """The DNS, and the settings of the host that asks; sections: more of them."""
        self.outside.run(self.world.start)
        os.chmod(self.world.dir, 0o755)         # the trust anchor is read by whom the command becomes
        os.chmod(self.dir, 0o755)
        sections = {"dns": self.world.settings(), "server": {"hostname": "we.test"}, 'listener "x"': {"port": "2525"},
                    "queue": {"ca_file": self.authorities}, **sections}
        with open(self.path, "w", encoding="utf-8") as f:
            for section, keys in sections.items():
                f.write("[%s]\n" % section + "".join("%s = %s\n" % pair for pair in keys.items()))

    def listen(self, make, *args, **options):
        """Something with close() that listens outside: net.listen(Sink, address="203.0.113.20", port=25)."""
        listener = self.outside.run(make, *args, **options)
        self.closers.append(listener.close)
        return listener

    def web(self, address, files, pages):
        """An HTTPS server; pages: {"host/path": Page}, the path without its query."""
        return self.listen(Web, address, files, pages)

    def mail(self, server, domain, address, files, settings=None):
        """A whole Martlet at its usual ports, with you@DOMAIN, password "demo"."""
        host = Mail(server.martlet, domain, address, files, settings or {})
        self.closers.append(host.remove)
        self.outside.run(host.start)
        return host

    # ---- the host that asks ----

    def command(self, server, *args, seconds=60, text=""):
        """A command of martlet on the host that asks, with its settings."""
        return self.inside.run(subprocess.run, [server.martlet, *args, "--config", self.path], input=text, capture_output=True, text=True,
                               timeout=seconds, check=False, env=server.env)


class Mail(Server):
    def __init__(self, martlet, domain, address, files, settings):
        super().__init__(martlet, settings)
        give_back(self.offset)
        self.offset, self.has_ports, self.domain = 0, False, domain     # all ports of this network are ours
        for section, keys in {"tls": files, **{'listener "%s"' % name: {"address": address} for name in PORTS}}.items():
            self.settings.setdefault(section, {}).update(keys)

    def make_accounts(self):
        self.cli("domain", "add", self.domain)
        self.cli("account", "add", "you@" + self.domain, input="demo\n")


class Page:
    def __init__(self, body, status=200, type="text/xml", location=None, wait=None):       # pylint: disable=redefined-builtin
        self.body, self.status, self.type, self.location, self.wait = body, status, type, location, wait


class Web:
    """Serves pages over HTTPS at port 443; `asked` are the "host/path?query" that it was asked for. A page with `wait` (an event) comes when that is set."""

    def __init__(self, address, files, pages):
        self.pages, self.asked = pages, []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = type("Server", (http.server.ThreadingHTTPServer,), {"address_family": family, "handle_error": lambda *_: None})
        self.http = kind((address, 443), Request)
        self.http.daemon_threads, self.http.web = True, self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["certificate"], files["key"])
        # The handshake is the connection's, on its own thread.
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Request(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        web, host = self.server.web, self.headers["Host"].split(":")[0]
        web.asked.append(host + self.path)
        page = web.pages.get(host + self.path.split("?")[0]) or Page("not here", 404, "text/plain")
        if page.wait:
            page.wait.wait(60)
        body = page.body if isinstance(page.body, bytes) else page.body.encode()
        self.send_response(page.status)
        self.send_header("Content-Type", page.type)
        self.send_header("Content-Length", str(len(body)))
        if page.location:
            self.send_header("Location", page.location)
        self.end_headers()
        self.wfile.write(body)


class Silent:
    """Takes connections at a port and says nothing. In a netns of Internet: net.listen(Silent, address, port)."""

    def __init__(self, address, port):
        self.listener, self.kept = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET), []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                self.kept.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        stop(self.listener, self.thread)
        for s in self.kept:
            s.close()

# SPDX-License-Identifier: MIT
"""
A DNS of a test's own: NSD on loopback serves a root, `test` and the zones that the test names, signed with ldns-signzone where wished. A
resolver that forwards to it and trusts the root's key sees a small but honest Internet:

    with World() as world:
        world.zone("good.test", "@ MX 10 mx\\nmx A 192.0.2.1", signed=True)
        world.zone("plain.test", "@ A 192.0.2.2")
        world.start()
        settings = {"dns": world.settings()}

Whatever is under `test` is delegated from there: a signed zone with a DS record, any other without. A zone can be signed and wrong:
    tampered=("old", "new")   text of the signed zone is changed
    expired=True              the signatures are of last year
    stripped=True             the parent says that it is signed, and it is not
    dead=True                 no servers: NSD answers SERVFAIL
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from ports import free_port
from server import Skip

ALGORITHM = "ECDSAP256SHA256"
HEAD = "$ORIGIN %s\n$TTL 60\n@ SOA ns.test. hostmaster.test. %d 3600 600 86400 60\n@ NS ns.test.\n"


def tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Skip("%s is not installed" % name)
    return path


class Zone:
    def __init__(self, name, records, **options):
        self.name = name.rstrip(".") + "."
        self.records = records
        self.signed = self.tampered = self.expired = self.stripped = self.dead = None
        for key, value in options.items():
            if not hasattr(self, key):
                raise TypeError(key)
            setattr(self, key, value)
        self.key = None

    @property
    def has_key(self):
        return bool(self.signed or self.tampered or self.expired or self.stripped)


class World:
    def __init__(self, signed=True, address="127.0.0.1"):
        """signed: the root and `test` are; else the trust anchor is of a root that nobody serves."""
        self.address = address
        self.dir = tempfile.mkdtemp(prefix="martlet-dns-")
        self.port = free_port()
        self.process = None
        self.serial = 0x5eed0000
        self.zones = {}
        self.zone("test", "ns A " + address, signed=signed)
        self.root = Zone(".", "", signed=signed)
        self.anchor = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def zone(self, name, records, **options):
        zone = Zone(name, records, **options)
        self.zones[zone.name] = zone

    def settings(self, **more):
        """For the section [dns]."""
        return {"servers": "%s@%d" % (self.address, self.port), "trust_anchor_file": self.anchor, **more}

    # ---- files ----

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, *args):
        done = subprocess.run(args, cwd=self.dir, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s: %s%s" % (" ".join(args), done.stdout, done.stderr))
        return done.stdout.strip()

    def make_key(self, name):
        return self.run(tool("ldns-keygen"), "-a", ALGORITHM, "-k", name)

    def file_of(self, zone):
        return self.path("root.zone" if zone.name == "." else zone.name + "zone")

    def write(self, zone, text):
        path = self.file_of(zone)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        if zone.has_key and not zone.stripped:
            self.sign(zone, path)

    def sign(self, zone, path):
        dates = ["-i", "20200101", "-e", "20200201"] if zone.expired else []
        self.run(tool("ldns-signzone"), *dates, "-o", zone.name, "-f", path + ".signed", path, zone.key)
        os.replace(path + ".signed", path)
        if zone.tampered:
            old, new = zone.tampered
            with open(path, encoding="ascii") as f:
                text = f.read()
            if old not in text:
                raise RuntimeError("no %r in the signed zone:\n%s" % (old, text))
            with open(path, "w", encoding="ascii") as f:
                f.write(text.replace(old, new))

    def delegations(self, parent):
        """NS and DS records of the zones right below."""
        text = ""
        for zone in self.zones.values():
            above = zone.name.split(".", 1)[1] or "."
            if above != parent or zone.name == parent:
                continue
            text += "%s NS ns.test.\n" % zone.name
            if zone.has_key:
                with open(self.path(zone.key + ".ds"), encoding="ascii") as f:
                    text += f.read()
        return text

    def write_all(self):
        for zone in [*self.zones.values(), self.root]:
            if zone.has_key and not zone.key:
                zone.key = self.make_key(zone.name)
        for zone in [*self.zones.values(), self.root]:
            if not zone.dead:
                self.write(zone, HEAD % (zone.name, self.serial) + zone.records + "\n" + self.delegations(zone.name))
        if not self.anchor:
            self.anchor = self.path("anchor")
            shutil.copy(self.path((self.root.key or self.make_key(".")) + ".ds"), self.anchor)

    def write_settings(self):
        lines = ["server:", " ip-address: %s@%d" % (self.address, self.port), ' username: ""', ' chroot: ""', " server-count: 1", ' database: ""',
                 " zonesdir: %s" % self.dir, " pidfile: %s" % self.path("pid"), " xfrdfile: %s" % self.path("xfrd"),
                 " zonelistfile: %s" % self.path("zonelist"), " logfile: %s" % self.path("log"), " xfrdir: %s" % self.dir,
                 "remote-control:", " control-enable: no"]
        for zone in [*self.zones.values(), self.root]:
            lines += ["zone:", " name: %s" % zone.name, " zonefile: %s" % self.file_of(zone)]
        with open(self.path("nsd.conf"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")

    # ---- the server ----

    def start(self):
        """Again: with what was changed meanwhile."""
        self.end()
        self.write_all()
        self.write_settings()
        self.process = subprocess.Popen(       # pylint: disable=consider-using-with
            [tool("nsd"), "-d", "-c", self.path("nsd.conf")], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()

    def change(self, name, records, **options):
        """Another content for a zone; a resolver may remember the old one for a minute."""
        old = self.zones[name.rstrip(".") + "."]
        self.zone(name, records, **options)
        self.zones[old.name].key = old.key
        self.serial += 1
        self.write_all()
        self.process.send_signal(signal.SIGHUP)
        self.wait()

    def wait(self):
        """Until it answers for the root, as it was written last."""
        question = b"\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\x06\0\1"       # SOA, IN
        deadline = time.monotonic() + 60
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((self.address, self.port))
            s.settimeout(0.05)
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    break
                try:
                    s.send(question)
                    if struct.pack(">I", self.serial) in s.recv(4096):
                        return
                except OSError:
                    pass
                time.sleep(0.01)
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            raise RuntimeError("nsd does not answer:\n" + f.read())

    def end(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def stop(self):
        self.end()
        shutil.rmtree(self.dir, ignore_errors=True)

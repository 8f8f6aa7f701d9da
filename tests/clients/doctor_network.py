# SPDX-License-Identifier: MIT
"""
Somebody with a mail program, a whole Martlet at the other side, and networks in between: what `martlet check ADDRESS` says to set in each. The single faults are in
doctor.py.
"""

import json
import os
import time

from certs import self_signed
from doctorworld import Internet, Page

MAIL, MAIL_6, WEB, OFF = "203.0.113.20", "2001:db8:113::14", "203.0.113.80", "203.0.113.99"
XML = """<clientConfig version="1.1"><emailProvider id="good.test">
<incomingServer type="imap"><hostname>mail.good.test</hostname><port>993</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username></incomingServer>
<outgoingServer type="smtp"><hostname>mail.good.test</hostname><port>465</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""
ZONE = """
@ MX 10 mail
@ A {web}
autoconfig A {web}
mail A {mail}
mail AAAA {mail6}
_imaps._tcp SRV 0 1 993 mail
_submissions._tcp SRV 0 1 465 mail
_pop3s._tcp SRV 10 1 995 mail
""".format(web=WEB, mail=MAIL, mail6=MAIL_6)


class Home(Internet):
    """you@good.test, with a mail server and a web server."""

    def __init__(self, server, **options):
        super().__init__(**options)
        self.server, self.password = server, os.path.join(self.dir, "password")
        with open(self.password, "w", encoding="ascii") as f:
            f.write("demo\n")
        self.zone("good.test", ZONE, signed=True)
        self.files = self.trust(self_signed(server, "mail", "mail.good.test"))
        self.web_files = self.trust(self_signed(server, "web", "good.test", "autoconfig.good.test"))

    def open(self):
        self.start()
        self.web(WEB, self.web_files, {"autoconfig.good.test/mail/config-v1.1.xml": Page(XML)})
        return self.mail(self.server, "good.test", MAIL, self.files)

    def check(self, *options, what="you@good.test", seconds=10):
        begin = time.monotonic()
        done = self.command(self.server, "check", what, "--json", *options)
        assert time.monotonic() - begin < seconds + 15, "a run of %d s" % (time.monotonic() - begin)    # 15: a busy machine
        assert done.stderr == "", done
        return json.loads(done.stdout), done.returncode

    def settings(self, *options):
        """{"imap": (993, "SSL/TLS", is the login proven)}, and the exit status."""
        report, status = self.check("--password-file", self.password, *options)
        return {p: (s["port"], s["security"], s["is_login_proven"]) for p, s in report["settings"].items() if s["host"] == "mail.good.test"}, status, report


def causes(report, *ports):
    return {(a["port"], a["cause"]) for a in report["attempts"] if a["port"] in ports}


def test_networks(server):
    """At home all works as it is published; where ports are blocked the others are named; each with a login that was tried."""
    with Home(server) as net:
        net.open()
        settings, status, report = net.settings()
        assert (status, settings) == (0, {"imap": (993, "SSL/TLS", True), "pop3": (995, "SSL/TLS", True), "submission": (465, "SSL/TLS", True),
                                          "smtp": (25, "STARTTLS", False)}), (settings, report["headline"])
        assert report["works"] and "not" not in report["headline"], report["headline"]

        # One that blocks what users send at, and what servers do.
        net.drop(port=25)
        net.drop(port=465)
        settings, status, report = net.settings()
        assert status == 0 and settings["submission"] == (587, "STARTTLS", True) and settings["imap"] == (993, "SSL/TLS", True), (settings, status)
        assert causes(report, 465) == {(465, "port-blocked")}, causes(report, 465)
        assert "465" in report["settings"]["submission"]["instead"], report["settings"]

        # One that lets only old ports pass, and says so.
        net.drop(port=993)
        net.forbid(port=995)
        settings, status, report = net.settings()
        assert status == 0 and settings["imap"] == (143, "STARTTLS", True), (settings, status)
        assert causes(report, 993) == {(993, "port-blocked")} and causes(report, 995) <= {(995, "unreachable"), (995, "forbidden-here")}, causes(report, 993, 995)

        # One that lets no mail out at all, but web pages.
        net.drop(address=MAIL)
        net.drop(address=MAIL_6)
        report, status = net.check("--password-file", net.password)
        assert status == 20 and not report["works"] and report["settings"] == {}, (status, report["settings"])
        assert {a["cause"] for a in report["attempts"] if a["host"] == "mail.good.test" and a["port"] in (143, 587)} <= {
            "host-silent", "network-silent"}, causes(report, 143, 587)


def test_without_ipv6(server):
    """A host that has IPv4 only is told nothing of IPv6 but that."""
    with Home(server, ipv6=False) as net:
        net.open()
        settings, status, report = net.settings()
        assert status == 0 and settings["imap"] == (993, "SSL/TLS", True), (settings, status)
        assert {a["cause"] for a in report["attempts"] if a["address"] == MAIL_6} == {"no-ipv6"}, report["attempts"]
        assert "cause: this host has no IPv6" not in net.command(server, "check", "you@good.test").stdout


def test_a_black_hole(server):
    """Whatever is asked for, it ends in time."""
    with Home(server) as net:
        net.open()
        net.drop()
        for options, seconds in (((), 10), (("--password-file", net.password, "--timeout", "3"), 3)):
            report, status = net.check(*options, seconds=seconds)
            assert status == 20 and {a["cause"] for a in report["attempts"] if a["address"]} <= {"network-silent", "no-time"}, (status, causes(report, 993))


def test_wrong_password(server):
    """One session hears it, by SCRAM and, as the account might have no keys for that, by PLAIN; then nobody hears it any more."""
    with Home(server) as net:
        host = net.open()
        with open(net.password, "w", encoding="ascii") as f:
            f.write("omed\n")
        _, status, report = net.settings()
        assert status == 23 and report["login_stopped"], (status, report["headline"])
        refused = [x for x in host.log if "login-refused" in x]
        assert len({x.split(" sid=")[1].split(" ")[0] for x in refused}) == 1 and len(refused) <= 2, refused
        assert sum(a["login_tried"] for a in report["attempts"]) == 1, report["attempts"]

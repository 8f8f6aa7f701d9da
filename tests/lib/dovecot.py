# SPDX-License-Identifier: MIT
"""
Dovecot as Debian packages it (debian.py): fetched and unpacked below build/, not installed, in a mount and process namespace of its own, whose end is its own. IMAP and
POP3 with and without TLS, any user with the password "demo", Maildirs below mail/.
"""

import os
import socket
import tempfile
import time

from certs import self_signed
from debian import Apart, accounts, run, unpack
from ports import free_port
from server import Skip

PACKAGES = ["dovecot-core", "dovecot-imapd", "dovecot-pop3d"]
USERS = {"dovecot": 64102, "dovenull": 64103, "vmail": 64104}
PORTS = ("imap", "imaps", "pop3", "pop3s")

CONF = """base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
listen = 127.0.0.1
protocols = imap pop3
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
mail_location = maildir:{dir}/mail/%u
maildir_copy_with_hardlinks = no
passdb {{
  driver = static
  args = password=demo
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={dir}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""

FIRST = """set -e
mount -t overlay overlay -o lowerdir={peers}/usr:/usr /usr
mount -t overlay overlay -o lowerdir={dir}/etc:/etc /etc
chown vmail:vmail {dir}/mail
/usr/sbin/dovecot -F -c {dir}/dovecot.conf &
wait
"""


class Dovecot(Apart):
    """Until the end of a `with`."""

    def __init__(self, martlet):
        if os.getuid() != 0 or run("unshare", "--mount", "--pid", "--fork", "true").returncode != 0:
            raise Skip("a mount namespace needs root")
        self.process, self.name = None, "dovecot"
        peers = os.path.join(os.path.dirname(os.path.abspath(martlet)), "peers", "dovecot")
        try:
            unpack(PACKAGES, peers)
        except OSError as e:
            raise Skip(str(e)) from None
        self.dir = tempfile.mkdtemp(prefix="martlet-dovecot-")
        os.chmod(self.dir, 0o755)
        for sub in ("run", "state", "mail", "etc"):
            os.makedirs(os.path.join(self.dir, sub))
        self.ports = {x: free_port() for x in PORTS}
        fill = {"dir": self.dir, "peers": peers, **self.ports, **self_signed(self, "dovecot", "localhost")}
        self.certificate = fill["certificate"]
        for file, content in zip(("etc/passwd", "etc/group"), accounts(USERS)):
            self.write(file, content)
        self.write("dovecot.conf", CONF.format(**fill))
        self.write("first", FIRST.format(**fill))

    def port(self, name):
        return self.ports[name]

    def __enter__(self):
        self.begin()
        end = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port("imap")), 5) as s:
                    if s.recv(100):
                        return self
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                text = self.log()
                self.__exit__()
                raise AssertionError("dovecot does not start:\n%s" % text)
            time.sleep(0.1)

    def fill(self, user, messages):
        """Into an INBOX that nobody has opened yet: files with LF."""
        for sub in ("", "/new", "/cur", "/tmp"):
            os.makedirs(self.dir + "/mail/" + user + sub, exist_ok=True)
            os.chown(self.dir + "/mail/" + user + sub, USERS["vmail"], USERS["vmail"])
        for i, raw in enumerate(messages):
            path = "%s/mail/%s/new/1700000000.M%06d.x" % (self.dir, user, i)
            with open(path, "wb") as f:
                f.write(raw.replace(b"\r\n", b"\n"))
            os.chown(path, USERS["vmail"], USERS["vmail"])

    def left(self, user):
        return sum(len(os.listdir("%s/mail/%s/%s" % (self.dir, user, sub))) for sub in ("new", "cur"))

# SPDX-License-Identifier: MIT
"""
Postfix, Exim and OpenSMTPD as Debian packages them: fetched and unpacked below build/, not installed. They run in a mount and process namespace
of their own, where their files lie over /usr and /etc; its end is theirs. All take mail for NAME.test into files, and send mail
for example.test to one port.
"""

import glob
import os
import shutil
import smtplib
import tempfile
import time

from certs import self_signed
from debian import POSTFIX_MAIN, POSTFIX_MASTER, Apart, accounts, run, unpack
from ports import free_port
from server import Skip

PACKAGES = {"postfix": "postfix", "exim": "exim4-daemon-light", "opensmtpd": "opensmtpd"}
USERS = {"postfix": 64101, "Debian-exim": 64102, "box": 64104, "opensmtpd": 64105, "opensmtpq": 64106}
OWNER = {"postfix": "postfix", "exim": "Debian-exim", "opensmtpd": "root"}

POSTFIX = {"main.cf": POSTFIX_MAIN + """data_directory = {dir}/state
maillog_file = {dir}/log
myhostname = postfix.test
virtual_mailbox_domains = postfix.test
virtual_mailbox_maps = static:box/
virtual_mailbox_base = {dir}/mail
virtual_uid_maps = static:64104
virtual_gid_maps = static:64104
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
transport_maps = inline:{{example.test=smtp:[127.0.0.1]:{to}}}
smtp_tls_security_level = {tls}
minimal_backoff_time = 1s
queue_run_delay = 1s
""", "master.cf": POSTFIX_MASTER}

EXIM = {"exim4.conf": """primary_hostname = exim.test
spool_directory = {dir}/queue
log_file_path = {dir}/state/log-%s
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {smtp}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
smtputf8_advertise_hosts = *
allow_domain_literals
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
queue_run_max = 4
acl_smtp_rcpt = yes
acl_smtp_data = yes
never_users =
begin acl
yes:
 accept
begin routers
here:
 driver = accept
 domains = exim.test : @[]
 transport = box
elsewhere:
 driver = manualroute
 domains = example.test
 route_data = 127.0.0.1
 self = send
 transport = out
begin transports
box:
 driver = appendfile
 maildir_format
 directory = {dir}/mail/box
 create_directory
 user = box
 group = box
out:
 driver = smtp
 port = {to}
 allow_localhost
 hosts_require_tls = {hosts}
 hosts_avoid_tls = {avoid}
 tls_verify_hosts =
 tls_try_verify_hosts =
begin retry
* * F,1h,1s
"""}

# Without a certificate: this version's process for keys can sign nothing with OpenSSL 3 ("EVP lib"), so every handshake that it takes fails.
OPENSMTPD = {"smtpd.conf": """table everybody {{ "@" = "box" }}
listen on 127.0.0.1 port {port} hostname opensmtpd.test
action here maildir "{dir}/mail/box" virtual <everybody>
action out relay host "{scheme}://127.0.0.1:{to}" tls no-verify
match from any for domain opensmtpd.test action here
match from any for domain example.test action out
"""}
FILES = {"postfix": ("etc/postfix/", POSTFIX), "exim": ("etc/exim4/", EXIM), "opensmtpd": ("etc/", OPENSMTPD)}

# The first process of the namespace, whose death is that of all of them. It stays this shell: one that becomes another user loses the
# signal that it is to get when its parent dies.
FIRST = """set -e
mount -t overlay overlay -o lowerdir={peers}/usr:/usr /usr
mount -t overlay overlay -o lowerdir={dir}/etc:/etc /etc
chown {owner} {dir}/queue {dir}/state
chown box:box {dir}/mail
{before}
{command} &
wait
"""
# OpenSMTPD knows one place for its queue and its socket.
BEFORE = {"opensmtpd": """mount -t tmpfs tmpfs /var
mkdir -p /var/run /var/spool /var/mail /var/lib/opensmtpd/empty
mkdir -m 711 /var/spool/smtpd
"""}
COMMAND = {"postfix": "sh -c '/usr/sbin/postfix check && exec /usr/sbin/postfix start-fg'", "exim": "/usr/sbin/exim4 -bdf -q1s",
           "opensmtpd": "/usr/sbin/smtpd -d -f /etc/smtpd.conf"}


class RealPeer(Apart):
    """One of them. `to` is the port that mail for example.test goes to; `first`: lines for the beginning of its settings."""

    logs = (*Apart.logs, "state/log-main", "state/log-panic")

    def __init__(self, name, martlet, to, is_tls=True, first=""):
        if os.getuid() != 0 or run("unshare", "--mount", "--pid", "--fork", "true").returncode != 0:
            raise Skip("a mount namespace needs root")
        self.name, self.process = name, None
        self.peers = os.path.join(os.path.dirname(os.path.abspath(martlet)), "peers", name)
        try:
            unpack([PACKAGES[name]], self.peers)
        except OSError as e:
            raise Skip(str(e)) from None
        self.dir = tempfile.mkdtemp(prefix="martlet-peer-")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        for sub in ("queue", "state", "mail", "etc/exim4", "etc/postfix"):
            os.makedirs(os.path.join(self.dir, sub))
        fill = {"dir": self.dir, "peers": self.peers, "port": self.port, "smtp": self.port, "to": to, "tls": "encrypt" if is_tls else "none",
                "hosts": "*" if is_tls else "", "avoid": "" if is_tls else "*", "owner": OWNER[name],
                "scheme": "smtp+tls" if is_tls else "smtp+notls", "before": BEFORE.get(name, ""), "command": COMMAND[name], **self_signed(self, name, name + ".test")}
        os.chmod(fill["key"], 0o644)
        for file, content in zip(("passwd", "group"), accounts(USERS)):
            self.write("etc/" + file, content)
        if name == "postfix":
            shutil.copytree(self.peers + "/etc/postfix", self.dir + "/etc/postfix", dirs_exist_ok=True)
        place, files = FILES[name]
        for n, (file, text) in enumerate(files.items()):
            self.write(place + file, (first if n == 0 else "") + text.format(**fill))
        self.write("first", FIRST.format(**fill))

    def __enter__(self):
        self.begin()
        end = time.monotonic() + 60
        while True:
            try:
                self.smtp().quit()
                return self
            except (OSError, smtplib.SMTPException):
                if self.process.poll() is not None or time.monotonic() > end:
                    text = self.log()
                    self.__exit__()
                    raise AssertionError("%s does not start:\n%s" % (self.name, text)) from None
                time.sleep(0.1)

    def smtp(self):
        return smtplib.SMTP("127.0.0.1", self.port, "client.example", 60)

    def mails(self):
        """What arrived, with LF as such systems keep it."""
        out = []
        for path in glob.glob(self.dir + "/mail/box/new/*"):
            with open(path, "rb") as f:
                out.append(f.read())
        return out

    def wait(self, n, seconds=60):
        end = time.monotonic() + seconds
        while len(self.mails()) < n:
            assert time.monotonic() < end, "%d messages of %d at %s:\n%s" % (len(self.mails()), n, self.name, self.log())
            time.sleep(0.1)
        return self.mails()

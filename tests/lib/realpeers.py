# SPDX-License-Identifier: MIT
"""
Postfix and Exim as Debian packages them: fetched and unpacked below build/, not installed. They run in a mount and process namespace
of their own, where their files lie over /usr and /etc; its end is theirs. Both take mail for NAME.test into files, and send mail
for example.test to one port.
"""

import glob
import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time

from certs import self_signed
from debian import POSTFIX_MAIN, POSTFIX_MASTER, accounts, run, unpack
from dnsworld import free_port
from server import Skip

PACKAGES = {"postfix": "postfix", "exim": "exim4-daemon-light"}
USERS = {"postfix": 64101, "Debian-exim": 64102, "box": 64104}
OWNER = {"postfix": "postfix", "exim": "Debian-exim"}

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
 tls_verify_hosts =
 tls_try_verify_hosts =
begin retry
* * F,1h,1s
"""}

# The first process of the namespace, whose death is that of all of them. It stays this shell: one that becomes another user loses the
# signal that it is to get when its parent dies.
FIRST = """set -e
mount -t overlay overlay -o lowerdir={peers}/usr:/usr /usr
mount -t overlay overlay -o lowerdir={dir}/etc:/etc /etc
chown {owner} {dir}/queue {dir}/state
chown box:box {dir}/mail
{command} &
wait
"""
COMMAND = {"postfix": "sh -c '/usr/sbin/postfix check && exec /usr/sbin/postfix start-fg'", "exim": "/usr/sbin/exim4 -bdf -q1s"}


class RealPeer:
    """One of them. `to` is the port that mail for example.test goes to."""

    def __init__(self, name, martlet, to, is_tls=True):
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
        fill = {"dir": self.dir, "peers": self.peers, "smtp": self.port, "to": to, "tls": "encrypt" if is_tls else "none",
                "hosts": "*" if is_tls else "", "owner": OWNER[name], "command": COMMAND[name], **self_signed(self, name, name + ".test")}
        os.chmod(fill["key"], 0o644)
        for file, content in zip(("passwd", "group"), accounts(USERS)):
            self.write("etc/" + file, content)
        if name == "postfix":
            shutil.copytree(self.peers + "/etc/postfix", self.dir + "/etc/postfix", dirs_exist_ok=True)
        for file, text in (POSTFIX if name == "postfix" else EXIM).items():
            self.write("etc/%s/%s" % ("postfix" if name == "postfix" else "exim4", file), text.format(**fill))
        self.write("first", FIRST.format(**fill))

    def write(self, path, text):
        with open(os.path.join(self.dir, path), "w", encoding="utf-8") as f:
            f.write(text)

    def __enter__(self):
        with open(self.dir + "/output", "w", encoding="ascii") as out:
            self.process = subprocess.Popen(        # pylint: disable=consider-using-with
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", self.dir + "/first"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
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

    def __exit__(self, *_):
        if self.process.poll() is None:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as f:
                for pid in f.read().split():
                    os.kill(int(pid), signal.SIGKILL)
        self.process.wait(30)       # it ends with its child
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        text = ""
        for path in ("output", "log", "state/log-main", "state/log-panic"):
            try:
                with open(os.path.join(self.dir, path), encoding="utf-8", errors="replace") as f:
                    text += f.read()
            except OSError:
                pass
        return text[-6000:]

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

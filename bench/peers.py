# SPDX-License-Identifier: MIT
"""Postfix and Dovecot: the packages of Debian, fetched and unpacked (not installed), run in a mount
and process namespace of their own. There, and only there, their files lie over /usr and /etc/passwd
has their users. The host's packages, users, services and mail settings are neither changed nor used;
the end of the namespace's first process is the end of all of them. If the script itself is killed, so
are they.
"""
import os, shutil, signal, subprocess, sys, time

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "lib"))

from debian import POSTFIX_MAIN, POSTFIX_MASTER, accounts, unpack
from servers import DOMAIN, PASSWORD, SINK_DOMAIN, Server, certificate, processes, write

PACKAGES = ["postfix", "dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"]

MAIN_CF = POSTFIX_MAIN + """data_directory = {dir}/postfix-data
meta_directory = {dir}/postfix
maillog_file = {dir}/postfix.log
myhostname = bench.example.test
virtual_mailbox_domains = example.test
virtual_mailbox_maps = texthash:{dir}/boxes
virtual_transport = lmtp:unix:{dir}/lmtp
smtpd_peername_lookup = no
smtpd_tls_security_level = none
default_process_limit = 200
transport_maps = texthash:{dir}/transport
smtp_tls_security_level = none
"""

DOVECOT_CONF = """base_dir = {base}
state_dir = {base}-state
log_path = {dir}/dovecot.log
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{dir}/mail/%u
mail_fsync = optimized
mail_max_userip_connections = 0
default_process_limit = 1000
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {dir}/sdbox-users
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={dir}/mail/%u
}}
{services}"""

# A process for many sessions one after the other, and login processes for many at once.
TUNED = """protocols = imap pop3 lmtp
service imap-login {
  service_count = 0
  process_min_avail = 2
  client_limit = 1000
  process_limit = 10
  inet_listener imap {
    port = %(imap)s
  }
  inet_listener imaps {
    port = %(imaps)s
    ssl = yes
  }
}
service pop3-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 10
  inet_listener pop3 {
    port = %(pop3)s
  }
  inet_listener pop3s {
    port = 0
  }
}
service imap {
  service_count = 256
  process_min_avail = 4
  idle_kill = 4s
  unix_listener imap-master {
    user = dovecot
  }
  extra_groups = dovecot
}
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0660
    group = dovecot
  }
}
protocol imap {
  imap_hibernate_timeout = 2s
}
service pop3 {
  service_count = 256
  process_min_avail = 4
}
service lmtp {
  process_min_avail = 4
  unix_listener %(dir)s/lmtp {
    mode = 0600
    user = postfix
  }
}
"""

# As it is packaged: a process for each session, and one for each login.
PACKAGED = """protocols = imap
service imap-login {
  inet_listener imap {
    port = %(imap_packaged)s
  }
  inet_listener imaps {
    port = %(imaps_packaged)s
    ssl = yes
  }
}
"""

# The first process of the namespace: lays the files over, starts both, ends with them.
FIRST = r"""set -e
mount -t overlay overlay -o lowerdir={peers}/usr:/usr /usr
mount --bind {dir}/passwd /etc/passwd
mount --bind {dir}/group /etc/group
chown vmail:vmail {dir}/mail {dir}/sdbox
chown postfix {dir}/postfix-data
/usr/sbin/postfix -c {dir}/postfix check
/usr/sbin/dovecot -F -c {dir}/dovecot.conf &
dovecot=$!
/usr/sbin/dovecot -F -c {dir}/packaged.conf &
packaged=$!
/usr/sbin/postfix -c {dir}/postfix start-fg &
postfix=$!
trap 'kill $dovecot $packaged $postfix; wait; exit 0' TERM
wait
"""
USERS = {"postfix": 64101, "dovecot": 64102, "dovenull": 64103, "vmail": 64104}


def fetch(to):
    """The packages of Debian, unpacked below `to`, once."""
    try:
        unpack(PACKAGES, to, may_update=True)
    except OSError as e:
        raise SystemExit(f"bench: {e}")


def message(number, size):
    """As the load program makes them."""
    line = "The quick brown fox jumps over the lazy dog and carries the mail home. \n"
    head = (f"From: Load <load@bench.test>\nTo: you@example.test\nSubject: Message {number}\n"
            f"Date: Mon, 05 Jan 2026 10:00:00 +0000\nMessage-ID: <{number}@bench.test>\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=us-ascii\n\n")
    return head + line * ((size - len(head)) // (len(line) + 1))


class Peers(Server):
    name, death = "postfix+dovecot", "KILL"
    protocols = (*Server.protocols, "imap_packaged", "imaps_packaged")
    imap_columns = (("dovecot tuned", ""), ("as packaged", "_packaged"))
    logged_in = 500             # each is a process
    in_idle = 25                # more of them than inotify instances for one user, and they do not hibernate

    def __init__(self, dir, users, sink, sdboxes, peers):
        super().__init__(dir, users)
        self.peers, self.files = peers, 0
        shutil.copytree(f"{peers}/etc/postfix", f"{dir}/postfix")
        for sub in ("queue", "postfix-data", "mail", "sdbox", "dovecot", "dovecot-state", "packaged", "packaged-state"):
            os.mkdir(f"{dir}/{sub}")
        fill = dict(self.ports, dir=dir, password=PASSWORD, peers=peers)
        write(f"{dir}/postfix/main.cf", MAIN_CF.format(**fill))
        write(f"{dir}/postfix/master.cf", POSTFIX_MASTER.format(**fill))
        write(f"{dir}/transport", f"{SINK_DOMAIN} smtp:[127.0.0.1]:{sink.ports['smtp']}\n")
        write(f"{dir}/boxes", "".join(f"u{i}@{DOMAIN} here\n" for i in range(users)))
        for base, services in (("dovecot", TUNED), ("packaged", PACKAGED)):
            write(f"{dir}/{base}.conf", DOVECOT_CONF.format(base=f"{dir}/{base}", services=services % fill, **fill))
        write(f"{dir}/sdbox-users", "".join(
            f"u{n}@{DOMAIN}::{USERS['vmail']}:{USERS['vmail']}::{dir}/mail/%u::userdb_mail=sdbox:{dir}/sdbox/%u\n"
            for n in sdboxes))
        write(f"{dir}/first", FIRST.format(**fill))
        for file, text in zip(("passwd", "group"), accounts(USERS)):
            write(f"{dir}/{file}", text)
        certificate(dir)

    def launch(self):
        self.spawn("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", f"{self.dir}/first")

    start = launch

    def first(self):
        """The first process of the namespace."""
        return [p for p, (parent, _) in processes().items() if parent == self.process.pid][0]

    def end(self):
        """The first process ends both in order; to end `unshare` would kill them at once."""
        try:
            os.kill(self.first(), signal.SIGTERM)
        except IndexError:
            self.process.kill()

    def wait_delivered(self, seconds=120):
        """Until Postfix's queue is empty; a look at a few directories costs little beside the work."""
        end = time.monotonic() + seconds
        while any(files for sub in ("incoming", "active", "deferred", "maildrop")
                  for _, _, files in os.walk(f"{self.dir}/queue/{sub}")):
            if time.monotonic() > end:
                raise SystemExit(f"{self.name}: the queue is not empty after {seconds} s; see {self.dir}")
            time.sleep(0.02)

    def write_maildir(self, user, texts):
        """Writes the files of a Maildir itself: by way of LMTP it would take long and show nothing new. The names
        carry the sizes, as those of LMTP do."""
        owner, box = USERS["vmail"], f"{self.dir}/mail/u{user}@{DOMAIN}"
        for sub in ("", "/new", "/cur", "/tmp"):
            os.makedirs(box + sub, exist_ok=True)
            os.chown(box + sub, owner, owner)
        for text in texts:
            self.files += 1
            sizes = f"S={len(text)},W={len(text) + text.count(chr(10))}"
            path = f"{box}/new/{1700000000 + self.files}.M1P1.bench,{sizes}"
            write(path, text)
            os.chown(path, owner, owner)

    def to_sdbox(self, user, sdbox):
        subprocess.run(["nsenter", "--target", str(self.first()), "--mount", "--pid", "doveadm", "-c",
                        f"{self.dir}/dovecot.conf", "-o", "mail_fsync=never", "import", "-u", f"u{sdbox}@{DOMAIN}",
                        f"maildir:{self.dir}/mail/u{user}@{DOMAIN}", "", "ALL"], check=True)
        return [("Maildir", user), ("sdbox", sdbox)]

    def box(self, user, sdbox, texts):
        """A Maildir with these messages, and an sdbox, Dovecot's own format."""
        self.write_maildir(user, texts)
        return self.to_sdbox(user, sdbox)

    def fill(self, _, users, messages, size):
        for user in users:
            self.write_maildir(user, (message(i, size) for i in range(messages)))

    def big(self, load, user, sdbox, messages, size):
        """A Maildir, and the same messages as an sdbox."""
        self.fill(load, [user], messages, size)
        return self.to_sdbox(user, sdbox)

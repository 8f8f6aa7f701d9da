# SPDX-License-Identifier: MIT
"""The two systems under load, each below one temporary directory, on loopback, ended by pid.

Martlet is started as `serve` with a settings file. Postfix and Dovecot are the packages of
Debian, fetched and unpacked (not installed) and run in a mount and process namespace of their
own: there, and only there, their files lie over /usr and /etc/passwd has their users. The host's
packages, users, services and mail settings are neither changed nor used; the end of the
namespace's first process is the end of all of them. If the script itself is killed, so are they.

Both write each message to the disk before they say 250: Postfix syncs its queue file, Dovecot
syncs what LMTP delivers (mail_fsync = optimized), Martlet syncs its pack and its database.
"""
import glob, os, shutil, signal, socket, subprocess, time

PACKAGES = ["postfix", "dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd",
            "libexttextcat-2.0-0", "libexttextcat-data", "libwrap0"]
DOMAIN, PASSWORD = "example.test", "demo"
TICKS = os.sysconf("SC_CLK_TCK")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def certificate(dir):
    """One self-made certificate for both, so that handshakes cost the same."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", f"{dir}/key.pem",
                    "-out", f"{dir}/cert.pem"], check=True, capture_output=True)


def children():
    """pid -> (parent, CPU ticks of it and of its ended children), for all processes."""
    all = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as f:
                pid, rest = f.read().split(" (", 1)
        except OSError:
            continue
        word = rest.rsplit(") ", 1)[1].split()
        all[int(pid)] = int(word[1]), sum(map(int, word[11:15]))
    return all


class Server:
    """What both have: ports, one process tree, measures of it."""

    def __init__(self, dir, base, users):
        self.dir, self.users, self.process = dir, users, None
        self.ports = {name: base + i for i, name in enumerate(("smtp", "imap", "imaps", "pop3"))}
        os.mkdir(dir)
        os.chmod(dir, 0o755)

    def wait_ready(self, seconds=20):
        end = time.monotonic() + seconds
        for port in self.ports.values():
            while True:
                try:
                    with socket.create_connection(("127.0.0.1", port), 5) as s:
                        if port == self.ports["imaps"] or s.recv(10):
                            break
                except OSError:
                    pass
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit(f"{self.name} does not answer on port {port}; see {self.dir}")
                time.sleep(0.1)

    def restart(self):
        self.stop()
        self.launch()

    def pids(self):
        all, mine = children(), [self.process.pid]
        for pid in mine:
            mine += [p for p, (parent, _) in all.items() if parent == pid]
        return mine

    def cpu_ms(self):
        all = children()
        return sum(all[p][1] for p in self.pids() if p in all) * 1000 / TICKS

    def pss_kb(self):
        sum_kb = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    sum_kb += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
            except OSError:
                pass
        return sum_kb

    def end(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.end()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Martlet(Server):
    name = "martlet"
    final = True                # 250 means that the message is in its mailbox
    idle_connections = 5000

    def __init__(self, dir, base, users, binary):
        super().__init__(dir, base, users)
        self.binary, self.conf = binary, f"{dir}/martlet.conf"
        text = (f"[server]\nhostname = localhost\ndata_dir = {dir}/data\nstop_grace = 1s\n"
                f"[tls]\ncertificate = {dir}/cert.pem\nkey = {dir}/key.pem\n"
                "[auth]\nplaintext_on_loopback = yes\n")
        for name, port in self.ports.items():
            protocol = name.rstrip("s") if name == "imaps" else name
            tls = "implicit" if name == "imaps" else "starttls"
            text += (f'[listener "{name}"]\nprotocol = {protocol}\naddress = 127.0.0.1\n'
                     f"port = {port}\ntls = {tls}\n")
        certificate(dir)
        write(self.conf, text)
        os.mkdir(f"{dir}/data", 0o700)

    def admin(self, *words):
        subprocess.run([self.binary, *words, "--config", self.conf], check=True,
                       input=PASSWORD + "\n", text=True, stdout=subprocess.DEVNULL)

    def launch(self):
        with open(f"{self.dir}/log", "a") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", self.binary, "serve",
                                             "--config", self.conf], stdout=log, stderr=log)
        self.wait_ready()

    def start(self):
        self.launch()
        self.admin("domain", "add", DOMAIN)
        for i in range(self.users):
            self.admin("account", "add", f"u{i}@{DOMAIN}")

    def delivered(self):
        """Messages in all mailboxes, asked for over IMAP."""
        import imaplib
        n = 0
        for i in range(self.users):
            c = imaplib.IMAP4("127.0.0.1", self.ports["imap"])
            c.login(f"u{i}@{DOMAIN}", PASSWORD)
            n += int(c.status("INBOX", "(MESSAGES)")[1][0].split()[-1].rstrip(b")"))
            c.logout()
        return n

    def fill(self, deliver, messages):
        deliver()


MAIN_CF = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/postfix-data
meta_directory = {dir}/postfix
maillog_file = {dir}/postfix.log
maillog_file_prefixes = {dir}
myhostname = bench.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.test
virtual_transport = lmtp:unix:{dir}/lmtp
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
default_process_limit = 200
in_flow_delay = 0
"""

MASTER_CF = """127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOVECOT_CONF = """base_dir = {dir}/dovecot
state_dir = {dir}/dovecot-state
log_path = {dir}/dovecot.log
protocols = imap pop3 lmtp
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
  driver = static
  args = uid=vmail gid=vmail home={dir}/mail/%u
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 1000
  process_limit = 10
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  process_limit = 10
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener {dir}/lmtp {{
    mode = 0600
    user = postfix
  }}
}}
"""

# The first process of the namespace: lays the files over, starts both, ends with them.
FIRST = r"""set -e
mount -t overlay overlay -o lowerdir={peers}/usr:/usr /usr
mount --bind {dir}/passwd /etc/passwd
mount --bind {dir}/group /etc/group
chown vmail:vmail {dir}/mail
chown postfix {dir}/postfix-data
/usr/sbin/postfix -c {dir}/postfix check
/usr/sbin/dovecot -F -c {dir}/dovecot.conf &
dovecot=$!
/usr/sbin/postfix -c {dir}/postfix start-fg &
postfix=$!
trap 'kill $dovecot $postfix; wait; exit 0' TERM
wait
"""
USERS = {"postfix": 64101, "dovecot": 64102, "dovenull": 64103, "vmail": 64104}


def fetch(to):
    """The packages of Debian, unpacked below `to`, once."""
    if os.path.exists(f"{to}/usr/sbin/dovecot") and os.path.exists(f"{to}/usr/sbin/postfix"):
        return
    shutil.rmtree(to, ignore_errors=True)
    os.makedirs(f"{to}/deb")
    for update in (False, True):
        if update:
            subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        if subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=f"{to}/deb",
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            break
    for deb in glob.glob(f"{to}/deb/*.deb"):
        subprocess.run(["dpkg", "-x", deb, to], check=True)


class Peers(Server):
    name = "postfix+dovecot"
    final = False
    idle_connections = 200      # each is a process

    def __init__(self, dir, base, users, peers):
        super().__init__(dir, base, users)
        self.peers = peers
        shutil.copytree(f"{peers}/etc/postfix", f"{dir}/postfix")
        for sub in ("queue", "postfix-data", "mail", "dovecot", "dovecot-state"):
            os.mkdir(f"{dir}/{sub}")
        fill = dict(self.ports, dir=dir, password=PASSWORD, peers=peers)
        write(f"{dir}/postfix/main.cf", MAIN_CF.format(**fill))
        write(f"{dir}/postfix/master.cf", MASTER_CF.format(**fill))
        write(f"{dir}/dovecot.conf", DOVECOT_CONF.format(**fill))
        write(f"{dir}/first", FIRST.format(**fill))
        passwd, group = open("/etc/passwd").read(), open("/etc/group").read()
        for name, id in USERS.items():
            passwd += f"{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin\n"
            group += f"{name}:x:{id}:\n"
        write(f"{dir}/passwd", passwd)
        write(f"{dir}/group", group + "postdrop:x:64110:\n")
        certificate(dir)

    def launch(self):
        with open(f"{self.dir}/log", "a") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid",
                                             "--fork", "--kill-child", "--mount-proc", "sh", f"{self.dir}/first"],
                                            stdout=log, stderr=log)
        self.wait_ready()

    start = launch

    def end(self):
        """The first process ends both in order; to end `unshare` would kill them at once."""
        first = [p for p, (parent, _) in children().items() if parent == self.process.pid]
        os.kill(first[0] if first else self.process.pid, signal.SIGTERM)

    def delivered(self):
        return sum(sum(1 for _ in os.scandir(d)) for d in glob.glob(f"{self.dir}/mail/*/new")
                   + glob.glob(f"{self.dir}/mail/*/cur"))

    def fill(self, deliver, messages):
        """Writes the files itself: by way of LMTP it would take long and show nothing new."""
        box = f"{self.dir}/mail/u{self.users - 1}@{DOMAIN}"
        for sub in ("", "/new", "/cur", "/tmp"):
            os.makedirs(box + sub, exist_ok=True)
            os.chown(box + sub, USERS["vmail"], USERS["vmail"])
        for i in range(messages):
            path = f"{box}/new/{1700000000 + i}.M{i}P1.bench"
            write(path, f"From: Load <load@bench.test>\nSubject: Message {i}\n"
                  f"Message-ID: <{i}@bench.test>\n\n" + "The quick brown fox jumps over the lazy dog.\n" * 20)
            os.chown(path, USERS["vmail"], USERS["vmail"])

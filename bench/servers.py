# SPDX-License-Identifier: MIT
"""The servers under load, each below one temporary directory, on loopback, ended by pid: what all have
(Server), Martlet as `serve` with a settings file, and the bare server of the load program. Postfix and
Dovecot are in peers.py.
"""
import glob, imaplib, os, random, signal, socket, subprocess, sys, time

DOMAIN, SINK_DOMAIN, PASSWORD = "example.test", "sink.test", "demo"
TICKS = os.sysconf("SC_CLK_TCK")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def certificate(dir):
    """One self-made certificate for both, so that handshakes cost the same."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", f"{dir}/key.pem",
                    "-out", f"{dir}/cert.pem"], check=True, capture_output=True)


def processes():
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


def hold_ports(n):
    """So many sockets on ports in a row, below those that outgoing connections get. They are bound, so that
    nobody else takes the ports while a server is started again, and let servers, who all set SO_REUSEADDR, share.
    """
    for _ in range(100):
        base, held = random.randrange(20000, 32000), []
        try:
            for port in range(base, base + n):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
                held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return held
        except OSError:
            for s in held:
                s.close()
    raise SystemExit("bench: no free ports")


class Server:
    """What all have: ports, one process tree, measures of it."""
    protocols = ("smtp", "imap", "imaps", "pop3")
    imap_columns = (("martlet", ""),)   # of the table, and the port: what follows "imap"

    def __init__(self, dir, users):
        self.dir, self.users, self.process = dir, users, None
        self.held = hold_ports(len(self.protocols))
        self.ports = {name: s.getsockname()[1] for name, s in zip(self.protocols, self.held)}
        os.mkdir(dir)
        os.chmod(dir, 0o755)

    def spawn(self, *words):
        """Starts it so that it dies with us."""
        with open(f"{self.dir}/log", "a") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", self.death, *words], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        self.wait_ready()

    def wait_ready(self, seconds=20):
        end = time.monotonic() + seconds
        for name, port in self.ports.items():
            while True:
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(f"{self.dir}/log") as log:
                        print(*log.readlines()[-10:], sep="", end="", file=sys.stderr)
                    raise SystemExit(f"bench: {self.name} does not answer on port {port}; above is the end of its log")
                try:
                    with socket.create_connection(("127.0.0.1", port), 5) as s:
                        if name.startswith("imaps") or s.recv(10):
                            break
                except OSError:
                    pass
                time.sleep(0.1)

    def restart(self):
        self.stop()
        self.launch()

    def pids(self):
        all, mine = processes(), [self.process.pid]
        for pid in mine:
            mine += [p for p, (parent, _) in all.items() if parent == pid]
        return mine

    def cpu_ms(self):
        all = processes()
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

    def count(self, users):
        """Messages in the INBOX of each, asked for over IMAP."""
        n = 0
        for i in users:
            c = imaplib.IMAP4("127.0.0.1", self.ports["imap"])
            c.login(f"u{i}@{DOMAIN}", PASSWORD)
            n += int(c.status("INBOX", "(MESSAGES)")[1][0].split()[-1].rstrip(b")"))
            c.logout()
        return n


class Martlet(Server):
    name, death = "martlet", "TERM"
    logged_in = in_idle = 5000  # connections that are held to measure their memory

    def __init__(self, dir, users, sink, binary):
        super().__init__(dir, users)
        self.binary, self.conf = binary, f"{dir}/martlet.conf"
        text = (f"[server]\nhostname = localhost\ndata_dir = {dir}/data\nstop_grace = 1s\n"
                f"[tls]\ncertificate = {dir}/cert.pem\nkey = {dir}/key.pem\n"
                f"[smtp]\nrelay_networks = 127.0.0.0/8\n[queue]\nallow_private_addresses = yes\n"
                f'[route "sink"]\ndomains = {SINK_DOMAIN}\nhost = 127.0.0.1\nport = {sink.ports["smtp"]}\ntls = none\n'
                "[auth]\nplaintext_on_loopback = yes\nmax_connections_per_account = 100000\n")
        for name, port in self.ports.items():
            protocol, tls = ("imap", "implicit") if name == "imaps" else (name, "starttls")
            text += (f'[listener "{name}"]\nprotocol = {protocol}\naddress = 127.0.0.1\n'
                     f"port = {port}\ntls = {tls}\n")
        certificate(dir)
        write(self.conf, text)
        os.mkdir(f"{dir}/data", 0o700)

    def admin(self, *words):
        subprocess.run([self.binary, *words, "--config", self.conf], check=True,
                       input=PASSWORD + "\n", text=True, stdout=subprocess.DEVNULL)

    def launch(self):
        self.spawn(self.binary, "serve", "--config", self.conf)

    def start(self):
        self.launch()
        self.admin("domain", "add", DOMAIN)
        for i in range(self.users):
            self.admin("account", "add", f"u{i}@{DOMAIN}")

    def wait_delivered(self):
        """250 means that it is in its mailbox."""

    def fill(self, load, users, messages, size):
        """So many messages for each of them."""
        load("smtp", self.ports["smtp"], count=messages * len(users), size=size, per_connection=50, first=users[0],
             users=len(users))

    def big(self, load, user, _, messages, size):
        """(column of the table, account) of each kind of large mailbox."""
        self.fill(load, [user], messages, size)
        return [(self.name, user)]


class Bare(Server):
    """The bare server of the load program: "the limit behind SMTP"."""
    name, death, protocols = "bare", "TERM", ("smtp",)

    def __init__(self, dir, program):
        super().__init__(dir, 0)
        self.program = program

    def launch(self):
        self.spawn(self.program, "bare", "--port", str(self.ports["smtp"]), "--dir", self.dir)

    start = launch


class Sink(Server):
    """Where relayed mail goes to."""
    name, death, protocols = "sink", "TERM", ("smtp",)

    def __init__(self, dir, program):
        super().__init__(dir, 0)
        self.program = program

    def launch(self):
        self.spawn(self.program, "sink", "--port", str(self.ports["smtp"]))

    start = launch

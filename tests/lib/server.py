# SPDX-License-Identifier: MIT
"""One real Martlet server for a test: own directory, free ports, ended by its process id."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from ports import PORTS, free_offset, give_back

START_SECONDS = 60      # instrumented builds on a busy machine are slow


class Skip(Exception):
    """A test that cannot run here, with the reason."""


class Server:
    """
    A demo server. `settings` are lines added to its settings file: {"section": {"key": "value"}}. `env` is added to the
    environment of the server and of commands.
    """

    def __init__(self, martlet, settings=None, env=None):
        self.martlet = os.path.abspath(martlet)
        self.offset, self.has_ports = free_offset(), True
        self.dir = tempfile.mkdtemp(prefix="martlet-test-")
        self.settings = settings or {}
        self.env = {**os.environ, **(env or {})}
        self.process = self.reader = None
        self.log = []
        self.log_lock = threading.Condition()

    def port(self, name):
        return PORTS[name] + self.offset

    @property
    def config(self):
        return os.path.join(self.dir, "martlet.conf")

    def write_settings(self):
        sections = {"server": {"hostname": "localhost", "data_dir": self.dir + "/data", "test_verbs": "yes",
                               "log_level": "info", "stop_grace": "3s"},
                    "queue": {"send": "no"},        # no test meets the Internet; those of sending say yes
                    "auth": {"plaintext_on_loopback": "yes", "failure_delay": "50ms"}}
        tls = {"submissions": "implicit", "imaps": "implicit", "pop3s": "implicit", "lmtp": "none"}
        protocol = {"submissions": "submission", "imaps": "imap", "pop3s": "pop3"}
        for name, port in PORTS.items():
            sections['listener "%s"' % name] = {"protocol": protocol.get(name, name), "address": "127.0.0.1",
                                                "port": str(port + self.offset), "tls": tls.get(name, "starttls")}
        for section, keys in self.settings.items():
            sections.setdefault(section, {}).update(keys)
        with open(self.config, "w", encoding="utf-8") as f:
            for section, keys in sections.items():
                f.write("[%s]\n" % section)
                for key, value in keys.items():
                    f.write("%s = %s\n" % (key, value))
                f.write("\n")

    def command(self, *args, text=""):
        """Runs a martlet command; gives back its CompletedProcess."""
        return subprocess.run([self.martlet, *args], input=text, capture_output=True, text=True, timeout=180, check=False,
                              env=self.env)

    def cli(self, *args, input=""):
        """A command against this server's settings that must succeed."""
        r = self.command(*args, "--config", self.config, text=input)
        if r.returncode != 0:
            raise AssertionError("martlet %s: status %d: %s %s" % (" ".join(args), r.returncode, r.stderr.strip(), r.stdout[-2000:]))
        return r

    def make_accounts(self):
        self.cli("domain", "add", "example.test")
        for name in ("alice", "bob"):
            self.cli("account", "add", name + "@example.test", input="demo\n")

    def start(self):
        fresh = not os.path.exists(self.dir + "/data")
        self.write_settings()
        if fresh:
            self.make_accounts()
        mark = len(self.log)
        self.process = subprocess.Popen([self.martlet, "serve", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.env)
        self.reader = threading.Thread(target=self.read_log, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        self.wait_log("server.start", {}, START_SECONDS, mark)
        return self

    def read_log(self, pipe):
        for line in pipe:
            with self.log_lock:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.log_lock.notify_all()
        pipe.close()

    def wait_log(self, event, fields, seconds=30, mark=0):
        """The first log line from number `mark` on with that event and those fields."""
        end = time.monotonic() + seconds
        with self.log_lock:
            while True:
                for line in self.log[mark:]:
                    words = line.split(" ")
                    if event in words[:4] and all("%s=%s" % kv in words for kv in fields.items()):
                        return line
                if self.process and self.process.poll() is not None and not self.reader.is_alive():
                    raise AssertionError("the server ended with status %s:\n%s"
                                         % (self.process.returncode, "\n".join(self.log[-20:])))
                if not self.log_lock.wait(min(0.2, end - time.monotonic())) and time.monotonic() > end:
                    raise AssertionError("no log line %s %s in %g s" % (event, fields, seconds))

    def wait_lines(self, event, n, fields=None, seconds=30):
        """All log lines with that event and those fields, when there are n of them: what they tell of may be seen elsewhere a moment before."""
        end = time.monotonic() + seconds
        while True:
            with self.log_lock:
                found = [x for x in self.log if event in x.split(" ")[:4] and all("%s=%s" % kv in x.split(" ") for kv in (fields or {}).items())]
                if len(found) >= n:
                    return found
                if not self.log_lock.wait(max(0, end - time.monotonic())):
                    raise AssertionError("%d log lines %s %s in %g s, not %d" % (len(found), event, fields or "", seconds, n))

    def server_pid(self):
        """The server process, by its own word in the log; the supervisor may have another child, the asker."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as f:
            children = f.read().split()
        if len(children) == 1:
            return int(children[0])
        with self.log_lock:
            started = [x.split(" pid=")[1].split()[0] for x in self.log if " server.start pid=" in x]
        return int([x for x in started if x in children][-1])

    def control(self, verb, **args):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(120)
            s.connect(self.dir + "/data/control.sock")
            s.sendall(json.dumps({"verb": verb, "args": args}).encode() + b"\n")
            answer = json.loads(s.makefile("rb").readline())
        if not answer["ok"]:
            raise AssertionError("%s: %s" % (verb, answer))
        return answer["result"]

    def reload(self, **settings):
        """SIGHUP with these settings in place of those before; gives the length of the log until then."""
        mark = len(self.log)
        self.settings = settings
        self.write_settings()
        self.process.send_signal(signal.SIGHUP)
        return mark

    def wait_heard(self):
        """Until the supervisor has heard the signals that it was sent, has done what it does for them at once, and waits for others."""
        end, n_quiet = time.monotonic() + 30, 0
        while n_quiet < 3:
            with open("/proc/%d/status" % self.process.pid, encoding="ascii", errors="replace") as f:
                status = dict(x.rstrip("\n").split(":\t", 1) for x in f if ":\t" in x)
            is_quiet = int(status["ShdPnd"], 16) == int(status["SigPnd"], 16) == 0 and status["State"].startswith("S")
            n_quiet = n_quiet + 1 if is_quiet else 0
            if time.monotonic() > end:
                raise AssertionError("the supervisor does not come to rest: %s" % status)
            time.sleep(0.02)

    def crash(self):
        """kill -9 of the server process; the supervisor brings it back."""
        mark = len(self.log)
        os.kill(self.server_pid(), signal.SIGKILL)
        self.wait_log("server.start", {}, START_SECONDS, mark)

    def stop(self):
        """SIGTERM; the exit status must be 0, and no sanitizer may have spoken."""
        if not self.process:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.terminate()
        try:
            status = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the server did not stop in 60 s") from None
        with self.log_lock:
            bad = [x for x in self.log if "ERROR: " in x or "runtime error" in x or "WARNING: ThreadSanitizer" in x]
        if bad or status != 0:
            raise AssertionError("server status %s\n%s" % (status, "\n".join(self.log[-60:])))

    def remove(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)
            if self.has_ports:
                give_back(self.offset)
            self.has_ports = False

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.remove()

# SPDX-License-Identifier: MIT
"""
Other mail systems as Debian packages them: fetched and unpacked, not installed, to run in a mount and process namespace of their own. What
their settings have in common, for the tests (realpeers.py) and for bench/.
"""

import fcntl
import glob
import os
import shutil
import signal
import subprocess

# Of Postfix, on loopback, all below {dir}; main.cf and master.cf.
POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = {dir}/queue
maillog_file_prefixes = {dir}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
"""

POSTFIX_MASTER = """127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
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
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def run(*words, **more):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600, **more)


def missing(packages):
    """They and what they depend on that is not installed: asked for only."""
    plan = run("apt-get", "install", "-s", "-q", "--no-install-recommends", *packages).stdout
    return {line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")} | set(packages)


def unpack(packages, to, may_update=False):
    """
    Once; the network is only asked when they are not there yet, and for new lists only if that is allowed. OSError: they cannot be had.
    """
    os.makedirs(to, exist_ok=True)
    with open(to + "/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(to + "/complete"):
            return
        got = run("apt-get", "download", "-q", *missing(packages), cwd=to)
        if got.returncode != 0 and may_update:
            run("apt-get", "update", "-q")
            got = run("apt-get", "download", "-q", *missing(packages), cwd=to)
        debs = glob.glob(to + "/*.deb")
        if got.returncode != 0 or not debs:
            raise OSError("%s cannot be fetched: %s" % (", ".join(packages), got.stdout.strip()[-200:]))
        for deb in debs:
            subprocess.run(["dpkg", "-x", deb, to], check=True)
            os.unlink(deb)
        with open(to + "/complete", "w", encoding="ascii"):
            pass


def accounts(users):
    """The host's passwd and group with these users, {name: number}, as texts."""
    texts = []
    for path, line in (("/etc/passwd", "%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n"), ("/etc/group", "%s:x:%d:\n")):
        with open(path, encoding="utf-8") as f:
            texts.append(f.read() + "".join(line % (name, *[number] * (line.count("%") - 1)) for name, number in users.items()))
    return texts[0], texts[1] + "postdrop:x:64110:\n"


class Apart:
    """A server in a mount and process namespace of its own, all below self.dir, begun by the script self.dir/first."""

    logs = ("output", "log")
    process, dir = None, None

    def begin(self):
        with open(self.dir + "/output", "w", encoding="ascii") as out:
            self.process = subprocess.Popen(        # pylint: disable=consider-using-with
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", self.dir + "/first"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def write(self, path, text):
        with open(os.path.join(self.dir, path), "w", encoding="utf-8") as f:
            f.write(text)

    def log(self):
        text = ""
        for path in self.logs:
            try:
                with open(os.path.join(self.dir, path), encoding="utf-8", errors="replace") as f:
                    text += f.read()
            except OSError:
                pass
        return text[-6000:]

    def __exit__(self, *_):
        if self.process.poll() is None:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as f:
                for pid in f.read().split():
                    os.kill(int(pid), signal.SIGKILL)
        self.process.wait(30)       # it ends with its child
        shutil.rmtree(self.dir, ignore_errors=True)

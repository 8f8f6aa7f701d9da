# SPDX-License-Identifier: MIT
"""The server process is closed in: who it is and what it may, seen from outside; and what it cannot do, tried from inside."""

import glob
import json
import os
import pwd
import signal
import subprocess
import tempfile
import time

from script import Actor
from ports import free_offset
from server import Skip

CAPS = {"DAC_READ_SEARCH": 2, "KILL": 5, "SETGID": 6, "SETUID": 7}
REFUSED = ("read-passwd", "read-root", "read-above", "write-above", "write-tmp", "move-above", "map-code", "make-code")
KILLED = ("symlink", "exec", "fork", "ptrace", "kill", "owner", "owner-signal", "connect", "bind", "unix-socket", "dumpable", "setuid",
          "chroot", "mount", "unshare", "init_module", "keyctl", "bpf", "io_uring_setup", "userfaultfd", "perf_event_open", "process_vm_writev",
          "pidfd_open", "open_by_handle_at", "setrlimit")


def proc(pid, file="status"):
    """/proc/PID/status as a dictionary."""
    with open("/proc/%d/%s" % (pid, file), encoding="ascii") as f:
        return {k: v.strip() for k, v in (line.split(":", 1) for line in f if ":" in line)}


def caps(pid, which):
    return int(proc(pid)[which], 16)


def need_sandbox(server):
    """What the server says about its cage; skips where a sanitizer or an old kernel has none."""
    text = server.control("status")["sandbox"]
    if "landlock" not in text or "seccomp" not in text:
        raise Skip("sandbox: %s; %s" % (text, [x for x in server.log if "server.sandbox" in x]))
    return text


def check_server_process(pid):
    """Every thread, also those that were there before the list of system calls."""
    tasks = glob.glob("/proc/%d/task/*" % pid)
    assert len(tasks) >= 4, tasks
    for task in tasks:
        thread = proc(int(os.path.basename(task)))
        assert thread["NoNewPrivs"] == "1" and thread["Seccomp"] == "2", (task, thread)
        # Only root can empty the bounding set; without any capability and with no_new_privs it does not matter.
        for which in ("CapInh", "CapPrm", "CapEff", "CapAmb") + (("CapBnd",) if os.geteuid() == 0 else ()):
            assert int(thread[which], 16) == 0, (task, which, thread[which])
    assert proc(pid)["Umask"] == "0077"
    with open("/proc/%d/limits" % pid, encoding="ascii") as f:
        assert any(x.split()[:6] == ["Max", "core", "file", "size", "0", "0"] for x in f)


def test_closed_in(server):
    """No privileges to gain, a list of system calls, no capabilities, in each thread; the log and `martlet status` say so."""
    text = need_sandbox(server)
    Actor(server, "imap").login("bob")
    check_server_process(server.server_pid())
    assert proc(server.process.pid)["NoNewPrivs"] == "1"
    assert 'sandbox="%s"' % text in server.wait_log("server.start", {})
    shown = json.loads(server.cli("status", "--json").stdout)
    assert (shown["sandbox"], shown["pid"], shown["uid"]) == (text, server.server_pid(), os.geteuid()), shown
    if os.geteuid() == 0:
        server.wait_log("server.root", {})
        assert caps(server.process.pid, "CapEff") == caps(server.process.pid, "CapPrm") == 1 << CAPS["DAC_READ_SEARCH"]
        assert "user is not set" in server.cli("config", "check").stdout


def test_as_user(server):
    """Started by root with a user: nothing of root is left in the server process, and the supervisor can still start, tell and stop it."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    server.stop()
    os.chmod(server.dir, 0o755)
    subprocess.run(["chown", "-R", "nobody", server.dir + "/data"], check=True)
    server.settings = {"server": {"user": "nobody"}}
    server.start()
    need_sandbox(server)
    user = pwd.getpwnam("nobody")
    for _ in range(2):
        status = proc(server.server_pid())
        assert status["Uid"].split() == [str(user.pw_uid)] * 4 and status["Gid"].split() == [str(user.pw_gid)] * 4, status
        check_server_process(server.server_pid())
        server.crash()
    want = sum(1 << bit for bit in CAPS.values())
    for which in ("CapEff", "CapPrm"):
        assert caps(server.process.pid, which) == want, proc(server.process.pid)
    assert caps(server.process.pid, "CapBnd") == caps(server.process.pid, "CapAmb") == 0
    assert not any("server.root" in x for x in server.log[-3:])
    mark = len(server.log)
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    child = server.server_pid()
    server.process.kill()
    server.process.wait()
    end = time.monotonic() + 10
    while os.path.exists("/proc/%d" % child):
        assert time.monotonic() < end, "the server process outlived its supervisor"
        time.sleep(0.05)
    server.process = None
    server.start()


def test_data_of_another_user(server):
    """Root is told whose the data is, and what to do, before anything is changed; by serve and by commands without a server."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    server.stop()
    os.chmod(server.dir, 0o755)
    server.settings = {"server": {"user": "nobody"}}
    server.write_settings()
    for command in ("serve",), ("account", "list"), ("backup", server.dir + "/copy"):
        done = server.command(*command, "--config", server.config)
        assert done.returncode == 2 and "belongs to user root" in done.stderr, done
        assert "chown -R nobody %s/data" % server.dir in done.stderr, done
    assert os.stat(server.dir + "/data").st_uid == 0 and not os.path.exists(server.dir + "/copy")
    subprocess.run(["chown", "-R", "nobody", server.dir + "/data"], check=True)
    server.start()
    server.stop()
    server.settings = {}
    server.write_settings()
    done = server.command("serve", "--config", server.config)
    assert done.returncode == 2 and "belongs to user nobody, the server would run as root" in done.stderr, done
    done = server.command("fsck", "--data", server.dir + "/data")       # needs no settings: as whose data it is
    assert done.returncode == 0 and "clean: yes" in done.stdout, done
    owners = {os.stat(os.path.join(at, name)).st_uid for at, _, names in os.walk(server.dir + "/data") for name in names}
    assert owners == {os.stat(server.dir + "/data").st_uid}, owners


def test_attempts(server):
    """What an intruder in the server process would try is refused, or is the end of the process, which is back at once."""
    need_sandbox(server)
    port = server.port("smtp")
    for name in ("inside", "thread"):
        assert server.control("test.sandbox", **{"try": name, "port": port})["errno"] == "", name
    for name in REFUSED:
        assert server.control("test.sandbox", **{"try": name, "port": port})["errno"] == "EACCES", name
    assert sorted(os.listdir(server.dir)) == ["data", "martlet.conf"]
    before = server.server_pid()
    for name in KILLED:
        mark = len(server.log)
        try:
            answer = server.control("test.sandbox", **{"try": name, "port": port, "pid": server.process.pid})
        except (ValueError, OSError):
            answer = "none"
        assert answer == "none", (name, answer)
        assert "SIGSYS" in server.wait_log("server.died", {"signal": "31"}, mark=mark)
        server.wait_log("server.start", {}, 60, mark)
    assert server.server_pid() != before
    Actor(server, "imap").login("bob")


test_attempts.settings = {"server": {"restart_pause": "0s"}}


def test_required(server):
    """sandbox = required: it runs only closed in."""
    need_sandbox(server)
    server.stop()
    server.settings = {"server": {"sandbox": "required"}}
    server.start()
    check_server_process(server.server_pid())


def test_demo(server):
    """martlet demo is closed in as well."""
    text = need_sandbox(server)
    with tempfile.TemporaryDirectory() as d:
        demo = subprocess.Popen([server.martlet, "demo", "--dir", d + "/demo", "--port-offset", str(free_offset())],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            while "account list" not in demo.stdout.readline():
                assert demo.poll() is None
            shown = json.loads(server.command("status", "--json", "--dir", d + "/demo").stdout)
            assert shown["sandbox"] == text, shown
            check_server_process(shown["pid"])
        finally:
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) == 0


def test_off(server):
    """sandbox = no: said in the log; privileges are given up all the same."""
    assert server.control("status")["sandbox"] == "none"
    status = proc(server.server_pid())
    assert (status["Seccomp"], status["NoNewPrivs"], int(status["CapEff"], 16)) == ("0", "1", 0), status
    assert server.control("test.sandbox", **{"try": "read-above"})["errno"] == ""


test_off.settings = {"server": {"sandbox": "no"}}

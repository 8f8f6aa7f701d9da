# SPDX-License-Identifier: MIT
"""What `make install` puts where, the unit of systemd that comes with it, and what the server says where a unit keeps it from its data."""

import os
import pwd
import shutil
import subprocess

from server import Skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = {"bin/martlet", "share/man/man1/martlet.1", "lib/systemd/system/martlet.service", "share/doc/martlet/martlet.conf.sample"}


def make(server, target, prefix):
    """With the binary under test, and nothing built."""
    r = subprocess.run(["make", "-C", ROOT, "-o", "all", "B=" + os.path.dirname(server.martlet), "PREFIX=" + prefix, target],
                       capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 0, r.stdout + r.stderr


def files(prefix):
    return {os.path.relpath(os.path.join(d, f), prefix) for d, _, names in os.walk(prefix) for f in names}


def unit(prefix):
    with open(prefix + "/lib/systemd/system/martlet.service", encoding="ascii") as f:
        return [x.split("=", 1) for x in f.read().splitlines() if "=" in x and not x.startswith("#")]


def test_install_and_uninstall(server):
    prefix = server.dir + "/usr"
    make(server, "install", prefix)
    assert files(prefix) == FILES, files(prefix)
    assert ["ExecStart", prefix + "/bin/martlet serve --config /etc/martlet/martlet.conf"] in unit(prefix)
    with open(prefix + "/share/doc/martlet/notes", "w", encoding="ascii") as f:
        f.write("ours\n")
    make(server, "uninstall", prefix)
    assert files(prefix) == {"share/doc/martlet/notes"}, files(prefix)
    os.unlink(prefix + "/share/doc/martlet/notes")
    make(server, "uninstall", prefix)
    assert files(prefix) == set() and not os.path.exists(prefix + "/share/doc/martlet"), files(prefix)


# Where it writes is nobody's; what it calls only says so.
PACKAGES = """mount -t tmpfs none /etc/init.d && mount -t tmpfs none /usr/sbin || exit 77
PATH=$1:$PATH
"$2" something
echo "status $?"
[ ! -e /usr/sbin/policy-rc.d ] || echo "no service starts any more"
"""


def install_packages(server, apt_get, update_rc):
    """Output of tools/packages, which calls these scripts."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not os.path.isdir("/etc/init.d"):
        raise Skip("needs root and unshare")
    bin_dir = server.dir + "/bin"
    os.makedirs(bin_dir, exist_ok=True)
    for name, text in (("apt-get", apt_get), ("update-rc.d", update_rc)):
        with open(os.path.join(bin_dir, name), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(os.path.join(bin_dir, name), 0o755)
    r = subprocess.run(["unshare", "--mount", "sh", "-c", PACKAGES, "sh", bin_dir, ROOT + "/tools/packages"], capture_output=True, text=True, timeout=60,
                       check=False)
    if r.returncode == 77:
        raise Skip(r.stderr)
    return r.stdout, r.stderr


def test_packages_with_services(server):
    """What comes with them is not started; one that cannot be kept from the next boot is told, and is no reason to stop."""
    apt_get = '[ "$1" = update ] || { touch /etc/init.d/one /etc/init.d/two; /usr/sbin/policy-rc.d one start; echo "policy $?"; }\n'
    out, err = install_packages(server, apt_get, 'echo "$1 $2"\n[ "$1" != one ]\n')
    assert out.splitlines() == ["policy 101", "one disable", "two disable", "status 0"], (out, err)
    assert "one" in err and "two" not in err, err


def test_packages_stopped(server):
    """A signal in the middle leaves nothing that keeps the machine's services from their start."""
    for signal in ("HUP", "INT", "TERM"):
        out, err = install_packages(server, "kill -%s $PPID\n" % signal, "exit 0\n")
        assert "status" in out and "status 0" not in out and "any more" not in out, (signal, out, err)


def test_unit_leaves_the_data_to_their_user(server):
    """StateDirectory= without User= gives them to root at each start; without it somebody has to make the directory before the mount."""
    prefix = server.dir + "/usr"
    make(server, "install", prefix)
    settings = unit(prefix)
    assert not any(k.startswith(("StateDirectory", "User", "DynamicUser")) for k, _ in settings), settings
    assert ["ExecStartPre", "+/bin/mkdir -p -m 0700 /var/lib/martlet"] in settings and ["ReadWritePaths", "-/var/lib/martlet"] in settings, settings
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    r = subprocess.run(["systemd-analyze", "verify", "--man=no", prefix + "/lib/systemd/system/martlet.service"], capture_output=True, text=True,
                       timeout=60, check=False)
    assert r.returncode == 0 and "martlet.service" not in r.stderr, r.stderr


def test_data_where_nothing_can_be_written(server):
    """As ProtectSystem=strict has it: it says what to do."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skip("needs root and unshare")
    os.chmod(server.dir, 0o755)
    os.mkdir(server.dir + "/srv")
    server.stop()
    config = server.dir + "/strict.conf"
    with open(server.config, encoding="utf-8") as f, open(config, "w", encoding="utf-8") as to:
        to.write(f.read().replace("data_dir = %s/data" % server.dir, "data_dir = %s/srv/mail\nuser = %s" % (server.dir, pwd.getpwnam("nobody").pw_name)))
    r = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro none "$1/srv" || exit 77; exec "$2" serve --config "$3"', "sh",
                        server.dir, server.martlet, config], capture_output=True, text=True, timeout=60, check=False)
    if r.returncode == 77:
        raise Skip(r.stderr)
    assert r.returncode != 0 and "Read-only file system" in r.stderr and "ReadWritePaths=" in r.stderr, r

# SPDX-License-Identifier: MIT
"""The server process dies: who comes meanwhile waits and is served, it is back at once, and nothing is left over each time."""

import os
import signal
import socket
import threading
import time

from script import Actor
from server import Skip

BACK_S = 20     # "within a second" on a machine that does other things as well


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


def state(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def wait_for(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not in %g s" % seconds
        time.sleep(0.01)


def kill_child(server):
    """SIGKILL; comes back when the supervisor has noticed. Gives the time."""
    mark = len(server.log)
    begin = time.monotonic()
    os.kill(server.server_pid(), signal.SIGKILL)
    line = server.wait_log("server.died", {"signal": "9"}, mark=mark)
    return begin, int(line.rsplit("in_ms=", 1)[1])


def die_until_pause(server, least_ms):
    """Dies again and again; comes back at the beginning of a pause of least_ms or more, in which no server process runs."""
    while True:
        wait_for(lambda: children(server.process.pid))
        pause = kill_child(server)[1]
        if pause >= least_ms:
            return
        assert pause <= 2 * least_ms


def test_death(server):
    """Killed while it served for some time: a client is served again within a second."""
    time.sleep(0.1)
    begin, pause = kill_child(server)
    assert pause == 0
    actor = Actor(server, "smtp")
    assert actor.line().startswith("220 ")
    assert time.monotonic() - begin < BACK_S


def greeting(sock):
    """The first bytes; b"" when the connection is cut."""
    sock.settimeout(20)
    try:
        return sock.recv(4)
    except ConnectionResetError:
        return b""
    finally:
        sock.close()


def test_connecting_meanwhile(server):
    """It keeps dying, so there are pauses without any server process: connections are taken all the time and answered afterwards."""
    socks, refused, is_done = [], [], threading.Event()

    def connect():
        while not is_done.wait(0.01) and len(socks) < 900:
            try:
                socks.append(socket.create_connection(("127.0.0.1", server.port("smtp")), 20))
            except OSError as e:
                refused.append(e)
    thread = threading.Thread(target=connect)
    thread.start()
    try:
        for least_ms in (1000, 2000, 4000, 8000):
            die_until_pause(server, least_ms)
            before = len(socks) + 1     # one may be on its way into the list
            waiting = [Actor(server, name) for name in ("smtp", "imap", "pop3", "lmtp") * 5]
            was_over = bool(children(server.process.pid))
            for actor in waiting:
                assert actor.line()[:4] in ("220 ", "* OK", "+OK "), actor.buffer
            if not was_over:
                break
        assert not was_over, "the pauses were over too early to show anything"
    finally:
        is_done.set()
        thread.join()
    assert not refused and len(socks) > 20, (refused[:5], len(socks))
    greetings = [greeting(x) for x in socks]
    # Only what a process had taken when it was killed may be cut: none since the last one was.
    assert set(greetings[:before]) <= {b"220 ", b""} and set(greetings[before:]) == {b"220 "}, (before, greetings)


def open_files(pid):
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except PermissionError:
        raise Skip("the supervisor's files are shown to root only") from None


def test_fifty_deaths(server):
    """Restarts leave no file open in the supervisor and no zombie."""
    pid = server.process.pid
    before = open_files(pid)
    slowest = 0
    for _ in range(50):
        begin, pause = kill_child(server)
        assert pause == 0, "restart_pause = 0s"
        actor = Actor(server, "smtp")
        assert actor.line().startswith("220 ")
        slowest = max(slowest, time.monotonic() - begin)
        actor.close()
        mine = children(pid)
        assert len(mine) == 1 and state(mine[0]) != "Z", mine
    assert slowest < BACK_S, slowest
    # The pipe by which a new process says that it is ready may be open for a moment.
    wait_for(lambda: open_files(pid) <= before)


test_fifty_deaths.settings = {"server": {"restart_pause": "0s"}}


def test_stop_while_pausing(server):
    """SIGTERM when no server process runs: the end, at once and in order, and none is started for it."""
    die_until_pause(server, 4000)
    starts = len([x for x in server.log if " server.start " in x])
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    assert len([x for x in server.log if " server.start " in x]) == starts
    server.stop()


def test_reload_while_pausing(server):
    """SIGHUP when no server process runs is not forgotten."""
    die_until_pause(server, 500)
    mark = len(server.log)
    server.settings = {"smtp": {"max_message_size": "1M"}}
    server.write_settings()
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)
    actor = Actor(server, "smtp")
    actor.line()
    actor.ask("EHLO client.example", "250-SIZE 1048576")


def test_death_during_reload(server):
    """Settings that the server process did not live to take are not forced on the next one, and the log says so."""
    child = server.server_pid()
    os.kill(child, signal.SIGSTOP)
    mark = len(server.log)
    server.settings = {"smtp": {"max_message_size": "1M"}}
    server.write_settings()
    server.process.send_signal(signal.SIGHUP)
    server.wait_heard()
    os.kill(child, signal.SIGKILL)
    assert "SIGHUP" in server.wait_log("server.reload", {}, mark=mark)
    server.wait_log("server.start", {}, 60, mark)
    actor = Actor(server, "smtp")
    actor.line()
    actor.ask("EHLO client.example", "250-SIZE 52428800")
    mark = len(server.log)
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("server.reload", {"result": "done"}, mark=mark)


def test_supervisor_death(server):
    """Without its supervisor the server process ends too, and leaves the data free for the next one."""
    child = server.server_pid()
    server.process.kill()
    server.process.wait()
    for _ in range(600):
        if not os.path.exists("/proc/%d" % child):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the server process outlived its supervisor")
    server.process = None
    server.start()

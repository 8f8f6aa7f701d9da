# SPDX-License-Identifier: MIT
"""Mail that goes through: in by SMTP, durable, out by SMTP to a sink that drops it. The clock runs until the sink has
the last message.
"""
import socket, time

from servers import SINK_DOMAIN


def sunk(port):
    """How many messages the sink has."""
    with socket.create_connection(("127.0.0.1", port), 5) as s, s.makefile("rwb") as f:
        f.readline()
        f.write(b"X\r\n")
        f.flush()
        return int(f.readline().split()[1])


def wait_sunk(name, port, count, seconds=120):
    end = time.monotonic() + seconds
    while (n := sunk(port)) < count:
        if time.monotonic() > end:
            raise SystemExit(f"{name}: {count - n:.0f} messages have not come to the sink after {seconds} s")
        time.sleep(0.01)
    if n > count:
        raise SystemExit(f"{name}: {n - count:.0f} more messages than were sent have come to the sink")


def cell(b, s, title, options):
    sink = b.sink.ports["smtp"]
    cpu, began, had = s.cpu_ms(), time.monotonic(), sunk(sink)
    got = b.timed("smtp", s.ports["smtp"], domain=SINK_DOMAIN, users=1000, **options)
    units = got["count"][0]
    pss = s.pss_kb() / 1024
    wait_sunk(s.name, sink, had + units)
    seconds = time.monotonic() - began
    b.add(s.name, "relay", title, "through/s", units / seconds)
    b.add(s.name, "relay", title, "until 250/s", got["smtp"][0])
    b.add(s.name, "relay", title, "CPU ms", (s.cpu_ms() - cpu) / units)
    b.add(s.name, "relay", title, "PSS MB", pss)


def relay(b):
    for s in b.servers:
        s.restart()         # its memory is that of this section alone
        had = sunk(b.sink.ports["smtp"])
        units = b.load("smtp", s.ports["smtp"], ms=300, count=10 ** 9, domain=SINK_DOMAIN, users=20)["count"][0]
        wait_sunk(s.name, b.sink.ports["smtp"], had + units)
    for size_kb in (4, 50):
        for connections in (20, 100):
            title = f"{size_kb} KB, {connections} connections"
            b.say(f"relay {title}")
            b.in_turn(lambda s: cell(b, s, title, dict(connections=connections, size=size_kb * 1024)))

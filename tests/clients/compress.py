# SPDX-License-Identifier: MIT
"""
RFC 4978 with zlib of Python as the peer: input that comes in the smallest pieces, and the same conversation in clear, compressed,
and compressed below TLS.
"""

import random
import re
import socket
import zlib

from script import Actor, message


def login(server, protocol, compressed):
    actor = Actor(server, protocol)
    actor.login("bob")
    if compressed:
        actor.ask("z COMPRESS DEFLATE", "z OK")
        actor.compress()
    return actor


def answer(actor, tag):
    """All lines to the tagged one, literals included; what differs from session to session is taken out."""
    lines = []
    while not (lines and lines[-1].startswith(tag + " ")):
        lines.append(actor.line())
        literal = re.search(r"\{(\d+)\}$", lines[-1])
        if literal:
            lines.append("bytes: " + actor.take(int(literal.group(1))).decode("latin-1"))
    return [x.replace(r" \Recent", "").replace(r"\Recent", "") for x in lines if " RECENT" not in x]


def test_each_byte_flushed(server):
    # more flushes than the server reads at a time, in one packet; then nothing more comes until it has answered
    actor = login(server, "imap", True)
    for n in (1, 63, 64, 65, 300, 3000):
        command = b'a LIST "" "' + b"x" * n + b'"\r\n'
        actor.sock.sendall(b"".join(actor.deflate.compress(command[i:i + 1]) + actor.deflate.flush(zlib.Z_SYNC_FLUSH)
                                    for i in range(len(command))))
        assert answer(actor, "a") == ["a OK LIST completed"]
    actor.close()


def test_flushes_of_all_kinds(server):
    actor = login(server, "imap", True)
    actor.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    chance = random.Random(4978)
    for i in range(300):
        command = b"a%d STATUS INBOX (MESSAGES)\r\n" % i
        at = 0
        while at < len(command):
            n = chance.randrange(1, 12)
            data = actor.deflate.compress(command[at:at + n])
            at += n
            kind = chance.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK, zlib.Z_NO_FLUSH))
            actor.sock.sendall(data + actor.deflate.flush(kind if at < len(command) else zlib.Z_SYNC_FLUSH))
        assert answer(actor, "a%d" % i)[-1] == "a%d OK STATUS completed" % i
    actor.close()


def test_the_same_answers(server):
    filler = login(server, "imap", False)
    for name in ("simple.eml", "multipart.eml", "long.eml", "8bit.eml", "odd-headers.eml") * 4:
        filler.send(b"f APPEND INBOX {%d+}\r\n%s\r\n" % (len(message(name)), message(name)))
        answer(filler, "f")
    filler.close()
    commands = ["EXAMINE INBOX", "FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)", "FETCH 1:* BODY.PEEK[]",
                "UID SEARCH TEXT line", 'LIST "" *', "FETCH 1:* (PREVIEW BODY.PEEK[HEADER])", "NOOP"]
    seen = []
    for protocol, compressed in (("imap", False), ("imap", True), ("imaps", True)):
        actor = login(server, protocol, compressed)
        for i, command in enumerate(commands):
            actor.send(b"a%d %s\r\n" % (i, command.encode()))
        seen.append([answer(actor, "a%d" % i) for i in range(len(commands))])
        actor.close()
    assert len(seen[0][2]) > 40
    assert seen[0] == seen[1], "compressed"
    assert seen[0] == seen[2], "compressed below TLS"

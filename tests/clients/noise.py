# SPDX-License-Identifier: MIT
"""Peers that talk nonsense: pieces of the three protocols in any order, cut and mixed with odd bytes. The server process must live."""

import os
import random
import socket
import time

from script import Actor, message, tls_context

SECONDS = float(os.environ.get("NOISE_SECONDS", "2"))
WORDS = {
    "smtp": (b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<bob@example.test>\r\n", b"DATA\r\n", b"BDAT 20\r\n", b"BDAT 3 LAST\r\nabc", b"\r\n.\r\n",
             b"RSET\r\n", b"STARTTLS\r\n", b"MAIL FROM:<a@b> SIZE=1 BODY=BINARYMIME SMTPUTF8 RET=FULL\r\n", b"NOOP\r\n", b"VRFY x\r\n", b"HELP\r\n"),
    "imap": (b"a LOGIN bob@example.test demo\r\n", b"b SELECT INBOX\r\n", b"c FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY[1.MIME]<1.2> BINARY.PEEK[1])\r\n",
             b"d SEARCH OR (FROM x) NOT 1:3,* TEXT {3+}\r\nabc\r\n", b"e STORE 1 (UNCHANGEDSINCE 3) +FLAGS.SILENT (\\Seen k)\r\n", b"f IDLE\r\n", b"DONE\r\n",
             b"g APPEND INBOX (\\Seen) \"01-Jan-2026 00:00:00 +0000\" {30+}\r\n", b"h LIST (SUBSCRIBED) \"\" (% *) RETURN (STATUS (MESSAGES))\r\n",
             b"i UID MOVE 1:* Trash\r\n", b"j COPY $ Sent\r\n", b"k SEARCH RETURN (SAVE MIN) ALL\r\n", b"l CREATE {4}\r\n", b"m EXPUNGE\r\n", b"n ENABLE IMAP4rev2 CONDSTORE\r\n",
             b"o RENAME INBOX &AOk-/x\r\n", b"p STATUS \"Tr\\\"\" (SIZE)\r\n", b"q AUTHENTICATE SCRAM-SHA-256 biwsbj14LHI9eQ==\r\n", b"r CLOSE\r\n"),
    "pop3": (b"USER bob@example.test\r\n", b"PASS demo\r\n", b"STAT\r\n", b"LIST\r\n", b"RETR 1\r\n", b"TOP 1 3\r\n", b"UIDL\r\n", b"DELE 1\r\n", b"CAPA\r\n",
             b"AUTH PLAIN\r\n", b"UTF8\r\n", b"LANG *\r\n", b"RSET\r\n", b"STLS\r\n", b"QUIT\r\n"),
}
WORDS["lmtp"] = tuple(x.replace(b"EHLO", b"LHLO") for x in WORDS["smtp"])
WORDS["submission"] = WORDS["smtp"] + (b"AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAZGVtbw==\r\n", b"AUTH LOGIN\r\n", b"Ym9i\r\n", b"RCPT TO:<x@example.org> ORCPT=rfc822;x\r\n")


def nonsense(rnd, name):
    """Some commands, most of them whole and in a sensible order, some damaged."""
    words = list(WORDS[name])
    out = b"".join(words[:rnd.randrange(4)])
    for _ in range(rnd.randrange(1, 30)):
        word = rnd.choice(words)
        damage = rnd.randrange(12)
        at = rnd.randrange(len(word))
        if damage == 0:
            word = word[:at]
        elif damage == 1:
            word = word[:at] + bytes([rnd.choice((0, 10, 13, 34, 40, 92, 123, 128, 255, rnd.randrange(256)))]) + word[at:]
        elif damage == 2:
            word = word[:at] + word[at:at + 5] * rnd.randrange(200) + word[at:]
        elif damage == 3:
            word = word[:at] + str(rnd.choice((0, 1, 2**31, 2**32, 2**64, -1))).encode() + word[at + 1:]
        elif damage == 4:
            word += message("multipart.eml")[:rnd.randrange(1300)]
        out += word
    return out


def test_nonsense(server):
    pid = server.server_pid()
    end = time.monotonic() + SECONDS
    seed = int(time.time())
    while time.monotonic() < end:
        seed += 1
        rnd = random.Random(seed)
        name = rnd.choice(list(WORDS))
        data = nonsense(rnd, name)
        with socket.create_connection(("127.0.0.1", server.port(name)), 5) as s:
            s.settimeout(0.02)
            try:
                while data:
                    n = rnd.choice((1, 10, 100, 10000))
                    s.sendall(data[:n])
                    data = data[n:]
                    if rnd.randrange(8) == 0:
                        s.recv(65536)
                if rnd.randrange(4) == 0:
                    tls_context().wrap_socket(s)
            except (TimeoutError, OSError):
                pass
        assert server.server_pid() == pid, "seed %d killed the server" % seed
    for protocol in ("imap", "pop3", "submission"):
        actor = Actor(server, protocol)
        actor.login("alice")
        actor.close()
    assert server.server_pid() == pid

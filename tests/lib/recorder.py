# SPDX-License-Identifier: MIT
"""A proxy on loopback that writes down who said what when, for connections in the clear: what two programs really do with each other."""

import re
import socket
import threading

from listener import Listener, end


class Recorder(Listener):
    """Passes each connection on to a port. `sessions`: of each the pieces in order, (is_client, bytes)."""

    def __init__(self, to):
        self.to, self.sessions = to, []
        super().__init__()

    def take(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            client.close()
            return
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pieces = []
        with self.change:
            self.sessions.append(pieces)
            self.sockets |= {client, server}
        for is_client, a, b in ((True, client, server), (False, server, client)):
            threading.Thread(target=self.pump, args=(is_client, a, b, pieces), daemon=True).start()

    def pump(self, is_client, a, b, pieces):
        try:
            while data := a.recv(65536):
                with self.change:
                    pieces.append((is_client, data))
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            end(s)

    def transactions(self):
        """
        Of each message: (the MAIL line, the RCPT lines, the verb of the data, the number of replies that came after the client had said MAIL and before it
        had said the data verb). None of them: it was pipelined.
        """
        out = []
        with self.change:
            sessions = [list(x) for x in self.sessions]
        for pieces in sessions:
            said = b"".join(d for is_client, d in pieces if is_client)
            for m in re.finditer(rb"^MAIL FROM:[^\r]*\r\n(?:RCPT TO:[^\r]*\r\n)+(DATA|BDAT)\b", said, re.M | re.I):
                lines = m[0].split(b"\r\n")
                out.append((lines[0].decode(), [x.decode() for x in lines[1:-1]], m[1].decode().upper(), replies(pieces, m.start(), m.start(1))))
        return out


def replies(pieces, begin, end):
    """Lines that the server said after the client's byte `begin` and before its byte `end` were there."""
    at, n = 0, 0
    for is_client, data in pieces:
        if is_client:
            at += len(data)
        elif begin < at <= end:
            n += data.count(b"\r\n")
    return n

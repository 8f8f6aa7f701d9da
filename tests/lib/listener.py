# SPDX-License-Identifier: MIT
"""A port on loopback with a thread that takes connections, until the end of a `with`."""

import socket
import threading


class Listener:
    """guest(socket) of the class below is told of each connection, in the one thread that takes them. `sockets` are ended with it, under `change`."""

    def __init__(self, address="127.0.0.1", port=0):
        self.sockets, self.change = set(), threading.Condition()
        self.listener = socket.create_server((address, port), backlog=200)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.change:
            for s in self.sockets:
                end(s)

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.take(s)


def end(s):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass

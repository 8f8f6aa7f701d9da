# SPDX-License-Identifier: MIT
"""A port on loopback with a thread that takes connections, until the end of a `with`."""

import socket
import threading

from ports import free_port


class Listener:
    """guest(socket) of the class below is told of each connection, in the one thread that takes them. `sockets` are ended with it, under `change`."""

    def __init__(self, address="127.0.0.1", port=0):
        self.sockets, self.change = set(), threading.Condition()
        self.port = port or free_port()         # others may listen there too, at other addresses
        self.listener = socket.create_server((address, self.port), backlog=200)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        stop(self.listener, self.thread)
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


def stop(listener, thread):
    """
    Closes what that thread accepts connections of, when the thread has ended: one that is about to call accept() with a number that is somebody else's by then
    takes the connections of another test.
    """
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


def end(s):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass

# SPDX-License-Identifier: MIT
"""SMTP servers on loopback that take mail, refuse it, are slow, die: the other side of mail that goes out."""

import socket
import ssl
import threading

from listener import Listener


class Sink(Listener):
    """
    Serves each connection on a thread, at 127.0.0.1 or another loopback address. `says` has what is said in place of a 2xx or 354:
    {"RCPT": "450 4.2.0 later"}, or a function of (sink, line) that gives such an answer, None for the usual one, "-" to close the
    connection. Keys: "greeting", the verbs, "end" (of a message). With `tls` (certificate, key) it offers STARTTLS; is_implicit: TLS
    from the start. `login`: it takes AUTH PLAIN and nothing without. `guest_class`: another Guest.
    """

    def __init__(self, address="127.0.0.1", port=0, says=None, tls=None, name="sink.test", words=("PIPELINING", "8BITMIME", "SIZE 52428800"),
                 is_implicit=False, login=None, guest_class=None):
        self.says, self.name, self.words, self.login = says or {}, name, words, login
        self.is_implicit, self.context, self.guest_class = is_implicit, None, guest_class or Guest
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls["certificate"], tls["key"])
        self.messages = []      # (MAIL line, [RCPT lines], bytes), whole ones
        self.connections, self.open, self.most = 0, 0, 0
        self.counts = {}        # by verb
        self.tls_sessions = 0
        super().__init__(address, port)

    def take(self, s):
        with self.change:
            self.connections += 1
            self.open += 1
            self.most = max(self.most, self.open)
            self.sockets.add(s)
            self.change.notify_all()
        threading.Thread(target=self.guest, args=(s,), daemon=True).start()

    def guest(self, s):
        raw = s
        try:
            if self.is_implicit:
                s = self.context.wrap_socket(s, server_side=True)
            self.guest_class(self, s).serve()
        except (OSError, ValueError):
            pass
        finally:
            s.close()
            with self.change:
                self.open -= 1
                self.sockets.discard(raw)
                self.change.notify_all()

    def answer(self, key, line=""):
        said = self.says.get(key)
        return said(self, line) if callable(said) else said

    def wait(self, n, seconds=30):
        """Until n messages are there; gives them."""
        with self.change:
            if not self.change.wait_for(lambda: len(self.messages) >= n, seconds):
                raise AssertionError("%d messages in %g s, not %d; commands: %s" % (len(self.messages), seconds, n, self.counts))
            return list(self.messages)

    def wait_count(self, verb, n, seconds=30):
        with self.change:
            if not self.change.wait_for(lambda: self.counts.get(verb, 0) >= n, seconds):
                raise AssertionError("%s %d times in %g s, not %d" % (verb, self.counts.get(verb, 0), seconds, n))


class Guest:
    """One connection."""

    def __init__(self, sink, s):
        self.sink, self.socket, self.file = sink, s, s.makefile("rb")
        self.mail, self.rcpts, self.is_known = None, [], not sink.login

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def serve(self):
        said = self.sink.answer("greeting")
        if said == "-":
            return
        self.say(said or "220 %s ESMTP" % self.sink.name)
        while True:
            line = self.file.readline()
            if not line or not self.command(line.decode("utf-8", "replace").rstrip("\r\n")):
                return

    def command(self, line):
        verb = line.split(" ")[0].upper()
        with self.sink.change:
            self.sink.counts[verb] = self.sink.counts.get(verb, 0) + 1
            self.sink.change.notify_all()
        if verb == "MAIL":
            self.mail, self.rcpts = None, []
        said = self.sink.answer(verb, line)
        if said == "-":
            return False
        if said is not None:
            self.say(said)
            return True
        return getattr(self, "on_" + verb.lower(), self.on_other)(line)

    def on_other(self, _):
        self.say("500 5.5.2 what")
        return True

    def on_ehlo(self, _):
        words = list(self.sink.words)
        if self.sink.context and not isinstance(self.socket, ssl.SSLSocket):
            words.append("STARTTLS")
        if self.sink.login:
            words.append("AUTH PLAIN")
        lines = [self.sink.name] + words
        self.say("\r\n".join("250%s%s" % ("-" if n + 1 < len(lines) else " ", x) for n, x in enumerate(lines)))
        return True

    def on_starttls(self, _):
        self.say("220 2.0.0 go on")
        self.socket = self.sink.context.wrap_socket(self.socket, server_side=True)
        self.file = self.socket.makefile("rb")
        with self.sink.change:
            self.sink.tls_sessions += 1
        return True

    def on_auth(self, line):
        import base64                                                           # pylint: disable=import-outside-toplevel
        words = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        self.is_known = tuple(words[1:]) == self.sink.login
        self.say("235 2.7.0 ok" if self.is_known else "535 5.7.8 no")
        return True

    def on_mail(self, line):
        self.mail, self.rcpts = line, []
        self.say("250 2.1.0 ok" if self.is_known else "530 5.7.0 log in")
        return True

    def on_rcpt(self, line):
        if self.mail:
            self.rcpts.append(line)
        self.say("250 2.1.5 ok" if self.mail else "503 5.5.1 MAIL first")
        return True

    def on_rset(self, _):
        self.say("250 2.0.0 ok")
        return True

    def on_quit(self, _):
        self.say("221 2.0.0 bye")
        return False

    def on_data(self, _):
        if not self.rcpts:
            self.say("503 5.5.1 nobody")
            return True
        self.say("354 go on")
        body = []
        while True:
            line = self.file.readline()
            if not line:
                return False
            if line == b".\r\n":
                break
            body.append(line[1:] if line.startswith(b".") else line)
        return self.taken(b"".join(body))

    def taken(self, body):
        said = self.sink.answer("end", self.mail)
        if said is None or said.startswith("2") or said == "-":
            with self.sink.change:
                self.sink.messages.append((self.mail, self.rcpts, body))
                self.sink.change.notify_all()
        if said == "-":
            return False
        self.say(said or "250 2.0.0 taken")
        return True

# SPDX-License-Identifier: MIT
"""The web server of MTA-STS policies (RFC 8461 3.3)."""

import http.server
import ssl
import threading


class Policies(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        text = self.server.texts.get(self.headers["Host"].split(":")[0], self.server.text).encode()
        self.server.n_gets += 1
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Web:
    """Serves `text` over HTTPS, or to who asks a host of `texts` that one; an empty one is not there."""

    def __init__(self, files, address="127.0.0.1"):
        self.http = http.server.ThreadingHTTPServer((address, 0), Policies)
        self.http.daemon_threads, self.http.text, self.http.texts, self.http.n_gets = True, "", {}, 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["certificate"], files["key"])
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self.http

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def policy(mode, mx):
    return "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: 86400\r\n" % (mode, mx)

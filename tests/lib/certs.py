# SPDX-License-Identifier: MIT
"""Certificates: the one that a server shows, and new ones."""

import socket
import subprocess

from script import tls_context


def certificate_of(server):
    with socket.create_connection(("127.0.0.1", server.port("imaps"))) as s:
        return tls_context().wrap_socket(s, server_hostname="localhost").getpeercert(True)


def self_signed(server, name, host):
    """Settings of a certificate for that host."""
    files = {"certificate": "%s/%s.pem" % (server.dir, name), "key": "%s/%s.key" % (server.dir, name)}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=" + host, "-addext", "subjectAltName=DNS:" + host,
                    "-keyout", files["key"], "-out", files["certificate"]], check=True, capture_output=True)
    return files

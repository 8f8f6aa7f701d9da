# SPDX-License-Identifier: MIT
"""Certificates: the one that a server shows, and new ones."""

import hashlib
import os
import socket
import subprocess

from script import tls_context


def certificate_of(server):
    with socket.create_connection(("127.0.0.1", server.port("imaps"))) as s:
        return tls_context().wrap_socket(s, server_hostname="localhost").getpeercert(True)


def self_signed(server, name, *hosts, subject=None, days=2):
    """Settings of a certificate for these hosts; subject: its common name, if not the first of them."""
    files = {"certificate": "%s/%s.pem" % (server.dir, name), "key": "%s/%s.key" % (server.dir, name)}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
                    "-subj", "/CN=" + (subject or hosts[0]), "-addext", "subjectAltName=" + ",".join("DNS:" + host for host in hosts),
                    "-keyout", files["key"], "-out", files["certificate"]], check=True, capture_output=True)
    return files


AUTHORITY = """[ca]
default_ca = a
[a]
new_certs_dir = %(dir)s
database = %(dir)s/index
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = e
[p]
commonName = supplied
[e]
subjectAltName = DNS:%(host)s
"""


def expired(server, name, host):
    """The same for one host, of January 2020."""
    files = self_signed(server, name, host)
    directory = "%s/%s.ca" % (server.dir, name)
    os.mkdir(directory)
    for file, text in (("index", ""), ("conf", AUTHORITY % {"dir": directory, "host": host})):
        with open(os.path.join(directory, file), "w", encoding="ascii") as f:
            f.write(text)
    subprocess.run(["openssl", "req", "-new", "-key", files["key"], "-subj", "/CN=" + host, "-out", directory + "/request"],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-notext", "-config", directory + "/conf", "-keyfile", files["key"],
                    "-in", directory + "/request", "-out", files["certificate"], "-startdate", "20200101000000Z",
                    "-enddate", "20200201000000Z"], check=True, capture_output=True)
    return files


def tlsa(pem):
    """3 1 1 of a certificate's key (RFC 6698 2.1)."""
    key = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=pem, capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    return "TLSA 3 1 1 " + hashlib.sha256(der).hexdigest()

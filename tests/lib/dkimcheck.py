# SPDX-License-Identifier: MIT
"""Signatures (DKIM) looked at by a verifier that is not ours."""

import json
import subprocess

from server import Skip

# Debian's python3-dkim, which belongs to its own python3. Each signature by itself; prints its domain, selector, algorithm and whether it is good.
VERIFIER = """
import json, sys
try:
    import dkim
except ImportError:
    sys.exit(3)
records, message = json.loads(sys.argv[1]), sys.stdin.buffer.read()
for i in range(message.lower().count(b"dkim-signature:")):
    d = dkim.DKIM(message)
    try:
        good = d.verify(idx=i, dnsfunc=lambda name, **_: records.get(name.decode(), "").encode())
    except dkim.DKIMException:
        good = False
    print(d.domain.decode(), d.selector.decode(), d.signature_fields[b"a"].decode(), good)
"""


def verify(message, records, domain="example.test"):
    """The signatures that are good; all there are must be."""
    table = {"%s._domainkey.%s." % (k, domain): v for k, v in records.items()}
    done = subprocess.run(["/usr/bin/python3", "-c", VERIFIER, json.dumps(table)], input=message, capture_output=True, check=False)
    if done.returncode == 3:
        raise Skip("python3-dkim is not installed")
    assert done.returncode == 0, done.stderr
    rows = [x.split() for x in done.stdout.decode().splitlines()]
    assert all(x[3] == "True" and x[0] == domain for x in rows), (rows, message)
    return sorted(x[2] for x in rows)

# SPDX-License-Identifier: MIT
"""
Some attacks of tests/hostile with small numbers: what they may cost is looked at, and that the victim is served. In processes
of their own, for they fork.
"""

import os
import subprocess

RUN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hostile", "run")

# Each takes a few seconds; the others are for the full run.
NAMES = ("silent", "one_address", "half_hello", "tls_noise", "starttls_injection", "endless_line", "pipelined_unread",
         "literals_before_login", "slow_bodies", "half_commands", "unread_replies", "large_commands_run")


def make(name):
    def test(server):
        r = subprocess.run([RUN, "--few", "--martlet", server.martlet, name], capture_output=True, text=True, timeout=240, check=False)
        assert r.returncode == 0, r.stdout + r.stderr
    return test


for one in NAMES:
    globals()["test_" + one] = make(one)

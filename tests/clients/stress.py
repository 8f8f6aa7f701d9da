# SPDX-License-Identifier: MIT
"""The sessions of tests/stress for some seconds, in a process of their own; `make test-full` lets them play for a minute."""

import os
import subprocess

RUN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stress", "run")


def test_sessions_agree(server):
    r = subprocess.run([RUN, "--martlet", server.martlet, "--seconds", "8"], capture_output=True, text=True, timeout=240, check=False)
    assert r.returncode == 0, r.stdout + r.stderr

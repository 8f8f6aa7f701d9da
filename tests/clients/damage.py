# SPDX-License-Identifier: MIT
"""The damaged messages of tests/damage, in a process of their own; `make test-full` takes larger ones, and more."""

import os
import subprocess

RUN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "damage", "run")


def test_damaged_messages(server):
    r = subprocess.run([RUN, "--martlet", server.martlet, "--seeds", "300", "--big", "200000"], capture_output=True, text=True, timeout=280, check=False)
    assert r.returncode == 0, r.stdout + r.stderr

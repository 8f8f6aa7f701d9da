# SPDX-License-Identifier: MIT
"""The games of tests/model for some seconds, in a process of their own; `make test-full` plays them for minutes."""

import os
import subprocess

RUN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "model", "run")


def test_clients_and_model(server):
    r = subprocess.run([RUN, "--martlet", server.martlet, "--seed", "7", "--rounds", "200"], capture_output=True, text=True, timeout=240, check=False)
    assert r.returncode == 0, r.stdout + r.stderr

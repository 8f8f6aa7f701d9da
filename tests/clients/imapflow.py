# SPDX-License-Identifier: MIT
"""
imapflow, a client of many programs that run on node: IMAP4rev2, COMPRESS, IDLE, CONDSTORE, QRESYNC. The version is pinned in
clients/imapflow/; npm installs it below build/ when it is not there. Without node or npm these tests are left out.
"""

import base64
import glob
import hashlib
import json
import os
import shutil
import subprocess
import threading

from script import MESSAGES, message
from server import Skip

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "imapflow")
BUILD = os.path.join(HERE, "..", "..", "..", "build")
INSTALL_SECONDS = 60
installing = threading.Lock()
refused = []        # why it could not be installed: asked once


def installed():
    """The directory that has node_modules."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Skip("no %s here" % program)
    with open(os.path.join(HERE, "package-lock.json"), "rb") as f:
        path = os.path.abspath(os.path.join(BUILD, "imapflow-" + hashlib.sha256(f.read()).hexdigest()[:12]))
    with installing:
        if refused:
            raise Skip(refused[0])
        if not os.path.isdir(path):
            install(path)
    return path


def install(path):
    work = path + ".%d" % os.getpid()
    os.makedirs(work)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, name), work)
    try:
        r = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"], cwd=work, capture_output=True, text=True,
                           timeout=INSTALL_SECONDS, check=False)
        text = r.stdout + r.stderr if r.returncode else ""
    except subprocess.TimeoutExpired:
        text = "no answer in %d s" % INSTALL_SECONDS
    if "EINTEGRITY" in text:
        raise AssertionError("a package is not the one that is pinned: " + text)
    if text:
        shutil.rmtree(work)
        refused.append("npm cannot install imapflow here: " + text.strip().splitlines()[0])
        raise Skip(refused[0])
    os.rename(work, path)


def play(server, name, **more):
    scene = {"name": name, "port": server.port("imaps"), "files": files(server), **more}
    r = subprocess.run(["node", os.path.join(HERE, "client.mjs"), installed(), json.dumps(scene)], capture_output=True, text=True, timeout=120, check=False)
    assert r.returncode == 0, r.stdout + r.stderr
    return json.loads(r.stdout)


def names():
    return sorted(os.path.basename(p) for p in glob.glob(MESSAGES + "/*.eml"))


def files(server):
    """The messages with CRLF."""
    out = []
    for name in names():
        out.append(os.path.join(server.dir, name))
        with open(out[-1], "wb") as f:
            f.write(message(name))
    return out


def mail(server, compress, rev2):
    got = play(server, "mail", compress=compress, rev2=rev2, subject="Pr\u00fcfung")
    assert ("IMAP4REV2" in got["enabled"]) == rev2 and {"CONDSTORE", "QRESYNC"} <= set(got["enabled"]), got["enabled"]
    assert got["compressed"] == compress
    want = [message(n) for n in names()]
    count = len(want)
    assert got["appended"] == [m["uid"] for m in got["all"]] == list(range(1, count + 1))
    assert [base64.b64decode(m["source"]) for m in got["all"]] == want
    assert all(set(m["flags"]) - {"\\Recent"} == {"$Work", "\\Seen"} for m in got["all"])
    assert got["all"][names().index("multipart.eml")]["type"].startswith("multipart/")
    assert got["unseen"] == [1, 3], got["unseen"]
    assert names().index("multipart.eml") + 1 in got["found"], got["found"]
    assert got["copied"] == [[1, 1], [2, 2]] and got["moved"] == [[2, 3]], (got["copied"], got["moved"])
    assert [m["uid"] for m in got["after"]] == list(range(3, count + 1))
    assert [m["seq"] for m in got["after"]] == list(range(1, count - 1))
    assert set(got["after"][0]["flags"]) - {"\\Recent"} == {"\\Answered", "word"}, got["after"][0]
    assert b"".join(base64.b64decode(x) for x in got["downloaded"]) == want[2]
    assert [base64.b64decode(m["source"]) for m in got["copies"]] == [want[0], want[1], want[1]]
    assert [sorted(set(m["flags"]) - {"\\Recent"}) for m in got["copies"]] == [["$Work", "\\Flagged"]] + [["$Work", "\\Flagged", "\\Seen"]] * 2
    assert got["status"]["messages"] == count - 2 and got["status"]["uidNext"] == count + 1 and got["status"]["unseen"] == 1, got["status"]
    assert int(got["status"]["highestModseq"]) >= max(int(m["modseq"]) for m in got["all"])
    assert "Gr\u00fc\u00dfe/1" in got["list"] and "INBOX" in got["list"]


def test_newest(server):
    mail(server, compress=True, rev2=True)


def test_rev1(server):
    mail(server, compress=False, rev2=False)


def test_idle(server):
    got = play(server, "idle")
    assert got["idling"] and got["exists"] and got["flags"] and got["expunge"], got
    assert got["news"][0] == ["exists", 1, 0]
    assert ["flags", 1, ["\\Flagged"]] in [[x[0], x[1], [f for f in x[2] if f != "\\Recent"]] for x in got["news"] if x[0] == "flags"]
    assert ["expunge", 1, None, True, False] in got["news"] and got["count"] == 0, got["news"]


def test_away(server):
    got = play(server, "away")
    last = len(names()) + 1
    assert ["expunge", 2, None, True, True] in got["news"], got["news"]
    told = {x[1]: set(x[2]) - {"\\Recent"} for x in got["news"] if x[0] == "flags"}
    assert told.get(1) == {"\\Flagged", "word"}, got["news"]
    assert got["exists"] == last - 1 and [x[0] for x in got["changed"]] == [1, last], got

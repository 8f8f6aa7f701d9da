# SPDX-License-Identifier: MIT
"""fsck --repair on databases that were damaged behind the server's back: every repair holds, with the server and without it."""

import imaplib
import json
import smtplib
import sqlite3

from mail import Load, read_all

DAMAGES = (
    "UPDATE mailboxes SET messages = messages + 3, unseen = 0, bytes = 1, uidnext = 2",
    "UPDATE accounts SET used = 12345, messages = 0, modseq = 1",
    "UPDATE content_refs SET refs = refs + 1",
    "INSERT OR REPLACE INTO content_refs VALUES (1, 0, 1)",
    "UPDATE messages SET size = 7 WHERE uid = 1",
    "UPDATE contents SET size = size + 1",
    "INSERT INTO expunged (mailbox, modseq, uid) SELECT mailbox, 1, uid FROM messages",
    "DELETE FROM message_states",
    "UPDATE message_states SET states = substr(states, 2)",
    "UPDATE message_states SET id = id + 1",
    "INSERT INTO threads VALUES (4711, 1, 1)",
    "DELETE FROM queue_messages",
)


def deliver(server, n):
    with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=60) as smtp:
        for i in range(n):
            smtp.sendmail("carol@example.org", ["bob@example.test", "alice@example.test"],
                          "Subject: mail %d\r\n\r\n%s\r\n" % (i, "x" * i))


def submit(server):
    """One message that waits in the queue."""
    with smtplib.SMTP("127.0.0.1", server.port("submission"), timeout=60) as smtp:
        smtp.login("alice@example.test", "demo")
        smtp.sendmail("alice@example.test", ["dan@example.net"], "Subject: away\r\n\r\nx\r\n")


def sql(server, *statements):
    db = sqlite3.connect(server.dir + "/data/martlet.db", timeout=30)
    for x in statements:
        db.execute(x)
    db.commit()
    db.close()


def fsck(server, *more):
    r = server.command("fsck", "--config", server.config, "--json", *more)
    assert r.stdout, r
    found = json.loads(r.stdout)
    assert r.returncode == (0 if found["clean"] else 1), r
    return found


def sizes(server):
    """Of bob's messages, as IMAP tells them, and their bytes."""
    imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    imap.login("bob@example.test", "demo")
    imap.select("INBOX", readonly=True)
    typ, data = imap.fetch("1:*", "(RFC822.SIZE BODY.PEEK[])")
    assert typ == "OK", data
    imap.logout()
    return [x for x in data if isinstance(x, tuple)]


def test_repair_counters(server):
    """Each damage alone, at rest and while the server runs; nothing is lost, and a second check is clean."""
    deliver(server, 5)
    before = sizes(server)
    for is_running in (False, True):
        for damage in DAMAGES:
            submit(server)
            if not is_running:
                server.stop()
            sql(server, damage)
            assert not fsck(server)["clean"], damage
            repaired = fsck(server, "--repair")
            assert repaired["clean"] and repaired["repairs"], (damage, repaired)
            again = fsck(server)
            assert again["clean"] and again["messages"] == 10, (damage, again)
            if not is_running:
                server.start()
            assert sizes(server) == before, damage
    deliver(server, 1)
    assert len(sizes(server)) == 6


# Housekeeping would take what a damage has given away.
test_repair_counters.settings = {"store": {"housekeeping": "1d"}}


def test_repair_owner(server):
    """Mail whose account or mailbox row is gone is given to accounts that the operator can let somebody into."""
    deliver(server, 4)
    sql(server, "DELETE FROM accounts WHERE name = 'bob@example.test'")
    sql(server, "DELETE FROM mailboxes WHERE name = 'INBOX' AND account = (SELECT id FROM accounts)")
    found = fsck(server, "--repair")
    assert found["clean"] and found["messages"] == 8, found
    names = {x["address"]: x["messages"] for x in json.loads(server.cli("account", "list", "--json").stdout)}
    bob, = [x for x in names if x.startswith("account-")]
    assert names[bob] == 4 and names["messages@recovered.invalid"] == 4, names
    for name, box in ((bob, "INBOX"), ("messages@recovered.invalid", "mailbox-*")):
        server.cli("account", "password", name, input="secret\n")
        imap = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
        imap.login(name, "secret")
        found = [x.split()[-1].decode() for x in imap.list('""', box)[1]]
        assert len(found) == 1, found
        assert imap.select(found[0])[1] == [b"4"], found
        assert len(imap.fetch("1:*", "(BODY.PEEK[])")[1]) == 8
        imap.logout()


test_repair_owner.settings = {"store": {"housekeeping": "1d"}}


def test_repair_index(server):
    """Rows that an index does not have: it is built anew."""
    deliver(server, 3)
    server.stop()
    db = sqlite3.connect(server.dir + "/data/martlet.db")
    db.execute("PRAGMA writable_schema = ON")
    row = db.execute("SELECT * FROM sqlite_schema WHERE name = 'message_states_modseq'").fetchone()
    db.execute("DELETE FROM sqlite_schema WHERE name = 'message_states_modseq'")
    db.commit()
    db.close()
    sql(server, "UPDATE message_states SET modseq = modseq - 1")    # the index is not there to see it
    db = sqlite3.connect(server.dir + "/data/martlet.db")
    db.execute("PRAGMA writable_schema = ON")
    db.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
    db.commit()
    db.close()
    server.start()
    found = fsck(server)
    assert not found["clean"] and all(x.startswith("table message_states: ") for x in found["fault"]), found
    found = fsck(server, "--repair")
    assert found["clean"] and all(x.endswith("built anew") for x in found["repaired"]), found
    assert fsck(server)["clean"]
    assert len(sizes(server)) == 3


def test_repair_table(server):
    """A page of a table that is no page: told, left alone, and the rest is served."""
    deliver(server, 3)
    server.stop()
    db = sqlite3.connect(server.dir + "/data/martlet.db")
    page, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'threads'").fetchone()
    size, = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with open(server.dir + "/data/martlet.db", "r+b") as f:
        f.seek((page - 1) * size)
        f.write(b"\xa5" * size)
    server.start()
    for more in ((), ("--repair",)):
        found = fsck(server, *more)
        assert not found["clean"] and found["fault"][0].startswith("table threads: "), found
        assert found["messages"] == 6, found
    assert "take the newest backup" in found["fault"][0], found
    assert len(sizes(server)) == 3


def test_repair_of_nothing(server):
    """Repairs that run while mail comes and goes, and bodies move, find nothing to repair."""
    with Load(server) as load:
        for turn in range(8):
            load.wait(60 * (turn + 1))
            repaired = fsck(server, "--repair")
            assert repaired["clean"] and repaired["repairs"] == 0, repaired
    assert load.answered() <= set(read_all(server))
    assert fsck(server)["clean"]


test_repair_of_nothing.settings = {"store": {"pack_size": "64K", "expunge_grace": "0s", "housekeeping": "10ms",
                                             "compact_percent": "1", "compact_rate": "0"}}

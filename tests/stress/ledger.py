# SPDX-License-Identifier: MIT
"""
What all sessions together know of the mailboxes: every answer of the server that binds something for ever is noted here, and
compared with what anybody was told before. A lock guards it; nothing is asked of the server.
"""

import random
import threading


class Violation(AssertionError):
    """The server broke a promise; the text says which one."""


def body(token):
    """The message of that name: made from it alone, so whoever reads it knows each byte that must be there."""
    rnd = random.Random(token)
    text = rnd.randbytes(rnd.choice((20, 200, 2000, 9000))).hex()
    lines = [text[i:i + 70] for i in range(0, len(text), 70)]
    return ("Subject: %s\r\nFrom: <a@example.org>\r\n\r\n%s\r\n" % (token, "\r\n".join(lines))).encode()


class Box:
    """One mailbox."""

    def __init__(self, name):
        self.name, self.lock = name, threading.Lock()
        self.uidvalidity = None
        self.token = {}         # UID -> name of its message: RFC 9051 2.3.1.1, a UID means one message for ever
        self.flags = {}         # (UID, modseq) -> flags: RFC 7162 3.1, no change of flags without a new modseq
        self.created = set()    # UIDs that a tagged OK told (APPENDUID, COPYUID)
        self.gone = set()       # UIDs that somebody was told to be expunged
        self.asked = set()      # UIDs that somebody has asked to delete or move, or may have by a number
        self.moved = set()      # UIDs that a MOVE has taken: it happens once
        self.won = set()        # (UID, modseq) of conditional STOREs that changed something: one can win
        self.max_uid = self.max_modseq = 0

    def fail(self, text, *args):
        raise Violation("%s: %s" % (self.name, text % args if args else text))

    def note_uidvalidity(self, value):
        with self.lock:
            if self.uidvalidity not in (None, value):
                self.fail("UIDVALIDITY was %s, is %s", self.uidvalidity, value)
            self.uidvalidity = value

    def note_token(self, uid, token):
        with self.lock:
            if self.token.setdefault(uid, token) != token:
                self.fail("UID %d was message %s, is %s", uid, self.token[uid], token)

    def note_flags(self, uid, modseq, flags):
        with self.lock:
            if self.flags.setdefault((uid, modseq), flags) != flags:
                self.fail("UID %d had %s at modseq %d, has %s", uid, sorted(self.flags[uid, modseq]), modseq, sorted(flags))
            self.max_modseq = max(self.max_modseq, modseq)

    def note_created(self, uids, above, token=None):
        """`above`: the greatest UID that anybody knew before the command was sent."""
        with self.lock:
            for uid in uids:
                if uid <= above:
                    self.fail("new UID %d is not above %d", uid, above)
                if uid in self.created:
                    self.fail("UID %d is used again", uid)
                self.created.add(uid)
                self.max_uid = max(self.max_uid, uid)
                if token and self.token.setdefault(uid, token) != token:
                    self.fail("APPENDUID %d is message %s, not %s", uid, self.token[uid], token)

    def note_seen(self, uids):
        with self.lock:
            self.max_uid = max(self.max_uid, *uids)

    def note_gone(self, uids):
        with self.lock:
            self.gone.update(uids)
            self.max_uid = max(self.max_uid, *uids)

    def note_asked(self, uids):
        with self.lock:
            self.asked.update(uids)

    def note_moved(self, uids):
        with self.lock:
            if self.moved & set(uids):
                self.fail("UIDs %s were moved twice", sorted(self.moved & set(uids)))
            self.moved.update(uids)

    def note_won(self, uid, modseq):
        with self.lock:
            if (uid, modseq) in self.won:
                self.fail("two STOREs UNCHANGEDSINCE %d have both changed UID %d", modseq, uid)
            self.won.add((uid, modseq))

    def now(self):
        """(greatest UID, greatest modseq, UIDs that are gone, UIDs that were created) until now."""
        with self.lock:
            return self.max_uid, self.max_modseq, set(self.gone), set(self.created)

    def names(self, uids):
        with self.lock:
            return [self.token.get(uid) for uid in uids]

    def finish(self, there):
        """`there`: the UIDs that a fresh session sees when nobody does anything any more."""
        lost = self.created - there - self.asked
        if lost:
            self.fail("UIDs %s are lost", sorted(lost))
        if self.gone - self.asked:
            self.fail("UIDs %s are expunged, and nobody asked for it", sorted(self.gone - self.asked))
        if there & self.gone:
            self.fail("UIDs %s are back", sorted(there & self.gone))
        if there & self.moved:
            self.fail("UIDs %s were moved and are still there", sorted(there & self.moved))
        strange = [uid for uid in there - self.created if not self.token.get(uid, "").startswith("smtp")]
        if strange:
            self.fail("UIDs %s came from nowhere", sorted(strange))

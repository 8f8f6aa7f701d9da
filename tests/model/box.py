# SPDX-License-Identifier: MIT
"""What all sessions together were told of one mailbox: it binds the server for ever."""

from answers import Violation


class Box:
    """One mailbox, by its MAILBOXID (RFC 8474 4): names come and go."""

    def __init__(self, mailboxid):
        self.id = mailboxid
        self.uidvalidity = None
        self.static = {}        # UID -> {item: value}: what never changes
        self.token = {}         # UID -> name of its message
        self.flags = {}         # (UID, modseq) -> flags
        self.recent = {}        # UID -> the one selection in which it was \Recent
        self.created = set()    # UIDs that a tagged OK told
        self.gone = set()       # UIDs that somebody was told to be expunged
        self.asked = set()      # UIDs that somebody has asked to remove, or may have
        self.moved = set()      # UIDs that a MOVE has taken
        self.max_uid = self.max_modseq = self.uidnext = 0
        self.is_doomed = False  # somebody has asked to delete it

    def fail(self, text, *args):
        raise Violation("mailbox %s: %s" % (self.id, text % args))

    def known(self):
        """What a SELECT that is sent now must not fall behind."""
        return self.max_uid, self.max_modseq, self.uidnext, set(self.gone)

    def note_uidvalidity(self, value):
        if self.uidvalidity not in (None, value):
            self.fail("UIDVALIDITY was %s, is %s", self.uidvalidity, value)
        self.uidvalidity = value

    def note_static(self, uid, item, value):
        old = self.static.setdefault(uid, {}).setdefault(item, value)
        if old != value:
            self.fail("UID %d had %s %r, has %r", uid, item, old, value)

    def note_token(self, uid, token):
        if self.token.setdefault(uid, token) != token:
            self.fail("UID %d was %s, is %s", uid, self.token[uid], token)

    def note_flags(self, uid, modseq, flags):
        """RFC 7162 3.1: no change of flags without a new modseq."""
        if self.flags.setdefault((uid, modseq), flags) != flags:
            self.fail("UID %d had %s at modseq %d, has %s", uid, sorted(self.flags[uid, modseq]), modseq, sorted(flags))
        self.max_modseq = max(self.max_modseq, modseq)

    def note_created(self, uids, above):
        """`above`: the greatest UID that anybody knew before the command was sent."""
        for uid in uids:
            if uid <= above:
                self.fail("new UID %d is not above %d", uid, above)
            if uid in self.created:
                self.fail("UID %d is used again", uid)
            self.created.add(uid)
            self.max_uid = max(self.max_uid, uid)

    def note_gone(self, uids):
        self.gone.update(uids)
        self.max_uid = max([self.max_uid, *uids])

    def note_moved(self, uids):
        if self.moved & set(uids):
            self.fail("UIDs %s were moved twice", sorted(self.moved & set(uids)))
        self.moved.update(uids)

    def note_recent(self, uid, selection):
        """RFC 3501 2.3.2: one session is told."""
        old = self.recent.setdefault(uid, selection)
        if old != selection:
            self.fail("UID %d is \\Recent in %s and was in %s", uid, selection, old)

# SPDX-License-Identifier: MIT
"""The goals, and the table that is printed: medians, ratios with their range, goals beside their rows."""
import statistics

MAILBOX, BOX = "in the mailbox/s", "mailbox of 10,000"
# (section, title, unit), what is measured, how it must be, number, the goal in words
GOALS = [
    (("SMTP", "4 KB, 20 connections, one each", MAILBOX), "ratio", ">=", 6,
     "SMTP until durable in the mailbox, 4 KB, 20 connections, one message each: at least 6x Postfix + Dovecot"),
    (("SMTP", "4 KB, 100 connections, one each", MAILBOX), "ratio", ">=", 8,
     "the same at 100 connections: at least 8x"),
    (("limit", "20", "messages/s"), "share", ">=", 0.5,
     "at least half the rate of a bare program that only appends and group-commits"),
    *[goal for size in (4, 50) for n in (20, 100) for goal in (
        (("relay", f"{size} KB, {n} connections", "through/s"), "ratio", ">=", 4,
         f"relay, {size} KB, {n} connections: at least 4x Postfix"),
        (("relay", f"{size} KB, {n} connections", "CPU ms"), "ratio", ">=", 4, "with at most a quarter of its CPU"),
        (("relay", f"{size} KB, {n} connections", "PSS MB"), "ratio", ">=", 10, "and a tenth of its memory"))],
    (("IMAP mixed", "with logins, 10 clients", "commands/s"), "ratio to as packaged", ">=", 8,
     "IMAP, all kinds of commands with logins, 10 clients: at least 8x Dovecot as it is packaged"),
    (("IMAP mixed", "with logins, 50 clients", "commands/s"), "ratio to as packaged", ">=", 8, "the same with 50 clients"),
    (("IMAP mixed", "long sessions, 10 clients", "commands/s"), "ratio", ">=", 3, "in long sessions: at least 3x"),
    (("IMAP mixed", "long sessions, 50 clients", "commands/s"), "ratio", ">=", 3, "the same with 50 clients"),
    (("IMAP mixed", "login, SELECT, LOGOUT over TLS, 10 clients", "commands/s"), "ratio to as packaged", ">=", 5,
     "login, SELECT and LOGOUT over TLS, 10 clients: at least 5x Dovecot as it is packaged"),
    *[((BOX, title, "ms"), "ratio", ">=", want, f"a mailbox of 10,000 messages: {title}: at least {want}x Dovecot")
      for title, want in (("ENVELOPE BODYSTRUCTURE FLAGS UID SIZE, first", 10), ("THREAD REFERENCES, first", 10),
                          ("SORT DATE, first", 5), ("BODY.PEEK[] of all, first", 4),
                          ("ENVELOPE BODYSTRUCTURE FLAGS UID SIZE, again", 2), ("BODY.PEEK[] of all, again", 1.5),
                          ("SEARCH TEXT, rare, again", 20), ("COPY 2,000", 4), ("EXPUNGE 5,000", 4))],
    (("idle", "server", "MB PSS"), "value", "<=", 15, "idle: server under 15 MB PSS"),
    (("idle", "logged in, a connection", "KB PSS"), "value", "<=", 8,
     "an idle logged-in IMAP connection at most 8 KB plain, with 5,000 open"),
    (("idle", "logged in, TLS, a connection", "KB PSS"), "value", "<=", 24, "the same with TLS: at most 24 KB"),
    (("mailbox of 100,000", "SELECT p50, in use by another", "ms"), "value", "<=", 1,
     "a mailbox with 100,000 messages: SELECT at most 1 ms when in use by another session"),
    (("mailbox of 100,000", "SELECT, server just started", "ms"), "value", "<=", 10, "and 10 ms cold"),
    (("mailbox of 100,000", "FETCH 1:* (UID FLAGS)", "messages/s"), "value", ">=", 2_000_000,
     "FETCH 1:* (UID FLAGS) at least 2,000,000 messages/s"),
    (("mailbox of 100,000", "SEARCH TEXT, a rare word", "ms"), "value", "<=", 20,
     "SEARCH for a rare word in 100,000 messages at most 20 ms"),
    (("mailbox of 100,000", "SEARCH TEXT, a word in every message", "ms"), "value", "<=", 100,
     "and for one in every message 100 ms"),
    (("mailbox of 100,000", "STORE one, p50", "ms"), "value", "<=", 0.5, "STORE on one message at most 0.5 ms"),
    (("mailbox of 100,000", "SORT DATE", "ms"), "value", "<=", 100, "SORT by date of 100,000 at most 100 ms"),
    (("mailbox of 100,000", "THREAD REFERENCES", "ms"), "value", "<=", 300, "THREAD=REFERENCES of 100,000 at most 300 ms"),
    *[(("mailbox of 1,000,000", title, unit), "value", "<=", want, f"1,000,000 messages: {title}: at most {want} {unit}")
      for title, unit, want in (("SELECT, server just started", "ms", 20), ("SELECT, again", "ms", 1),
                                ("FETCH 1:* (UID FLAGS), first", "ms", 300), ("FETCH newest 50 envelopes", "ms", 2),
                                ("STORE one", "ms", 1), ("memory a message, 1 session", "bytes", 64),
                                ("memory a message, 50 sessions", "bytes", 64))],
]
US = "martlet"


def is_rate(unit):
    return unit.endswith("/s")


def number(value):
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def times_better(unit, ours, theirs):
    return ours / max(theirs, 1e-9) if is_rate(unit) else theirs / max(ours, 0.001)


def short(ratio):
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"


class Table:
    def __init__(self, samples):
        self.samples, self.goals_seen = samples, []

    def median(self, row, column):
        values = self.samples.get(row, {}).get(column)
        return statistics.median(values) if values else None

    def best_other(self, row):
        """The column that Martlet is compared with: the best of the others."""
        others = [c for c in self.samples[row] if c != US]
        return (max if is_rate(row[2]) else min)(others, key=lambda c: self.median(row, c)) if others else None

    def ratio(self, row, other=None):
        other = other or self.best_other(row)
        if other is None or US not in self.samples[row]:
            return None
        return times_better(row[2], self.median(row, US), self.median(row, other))

    def ratio_text(self, row):
        """Of the medians; in brackets the least and the greatest of the turns."""
        ratio = self.ratio(row)
        if ratio is None:
            return ""
        turns = [times_better(row[2], a, b)
                 for a, b in zip(self.samples[row][US], self.samples[row][self.best_other(row)])]
        return short(ratio) + (f" ({short(min(turns))} to {short(max(turns))})" if len(turns) > 1 else "")

    def goal_text(self, row, share=None):
        rows = [goal for goal in GOALS if goal[0] == row]
        if not rows and row[0] == BOX:
            rows = [(row, "ratio", ">=", 1, f"a mailbox of 10,000 messages: {row[1]}: never slower than Dovecot")]
        for _, what, how, want, text in rows:
            got = {"ratio": self.ratio(row), "share": share, "value": self.median(row, US)}.get(what)
            if what.startswith("ratio to "):
                got = self.ratio(row, what[9:]) if what[9:] in self.samples[row] else None
            if got is None:
                return ""
            reached = got >= want if how == ">=" else got <= want
            self.goals_seen.append((text, got, reached))
            return f"  goal {'at least' if how == '>=' else 'at most'} {want:,}: {'reached' if reached else 'MISSED'}"
        return ""

    # ---- parts ----

    def smtp(self):
        titles = dict.fromkeys(title for section, title, _ in self.samples if section == "SMTP")
        units = (MAILBOX, "until 250/s", "p50 ms", "p99 ms", "CPU ms", "load CPU ms", "PSS MB")
        if titles:
            print(f"\n{'SMTP delivery':34}{MAILBOX:>20}" + "".join(f"{u:>12}" for u in units[1:]))
        for title in titles:
            rows = [("SMTP", title, u) for u in units]
            print(title)
            for column in self.samples[rows[0]]:
                print(f"  {column:32}{number(self.median(rows[0], column)):>20}"
                      + "".join(f"{number(self.median(r, column)):>12}" for r in rows[1:]))
            if self.ratio(rows[0]) is not None:
                ratios = [f"{'' if r[2] == 'load CPU ms' else short(self.ratio(r)):>12}" for r in rows[1:]]
                print(f"  {'ratio':32}{self.ratio_text(rows[0]):>20}" + "".join(ratios) + self.goal_text(rows[0]))

    def limits(self):
        rows = [row for row in self.samples if row[0] == "limit"]
        if rows:
            print("\nLimits, 4 KB, one each, messages/s until 250; martlet again, measured beside them")
        for column, name in (("alone", "the limit: append, group commit, no network"),
                             ("bare", "the limit behind SMTP: that and the dialogue")):
            for row in rows:
                value, ours = self.median(row, column), self.median(row, US)
                line = f"  {name}, {row[1]} at once".ljust(58) + f"{number(value):>10}"
                if ours:
                    line += f"   martlet {number(ours):>7}: {ours / value:.0%} of it"
                    line += self.goal_text(row, ours / value) if column == "alone" else ""
                print(line)

    def plain(self, section):
        rows = [row for row in self.samples if row[0] == section]
        columns = list(dict.fromkeys(c for row in rows for c in self.samples[row]))
        print(f"\n{section:40}{'':13}" + "".join(f"{c:>18}" for c in columns) + "   ratio")
        for row in rows:
            print(f"  {row[1]:38}{row[2]:13}" + "".join(
                f"{number(self.median(row, c)) if c in self.samples[row] else '-':>18}" for c in columns)
                + f"   {self.ratio_text(row):18}" + self.goal_text(row))

    def print(self):
        self.smtp()
        self.limits()
        for section in dict.fromkeys(row[0] for row in self.samples if row[0] not in ("SMTP", "limit")):
            self.plain(section)
        print("\nratio: how many times better Martlet is than the best of the others (more a second, fewer ms, less "
              "memory); in brackets the least and the greatest of the turns")
        if self.goals_seen:
            print("\nGoals")
        for text, got, reached in self.goals_seen:
            print(f"  {'reached' if reached else 'MISSED':8} {number(got):>12}  {text}")

# SPDX-License-Identifier: MIT
"""The goals, and the table that is printed: medians, ratios with their range, goals beside their rows."""
import statistics

MAILBOX = "in the mailbox/s"
# (section, title, unit), what is measured, how it must be, number, the goal in words
GOALS = [
    (("SMTP", "4 KB, 20 connections, one each", MAILBOX), "ratio", ">=", 6,
     "SMTP until durable in the mailbox, 4 KB, 20 connections, one message each: at least 6x Postfix + Dovecot"),
    (("SMTP", "4 KB, 100 connections, one each", MAILBOX), "ratio", ">=", 8,
     "the same at 100 connections: at least 8x"),
    (("limit", "20", "messages/s"), "share", ">=", 0.5,
     "at least half the rate of a bare program that only appends and group-commits"),
    (("idle", "server", "MB PSS"), "value", "<=", 15, "idle: server under 15 MB PSS"),
    (("idle", "logged in, a connection", "KB PSS"), "value", "<=", 8,
     "an idle logged-in IMAP connection at most 8 KB plain, with 5,000 open"),
    (("idle", "logged in, TLS, a connection", "KB PSS"), "value", "<=", 24, "the same with TLS: at most 24 KB"),
    (("mailbox of 100,000", "SELECT p50, in use by another", "ms"), "value", "<=", 1,
     "a mailbox with 100,000 messages: SELECT at most 1 ms when in use by another session"),
    (("mailbox of 100,000", "SELECT, server just started", "ms"), "value", "<=", 10, "and 10 ms cold"),
    (("mailbox of 100,000", "FETCH 1:* (UID FLAGS)", "messages/s"), "value", ">=", 2_000_000,
     "FETCH 1:* (UID FLAGS) at least 2,000,000 messages/s"),
    (("mailbox of 100,000", "STORE one, p50", "ms"), "value", "<=", 0.5, "STORE on one message at most 0.5 ms"),
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

    def ratio(self, row):
        other = self.best_other(row)
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
        for at, what, how, want, text in GOALS:
            if at != row:
                continue
            got = {"ratio": self.ratio(row), "share": share, "value": self.median(row, US)}[what]
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

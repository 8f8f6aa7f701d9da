# SPDX-License-Identifier: MIT
"""One attack, once: the victim before, while and after, and what it cost the server."""

import time

from lab import Meter, Victim, medians

FLOOR_MS = 20


class Trial:
    """One attack, once: what was found wrong, and the numbers to print."""

    def __init__(self, lab, attack, n, seconds):
        self.lab, self.attack, self.n, self.seconds = lab, attack, n, max(seconds, attack.seconds)
        self.hard, self.slow, self.text = [], [], ""

    def run(self):
        lab, attack = self.lab, self.attack
        victim = Victim(lab.server)
        try:
            time.sleep(self.seconds)
            before, first = lab.numbers(), time.monotonic()
            meter, mark = Meter(lab.server.server_pid()), len(lab.server.log)
            with lab.attack(attack.run, self.n):
                begin = time.monotonic()
                time.sleep(self.seconds)
                end = time.monotonic()
            peak = meter.end()
            time.sleep(self.seconds / 2)
            calm = victim.between(0, first)[0]
            for kind, ms in victim.between(end + 1, time.monotonic())[0].items():
                calm[kind] += ms
            self.compare(calm, *victim.between(begin, end))
        finally:
            victim.end()
        self.costs(before, peak, len(lab.server.log) - mark)
        if attack.check:
            try:
                attack.check(lab)
            except (AssertionError, KeyError) as e:
                self.hard.append("%s: %s" % (attack.check.__name__, e))
        if lab.facts.get("trouble"):
            self.hard.append("the attacker: %s" % lab.facts["trouble"])
        return self

    def compare(self, calm, during, troubles):
        calm, now = medians(calm), medians(during)
        self.hard += ["the victim: %s" % x for x in troubles[:3]]
        self.text = "  ".join("%s %.1f->%s" % (k, calm[k] or 0, "%.1f" % now[k] if now[k] else "-") for k in calm)
        for kind, ms in now.items():
            if ms is None:
                self.slow.append("%s: the victim got nothing done in %.1f s" % (kind, self.seconds))
            elif calm[kind] and ms > 2 * calm[kind] + FLOOR_MS:
                self.slow.append("%s: %.1f ms instead of %.1f ms" % (kind, ms, calm[kind]))

    def costs(self, before, peak, lines):
        lab, attack, n = self.lab, self.attack, self.n
        grown, may = peak["kb"] - before["kb"], attack.slack_kb + n * attack.each_kb
        threads = peak["threads"] - before["threads"]
        after = lab.settled(before, attack.back_kb, 1 if lab.is_instrumented else 20)
        self.text += "  memory +%d KB (%.1f each), at the end %+d KB  threads +%d" % (
            grown, grown / max(n, 1), after["kb"] - before["kb"], threads)
        if threads > attack.threads:
            self.hard.append("%d threads more, %d would do" % (threads, attack.threads))
        if after["files"] > before["files"] + 32 and not lab.is_instrumented:
            self.hard.append("%d open files, %d before" % (after["files"], before["files"]))
        if attack.log_lines and lines > attack.log_lines * n + 1000:
            self.hard.append("%d lines of log for %d" % (lines, n))
        if lab.is_instrumented:
            return
        if grown > may:
            self.hard.append("%d KB more memory, %d are allowed" % (grown, may))
        if after["kb"] > before["kb"] + attack.back_kb:
            self.hard.append("%d KB are not given back" % (after["kb"] - before["kb"]))

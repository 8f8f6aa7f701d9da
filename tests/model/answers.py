# SPDX-License-Identifier: MIT
"""Answers of an IMAP server, taken apart: RFC 9051 4, 9. Sets of numbers."""

import re

from script import Actor

LITERAL = re.compile(r"~?\{(\d+)\}")


class Violation(AssertionError):
    """The server broke a promise; the text says which one."""


def quoted(text, at):
    """The string whose first quote stands at text[at], and where it ends."""
    out = []
    at += 1
    while text[at] != '"':
        at += text[at] == "\\"
        out.append(text[at])
        at += 1
    return "".join(out), at + 1


def atom_end(text, at):
    """The end of an atom, which may have a section: BODY[HEADER.FIELDS (SUBJECT)]."""
    depth = 0
    while at < len(text) and (depth or text[at] not in ' ()"'):
        depth += (text[at] == "[") - (text[at] == "]" and depth > 0)
        at += 1
    return at


def tokens(text, literals=()):
    """Atoms and strings as str, literals as bytes, lists as lists. `text` has {N} where a literal was."""
    waiting, at, stack = iter(literals), 0, [[]]
    while at < len(text):
        if text[at] == "(":
            stack.append([])
        elif text[at] == ")":
            if len(stack) < 2:
                raise Violation("not balanced: " + text)
            inner = stack.pop()
            stack[-1].append(inner)
        elif text[at] == '"':
            word, at = quoted(text, at)
            stack[-1].append(word)
            continue
        elif m := LITERAL.match(text, at):
            stack[-1].append(next(waiting))
            at = m.end()
            continue
        elif text[at] != " ":
            end = atom_end(text, at)
            stack[-1].append(text[at:end])
            at = end
            continue
        at += 1
    if len(stack) != 1:
        raise Violation("not balanced: " + text)
    return stack[0]


def pairs(words):
    """{name: value} of a list in which they take turns."""
    return {str(k): v for k, v in zip(words[::2], words[1::2])}


class Wire:
    """A connection that is logged in."""

    def __init__(self, server, login):
        self.actor = Actor(server, "imap")
        self.actor.login(login)

    def response(self):
        """A whole one: its text, and its literals, which the text has as {N}."""
        text, literals = self.actor.line(), []
        while m := re.search(r"\{(\d+)\}$", text):
            literals.append(self.actor.take(int(m.group(1))))
            text += self.actor.line()
        return text, literals

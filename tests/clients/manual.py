# SPDX-License-Identifier: MIT
"""
What `martlet help` tells of each command stands in the manual, which tells of no command, option or setting that is not there; help fits a
screen.
"""

import glob
import json
import os
import re

TOP = os.path.join(os.path.dirname(__file__), "..", "..")
MANUAL = os.path.join(TOP, "docs/martlet.1")
COMMON = {"--config", "--dir", "--json"}        # they have entries of their own, in OPTIONS
OF_OTHERS = {"-bs"}                             # of sendmail(1), refused


def plain(text):
    """Without the fonts and escapes of man(7)."""
    text = re.sub(r"\\f[A-Z]|\\f\[\w*\]", "", text)
    for mark, meaning in ((r"\-", "-"), (r"\ ", " "), (r"\(dq", '"'), (r"\(ti", "~"), (r"\&", "")):
        text = text.replace(mark, meaning)
    return text


def words_of(line):
    """The text of a line: of .BR and its like, whose arguments are joined."""
    macro = re.match(r"\.(B|I|BR|RB|BI|IB|RI|IR) (.*)", line)
    if not macro:
        return "" if line.startswith(".") else line
    parts = re.findall(r'"([^"]*)"|(\S+)', macro.group(2))
    return (" " if macro.group(1) in ("B", "I") else "").join(a or b for a, b in parts)


def section(name):
    with open(MANUAL, encoding="utf-8") as f:
        return plain(f.read()).split("\n.SH %s\n" % name)[1].split("\n.SH ")[0]


def entries(name):
    """Heading -> text of its .TP entries."""
    found = {}
    for entry in ("\n" + section(name)).split("\n.TP\n")[1:]:
        lines = [words_of(line) for line in entry.split("\n")]
        found[lines[0]] = " ".join(lines)
    return found


def help_of(server):
    """Name of each command -> its options, of those that have help of their own."""
    found = {}
    for line in server.command("help").stdout.splitlines():
        if not line.startswith("  martlet "):
            continue
        words = line.strip().split("  ")[0].split()[1:]
        name = " ".join(word for word in words if re.fullmatch("[a-z]+", word))
        parts = re.split(r"^martlet ", server.command("help", *name.split()).stdout, flags=re.M)
        text = next(part for part in parts if is_of(part.split("\n")[0], name))
        found[name] = set(re.findall(r"^  (--?[\w-]+)", text, re.M)) - COMMON
    return found


def is_of(heading, name):
    """Does an entry tell of the command? "domain add DOMAIN, domain list" tells of two; "check mx" is not "check"."""
    return any(re.match(re.escape(name) + r"( [^a-z]|$)", part) for part in re.split(", ?", heading))


def options_in(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*[a-z]|-[A-Za-z](?![\w-]))", text)) - COMMON


def test_each_command_is_in_the_manual_with_its_options(server):
    commands, headings = help_of(server), list(entries("COMMANDS"))
    assert len(commands) > 40, commands
    for name, options in commands.items():
        of_it = [heading for heading in headings if is_of(heading, name)]
        assert len(of_it) == 1, (name, of_it)
        if "," not in of_it[0]:
            assert options_in(of_it[0]) == options, (name, options ^ options_in(of_it[0]))
        assert options <= options_in(of_it[0]), (name, options - options_in(of_it[0]))


def test_the_manual_tells_of_nothing_else(server):
    commands = help_of(server)
    every = set().union(*commands.values())
    for heading, text in entries("COMMANDS").items():
        assert heading == "help [COMMAND]" or any(is_of(heading, name) for name in commands), heading
        unknown = options_in(text) - every
        assert unknown <= OF_OTHERS, "%s: no option %s" % (heading, ", ".join(sorted(unknown)))


def sources():
    text = ""
    for path in glob.glob(os.path.join(TOP, "src", "*", "*.c")):
        with open(path, encoding="utf-8") as f:
            text += f.read()
    return text


def test_settings_in_manual_and_readme_are_there(server):
    """Each word SECTION.KEY whose section there is is a setting, or an event of the log."""
    there = json.loads(server.command("config", "show", "--sample", "--json").stdout)
    events = set(re.findall(r'"([a-z]+\.[a-z-]+)"', sources()))
    for name, least in (("docs/martlet.1", 60), ("README.md", 8)):
        with open(os.path.join(TOP, name), encoding="utf-8") as f:
            words = set(re.findall(r"(?<![\w/.-])([a-z]+\.[a-z][a-z0-9_-]+)(?!\.?\w)", plain(f.read())))
        words = {word for word in words if word.split(".")[0] in there} - events
        assert len(words) >= least, words
        for word in sorted(words):
            assert word.split(".")[1] in there[word.split(".")[0]], name + ": " + word


def test_file_of_servers(server):
    """The example, pasted; and every key."""
    text = section("SERVERS")
    with open(os.path.join(TOP, "src/cli/profile.c"), encoding="utf-8") as f:
        keys = re.findall(r'\.key = "(\w+)"', f.read())
    assert len(keys) > 15 and all(re.search(r"\b%s\b" % key, text) for key in keys), [key for key in keys if key not in text]
    path = os.path.join(server.dir, "servers.ini")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.split(".nf\n")[1].split(".fi\n")[0].replace("pass show work", "false"))
    r = server.command("fetch", "--profiles", path)
    assert r.returncode == 2 and "password_command failed" in r.stderr, r.stderr


def test_help_fits_a_screen(server):
    """martlet help in 100 columns, that of each command in 80."""
    commands = server.command("help").stdout
    assert "martlet account add ADDRESS" in commands
    assert all(len(line) <= 100 for line in commands.splitlines()), commands
    for name in help_of(server):
        text = server.command("help", *name.split()).stdout
        assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines()), text

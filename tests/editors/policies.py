# SPDX-License-Identifier: Apache-2.0
"""The policies that the editors' grammars are tried on, and what the parser finds in them."""

import functools
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(os.environ.get("AUTHZ_SOURCE_ROOT", Path(__file__).resolve().parents[2]))
EDITORS = ROOT / "tools/editors"
KEYWORDS = os.environ.get("POLICY_KEYWORDS", ROOT / "build/tests/editors/policy_keywords")
AUTHZCHECK = os.environ.get("AUTHZCHECK", ROOT / "build/tools/authzcheck")
UNCLOSED = str(ROOT / "tests/editors/unclosed.policy")
DEADLINE = 600  # seconds: bounds a hang

# What the parser knows only to say that it is reserved. A new statement of the language is taken out here
# and added to each grammar.
RESERVED = {"lasts"}
WILDCARDS = {"*", "**"}
# Their looks are up to the editor.
OPERATORS = {"(", ")", "<", "<=", "=", ">", ">=", "|"}

# The lexer's tokens. A word may have strings in it, and after a slash a parameter.
TOKEN = re.compile(rb"""
    (?P<comment>\#[^\r\n]*)
    | (?P<brace>[{}]) | (?P<comma>,)
    | (?P<string>"(?:[^"\\\r\n]|\\.)*(?:"(?![^\s{},])|(?=[\r\n])))
    | (?P<word>(?:[^\s{},"\#] | "(?:[^"\\]|\\.)*" | (?<=/)\{[^\s{},"\#]+\})+)
""", re.VERBOSE)


@functools.cache
def files():
    """Every policy that the parser takes: the examples, the corpus, and what is hard for a grammar."""
    found = [*ROOT.glob("policy/examples/**/*.policy"), *ROOT.glob("tests/corpus/accept/**/*.policy"),
             ROOT / "tests/editors/names.policy"]
    return sorted(str(path) for path in found)


@functools.cache
def tokens(file):
    """(kind, first byte, end) of each token of a file."""
    text = Path(file).read_bytes()
    found = [(one.lastgroup, one.start(), one.end()) for one in TOKEN.finditer(text)]
    left = TOKEN.sub(b"", text).strip()
    if left:
        raise AssertionError(f"{file}: no token: {left[:40]}")
    return found


@functools.cache
def parser():
    """What the parser compares words with, and {file: {offset: word}} of those it found."""
    done = subprocess.run([KEYWORDS, *files()], stdout=subprocess.PIPE, text=True, check=True, timeout=DEADLINE)
    asked, found = set(), {file: {} for file in files()}
    for line in done.stdout.splitlines():
        words = line.split(" ")
        if words[0] == "asked":
            asked.add(words[1])
        else:
            file, offset, length = " ".join(words[:-2]), int(words[-2]), int(words[-1])
            found[file][offset] = Path(file).read_bytes()[offset:offset + length].decode()
    return asked, found


def keywords():
    """Every keyword of the language that is a word."""
    return parser()[0] - RESERVED - WILDCARDS - OPERATORS


def position(file, offset):
    """FILE:LINE: and the text there, for messages."""
    text = Path(file).read_bytes()
    line = text.count(b"\n", 0, offset) + 1
    word = text[offset:].split()[:1] or [b""]
    return f"{Path(file).relative_to(ROOT)}:{line}: {word[0].decode(errors='replace')}"

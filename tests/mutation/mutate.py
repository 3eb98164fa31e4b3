#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Changes one operator or statement at a time and reports which changes no test notices.

    tests/mutation/mutate.py [--check] [--list] [--seed N] [--count N] [--jobs N] [WORD...]

Mutants are generated from the present sources of daemon/decide, daemon/manage and daemon/write. The
choice is drawn by the seed, in turns from each file, so the same sources give the same mutants.
Copies the tree to a temporary folder, builds it, and for each mutant builds what it changed and runs
the tests that TESTS lists for its file until one fails. Only mutants whose names contain one of the
words, if any are given.

A survivor must be listed in EXPLAINED with the reason why no test can notice it. --list only prints
the chosen mutants. With --check nothing is built: each entry of EXPLAINED must still be a mutant of
the sources, and each test that TESTS names must exist; tools/check does this.

Prints TAP. Exit status 0 when every mutant was killed or is explained.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from explained import EXPLAINED  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("daemon/decide", "daemon/manage", "daemon/write")
COUNT = 50
SEED = 1
# A mutant that never answers is killed the sooner; ccache may take what another folder compiled.
ENVIRONMENT = {**os.environ, "AUTHZ_TEST_DEADLINE": "30", "CCACHE_NOHASHDIR": "1"}

# The longest beginning of a file's name decides which tests run, the likeliest to fail first. Unit
# tests and end to end tests of the same name both run.
TESTS = {
    "daemon/decide/": ("authorize", "explain", "quota", "actors", "keys", "tenants"),
    "daemon/decide/actor": ("actors", "actor_table", "tool_token", "gain", "tenants", "roles"),
    "daemon/decide/ask": ("ask", "authorize", "explain", "quota"),
    "daemon/decide/answer": ("authorize", "quota", "rotate", "explain", "roles"),
    "daemon/decide/decision": ("decision_log", "authorize", "config"),
    "daemon/decide/decision_event": ("watch", "policy_shadow"),
    "daemon/decide/decision_watch": ("watch", "policy_shadow"),
    "daemon/decide/explain": ("explain", "policy_tool", "tool"),
    "daemon/decide/subject": ("authorize", "keys", "import", "rotate", "tenants", "pepper",
                              "peer", "quota", "secrets", "audit_keys", "revocation"),
    "daemon/manage/": ("manage", "keys", "tool", "roles", "tenants", "actors"),
    "daemon/manage/assignments": ("manage", "gain", "roles", "tenants", "actors", "tool"),
    "daemon/manage/audit": ("audit", "trail", "log", "audit_keys", "tool"),
    "daemon/manage/custody": ("gain_time", "actors", "manage"),
    "daemon/manage/decisions": ("watch",),
    "daemon/manage/escalation": ("escalation", "gain", "gain_time", "actors", "actor_table",
                                 "manage", "roles"),
    "daemon/manage/grantor": ("escalation", "gain_time", "manage"),
    "daemon/manage/keys/audit": ("audit_keys", "tool"),
    "daemon/manage/keys/create": ("keys", "import", "rotate", "manage", "tenants", "gain"),
    "daemon/manage/keys/delete": ("lifecycle", "keys", "manage"),
    "daemon/manage/keys/import": ("import", "keys", "tenants"),
    "daemon/manage/keys/limits": ("keys", "rotate", "rotate_hard", "import", "manage"),
    "daemon/manage/keys/rotate": ("rotate", "rotate_hard", "tenants", "gain"),
    "daemon/manage/pepper": ("pepper", "tool"),
    "daemon/manage/permissions": ("explain", "gain", "tool", "policy_tool", "tenants", "authorize"),
    "daemon/manage/policy": ("reload", "policy_tool", "role_tool"),
    "daemon/manage/principals": ("manage", "keys", "lifecycle", "tenants", "tool", "actors"),
    "daemon/manage/retry": ("rotate", "import", "rotate_hard"),
    "daemon/manage/roles": ("roles", "role_tool", "gain", "tenants", "actors"),
    "daemon/manage/status": ("tool", "backup", "reload", "rotate", "pepper"),
    "daemon/manage/store": ("backup", "tool"),
    "daemon/write/audit": ("audit", "trail", "log", "manage", "rotate", "keys", "tenants"),
    "daemon/write/writer": ("writer", "env", "reserve", "durability", "usage", "revocation"),
}

# Nothing but a sanitizer, a full memory or a reader of the log sees that these are missing.
UNSEEN_CALLS = re.compile(
    r"(free|_unref|_finish|_destroy|_close|wipe|^log_\w+|^pthread_mutex_\w+)$")

BOUNDARY = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > "}
NEGATION = {" == ": " != ", " != ": " == ", " < ": " >= ", " >= ": " < ", " > ": " <= ",
            " <= ": " > ", " && ": " || ", " || ": " && "}
MATH = {" + ": " - ", " - ": " + ", " * ": " / ", " / ": " * ", " & ": " | ", " | ": " & ",
        " << ": " >> ", " >> ": " << ", " % ": " * ", " &= ": " |= ", " |= ": " &= "}
INCREMENT = {"++": "--", "--": "++", " += ": " -= ", " -= ": " += "}
RETURN = {"return 0;": "return -1;", "return r;": "return 0;", "return true;": "return false;",
          "return false;": "return true;"}
TABLES = (("boundary", BOUNDARY), ("negate", NEGATION), ("math", MATH), ("increment", INCREMENT),
          ("return", RETURN))


class Mutant(NamedTuple):
    file: str
    function: str
    operator: str
    line: int  # from 0
    old: str   # the whole line
    new: str

    @property
    def name(self):
        return (f"{self.file}: {self.function}: {self.operator}: "
                f"{self.old.strip()} -> {self.new.strip() or 'nothing'}")


# What can be changed


def mask(text):
    """The text with comments, strings and characters blanked, so that only code is left."""
    pattern = r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda found: re.sub(r"[^\n]", "_", found.group()), text, flags=re.DOTALL)


def variants(line, code):
    """(operator, the line changed) for each change that the line's code allows."""
    for operator, table in TABLES:
        # Of `r < 0 ? r : 0` the other boundary is the same.
        for old, new in table.items() if (operator, "? r : 0" in code) != ("boundary", True) else ():
            at = code.find(old)
            while at >= 0:
                yield operator, line[:at] + new + line[at + len(old):]
                at = code.find(old, at + 1)
    found = re.match(r"(\t+(?:\} else )?if \()([^&|=<>]*)(\) \{)$", code)
    if found and found.group(2).count("(") == found.group(2).count(")"):
        begin, end = found.span(2)
        yield "negate", f"{line[:begin]}!({line[begin:end]}){line[end:]}"
    found = re.match(r"\t+return -E(?!NOMEM)[A-Z0-9]+;$", code)
    if found:
        yield "return", re.sub(r"-E\w+", "0", line)
    found = re.match(r"\t+(?:\(void\))?([a-z]\w*)\(.*\);$", code)
    if found and not UNSEEN_CALLS.search(found.group(1)) and code.count("(") == code.count(")"):
        yield "call", ""


def mutants_of(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    function, inside, header = "", False, ""
    for number, (line, code) in enumerate(zip(text.split("\n"), mask(text).split("\n"))):
        if code == "{":
            inside = True
            found = re.findall(r"(\w+) ?\(", header)
            function = found[-1] if found else ""
        elif code.startswith("}"):
            inside, header = False, ""
        elif not inside:
            header = code if re.match(r"\w.*\(", code) else header
        elif function and not code.lstrip().startswith(("#", "case ")):
            for operator, changed in variants(line, code):
                yield Mutant(file, function, operator, number, line, changed)


def files():
    return sorted(str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("*.c"))


def choose(seed, count):
    """One mutant of each file in turn, until there are enough."""
    draw = random.Random(seed)
    piles = []
    for file in files():
        pile = list(mutants_of(file))
        draw.shuffle(pile)
        if pile:
            piles.append(pile)
    draw.shuffle(piles)
    chosen = []
    while len(chosen) < count and any(piles):
        chosen += [pile.pop() for pile in piles if pile]
    return chosen[:count]


def tests_for(file):
    return TESTS[max((prefix for prefix in TESTS if file.startswith(prefix)), key=len)]


# Running


class Tree:
    """A copy of the sources with a build of its own."""

    def __init__(self, folder):
        self.folder = folder
        names = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT,
                               capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.run("meson", "setup", "build", "-Dauto_features=enabled", check=True)
        self.run("ninja", "-C", "build", check=True)

    def run(self, *command, check=False):
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT,
                              errors="replace", check=False)
        if check and done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-4000:]}")
        return done.returncode, done.stdout

    def first_failure(self, tests):
        """The first test that fails, or None."""
        for test in tests:
            status, output = self.run("meson", "test", "-C", "build", "--no-rebuild",
                                      "--timeout-multiplier", "0.2", test)
            if status != 0:
                return test
        return None

    def try_one(self, mutant):
        """What came of it: the killing test, "does not build" or None."""
        path = self.folder / mutant.file
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        assert lines[mutant.line] == mutant.old
        lines[mutant.line] = mutant.new
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            if self.run("ninja", "-C", "build")[0] != 0:
                return "does not build"
            return self.first_failure(tests_for(mutant.file))
        finally:
            path.write_text(text, encoding="utf-8")


def is_explained(mutant):
    return (mutant.file, mutant.function, mutant.operator, mutant.old.strip(),
            mutant.new.strip()) in EXPLAINED


def run(chosen, spare, jobs):
    """Tries them all, in several trees at once, and a spare one for each that does not build; how
    many survived without an explanation."""
    lock = threading.Lock()
    left, counts = list(enumerate(chosen, 1)), {}

    def work(number):
        with tempfile.TemporaryDirectory(prefix=f"authz-mutation-{number}-") as folder:
            tree = Tree(Path(folder))
            while True:
                with lock:
                    if not left:
                        return
                    index, mutant = left.pop(0)
                begun = time.monotonic()
                killer = tree.try_one(mutant)
                seconds = time.monotonic() - begun
                with lock:
                    if killer == "does not build" and spare:
                        left.append((index, spare.pop(0)))
                    else:
                        report(index, mutant, killer, seconds, counts)

    print(f"1..{len(chosen)}", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, range(jobs)))
    print("# " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return counts.get("survived", 0)


def report(index, mutant, killer, seconds, counts):
    if killer == "does not build":
        what = "not viable"
    elif killer:
        what = "killed"
    else:
        what = "explained" if is_explained(mutant) else "survived"
    counts[what] = counts.get(what, 0) + 1
    by = f" by {killer}" if what == "killed" else ""
    print(f"{'not ok' if what == 'survived' else 'ok'} {index} - {mutant.name}\n"
          f"# {what}{by}, line {mutant.line + 1}, {seconds:.0f} s", flush=True)


def check():
    """Do the lists fit the sources?"""
    known = {(m.file, m.function, m.operator, m.old.strip(), m.new.strip())
             for file in files() for m in mutants_of(file)}
    listed = "".join((ROOT / "tests" / name / "meson.build").read_text(encoding="utf-8")
                     for name in ("e2e", "daemon"))
    good = {f"a mutant of the sources: {' | '.join(entry)}": entry in known for entry in EXPLAINED}
    for test in sorted({test for tests in TESTS.values() for test in tests}):
        good[f"a test: {test}"] = re.search(rf"['/]{test}'", listed) is not None
    for prefix in TESTS:
        good[f"a file of the sources: {prefix}"] = any(file.startswith(prefix) for file in files())
    good[f"{COUNT} mutants can be chosen"] = len(choose(SEED, COUNT)) == COUNT
    print(f"1..{len(good)}")
    for number, (what, is_so) in enumerate(good.items(), 1):
        print(f"{'ok' if is_so else 'not ok'} {number} - {what}")
    return all(good.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--check", action="store_true", help="build nothing, look at the lists")
    parser.add_argument("--list", action="store_true", help="print the chosen mutants")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--jobs", type=int, default=1, help="trees that are built and tested at once")
    options = parser.parse_args()
    if options.check:
        return 0 if check() else 1
    spare = choose(options.seed, 2 * options.count)
    chosen, spare = spare[:options.count], spare[options.count:]
    if options.words:
        chosen = [mutant for mutant in chosen if any(word in mutant.name for word in options.words)]
        spare = []
    if options.list:
        for mutant in chosen:
            print(f"{mutant.file}:{mutant.line + 1}: {mutant.function}: {mutant.operator}\n"
                  f"-{mutant.old}\n+{mutant.new}")
        return 0
    return 1 if run(chosen, spare, options.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What authzcheck takes for a policy in a folder: for tests/bench/run --policies.

Two policies: the API of GitHub as `policy import-openapi` writes it, with 200 roles, and the large one of W4. Each
command is a whole process; beside its time stand the seconds of a core and the memory that it took. Of the language
server it is the time from a keystroke to its diagnostics. Last, 10,000 grants on conditions, beside as many without:
bench-compile takes only the time of a core that pol_compile takes.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import editor
import workload

ROOT = Path(__file__).resolve().parents[2]
OPENAPI = ROOT / "tests/openapi/node_modules/@octokit/openapi/generated/api.github.com.json"
ROLES, GRANTS = 200, 12
KEYSTROKES = 20
# (milliseconds, MiB): of each command on the API, and of some on the large policy
GOALS = {("api", None): (100, None), ("large", "diff"): (1000, 300),
         ("api", "keystroke"): (50, None), ("large", "keystroke"): (50, None)}
CONDITIONS = (0, 14, 4096)  # different ones in 10,000 grants; 4,096 is the bound
COMPILED = 31  # turns, of some milliseconds each
CONDITIONS_GOAL = 1.3  # times as many without


def write(folder, files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def paths_of(file):
    """In a process of its own: what reading takes would count as memory of every process that is begun later."""
    program = "import json, sys; print(*json.load(open(sys.argv[1]))['paths'], sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


def patterns_of(paths):
    """One for each path that ends with a word: a parameter at the end may be one that takes several segments."""
    plain = [path for path in paths if re.fullmatch(r"(/([\w-]+|\{[\w-]+\}))*/[\w-]+", path)]
    return ["api:" + re.sub(r"\{[^}]*\}", "*", path) for path in plain]


def api(tool, folder):
    """The policy of the API, and the same with one grant less in every role."""
    if not OPENAPI.is_file():
        sys.exit("the description of GitHub's API is not there: run tools/setup")
    tree = subprocess.run([tool, "policy", "import-openapi", OPENAPI, "--tree", "api"], capture_output=True, text=True,
                          check=True).stdout
    patterns = patterns_of(paths_of(OPENAPI))

    def roles(grants):
        texts = []
        for number in range(ROLES):
            lines = [f"\tallow all on {patterns[(number * 37 + grant * 61) % len(patterns)]}" for grant in range(grants)]
            texts.append(f"role r{number:03} {{\n" + "\n".join(lines) + "\n}\n")
        return "\n".join(texts)

    return [write(folder / f"api-{grants}", {"tree.policy": tree, "roles.policy": roles(grants)})
            for grants in (GRANTS, GRANTS - 1)]


def large(folder):
    collections, roles, grants = workload.SIZES["large"]
    files = workload.policy(collections, roles, grants)
    changed = {name: text.replace("\tallow GET on", "\tallow POST on", 1) for name, text in files.items()}
    return [write(folder / "large", files), write(folder / "large-changed", changed)]


def commands(before, after):
    return {
        "check": ["check", before], "test": ["test", before], "diff": ["diff", before, after],
        "show": ["show", before, "--role", "r000" if "api" in before.name else "r00000"],
        "lint": ["lint", before], "fmt": ["fmt", "--check", before],
    }


def once(tool, words):
    """Milliseconds, milliseconds of a core, MiB."""
    begun = time.perf_counter()
    process = subprocess.Popen([tool, "policy", *map(str, words)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    taken = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 and words[0] not in ("diff", "lint", "fmt"):
        sys.exit(f"policy {' '.join(map(str, words))}: exit {process.returncode}")
    return 1000 * taken, 1000 * (used.ru_utime + used.ru_stime), used.ru_maxrss / 1024


def keystrokes(folder):
    """Milliseconds from each keystroke in the largest file to its diagnostics, when nothing else is under way."""
    path = max(folder.glob("*.policy"), key=lambda one: one.stat().st_size)
    text = path.read_text(encoding="utf-8")
    line = text[:text.index("\n", len(text) // 2)].count("\n") + 1
    user = editor.Editor()
    taken = []
    try:
        user.ask("initialize", capabilities={}, rootUri=folder.as_uri())
        user.tell("initialized")
        user.tell("textDocument/didOpen", textDocument={
            "uri": path.as_uri(), "languageId": "authz-policy", "version": 1, "text": text})
        user.diagnostics(path.as_uri())
        at = {"line": line, "character": 0}
        for version in range(2, 2 + KEYSTROKES):
            begun = time.perf_counter()
            user.tell("textDocument/didChange", textDocument={"uri": path.as_uri(), "version": version},
                      contentChanges=[{"range": {"start": at, "end": at}, "text": "#"}])
            user.diagnostics(path.as_uri())
            taken.append(1000 * (time.perf_counter() - begun))
    finally:
        user.close()
    return taken


def row(policy, what, taken, core, memory):
    most, most_memory = GOALS.get((policy, what)) or GOALS.get((policy, None)) or (None, None)
    goal = f"≤ {most} ms" if most else "–"
    goal += f", ≤ {most_memory} MiB" if most_memory else ""
    met = "" if not most else "yes" if taken <= most and (not most_memory or memory <= most_memory) else "**no**"
    cells = [f"{core:.0f} ms", f"{memory:.0f} MiB"] if core is not None else ["–", "–"]
    return f"| {policy}: {what} | {taken:.1f} ms | {cells[0]} | {cells[1]} | {goal} | {met} |"


def conditions(bench, folder):
    """Rows for 10,000 grants, without conditions and with few or many different ones: compiled alone, in turns."""
    paths = []
    for count in CONDITIONS:
        paths.append(folder / f"conditions-{count}.policy")
        paths[-1].write_text(workload.grants_text(count), encoding="utf-8")
    done = subprocess.run([bench, str(COMPILED), *paths], capture_output=True, text=True, check=True)
    plain, *others = json.loads(done.stdout)
    rows = [f"| compile 10,000 grants | {statistics.median(plain):.1f} ms | – | – | – |  |"]
    for count, took in zip(CONDITIONS[1:], others):
        ratio = statistics.median(mine / base for mine, base in zip(took, plain))
        met = "yes" if ratio <= CONDITIONS_GOAL else "**no**"
        rows.append(f"| compile 10,000 grants on {count:,} conditions | {statistics.median(took):.1f} ms, {ratio:.2f} x "
                    f"| – | – | ≤ {CONDITIONS_GOAL} x | {met} |")
    return rows


def measure(tool, bench, options):
    lines = ["| what | time | of a core | memory | goal | reached |", "| --- | --- | --- | --- | --- | --- |"]
    folder = Path(tempfile.mkdtemp(prefix="authz-bench-"))
    try:
        for policy, (before, after) in {"api": api(tool, folder), "large": large(folder)}.items():
            for what, words in commands(before, after).items():
                runs = [once(tool, words) for _ in range(options.turns)]
                lines.append(row(policy, what, *(statistics.median(column) for column in zip(*runs))))
            lines.append(row(policy, "keystroke", statistics.median(keystrokes(before)), None, None))
        lines += conditions(bench, folder)
    finally:
        shutil.rmtree(folder)
    return "\n".join(lines)

# SPDX-License-Identifier: Apache-2.0
"""The console with 10,000 keys: for tests/bench/run --console.

From the beginning of the navigation until the first rows of keys are painted, in Debian's Chromium, which shares the
cores with the daemon and with `authzcheck console`; the bytes of the page, and the memory of the program that serves it.
"""

import json
import os
import statistics
from importlib.machinery import SourceFileLoader
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "console" / "pages"
GOALS = {"paint": ("from the navigation to the first rows, 10,000 keys", "ms", 1000),
         "size": ("the page, compressed", "KiB", 150),
         "memory": ("the program, after ten thousand keys", "MiB", 20),
         "most": ("the program, at most", "MiB", None)}


def measure(build, options):
    """A table of the figures."""
    os.environ["AUTHZ_BENCH_TURNS"] = str(options.turns)
    run = SourceFileLoader("console_pages", str(PAGES / "run")).load_module()
    run.harness.AUTHZD = str(build / "daemon" / "authzd")
    status, output = run.run_file(PAGES / "bench.mjs", str(build / "tools" / "authzcheck"))
    found = [line for line in output.splitlines() if line.startswith("# figures ")]
    assert status == 0 and len(found) == 1, output
    figures = json.loads(found[0].removeprefix("# figures "))
    figures["paint"] = statistics.median(figures["paint"])
    lines = ["| what | measured | goal | reached |", "| --- | --- | --- | --- |"]
    for name, (what, unit, goal) in GOALS.items():
        value = figures[name]
        met = "" if goal is None else "yes" if value <= goal else "**no**"
        lines.append(f"| {what} | {value:.4g} {unit} | {'–' if goal is None else f'≤ {goal}'} | {met} |")
    return "\n".join(lines)

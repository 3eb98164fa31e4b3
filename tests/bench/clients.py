# SPDX-License-Identifier: Apache-2.0
"""What a decision costs in each language: for tests/bench/run --clients.

A program in each language asks W1 of the daemon with its client, and beside it makes a round trip with its msgpack
and a socket alone, to the echo and to the daemon, in turns. Servers on one core, the program on another.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GOAL = 1.3


def build_go():
    """The program in Go, with Debian's msgpack."""
    program = ROOT / "build-bench/ask-go"
    subprocess.run([ROOT / "tests/conformance/go/build.sh", "go", ROOT / "client/go", HERE / "clients/ask.go", program],
                   check=True)


def programs(wanted):
    """{language: command} of those that are wanted, or of all."""
    known = {
        "Python": ["/usr/bin/python3", HERE / "clients/ask.py"],
        "asyncio": ["/usr/bin/python3", HERE / "clients/ask_async.py"],
        "Node": ["node", HERE / "clients/ask.mjs"],
        "PHP": ["php", "-d", "msgpack.php_only=0", HERE / "clients/ask.php"],
        "Go": [ROOT / "build-bench/ask-go"],
    }
    found = {name: command for name, command in known.items() if not wanted or name in wanted}
    if "Node" in found and not (ROOT / "client/node/node_modules").is_dir():
        sys.exit("Node's client has no msgpack: run tools/setup, or name the other languages after --clients")
    if "Go" in found:
        build_go()
    return found


def measure(running, echo, params, options):
    """The table; `options` has the languages, turns, seconds and the core of the client."""
    lines = ["| language | bare, to the echo | bare, to authzd | the client | beside the echo | goal | reached "
             "| beside bare |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for language, command in programs(options.clients).items():
        done = subprocess.run(
            ["taskset", "-c", str(options.client_cpu), *map(str, command), str(running.socket), str(echo.socket),
             json.dumps(params), str(options.turns), str(options.seconds)],
            stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        echoed, bare, client = (statistics.median(found[name]) for name in ("echo", "bare", "client"))
        ratio = statistics.median(mine / other for mine, other in zip(found["client"], found["echo"]))
        beside = statistics.median(mine / other for mine, other in zip(found["client"], found["bare"]))
        met = "yes" if ratio <= GOAL else "**no**"
        lines.append(f"| {language} | {echoed:.1f} us | {bare:.1f} us | {client:.1f} us | {ratio:.2f} "
                     f"| ≤ {GOAL} | {met} | {beside:.2f} |")
    return "\n".join(lines)

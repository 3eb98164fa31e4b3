# SPDX-License-Identifier: Apache-2.0
"""How many instructions a decision takes: for tests/bench/run --instructions.

The daemon runs under valgrind's callgrind, which counts the same on each machine and beside any other work, but knows
neither the kernel nor the caches. Only the thread that answered counts, from the first request after those that warmed
it up.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import msgpack
import workload

KEYS = 640
COUNTED = 64  # requests
MANY = 64     # entries of authorize_many


def packed(params, method="authorize"):
    return msgpack.packb([0, workload.FIRST_ID, method, [params]])


def many(entries, **shared):
    return packed({**shared, "requests": entries}, "authorize_many")


def paths(count, **who):
    return [{**who, **workload.ASKED, "path": f"/loans/{100 + number}/payments"} for number in range(count)]


def questions(principal, tokens):
    """{name: (requests that are asked one after the other, decisions of each)}"""
    named = {"principal": principal, **workload.ASKED}
    by_token = [packed({"token": token, **workload.ASKED}) for token in tokens[:COUNTED]]
    return {
        "W1": ([packed(named)], 1),
        "W2": ([packed({"principal": principal, **workload.DENIED})], 1),
        "W3-hot": (by_token, 1),
        "W1, 64 outstanding": ([packed(named) * MANY], MANY),
        "W3-hot, 64 outstanding": ([b"".join(by_token)], MANY),
        "authorize_many of 64, W1": ([many([named] * MANY)], MANY),
        "the same, each another path": ([many(paths(MANY, principal=principal))], MANY),
        "the same, of one token that all share": ([many(paths(MANY), token=tokens[0])], MANY),
        "W1 with eight facts, authorize_many of 64": ([many([{**named, "facts": workload.FACTS}] * MANY)], MANY),
    }


class Counted:
    """A daemon under callgrind."""

    def __init__(self, authzd, preload, folder):
        self.folder = Path(folder)
        self.dumps = 0
        harness.AUTHZD = str(authzd)
        self.daemon = harness.Daemon(
            workload.policy(*workload.SIZES["small"]), "--workers", "1", "--no-confinement",
            prefix=("env", f"LD_PRELOAD={preload}", "valgrind", "--tool=callgrind", "--separate-threads=yes",
                    f"--callgrind-out-file={self.folder}/out"))
        self.client = harness.Client(self.daemon.socket)

    def ask(self, request):
        """Sends the bytes and reads until as many messages have come back as they hold."""
        unpacker, answers = msgpack.Unpacker(), msgpack.Unpacker(raw=False)
        unpacker.feed(request)
        left = sum(1 for _ in unpacker)
        self.client.send_bytes(request)
        while left > 0:
            answers.feed(self.client.socket.recv(1 << 20))
            for _, _, error, _ in answers:
                if error is not None:
                    sys.exit(f"the daemon answered {error}")
                left -= 1

    def control(self, option):
        subprocess.run(["callgrind_control", option, str(self.daemon.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def dump(self):
        self.control("-d")
        self.dumps += 1
        found = harness.wait_until(lambda: [match for match in (
            re.search(r"^(?:totals|summary): (\d+)", path.read_text(errors="replace"), re.M)
            for path in self.folder.glob(f"out.{self.dumps}-*")) if match], what="a dump of callgrind")
        return max(int(match[1]) for match in found)

    def count(self, requests, decisions):
        """Instructions of the worker for each decision."""
        for request in requests * 2:
            self.ask(request)
        self.control("-z")
        asked = requests * (COUNTED // len(requests))
        for request in asked:
            self.ask(request)
        return self.dump() / len(asked) / decisions


def measure(programs, preload, say):
    """The table: programs is {name: its path}."""
    if not (shutil.which("valgrind") and shutil.which("callgrind_control")):
        sys.exit("valgrind is needed")
    os.environ.setdefault("AUTHZ_TEST_DEADLINE", "600")
    found = {}
    for name, authzd in programs.items():
        with tempfile.TemporaryDirectory(prefix="authz-bench-") as folder:
            counted = Counted(authzd, preload, folder)
            ids, tokens = workload.fill(counted.client, KEYS, say)
            found[name] = {what: counted.count(*question) for what, question in questions(ids[0], tokens).items()}
            counted.client.close()
            counted.daemon.finish()
    lines = ["| instructions a decision | " + " | ".join(found) + " |", "| --- |" + " --- |" * len(found)]
    for what in next(iter(found.values())):
        lines.append(f"| {what} | " + " | ".join(f"{counts[what]:,.0f}" for counts in found.values()) + " |")
    return "\n".join(lines)

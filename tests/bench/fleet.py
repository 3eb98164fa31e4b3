# SPDX-License-Identifier: Apache-2.0
"""A store that several hosts share, beside bare PostgreSQL: for tests/bench/run --fleet.

Three daemons and a PostgreSQL of their own on this machine, its files and theirs on the same disk. A
change (changes.c) is measured beside one INSERT of as many bytes by libpq (fleet.c), changes that are sent
together beside INSERTs of as many rows in one statement, in turns of the same run. Then the time until the last host
goes by a change, for three daemons and for simulated hosts (fleet.c).
"""

import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests")]

import harness  # noqa: E402
import people  # noqa: E402
import postgres  # noqa: E402
import shared  # noqa: E402

BYTES = 700  # of a row's payload, as a key that is enabled or disabled makes
TOGETHER = 64
IMPORTED = 100_000
SIMULATED = (3, 100, 1000)
POLICY = people.POLICY + "\nrole boss { allow all on api:/** }\n"

GOALS = {
    ("fleet", "one"): ("most", None, 1.3), ("fleet", "many"): ("least", None, 0.6),
    ("fleet", "beside"): ("most", None, 250),
    ("fleet", "daemons"): ("most", None, 50), ("fleet", "simulated-3"): ("most", None, 50),
    ("fleet", "simulated-1000"): ("most", None, 500),
}


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Bed:
    def __init__(self, build):
        self.programs = build / "tests" / "bench"
        # On the disk that the daemons use, too: in memory a commit would cost nothing.
        postgres.MEMORY = tempfile.gettempdir()
        self.servers = postgres.Servers()
        self.server = self.servers.make({"max_connections": "60"})
        self.hosts = []
        first = self.host("h1")
        place = first.call("store.share")["as_of"]
        for name in ("h2", "h3"):
            self.host(name, first).call("store.join", at=place)
        self.clients = [host.client() for host in self.hosts]

    def host(self, name, like=None):
        host = shared.Host(name, self.server.conninfo(), {"a.policy": POLICY}, like.secrets() if like else None)
        self.hosts.append(host)
        host.await_connected()
        return host

    def run(self, program, *arguments):
        done = subprocess.run([str(word) for word in (self.programs / program, *arguments)], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return json.loads(done.stdout)

    def bare(self, what, *arguments):
        return self.run("bench-fleet", what, self.server.conninfo(), *arguments)

    def changes(self, outstanding, seconds, keys):
        """Keys are disabled and enabled on the first host."""
        return self.run("bench-changes", self.hosts[0].socket, outstanding, seconds, *(key["id"] for key in keys))

    def keys(self, count):
        return self.clients[0].call_many([("keys.create", {"roles": ["viewer"]})] * count)

    def finish(self):
        for host in self.hosts:
            host.finish()
        self.servers.close()


def import_keys(bed):
    """100,000 keys on the second host, until it is ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    client = bed.hosts[1].client()
    client.call_many([("keys.create", {"roles": ["viewer"]})] * IMPORTED, window=500)
    os._exit(0)


def beside_import(bed, keys):
    """The times of revocations on the first host meanwhile, in ms, and the keys a second that were imported."""
    child = multiprocessing.get_context("fork").Process(target=import_keys, args=(bed,))
    begin = time.monotonic()
    child.start()
    times, client = [], bed.clients[0]
    while keys and child.is_alive():
        sent = time.perf_counter()
        client.call("keys.revoke", id=keys.pop()["id"])
        times.append(1000 * (time.perf_counter() - sent))
        time.sleep(0.05)
    child.join()
    return times, IMPORTED / (time.monotonic() - begin)


def until_denied(bed, keys):
    """From the answer of a revocation until the last of the other hosts denies, in ms."""
    times = []
    for key in keys:
        asked = {"token": key["secret"], "method": "GET", "path": "/loans"}
        for client in bed.clients[1:]:
            harness.wait_until(lambda client=client: client.call("authorize", **asked)["allow"], what="an allow")
        bed.clients[0].call("keys.revoke", id=key["id"])
        answered = time.perf_counter()
        for client in bed.clients[1:]:
            while client.call("authorize", **asked)["allow"]:
                pass
        times.append(1000 * (time.perf_counter() - answered))
    return times


def measure_changes(figures, bed, options):
    keys = bed.keys(TOGETHER * 4)
    rows = {"one": [], "many": []}
    for _ in range(options.turns):
        bare = bed.bare("bare", BYTES, options.seconds)
        rows["one"].append((bare["p50"], bed.changes(1, options.seconds, keys)["p50"]))
        bare = bed.bare("rows", BYTES, TOGETHER, options.seconds)
        rows["many"].append((bare["rate"], bed.changes(TOGETHER, options.seconds, keys)["rate"]))
    for what, key, unit in (("a change, p50, beside one INSERT", "one", "ms"),
                            (f"changes, {TOGETHER} outstanding, beside INSERTs of {TOGETHER} rows", "many", "/s")):
        base, mine = (statistics.median(values) for values in zip(*rows[key]))
        figures.add(what, base, mine, ("fleet", key), statistics.median(b / a for a, b in rows[key]), unit)


def measure(figures, build, options):
    """Rows for the table of tests/bench/run."""
    bed = Bed(build)
    try:
        measure_changes(figures, bed, options)
        times = until_denied(bed, bed.keys(300))
        figures.add("from a revocation's answer until the last of 3 hosts denies, p99", None, percentile(times, 0.99),
                    ("fleet", "daemons"), percentile(times, 0.99), "ms")
        times, imported = beside_import(bed, bed.keys(5000))
        figures.add(f"a revocation beside an import of {IMPORTED:,} keys on another host ({imported:,.0f} a second), p99",
                    None, percentile(times, 0.99), ("fleet", "beside"), percentile(times, 0.99), "ms")
    finally:
        bed.finish()
    with postgres.Servers() as servers:
        for count in SIMULATED:
            server = servers.make({"max_connections": str(count + 50), "shared_buffers": "64MB"})
            done = subprocess.run([build / "tests" / "bench" / "bench-fleet", "hosts", server.conninfo(), str(count),
                                   str(10 * options.seconds)], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(done.stderr)
            found = json.loads(done.stdout)
            server.kill()
            figures.add(f"from an append's answer until the last of {count:,} simulated hosts has read it, p99",
                        None, found["p99"], ("fleet", f"simulated-{count}"), found["p99"], "ms")

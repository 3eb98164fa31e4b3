# SPDX-License-Identifier: Apache-2.0
"""How long a revocation takes while others flood the daemon with changes: for tests/bench/run --floods.

One client revokes keys one after the other, as a user of its own; another process floods. What is
measured is the time from a revocation's request to its answer.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
import people  # noqa: E402

POLICY = people.POLICY + """
role boss { allow all on authz:/keys/**, authz:/principals/**, authz:/assignments, authz:/roles/**
    allow all on api:/** }
"""

GOAL_MS = 50
PAUSE_S = 0.005  # between two revocations
LEAST = 3  # revocations of a flood, however long they take
WINDOW = 500  # requests of the flood without an answer
CHAIN = 1000
FLOODER, REVOKER = 1, 2  # uids


class Bed:
    """A daemon, a token that may do everything, and keys to revoke."""

    def __init__(self, program, keys):
        self.folder = tempfile.TemporaryDirectory(prefix="authz-floods-")
        path = Path(self.folder.name)
        path.chmod(0o711)
        harness.AUTHZD = str(program)
        self.daemon = harness.Daemon({"a.policy": POLICY}, folder=path)
        self.daemon.socket.chmod(0o666)
        self.client = self.daemon.client()
        call = self.client.call
        call("principals.create", id="boss")
        call("assignments.create", principal="boss", role="boss")
        self.token = call("keys.create", principal="boss")["secret"]
        self.keys = [made["id"] for made in self.many("keys.create", [{"roles": ["viewer"]}] * keys)]

    def many(self, method, params):
        return self.client.call_many([(method, one) for one in params])

    def connect(self, uid):
        with people.as_user(uid):
            return harness.Client(self.daemon.socket)

    def finish(self):
        self.daemon.finish()
        self.folder.cleanup()


# --- the floods: each prepares, and gives the requests as an endless series of (method, params)


def nothing(_bed):
    return None


def creations(bed):
    return lambda at: ("keys.create", {"roles": ["viewer"], "token": bed.token})


def revocations(bed):
    key = bed.many("keys.create", [{"roles": ["viewer"]}] * 20000)
    return lambda at: ("keys.revoke", {"id": key[at % 20000]["id"], "token": bed.token})


def garbage(_bed):
    token = "liq_live_" + "x" * 48
    return lambda at: ("keys.create", {"roles": ["viewer"], "token": token})


def chain(bed):
    bed.many("roles.create", [{"name": f"r{at}", "grants": ["allow GET on api:/health"]}
                              for at in range(CHAIN, 0, -1)])
    for at in range(CHAIN, 1, -1):
        bed.client.call("roles.update", name=f"r{at}", inherits=[f"r{at - 1}"])
    return lambda at: ("roles.update", {"name": "r1", "description": str(at), "token": bed.token})


def deletions(bed):
    """Principals with 40,000 keys, twice, as many as fit the time of the measurement."""
    for name in ("one", "two"):
        bed.client.call("principals.create", id=name)
        bed.many("keys.create", [{"principal": name}] * 40000)
    return lambda at: ("principals.delete", {"id": ("one", "two")[at % 2], "token": bed.token})


def walks(bed):
    """A role whose every change has the 40,000 keys of its tenant looked at."""
    bed.many("keys.create", [{"roles": ["viewer"]}] * 40000)
    bed.client.call("roles.create", name="walked", inherits=["viewer"])
    return lambda at: ("roles.update", {
        "name": "walked", "inherits": [("viewer", "clerk")[at % 2]], "token": bed.token})


def issues(bed):
    """Creations for a principal with 40,000 revoked keys."""
    bed.client.call("principals.create", id="revoked")
    made = bed.many("keys.create", [{"principal": "revoked"}] * 40000)
    bed.many("keys.revoke", [{"id": key["id"]} for key in made])
    bed.daemon.write("limits.policy", "limits { keys_per_principal 1000000 }\n")
    bed.client.call("policy.reload")
    return lambda at: ("keys.create", {"principal": "revoked", "token": bed.token})


FLOODS = {
    "no flood": nothing,
    "creations with a token": creations,
    "revocations of another user": revocations,
    "creations without a token": garbage,
    f"updates of the first of {CHAIN:,} roles in a chain": chain,
    "deletions of principals with 40,000 keys": deletions,
    "updates of a role, in a tenant with 40,000 keys": walks,
    "creations for a principal with 40,000 revoked keys": issues,
}


def flood(bed, request):
    """Keeps WINDOW requests outstanding, until it is ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    client = bed.connect(FLOODER)
    at = answered = 0
    while True:
        while at - WINDOW < answered:
            client.send(*request(at))
            at += 1
        if client.receive_message() is None:
            os._exit(1)
        answered += 1


def revoke(bed, seconds):
    """The times of revocations, in ms."""
    client = bed.connect(REVOKER)
    times = []
    end = time.monotonic() + seconds
    while bed.keys and (time.monotonic() < end or len(times) < LEAST):
        begin = time.perf_counter()
        client.call("keys.revoke", id=bed.keys.pop(), token=bed.token)
        times.append(1000 * (time.perf_counter() - begin))
        time.sleep(PAUSE_S)
        if time.monotonic() > end + 20:
            break
    client.close()
    return sorted(times)


def measure_flood(program, name, seconds):
    """(p50, p99, max, count) of revocations during one flood; times in ms."""
    bed = Bed(program, 4000)
    try:
        request = FLOODS[name](bed)
        child = None
        if request is not None:
            child = multiprocessing.get_context("fork").Process(target=flood, args=(bed, request))
            child.start()
            time.sleep(0.5)  # the flood fills its window
        times = revoke(bed, seconds)
        if child is not None:
            child.terminate()
            child.join()
    finally:
        bed.finish()
    return times[len(times) // 2], times[int(len(times) * 0.99)], times[-1], len(times)


def measure(programs, seconds, say):
    """A table in Markdown: a row for each flood, three columns for each {title: program}."""
    lines = ["| while others send | " + " | ".join(
        f"{title}: p50 | p99 | revocations" for title in programs) + " |",
        "| --- |" + " --- | --- | --- |" * len(programs)]
    for name in FLOODS:
        row = [name]
        for title, program in programs.items():
            say(f"{title}: {name}")
            p50, p99, _, count = measure_flood(program, name, seconds)
            row += [f"{p50:,.1f} ms", f"{p99:,.1f} ms", str(count)]
        lines.append("| " + " | ".join(row) + " |")
        say(lines[-1])
    return "\n".join(lines)

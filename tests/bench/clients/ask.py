#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python's client and a bare round trip, in turns: see ../clients.py."""

import json
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "client" / "python"))
import authz  # noqa: E402
import msgpack  # noqa: E402

FIRST_ID = 0x10000  # ids from here on have one width


def bare(path, params):
    """A function that asks once: what msgpack and a socket alone take."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    number = FIRST_ID

    def ask():
        nonlocal number
        number += 1
        connection.sendall(msgpack.packb([0, number, "authorize", [params]]))
        unpacker = msgpack.Unpacker(raw=False)
        while True:
            unpacker.feed(connection.recv(1 << 16))
            for answer in unpacker:
                return answer[3]["allow"]
    return ask


def turn(ask, seconds):
    """The median time of a call in one turn, in microseconds."""
    taken = []
    begun = now = time.perf_counter()
    while now - begun < seconds:
        before = now
        if not ask():
            sys.exit("denied")
        now = time.perf_counter()
        taken.append(now - before)
    return statistics.median(taken) * 1e6


def main(daemon, echo, params, turns, seconds):
    client = authz.Client(daemon)
    asks = {"echo": bare(echo, params), "client": lambda: bool(client.check(**params)), "bare": bare(daemon, params)}
    found = {name: [] for name in asks}
    for _ in range(turns):
        for name, ask in asks.items():
            found[name].append(turn(ask, seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python's client for asyncio and a bare round trip, in turns: see ../clients.py."""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "client" / "python"))
import authz  # noqa: E402
import msgpack  # noqa: E402

FIRST_ID = 0x10000  # ids from here on have one width


class Bare(asyncio.Protocol):
    """What msgpack and asyncio alone take."""

    def __init__(self, params):
        self.params = params
        self.number = FIRST_ID
        self.waiting = None
        self.unpacker = msgpack.Unpacker(raw=False)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.unpacker.feed(data)
        for answer in self.unpacker:
            self.waiting.set_result(answer)

    async def ask(self):
        self.number += 1
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(msgpack.packb([0, self.number, "authorize", [self.params]]))
        return (await self.waiting)[3]["allow"]


async def turn(ask, seconds):
    """The median time of a call in one turn, in microseconds."""
    taken = []
    begun = now = time.perf_counter()
    while now - begun < seconds:
        before = now
        if not await ask():
            sys.exit("denied")
        now = time.perf_counter()
        taken.append(now - before)
    return statistics.median(taken) * 1e6


async def main(daemon, echo, params, turns, seconds):
    loop = asyncio.get_running_loop()
    bare = {}
    for name, path in (("echo", echo), ("bare", daemon)):
        _, bare[name] = await loop.create_unix_connection(lambda: Bare(params), path)
    async with authz.AsyncClient(daemon) as client:
        asks = {"echo": bare["echo"].ask, "client": lambda: client.check(**params), "bare": bare["bare"].ask}
        found = {name: [] for name in asks}
        for _ in range(turns):
            for name, ask in asks.items():
                found[name].append(await turn(ask, seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))

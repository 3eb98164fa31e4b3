#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What stands between hosts and their database, in a process of its own: it listens at 127.0.0.1 of each host,
connects from that host's namespace, and fails on command.

    proxy = share_proxy.Proxy({"h1": place1, "h2": place2})
    proxy.target("h1", "10.77.0.101")
    proxy.do("h1", "delay", seconds=0.2)   # each way, until mend
    proxy.do("h1", "cut")                  # what is open is closed, and nothing new is accepted, until mend
    proxy.do("h1", "mute")                 # requests arrive, answers do not; mend cuts these connections
    proxy.do("h1", "hold")                 # requests wait; mend cuts the host's side, then delivers what waited: late
    proxy.do("h1", "lose", count=3)        # the next appends arrive, and their answers are lost with the connection
    proxy.do("h1", "double", count=3)      # the next appends arrive twice, the second time after a cut
    proxy.do("h1", "close")                # open connections are closed, as by a router that forgets them
    proxy.mend("h1")
    proxy.close()
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import harness  # noqa: E402
import share_network  # noqa: E402

PORT = 5432
HELD = 1 << 20  # bytes of requests that are kept


class Place(share_network.Place):
    """A namespace that another process holds."""

    def __init__(self, path):  # pylint: disable=super-init-not-called
        self.path = path


class Side:
    """What one host's connections go through."""

    def __init__(self, place):
        self.place = place
        self.target = None
        self.delay = 0
        self.is_cut = self.is_mute = self.is_held = False
        self.lose = self.double = 0
        self.links = set()

    def command(self, words):
        if "target" in words:
            self.target = words["target"]
        what = words.get("do")
        if what == "delay":
            self.delay = words["seconds"]
        elif what == "cut":
            self.is_cut = True
            self.close_all()
        elif what == "close":
            self.close_all()
        elif what == "mute":
            self.is_mute = True
        elif what == "hold":
            self.is_held = True
        elif what in ("lose", "double"):
            setattr(self, what, words["count"])
        elif what == "mend":
            if self.is_mute or self.is_held:
                self.close_all(late=self.is_held)
            self.delay = 0
            self.is_cut = self.is_mute = self.is_held = False
            self.lose = self.double = 0

    def close_all(self, late=False):
        for link in list(self.links):
            link.close(late)


class Link:
    """A host's connection and its own one to the server."""

    def __init__(self, side, reader, writer, there, to_server):
        self.side, self.reader, self.writer = side, reader, writer
        self.there, self.to_server = there, to_server
        self.held = b""
        self.losing = False

    async def run(self):
        self.side.links.add(self)
        ways = [asyncio.ensure_future(self.ask()), asyncio.ensure_future(self.answer())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.side.links.discard(self)
            for way in ways:
                way.cancel()
            self.close()

    def close(self, late=False):
        """Late: the server gets what waited when the host has gone."""
        self.writer.transport.abort()
        held, self.held = self.held, b""
        if late and held:
            asyncio.get_running_loop().create_task(self.deliver(held))
        else:
            self.to_server.transport.abort()

    async def deliver(self, data):
        """After the host has gone; then as a server sees a connection whose other end vanished, for a while."""
        with contextlib.suppress(OSError):
            await asyncio.sleep(0.1)
            self.to_server.write(data)
            await self.to_server.drain()
            await asyncio.sleep(1)
        self.to_server.transport.abort()

    async def ask(self):
        with contextlib.suppress(OSError):
            while data := await self.reader.read(1 << 16):
                if self.side.delay:
                    await asyncio.sleep(self.side.delay)
                if self.side.is_held:
                    self.held = (self.held + data)[:HELD]
                    continue
                self.to_server.write(data)
                await self.to_server.drain()
                if is_append(data):
                    if self.side.double > 0:
                        self.side.double -= 1
                        self.held = data
                        self.writer.transport.abort()
                        await self.deliver(data)
                        return
                    if self.side.lose > 0:
                        self.side.lose -= 1
                        self.losing = True

    async def answer(self):
        with contextlib.suppress(OSError):
            while data := await self.there.read(1 << 16):
                if self.side.delay:
                    await asyncio.sleep(self.side.delay)
                if self.losing:
                    return
                if self.side.is_mute:
                    continue
                self.writer.write(data)
                await self.writer.drain()


def is_append(data):
    """A change on its way into the log, by the name of the prepared statement."""
    return b"\0append\0" in data


async def accept(side, reader, writer):
    made = None
    try:
        if side.is_cut or side.target is None:
            raise OSError
        made = side.place.socket()
        made.setblocking(False)
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(made, (side.target, PORT)), 5)
        there, to_server = await asyncio.open_connection(sock=made)
    except (OSError, asyncio.TimeoutError):
        if made is not None:
            made.close()
        writer.transport.abort()
        return
    await Link(side, reader, writer, there, to_server).run()


async def serve(places):
    sides = {name: Side(Place(path)) for name, path in places.items()}
    for side in sides.values():
        listening = side.place.socket()
        listening.setsockopt(share_network.socket.SOL_SOCKET, share_network.socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", PORT))
        await asyncio.start_server(lambda r, w, side=side: accept(side, r, w), sock=listening)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ready", flush=True)
    while line := await commands.readline():
        words = json.loads(line)
        sides[words["host"]].command(words)
        print("done", flush=True)


class Proxy:
    """The process, from outside."""

    def __init__(self, places):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", __file__, json.dumps({name: place.path for name, place in places.items()})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, preexec_fn=harness.die_with_parent)
        assert self.process.stdout.readline() == "ready\n"

    def send(self, **words):
        self.process.stdin.write(json.dumps(words) + "\n")
        assert self.process.stdout.readline() == "done\n"

    def target(self, host, address):
        self.send(host=host, target=address)

    def do(self, host, what, **words):
        self.send(host=host, do=what, **words)

    def mend(self, host):
        self.send(host=host, do="mend")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))

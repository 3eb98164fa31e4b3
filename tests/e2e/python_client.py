# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python client share: the client itself, a policy, and a server that does what a
test says."""

import socket
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import harness
import msgpack

sys.path.insert(0, str(harness.ROOT / "client" / "python"))
import authz  # noqa: E402, F401

# Bounds a hang: no test of these depends on how fast an answer comes.
PATIENCE = harness.DEADLINE / 2

# A deadline that passes in a test on purpose.
SHORT = 0.1

POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
scope loans:read { allow GET on api:/loans/** }
scope loans:write { allow POST on api:/loans }
role viewer { allow GET on api:/** }
role clerk inherits viewer { allow create on api:/loans }
limits { keys_per_principal 2 }
"""

ALLOW = {"allow": True, "status": 200, "reason": "ok", "revision": "1"}
QUESTION = {"principal": "ann", "method": "GET", "path": "/"}


class Connection:
    """One connection of the fake server."""

    def __init__(self, connected):
        self.socket = connected
        self.unpacker = msgpack.Unpacker(raw=False)

    def read(self):
        """The next request, [0, id, method, [params]]; None at the end of the connection."""
        while True:
            for message in self.unpacker:
                return message
            data = self.socket.recv(1 << 16)
            if not data:
                return None
            self.unpacker.feed(data)

    def answer(self, number, result=None, error=None):
        self.socket.sendall(msgpack.packb([1, number, error, result]))


class Server:
    """Accepts connections and calls serve(connection, which) for each, in a thread of its own. What they
    raise fails the test in finish()."""

    def __init__(self, path, serve):
        self.path = str(path)
        self.serve = serve
        self.wrong = None
        self.accepted = 0
        self.threads = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.run, args=(connected, self.accepted), daemon=True)
            self.accepted += 1
            self.threads.append(thread)
            thread.start()

    def run(self, connected, which):
        with connected:
            try:
                self.serve(Connection(connected), which)
            except OSError:
                pass
            except Exception as error:  # pylint: disable=broad-except
                self.wrong = error

    def finish(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(harness.DEADLINE)
        self.listener.close()
        for thread in self.threads:
            thread.join(harness.DEADLINE)
        if self.wrong is not None:
            raise self.wrong


class Serving(unittest.TestCase):
    """A test that has servers of its own."""

    def serve(self, serve):
        """A server that does this with each connection; returns it. Close clients before it ends."""
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        server = Server(Path(folder.name) / "s", serve)
        self.addCleanup(server.finish)
        return server


def answer_all(connection, _=0):
    """Allows everything."""
    while (request := connection.read()) is not None:
        connection.answer(request[1], ALLOW)

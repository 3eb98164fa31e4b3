# SPDX-License-Identifier: Apache-2.0
"""What a hostile client, or a daemon that does not answer, can do to authz-http."""

import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402

HTTP = os.environ.get("AUTHZ_HTTP", str(harness.ROOT / "build" / "client" / "http" / "authz-http"))


class HostileTest(unittest.TestCase):
    """authz-http before a socket that the test itself serves, as a daemon that never answers."""

    def start(self, *lines):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.silent = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.silent.close)
        self.silent.settimeout(harness.DEADLINE)
        self.silent.bind(str(self.folder / "authz.sock"))
        self.silent.listen()
        config = self.folder / "authz-http.conf"
        config.write_text("\n".join([f"authz {self.folder}/authz.sock", "timeout 60s",
                                     f"listen {self.folder}/http.sock 0600", *lines, ""]))
        self.http = subprocess.Popen([HTTP, "--config", str(config)], stdin=subprocess.DEVNULL,
                                     preexec_fn=harness.die_with_parent)
        self.addCleanup(self.http.wait)
        self.addCleanup(self.http.kill)
        harness.wait_until(lambda: self.connect() or self.http.poll() is not None, what="authz-http")

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(harness.DEADLINE)
        if connection.connect_ex(str(self.folder / "http.sock")) != 0:
            connection.close()
            return None
        self.addCleanup(connection.close)
        return connection

    def send(self, *lines):
        """The connection, after the request was sent on it."""
        connection = self.connect()
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection

    def begin(self, data, answer=b""):
        """A connection on which this was sent, and to which this came; None if it was silent for too long."""
        connection = self.connect()
        try:
            connection.sendall(data)
            found = connection.recv(4096) if answer else b""
        except (BrokenPipeError, ConnectionResetError):
            return None
        self.assertTrue(found.startswith(answer) or found == b"", found)
        return connection if found.startswith(answer) else None

    def left(self, connection):
        """What comes until its end."""
        data = b""
        try:
            while part := connection.recv(4096):
                data += part
        except ConnectionResetError:
            pass
        return data

    def resident(self):
        """Bytes of memory that authz-http has."""
        return int(Path(f"/proc/{self.http.pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")

    def check(self, *headers):
        return self.send("GET /check HTTP/1.1", "Host: a", "X-Original-Method: GET", "X-Original-URI: /x", *headers)

    def test_it_ends_cleanly_with_a_question_outstanding(self):
        self.start("drain 1s")
        clients = [self.check(), self.check(), self.check()]
        daemon, _ = self.silent.accept()
        self.addCleanup(daemon.close)
        daemon.settimeout(harness.DEADLINE)
        self.assertTrue(daemon.recv(1))
        self.http.send_signal(signal.SIGTERM)
        self.assertEqual(self.http.wait(harness.DEADLINE), 0)
        for client in clients:
            self.assertNotIn(b" 204 ", client.recv(4096))

    def test_a_request_that_comes_a_byte_at_a_time_is_ended(self):
        """However steadily: after twice the time for which a silent connection is kept."""
        self.start("idle 1s")
        whole = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        body = b"POST /access/v1/evaluation HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"
        clients = []
        for begin, answer, rest in ((b"", b"", b"\r\n"), (b"", b"", b"GET /healthz?" + b"a" * 9999),
                                    (whole, b"HTTP/1.1 200 ", whole[:-2] + b"X-" + b"a" * 9999),
                                    (body, b"", b"a" * 9999)):
            connection = harness.wait_until(lambda sent=(begin, answer): self.begin(*sent), what="an answer")
            clients.append((connection, itertools.cycle(rest)))
        open_ones = dict(clients)
        for turn in itertools.count():
            self.assertLess(turn, harness.DEADLINE * 10)
            for connection in select.select(list(open_ones), [], [], 0.1)[0]:
                self.assertEqual(self.left(connection), b"")
                del open_ones[connection]
            if not open_ones:
                break
            for connection, rest in open_ones.items():
                try:
                    connection.send(bytes([next(rest)]))
                except OSError:
                    pass  # it ended just now

    def test_empty_lines_before_requests_move_nothing_of_other_connections(self):
        """As many as fill pages of a connection's memory, some of which goes back when many rest."""
        self.start("connections 2048", "idle 1h")
        request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
        others = [self.connect() for _ in range(20)]
        for other in others:
            other.sendall(request)
        before = self.resident()
        for page in (1, 2, 3, 4):
            for _ in range(300):
                connection = self.connect()
                connection.sendall(b"\r\n" * (2048 * page) + request + b"\r\n")
                self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200 "))
        # They take 43 MiB, or 10 when memory goes back, which it may do while others still come; with the
        # address sanitizer 17 more.
        harness.wait_until(lambda: self.resident() < before + (36 << 20), what="memory given back")
        for other in others:
            other.sendall(b"\r\n")
            self.assertTrue(other.recv(4096).startswith(b"HTTP/1.1 200 "))
            other.sendall(request + b"\r\n")
            self.assertTrue(other.recv(4096).startswith(b"HTTP/1.1 200 "))
        self.assertIsNone(self.http.poll())


if __name__ == "__main__":
    unittest.main()

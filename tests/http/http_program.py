# SPDX-License-Identifier: Apache-2.0
"""authz-http as a process, before a real daemon: what its tests share."""

import os
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402

AUTHZ_HTTP = os.environ.get("AUTHZ_HTTP", str(harness.ROOT / "build" / "client" / "http" / "authz-http"))

# For an answer of the daemon, and for a client's request: the most that can be configured, since a machine
# may be slow.
PATIENCE, IDLE = "60s", "1h"


class HttpTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.d = self.make_daemon()
        self.conf = self.d.folder / "authz-http.conf"
        self.path = self.d.folder / "http.sock"
        self.configure()

    def make_daemon(self):
        return self.daemon()

    def configure(self, *lines, timeout=PATIENCE):
        self.conf.write_text("\n".join([f"authz {self.d.socket}", f"listen {self.path} 0600",
                                        f"timeout {timeout}", f"idle {IDLE}", *lines, ""]))

    def start(self, *options, prefix=(), **more):
        self.log_path = self.d.folder / "authz-http.log"
        with open(self.log_path, "wb") as log:
            process = subprocess.Popen([*prefix, AUTHZ_HTTP, "--config", str(self.conf), *options],
                                       stdin=subprocess.DEVNULL, stderr=log,
                                       preexec_fn=harness.die_with_parent, **more)
        self.addCleanup(self.end, process)
        harness.wait_until(lambda: self.status() or process.poll() is not None, what="authz-http answers")
        return process

    def end(self, process):
        process.kill()
        process.wait()

    def log(self):
        return self.log_path.read_text(encoding="utf-8")

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.connect(str(self.path))  # with a timeout it would not wait for room in the listener's queue
        connection.settimeout(harness.DEADLINE)
        return connection

    def exchange(self, request):
        """All that is answered to these bytes until the connection ends; b"" when nobody listens."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(harness.DEADLINE)
            answer = b""
            try:
                connection.connect(str(self.path))
                connection.sendall(request)
                while part := connection.recv(65536):
                    answer += part
            except OSError:
                pass
            return answer

    def get(self, path, *headers):
        """(status, body) of a GET; None without an answer."""
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
        head, _, body = self.exchange("\r\n".join(lines).encode()).decode().partition("\r\n\r\n")
        return (int(head.split()[1]), body) if head else None

    def status(self, path="/readyz"):
        """The status of a GET; None when nobody listens."""
        found = self.get(path)
        return found and found[0]

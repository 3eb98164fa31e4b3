# SPDX-License-Identifier: Apache-2.0
"""Requests with large bodies, while the daemon does not answer, take no more memory than the bound."""

import json
import re
import select
import signal
import unittest
from pathlib import Path

from authzen_api import ALICE, EVALUATION, ONE, AuthzenTest, action, harness

CONNECTIONS = 60
MEMORY = 64 << 20  # HTTP_MEMORY in client/http/memory.h
PROGRAM = 40 << 20  # the program itself, and what its allocator keeps beside
BODY = 250_000
MOST = 10  # such bodies have room at a time


class Memory(AuthzenTest):
    def peak(self):
        """Bytes of memory that authz-http had at most."""
        text = Path(f"/proc/{self.http.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) << 10

    def test_all_bodies_together_are_bounded(self):
        question = json.dumps({"subject": ALICE, "action": action("view"), "resource": ONE})
        # An empty object takes most memory for its bytes.
        filled = question[:-1] + ',"x":[' + ",".join(["{}"] * (BODY // 3)) + "]}"
        self.d.pause()
        self.addCleanup(self.d.signal, signal.SIGCONT)
        connections = [self.connect() for _ in range(CONNECTIONS)]
        for connection in connections:
            connection.request("POST", EVALUATION, filled, {"Content-Type": "application/json"})

        # Some wait for the daemon, and for the others there is no memory.
        harness.wait_until(lambda: len(select.select([connection.sock for connection in connections], [], [], 0)[0])
                           >= CONNECTIONS - MOST, what="refusals")
        self.d.signal(signal.SIGCONT)
        answers = [connection.getresponse() for connection in connections]
        self.assertEqual({(answer.status, answer.headers["Retry-After"]) for answer in answers},
                         {(200, None), (503, "1")})
        if "a build with a sanitizer" not in (self.d.folder / "http.log").read_text():
            self.assertLess(self.peak(), MEMORY + PROGRAM)
        # What they took is free again, and one of that size is answered.
        self.assertIn("decision", self.good(EVALUATION, filled.encode()))


if __name__ == "__main__":
    unittest.main()

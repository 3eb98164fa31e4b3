# SPDX-License-Identifier: Apache-2.0
"""Wants a request to stay without an answer on an open connection, when its user has used up its memory.

A client that waits for an answer waits for ever then. One call is so long that it is answered in several
turns; what a user may have is used up by others of its connections, more or less of it.
"""

import os
import unittest

import attack
import harness
import long_places
import people

# Bytes of messages in part: what a user may have, 16 MiB, is used up by some forty of the first, and
# what is left by those of the second, of 8 KiB each.
PARTS = (250 << 10, 16)
BEHIND = 40  # requests after the long call


class Unanswered(attack.Attack):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.d = self.daemon({"a.policy": long_places.POLICY}, "--workers", "1")
        os.chmod(self.d.folder, 0o711)
        os.chmod(self.d.socket, 0o666)
        root = self.d.client()
        root.call("principals.create", id="deep")
        for role, places in (("reader", long_places.PLACES[:31]), ("writer", long_places.PLACES[31:])):
            root.call("assignments.create", principal="deep", role=role, at=places)
        token = root.call("keys.create", principal="deep")["secret"]
        path = f"/files/{long_places.LONG}/99"
        self.call = {"token": token, "method": "GET", "path": path, "requests": [{}] * 1024}
        self.one = {"token": token, "method": "GET", "path": "/files/x"}
        self.changes = {"token": token, "id": "x" * 12}

    def client(self):
        with people.as_user():
            return self.d.client()

    def hog(self, part):
        """Connections that hold parts of messages, until one is refused."""
        hogs = []
        while True:
            hog = self.client()
            message = hog.request(1, "authorize", {"token": "x" * (PARTS[0] + 1024)})
            try:
                hog.send_bytes(message[:part])
            except OSError:
                return hogs
            # The daemon has one worker, so it has read that when it answers another.
            self.d.call("authorize", **self.one)
            hog.socket.setblocking(False)
            try:
                hog.socket.recv(1)
            except BlockingIOError:
                hogs.append(hog)
            else:
                return hogs

    def try_all(self, client):
        """How many of its requests are answered; the others are, if the connection was closed."""
        wanted = set()
        requests = [("authorize_many", self.call)]
        requests += [("authorize", self.one), ("keys.revoke", self.changes)] * (BEHIND // 2)
        data = b""
        for number, (method, params) in enumerate(requests):
            data += client.request(number, method, params)
            wanted.add(number)
        client.send_bytes(data)
        answered = set()
        while answered != wanted:
            try:
                message = client.receive_message()
            except TimeoutError:
                self.fail(f"{len(wanted - answered)} requests are not answered and not closed")
            if message is None:
                break
            if message[1] is not None:
                self.assertNotIn(message[1], answered, "answered twice")
                answered.add(message[1])
        return len(answered), len(wanted)

    def test_each_request_is_answered_or_its_connection_closed(self):
        clients = [self.client() for _ in range(16)]
        hogs = [hog for part in PARTS for hog in self.hog(part)]
        self.assertGreater(len(hogs), 20)
        shown = []
        for client in clients:
            shown.append("{} of {}".format(*self.try_all(client)))
            hogs.pop().close()
            self.d.call("authorize", **self.one)
        self.failed("lets a request wait for ever", f"answered, or closed: {', '.join(shown)}")
        for hog in hogs:
            hog.close()
        harness.wait_until(lambda: self.try_all(self.client())[0] == BEHIND + 1,
                           what="with memory all are answered")


if __name__ == "__main__":
    unittest.main()

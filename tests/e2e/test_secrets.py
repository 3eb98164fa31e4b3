# SPDX-License-Identifier: Apache-2.0
"""Only the holders have secrets: none is in files and logs, in the memory of an idle daemon, or in a
core dump."""

import os
import re
import signal
import subprocess
import threading
import unittest

import harness
import people

KEYS = 40


class Secrets(people.PeopleTest):
    def load(self):
        """Uses every way in which a secret comes in or goes out, over several connections; returns all
        secrets."""
        self.alice()
        secrets = [self.key(name=f"k{i}")[1] for i in range(KEYS)]
        kids = [secret.rsplit("_", 1)[0].rsplit("_", 1)[1] for secret in secrets]
        for kid in kids[:5]:
            secrets.append(self.c.call("keys.rotate", id=kid)["secret"])
        for kid in kids[5:10]:
            made = self.c.call("keys.rotate", id=kid, request_id=os.urandom(16).hex())
            secrets.append(made["secret"])

        def use(part):
            with harness.Client(self.d.socket) as client:
                for secret in part:
                    asked = {"token": secret, "method": "GET", "path": "/loans/7"}
                    client.call("authorize", **asked)
                    client.call("authorize_many", requests=[asked] * 20)
                    client.call("permissions", token=secret, tree="api")
                    for method, params in (
                        ("authorize", {"token": secret, "nope": secret}),
                        ("keys.create", {"name": "x", "roles": [secret]}),
                        ("keys.list", {"token": secret}),
                        (secret, {"token": secret}),
                    ):
                        client.result_or_error(client.send(method, params))

        users = [threading.Thread(target=use, args=(secrets[i::4],)) for i in range(4)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        # A message that is never completed, and bytes that are not a message.
        with harness.Client(self.d.socket) as client:
            client.send_bytes(client.request(1, "authorize", {"token": secrets[0]})[:-4])
        with harness.Client(self.d.socket) as client:
            client.send_bytes(b"\xc1" + secrets[1].encode())
            client.is_closed()
        return secrets

    def parts(self, secrets):
        """What only the holder may have: the 32 characters after the key's id, in two halves."""
        for secret in secrets:
            whole = secret.rsplit("_", 1)[1].encode()
            yield whole[:16]
            yield whole[16:32]

    def settle(self):
        """Waits until all requests are answered and the workers have ended their transactions."""
        for client in self.d.clients:
            client.close()
        with harness.Client(self.d.socket) as client:
            harness.wait_until(
                lambda: client.call("status")["counters"]["connections"] == 1, what="idle")

    def test_no_secret_is_in_the_memory_of_an_idle_daemon(self):
        secrets = self.load()
        self.settle()
        found = harness.search_memory(self.d.pid, self.parts(secrets), sure=self.d.socket)
        self.assertEqual(found, [])

    def test_no_secret_is_in_files_logs_or_the_trail(self):
        secrets = self.load()
        # Secrets typed as the wrong argument.
        id, secret = self.key(name="before")
        self.c.call("keys.update", id=id, name="x")
        copy = self.d.folder / "copy"
        self.assertEqual(self.d.tool("store", "backup", copy).returncode, 0)
        self.d.stop()
        files = [copy, self.d.stderr, *(p for p in self.d.state.rglob("*") if p.is_file())]
        self.assertGreaterEqual(len(files), 5)
        wanted = re.compile(b"|".join(re.escape(part) for part in self.parts([*secrets, secret])))
        for path in files:
            self.assertIsNone(wanted.search(path.read_bytes()), path)

    def test_a_daemon_that_crashes_leaves_no_core(self):
        self.load()
        # The signal with a core dump that no sanitizer handles.
        self.d.signal(signal.SIGABRT)
        status = self.d.process.wait(harness.DEADLINE)
        self.d.process = None
        self.assertEqual(status, -signal.SIGABRT)
        self.assertEqual([p.name for p in self.d.folder.rglob("core*")], [])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Answered changes survive any end of the daemon; the files contain no secrets."""

import os
import subprocess
import threading
import unittest

import harness
import people

ROUNDS = 20


class Durability(people.PeopleTest):
    def test_answered_changes_survive_a_kill(self):
        self.alice()
        answered = {}
        for number in range(ROUNDS):
            self.write_and_kill(answered, wait=5 + 7 * number % 60)
            self.d.start()
            self.c = self.d.client()
            self.check(answered)

    def write_and_kill(self, answered, wait):
        """Runs four writers until `wait` changes were answered, then sends SIGKILL."""
        enough = threading.Event()
        lock = threading.Lock()
        begun = len(answered)

        def write():
            with harness.Client(self.d.socket) as client:
                try:
                    while True:
                        record = client.call("keys.create", principal="alice")
                        with lock:
                            answered[record["id"]] = ("active", record["secret"])
                            if len(answered) - begun >= wait:
                                enough.set()
                        if len(answered) % 3 == 0:
                            client.call("keys.revoke", id=record["id"])
                            with lock:
                                answered[record["id"]] = ("revoked", record["secret"])
                except (AssertionError, OSError):
                    return  # killed meanwhile

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        self.assertTrue(enough.wait(harness.DEADLINE))
        self.d.kill()
        for writer in writers:
            writer.join()

    def check(self, answered):
        found, cursor = {}, {}
        while True:
            page = self.c.call("keys.list", limit=1000, **cursor)
            found.update((item["id"], item["status"]) for item in page["items"])
            if "cursor" not in page:
                break
            cursor = {"cursor": page["cursor"]}
        for id, (status, secret) in answered.items():
            # A revocation that was not answered may have been made nevertheless.
            if status == "revoked":
                self.assertEqual(found.get(id), "revoked")
            else:
                self.assertIn(found.get(id), ("active", "revoked"))
        id, (status, secret) = list(answered.items())[-1]
        self.assertEqual(self.ask(secret)["allow"], found[id] == "active")

    def test_no_secret_is_in_the_files_or_the_log(self):
        self.alice()
        secrets = [self.key(name=f"k{i}")[1] for i in range(20)]
        for secret in secrets:
            self.ask(secret)
            self.c.result_or_error(self.c.send("authorize", {"token": secret, "nope": secret}))
            self.c.result_or_error(self.c.send("keys.create", {"name": secret, "roles": [secret]}))
            self.c.result_or_error(self.c.send(secret, {}))
        self.d.stop()
        files = [self.d.stderr, *(path for path in self.d.state.rglob("*") if path.is_file())]
        self.assertGreaterEqual(len(files), 3)
        for path in files:
            data = path.read_bytes()
            for secret in secrets:
                part = secret.rsplit("_", 1)[1][:32].encode()
                self.assertNotIn(part, data, path)
        for path in self.d.state.rglob("*"):
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_keys_without_their_pepper_do_not_start(self):
        self.alice()
        self.key()
        self.d.stop()
        pepper = self.d.state / "pepper"
        kept = pepper.read_bytes()
        pepper.unlink()
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("pepper", said)
        self.assertFalse(pepper.exists())
        pepper.write_bytes(kept)
        pepper.chmod(0o644)
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("chmod 600", said)
        pepper.chmod(0o600)
        self.d.start()


class FullDisk(harness.DaemonTest):
    def test_a_full_disk_refuses_changes_and_decisions_go_on(self):
        daemon = self.daemon({"a.policy": people.POLICY}, start=False)
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(daemon.state)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            raise unittest.SkipTest("only who may mount can have a small disk")
        self.addCleanup(subprocess.run, ["umount", "-l", str(daemon.state)], check=True)
        daemon.start()
        client = daemon.client()
        client.call("principals.create", id="alice")
        client.call("assignments.create", principal="alice", role="viewer")
        kept = client.call("keys.create", principal="alice")
        filler = daemon.state / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        made = [kept["id"]]
        with self.assertRaises(harness.Error) as caught:
            while len(made) < 2000:
                made.append(client.call("keys.create", principal="alice")["id"])
        self.assertEqual(caught.exception.code, "overloaded")
        self.assertIn("disk is full", caught.exception.message)
        asked = {"token": kept["secret"], "method": "GET", "path": "/loans/7"}
        self.assertTrue(client.call("authorize", **asked)["allow"])
        filler.unlink()
        client.call("keys.revoke", id=kept["id"])
        self.assertFalse(client.call("authorize", **asked)["allow"])
        items = client.call("keys.list", limit=1000)["items"]
        self.assertEqual([item["id"] for item in items], made)


if __name__ == "__main__":
    unittest.main()

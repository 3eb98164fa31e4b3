# SPDX-License-Identifier: Apache-2.0
"""Answered changes survive any end of the daemon; the files contain no secrets."""

import json
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
        found = {item["id"]: item["status"] for item in self.c.pages("keys.list")[0]}
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
    def stops_and_says_how_far_it_came(self, daemon, keys):
        text = "".join(json.dumps({"hash": f"{number:064x}", "principal": "alice"}) + "\n"
                       for number in range(2000))
        done = daemon.tool("key", "import", "-", text=text)
        self.assertEqual(done.returncode, 3)
        self.assertIn("disk is full", done.stderr)
        self.assertIn("stopped: from line 1 on there are some that are not imported", done.stderr)
        done = daemon.tool("--json", "key", "import", "-", text=text)
        document = json.loads(done.stdout)
        self.assertEqual((document["items"], document["stopped"]), ([], "line 1"))
        self.assertLessEqual(len(document["failed"]), 256)
        self.assertEqual(len(daemon.call("keys.list", limit=1000)["items"]), keys)

    def small_disk(self, daemon):
        """A disk of 1 MiB for the state, and a file that fills it."""
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(daemon.state)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            raise unittest.SkipTest("only who may mount can have a small disk")
        self.addCleanup(subprocess.run, ["umount", "-l", str(daemon.state)], check=True)
        return daemon.state / "filler"

    @staticmethod
    def fill(filler):
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                return file.tell()

    def refusals(self, client, changes):
        """The errors of changes until 20 were refused."""
        found = []
        for method, params in changes:
            try:
                client.call(method, **params)
            except harness.Error as error:
                found.append(error)
            if len(found) == 20:
                return found
        raise AssertionError("the disk was never full")

    def assert_full(self, errors):
        for error in errors:
            self.assertEqual((error.code, "the disk is full" in error.message), ("overloaded", True),
                             error)

    def many(self, first=0):
        """Changes of one page and of many."""
        for number in range(first, first + 5000):
            if number % 3 == 2:
                yield "keys.create", {
                    "roles": ["viewer"],
                    "at": [f"api:/loans/{number}{i:03}" + "x" * 200 for i in range(60)]}
            else:
                yield "principals.create", {"id": f"p{number}", "name": "n" * 200}

    def full_lines(self, daemon):
        log = daemon.wait_for_log("cannot be written")
        return [line for line in log.splitlines() if "cannot be written" in line]

    def test_a_full_disk_refuses_changes_and_decisions_go_on(self):
        daemon = self.daemon({"a.policy": people.POLICY}, start=False)
        filler = self.small_disk(daemon)
        daemon.start()
        client = daemon.client()
        client.call("principals.create", id="alice")
        client.call("assignments.create", principal="alice", role="viewer")
        kept = client.call("keys.create", principal="alice")
        self.fill(filler)
        made = [kept["id"]]
        with self.assertRaises(harness.Error) as caught:
            while len(made) < 2000:
                made.append(client.call("keys.create", principal="alice")["id"])
        self.assert_full([caught.exception])
        asked = {"token": kept["secret"], "method": "GET", "path": "/loans/7"}
        self.assertTrue(client.call("authorize", **asked)["allow"])
        self.stops_and_says_how_far_it_came(daemon, len(made))
        filler.unlink()
        client.call("keys.revoke", id=kept["id"])
        self.assertFalse(client.call("authorize", **asked)["allow"])
        items = client.call("keys.list", limit=1000)["items"]
        self.assertEqual([item["id"] for item in items], made)

    def test_each_change_that_a_full_disk_refuses_says_so_and_the_log_says_it_once(self):
        daemon = self.daemon({"a.policy": people.POLICY}, start=False)
        filler = self.small_disk(daemon)
        daemon.start()
        client = daemon.client()
        size = self.fill(filler)
        # A write of many pages of which some find room is one that fails as well.
        for pages in (0, 1, 2, 3, 5, 8, 13):
            os.truncate(filler, size - pages * 4096)
            self.assert_full(self.refusals(client, self.many(5000 * pages)))
        lines = self.full_lines(daemon)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("the disk is full", lines[0])
        filler.unlink()
        client.call("principals.create", id="again")

    def test_a_limit_of_the_files_size_is_a_full_disk_too(self):
        daemon = self.daemon({"a.policy": people.POLICY})
        daemon.stop()
        limit = (daemon.state / "store.mdb").stat().st_size + 8 * 4096
        daemon.prefix = ["prlimit", f"--fsize={limit}"]
        daemon.start()
        client = daemon.client()
        self.assert_full(self.refusals(client, self.many()))
        lines = self.full_lines(daemon)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("the disk is full", lines[0])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""A backup of the store, made during changes, and restored."""

import json
import os
import subprocess
import threading
import unittest

import harness
import people


class Backup(people.PeopleTest):
    def setUp(self):
        super().setUp()
        self.alice()
        self.kid, self.secret = self.key()
        self.copy = self.d.folder / "copy"

    def backup(self, path=None):
        done = self.d.tool("store", "backup", path or self.copy)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def restore(self, *words, file=None):
        return harness.run_tool("store", "restore", file or self.copy, "--state", self.d.state,
                                *words, home=self.d.folder)

    def refused(self, said, *words, file=None):
        done = self.restore(*words, file=file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(said, done.stderr)
        left = {path.name for path in self.d.state.iterdir()}
        self.assertFalse([name for name in left if "restoring" in name], left)

    def test_the_newest_copy_comes_back_whole(self):
        self.c.call("keys.update", id=self.kid, name="first")
        self.backup()
        before = self.c.call("keys.list")["items"]
        self.d.stop()
        (self.d.state / "store.mdb").unlink()
        done = self.restore()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.d.start()
        self.c = self.d.client()
        self.assertEqual(self.c.call("keys.list")["items"], before)
        self.assertTrue(self.ask(self.secret)["allow"])
        self.assertEqual(self.c.call("audit.verify")["items"], [])
        last = self.c.call("audit.list")["items"][-1]
        self.assertEqual((last["action"], last["sequence"]), ("store.restore", 5))
        self.assertEqual(last["changes"], [{"field": "head", "from": "4", "to": "4"}])
        self.key()

    def verified(self, status, said):
        """The tool's exit status, its message, and the same as the reason with --json."""
        done = harness.run_tool("store", "verify", "--state", self.d.state, home=self.d.folder)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(said, done.stdout + done.stderr)
        done = harness.run_tool("--json", "store", "verify", "--state", self.d.state,
                                home=self.d.folder)
        self.assertEqual(done.returncode, status)
        answer = json.loads(done.stdout)
        if status == 0:
            self.assertEqual(answer, {"sound": True})
        else:
            self.assertIn(said, answer["error"]["message"])
            self.assertEqual(answer["error"]["code"], {1: "conflict", 2: "unreadable"}[status])

    def test_verify_finds_damage_or_says_why_it_could_not_look(self):
        self.verified(2, str(self.d.pid))  # who has it open
        self.d.stop()
        self.verified(0, "sound: ")
        store = self.d.state / "store.mdb"
        whole = store.read_bytes()
        self.assertIn(b"Alice", whole)
        store.write_bytes(whole.replace(b"Alice", b"Alicf"))
        self.verified(1, "altered")
        store.write_bytes(whole[:3 * 4096])
        self.verified(1, "damaged")
        store.write_bytes(whole)
        store.chmod(0o644)
        self.verified(2, "chmod 600")
        store.chmod(0o600)
        pepper = self.d.state / "pepper"
        own = pepper.read_bytes()
        pepper.unlink()
        self.verified(2, "pepper")
        pepper.write_bytes(own)
        pepper.chmod(0o600)
        self.verified(0, "sound: ")
        self.d.start()

    def test_an_older_copy_is_refused_unless_it_is_accepted(self):
        self.backup()
        self.c.call("keys.revoke", id=self.kid)
        self.d.stop()
        self.refused("misses 1 change since")
        self.d.start()
        self.c = self.d.client()
        self.assertFalse(self.ask(self.secret)["allow"])
        self.d.stop()
        self.assertEqual(self.restore("--accept-rollback").returncode, 0)
        self.d.start()
        self.c = self.d.client()
        self.assertTrue(self.ask(self.secret)["allow"])
        last = self.c.call("audit.list")["items"][-1]
        self.assertEqual(last["changes"], [{"field": "head", "from": "4", "to": "3"}])
        self.assertTrue((self.d.state / "store.mdb.before").exists())

    def test_a_restore_without_a_head_must_be_accepted(self):
        self.backup()
        self.d.stop()
        (self.d.state / "store.mdb-head").unlink()
        self.refused("no head of an audit trail")
        self.assertEqual(self.restore("--accept-rollback").returncode, 0)
        self.d.start()

    def test_another_history_is_refused(self):
        self.backup()
        self.d.stop()
        self.assertEqual(self.restore("--accept-rollback").returncode, 0)
        self.d.start()
        self.d.call("keys.disable", id=self.kid)
        other = self.d.folder / "other"
        self.backup(other)
        self.d.stop()
        self.assertEqual(self.restore("--accept-rollback").returncode, 0)
        self.refused("another history", file=other)

    def test_a_copy_from_before_a_rotation_needs_the_pepper_of_then(self):
        path = self.d.state / "pepper"
        then = path.read_bytes()
        self.backup()
        self.c.call("pepper.rotate")
        self.assertTrue(self.ask(self.secret)["allow"])
        self.d.wait_for_log("the old pepper was dropped")
        now = path.read_bytes()
        self.d.stop()
        store = (self.d.state / "store.mdb").read_bytes()
        self.refused("1 of 1 key in the copy needs pepper 0", "--accept-rollback")
        self.assertEqual((self.d.state / "store.mdb").read_bytes(), store)

        # The file of then is right, whatever the store was since.
        path.write_bytes(then)
        done = self.restore("--accept-rollback")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.d.start()
        self.c = self.d.client()
        self.assertTrue(self.ask(self.secret)["allow"])
        self.assertNotIn("lost", self.c.call("status")["pepper"])
        self.d.stop()

        # An accepted loss is reported from then on.
        path.write_bytes(now)
        done = self.restore("--accept-rollback", "--accept-lost-keys")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.d.start()
        self.c = self.d.client()
        self.assert_reason("unknown_key", self.ask(self.secret), 401)
        self.d.wait_for_log("keys need a pepper which the pepper's file no longer holds",
                            "keys=1 of=1 pepper=0")
        harness.wait_until(lambda: "lost" in self.c.call("status")["pepper"], what="the count")
        self.assertEqual(self.c.call("status")["pepper"],
                         {"number": 1, "lost": 1, "lost_of": 1, "lost_pepper": 0})
        self.assertRegex(self.d.tool("status").stdout,
                         r"lost keys +1 of 1 key: the pepper file no longer holds pepper 0; put back")

    def test_accepted_lost_keys_are_for_a_restore_alone(self):
        done = subprocess.run([harness.AUTHZD, "--accept-lost-keys"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("goes with --restore", done.stderr)

    def test_an_altered_copy_is_refused(self):
        self.backup()
        good = self.copy.read_bytes()
        self.d.stop()
        for bad, said in (
            (good[:-1], "cut short"),
            (good[:200] + bytes([good[200] ^ 1]) + good[201:], "altered"),
            (good[:-40] + bytes([good[-40] ^ 1]) + good[-39:], "altered"),
            (good + good[-100:], "damaged"),
            (b"something else", "not a copy"),
            (b"", "not a copy"),
        ):
            with self.subTest(said=said):
                self.copy.write_bytes(bad)
                done = self.restore()
                self.assertEqual(done.returncode, 1, done.stderr)
                if said != "damaged":
                    self.assertIn(said, done.stderr)
        self.d.start()

    def test_while_a_daemon_runs_nothing_is_restored(self):
        self.backup()
        self.refused("another authzd")

    def test_without_the_pepper_nothing_is_restored(self):
        self.backup()
        self.assertNotIn((self.d.state / "pepper").read_bytes().split()[-1],
                         self.copy.read_bytes())
        self.d.stop()
        pepper = self.d.state / "pepper"
        kept = pepper.read_bytes()
        pepper.unlink()
        self.refused("pepper")
        self.assertFalse(pepper.exists())
        pepper.write_bytes(kept)
        pepper.chmod(0o600)
        self.assertEqual(self.restore().returncode, 0)

    def test_a_copy_is_of_one_moment_while_changes_go_on(self):
        for _ in range(60):
            self.c.call_many([("keys.create", {"principal": "alice", "name": "x" * 250})] * 20)
        stop = threading.Event()

        def change():
            with harness.Client(self.d.socket) as client:
                while not stop.is_set():
                    id = client.call("keys.create", principal="alice")["id"]
                    client.call("keys.revoke", id=id)

        writers = [threading.Thread(target=change) for _ in range(2)]
        for writer in writers:
            writer.start()
        try:
            said = json.loads(self.d.tool("store", "backup", self.copy, "--json").stdout)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assertGreater(said["bytes"], 600_000)
        self.assertEqual(os.stat(self.copy).st_mode & 0o777, 0o600)
        self.d.stop()
        self.assertEqual(self.restore("--accept-rollback").returncode, 0)
        self.d.start()
        done = self.d.tool("log", "--verify")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_one_copy_at_a_time_and_each_cursor_once(self):
        self.c.call_many([("keys.create", {"principal": "alice", "name": "x" * 250})] * 800)
        first = self.c.call("store.backup")
        self.assert_error("conflict", self.c.call, "store.backup")
        self.assert_error("invalid_request", self.c.call, "store.backup", cursor="x")
        self.assert_error("conflict", self.c.call, "store.backup", cursor="0" * 32)
        second = self.c.call("store.backup", cursor=first["cursor"])
        self.assert_error("conflict", self.c.call, "store.backup", cursor=first["cursor"])
        while "cursor" in second:
            second = self.c.call("store.backup", cursor=second["cursor"])
        self.assertEqual(second["done"], second["total"])
        self.c.call("store.backup")

    def test_others_may_not_take_one(self):
        self.assert_error("forbidden", self.stranger().call, "store.backup")

    def test_a_file_that_cannot_be_written_leaves_nothing(self):
        done = self.d.tool("store", "backup", self.d.folder / "none" / "copy")
        self.assertEqual(done.returncode, 2)
        full = harness.run_tool("--socket", self.d.folder / "nobody.sock", "store", "backup",
                                self.copy, home=self.d.folder)
        self.assertEqual(full.returncode, 3)
        self.assertEqual([path.name for path in self.d.folder.iterdir() if "copy" in path.name], [])


if __name__ == "__main__":
    unittest.main()

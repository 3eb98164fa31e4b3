# SPDX-License-Identifier: Apache-2.0
"""The audit trail's head: a store that was rolled back, cut or exchanged does not start."""

import shutil
import subprocess
import unittest

import harness
import people


class Head(people.PeopleTest):
    def setUp(self):
        super().setUp()
        self.alice()
        self.kid, self.secret = self.key()

    @property
    def head(self):
        return self.d.state / "store.mdb-head"

    def copy_of(self, name, to="copy"):
        shutil.copy2(self.d.state / name, self.d.folder / to)
        return self.d.folder / to

    def put_back(self, copy, name="store.mdb"):
        shutil.copy2(copy, self.d.state / name)

    def refused(self, *words):
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1, said)
        for word in (*words, "--accept-rollback"):
            self.assertIn(word, said)

    def accept(self):
        return subprocess.run(
            [harness.AUTHZD, "--accept-rollback", "--state", str(self.d.state)],
            capture_output=True, text=True, timeout=harness.DEADLINE, check=False)

    def test_a_whole_store_that_is_rolled_back_is_refused(self):
        self.d.stop()
        copy = self.copy_of("store.mdb")
        self.d.start()
        self.d.call("keys.revoke", id=self.kid)
        self.d.stop()
        self.put_back(copy)
        self.refused("rolled back")

    def test_an_accepted_rollback_is_recorded_and_starts(self):
        self.d.stop()
        copy = self.copy_of("store.mdb")
        self.d.start()
        self.d.call("keys.revoke", id=self.kid)
        self.d.stop()
        newer = self.copy_of("store.mdb", "newer")
        self.put_back(copy)
        done = self.accept()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.d.start()
        self.assertTrue(self.d.call(
            "authorize", token=self.secret, method="GET", path="/loans/7")["allow"])
        self.d.stop()
        # Two stores and one head: the store with another history is refused from now on.
        self.put_back(newer)
        self.refused("is not the one")

    def test_a_store_that_goes_further_than_the_head_starts(self):
        self.d.stop()
        copy = self.copy_of("store.mdb-head")
        self.d.start()
        self.d.call("keys.revoke", id=self.kid)
        self.d.stop()
        self.put_back(copy, "store.mdb-head")
        self.d.start()
        self.assertTrue(self.head.read_bytes() != copy.read_bytes(), "the head follows")

    def test_a_store_without_its_head_is_refused(self):
        self.d.stop()
        self.head.unlink()
        self.refused("there is no such file")
        self.assertFalse(self.head.exists())
        self.assertEqual(self.accept().returncode, 0)
        self.d.start()

    def test_a_head_that_was_edited_is_refused(self):
        self.d.stop()
        good = self.head.read_bytes()
        for text in (good.replace(b"count 0", b"count 1"), b"", good[:40], good[:4096][::-1] * 2):
            with self.subTest(text=text[:60]):
                self.head.write_bytes(text)
                self.refused("was altered")
        # One of the two copies is enough: the other one may be half written.
        self.head.write_bytes(b"x" * 4096 + good[4096:])
        self.d.start()

    def test_a_new_store_under_an_old_head_is_refused(self):
        self.d.stop()
        (self.d.state / "store.mdb").unlink()
        self.refused("trail ends at 0")

    def test_a_head_that_others_may_write_is_refused(self):
        self.d.stop()
        self.head.chmod(0o660)
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("chmod 600", said)
        self.head.chmod(0o600)
        self.d.start()


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Somebody who can cut the power at any moment wants the pepper's file and the store to part."""

import unittest

import attack
import harness
import people


class PepperFile(attack.Attack, people.PeopleTest):
    def setUp(self):
        super().setUp()
        self.alice()
        _, self.secret = self.key()
        self.file = self.d.state / "pepper"
        # A folder in the place of the file that is written aside: nothing can replace the pepper.
        self.obstacle = self.d.state / "pepper.new"

    def field(self, name):
        fields = dict(line.split(" ", 1) for line in self.file.read_text().splitlines()[1:])
        return fields.get(name, "000")

    def rotations(self):
        return [item for item in self.c.call("audit.list")["items"]
                if item["action"] == "pepper.rotate"]

    def restart(self):
        self.d.start()
        self.c = self.d.client()

    def all_is_well(self, number):
        """File, store and trail agree, and keys of both peppers work."""
        harness.wait_until(lambda: self.c.call("status")["pepper"]["number"] == number,
                           what=f"pepper {number}")
        self.assertEqual(int(self.field("number")), number)
        self.assertEqual(len(self.rotations()), number)
        self.assert_reason("ok", self.ask(self.secret))
        self.assert_reason("ok", self.ask(self.key()[1]))
        self.assertEqual(self.c.call("audit.verify")["items"], [])

    def test_the_end_between_the_commit_and_the_file(self):
        self.obstacle.mkdir()
        error = self.refused("rotates while the file cannot be replaced", "overloaded",
                             lambda: self.c.call("pepper.rotate"))
        self.assertIn("the rotation is stored", error["message"])
        self.assertEqual(self.field("number"), "000")
        self.assert_reason("ok", self.ask(self.secret))
        self.d.kill()
        self.restart()
        self.assert_reason("ok", self.ask(self.secret))
        self.d.kill()
        self.obstacle.rmdir()
        self.restart()
        self.all_is_well(1)
        self.failed("leaves the store ahead of the file by a kill", "the next start makes the pepper")

    def test_a_repeated_call_finishes_it(self):
        self.obstacle.mkdir()
        for _ in range(2):
            self.refused("rotates while the file cannot be replaced", "overloaded",
                         lambda: self.c.call("pepper.rotate"))
        self.obstacle.rmdir()
        self.assertEqual(self.c.call("pepper.rotate")["pepper"], 1)
        self.all_is_well(1)
        self.failed("makes a rotation that nothing can finish", "the next call finishes it, once")

    def test_the_end_between_the_file_and_the_answer(self):
        before = self.file.read_bytes()
        self.c.call("pepper.rotate")
        after = self.file.read_bytes()
        self.d.kill()
        self.assertNotEqual(before, after)
        self.restart()
        self.all_is_well(1)
        harness.wait_until(lambda: set(self.field("old")) == {"0"}, what="the old pepper's end")
        self.assertEqual(self.c.call("pepper.rotate")["pepper"], 2)
        self.all_is_well(2)
        self.failed("leaves the file ahead of the store by a kill", "both agree after the start")


if __name__ == "__main__":
    unittest.main()

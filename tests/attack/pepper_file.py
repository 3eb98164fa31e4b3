# SPDX-License-Identifier: Apache-2.0
"""Somebody who can cut the power at any moment wants the pepper's file and the store to part."""

import unittest

import attack
import harness
import people
import test_first_start as first_start


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

    def record(self):
        """The writes of a rotation: all lines, and those before it and before its answer."""
        lines = self.d.folder / "lines"
        self.d.stop()
        self.d.prefix = ["env", f"LD_PRELOAD={first_start.RECORDER}", f"RECORD_WRITES_TO={lines}",
                         f"RECORD_WRITES_IN={self.d.state}"]
        for path in self.d.state.iterdir():
            path.unlink()
        self.restart()
        self.alice()
        _, self.secret = self.key()
        before = len(lines.read_text().splitlines())
        self.c.call("pepper.rotate")
        answered = len(lines.read_text().splitlines())
        self.c.call("principals.create", id="bob")  # after the job that follows the rotation
        self.d.kill()
        self.d.prefix = []
        return lines.read_text().splitlines(), before, answered

    def start_on(self, state, answered):
        for path in self.d.state.iterdir():
            path.unlink()
        first_start.put_state(state, self.d.state)
        self.restart()
        try:
            if answered:
                self.assertEqual(len(self.rotations()), 1)
            self.all_is_well(len(self.rotations()))
        finally:
            self.d.kill()

    @unittest.skipUnless(first_start.RECORDER, "a sanitizer wants to be loaded first itself")
    def test_any_power_cut_during_a_rotation(self):
        lines, before, answered = self.record()
        disk, states = first_start.Disk(), {}
        for number, line in enumerate(["sync folder", *lines]):
            disk.do(line)
            for state in disk.cuts() if number >= before else ():
                states[state] = states.get(state, True) and number >= answered
        for state, had_answer in states.items():
            with self.subTest(state=first_start.describe(state)):
                self.start_on(state, had_answer)
        self.restart()
        self.failed(f"cuts the power in one of {len(states)} ways", "the next start mends it")

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

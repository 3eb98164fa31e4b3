# SPDX-License-Identifier: Apache-2.0
"""The use of a key by day: which day a use is of, and what keeps and ends days."""

import json
import os
import random
import struct
import time
import unittest

import harness
import terminal

LIBRARY = os.environ.get("STEP_CLOCK")

POLICY = """\
environment live prefix a_live_
tree api {
    /a { GET }
    /b { GET }
}
role r { allow GET on api:/a }
"""
DAY = 86400
TODAY = int(time.time()) // DAY * DAY
MOST = 32


@unittest.skipUnless(LIBRARY, "a sanitizer wants to be loaded first itself")
class Days(harness.DaemonTest):
    """A daemon whose clock is at noon of a day that the test chooses."""

    def setUp(self):
        self.d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(self.d.finish)
        self.added = self.d.folder / "added"
        self.d.prefix = ["env", f"LD_PRELOAD={LIBRARY}", f"STEP_CLOCK_FILE={self.added}"]
        self.began = time.time()
        self.added.write_bytes(bytes(16))

    def at(self, day, passed=0):
        """Sets the wall clock to noon of the day `day` days after today; `passed` days have gone by."""
        noon = TODAY + day * DAY + DAY // 2
        with open(self.added, "r+b") as file:
            file.write(struct.pack("=qq", int(noon - self.began), passed * DAY))

    def start(self, day):
        self.at(day)
        self.d.start()
        self.c = self.d.client()

    def key(self):
        record = self.c.call("keys.create", roles=["r"])
        self.key_id, self.secret = record["id"], record["secret"]

    def use(self, times=1, denied=0):
        for path, count in (("/a", times - denied), ("/b", denied)):
            for _ in range(count):
                self.c.call("authorize", token=self.secret, method="GET", path=path)

    def days(self):
        """{days after today: (uses, denials)}"""
        record = self.c.call("keys.get", id=self.key_id)
        found = [(day["day"], day["uses"], day["denials"]) for day in record.get("days", ())]
        self.assertEqual(sorted(found), found)
        self.assertFalse([day for day in record.get("days", ()) if day["day"] % DAY or not day["uses"]])
        self.uses, self.denials = record["uses"], record["denials"]
        return {(day - TODAY) // DAY: (uses, denials) for day, uses, denials in found}

    def test_a_day_counts_at_once_and_the_33rd_falls_out(self):
        self.start(0)
        self.key()
        self.assertEqual(self.days(), {})
        self.use(3, 1)
        self.assertEqual(self.days(), {0: (3, 1)})
        self.d.stop()
        self.start(MOST - 1)
        self.assertEqual(self.days(), {0: (3, 1)})
        self.use(2)
        self.assertEqual(self.days(), {0: (3, 1), MOST - 1: (2, 0)})
        self.d.stop()
        self.start(MOST)
        self.assertEqual(self.days(), {MOST - 1: (2, 0)})
        self.assertEqual(self.uses, 5)
        self.use(1, 1)
        self.d.stop()
        self.start(MOST)
        self.assertEqual(self.days(), {MOST - 1: (2, 0), MOST: (1, 1)})
        self.assertNotIn("days", self.c.call("keys.list")["items"][0])

    def test_random_uses_over_restarts_and_kills_are_those_of_a_model(self):
        draw = random.Random(5)
        self.start(0)
        self.key()
        # what is in the store for certain, and what was counted; without the days that have ended
        kept, counted, day, lost = {}, {}, 0, 0
        for _ in range(25):
            uses = draw.randrange(8)
            denied = draw.randrange(uses + 1)
            self.use(uses, denied)
            if uses:
                before = counted.get(day, (0, 0))
                counted[day] = (before[0] + uses, before[1] + denied)
            self.assertEqual(self.days(), counted)
            if draw.randrange(3):
                self.d.stop()
                kept = dict(counted)
            else:
                self.d.kill()
            day += draw.choice((0, 0, 1, 2, 5, 20, 40))
            self.start(day)
            found = self.days()
            kept = {then: counts for then, counts in kept.items() if day - then < MOST}
            counted = {then: counts for then, counts in counted.items() if day - then < MOST}
            self.assertTrue(found in (kept, counted), (found, kept, counted))
            lost += found != counted
            kept, counted = dict(found), dict(found)
        self.assertGreater(lost, 0, "a kill loses what is not written")

    def test_a_clock_that_went_ahead_neither_ends_nor_makes_a_day(self):
        self.start(0)
        self.key()
        self.use(2)
        # The daemon sees that the clock is ahead before it counts.
        self.at(40)
        self.d.wait_for_log("the clock went ahead")
        self.use(3, 1)
        self.assertEqual(self.days(), {0: (5, 1)})
        self.d.stop()
        self.at(0)
        self.d.start()
        self.c = self.d.client()
        self.use(1)
        self.assertEqual(self.days(), {0: (6, 1)})
        self.assertEqual(self.c.call("status")["store"].get("clock_back", 0), 0)

    def test_while_the_clock_is_set_back_the_latest_day_counts(self):
        self.start(0)
        self.key()
        self.use(2)
        self.d.stop()
        self.start(-9)
        self.use(3)
        self.assertEqual(self.days(), {0: (5, 0)})
        self.d.stop()
        self.start(1)
        self.use(1)
        self.assertEqual(self.days(), {0: (5, 0), 1: (1, 0)})

    def test_days_after_an_accepted_clock_become_the_present_one(self):
        self.start(0)
        self.key()
        self.use(2)
        self.d.stop()
        self.start(9)
        self.use(3, 1)
        self.d.stop()
        self.at(4)
        status, said = self.d.refuses_to_start("--accept-clock")
        self.assertEqual(status, 0, said)
        self.start(4)
        self.assertEqual(self.days(), {0: (2, 0), 4: (3, 1)})
        self.use(1)
        self.d.stop()
        self.start(5)
        self.assertEqual(self.days(), {0: (2, 0), 4: (4, 1)})

    def test_a_backup_has_days_and_a_restore_brings_them_back(self):
        self.start(0)
        self.key()
        self.use(3, 1)
        self.d.stop()
        self.start(2)
        self.use(2)
        self.d.stop()
        self.start(2)
        before = self.days()
        self.assertEqual(before, {0: (3, 1), 2: (2, 0)})
        copy = self.d.folder / "copy"
        done = self.d.tool("store", "backup", copy)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.use(5)
        self.d.stop()
        done = harness.run_tool("store", "restore", copy, "--state", self.d.state, home=self.d.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.start(3)
        self.assertEqual(self.days(), before)
        self.assertEqual(self.c.call("audit.verify")["items"], [])
        self.assertEqual(self.c.call("status")["store"].get("altered", 0), 0)

    def test_the_tool_shows_a_line_of_32_days(self):
        self.start(0)
        self.key()
        self.use(8, 3)
        self.d.stop()
        self.start(2)
        self.use(1)
        said = self.d.tool("key", "show", self.key_id).stdout
        line = [line for line in said.splitlines() if line.startswith("last 32 days")][0]
        # The tool's clock is the real one: it is at day 0, and shows the daemon's newest day as the last.
        numbers = line.removeprefix("last 32 days").split()
        self.assertEqual(numbers, ["0"] * (MOST - 3) + ["8", "0", "1"])
        _, seen = terminal.run(self.d, "key", "show", self.key_id, env={"LC_ALL": "C.UTF-8"})
        self.assertIn("·" * (MOST - 3) + "█·▁  at most 8 a day\n", seen)
        _, seen = terminal.run(self.d, "key", "show", self.key_id, env={"LC_ALL": "C", "LANG": "C.UTF-8"})
        self.assertNotIn("█", seen)
        record = json.loads(self.d.tool("--json", "key", "show", self.key_id).stdout)
        date = lambda day: time.strftime("%Y-%m-%d", time.gmtime(TODAY + day * DAY))
        self.assertEqual(record["days"], [{"day": date(0), "uses": 8, "denials": 3},
                                          {"day": date(2), "uses": 1, "denials": 0}])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Wants an expired key to be valid again, by setting the machine's clock back.

The store keeps the latest time that the daemon has seen, and time before it counts as that time.
"""

import os
import struct
import subprocess
import time
import unittest

import attack
import harness

LIBRARY = os.environ.get("STEP_CLOCK")
STORE_EDIT = os.environ["STORE_EDIT"]
HOUR = 3600

POLICY = """\
environment live prefix a_live_
tree api { /a { GET } }
role r { allow GET on api:/a }
"""


@unittest.skipUnless(LIBRARY, "a sanitizer wants to be loaded first itself")
class Clocks(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY}, start=False)
        self.added = self.d.folder / "added"
        self.step(0)
        self.d.prefix = ["env", f"LD_PRELOAD={LIBRARY}", f"STEP_CLOCK_FILE={self.added}"]
        self.d.start()
        self.key = self.d.call("keys.create", roles=["r"], expires_in="1h")
        self.d.call("principals.create", id="ann")
        self.d.call("assignments.create", principal="ann", role="r",
                    until=int(time.time()) + HOUR)

    def step(self, seconds):
        """Sets the clock to that many seconds after the real one."""
        with open(self.added, "r+b" if self.added.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def pass_time(self, seconds):
        """Sets it, after this time has passed."""
        passed = struct.pack("=q", seconds)
        with open(self.added, "r+b") as file:
            file.write(passed + passed)

    def ask(self):
        return self.d.call("authorize", token=self.key["secret"], method="GET", path="/a")

    def ask_ann(self):
        return self.d.call("authorize", principal="ann", method="GET", path="/a")

    def expire(self):
        """Two hours later the key and the assignment have ended, and that was seen."""
        self.assertTrue(self.ask()["allow"])
        self.assertTrue(self.ask_ann()["allow"])
        self.pass_time(2 * HOUR)
        harness.wait_until(lambda: self.ask()["reason"] == "expired_key", what="the key expires")
        harness.wait_until(lambda: self.clock()[0] >= 2 * HOUR - 10, what="the daemon sees the time")

    def clock(self):
        store = self.d.call("status")["store"]
        return store["clock_latest"] - int(time.time()), store["clock_back"]


class ClockBack(Clocks):
    def test_time_does_not_go_back(self):
        self.expire()
        self.step(0)
        self.denied("sets the clock back while the daemon runs", self.ask(), "expired_key")
        self.assertFalse(self.ask_ann()["allow"])
        self.failed("the same for an assignment with an end", self.ask_ann()["reason"])
        harness.wait_until(lambda: "alarm: the clock was set back" in self.d.log(), what="an alarm")
        ahead, back = self.clock()
        self.assertTrue(2 * HOUR - 10 <= ahead <= 2 * HOUR + 10, ahead)
        self.assertTrue(2 * HOUR - 10 <= back <= 2 * HOUR + 10, back)
        shown = self.d.tool("status").stdout
        self.assertIn("set back by 2 hours", shown)

    def test_nor_while_the_daemon_does_not_run(self):
        self.expire()
        self.d.stop()
        self.step(0)
        self.d.start()
        self.denied("sets the clock back between two starts", self.ask(), "expired_key")
        harness.wait_until(lambda: "alarm: the clock was set back" in self.d.log(), what="an alarm")
        self.step(-400 * 24 * HOUR)
        self.denied("sets it back by a year", self.ask(), "expired_key")
        made = self.d.call("keys.create", roles=["r"], expires_in="1h")
        self.assertGreater(made["expires_at"], int(time.time()) + 2 * HOUR,
                           "what is made now goes by the latest time")
        self.pass_time(2 * HOUR + 1)
        harness.wait_until(lambda: self.clock()[1] == 0, what="the clock has caught up")
        harness.wait_until(lambda: "has caught up" in self.d.log(), what="the end of the alarm")

    def test_nor_by_removing_the_record(self):
        self.expire()
        self.d.call("principals.create", id="later")  # the trail knows the time too
        self.d.stop()
        store = self.d.state / "store.mdb"
        subprocess.run([STORE_EDIT, store, "del", "meta", b"clock".hex()], check=True)
        self.step(0)
        self.d.start()
        self.denied("removes the record of the latest time", self.ask(), "expired_key")

    def test_an_altered_record_is_an_alarm(self):
        self.expire()
        self.d.call("principals.create", id="later")
        self.d.stop()
        store = self.d.state / "store.mdb"
        listed = subprocess.run([STORE_EDIT, store, "list", "meta"], check=True, text=True,
                                capture_output=True).stdout
        value = dict(line.split() for line in listed.splitlines())[b"clock".hex()]
        value = value[:36] + "00" * 8 + value[52:]
        subprocess.run([STORE_EDIT, store, "put", "meta", b"clock".hex(), value], check=True)
        self.step(0)
        self.d.start()
        self.denied("sets the latest time to 0", self.ask(), "expired_key")
        self.d.wait_for_log("altered")

    def test_a_small_correction_is_no_alarm(self):
        self.step(200)
        harness.wait_until(lambda: self.clock()[0] >= 199, what="the clock is ahead")
        self.step(0)
        self.assertTrue(self.ask()["allow"])
        self.assertEqual(self.clock()[1], 0)
        key = self.d.call("keys.get", id=self.key["id"])
        self.assertLessEqual(key["last_used_at"], int(time.time()) + 2, "the wall clock counts")
        self.assertNotIn("alarm", self.d.log())

    def test_an_administrator_accepts_a_clock_that_was_wrong(self):
        self.expire()
        self.d.stop()
        self.step(0)
        done = subprocess.run(self.d.command("--accept-clock"), env=harness.environment(self.d.folder),
                              capture_output=True, text=True, check=False, timeout=harness.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        day = time.strftime("%Y-%m-%dT", time.gmtime())
        self.assertRegex(done.stdout, rf"the latest time was \d{{4}}-[-0-9]+T[:0-9]+Z and is {day}")
        self.d.start()
        self.assertTrue(self.ask()["allow"])
        self.assertEqual(self.clock()[1], 0)
        self.assertIn("store.accept_clock", self.d.tool("log").stdout)

    def test_there_is_nothing_to_accept_when_the_clock_was_not_set_back(self):
        self.d.stop()
        for seconds in (0, -200, 300):
            self.step(seconds)
            done = subprocess.run(self.d.command("--accept-clock"), capture_output=True, text=True,
                                  env=harness.environment(self.d.folder), check=False,
                                  timeout=harness.DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"nothing to accept.* \d{4}-[-0-9]+T[:0-9]+Z")
        self.step(0)
        self.d.start()
        self.assertNotIn("accept_clock", self.d.tool("log").stdout)


@unittest.skipUnless(LIBRARY, "a sanitizer wants to be loaded first itself")
class ClockAhead(Clocks):
    """The clock is set ahead, and right again: the latest time does not follow it."""

    def jump(self, seconds=48 * HOUR):
        self.step(seconds)
        harness.wait_until(lambda: "alarm: the clock went ahead" in self.d.log(), what="an alarm")
        harness.wait_until(lambda: self.store()["clock_ahead"] >= seconds - 10, what="it is seen")

    def store(self):
        return self.d.call("status")["store"]

    def test_a_clock_that_jumps_ahead_counts_and_is_not_remembered(self):
        self.jump()
        self.denied("is past its end by the clock that counts", self.ask(), "expired_key")
        self.assertIn("ahead by 2 days", self.d.tool("status").stdout)
        self.d.call("principals.create", id="ahead")
        self.step(0)
        self.assertTrue(self.ask()["allow"], "set right again, it is not a clock that was set back")
        self.assertEqual(self.clock()[1], 0)
        self.assertLessEqual(abs(self.clock()[0]), 10)
        harness.wait_until(lambda: self.store()["clock_ahead"] == 0, what="the end of the alarm")
        self.assertNotIn("was set back", self.d.log())

    def test_nor_after_a_restart(self):
        self.jump()
        self.d.call("principals.create", id="ahead")  # with the time of then in the trail
        self.d.stop()
        self.step(0)
        self.d.start()
        self.assertTrue(self.ask()["allow"])
        self.assertEqual(self.clock()[1], 0)
        self.assertNotIn("was set back", self.d.log())

    def test_a_clock_that_stays_ahead_becomes_the_latest_time(self):
        self.jump(2 * HOUR)
        passed = struct.pack("=qq", 2 * HOUR + 3700, 3700)
        with open(self.added, "r+b") as file:
            file.write(passed)
        harness.wait_until(lambda: self.store()["clock_ahead"] == 0, what="it is taken as right")
        harness.wait_until(lambda: self.clock()[0] >= 2 * HOUR + 3690, what="the latest time")
        with open(self.added, "r+b") as file:
            file.write(struct.pack("=q", 3700))
        self.denied("sets it back after that", self.ask(), "expired_key")

    def test_a_sleep_of_the_machine_is_no_jump(self):
        self.pass_time(48 * HOUR)
        harness.wait_until(lambda: self.clock()[0] >= 48 * HOUR - 10, what="the daemon sees the time")
        self.assertEqual(self.store()["clock_ahead"], 0)
        self.assertNotIn("alarm", self.d.log())


if __name__ == "__main__":
    unittest.main()

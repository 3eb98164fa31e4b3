# SPDX-License-Identifier: Apache-2.0
"""A wall clock that is set while the daemon runs: what depends on it, and what does not."""

import os
import struct
import time
import unittest

import harness

LIBRARY = os.environ.get("STEP_CLOCK")

POLICY = """\
environment live prefix a_live_
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
stack few {
    authenticate required principal
    account required quota name=few limit=2 period=1h per=principal
    authorize required role
}
stack second {
    authenticate required principal
    account required mfa max_age=1h
    authorize required role
}
"""
DAY = 86400


@unittest.skipUnless(LIBRARY, "a sanitizer wants to be loaded first itself")
class Clock(harness.DaemonTest):
    def start(self):
        d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(d.finish)
        self.added = d.folder / "added"
        self.added.write_bytes(struct.pack("=q", 0))
        d.prefix = ["env", f"LD_PRELOAD={LIBRARY}", f"STEP_CLOCK_FILE={self.added}"]
        return d.start()

    def step(self, seconds, passed=0):
        """Sets the wall clock; `passed`: so much time has passed, too."""
        with open(self.added, "r+b") as file:
            file.write(struct.pack("=qq", seconds, passed))

    def pass_time(self, d, days):
        """Days later, and the daemon has seen it."""
        self.step(days * DAY, days * DAY)
        harness.wait_until(lambda: d.call("status")["store"]["clock_latest"] >=
                           time.time() + days * DAY - 60, what=f"{days} days are seen")

    def test_a_key_ends_by_the_wall_clock(self):
        d = self.start()
        key = d.call("keys.create", roles=["r"], expires_in="30d")
        ask = lambda: d.call("authorize", token=key["secret"], method="GET", path="/a")["reason"]
        for days, reason in ((0, "ok"), (29, "ok"), (31, "expired_key")):
            self.pass_time(d, days)
            # a coarse clock may be a tick late
            harness.wait_until(lambda: ask() == reason, what=f"{reason} after {days} days")
        self.step(-1 * DAY, 31 * DAY)
        self.assertEqual(ask(), "expired_key")

    def test_an_assignment_ends_by_the_wall_clock(self):
        d = self.start()
        d.call("principals.create", id="ann")
        d.call("assignments.create", principal="ann", role="r", until=int(time.time()) + DAY)
        ask = lambda: d.call("authorize", principal="ann", method="GET", path="/a")["reason"]
        for days, reason in ((0, "ok"), (2, "role")):
            self.pass_time(d, days)
            harness.wait_until(lambda: ask() == reason, what=f"{reason} after {days} days")
        self.step(-2 * DAY, 2 * DAY)
        self.assertEqual(ask(), "role")

    def test_a_second_factor_ages_by_the_wall_clock(self):
        d = self.start()
        given = int(time.time())
        ask = lambda: d.call("authorize", principal="p", method="GET", path="/a", service="second",
                             mfa_at=given)["reason"]
        for seconds, reason in ((1, "ok"), (3000, "ok"), (3700, "mfa"), (-60, "mfa")):
            self.step(seconds)
            harness.wait_until(lambda: ask() == reason, what=f"{reason} after {seconds} seconds")

    def test_a_quota_knows_nothing_of_it(self):
        d = self.start()
        ask = lambda: d.call("authorize", principal="p", method="GET", path="/a", service="few")
        self.assertTrue(ask()["allow"])
        self.step(-DAY)
        self.assertEqual(ask()["quota"]["remaining"], 0)
        for seconds in (0, 2 * 3600, 400 * DAY, -400 * DAY, 0):
            self.step(seconds)
            answer = ask()
            self.assertEqual(answer["reason"], "quota", seconds)
            self.assertTrue(3000 < answer["quota"]["reset"] <= 3600, answer)

    def test_nor_does_a_reload_or_the_end(self):
        d = self.start()
        self.step(-400 * DAY)
        revision = d.call("policy.status")["revision"]
        d.write("b.policy", "role late { allow GET on api:/a }\n")
        harness.wait_until(lambda: d.call("policy.status")["revision"] != revision,
                           what="the watch sees a change")
        self.step(400 * DAY)
        d.stop()


if __name__ == "__main__":
    unittest.main()

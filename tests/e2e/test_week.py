# SPDX-License-Identifier: Apache-2.0
"""tools/examples/console/week leaves a store with a week of use, which the real clock goes on with."""

import os
import subprocess
import time
import unittest
from pathlib import Path

import harness

WEEK = harness.ROOT / "tools" / "examples" / "console" / "week"
DAY = 86400


@unittest.skipUnless(os.environ.get("STEP_CLOCK"), "a sanitizer wants to be loaded first itself")
class Week(harness.DaemonTest):
    def setUp(self):
        self.d = harness.Daemon(harness.ROOT / "policy" / "examples" / "lendiq", start=False)
        self.addCleanup(self.d.finish)

    def week(self, *more, state=None, build=None):
        build = build or Path(harness.AUTHZCHECK).parents[1]
        return subprocess.run(
            [WEEK, "--build", build, "--state", state or self.d.state, "--socket", self.d.socket, *more],
            capture_output=True, text=True, env=harness.environment(self.d.folder),
            timeout=harness.DEADLINE * 6, check=False)

    def test_a_daemon_with_the_real_clock_goes_on_with_it(self):
        done = self.week("--policy", self.d.policy)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for reason in ("scope", "role", "network", "expired_key", "revoked_key", "inactive_key",
                       "inactive_principal", "wrong_environment", "unknown_resource"):
            self.assertRegex(done.stdout, rf"[ ,]{reason} [1-9]")
        began = time.time()
        self.d.start()
        c = self.d.client()
        store = c.call("status")["store"]
        self.assertEqual((store["clock_back"], store["clock_ahead"]), (0, 0))
        self.assertNotIn("clock", self.d.log())
        self.assertEqual(c.call("audit.verify")["items"], [])
        keys = {key["name"]: c.call("keys.get", id=key["id"]) for key in c.call("keys.list")["items"]}
        for name, key in keys.items():
            self.assertEqual(sum(day["uses"] for day in key.get("days", ())), key["uses"], name)
            self.assertEqual(sum(day["denials"] for day in key.get("days", ())), key["denials"], name)
        days = [day["day"] for day in keys["Reporting dashboard"]["days"]]
        self.assertGreaterEqual(len(days), 7)
        self.assertEqual(days, list(range(days[0], days[0] + len(days) * DAY, DAY)))
        self.assertLess(began - days[-1], 2 * DAY)
        self.assertLess(began - keys["Reporting dashboard"]["last_used_at"], harness.DEADLINE * 6)
        self.assertEqual({key["status"] for key in keys.values()}, {"active", "inactive", "expired", "revoked"})
        self.assertIn("retiring_until", keys["Partner portal"])
        self.assertIn("pending_until", keys["Bruno's laptop"])
        self.assertNotIn("days", keys["Spare"])
        self.assertEqual([key["name"] for key in c.call("keys.list", status="deleted")["items"]], ["Scratch"])

    def test_what_is_refused(self):
        (self.d.state / "something").touch()
        done = self.week()
        self.assertEqual((done.returncode, "is not empty: give a new folder" in done.stderr), (2, True), done)
        done = self.week(state=self.d.folder / "other", build=self.d.folder)
        self.assertEqual((done.returncode, "is missing: ninja -C" in done.stderr), (2, True), done)
        self.assertFalse((self.d.folder / "other").exists())


if __name__ == "__main__":
    unittest.main()

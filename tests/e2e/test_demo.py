# SPDX-License-Identifier: Apache-2.0
"""tools/demo with the programs of this build: its output is as expected, and it leaves no files."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

DEMO = harness.ROOT / "tools" / "demo"


class Demo(unittest.TestCase):
    def run_demo(self, *arguments, build=None):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        build = build or Path(harness.AUTHZCHECK).parents[1]
        done = subprocess.run(
            ["sh", DEMO, "--build", build, *arguments], capture_output=True, text=True,
            env={**harness.environment(folder.name), "TMPDIR": folder.name},
            timeout=harness.DEADLINE * 2, check=False)
        return done, os.listdir(folder.name)

    def test_the_output_is_as_expected(self):
        done, left = self.run_demo()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        printed = iter(done.stdout.splitlines())
        for line in ("5 passed, 0 failed", "allow  key ", "deny 403 scope: ",
                     "deny 404 unknown_resource: ", "deny 400 malformed_path: ",
                     "(now it answers by revision ", "deny 403 role: no role of alice allows ",
                     "(now it answers by revision ", "allow  key ",
                     "policy/roles.policy:2:17: error: unknown action 'raed': did you mean 'read'?",
                     "(still revision ", "deny 401 inactive_key: ", "deny 401 revoked_key: ",
                     "Every command had the expected result."):
            self.assertTrue(any(found.startswith(line) for found in printed), f"{line}\n{done.stdout}")
        self.assertEqual(left, [])

    def test_no_secret_is_shown(self):
        done, _ = self.run_demo()
        self.assertNotRegex(done.stdout + done.stderr, r"_1[0-9A-Za-z]{11}_[0-9A-Za-z]{38}")

    def test_it_fails_when_a_step_does(self):
        with tempfile.TemporaryDirectory(prefix="authz-") as build:
            for program in ("daemon/authzd", "tools/authzcheck"):
                path = Path(build) / program
                path.parent.mkdir()
                path.write_text("#!/bin/sh\necho 'nothing passed'\n", encoding="utf-8")
                path.chmod(0o755)
            done, left = self.run_demo(build=build)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the output does not contain '0 failed'", done.stderr)
        self.assertEqual(left, [])

    def test_wrong_options_are_refused(self):
        done, _ = self.run_demo("--frobnicate")
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()

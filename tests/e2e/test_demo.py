# SPDX-License-Identifier: Apache-2.0
"""tools/demo with the programs of this build: its output is as expected, and it leaves no files."""

import http.client
import json
import os
import re
import signal
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

    def test_a_program_without_the_page_says_what_to_do(self):
        with tempfile.TemporaryDirectory(prefix="authz-") as build:
            for program in ("daemon/authzd", "tools/authzcheck"):
                path = Path(build) / program
                path.parent.mkdir()
                path.write_text("#!/bin/sh\necho 'authzcheck: it was built without the page: tools/setup all' >&2\n"
                                "exit 2\n", encoding="utf-8")
                path.chmod(0o755)
            done, left = self.run_demo("--console", build=build)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("built without the page: tools/setup all", done.stderr)
        self.assertEqual(left, [])


@unittest.skipUnless(os.environ.get("AUTHZ_CONSOLE", "yes") == "yes", "built without the console's page")
@unittest.skipUnless(os.environ.get("STEP_CLOCK"), "built without a clock that can be set")
class Console(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.process = subprocess.Popen(
            ["sh", DEMO, "--console", "--build", Path(harness.AUTHZCHECK).parents[1]], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**harness.environment(self.folder), "TMPDIR": self.folder}, preexec_fn=harness.die_with_parent)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.end, signal.SIGKILL)
        self.text = ""

    def end(self, number):
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.text += self.process.stdout.read()
        return self.process.wait(harness.DEADLINE * 2)

    def read_link(self):
        for line in self.process.stdout:
            self.text += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/console/#([0-9a-f]{64})", line):
                return int(found[1]), found[2]
        raise AssertionError(self.text)

    def test_the_link_opens_a_week_of_use_and_ctrl_c_leaves_nothing(self):
        port, ticket = self.read_link()
        browser = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.DEADLINE)
        self.addCleanup(browser.close)
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}
        browser.request("POST", "/console/session", json.dumps({"ticket": ticket}), headers)
        answer = browser.getresponse()
        answer.read()
        self.assertEqual(answer.status, 204)
        headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0]
        browser.request("POST", "/console/call", json.dumps({"method": "keys.list", "params": {}}), headers)
        keys = json.load(browser.getresponse())["result"]["items"]
        for name in ("Partner portal", "Bruno's laptop", "Spare", "Key desk"):
            self.assertIn(name, [key["name"] for key in keys])
            self.assertIn(name, self.text)
        self.assertEqual(len(self.daemons()), 1, self.text)
        self.assertEqual(self.end(signal.SIGINT), 0, self.text)
        self.assertEqual(self.daemons(), [], self.text)
        self.assertEqual(os.listdir(self.folder), [])

    def daemons(self):
        """Processes whose folder is one of the demonstration's, and that are authzd."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                inside = os.readlink(process / "cwd").startswith(self.folder)
                if inside and (process / "comm").read_text().strip() == "authzd":
                    found.append(process.name)
            except OSError:
                pass  # it has ended, or is another user's
        return found


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""An example of tools/examples runs, and what it says to try has the status that it says."""

import os
import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

EXAMPLES = harness.ROOT / "tools" / "examples"
BUILD = Path(harness.AUTHZD).parent.parent
# What the tests of the client build with: without it Go compiles its library again.
GO_CACHE = BUILD / "tests" / "conformance" / "replay_go.path" / "cache"


def curl(line):
    """The status of a command to try, as the command itself has it."""
    status = subprocess.run(["sh", "-c", line.replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ", 1)],
                            capture_output=True, text=True, timeout=harness.DEADLINE, check=True)
    return int(status.stdout)


class ExampleTest(unittest.TestCase):
    def answers_as_it_says(self, name, *arguments, end=signal.SIGINT):
        """It prints three commands, each has its status, and after the signal nothing is left."""
        with tempfile.TemporaryDirectory(prefix="authz-") as folder:
            run = subprocess.Popen(
                [EXAMPLES / name / "run", str(harness.free_port()), *arguments], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, preexec_fn=harness.die_with_parent,
                env={**harness.environment(folder), "TMPDIR": folder, "BUILD": str(BUILD),
                     "GOCACHE": str(GO_CACHE)})
            try:
                lines = []
                for line in run.stdout:
                    if line.strip().startswith("curl"):
                        lines.append(line)
                    if line.startswith("Ctrl-C"):
                        break
                self.assertEqual(len(lines), 3, run.stderr.read() if not lines else lines)
                for line in lines:
                    self.assertEqual(curl(line), int(re.search(r"# (\d+)", line)[1]), line)
            finally:
                run.send_signal(end)
                _, errors = run.communicate(timeout=harness.DEADLINE)
            self.assertEqual((run.returncode, errors), (0, ""))
            self.assertEqual(os.listdir(folder), [])

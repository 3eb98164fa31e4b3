#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A short run of share_faults, always with the same faults."""

import re
import subprocess
import unittest
from pathlib import Path

import harness

PROGRAM = Path(__file__).resolve().parent / "share_faults"
SKIP = 77


class ShareFaults(unittest.TestCase):
    def run_rounds(self, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False, preexec_fn=harness.die_with_parent)
        if done.returncode == SKIP:
            self.skipTest(done.stderr.strip())
        return done.returncode, done.stdout + done.stderr

    def test_no_answered_change_is_lost_and_nothing_is_allowed_after_it_ended_everywhere(self):
        status, said = self.run_rounds("--rounds", "20", "--seconds", "75", "--seed", "11")
        self.assertEqual(status, 0, said)
        counts = {name: int(value) for name, value in re.findall(r"^(\w.*?)\s+(\d+)$", said, re.MULTILINE)}
        self.assertGreaterEqual(counts["rounds"], 1)
        self.assertEqual(counts["rounds with equal stores"], counts["rounds"])
        for name in ("changes answered", "answered as everywhere", "decisions"):
            self.assertGreater(counts[name], 0, said)


if __name__ == "__main__":
    unittest.main()

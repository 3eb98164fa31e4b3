#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The examples with a web server run, and what they say to try has the status that they say."""

import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from examples import EXAMPLES, ExampleTest  # noqa: E402


class WebExamples(ExampleTest):
    def test_every_web_server_has_a_test(self):
        runs = [run for run in EXAMPLES.glob("*/run") if "start_reports" in run.read_text()]
        self.assertEqual({run.parent.name for run in runs}, {"nginx", "caddy"})

    def test_nginx(self):
        self.answers_as_it_says("nginx", end=signal.SIGTERM)

    def test_caddy(self):
        self.answers_as_it_says("caddy")


if __name__ == "__main__":
    unittest.main()

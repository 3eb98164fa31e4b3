#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The applications of tools/examples run, and what they say to try has the status that they say."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from examples import EXAMPLES, GO_CACHE, ExampleTest


class Examples(ExampleTest):
    def test_every_application_has_a_test(self):
        tested = {"express", "fastapi", "flask", "go", "php"}
        runs = [run for run in EXAMPLES.glob("*/run") if "start_loans" in run.read_text()]
        self.assertEqual({run.parent.name for run in runs}, tested)

    @unittest.skipIf(shutil.which("authzd", path=f"{os.environ.get('PATH', '')}:/usr/sbin"), "authzd is installed")
    def test_without_a_build_it_says_how_to_make_one(self):
        with tempfile.TemporaryDirectory(prefix="authz-") as folder:
            done = subprocess.run([EXAMPLES / "flask" / "run"], capture_output=True, text=True, check=False,
                                  env={**os.environ, "TMPDIR": folder, "BUILD": folder})
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"{folder}/daemon/authzd is missing: meson setup build", done.stderr)
            self.assertEqual(os.listdir(folder), [])

    @unittest.skipUnless(importlib.util.find_spec("flask"), "no Flask: tools/setup installs it")
    def test_flask(self):
        self.answers_as_it_says("flask")

    @unittest.skipUnless(importlib.util.find_spec("fastapi"), "no FastAPI: tools/setup installs it")
    def test_fastapi(self):
        self.answers_as_it_says("fastapi")

    @unittest.skipUnless(all((harness.ROOT / folder / "node_modules/.authz-lock").exists()
                             for folder in ("client/node", "tools/examples/express")),
                         "no Express: tools/setup fetches it")
    def test_express(self):
        self.answers_as_it_says("express")

    @unittest.skipUnless(shutil.which("php"), "no PHP: tools/setup installs it")
    def test_php(self):
        self.answers_as_it_says("php")

    @unittest.skipUnless(list(Path("/usr/sbin").glob("php-fpm*")), "no FPM: tools/setup installs it")
    def test_php_in_fpm(self):
        self.answers_as_it_says("php", "fpm")

    @unittest.skipUnless(GO_CACHE.exists(), "no client for Go was built")
    def test_go(self):
        self.answers_as_it_says("go")


if __name__ == "__main__":
    unittest.main()

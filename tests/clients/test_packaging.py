# SPDX-License-Identifier: Apache-2.0
"""Each client is packaged as its users install things: complete, with the version of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402

CLIENT = harness.ROOT / "client"
VERSION = re.search(r"version: '([^']+)'", (harness.ROOT / "meson.build").read_text())[1]


def run(*command, cwd, **environment):
    done = subprocess.run([str(word) for word in command], cwd=cwd, text=True, capture_output=True,
                          timeout=harness.DEADLINE, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Packaging(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_wheel_of_python_has_each_module_and_its_types(self):
        source = self.folder / "python"
        shutil.copytree(CLIENT / "python", source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
        run("/usr/bin/python3", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation",
            "--wheel-dir", self.folder, source, cwd=self.folder, PIP_DISABLE_PIP_VERSION_CHECK="1")
        wheel, = self.folder.glob("*.whl")
        self.assertEqual(wheel.name, f"authz-{VERSION}-py3-none-any.whl")
        packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("authz/")}
        self.assertEqual(packed, {f"authz/{file.name}" for file in (source / "authz").iterdir()})
        self.assertIn("authz/py.typed", packed)
        self.assertIn(f'__version__ = "{VERSION}"', (CLIENT / "python/authz/__init__.py").read_text())

    @unittest.skipUnless(shutil.which("npm"), "no npm: tools/setup installs it")
    def test_a_package_of_node_has_each_file_and_its_types(self):
        text = run("npm", "pack", "--dry-run", "--json", "--ignore-scripts", cwd=CLIENT / "node", HOME=str(self.folder))
        packed, = json.loads(text)
        names = {file["path"] for file in packed["files"]}
        self.assertEqual(packed["version"], VERSION)
        sources = {str(file.relative_to(CLIENT / "node")) for pattern in ("*.js", "*.d.ts", "lib/*.js")
                   for file in (CLIENT / "node").glob(pattern)}
        self.assertEqual(names, sources | {"README.md", "package.json"})
        for entry in json.loads((CLIENT / "node/package.json").read_text())["exports"].values():
            self.assertLessEqual({entry["types"][2:], entry["default"][2:]}, names)

    @unittest.skipUnless(shutil.which("composer"), "no Composer: tools/setup installs it")
    def test_the_package_of_php_is_valid(self):
        run("composer", "validate", "--strict", "--no-check-publish", cwd=CLIENT / "php",
            COMPOSER_HOME=str(self.folder), COMPOSER_ALLOW_SUPERUSER="1")

    @unittest.skipUnless(shutil.which("go"), "no Go: tools/setup installs it")
    def test_the_module_of_go_has_the_name_that_is_documented(self):
        module = json.loads(run("go", "mod", "edit", "-json", cwd=CLIENT / "go", HOME=str(self.folder)))
        self.assertEqual(module["Module"]["Path"], "authzd.internal/authz")
        self.assertEqual([one["Path"] for one in module["Require"]], ["github.com/vmihailenco/msgpack/v5"])
        for page in ("README.md", "go/README.md"):
            self.assertIn("-replace=authzd.internal/authz=", (CLIENT / page).read_text())


if __name__ == "__main__":
    unittest.main()

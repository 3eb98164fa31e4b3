# SPDX-License-Identifier: Apache-2.0
"""The guides of client/README.md do as they say. Files and commands are taken from the text; what it installs is
there already, from Debian and npm, since no test uses a network."""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
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
BUILD = Path(harness.AUTHZD).parent.parent
MODULES = harness.ROOT / "tools/examples/express/node_modules"
GOCODE = Path("/usr/share/gocode/src")
GO_MODULES = {"github.com/vmihailenco/msgpack/v5": "v5.3.5", "github.com/vmihailenco/tagparser/v2": "v2.0.0"}
# A paragraph, and the block that it introduces.
BLOCK = re.compile(r"^(?P<before>[^\n]+(?:\n[^\n]+)*)\n\n```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
RUNS = ("Start the daemon", "Run it")  # what begins blocks of commands that do not end by themselves
PORT = "8000"  # of the guides


def sections():
    """{title: text} of the page."""
    parts = re.split(r"^## (.*)\n", (CLIENT / "README.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def go_proxy(folder):
    """A proxy of Go's modules, with those of Debian's package, without their tests."""
    for module, version in GO_MODULES.items():
        place = folder / module / "@v"
        place.mkdir(parents=True)
        (place / "list").write_text(version + "\n")
        (place / f"{version}.info").write_text(f'{{"Version": "{version}"}}')
        mod = re.sub(r"\n.*testify.*", "", (GOCODE / module / "go.mod").read_text())
        (place / f"{version}.mod").write_text(mod)
        with zipfile.ZipFile(place / f"{version}.zip", "w") as archive:
            archive.writestr(f"{module}@{version}/go.mod", mod)
            for file in sorted((GOCODE / module).rglob("*.go")):
                if not file.name.endswith("_test.go") and "extra" not in file.parts:
                    archive.write(file, f"{module}@{version}/{file.relative_to(GOCODE / module)}")


class Guides(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.port = harness.free_port()
        self.environment = {
            **harness.environment(self.folder), "CLIENT": str(CLIENT), "AUTHZ_SOCKET": str(self.folder / "authz.sock"),
            "PATH": f"/usr/bin:{BUILD}/daemon:{BUILD}/tools:{os.environ.get('PATH', '/bin')}",
            "PYTHONPATH": str(CLIENT / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        self.statuses = []

    def follow(self, title):
        """Does what a section says, block by block."""
        blocks = list(BLOCK.finditer(sections()[title]))
        self.assertTrue(blocks, f"{title} has no block")
        for block in blocks:
            before, text = block["before"], block["text"].replace(PORT, str(self.port))
            name = re.match(r"`([\w./]+)`", before)
            if name:
                file = self.folder / name[1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            elif block["language"] == "sh" and before.startswith(RUNS):
                self.start(text, self.is_served if "authzd" not in text else self.is_decided)
            elif block["language"] == "sh" and "composer" not in text:
                self.run_all(text)

    def run_all(self, text):
        """Runs commands to their end; curl has the status that the text says."""
        for line in text.splitlines():
            wanted = re.match(r"curl .*# (\d+)$", line)
            command = line.replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ", 1) if wanted else line
            done = subprocess.run(["sh", "-ec", command], cwd=self.folder, env=self.environment, text=True,
                                  capture_output=True, timeout=harness.DEADLINE, check=False)
            self.assertEqual(done.returncode, 0, f"{line}: {done.stdout}{done.stderr}{self.log()}")
            if wanted:
                self.assertEqual(done.stdout, wanted[1], f"{line}\n{self.log()}")
                self.statuses.append(int(wanted[1]))

    def start(self, text, ready):
        log = open(self.folder / "log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["sh", "-ec", text], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, preexec_fn=harness.die_with_parent, start_new_session=True)

        def stop():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(harness.DEADLINE)

        def is_ready():
            self.assertIsNone(process.poll(), f"{text}: {self.log()}")
            return ready()

        self.addCleanup(stop)
        harness.wait_until(is_ready, what=text)

    def log(self):
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def is_decided(self):
        return subprocess.run(["authzcheck", "status"], env=self.environment, capture_output=True,
                              timeout=harness.DEADLINE, check=False).returncode == 0

    def is_served(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def protects(self, title):
        self.follow("Before the guides")
        self.follow(title)
        self.assertEqual(self.statuses, [200, 403, 401])

    @unittest.skipUnless(importlib.util.find_spec("flask"), "no Flask: tools/setup installs it")
    def test_flask(self):
        self.protects("Protect Flask in ten minutes")

    @unittest.skipUnless(importlib.util.find_spec("fastapi"), "no FastAPI: tools/setup installs it")
    def test_fastapi(self):
        self.protects("Protect FastAPI in ten minutes")

    @unittest.skipUnless((MODULES / ".authz-lock").exists(), "no Express: tools/setup fetches it")
    def test_express(self):
        (self.folder / "node_modules").symlink_to(MODULES)
        self.protects("Protect Express in ten minutes")

    @unittest.skipUnless(shutil.which("php"), "no PHP: tools/setup installs it")
    def test_php(self):
        self.protects("Protect Laravel and PHP in ten minutes")

    @unittest.skipUnless(shutil.which("composer"), "no Composer: tools/setup installs it")
    def test_composer_installs_the_client(self):
        block = re.search(r"```sh\n(composer .*?)```", sections()["Protect Laravel and PHP in ten minutes"], re.DOTALL)
        self.environment.update(COMPOSER_HOME=str(self.folder), COMPOSER_ALLOW_SUPERUSER="1")
        (self.folder / "config.json").write_text('{"repositories": [{"packagist.org": false}]}')
        (self.folder / "composer.json").write_text("{}")
        self.run_all(block[1])
        self.run_all("php -r 'require \"vendor/autoload.php\"; new Authz\\Guard(new Authz\\Client());'")

    @unittest.skipUnless((GOCODE / "github.com/vmihailenco").exists(), "no msgpack: tools/setup installs it")
    def test_go(self):
        go_proxy(self.folder / "proxy")
        self.environment.update(
            GOPROXY=f"file://{self.folder}/proxy", GOSUMDB="off", GOFLAGS="-modcacherw", CGO_ENABLED="0",
            GOPATH=str(self.folder / "go"), GOCACHE=str(BUILD / "tests/conformance/replay_go.path/cache"))
        self.protects("Protect Go in ten minutes")

    @unittest.skipUnless(importlib.util.find_spec("flask"), "no Flask: tools/setup installs it")
    def test_conditions(self):
        self.follow("Before the guides")
        self.follow("Where a path is not enough")
        self.assertEqual(self.statuses, [200, 403, 403])

    def test_every_guide_has_a_test(self):
        tested = {"Flask", "FastAPI", "Express", "Laravel and PHP", "Go"}
        titles = [re.fullmatch(r"Protect (.*) in ten minutes", title) for title in sections()]
        self.assertEqual({title[1] for title in titles if title}, tested)


if __name__ == "__main__":
    unittest.main()

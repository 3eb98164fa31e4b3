# SPDX-License-Identifier: Apache-2.0
"""The guide for web servers, client/WEB-SERVERS.md, does as it is written what it says.

Its blocks are run in the order of the text, in a new folder. What is replaced: the paths below /run, and the
port, which may be in use here.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
import web  # noqa: E402

CURL = r"""curl() { command curl -s -o /dev/null -w '%{http_code}\n' "$@"; }
"""


class Guide(web.WebTest):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.port = harness.free_port()
        self.before()

    def ours(self, text):
        for written, here in (("/run/authz/authz.sock", f"{self.folder}/authz.sock"),
                              ("/run/authz-http/http.sock", f"{self.folder}/http.sock"),
                              ("/run/authz-http/console.sock", f"{self.folder}/http.sock"),
                              ("127.0.0.1:8080", f"127.0.0.1:{self.port}")):
            text = text.replace(written, here)
        return text

    def environment(self):
        programs = [Path(program).parent for program in (harness.AUTHZD, harness.AUTHZCHECK, web.AUTHZ_HTTP)]
        return {**harness.environment(self.folder), "AUTHZ_SOCKET": f"{self.folder}/authz.sock",
                "PATH": ":".join([*map(str, programs), os.environ["PATH"]])}

    def shell(self, text):
        """Runs a block and gives what it prints."""
        done = subprocess.run(["/bin/sh", "-euc", self.ours(text)], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, env=self.environment(),
                              timeout=harness.DEADLINE, check=False)
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}{done.stderr}")
        return done.stdout

    def before(self):
        """Before the guides: policy, daemon and key. The daemon is the line that ends in an ampersand."""
        section = "## Before the guides"
        (self.folder / "policy").mkdir()
        (self.folder / "policy" / "site.policy").write_text(web.block(section, "policy"))
        daemon, rest = web.block(section, "sh").split(" &\n")
        self.run_program(["/bin/sh", "-euc", f"exec {daemon}"], self.environment())
        self.shell(rest)
        self.assertEqual((self.folder / "key").stat().st_mode & 0o777, 0o600)

    def conf(self, section):
        return self.ours(web.block(section, "conf"))

    def try_it(self, section):
        """The lines that the reader is to try: each curl has the status that its comment has."""
        text = web.block(section, "sh")
        wanted = [int(status) for status in re.findall(r"^curl .*# (\d+)$", text, re.MULTILINE)]
        out = self.shell(CURL + text).split("\n")
        self.assertIn("decision  allow", "\n".join(out))
        self.assertEqual(len(wanted), 3)
        self.assertEqual([int(line) for line in out if re.fullmatch(r"\d{3}", line)], wanted)

    def test_nginx_in_ten_lines(self):
        section = "## Protect nginx in ten lines"
        (self.folder / "site" / "reports").mkdir(parents=True)
        (self.folder / "site" / "reports" / "q1.txt").write_text("a report\n")
        self.start_authz_http(self.conf(section))
        lines = web.block(section, "nginx")
        self.assertLessEqual(lines.count("\n"), 10)
        self.start_nginx(f"server {{\nlisten 127.0.0.1:{self.port};\nroot {self.folder}/site;\n"
                         f"{self.ours(lines)}\n}}", self.port)
        self.try_it(section)

    def test_caddy_in_ten_lines(self):
        section = "## Protect Caddy in ten lines"
        application = harness.free_port()
        server = web.http.server.ThreadingHTTPServer(("127.0.0.1", application), web.Echo)
        server.count = 0
        web.serve(self, server)
        self.start_authz_http(self.conf(section))
        site = web.replaced(self.ours(web.block(section, "caddyfile")),
                            ("127.0.0.1:8000", f"127.0.0.1:{application}"))
        self.start_caddy(f"http://127.0.0.1:{self.port} {{\n{site}\n}}\n", self.port)
        self.try_it(section)


    @unittest.skipIf(os.environ.get("AUTHZ_CONSOLE") == "no", "built without the console's page")
    def test_a_console_for_a_team(self):
        section = "## A console for a team"
        (self.folder / "policy" / "console.policy").write_text(web.block(section, "policy"))
        self.shell("authzcheck reload")
        self.start_authz_http(self.conf(section))
        self.start_nginx(f"server {{\nlisten 127.0.0.1:{self.port};\n{self.ours(web.block(section, 'nginx'))}\n}}",
                         self.port)
        text = web.block(section, "sh")
        wanted = [int(status) for status in re.findall(r"# (\d+)$", text, re.MULTILINE)]
        out = self.shell(CURL + text).split("\n")
        self.assertEqual([int(line) for line in out if re.fullmatch(r"\d{3}", line)], wanted)
        self.assertEqual(wanted, [200, 200, 403])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy init: a first policy that loads, and whose tests pass."""

import json
import os
import pty
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

SCOPED = """\
openapi: 3.0.0
security: [{o: ['items:read']}]
paths:
  /v1/items: {get: {operationId: list}, post: {operationId: create, security: [{o: ['items:write']}]}}
"""


class Init(harness.DaemonTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.made = self.folder / "policy"

    def init(self, *arguments, status=0, text=None):
        done = harness.run_tool("policy", "init", *arguments, text=text)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, tests):
        """The policy loads without a warning, its tests pass, lint finds nothing, and it has the canonical form."""
        form = harness.run_tool("policy", "fmt", "--check", self.made)
        self.assertEqual((form.returncode, form.stdout), (0, ""))
        lint = harness.run_tool("policy", "lint", self.made)
        self.assertEqual((lint.returncode, lint.stderr), (0, ""))
        done = harness.run_tool("--json", "policy", "check", self.made)
        document = json.loads(done.stdout)
        self.assertEqual((done.returncode, document["diagnostics"]), (0, []))
        self.assertEqual(document["tests"], {"passed": tests, "failed": 0})
        return (self.made / "access.policy").read_text(encoding="utf-8")

    def test_without_a_description_the_tree_is_an_example(self):
        done = self.init("--prefix", "acme", self.made)
        self.assertIn("6 tests passed", done.stdout)
        access = self.check(6)
        self.assertIn("environment live prefix acme_live_\n", access)
        self.assertIn("stack other {", access)
        self.assertIn("/items {", (self.made / "tree.policy").read_text(encoding="utf-8"))

    def test_a_document_gives_tree_and_scopes(self):
        self.init("--prefix", "acme_", "--name", "shop",
                  "--openapi", self.file("api.yaml", SCOPED), self.made)
        access = self.check(6)
        self.assertIn("    with scope items:read\n    allow GET  shop:/v1/items\n", access)
        self.assertNotIn("scope shop:read", access)
        self.assertIn("stack shop {", access)

    def test_paths_begin_with_the_base_that_is_given(self):
        servers = "servers: [{url: 'https://api.example.org/v1'}]\n"
        document = self.file("api.yaml", SCOPED.replace("/v1/items", "/items") + servers)
        for number, (base, begins, again) in enumerate((
                (None, "/v1/items", ""), ("/", "/items", " --base /"), ("/a/b", "/a/b/items", " --base /a/b"),
                ("/it's", "/it's/items", " --base PATH"))):
            with self.subTest(base=base):
                self.made = self.folder / str(number)
                self.init("--prefix", "acme", *(("--base", base) if base else ()), "--openapi", document,
                          self.made)
                self.check(6 if "'" not in begins else 1)  # a test has no path with quotes
                tree = (self.made / "tree.policy").read_text(encoding="utf-8")
                self.assertIn(f"policy import-openapi --tree api{again} FILE > tree.policy\n", tree)
                shown = json.loads(harness.run_tool("--json", "policy", "show", "--tree", "api", self.made).stdout)
                self.assertIn(f"api:{begins}", [item["resource"] for item in shown["items"]])
        self.made = self.folder / "example"
        self.init("--prefix", "acme", "--base", "/v2", self.made)
        self.assertIn("api:/v2/items/example-1", self.check(6))

    def test_a_list_of_routes_gives_the_tree(self):
        document = json.loads(harness.run_tool(
            "--json", "policy", "init", "--prefix", "a", "--routes",
            self.file("routes", "GET /a/:id a.read\n"), self.made).stdout)
        self.assertEqual(document["files"], ["access.policy", "tree.policy"])
        access = self.check(document["tests"])
        self.assertNotIn("role editor", access)
        self.assertIn("allow GET api:/a/example-1\n", access)

    def test_an_api_of_one_kind_of_method_has_a_policy(self):
        for number, route in enumerate(("POST /a", "DELETE /a", "VIEW-X /a", "OPTIONS /", "GET /$x/{y}", "PUT /$x")):
            with self.subTest(route):
                self.made = self.folder / str(number)
                if route.startswith("VIEW"):
                    self.init("--prefix", "a", "--routes", self.file("routes", route), self.made, status=2)
                    self.assertFalse(self.made.exists())
                    continue
                document = json.loads(harness.run_tool(
                    "--json", "policy", "init", "--prefix", "a", "--routes",
                    self.file("routes", route + "\n"), self.made).stdout)
                self.check(document["tests"])

    def test_a_daemon_decides_by_it(self):
        self.init("--prefix", "acme", self.made)
        daemon = self.daemon(self.made)
        daemon.tool("principal", "create", "alice", "--name", "Alice")
        daemon.tool("assign", "alice", "reader")
        for method, status in (("GET", 0), ("DELETE", 1)):
            done = daemon.tool("check", "--principal", "alice", "--service", "api", method, "/items/7",
                               "--tree", "api")
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)

    def test_a_prefix_that_is_refused_says_why(self):
        for prefix, why in (("", "letters, digits and single underscores"),
                            ("a__b", "letters, digits and single underscores"),
                            ("x" * 65, "has 65 characters, and at most 64 may begin a key")):
            with self.subTest(prefix=prefix):
                self.assertIn(why, self.init("--prefix", prefix, self.made, status=2).stderr)

    def test_a_folder_with_a_policy_is_left_as_it_is(self):
        self.made.mkdir()
        kept = self.made / "mine.policy"
        kept.write_text("# mine\n", encoding="utf-8")
        done = self.init("--prefix", "acme", self.made, status=1)
        self.assertIn("has a policy (mine.policy): nothing was written", done.stderr)
        self.assertEqual([path.name for path in self.made.iterdir()], ["mine.policy"])

    def test_a_folder_that_has_no_room_has_no_half_of_a_policy(self):
        done = harness.run_tool_out_of_room("policy", "init", "--prefix", "acme", self.made)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("access.policy: File too large", done.stderr)
        self.assertEqual(list(self.made.iterdir()), [])

    def test_what_cannot_be_made_is_refused_and_nothing_is_written(self):
        for arguments, words in (
                ((), "--prefix is needed"),
                (("--prefix", "a b"), "letters, digits and single underscores"),
                (("--prefix", "_"), "letters, digits and single underscores"),
                (("--prefix", "a", "--name", "other"), "stack of all other services"),
                (("--prefix", "a", "--name", "Shop"), "cannot be a tree's name"),
                (("--prefix", "a", "--base", "v2"), "--base 'v2': a path begins with '/'"),
                (("--prefix", "a", "--openapi", "x", "--routes", "y"), "exclude each other"),
                (("--prefix", "a", "--openapi", self.folder / "none"), "No such file"),
                (("--prefix", "a", "--openapi", self.file("broken", "{")), "not JSON")):
            with self.subTest(arguments):
                self.assertIn(words, self.init(*arguments, self.made, status=2).stderr)
                self.assertFalse(self.made.exists())

    def converse(self, *answers):
        """Answers the questions on a terminal; returns the exit status and what was seen."""
        parent, child = pty.openpty()
        process = subprocess.Popen([harness.AUTHZCHECK, "policy", "init", str(self.made)],
                                   stdin=child, stdout=child, stderr=child,
                                   env=harness.environment(self.folder))
        os.close(child)
        seen = b""
        waiting = list(answers)
        with process:
            while True:
                try:
                    data = os.read(parent, 65536)
                except OSError:  # EIO: the other side is closed
                    break
                seen += data
                if waiting and seen.endswith(b"]: "):
                    os.write(parent, waiting.pop(0))
            os.close(parent)
            process.wait(harness.DEADLINE)
        return process.returncode, seen.decode().replace("\r\n", "\n")

    def test_it_asks_on_a_terminal(self):
        path = self.file("routes.txt", "# ours\nGET /a a.read\nPOST /a a.write\n")
        status, seen = self.converse(b"acme\n", str(path).encode() + b"\n")
        self.assertEqual(status, 0, seen)
        self.assertIn("How keys begin", seen)
        self.assertIn("prefix acme_live_", self.check(6))
        self.made = self.folder / "other"
        status, seen = self.converse(b"\n", str(self.file("a.yaml", SCOPED)).encode() + b"\n")
        self.assertEqual(status, 0, seen)
        self.assertIn("prefix ak_live_", self.check(6))

    def test_an_end_of_input_writes_nothing(self):
        status, seen = self.converse(b"acme\n", b"\4")
        self.assertEqual(status, 2, seen)
        self.assertIn("nothing was written", seen)
        self.assertFalse(self.made.exists())


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy try: facts are stated and a policy is asked, line by line."""

import json
import os
import pty
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

POLICY = """\
tree api { /loans { list GET, create POST, /{loan} { read GET, delete DELETE } } }
role viewer { allow GET on api:/** }
role clerk inherits viewer { allow create on api:/loans }
"""


class Try(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.policy = self.folder / "policy"
        self.policy.mkdir()
        self.write(POLICY)

    def write(self, text):
        (self.policy / "a.policy").write_text(text, encoding="utf-8")

    def ask(self, *lines, status=0, options=()):
        done = harness.run_tool(*options, "policy", "try", self.policy, text="\n".join(lines) + "\n")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def answers(self, *lines, status=0):
        return self.ask("explain off", *lines, status=status).stdout.splitlines()

    def test_a_question_is_answered_with_the_facts_before_it(self):
        self.assertEqual(self.answers("GET api:/loans", "as role viewer", "GET, POST api:/loans", "# end"), [
            "deny 403 role: no role of the caller allows GET on api:/loans",
            "allow  GET on api:/loans",
            "deny 403 role: no role of the caller allows POST on api:/loans",
        ])

    def test_an_answer_says_why(self):
        text = self.ask("as role clerk", "POST api:/loans", "DELETE api:/loans/7").stdout
        self.assertIn("role clerk allows it", text)
        self.assertRegex(text, r"allow create on api:/loans +\S+/a\.policy:3\n")
        self.assertIn("authorize: failed, role", text)

    def test_an_expectation_that_is_not_so_fails(self):
        lines = ["as role viewer", "allow GET api:/loans", "deny POST api:/loans because role"]
        self.assertEqual([line.split("  (")[-1] for line in self.answers(*lines)], ["as expected)"] * 2)
        self.assertIn("(NOT as expected)", self.answers(*lines, "allow POST api:/loans", status=1)[-1])

    def test_a_line_that_is_wrong_says_what_was_meant(self):
        done = self.ask("as role clrk", "", "frm 10.0.0.1", "GET apy:/loans", "GTE api:/loans",
                        "nonsense", "} role x {", status=1)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.splitlines(), [
            "line 1: error: unknown role 'clrk': did you mean 'clerk'?",
            "line 3: error: unknown command 'frm': did you mean 'from'?",
            "line 4: error: unknown tree 'apy': did you mean 'api'?",
            "line 5: error: unknown method 'GTE': did you mean 'GET'?",
            "line 6: error: unknown command 'nonsense': 'help' lists what there is",
            "line 7: error: unknown command '}': 'help' lists what there is",
        ])

    def test_facts_are_listed_and_taken_back(self):
        self.assertEqual(
            self.answers("as role viewer", "with scope none", "facts", "forget", "facts",
                         "GET api:/loans", status=1),
            ["as role viewer", "none: an active key without a principal, role or scope asks",
             "deny 403 role: no role of the caller allows GET on api:/loans"])

    def test_facts_of_conditions_are_given_and_those_that_lack_are_named(self):
        self.write(POLICY + "facts { resource.owner string, context.amount int }\n".replace(", ", "\n") +
                   "role owner { allow delete on api:/loans/{loan}\n"
                   "when resource.owner is principal.id and context.amount < 500 }\n")
        lines = ["as role owner", "DELETE api:/loans/7", 'given principal.id "ann", resource.owner "ann"',
                 "DELETE api:/loans/7", "given context.amount 499", "DELETE api:/loans/7",
                 "given context.amount absent", "deny DELETE api:/loans/7 because missing_fact"]
        unknown = "deny 403 missing_fact: it depends on facts that are not known: "
        self.assertEqual(self.answers(*lines), [
            unknown + "resource.owner, context.amount", unknown + "context.amount",
            "allow  DELETE on api:/loans/7", unknown + "context.amount  (as expected)"])
        done = self.ask("given resource.ownr 1", "given context.amount \"1\"", "facts", status=1)
        self.assertEqual((done.stdout.splitlines()[0][:4], done.stderr.splitlines()), ("none", [
            "line 1: error: unknown fact 'resource.ownr': did you mean 'resource.owner'?",
            'line 2: error: context.amount is an int, but "1" is a string']))

    def test_help_says_what_there_is_and_quit_ends(self):
        text = self.ask("help", "quit", "nonsense").stdout
        for word in ("as role", "from ADDRESS", "given resource.owner", "forget", "reload", "explain"):
            self.assertIn(word, text)

    def test_json_is_one_document(self):
        done = self.ask("as role viewer", "GET api:/loans", "deny GET api:/loans", "as role x", "help",
                        status=1, options=["--json"])
        self.assertEqual(json.loads(done.stdout), {"lines": [
            {"line": 2, "action": "GET", "resource": "api:/loans", "allow": True, "status": 200,
             "reason": "ok"},
            {"line": 3, "action": "GET", "resource": "api:/loans", "allow": True, "status": 200,
             "reason": "ok", "expected": False},
            {"line": 4, "error": "unknown role 'x'"},
        ]})
        self.assertEqual(json.loads(self.ask(options=["--json"]).stdout), {"lines": []})

    def test_a_policy_that_does_not_load_is_shown(self):
        self.write("role viewer { allow GET on api:/** }\n")
        self.assertIn("unknown tree 'api'", self.ask("GET api:/loans", status=1).stderr)
        self.policy = self.folder / "none"
        self.ask(status=2)

    def converse(self):
        """A conversation on a terminal: say() sends a line and returns what was seen up to the next
        prompt."""
        parent, child = pty.openpty()
        process = subprocess.Popen([harness.AUTHZCHECK, "policy", "try", str(self.policy)],
                                   stdin=child, stdout=child, stderr=child,
                                   env=harness.environment(self.folder))
        os.close(child)
        self.addCleanup(os.close, parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def say(line):
            if line is not None:
                os.write(parent, line.encode() + b"\n")
            seen = b""
            while not seen.endswith(b"\n> "):
                seen += os.read(parent, 65536)
            return seen.decode().replace("\r\n", "\n")
        say(None)
        return process, parent, say

    def test_another_policy_is_read_and_the_facts_stay(self):
        process, parent, say = self.converse()
        say("as role viewer")
        say("explain off")
        self.assertIn("deny 403 role", say("POST api:/loans"))
        self.write(POLICY.replace("allow GET on", "allow all on"))
        self.assertIn("revision ", say("reload"))
        self.assertIn("allow  POST on api:/loans", say("POST api:/loans"))
        self.write("broken")
        seen = say("reload")
        self.assertIn("a.policy:1:1: error:", seen)
        self.assertIn("the one of before stays", seen)
        self.assertIn("allow  POST on api:/loans", say("POST api:/loans"))
        self.write(POLICY.replace("viewer", "reader"))
        self.assertIn("unknown role 'viewer'", say("reload"))
        self.assertIn("none:", say("facts"))
        os.write(parent, b"quit\n")
        self.assertEqual(process.wait(harness.DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()

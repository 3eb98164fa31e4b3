# SPDX-License-Identifier: Apache-2.0
"""Roles that every principal, or every caller, holds: what authzcheck does and shows."""

import json
import subprocess
import unittest

import everyone
import harness


class Tool(everyone.EveryoneTest):
    def tool(self, *arguments, status=0):
        done = self.d.tool(*arguments)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done.stdout if status == 0 else done.stderr

    def listed(self, *arguments):
        return json.loads(self.tool("--json", *arguments))

    def test_roles_are_given_to_all_listed_and_taken(self):
        self.alice("clerk")
        self.assertEqual(self.tool("assign", "--everyone", "putter", "--at", "api:/loans/7"),
                         "assigned: everyone, role putter, at api:/loans/7\n")
        made = self.listed("assign", "--anyone", "reader", "--at", "api:/loans/8", "--until", "4000-01-01T00:00:00Z")
        self.assertEqual((made["anyone"], made["role"], made["until"]), (True, "reader", "4000-01-01T00:00:00Z"))
        items = self.listed("assignment", "list", "--everyone")["items"]
        self.assertEqual([(one["role"], one["at"]) for one in items], [("putter", ["api:/loans/7"])])
        self.assertIn("reader", self.tool("assignment", "list", "--anyone"))
        self.assertIn("clerk", self.tool("assignment", "list", "--principal", "alice"))
        shown = self.tool("principal", "show", "alice")
        self.assertIn("as everyone: role putter at api:/loans/7\n", shown)
        self.assertIn("as anyone: role reader at api:/loans/8 until ", shown)
        shown = self.listed("principal", "show", "alice")
        self.assertEqual([len(shown[name]) for name in ("everyone", "anyone", "assignments")], [1, 1, 1])
        self.assertIn("/loans/7", json.dumps(shown["permissions"]))
        self.assertRegex(self.tool("who", "update", "api:/loans/7"), "(?m)^everyone .*putter of everyone at api:/loans/7")
        self.assertRegex(self.tool("role", "holders", "reader"), "(?m)^anyone .*active .*reader of anyone at api:/loans/8")
        told = self.tool("check", "PUT", "/loans/7", "--principal", "alice", "--explain")
        self.assertIn("role putter allows it, held by everyone at api:/loans/7", told)
        self.assertIn("every principal", self.tool("log"))
        self.assertEqual(self.tool("unassign", "--everyone", "putter"),
                         "unassigned: everyone, role putter, at api:/loans/7\n")
        self.assertEqual(self.listed("assignment", "list", "--everyone")["items"], [])

    def test_usage(self):
        for words in (("assign", "reader"), ("assign", "--everyone", "--anyone", "reader"),
                      ("assign", "--everyone", "alice", "reader"), ("unassign", "reader"),
                      ("assignment", "list"), ("assignment", "list", "--everyone", "--principal", "alice")):
            self.tool(*words, status=2)
        self.assertIn("places", self.tool("assign", "--anyone", "reader", status=2))
        self.assertIn("reador", self.tool("assign", "--everyone", "reador", status=2))

    def test_the_shell_completes_the_role(self):
        env = {**harness.environment(self.d.folder), "AUTHZ_SOCKET": str(self.d.socket)}
        for typed, expected in (("rea", "reader"), ("--every", "--everyone")):
            done = subprocess.run([harness.AUTHZCHECK, "__complete", "assign", "--anyone", typed], env=env,
                                  capture_output=True, text=True, check=True, timeout=harness.DEADLINE)
            self.assertIn(expected, done.stdout)

    def test_a_review_has_them(self):
        self.alice("clerk")
        self.tool("assign", "--everyone", "putter", "--at", "api:/loans/7")
        review = self.listed("review")
        self.assertEqual([(one["id"], one["kind"], len(one["assignments"])) for one in review["everyone"]],
                         [("every principal", "everyone", 1)])
        self.assertIn("every principal", self.tool("review", "--format", "csv"))
        self.assertIn("every principal", self.tool("review", "--format", "html"))

    def test_a_change_of_the_policy_is_compared_with_them(self):
        self.alice("clerk")
        self.tool("assign", "--everyone", "reader", "--at", "api:/loans/7")
        self.tool("assign", "--anyone", "putter", "--at", "api:/loans/8")
        new = self.d.folder / "new"
        new.mkdir()
        (new / "a.policy").write_text(self.policy.replace("allow read on", "allow read, delete on"))
        done = self.d.tool("--json", "policy", "diff", "--against", str(self.d.socket),
                           str(self.d.folder / "policy"), str(new))
        self.assertEqual(done.returncode, 1, done.stderr)
        text = json.loads(done.stdout)
        changed = {one["name"] for one in text["differences"] if one.get("kind") == "principal"}
        self.assertEqual(changed, {"every principal", "alice"}, text)
        (new / "a.policy").write_text(self.policy.replace("role putter", "role other"))
        done = self.d.tool("--json", "policy", "check", "--against", str(self.d.socket), str(new))
        self.assertIn({"anyone": "every caller", "role": "putter"}, json.loads(done.stdout)["dangling"]["items"]
                      if "dangling" in json.loads(done.stdout) else json.loads(done.stdout))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""What the store names and the policy lacks is shown where an operator looks: after a reload, in the
status, with a principal, and before a folder is deployed."""

import json
import unittest

import harness

TREE = "tree api { /loans { list GET, create POST } }\n"
BEFORE = TREE + """
scope loans { allow GET on api:/loans }
role clerk { allow GET on api:/loans }
role viewer { allow GET on api:/loans }
"""
# The role, the scope, the action and a place are gone.
AFTER = """
tree api { /loans { list GET } }
scope other { allow GET on api:/loans }
role viewer { allow GET on api:/loans }
"""
MISSING = {
    "principal alice holds role 'clerk', which the policy lacks",
    "holds role 'clerk', which the policy lacks",
    "has scope 'loans', which the policy lacks",
    "role teller inherits 'clerk', which the policy lacks",
}


class Dangling(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": BEFORE})
        client = self.d.client()
        client.call("tenants.create", id="acme")
        for tenant in ("default", "acme"):
            client.call("principals.create", id="alice", tenant=tenant)
            client.call("assignments.create", principal="alice", role="clerk", tenant=tenant)
        client.call("assignments.create", principal="alice", role="viewer", at=["api:/loans"])
        client.call("keys.create", roles=["clerk"], scopes=["loans"])
        gone = client.call("keys.create", roles=["clerk"])
        client.call("keys.revoke", id=gone["id"])
        client.call("roles.create", name="teller", inherits=["clerk"],
                    grants=["allow create on api:/loans"])
        client.call("assignments.create", principal="alice", role="teller")

    def test_nothing_is_missing_before(self):
        for words in (("reload",), ("status",)):
            self.assertNotIn("not fit", self.d.tool(*words).stdout)
        self.assertNotIn("dangling", self.d.call("assignments.list", principal="alice")["items"][0])

    def test_a_reload_and_the_status_name_what_is_missing(self):
        self.d.write("a.policy", AFTER)
        for words in (("reload",), ("status",)):
            with self.subTest(words=words):
                said = self.d.tool(*words).stdout
                self.assertIn("6 names of the store do not fit this policy", said)
                for text in (*MISSING, "role teller grants 'allow POST on api:/loans', which"):
                    self.assertIn(text, said)

    def test_a_principal_shows_which_of_its_assignments_have_no_effect(self):
        self.d.write("a.policy", AFTER)
        self.d.tool("reload")
        items = self.d.call("assignments.list", principal="alice")["items"]
        self.assertEqual({item["role"]: item.get("dangling") for item in items},
                         {"clerk": ["clerk"], "viewer": None, "teller": None})
        lines = self.d.tool("principal", "show", "alice").stdout.splitlines()
        self.assertTrue(any("NOT IN THE POLICY" in line for line in lines), lines)
        row = next(line for line in lines if line.startswith("clerk "))
        self.assertTrue(row.rstrip().endswith("clerk"), row)
        self.d.write("a.policy", "tree web { /loans { list GET } }\n"
                                 "role viewer { allow GET on web:/loans }\n")
        self.d.tool("reload")
        items = self.d.call("assignments.list", principal="alice")["items"]
        self.assertEqual({item["role"]: item.get("dangling") for item in items},
                         {"clerk": ["clerk"], "viewer": ["api:/loans"], "teller": None})

    def test_a_role_and_a_key_show_what_of_them_has_no_effect(self):
        self.d.write("a.policy", AFTER)
        self.d.tool("reload")
        self.assertEqual(self.d.call("roles.get", name="teller")["dangling"],
                         ["clerk", "+POST api:/loans"])
        said = self.d.tool("role", "show", "teller").stdout
        self.assertRegex(said, "not in the policy +clerk, allow POST on api:/loans\n")
        key = self.d.call("keys.list")["items"][0]
        self.assertEqual(key["dangling"], ["clerk", "loans"])
        self.assertRegex(self.d.tool("key", "show", key["id"]).stdout,
                         "not in the policy +clerk, loans\n")
        # The list shows which roles of the store are shadowed.
        self.d.write("a.policy", AFTER + "role teller { allow GET on api:/loans }\n")
        self.d.tool("reload")
        rows = [line for line in self.d.tool("role", "list").stdout.splitlines()
                if line.startswith("teller ")]
        self.assertEqual([row.split()[-1] for row in rows], ["shadowed", "policy"])

    def test_a_denial_says_what_is_held_and_has_no_effect(self):
        key = self.d.call("keys.create", roles=["clerk"], scopes=["loans"])
        token = self.d.folder / "token"
        token.write_text(key["secret"])
        self.assertEqual(self.d.tool("check", "--token-file", token, "GET", "/loans").returncode, 0)
        self.d.write("a.policy", AFTER.replace("/loans {", "/debts {").replace("loans", "debts"))
        self.d.tool("reload")
        done = self.d.tool("check", "--principal", "alice", "GET", "/debts")
        self.assertEqual(done.returncode, 1)
        said = "holds what the policy lacks or shadows, so that it has no effect: "
        self.assertIn(f"principal alice {said}clerk\n", done.stderr)
        self.assertIn(f"principal alice {said}api:/loans\n", done.stderr)
        done = self.d.tool("check", "--token-file", token, "GET", "/debts")
        self.assertIn(f"key {key['id']} {said}clerk, loans\n", done.stderr)
        self.assertNotIn("lacks", self.d.tool("check", "--json", "--principal", "alice", "GET",
                                              "/debts").stderr)

    def check(self, policy, *words):
        folder = self.d.folder / "next"
        folder.mkdir(exist_ok=True)
        (folder / "a.policy").write_text(policy, encoding="utf-8")
        return harness.run_tool("policy", "check", *words, folder)

    def test_a_folder_is_compared_with_the_store_before_it_is_deployed(self):
        done = self.check(AFTER, "--against", self.d.socket)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for text in (*MISSING, "role teller grants 'allow create on api:/loans', which"):
            self.assertIn(text, done.stdout)
        document = json.loads(self.check(AFTER, "--against", self.d.socket, "--json").stdout)
        self.d.write("a.policy", AFTER)
        found = self.d.call("policy.reload")["dangling"]

        def in_order(items):
            # The daemon has grants as it stores them.
            return sorted(repr(sorted(item.items())) for item in items if "grant" not in item)

        self.assertEqual(in_order(document["dangling"]["items"]), in_order(found["items"]))
        self.assertEqual(document["dangling"]["total"], found["total"])
        done = self.check(BEFORE, "--against", self.d.socket)
        self.assertNotIn("not fit", done.stdout)
        self.assertNotIn("dangling", json.loads(self.check(AFTER, "--json").stdout))

    def test_who_holds_roles_that_exclude_each_other_is_found_before_and_after(self):
        self.d.call("roles.create", name="boss", inherits=["viewer"])
        self.d.call("roles.create", name="chief", inherits=["boss"])
        self.d.call("roles.create", name="all", inherits=["clerk", "chief"])
        key = self.d.call("keys.create", roles=["chief", "clerk"])["id"]
        after = BEFORE + "exclusive clerk, viewer\n"
        done = self.check(after, "--against", self.d.socket)
        for text in ("principal alice holds roles that exclude each other: 'clerk, viewer'",
                     f"key {key} holds roles that exclude each other: ",
                     "role all holds roles that exclude each other: "):
            self.assertIn(text, done.stdout)
        document = json.loads(self.check(after, "--against", self.d.socket, "--json").stdout)
        self.d.write("a.policy", after)
        found = self.d.call("policy.reload")["dangling"]

        def whose(items):
            return sorted(next(iter(item.items())) for item in items if "exclusive" in item)

        self.assertEqual(whose(document["dangling"]["items"]), whose(found["items"]))
        self.assertIn("do not fit this policy", self.d.tool("status").stdout)

    def test_a_principal_that_both_have_is_refused(self):
        done = self.check(BEFORE + "principal alice { role viewer }\n", "--against", self.d.socket)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("principal alice is in the policy too", done.stdout)

    def test_without_a_daemon_it_says_so(self):
        done = self.check(AFTER, "--against", self.d.folder / "none.sock")
        self.assertEqual(done.returncode, 3)
        self.assertIn("none.sock", done.stderr)


if __name__ == "__main__":
    unittest.main()

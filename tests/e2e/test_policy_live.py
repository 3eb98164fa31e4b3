# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy diff --against SOCKET: what a change of the policy does to the store of a running
daemon. Each answer is compared with what the daemon allows once it runs the new policy."""

import json
import unittest

import harness

BEFORE = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, /notes { GET, POST } } }
    /audit { GET }
}
scope reading { allow GET on api:/loans/** }
role viewer { allow GET on api:/loans }
role clerk inherits viewer { allow create on api:/loans }
role auditor { allow GET on api:/audit }
role old { allow GET on api:/audit }
principal cron { role viewer }
"""
AFTER = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, /notes { GET, POST, PUT } } }
    /audit { GET }
}
scope reading { allow GET on api:/loans }
role viewer { allow GET on api:/loans/** }
role clerk inherits viewer { allow POST on api:/loans/** }
role auditor { allow GET on api:/audit }
exclusive clerk, auditor
principal cron { role clerk }
"""


class Live(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": BEFORE})
        client = self.d.client()
        client.call("tenants.create", id="acme")
        for name, inherits, grants in (
            ("teller", ["viewer"], ["allow all on api:/loans/{loan}/notes"]),
            ("quiet", [], ["allow GET on api:/audit"]),
        ):
            client.call("roles.create", name=name, inherits=inherits, grants=grants)
        for tenant, principal, roles in (
            ("default", "alice", [("viewer", ["api:/loans/7"])]),
            ("default", "bob", [("teller", None)]),
            ("default", "carol", [("auditor", None), ("clerk", None)]),
            ("default", "dave", [("old", None)]),
            ("default", "erin", [("quiet", None)]),
            ("acme", "alice", [("clerk", None)]),
        ):
            client.call("principals.create", id=principal, tenant=tenant)
            for role, at in roles:
                client.call("assignments.create", principal=principal, role=role, tenant=tenant,
                            **({"at": at} if at else {}))
        self.keys = {
            name: client.call("keys.create", name=name, **fields)["id"]
            for name, fields in {
                "of-bob": {"principal": "bob"},
                "narrow": {"principal": "bob", "scopes": ["reading"]},
                "robot": {"roles": ["clerk", "auditor"]},
                "scopes": {"scopes": ["reading"]},
                "of-cron": {"principal": "cron", "at": ["api:/loans/3"]},
            }.items()
        }
        (self.d.folder / "next").mkdir()
        self.next = self.d.folder / "next" / "a.policy"
        self.next.write_text(AFTER, encoding="utf-8")

    def diff(self, *words, status=1):
        done = harness.run_tool("policy", "diff", *words, self.d.policy, self.next.parent)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def allowed(self, principal=None, tenant=None):
        """What the daemon says it may do: {(resource, action)}."""
        return {(item["resource"], action)
                for item in self.d.call("permissions", principal=principal, tenant=tenant)["items"]
                for action in item["actions"]}

    def test_what_is_said_happens(self):
        document = json.loads(self.diff("--against", self.d.socket, "--json").stdout)
        found = {(one.get("tenant"), one["kind"], one["name"]): one["changes"]
                 for one in document["differences"] if one["kind"] in ("principal", "key", "role")}
        principals = [(tenant, name) for tenant, kind, name in found
                      if tenant and kind == "principal"]
        self.assertCountEqual(principals, [("default", "alice"), ("default", "bob"),
                                           ("default", "carol"), ("default", "dave"),
                                           ("acme", "alice")])
        everybody = [("default", "alice"), ("default", "bob"), ("default", "carol"),
                     ("default", "dave"), ("default", "erin"), ("acme", "alice")]
        before = {one: self.allowed(one[1], one[0]) for one in everybody}
        self.d.write("a.policy", AFTER)
        self.d.tool("reload")
        for one in everybody:
            with self.subTest(one=one):
                after = self.allowed(one[1], one[0])
                changes = found.get((one[0], "principal", one[1]), [])
                self.assertEqual(after != before[one], bool(changes), changes)
        self.assertEqual(
            found["default", "principal", "alice"],
            [{"change": "gained", "gain": True, "loss": False, "actions": ["GET"],
              "pattern": "api:/loans/7/**", "permissions": 2, "at": "api:/loans/7"}])
        self.assertEqual(
            [(c["change"], c["actions"], c["pattern"])
             for c in found["default", "principal", "dave"]], [("lost", ["GET"], "api:/audit")])

    def test_keys_and_roles_of_the_store(self):
        document = json.loads(self.diff("--against", self.d.socket, "--json").stdout)
        found = {(one["kind"], one["name"]): one["changes"]
                 for one in document["differences"] if one.get("tenant") == "default"}
        # PUT is new, and does not come to a role of the store by its pattern.
        self.assertEqual([(c["change"], c["actions"], c["pattern"]) for c in found["role", "teller"]],
                         [("gained", ["GET"], "api:/loans/{loan}")])
        self.assertNotIn(("role", "quiet"), found)
        # A key that is not narrowed follows its principal, which is said once.
        keys = {name: found.get(("key", key)) for name, key in self.keys.items()}
        self.assertIsNone(keys["of-bob"])
        self.assertEqual([(c["change"], c["actions"], c["pattern"]) for c in keys["scopes"]],
                         [("lost", ["GET"], "api:/loans/{loan}/**")])
        self.assertEqual([c["change"] for c in keys["narrow"]], ["lost"])
        self.assertEqual({c["change"] for c in keys["robot"]}, {"gained"})
        self.assertEqual({c["at"] for c in keys["of-cron"]}, {"api:/loans/3"})

    def test_what_will_dangle_and_who_breaks_an_exclusive(self):
        done = self.diff("--against", self.d.socket)
        for text in ("principal dave holds role 'old', which the policy lacks",
                     "principal carol holds roles that exclude each other: 'auditor, clerk'",
                     f"key {self.keys['robot']} holds roles that exclude each other",
                     "principal alice of the store, tenant acme",
                     "1 name of the store does not fit this policy"):
            self.assertIn(text, done.stdout)
        document = json.loads(self.diff("--socket", self.d.socket, "--json").stdout)
        self.assertEqual(document["dangling"],
                         {"total": 1, "items": [{"principal": "dave", "role": "old"}]})
        self.assertEqual({one.get("principal") for one in document["exclusive"]}, {"carol", None})
        self.assertEqual(document["running"], self.d.call("policy.status")["revision"])
        markdown = self.diff("--against", self.d.socket, "--format", "markdown").stdout
        self.assertIn("**principal** `alice` of the store, tenant acme\n```diff\n", markdown)

    def test_a_policy_that_changes_nothing_changes_nothing_in_the_store(self):
        self.next.write_text(BEFORE.replace("role viewer {", 'role viewer "Reads" {'), encoding="utf-8")
        done = self.diff("--against", self.d.socket, status=0)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_without_old_it_is_the_policy_that_the_daemon_runs(self):
        arguments = ("policy", "diff", "--against", self.d.socket)
        self.assertEqual(self.d.call("policy.status")["folder"], str(self.d.policy))
        done = harness.run_tool(*arguments, self.next.parent)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual(done.stdout, self.diff("--against", self.d.socket).stdout)
        self.assertEqual(harness.run_tool(*arguments, self.d.policy).returncode, 0)
        # A policy that it has not taken is none that it runs.
        self.d.write("a.policy", AFTER + 'test "no" {\n    as role viewer\n    deny GET api:/loans\n}\n')
        done = harness.run_tool(*arguments, "--json", self.next.parent)
        running = self.d.call("policy.status")["revision"]
        error = json.loads(done.stdout)["error"]
        self.assertEqual((done.returncode, error["code"]), (1, "conflict"))
        self.assertIn(f"the daemon runs revision {running}, and its folder {self.d.policy} has ", error["message"])
        self.d.policy.rename(self.d.folder / "away")
        done = harness.run_tool(*arguments, self.next.parent)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("cannot be read here (No such file or directory): name OLD", done.stderr)

    def test_another_policy_than_the_running_one_is_warned_about(self):
        done = harness.run_tool("policy", "diff", "--against", self.d.socket, self.next.parent,
                                self.next.parent)
        self.assertIn("warning: the daemon runs revision", done.stderr)
        done = harness.run_tool("policy", "diff", "--against", self.d.folder / "none.sock",
                                self.next.parent, self.next.parent)
        self.assertEqual(done.returncode, 3)
        self.assertIn("none.sock", done.stderr)

    def test_a_principal_that_both_have_fails(self):
        self.next.write_text(BEFORE + "principal bob { role viewer }\n", encoding="utf-8")
        done = self.diff("--against", self.d.socket, "--fail-on", "loss")
        self.assertIn("principal bob is in the policy too", done.stdout)


CONDITIONS = """\
facts {
    principal.branch string
    resource.branch string
    context.amount int
}
tree api { /loans/{loan} { read GET, approve POST } }
role clerk { allow read on api:/loans/{loan} when principal.branch is resource.branch }
role owner { allow approve on api:/loans/{loan} when {loan} is principal.id }
"""


class Conditions(harness.DaemonTest):
    def test_what_the_records_say_is_put_in(self):
        d = self.daemon({"a.policy": CONDITIONS})
        client = d.client()
        client.call("roles.create", name="small",
                    grants=["allow approve on api:/loans/{loan} when context.amount <= 5"])
        for id, attributes, roles in (("ann", {"branch": "north"}, ["clerk", "owner"]),
                                      ("bob", {}, ["clerk"]), ("eve", {}, ["small"])):
            client.call("principals.create", id=id, attributes=attributes)
            for role in roles:
                client.call("assignments.create", principal=id, role=role)
        (d.folder / "next").mkdir()
        text = CONDITIONS.replace("is resource.branch", "is resource.branch and context.amount < 9")
        text = text.replace("context.amount int", "context.amount duration").replace("< 9", "< 9s")
        (d.folder / "next" / "a.policy").write_text(text, encoding="utf-8")
        done = harness.run_tool("policy", "diff", "--json", "--against", d.socket, d.folder / "next")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        found = {(one["kind"], one["name"]): one["changes"]
                 for one in json.loads(done.stdout)["differences"]}
        changed = [(c["change"], c["before"], c["after"]) for c in found["principal", "ann"]]
        self.assertEqual(changed, [("narrower", 'resource.branch is "north"',
                                    'resource.branch is "north" and context.amount < 9s')])
        self.assertEqual(found["principal", "bob"][0]["before"],
                         "principal.branch is resource.branch")
        # Its grant reads a fact of another type now, and allows nothing.
        for name in (("role", "small"), ("principal", "eve")):
            self.assertEqual([(c["change"], c["when"]) for c in found[name]],
                             [("lost", "context.amount <= 5")])


if __name__ == "__main__":
    unittest.main()

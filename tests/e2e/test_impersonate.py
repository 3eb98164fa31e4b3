# SPDX-License-Identifier: Apache-2.0
"""impersonate: a call of a peer that is a principal's. What it refuses is in tests/attack."""

import os
import unittest

import harness
import people

POLICY = people.POLICY + """
role helper { allow all on authz:/keys/** , authz:/principals/**, authz:/assignments, authz:/audit
    allow list on authz:/roles
    allow create on authz:/roles
    allow GET on api:/loans/** }
role checked { allow all on authz:/** }
"""


class Impersonate(people.PeopleTest):
    policy = POLICY

    def arguments(self):
        return self.configured(harness.may_impersonate())

    def person(self, id, *roles, **params):
        self.c.call("principals.create", id=id, **params)
        for role in roles:
            self.c.call("assignments.create", principal=id, role=role)

    def test_the_principal_is_the_actor_of_the_trail_and_of_records(self):
        self.person("ann", "helper")
        key = self.c.call("keys.create", impersonate="ann", principal="ann")
        self.assertEqual(key["created_by"], "principal:ann")
        self.c.call("principals.create", impersonate="ann", id="eve")
        self.c.call("assignments.create", impersonate="ann", principal="eve", role="viewer")
        made = self.c.call("assignments.list", principal="eve")["items"]
        self.assertEqual([item["created_by"] for item in made], ["principal:ann"])
        self.c.call("keys.disable", impersonate="ann", id=key["id"])
        trail = self.c.call("audit.list", actor="principal:ann")["items"]
        self.assertEqual([item["action"] for item in trail], [
            "keys.create", "principals.create", "assignments.create", "keys.disable"])
        for item in trail:
            self.assertEqual((item["actor"], item["uid"], item["pid"]),
                             ("principal:ann", os.getuid(), os.getpid()))
        self.assertEqual(self.c.call("audit.list", impersonate="ann", actor="principal:ann"),
                         {"items": trail})
        self.assertEqual(self.c.call("audit.verify")["items"], [])

    def test_it_has_the_rights_of_the_principal_and_not_of_the_peer(self):
        self.person("ann", "viewer")
        error = self.assert_error("forbidden", self.c.call, "keys.list", impersonate="ann")
        self.assertEqual(error.message,
                         "the principal may not list on authz:/keys: a role can allow it")
        self.c.call("assignments.create", principal="ann", role="helper", at=["authz:/keys"])
        self.assertEqual(self.c.call("keys.list", impersonate="ann"), {"items": []})
        self.assert_error("forbidden", self.c.call, "principals.list", impersonate="ann")
        # It gives what it has, and what it has not it does not.
        self.c.call("keys.create", impersonate="ann", roles=["viewer"])
        self.assert_error("forbidden", self.c.call, "keys.create", impersonate="ann",
                          roles=["clerk"])
        self.assert_error("forbidden", self.c.call, "keys.create", impersonate="ann",
                          roles=["helper"])

    def test_a_principal_that_the_files_declare_may_call(self):
        self.d.write("b.policy", "principal declared { role helper }\n")
        self.c.call("policy.reload")
        self.assertEqual(self.c.call("whoami", impersonate="declared")["actor"],
                         "principal:declared")
        self.c.call("keys.create", impersonate="declared", roles=["viewer"])

    def test_the_account_lines_of_the_stack_authz_count(self):
        self.person("ann", "checked")
        self.c.call("keys.list", impersonate="ann")
        self.d.write("b.policy", "stack authz { account required deny }\n")
        self.c.call("policy.reload")
        self.assert_error("forbidden", self.c.call, "keys.list", impersonate="ann")
        self.c.call("keys.list")

    def test_a_role_that_ends_can_be_given_until_then(self):
        self.person("ann")
        self.person("eve")
        end = 4000000000
        self.c.call("assignments.create", principal="ann", role="helper", until=end)
        self.c.call("assignments.create", impersonate="ann", principal="eve", role="viewer",
                    until=end)
        self.c.call("assignments.delete", principal="eve", role="viewer")
        error = self.assert_error("forbidden", self.c.call, "assignments.create",
                                  impersonate="ann", principal="eve", role="viewer")
        self.assertIn("let it end by then", error.message)

    def test_names_of_any_length_fit_everywhere(self):
        long = "ü" * 64
        self.person(long, "helper")
        self.person("eve")
        for place in range(64):
            self.c.call("assignments.create", impersonate=long, principal="eve", role="viewer",
                        at=[f"api:/loans/{place}"])
        key = self.c.call("keys.create", impersonate=long, roles=["viewer"],
                          request_id="ab" * 16)
        self.assertEqual(key["created_by"], f"principal:{long}")
        child = self.c.call("keys.create", impersonate=long, principal=long)
        token = child["secret"]
        for _ in range(3):
            token = self.c.call("keys.create", token=token, principal=long)["secret"]
        again = self.c.call("keys.rotate", token=token, id=child["id"], finish_old=True)
        self.assertTrue(self.ask(again["secret"])["allow"])
        self.assertEqual(len(self.c.call("audit.list", actor=f"principal:{long}")["items"]), 66)
        self.assertEqual(self.c.call("audit.verify")["items"], [])
        self.d.stop()
        self.d.start()
        self.assertEqual(self.d.call("keys.get", id=key["id"])["created_by"], f"principal:{long}")

    def test_a_decision_is_tried_as_the_principal(self):
        self.person("ann", "helper")
        asked = {"impersonate": "ann", "principal": "ann", "method": "GET", "path": "/loans/7"}
        got = self.c.call("decisions.try", **asked)
        self.assertTrue(got["allow"])
        self.assertNotIn("a.policy", str(got))
        self.c.call("principals.create", id="eve")
        asked["impersonate"] = "eve"
        self.assert_error("forbidden", self.c.call, "decisions.try", **asked)

    def test_the_tool_calls_as_a_principal(self):
        self.person("ann", "helper")
        self.assertEqual(self.d.tool("key", "create", "--role", "viewer", "--impersonate",
                                     "ann").returncode, 0)
        self.assertEqual(self.c.call("keys.list")["items"][0]["created_by"], "principal:ann")
        done = self.d.tool("whoami", "--impersonate", "ann")
        self.assertIn("principal:ann", done.stdout)
        self.assertNotIn("everything", done.stdout)
        done = self.d.tool("role", "list", "--impersonate", "nobody")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the principal is not accepted", done.stderr)
        for more in (["--token", "-"], ["--token-file", "/dev/null/none"]):
            done = self.d.tool("key", "list", "--impersonate", "ann", *more, text="liq_live_x")
            self.assertEqual(done.returncode, 2, done.stderr)
        # The environment's token is of another caller, and is not used.
        done = self.d.tool("whoami", "--impersonate", "ann", env={"AUTHZ_TOKEN": "liq_live_x"})
        self.assertIn("principal:ann", done.stdout)

    def test_a_broken_line_ends_the_start(self):
        for line, said in (("impersonate user", "write it as: impersonate user|group NAME"),
                           ("impersonate root", "write it as: impersonate user|group NAME"),
                           ("impersonate users root", "is neither user nor group"),
                           ("impersonate user nobodyknows", "this machine has no user"),
                           ("impersonate user nobody", "is number 65534")):
            path = self.d.folder / "broken.conf"
            path.write_text(line + "\n", encoding="utf-8")
            daemon = harness.Daemon({"a.policy": people.POLICY}, start=False)
            self.addCleanup(daemon.finish)
            with self.subTest(line):
                self.assertIn(said, daemon.refuses_to_start("--config", str(path))[1])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Conditions of grants in decisions of the daemon, and in the explanations of these."""

import re
import unittest

import harness

POLICY = """\
tree api { /users/{user} { read GET, update PUT } }
role member {
    allow read on api:/users/{user} when {user} is principal.id and context.ip in 10.0.0.0/8
    deny update on api:/users/{user} when principal.roles has "guest"
    allow update on api:/users/{user} when context.mfa_age <= 1h
}
role guest { allow read on api:/users/{user} when context.ip in 192.0.2.0/24 }
stack other {
    authenticate required principal
    authorize required role
}
"""
STATED = """\
tree api { /users/{user} { read GET, update PUT } }
facts {
    principal.limit int
    resource.status draft | archived default draft
    resource.tags strings
    context.amount int
}
role clerk {
    allow update on api:/users/{user} when context.amount <= principal.limit and not resource.tags has "x"
    deny update on api:/users/{user} when resource.status is archived
}
"""
WHEN = "{user} is principal.id and context.ip in 10.0.0.0/8"


class Conditions(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="member")

    def ask(self, method="GET", user="ann", **facts):
        asked = {"principal": "ann", "method": method, "path": f"/users/{user}", **facts}
        answer = self.c.call("authorize", explain=True, **asked)
        told = answer.pop("explain")
        self.assertEqual(answer, self.c.call("authorize", **asked))
        return answer, told

    def rule(self, told):
        (rule,) = told["rules"]
        return rule

    def test_a_grant_holds_when_its_condition_is_true(self):
        for user, facts, reason, truth in (
            ("ann", {"ip": "10.1.2.3"}, "ok", "true"),
            ("ann", {"ip": "192.0.2.1"}, "role", "false"),
            ("bob", {"ip": "10.1.2.3"}, "role", "false"),
            ("bob", {}, "role", "false"),
            ("ann", {}, "missing_fact", "unknown"),
        ):
            with self.subTest(user=user, **facts):
                answer, told = self.ask(user=user, **facts)
                rule = self.rule(told)
                self.assertEqual((answer["reason"], rule["truth"], rule["when"]), (reason, truth, WHEN))
                self.assertEqual((rule["effect"], rule["role"], rule["line"]), ("allow", ["member"], 3))

    def test_each_predicate_has_the_values_that_it_compared(self):
        _, told = self.ask(user="bob", ip="10.1.2.3")
        self.assertEqual(self.rule(told)["predicates"], [
            {"predicate": "{user} is principal.id", "values": '"bob" is "ann"', "truth": "false"},
            {"predicate": "context.ip in 10.0.0.0/8", "values": "10.1.2.3 in 10.0.0.0/8", "truth": "true"},
        ])

    def test_what_is_missing_is_named(self):
        answer, told = self.ask()
        self.assertEqual((answer["status"], answer["fact"], told["ended"]),
                         (403, "context.ip is not known", "facts"))
        self.assertNotIn("needed", told)
        self.assertNotIn("none", told)

    def test_a_denial_that_may_hold_is_no_allow(self):
        answer, _ = self.ask("PUT", mfa_at=1)
        self.assertEqual(answer["reason"], "role")
        now = self.c.call("authorize", principal="ann", method="PUT", path="/users/ann")
        self.assertEqual((now["reason"], now["fact"]), ("missing_fact", "context.mfa_age is not known"))
        self.c.call("assignments.create", principal="ann", role="guest")
        answer, told = self.ask("PUT")
        self.assertEqual(answer["reason"], "denied")
        self.assertEqual([(rule["effect"], rule["truth"]) for rule in told["rules"]],
                         [("allow", "unknown"), ("deny", "true")])

    def test_what_is_needed_has_a_condition_that_is_not_false(self):
        _, told = self.ask(user="bob", ip="192.0.2.1")
        (need,) = told["needed"]
        self.assertEqual((need["role"], need["truth"], need["when"]),
                         (["guest"], "true", "context.ip in 192.0.2.0/24"))
        self.c.call("assignments.create", principal="ann", role="guest")
        answer, _ = self.ask(user="bob", ip="192.0.2.1")
        self.assertTrue(answer["allow"])
        _, told = self.ask(user="bob", ip="10.1.2.3")
        self.assertEqual(told["none"], ["role"])

    def test_facts_of_the_request_are_shown_as_they_were_compared(self):
        self.d = self.daemon({"a.policy": STATED})
        self.c = self.d.client()
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="clerk")
        stated = {"context.amount": 600, "principal.limit": 500, "resource.tags": ["b", "a"]}
        answer, told = self.ask("PUT", facts=stated)
        allow, deny = told["rules"]
        self.assertEqual((answer["reason"], allow["truth"], deny["truth"]), ("role", "false", "false"))
        self.assertEqual([(one["predicate"], one["values"], one["truth"]) for one in allow["predicates"]], [
            ("context.amount <= principal.limit", "600 <= 500", "false"),
            ('not resource.tags has "x"', 'not "a", "b" has "x"', "true"),
        ])
        self.assertEqual(deny["predicates"], [{"predicate": "resource.status is archived",
                                               "values": "draft is archived", "truth": "false"}])
        answer, _ = self.ask("PUT", facts={**stated, "context.amount": 500})
        self.assertTrue(answer["allow"])
        answer, told = self.ask("PUT", facts={"context.amount": 500})
        self.assertEqual((answer["reason"], sorted(answer["missing"])),
                         ("missing_fact", ["principal.limit", "resource.tags"]))
        self.assertEqual([one["values"] for one in told["rules"][0]["predicates"]],
                         ["500 <= absent", 'not absent has "x"'])

    def test_the_tool_draws_it(self):
        said = self.d.tool("check", "--principal", "ann", "--explain", "GET", "/users/ann").stdout
        said = re.sub(r" +\S+:\d+$", "", said, flags=re.MULTILINE)
        self.assertIn("It depends on a fact that is not known.\n", said)
        self.assertIn(f"\nrole member may allow it\n  allow read on api:/users/{{user}} when {WHEN}\n"
                      f"  when {WHEN}: unknown\n"
                      '    {user} is principal.id: "ann" is "ann", true\n'
                      "    context.ip in 10.0.0.0/8: absent in 10.0.0.0/8, unknown\n", said)
        said = self.d.tool("check", "--principal", "ann", "--ip", "10.0.0.1", "--explain", "GET", "/users/bob").stdout
        self.assertIn("\nrole member does not allow it\n", said)
        said = self.d.tool("check", "--principal", "ann", "GET", "/users/ann").stdout
        self.assertTrue(said.startswith("deny 403 missing_fact: "), said)
        self.assertIn("not known: context.ip\n", said)


if __name__ == "__main__":
    unittest.main()

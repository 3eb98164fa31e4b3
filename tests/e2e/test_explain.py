# SPDX-License-Identifier: Apache-2.0
"""Explanations of decisions: those that the daemon answers."""

import ast
import json
import os
import pwd
import unittest

import explaining
import harness

class Telling(explaining.Explaining):
    def test_the_stack_of_the_back_office_line_by_line(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        c.call("assignments.create", principal="alice", role="servicing")
        answer, told = self.explain(principal="alice", method="GET", path="/loans/1",
                                    service="back-office", ip="10.1.1.1")
        self.assertEqual((answer["reason"], told["ended"]), ("mfa", "account"))
        self.assertEqual(self.assert_written(told), 5)
        verdicts = [[line.get("verdict") for line in group["lines"]] for group in told["groups"]]
        self.assertEqual(verdicts, [["deny", "allow"], ["allow", "deny"], [None]])
        self.assertEqual(told["groups"][1]["reason"], "mfa")
        self.assertNotIn("passed", told["groups"][2])
        _, told = self.explain(principal="alice", method="GET", path="/loans/1",
                               service="back-office", ip="192.0.2.1")
        self.assertEqual(told["groups"][1]["lines"][0]["ends"], "group")
        self.assertNotIn("verdict", told["groups"][1]["lines"][1])

    def test_the_rule_that_allowed_and_the_chain_to_it(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        c.call("assignments.create", principal="alice", role="servicing", at=["api:/loans/77"],
               until=4_000_000_000)
        answer, told = self.explain(principal="alice", method="GET", path="/loans/77")
        self.assertTrue(answer["allow"])
        self.assertNotIn("ended", told)
        rule, = told["rules"]
        self.assertEqual(rule["role"], ["servicing", "get-only"])
        self.assertEqual((rule["rule"], rule["effect"]), ("allow GET on api:/**", "allow"))
        self.assertEqual((rule["at"], rule["until"]), (["api:/loans/77"], 4_000_000_000))
        self.assertEqual(self.assert_written(told), 5)  # with the lines of stack 'other'
        self.assertEqual((told["resource"], told["action"]), ("api:/loans/{loan}", "read"))

    def test_the_rule_that_denied_and_the_roles_that_would_do(self):
        c = self.example("loanpro")
        c.call("principals.create", id="carl")
        c.call("assignments.create", principal="carl", role="collections")
        answer, told = self.explain(principal="carl", method="GET",
                                    path="/customers/5/bank-accounts")
        self.assertEqual((answer["reason"], told["ended"]), ("denied", "subject"))
        denied = [rule for rule in told["rules"] if rule["effect"] == "deny"]
        self.assertEqual([rule["role"] for rule in denied], [["collections"]])
        self.assertNotIn("needed", told)
        self.assertNotIn("missing", told)
        self.assertEqual(told["none"], ["role", "scope"])
        self.assert_written(told)
        answer, told = self.explain(principal="carl", method="DELETE", path="/loans/1")
        self.assertEqual((answer["reason"], told["ended"]), ("role", "authorize"))
        self.assertEqual([need["role"] for need in told["needed"]], [["tenant-admin"]])
        self.assertEqual(self.assert_written(told), 5)

    def test_a_role_that_is_held_elsewhere_is_nearest(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        c.call("assignments.create", principal="alice", role="servicing", at=["api:/loans/77"])
        _, told = self.explain(principal="alice", method="POST", path="/loans/78/payments")
        self.assertEqual(told["needed"][0]["role"], ["servicing"])
        self.assertEqual(told["needed"][0]["at"], ["api:/loans/77"])
        self.assertTrue(told["needed"][0]["held"])

    def test_scopes_of_the_lending_example(self):
        c = self.example("lendiq")
        key = c.call("keys.create", name="k", scopes=["deals:read", "documents:write"])
        answer, told = self.explain(token=key["secret"], method="GET", path="/deals/42")
        self.assertTrue(answer["allow"])
        self.assertEqual(told["rules"][0]["scope"], ["deals:read"])
        self.assertEqual(self.assert_written(told), 1)
        answer, told = self.explain(token=key["secret"], method="DELETE", path="/webhooks/1")
        self.assertEqual((answer["reason"], told["ended"]), ("scope", "subject"))
        self.assertEqual([need["scope"] for need in told["needed"]], [["webhooks:manage"]])
        self.assertEqual(self.assert_written(told), 1)

    def test_an_included_scope_of_the_subscriptions_example(self):
        c = self.example("loop")
        key = c.call("keys.create", name="k", scopes=["subscriptions:write"])
        _, told = self.explain(token=key["secret"], method="GET", path="/subscriptions/7",
                               tree="admin")
        self.assertEqual(told["rules"][0]["scope"], ["subscriptions:write", "subscriptions:read"])
        self.assertEqual(self.assert_written(told), 1)

    def test_entries_of_many_are_explained_one_by_one(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        results = c.call("authorize_many", principal="alice", method="GET", requests=[
            {"path": "/loans"}, {"path": "/loans", "explain": True}])["results"]
        self.assertNotIn("explain", results[0])
        self.assertEqual(results[1]["explain"]["ended"], "authorize")
        self.assertEqual({**results[1], "explain": None}, {**results[0], "explain": None})

    def test_an_invalid_key_is_explained_by_that_alone(self):
        c = self.example("lendiq")
        key = c.call("keys.create", name="k", scopes=["deals:read"])
        c.call("keys.revoke", id=key["id"])
        _, told = self.explain(token=key["secret"], method="GET", path="/deals/42")
        self.assertEqual(told, {"ended": "token"})
        other = c.call("keys.create", name="k", scopes=["deals:read"], environment="test")
        _, told = self.explain(token=other["secret"], method="GET", path="/deals/42")
        self.assertEqual(told, {"ended": "environment"})

    def test_explain_must_be_a_boolean_and_false_asks_for_no_explanation(self):
        c = self.example("loanpro")
        asked = {"principal": "x", "method": "GET", "path": "/loans"}
        error = self.assert_error("invalid_request", c.call, "authorize", explain=1, **asked)
        self.assertEqual(error.error["param"], "explain")
        self.assertNotIn("explain", c.call("authorize", explain=False, **asked))


EXCLUSIVE = """\
tree api { /a { GET, POST, DELETE }
/b { GET } }
role viewer { allow GET on api:/a }
role maker { allow POST on api:/a }
role senior inherits maker { allow GET on api:/a }
role checker { allow POST on api:/a }
role remover { allow DELETE on api:/a }
exclusive viewer, maker
exclusive viewer, remover
scope reading { allow GET on api:/a }
scope writing { allow POST on api:/a }
principal declared {
  role viewer
}
"""


class Needing(explaining.Explaining):
    """What is named as needed is given as it says, and then it is allowed."""

    def setUp(self):
        super().setUp()
        self.d = self.daemon({"a.policy": EXCLUSIVE})
        self.c = self.d.client()
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="viewer")

    def names(self, told, kind):
        return [need[kind][0] for need in told.get("needed", []) if kind in need]

    def test_a_role_that_an_assignment_would_be_refused_for_is_not_named(self):
        asked = {"principal": "ann", "method": "POST", "path": "/a"}
        _, told = self.explain(**asked)
        self.assertEqual((told["missing"], self.names(told, "role")), (["role"], ["checker"]))
        self.assertNotIn("none", told)
        for role in ("maker", "senior"):
            self.assert_error("conflict", self.c.call, "assignments.create", principal="ann",
                              role=role)
        self.c.call("assignments.create", principal="ann", role="checker")
        self.assertTrue(self.c.call("authorize", **asked)["allow"])

    def test_none_is_said_where_no_role_could_be_given(self):
        asked = {"principal": "ann", "method": "DELETE", "path": "/a"}
        _, told = self.explain(**asked)
        self.assertEqual((told["missing"], told["none"]), (["role"], ["role"]))
        self.assertNotIn("needed", told)
        done = self.d.tool("--json", "check", "--explain", "--principal", "ann", "DELETE", "/a")
        self.assertEqual(json.loads(done.stdout)["explain"]["none"], ["role"])
        done = self.d.tool("check", "--explain", "--principal", "ann", "DELETE", "/a")
        self.assertTrue(done.stdout.endswith("\nNo role that could be given would allow it.\n"),
                        done.stdout)

    def test_a_role_of_the_store_is_not_for_who_is_declared_in_the_files(self):
        self.c.call("roles.create", name="own", grants=["allow DELETE on api:/a"])
        _, told = self.explain(principal="ann", method="DELETE", path="/a")
        self.assertEqual(self.names(told, "role"), ["own"])
        _, told = self.explain(principal="declared", method="DELETE", path="/a")
        self.assertEqual(told["none"], ["role"])
        self.assert_error("conflict", self.c.call, "assignments.create", principal="declared",
                          role="own")

    def test_a_role_and_a_scope_are_needed_together(self):
        key = self.c.call("keys.create", principal="ann", scopes=["reading"])
        asked = {"token": key["secret"], "method": "POST", "path": "/a"}
        _, told = self.explain(**asked)
        self.assertEqual(told["missing"], ["role", "scope"])
        self.assertEqual((self.names(told, "role"), self.names(told, "scope")),
                         (["checker"], ["writing"]))
        done = self.d.tool("check", "--explain", "--token", key["secret"], "POST", "/a")
        self.assertIn("\nA role and a scope are needed together:\nrole checker would do\n",
                      done.stdout)
        self.assertIn("\nscope writing would do\n", done.stdout)
        self.c.call("assignments.create", principal="ann", role="checker")
        _, told = self.explain(**asked)
        self.assertEqual((told["missing"], self.names(told, "scope")), (["scope"], ["writing"]))
        self.c.call("keys.update", id=key["id"], scopes=["reading", "writing"])
        self.assertTrue(self.c.call("authorize", **asked)["allow"])

    def test_no_role_is_named_where_no_scope_would_do_beside_it(self):
        self.c.call("roles.create", name="own", grants=["allow DELETE on api:/a"])
        key = self.c.call("keys.create", principal="ann", scopes=["reading"])
        _, told = self.explain(token=key["secret"], method="DELETE", path="/a")
        self.assertEqual((told["missing"], told["none"]), (["role", "scope"], ["scope"]))
        self.assertNotIn("needed", told)
        placed = self.c.call("keys.create", principal="ann", at=["api:/b"])
        _, told = self.explain(token=placed["secret"], method="GET", path="/a")
        self.assertEqual((told["missing"], told["none"], told["key_at"]),
                         (["scope"], ["scope"], ["api:/b"]))


@unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
class Strangers(explaining.Explaining):
    def test_an_untrusted_peer_learns_no_fact(self):
        self.d = self.daemon({"a.policy": """\
tree api { /a { GET } }
role anyone { allow GET on api:/a }
stack other {
    authenticate required permit
    account required network allow=10.0.0.0/8
    authorize required role
}
"""})
        self.assertEqual(self.d.call("authorize", method="GET", path="/a")["fact"],
                         "no address was stated")
        os.chmod(self.d.folder, 0o711)
        os.chmod(self.d.socket, 0o666)
        (answer,) = self.as_user(pwd.getpwnam("daemon").pw_uid, [{"method": "GET", "path": "/a"}])
        self.assertEqual(answer["reason"], "network")
        self.assertNotIn("fact", answer)

    def test_an_untrusted_peer_gets_no_explanation(self):
        c = self.example("lendiq")
        key = c.call("keys.create", name="k", scopes=["deals:read"])
        os.chmod(self.d.folder, 0o711)
        os.chmod(self.d.socket, 0o666)
        asked = [{"token": token, "method": "GET", "path": path, "explain": True}
                 for token in (key["secret"], key["secret"][:-1] + "x", "nonsense")
                 for path in ("/deals/42", "/webhooks", "/nowhere", "/..")]
        stranger = pwd.getpwnam("daemon")
        answers = self.as_user(stranger.pw_uid, asked)
        self.assertEqual(len({repr(answer) for answer in answers}), 1, answers)
        self.assertEqual(answers[0], {"allow": False, "status": 403, "reason": "not_trusted",
                                      "revision": c.call("policy.status")["revision"]})
        plain = self.as_user(stranger.pw_uid, [{**asked[0], "explain": False}])
        self.assertTrue(plain[0]["allow"])

    def as_user(self, uid, requests):
        """The answers that a process of that user gets."""
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
                with harness.Client(self.d.socket) as client, os.fdopen(theirs, "w") as out:
                    out.write(repr([client.call("authorize", **params) for params in requests]))
            finally:
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours) as answers:
            said = answers.read()
        os.waitpid(child, 0)
        return ast.literal_eval(said)


if __name__ == "__main__":
    unittest.main()

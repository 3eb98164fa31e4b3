# SPDX-License-Identifier: Apache-2.0
"""decisions.try: of one mind with authorize, and without a trace of it."""

import os
import random
import tempfile
import unittest

import harness
import people

POLICY = people.POLICY.replace("GET on api:/health", "GET on api:/health, api:/open") \
    .replace("/health { GET }", "/health { GET }\n    /open { GET, POST }") + """
facts { resource.owner string
    principal.branch string
    context.amount int }
role approver { allow update on api:/loans/{loan} when context.amount <= 500 }
role brancher { allow delete on api:/loans/{loan} when principal.branch is "north" }
role helpdesk { allow list on authz:/keys, authz:/roles, authz:/principals }
stack counted {
    authenticate sufficient key
    authenticate required principal
    account required quota name=few limit=3 period=1h per=principal
    authorize required role
    authorize required scope
    record optional log
}
stack guarded {
    authenticate sufficient key
    authenticate required principal
    account required network allow=10.0.0.0/8
    account required mfa max_age=10m
    authorize required role
    authorize required scope
}
stack local { authenticate required peer
    authorize required role }
stack open { authenticate required permit
    authorize required role }
principal tool { peer user root
    role viewer }
"""

QUESTIONS = [
    {"method": "GET", "path": "/loans/7"}, {"method": "DELETE", "path": "/loans/7"},
    {"method": "PUT", "path": "/loans/7"}, {"method": "POST", "path": "/loans"},
    {"method": "GET", "path": "/health"}, {"method": "GET", "path": "/nothing"},
    {"action": "read", "resource": "api:/loans/8"}, {"action": "fly", "resource": "api:/loans/8"},
    {"method": "GET", "path": "/loans/7", "service": "guarded"},
    {"method": "GET", "path": "/loans/7", "service": "nobody"},
    {"method": "GET", "path": "/loans/7", "environment": "test"},
    {"method": "GET", "path": "/loans/7", "environment": "*"},
    {"method": "GET", "path": "/loans/7", "environment": "moon"},
]
CALLERS = [{}, {"ip": "10.1.2.3", "mfa_at": 0}, {"ip": "192.0.2.1"},
           {"facts": {"context.amount": 400}}, {"facts": {"context.amount": 600}},
           {"facts": {"principal.branch": "north"}}]


class Try(people.PeopleTest):
    policy = POLICY

    def try_(self, client=None, **params):
        return (client or self.c).call("decisions.try", **params)

    def assert_same(self, as_whom, asked, **question):
        """`as_whom` of authorize, and the same of decisions.try."""
        # The quota of an answer is that of one request later.
        wanted = self.c.call("authorize", explain=True, **as_whom, **question)
        got = self.try_(**asked, **question)
        self.assertEqual(got, wanted, (asked, question))
        return got

    def test_it_answers_what_authorize_answers_for_every_state_of_a_key(self):
        self.alice("viewer", "approver", "brancher")
        self.c.call("principals.create", id="away")
        self.c.call("assignments.create", principal="away", role="viewer")
        keys = {"plain": self.key(), "roles": self.key(roles=["clerk"]),
                "scopes": self.key(scopes=["loans:write"]),
                "narrow": self.key(scopes=["loans:read"], at=["api:/loans/7"]),
                "networks": self.key(networks=["10.0.0.0/8"]),
                "test": self.key(environment="test"),
                "later": self.key(not_before=2 ** 32),
                "of away": self.key(principal="away")}
        for state, method in (("off", "keys.disable"), ("revoked", "keys.revoke")):
            keys[state] = self.key()
            self.c.call(method, id=keys[state][0])
        self.c.call("principals.disable", id="away")
        seen = set()
        for name, (id, secret) in keys.items():
            for question in QUESTIONS:
                for caller in CALLERS:
                    with self.subTest(key=name, question=question, caller=caller):
                        got = self.assert_same({"token": secret}, {"key": id},
                                               **question, **caller)
                        seen.add(got["reason"])
        self.assertLessEqual({"ok", "role", "scope", "network", "mfa", "unknown_resource",
                              "unknown_action", "inactive_key", "revoked_key", "missing_fact",
                              "inactive_principal", "wrong_environment", "unknown_service"}, seen)

    def test_it_answers_what_authorize_answers_for_principals(self):
        self.alice("viewer", "approver", "brancher")
        self.c.call("assignments.create", everyone=True, role="approver", at=["api:/loans"])
        self.c.call("principals.create", id="away")
        self.c.call("principals.disable", id="away")
        for id in ("alice", "away", "billing", "nobody", "everyone", "every principal", ""):
            for question in QUESTIONS:
                for caller in CALLERS:
                    with self.subTest(principal=id, question=question, caller=caller):
                        self.assert_same({"principal": id}, {"principal": id},
                                         **question, **caller)

    def test_nobody_is_nobody_and_not_the_peer(self):
        peer = self.c.call("authorize", method="GET", path="/loans/7", service="local")
        self.assertTrue(peer["allow"], peer)
        got = self.try_(method="GET", path="/loans/7", service="local")
        self.assertFalse(got["allow"])
        self.assertNotIn("principal", got)
        self.assertTrue(self.try_(method="GET", path="/health", service="open")["allow"])
        for question in QUESTIONS:
            for caller in CALLERS:
                self.assert_same({}, {}, **question, **caller)
                self.assert_same({}, {}, **{**question, "service": "open"}, **caller)

    def test_a_deleted_key_is_not_found_nor_is_what_is_not_an_id(self):
        self.alice()
        id, secret = self.key()
        self.c.call("keys.delete", id=id)
        self.assert_same({"token": secret}, {"key": id}, method="GET", path="/loans/7")
        self.assertEqual(self.try_(key=id, method="GET", path="/loans/7")["reason"], "unknown_key")
        for id in ("", "1zzzzzzzzzzz", "\0", "x" * 600):
            got = self.try_(key=id, method="GET", path="/loans/7")
            self.assertEqual((got["reason"], got["status"]), ("unknown_key", 401))
            self.assertNotIn("key", got)

    def test_a_key_under_rotation_is_tried_by_its_current_secret(self):
        self.alice()
        id, old = self.key()
        new = self.c.call("keys.rotate", id=id, mode="confirm")["secret"]
        self.assertTrue(self.try_(key=id, method="GET", path="/loans/7")["allow"])
        record = self.c.call("keys.get", id=id)
        self.assertIn("pending_until", record, "trying is no first use")
        self.assertTrue(self.ask(new)["allow"])
        harness.wait_until(lambda: "pending_until" not in self.c.call("keys.get", id=id),
                           what="the first use")
        self.assertFalse(self.ask(old + "x")["allow"])

    def test_quotas_are_looked_at_and_not_charged(self):
        self.alice()
        asked = {"principal": "alice", "method": "GET", "path": "/loans/7", "service": "counted"}
        self.assertEqual([self.try_(**asked)["quota"]["remaining"] for _ in range(5)], [2] * 5)
        for left in (2, 1, 0):
            self.assertEqual(self.try_(**asked)["quota"]["remaining"], left)
            self.assertEqual(self.c.call("authorize", **asked)["quota"]["remaining"], left)
        got = self.try_(**asked)
        self.assert_reason("quota", got, 429)
        record = [group for group in got["explain"]["groups"] if group["group"] == "record"]
        self.assertEqual(["passed" in record[0], "verdict" in record[0]["lines"][0]],
                         [False, False])
        self.assertEqual(got["explain"]["quota"], "few")
        self.assertFalse(self.c.call("authorize", **asked)["allow"])

    def test_it_leaves_no_trace(self):
        self.alice("approver")
        id, _ = self.key()
        cursor = self.c.call("decisions.watch")["cursor"]
        before = (self.c.call("status"), self.c.call("keys.get", id=id))
        for service in ({}, {"service": "counted"}):
            for who in ({"key": id}, {"principal": "alice"}, {}):
                for path in ("/loans/7", "/nothing"):
                    self.try_(method="PUT", path=path, **who, **service)
        self.assertEqual(self.try_(key=id, method="PUT", path="/loans/7")["reason"],
                         "missing_fact")
        after = (self.c.call("status"), self.c.call("keys.get", id=id))
        for name in ("allowed", "denied"):
            self.assertEqual(before[0]["counters"][name], after[0]["counters"][name], name)
        for name in ("quotas", "missing_facts", "decision_log"):
            self.assertEqual(before[0][name], after[0][name], name)
        self.assertEqual(before[1], after[1])
        watched = self.c.call("decisions.watch", cursor=cursor)
        self.assertEqual((watched["seen"], watched["items"]), (0, []))
        self.assertEqual(os.path.getsize(self.log), 0)
        # A true one is in the log and in the watch.
        self.c.call("authorize", principal="alice", method="PUT", path="/loans/7",
                    service="counted")
        harness.wait_until(lambda: os.path.getsize(self.log) > 0, what="a line in the log")
        self.assertEqual(self.c.call("decisions.watch", cursor=watched["cursor"])["seen"], 1)

    def arguments(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-conf-")
        self.addCleanup(folder.cleanup)
        self.log = os.path.join(folder.name, "decisions.log")
        path = folder.name + "/authzd.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write("manage user daemon authz:/keys list\n"
                       "manage user daemon authz:/roles list\n"
                       f"decision_log {self.log}\n")
        return ["--config", path]

    def test_it_needs_the_right_to_list_all_three(self):
        self.alice()
        question = {"principal": "alice", "method": "GET", "path": "/loans/7"}
        self.c.call("roles.create", name="two", grants=["allow list on authz:/keys, authz:/roles"])
        for role, may in (("helpdesk", True), ("two", False)):
            token = self.key(roles=[role])[1]
            for client in (self.c, self.stranger()):
                if may:
                    self.assertTrue(self.try_(client, token=token, **question)["allow"])
                else:
                    error = self.assert_error("forbidden", self.try_, client, token=token,
                                              **question)
                    self.assertIn("authz:/principals", error.message)
        # Nor may a peer to which lines give only two.
        error = self.assert_error("forbidden", self.try_, self.stranger(), **question)
        self.assertIn("authz:/principals", error.message)

    def test_a_caller_that_is_not_trusted_may_state_everything_and_sees_everything(self):
        """It is about a request that nobody has made."""
        self.alice("viewer", "brancher")
        id, secret = self.key()
        token = self.key(roles=["helpdesk"])[1]
        stranger = self.stranger()
        for question in QUESTIONS:
            for caller in CALLERS:
                for who in ({"key": id}, {"principal": "alice"}, {"key": "1zzzzzzzzzzz"}):
                    got = self.try_(stranger, token=token, **who, **question, **caller)
                    wanted = self.try_(**who, **question, **caller)
                    places = [got["explain"].get("stack", {})]
                    for rule in got["explain"].get("rules", []) + got["explain"].get("needed", []):
                        places.append(rule)
                    for group in places[0].get("groups", got["explain"].get("groups", [])):
                        places += group["lines"]
                    for place in places:
                        self.assertNotIn("file", place)
                        self.assertNotIn("line", place)
                    self.assertEqual({**got, "explain": None}, {**wanted, "explain": None})
                    self.assertEqual(got["explain"].get("ended"), wanted["explain"].get("ended"))

    def test_a_token_sees_its_own_tenant_alone(self):
        question = {"method": "DELETE", "path": "/loans/7"}
        for tenant in ("acme", "umbra"):
            self.c.call("tenants.create", id=tenant)
            self.c.call("principals.create", id="same", tenant=tenant)
            self.c.call("roles.create", name="remover-" + tenant, tenant=tenant,
                        grants=["allow delete on api:/loans/{loan}"])
        self.c.call("principals.create", id="theirs", tenant="umbra")
        theirs, _ = self.key(principal="theirs", tenant="umbra")
        own, _ = self.key(principal="same", tenant="acme")
        token = self.key(roles=["helpdesk"], tenant="acme")[1]

        def said(**params):
            got = self.try_(token=token, **params)
            self.assertNotIn("umbra", str(got))
            self.assertNotIn("theirs", str(got))
            return got
        self.assertEqual(said(key=theirs, **question), said(key="1zzzzzzzzzzz", **question))
        self.assertEqual(said(principal="theirs", **question), said(principal="no", **question))
        for tenant in ("umbra", "default", "nothing"):
            error = self.assert_error("not_found", self.try_, token=token, tenant=tenant,
                                      principal="same", **question)
            self.assertNotIn(tenant, error.message)
        got = said(principal="same", **question)
        self.assertEqual(got["tenant"], "acme")
        self.assertIn(["remover-acme"], [rule["role"] for rule in got["explain"]["needed"]])
        self.assertEqual(said(key=own, **question)["reason"], "role")
        # A peer sees all tenants, and a key elsewhere is of the wrong one.
        self.assertEqual(self.try_(key=theirs, **question)["reason"], "wrong_tenant")
        self.assertEqual(self.try_(key=theirs, tenant="umbra", **question)["reason"], "role")
        self.c.call("tenants.disable", id="umbra")
        self.assertEqual(self.try_(key=theirs, tenant="umbra", **question)["reason"],
                         "inactive_tenant")

    def test_the_tool_asks_about_a_key_by_its_id(self):
        self.alice()
        id, _ = self.key()
        token = self.key(roles=["helpdesk"])[1]
        file = os.path.join(os.path.dirname(self.log), "token")
        with open(file, "w", encoding="utf-8") as out:
            out.write(token)
        os.chmod(file, 0o600)
        uses = self.c.call("keys.get", id=id).get("uses")

        def check(*words, status):
            done = self.d.tool("check", *words)
            self.assertEqual(done.returncode, status, done.stderr)
            return done.stdout
        for more in ([], ["--token-file", file]):
            said = check("--key", id, *more, "GET", "/loans/7", status=0)
            self.assertTrue(said.startswith("allow "), said)
            self.assertNotIn("viewer", said)
            said = check("--key", id, *more, "DELETE", "/loans/7", status=1)
            self.assertIn("no role of alice allows", said)
            said = check("--key", id, "--explain", *more, "GET", "/loans/7", status=0)
            self.assertIn("viewer", said)
            self.assertEqual("a.policy:" in said, not more)
        self.c.call("keys.disable", id=id)
        self.assertIn("switched off", check("--key", id, "GET", "/loans/7", status=1))
        self.assertEqual(self.c.call("keys.get", id=id).get("uses"), uses)
        self.assertIn("exclude", self.d.tool("check", "--key", id, "--principal", "alice", "GET",
                                             "/loans/7").stderr)

    def test_bad_questions_are_named(self):
        self.alice()
        good = {"method": "GET", "path": "/loans/7"}
        for params, param in (
                ({}, "method"), ({**good, "action": "read"}, "action"),
                ({"method": "GET"}, "path"), ({"action": "read"}, "resource"),
                ({**good, "key": "x", "principal": "y"}, "principal"),
                ({**good, "ip": "300.1.1.1"}, "ip"), ({**good, "tree": ""}, "tree"),
                ({**good, "tenant": "*"}, "tenant"), ({**good, "explain": True}, "explain"),
                ({**good, "facts": {"resource.none": 1}}, "facts.resource.none"),
                ({**good, "facts": {"context.amount": "x"}}, "facts.context.amount"),
                ({**good, "undeclared": "x"}, "undeclared"), ({**good, "key": 7}, "key"),
                ({**good, "requests": []}, "requests")):
            with self.subTest(param):
                error = self.assert_error("invalid_request", self.try_, **params)
                self.assertEqual(error.error["param"], param)

    def test_it_agrees_with_authorize_for_random_policies_of_roles(self):
        random.seed(os.environ.get("AUTHZ_SEED", "decisions.try"))
        self.alice()
        nodes = ["api:/loans", "api:/loans/{loan}", "api:/loans/**", "api:/open", "api:/**"]
        whens = ["", " when context.amount < 500", ' when principal.id is "alice"',
                 ' when resource.owner is "bob"']
        for n in range(12):
            self.c.call("roles.create", name=f"r{n}", grants=[
                f"{random.choice(('allow', 'allow', 'deny'))} all on {random.choice(nodes)}"
                f"{random.choice(whens)}" for _ in range(2)])
        for n in range(20):
            self.c.call("principals.create", id=f"p{n}")
            for role in random.sample(range(12), 2):
                self.c.call("assignments.create", principal=f"p{n}", role=f"r{role}")
            id, secret = self.key(principal=f"p{n}")
            for _ in range(8):
                question = random.choice(QUESTIONS)
                facts = {"context.amount": random.choice((1, 500)), "resource.owner": "bob"}
                given = dict(random.sample(sorted(facts.items()), random.randint(0, 2)))
                self.assert_same({"token": secret}, {"key": id}, facts=given, **question)
                self.assert_same({"principal": f"p{n}"}, {"principal": f"p{n}"}, facts=given,
                                 **question)


if __name__ == "__main__":
    unittest.main()

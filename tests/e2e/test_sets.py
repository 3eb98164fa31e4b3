# SPDX-License-Identifier: Apache-2.0
"""What is held on conditions, in permissions, principals.permissions and who."""

import unittest

import harness

POLICY = """\
facts {
    principal.branch   string
    principal.limit    int
    resource.branch    string
    resource.owner     string
    resource.status    draft | active | archived default active
    context.amount     int
}

tree credit {
    /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH, approve POST } }
    /users/{user} { read GET, update PUT }
}

role underwriter {
    allow list, read on credit:/loans/**
    allow approve, update on credit:/loans/{loan}
        when principal.branch is resource.branch and context.amount <= principal.limit
    deny approve on credit:/loans/{loan} when resource.owner is principal.id
    allow update on credit:/users/{user} when {user} is principal.id
}
role trusted { allow read, update on credit:/users/{user} when principal.branch is "north" }
role reader { allow read on credit:/users/{user} }
role live { allow create on credit:/loans when context.environment is "live" }
role both { allow read on credit:/loans/{loan} when resource.owner is "a"
    deny read on credit:/loans/{loan} when resource.owner is "a" }
role clerk { allow read on credit:/loans/{loan} when principal.roles has "trusted" }

environment live prefix a_live_
environment test prefix a_test_

stack other {
    authenticate sufficient key
    authenticate required principal
    authorize required role
    authorize required scope
}
"""

BRANCH = 'resource.branch is "north" and context.amount <= 500'
ANN = [
    {"resource": "credit:/loans", "actions": ["list"]},
    {"resource": "credit:/loans/{loan}", "actions": ["read"]},
    {"resource": "credit:/loans/{loan}", "actions": ["update"], "when": BRANCH},
    {"resource": "credit:/loans/{loan}", "actions": ["approve"],
     "when": BRANCH + ' and resource.owner is not "ann"'},
    {"resource": "credit:/users/{user}", "actions": ["update"], "when": '{user} is "ann"'},
]


class SetsTest(harness.DaemonTest):
    def setUp(self):
        self.d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(self.d.finish)
        self.d.start()
        self.c = self.d.client()
        self.c.call("principals.create", id="ann", attributes={"branch": "north", "limit": "500"})
        self.c.call("assignments.create", principal="ann", role="underwriter")

    def all(self, method, limit=1000, **params):
        return self.c.pages(method, limit, **params)[0]

    def permissions(self, **params):
        return self.all("permissions", **{"principal": "ann", **params})

    def hold(self, id, role, **params):
        self.c.call("principals.create", id=id)
        self.c.call("assignments.create", principal=id, role=role, **params)


class Permissions(SetsTest):
    def test_an_item_held_sometimes_has_when_with_what_is_known_put_in(self):
        self.assertEqual(self.permissions(), ANN)
        self.assertEqual(self.all("principals.permissions", id="ann"), ANN)

    def test_a_page_may_end_between_the_entries_of_one_resource(self):
        for limit in (1, 2, 3):
            self.assertEqual(self.permissions(limit=limit), ANN)

    def test_facts_of_the_request_are_put_in(self):
        facts = {"resource.branch": "north", "resource.owner": "ann"}
        self.assertEqual(self.permissions(tree="credit", at="credit:/loans/7", facts=facts), [
            {"resource": "credit:/loans/7", "actions": ["read"]},
            {"resource": "credit:/loans/7", "actions": ["update"], "when": "context.amount <= 500"}])
        facts = {**facts, "resource.owner": "bob", "context.amount": 1}
        self.assertEqual(self.permissions(at="credit:/loans/7", facts=facts),
                         [{"resource": "credit:/loans/7", "actions": ["read", "update", "approve"]}])

    def test_a_value_of_a_place_is_put_in(self):
        self.hold("bob", "underwriter", at=["credit:/users/bob", "credit:/users/eve"])
        self.assertEqual(self.permissions(principal="bob"),
                         [{"resource": "credit:/users/bob", "actions": ["update"]}])
        self.assertEqual(self.permissions(at="credit:/users/ann"),
                         [{"resource": "credit:/users/ann", "actions": ["update"]}])
        self.assertEqual(self.permissions(at="credit:/users/eve"), [])

    def test_a_place_where_it_never_holds_replaces_the_general_entry(self):
        self.c.call("assignments.create", principal="ann", role="reader", at=["credit:/users/eve"])
        self.assertEqual(self.permissions()[4:], [
            ANN[4], {"resource": "credit:/users/eve", "actions": ["read"]}])

    def test_what_can_never_hold_is_not_listed(self):
        self.hold("bob", "both")
        self.assertEqual(self.permissions(principal="bob"), [])

    def test_the_environment_is_known_of_a_request_and_open_of_a_principal(self):
        self.hold("bob", "live")
        item = {"resource": "credit:/loans", "actions": ["create"]}
        self.assertEqual(self.permissions(principal="bob"), [item])
        self.assertEqual(self.permissions(principal="bob", environment="test"), [])
        self.assertEqual(self.all("principals.permissions", id="bob"),
                         [{**item, "when": 'context.environment is "live"'}])

    def test_roles_are_known(self):
        self.hold("bob", "clerk")
        self.assertEqual(self.permissions(principal="bob"), [])
        self.c.call("assignments.create", principal="bob", role="trusted", at=["credit:/loans/7"])
        self.assertEqual(self.permissions(principal="bob"),
                         [{"resource": "credit:/loans/7", "actions": ["read"]}])

    def test_an_attribute_that_nobody_wrote_is_open_as_a_peer_may_state_it(self):
        self.hold("bob", "trusted")
        item = {"resource": "credit:/users/{user}", "actions": ["read", "update"]}
        self.assertEqual(self.permissions(principal="bob"),
                         [{**item, "when": 'principal.branch is "north"'}])
        self.assertEqual(self.permissions(principal="bob", facts={"principal.branch": "north"}), [item])
        self.c.call("principals.update", id="bob", attributes={"branch": "south"})
        self.assertEqual(self.permissions(principal="bob"), [])


class Tool(SetsTest):
    def tool(self, *arguments):
        done = harness.run_tool("--socket", str(self.d.socket), *arguments, home=self.d.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_conditions_stand_after_the_actions(self):
        for command in (("can", "--principal", "ann"), ("principal", "show", "ann")):
            text = self.tool(*command)
            self.assertIn(f"  update when {BRANCH}\n", text)
            self.assertIn('  update when {user} is "ann"\n', text)
        text = self.tool("can", "--principal", "ann", "--fact", "resource.branch=south")
        self.assertNotIn("approve", text)

    def test_who_says_on_what_condition(self):
        self.assertIn('underwriter when resource.branch is "north"',
                      self.tool("who", "update", "credit:/loans/7"))
        facts = ("--fact", "resource.branch=north", "--fact", "context.amount=1")
        self.assertRegex(self.tool("who", "update", "credit:/loans/7", *facts), r"principal +ann +underwriter\n")

    def test_a_folder_says_the_same_without_a_daemon(self):
        folder = str(self.d.policy)
        role = ("policy", "can", folder, "--role", "underwriter")
        self.assertIn("  update when {user} is principal.id\n", self.tool(*role))
        self.assertIn("update when principal.branch is \"x\" and context.amount <= principal.limit\n",
                      self.tool(*role, "--fact", "resource.branch=x"))
        self.assertIn('when principal.id is "eve"', self.tool("policy", "who", folder, "update", "credit:/users/eve"))


class Who(SetsTest):
    def who(self, action, resource, **params):
        return [{name: value for name, value in item.items() if name not in ("declared", "environment")}
                for item in self.all("who", action=action, resource=resource, **params)]

    def test_who_may_sometimes_has_when(self):
        key = self.c.call("keys.create", principal="ann")["id"]
        own = {"through": [{"role": "underwriter", "when": BRANCH}],
               "when": BRANCH + ' and resource.owner is not "ann"'}
        self.assertEqual(self.who("approve", "credit:/loans/7"), [
            {"kind": "role", "id": "underwriter",
             "when": "principal.branch is resource.branch and context.amount <= principal.limit"
                     " and resource.owner is not principal.id"},
            {"kind": "principal", "id": "ann", **own},
            {"kind": "key", "id": key, "principal": "ann", **own}])

    def test_who_may_always_has_none(self):
        self.assertEqual(self.who("update", "credit:/users/ann"), [
            {"kind": "role", "id": "underwriter", "when": 'principal.id is "ann"'},
            {"kind": "role", "id": "trusted", "when": 'principal.branch is "north"'},
            {"kind": "principal", "id": "ann", "through": [{"role": "underwriter"}]}])

    def test_who_may_never_is_not_listed(self):
        self.assertEqual(self.who("update", "credit:/users/eve", kind="principal"), [])
        self.hold("bob", "both")
        self.assertEqual(self.who("read", "credit:/loans/7", kind="principal"),
                         [{"kind": "principal", "id": "ann", "through": [{"role": "underwriter"}]}])

    def test_facts_are_put_in(self):
        facts = {"resource.branch": "north", "resource.owner": "bob", "context.amount": 500}
        self.assertEqual(self.who("approve", "credit:/loans/7", facts=facts, kind="principal"),
                         [{"kind": "principal", "id": "ann", "through": [{"role": "underwriter"}]}])
        self.assertEqual(self.who("approve", "credit:/loans/7", facts={**facts, "resource.owner": "ann"},
                                  kind="principal"), [])
        error = self.assert_error("invalid_request", self.who, "list", "credit:/loans", facts={"resource.x": "y"})
        self.assertEqual(error.error["param"], "facts.resource.x")
        self.assertEqual(self.who("list", "credit:/loans", facts={"resource.x": "y"}, undeclared="ignore",
                                  kind="role"), [{"kind": "role", "id": "underwriter"}])

    def test_everyone_stands_for_anybody(self):
        self.c.call("assignments.create", everyone=True, role="underwriter", at=["credit:/users"])
        self.assertEqual(self.who("update", "credit:/users/eve", kind="principal"), [
            {"kind": "everyone", "when": 'principal.id is "eve"',
             "through": [{"role": "underwriter", "at": ["credit:/users"], "holder": "everyone",
                          "when": 'principal.id is "eve"'}]}])

    def test_pages_are_the_whole(self):
        for i in range(20):
            self.hold(f"p{i}", "trusted" if i % 2 else "underwriter")
        whole = self.who("update", "credit:/users/ann")
        for limit in (1, 7):
            self.assertEqual(self.who("update", "credit:/users/ann", limit=limit), whole)


if __name__ == "__main__":
    unittest.main()

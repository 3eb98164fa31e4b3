# SPDX-License-Identifier: Apache-2.0
"""who, roles.holders and principals.permissions: complete, in pages, and of one mind with decisions."""

import json
import random
import unittest

import harness
import people

POLICY = people.POLICY + """
role helpdesk {
    allow list on authz:/keys, authz:/roles, authz:/principals, authz:/assignments
    allow read on authz:/principals/{principal}
}
role reader { allow read on authz:/principals/{principal}
    allow list on authz:/assignments }
role closed { deny all on api:/loans/** }
role putter { allow update on api:/loans/{loan} }
"""

QUESTIONS = (
    ("list", "api:/loans"), ("create", "api:/loans"), ("read", "api:/loans/7"),
    ("GET", "api:/loans/8"), ("update", "api:/loans/7"), ("DELETE", "api:/loans/7"),
    ("create", "api:/loans/7/payments"), ("GET", "api:/health"))


class WhoTest(people.PeopleTest):
    policy = POLICY

    def all(self, method, limit=1000, client=None, **params):
        """Every item, and the head of the last page."""
        return (client or self.c).pages(method, limit, **params)

    def who(self, action, resource, **params):
        items, _ = self.all("who", action=action, resource=resource, **params)
        return [(item["kind"], item["id"]) for item in items]

    def tool(self, *arguments, status=0):
        done = harness.run_tool("--socket", str(self.d.socket), *arguments, home=self.d.folder)
        self.assertEqual(done.returncode, status, done.stderr)
        return done


class Who(WhoTest):
    def test_roles_principals_and_keys_are_listed_with_what_they_owe_it_to(self):
        self.alice("viewer")
        self.c.call("principals.create", id="bob", name="Bob")
        self.c.call("assignments.create", principal="bob", role="clerk", at=["api:/loans/7"],
                    until=4000000000)
        self.c.call("roles.create", name="cleaner", grants=["allow delete on api:/loans/{loan}"],
                    inherits=["viewer"])
        own, _ = self.key(name="laptop")
        bound, _ = self.key(roles=["cleaner"])
        scoped, _ = self.key(scopes=["loans:write"], environment="test")
        items, page = self.all("who", action="read", resource="api:/loans/7")
        self.assertEqual(page["resource"], "api:/loans/{loan}")
        self.assertEqual([(item["kind"], item["id"]) for item in items], [
            ("role", "viewer"), ("role", "clerk"), ("role", "auditor"), ("role", "cleaner"),
            ("principal", "alice"), ("principal", "bob"), ("principal", "billing"),
            ("key", own), ("key", bound), ("key", scoped)])
        by_id = {item["id"]: item for item in items}
        self.assertEqual(by_id["viewer"], {"kind": "role", "id": "viewer", "declared": True})
        self.assertEqual(by_id["cleaner"], {"kind": "role", "id": "cleaner"})
        self.assertEqual(by_id["bob"]["through"],
                         [{"role": "clerk", "at": ["api:/loans/7"], "until": 4000000000}])
        self.assertEqual(by_id["billing"]["declared"], True)
        self.assertEqual(by_id[own], {
            "kind": "key", "id": own, "name": "laptop", "principal": "alice",
            "environment": "live", "through": [{"role": "viewer"}]})
        self.assertEqual(by_id[scoped]["through"], [])
        self.assertEqual(self.who("read", "api:/loans/8")[4:6],
                         [("principal", "alice"), ("key", own)])

        shown = self.tool("who", "GET", "/loans/7").stdout
        self.assertRegex(shown, r"(?m)^principal +bob +Bob .*clerk at api:/loans/7 until ")
        answer = json.loads(self.tool("--json", "who", "read", "api:/loans/7").stdout)
        self.assertEqual([item["id"] for item in answer["items"]], list(by_id))
        self.assertEqual(self.who("create", "api:/loans/7/payments"), [("key", scoped)])
        self.c.call("keys.revoke", id=scoped)
        self.assertEqual(self.tool("who", "POST", "/loans/7/payments").stdout, "nobody\n")

    def test_what_is_switched_off_or_over_may_nothing(self):
        self.alice("viewer")
        own, _ = self.key()
        off, _ = self.key()
        self.c.call("keys.disable", id=off)
        self.assertEqual(self.who("read", "api:/loans/8", kind="key"), [("key", own)])
        self.c.call("principals.disable", id="alice")
        self.assertEqual(self.who("read", "api:/loans/8", kind="key"), [])
        self.assertEqual(self.who("read", "api:/loans/8", kind="principal"), [])
        self.c.call("principals.enable", id="alice")
        self.c.call("keys.revoke", id=own)
        self.assertEqual(self.who("read", "api:/loans/8", kind="key"), [])
        self.c.call("tenants.create", id="acme")
        self.c.call("principals.create", id="abe", tenant="acme")
        self.c.call("assignments.create", principal="abe", role="viewer", tenant="acme")
        self.assertEqual(self.who("read", "api:/loans/8", kind="principal", tenant="acme"),
                         [("principal", "abe")])
        self.c.call("tenants.disable", id="acme")
        self.assertEqual(self.who("read", "api:/loans/8", kind="principal", tenant="acme"), [])

    def test_pages_of_any_size_are_complete(self):
        self.alice("viewer")
        for number in range(9):
            self.c.call("principals.create", id=f"p{number}")
            self.c.call("assignments.create", principal=f"p{number}",
                        role=("viewer", "clerk", "closed")[number % 3])
            self.key(principal=f"p{number}")
        for question in QUESTIONS:
            whole = self.who(*question)
            for limit in (1, 2, 7):
                self.assertEqual(self.who(*question, limit=limit), whole)
        whole, _ = self.all("roles.holders", name="viewer")
        self.assertEqual(self.all("roles.holders", limit=1, name="viewer")[0], whole)

    def test_a_cursor_of_another_policy_is_refused(self):
        cursor = self.c.call("who", action="GET", resource="api:/health", limit=1)["cursor"]
        self.d.write("a.policy", self.policy + "role more { allow GET on api:/loans }\n")
        self.c.call("policy.reload")
        self.assert_error("invalid_request", self.c.call, "who", action="GET",
                          resource="api:/health", limit=1, cursor=cursor)

    def test_a_wrong_question_names_its_parameter(self):
        for params, wanted in (
                ({"action": "GET", "resource": "api:/lons"}, "resource"),
                ({"action": "GET", "resource": "api:/loans/../x"}, "resource"),
                ({"action": "approve", "resource": "api:/loans"}, "action"),
                ({"method": "read", "path": "/loans/7"}, "method"),
                ({"method": "GET", "path": "/loans", "tree": "nope"}, "tree"),
                ({"method": "GET", "path": "/" + "a" * 8000}, "path"),
                ({"action": "GET"}, "action"),
                ({"action": "GET", "resource": "api:/loans", "path": "/loans"}, "method"),
                ({"action": "GET", "resource": "api:/loans", "kind": "tree"}, "kind")):
            with self.assertRaises(harness.Error) as raised:
                self.c.call("who", **params)
            self.assertEqual((raised.exception.code, raised.exception.error["param"]),
                             ("invalid_request", wanted), params)
        for words, said in (
                (("GET", "/lons"), "PATH '/lons': is nothing that the policy declares in tree 'api'"),
                (("GET", "/lons", "--tree", "nope"), "--tree 'nope': is not a tree of the policy"),
                (("GET", "ui:/lons"), "TREE:/PATH 'ui:/lons': is nothing that the policy declares"),
                (("approve", "api:/loans"), "ACTION 'approve': the resource has no such action")):
            self.assertIn(said, self.tool("who", *words, status=2).stderr)
        self.c.call("principals.create", id="zoe")
        self.d.write("a.policy", "tree web { /a { GET } }\nrole one { allow GET on web:/a }\n")
        self.tool("reload")
        self.assertIn("did you mean 'web'?",
                      self.tool("who", "GET", "/a", "--tree", "wob", status=2).stderr)
        self.assertIn("role  one", self.tool("who", "GET", "/a", "--tree", "web").stdout)
        self.assertIn("PATH '/a': is in tree 'api', which the policy lacks: name the tree",
                      self.tool("who", "GET", "/a", status=2).stderr)
        self.assertIn("TREE:/PATH 'web:/b': is nothing that the policy declares",
                      self.tool("can", "web:/b", "--principal", "zoe", status=2).stderr)
        self.assertIn("'api:/loans/**' is a pattern",
                      self.tool("who", "GET", "api:/loans/**", status=2).stderr)

    def test_a_token_needs_the_right_to_list_each_kind(self):
        self.alice("helpdesk")
        _, token = self.key()
        self.assertTrue(self.c.call("who", token=token, action="GET", resource="api:/health"))
        self.c.call("principals.create", id="rita")
        self.c.call("assignments.create", principal="rita", role="reader")
        _, token = self.key(principal="rita")
        for kind in ({}, {"kind": "key"}, {"kind": "role"}, {"kind": "principal"}):
            self.assert_error("forbidden", self.c.call, "who", token=token, action="GET",
                              resource="api:/health", **kind)
        self.assert_error("forbidden", self.c.call, "roles.holders", token=token, name="viewer")
        self.assertTrue(self.c.call("principals.permissions", token=token, id="rita")["items"])
        self.assert_error("forbidden", self.client_call, "principals.permissions", token, "nobody")

    def client_call(self, method, token, principal):
        self.c.call("assignments.delete", principal="rita", role="reader")
        self.c.call(method, token=token, id=principal)


class Agreement(WhoTest):
    """who, authorize, permissions and principals.permissions, on a random store."""

    def test_who_is_exactly_those_whose_requests_are_allowed(self):
        dice = random.Random(20261129)
        roles = ["viewer", "clerk", "closed", "putter", "cleaner"]
        self.c.call("roles.create", name="cleaner", inherits=["putter"],
                    grants=["allow delete on api:/loans/{loan}", "deny read on api:/loans/{loan}"])
        principals, tokens = ["billing"], {}
        for number in range(24):
            name = f"p{number}"
            principals.append(name)
            self.c.call("principals.create", id=name)
            for role in dice.sample(roles, dice.randrange(4)):
                at = dice.choice([{}, {}, {"at": ["api:/loans/7"]},
                                  {"at": ["api:/loans/8", "api:/health"]}])
                self.c.call("assignments.create", principal=name, role=role, **at)
            if dice.random() < 0.2:
                self.c.call("principals.disable", id=name)
        for _ in range(40):
            bound = dice.choice([{"principal": dice.choice(principals)},
                                 {"roles": dice.sample(roles, 2)}, {}])
            narrowed = {} if bound and dice.random() < 0.5 else {
                "scopes": [dice.choice(("loans:read", "loans:write"))]}
            if bound and dice.random() < 0.3:
                narrowed["at"] = ["api:/loans/7"]
            key, token = self.key(**bound, **narrowed)
            tokens[key] = token
        for action, resource in QUESTIONS:
            who = set(self.who(action, resource, limit=dice.choice((1, 10, 1000))))
            subjects = [("principal", name, {"principal": name}) for name in principals]
            subjects += [("key", key, {"token": token}) for key, token in tokens.items()]
            answers = self.c.call("authorize_many", requests=[
                {**subject, "action": action, "resource": resource}
                for _, _, subject in subjects])
            allowed = {(kind, name) for (kind, name, _), answer in zip(subjects, answers["results"])
                       if answer["allow"]}
            self.assertEqual({item for item in who if item[0] != "role"}, allowed,
                             (action, resource))
            self.assertTrue(allowed)
        for name in principals:
            listed, _ = self.all("principals.permissions", id=name)
            if self.c.call("principals.get", id=name).get("status") == "active":
                self.assertEqual(listed, self.all("permissions", principal=name)[0])
            else:
                self.assertEqual(listed, [])


class Holders(WhoTest):
    def test_a_role_has_those_that_hold_it_or_one_that_inherits_it(self):
        self.alice("viewer")
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", principal="bob", role="clerk", at=["api:/loans/7"])
        self.c.call("principals.create", id="carol")
        self.c.call("assignments.create", principal="carol", role="auditor")
        self.c.call("principals.disable", id="bob")
        self.c.call("roles.create", name="team", inherits=["clerk"])
        self.key()
        bound, _ = self.key(roles=["team"])
        self.c.call("keys.disable", id=bound)
        items, _ = self.all("roles.holders", name="viewer")
        self.assertEqual([(item["kind"], item["id"], item.get("status")) for item in items], [
            ("role", "clerk", None), ("role", "team", None), ("principal", "alice", "active"),
            ("principal", "bob", "inactive"), ("principal", "billing", "active"),
            ("key", bound, "inactive")])
        self.assertEqual(items[3]["through"], [{"role": "clerk", "at": ["api:/loans/7"]}])
        self.assert_error("not_found", self.c.call, "roles.holders", name="nope")
        self.assert_error("invalid_request", self.c.call, "roles.holders", name="anyone")
        shown = self.tool("role", "holders", "viewer").stdout
        self.assertRegex(shown, r"(?m)^principal +bob .*inactive +clerk at api:/loans/7$")
        self.assertEqual(self.tool("role", "holders", "putter").stdout, "nobody\n")


class PrincipalShow(WhoTest):
    def test_it_has_the_roles_with_their_places_the_keys_and_what_it_may_do(self):
        self.alice("viewer")
        self.c.call("assignments.create", principal="alice", role="putter", at=["api:/loans/7"])
        key, _ = self.key(name="laptop")
        shown = json.loads(self.tool("--json", "principal", "show", "alice").stdout)
        self.assertEqual([item["role"] for item in shown["assignments"]], ["viewer", "putter"])
        self.assertEqual([item["id"] for item in shown["keys"]], [key])
        self.assertEqual(shown["permissions"], self.all("permissions", principal="alice")[0])
        text = self.tool("principal", "show", "alice").stdout
        for wanted in ("putter  api:/loans/7", key, "laptop", "/7  read, update", "/health  GET"):
            self.assertIn(wanted, text)

    def test_many_keys_and_permissions_are_all_there(self):
        trees = "".join(f"    /n{number} {{ GET }}\n" for number in range(1500))
        self.d.write("b.policy", f"tree many {{\n{trees}}}\nrole all {{ allow GET on many:/** }}\n")
        self.c.call("policy.reload")
        self.alice("all")
        for _ in range(105):
            self.key()
        shown = json.loads(self.tool("--json", "principal", "show", "alice").stdout)
        self.assertEqual(len(shown["keys"]), 105)
        self.assertEqual(len(shown["permissions"]), 1501)

    def test_a_token_that_may_not_list_keys_sees_the_rest(self):
        self.alice("reader")
        _, token = self.key()
        path = self.d.folder / "token"
        path.write_text(token)
        shown = json.loads(self.tool("--json", "principal", "show", "alice", "--token-file",
                                     str(path)).stdout)
        self.assertIsNone(shown["keys"])
        self.assertEqual(len(shown["assignments"]), 1)
        self.assertTrue(shown["permissions"])
        self.assertIn("authz:", self.tool("principal", "show", "alice", "--token-file", str(path)
                                          ).stdout)


if __name__ == "__main__":
    unittest.main()

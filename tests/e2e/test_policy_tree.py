# SPDX-License-Identifier: Apache-2.0
"""policy.tree: the nodes that grants can name, in pages."""

import unittest

import harness

POLICY = """\
tree api "What programs ask for" {
    /loans "All loans" {
        list GET "Lists them", create POST
        /{loan} { read GET, update PUT PATCH, approve
            /files/{path...} { GET, PUT } }
    }
    /health { GET }
}
tree ui { /reports { show } }
role viewer { allow GET on api:/loans/** }
"""


class Tree(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()

    def tree(self, **params):
        return self.c.call("policy.tree", limit=1000, **params)["items"]

    def test_the_trees_are_listed_parents_first_with_what_the_policy_says_of_them(self):
        page = self.c.call("policy.tree", tree="api")
        self.assertEqual(page["items"], [
            {"resource": "api:/", "actions": []},
            {"resource": "api:/loans", "description": "All loans", "actions": [
                {"action": "list", "methods": ["GET"], "description": "Lists them"},
                {"action": "create", "methods": ["POST"]}]},
            {"resource": "api:/loans/{loan}", "actions": [
                {"action": "read", "methods": ["GET"]},
                {"action": "update", "methods": ["PUT", "PATCH"]},
                {"action": "approve", "methods": []}]},
            {"resource": "api:/loans/{loan}/files", "actions": []},
            {"resource": "api:/loans/{loan}/files/{path...}", "actions": [
                {"action": "GET", "methods": ["GET"]}, {"action": "PUT", "methods": ["PUT"]}]},
            {"resource": "api:/health", "actions": [{"action": "GET", "methods": ["GET"]}]},
        ])
        self.assertNotIn("cursor", page)
        self.assertEqual(page["revision"], self.c.call("policy.status")["revision"])
        self.assertIn({"name": "api", "description": "What programs ask for"}, page["trees"])
        self.assertIn({"name": "ui"}, page["trees"])
        self.assertIn("authz", [tree["name"] for tree in page["trees"]])

    def test_pages_of_any_size_are_the_list_and_a_tree_is_its_part(self):
        whole = self.tree()
        for limit in (1, 2, 5):
            items, last = self.c.pages("policy.tree", limit=limit)
            self.assertEqual(items, whole)
            self.assertEqual(len(last["trees"]), 3)
        parts = [item for tree in last["trees"] for item in self.c.pages("policy.tree", limit=2, tree=tree["name"])[0]]
        self.assertEqual(parts, whole)
        # All that a role could allow is in it.
        self.c.call("roles.create", name="all", grants=["allow all on api:/**, ui:/**, authz:/**"])
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="all")
        allowed, _ = self.c.pages("principals.permissions", id="ann")
        self.assertEqual(allowed, [
            {"resource": item["resource"], "actions": [action["action"] for action in item["actions"]]}
            for item in whole if item["actions"]])

    def test_a_cursor_is_of_one_policy_one_tree_and_one_method(self):
        cursor = self.c.call("policy.tree", limit=1)["cursor"]
        self.c.call("policy.tree", limit=3, cursor=cursor)
        self.c.call("roles.create", name="more", grants=["allow GET on api:/health"])
        self.c.call("policy.tree", limit=3, cursor=cursor)
        other = self.c.call("roles.list", limit=1)["cursor"]
        for params in ({"cursor": cursor, "tree": "api"}, {"cursor": other}, {"cursor": cursor + "0"},
                       {"limit": 0}, {"limit": 1001}, {"tree": "nope"}, {"tree": ""}):
            with self.subTest(params):
                self.assert_error("invalid_request", self.c.call, "policy.tree", **params)
        self.d.write("b.policy", "tree more { /x { GET } }\n")
        self.c.call("policy.reload")
        error = self.assert_error("invalid_request", self.c.call, "policy.tree", cursor=cursor)
        self.assertEqual(error.error.get("param"), "cursor")


if __name__ == "__main__":
    unittest.main()

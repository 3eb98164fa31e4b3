# SPDX-License-Identifier: Apache-2.0
"""Roles of the store: written as in the files, expanded once, applied as those of the files."""

import unittest

import people

POLICY = people.POLICY + """
role boss inherits viewer { allow all on authz:/** }
role keeper { allow all on authz:/roles/**, authz:/assignments, authz:/principals/** }
"""

GROWN = POLICY.replace("/health { GET }", "/health { GET }\n    /reports { list GET }").replace(
    "delete DELETE", "approve POST")


class RoleTest(people.PeopleTest):
    policy = POLICY

    def role(self, name, *grants, **params):
        return self.c.call("roles.create", name=name, grants=list(grants), **params)

    def may(self, secret, method, path):
        return self.ask(secret, method, path)["allow"]

    def bob(self, *roles, **params):
        self.c.call("principals.create", id="bob", **params)
        for role in roles:
            self.c.call("assignments.create", principal="bob", role=role, **params)
        return self.key(principal="bob", **params)


class Roles(RoleTest):
    def test_the_story_of_a_role(self):
        made = self.role("cleaner", "allow delete on api:/loans/{loan}", inherits=["viewer"],
                         description="Takes away")
        self.assertEqual(made["grants"], ["allow delete on api:/loans/{loan}"])
        self.assertEqual((made["allowed"], made["denied"]), (1, 0))
        self.assertEqual(made["inherits"], ["viewer"])
        self.assertEqual(self.c.call("roles.get", name="cleaner"), made)
        _, secret = self.bob("cleaner")
        for method, may in (("GET", True), ("DELETE", True), ("PUT", False)):
            self.assertEqual(self.may(secret, method, "/loans/7"), may, method)
        changed = self.c.call("roles.update", name="cleaner",
                              grants=["allow update on api:/loans/{loan}",
                                      "deny GET on api:/loans/{loan}/payments"])
        self.assertEqual((changed["allowed"], changed["denied"]), (1, 1))
        self.assertEqual(changed["description"], "Takes away")
        for method, path, may in (("DELETE", "/loans/7", False), ("PUT", "/loans/7", True),
                                  ("GET", "/loans/7", True), ("GET", "/loans/7/payments", False)):
            self.assertEqual(self.may(secret, method, path), may, (method, path))
        self.assertFalse(self.c.call("roles.update", name="cleaner", inherits=None,
                                     description=None).keys() & {"inherits", "description"})
        self.assertFalse(self.may(secret, "GET", "/loans/7"))
        self.c.call("roles.delete", name="cleaner")
        self.assertFalse(self.may(secret, "PUT", "/loans/7"))
        self.assert_error("not_found", self.c.call, "roles.get", name="cleaner")

    def test_a_role_of_the_same_name_is_another_one(self):
        self.role("cleaner", "allow delete on api:/loans/{loan}")
        _, secret = self.bob("cleaner")
        _, by_role = self.key(roles=["cleaner"])
        for token in (secret, by_role):
            self.assertTrue(self.may(token, "DELETE", "/loans/7"))
        self.c.call("roles.delete", name="cleaner")
        self.role("cleaner", "allow all on api:/**")
        for token in (secret, by_role):
            self.assertFalse(self.may(token, "DELETE", "/loans/7"))
        dangling = self.c.call("policy.reload")["dangling"]["items"]
        self.assertIn({"principal": "bob", "role": "cleaner"}, dangling)
        self.c.call("assignments.create", principal="bob", role="cleaner")
        self.assertTrue(self.may(secret, "DELETE", "/loans/7"))
        gone = self.c.call("assignments.delete", principal="bob", role="cleaner")["items"]
        self.assertEqual(len(gone), 2)

    def test_inheritance_reaches_through_and_circles_are_refused(self):
        self.role("a", "allow delete on api:/loans/{loan}")
        self.role("b", inherits=["a"])
        self.role("c", inherits=["b", "viewer"])
        _, secret = self.bob("c")
        self.assertTrue(self.may(secret, "DELETE", "/loans/7"))
        error = self.assert_error("conflict", self.c.call, "roles.update", name="a", inherits=["c"])
        self.assertIn("circle", error.message)
        self.c.call("roles.update", name="a", grants=["allow update on api:/loans/{loan}"])
        self.assertFalse(self.may(secret, "DELETE", "/loans/7"))
        self.assertTrue(self.may(secret, "PUT", "/loans/7"))
        self.c.call("roles.delete", name="b")
        self.assertFalse(self.may(secret, "PUT", "/loans/7"))
        self.assertTrue(self.may(secret, "GET", "/loans/7"))

    def test_exclusive_applies_to_them_too(self):
        self.role("team", inherits=["clerk"])
        self.assert_error("conflict", self.c.call, "roles.create", name="both",
                          inherits=["team", "auditor"])
        self.bob("auditor")
        self.assert_error(
            "conflict", self.c.call, "assignments.create", principal="bob", role="team")
        self.assert_error("conflict", self.c.call, "keys.create", roles=["team", "auditor"])
        self.role("plain")
        self.c.call("assignments.create", principal="bob", role="plain")
        error = self.assert_error("conflict", self.c.call, "roles.update", name="plain",
                                  inherits=["clerk"])
        self.assertIn("bob", error.message)

    def test_places_and_keys(self):
        self.role("cleaner", "allow delete on api:/loans/{loan}")
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", principal="bob", role="cleaner", at=["api:/loans/7"])
        _, secret = self.key(principal="bob")
        self.assertTrue(self.may(secret, "DELETE", "/loans/7"))
        self.assertFalse(self.may(secret, "DELETE", "/loans/8"))
        record = self.c.call("keys.create", roles=["cleaner", "viewer"])
        self.assertEqual(record["roles"], ["cleaner", "viewer"])
        self.assertTrue(self.may(record["secret"], "DELETE", "/loans/8"))
        held = self.c.call("assignments.list", role="cleaner")["items"]
        self.assertEqual([(item["principal"], item["role"]) for item in held], [("bob", "cleaner")])

    def test_what_is_refused(self):
        self.role("cleaner")
        for param, params in [
            ("name", {"name": "7up"}), ("name", {"name": "a b"}), ("name", {"name": "a:"}),
            ("name", {"name": "anyone"}), ("name", {"name": "x" * 129}), ("name", {"name": ""}),
            ("grants", {"grants": ["allow GTE on api:/loans"]}),
            ("grants", {"grants": ["allow GET on api:/nowhere"]}),
            ("grants", {"grants": ["allow GET on api:/loans }\nrole y {"]}),
            ("grants", {"grants": ["role y { }"]}),
            ("inherits", {"inherits": ["nobody"]}), ("inherits", {"inherits": ["anyone"]}),
            ("inherits", {"inherits": ["x"]}),
            ("description", {"description": "a\nb"}),
        ]:
            with self.subTest(params):
                error = self.assert_error(
                    "invalid_request", self.c.call, "roles.create", **{"name": "x", **params})
                self.assertEqual(error.error.get("param"), param, error)
        said = self.assert_error("invalid_request", self.c.call, "roles.create", name="x",
                                 grants=["allow GET on api:/loans", "allow GET on api:/loams"])
        self.assertIn("entry 1, column 19: ", said.message)
        self.assertIn("did you mean 'loans'", said.message)
        for name in ("cleaner", "viewer"):
            self.assert_error("conflict", self.c.call, "roles.create", name=name)
        for method in ("update", "delete"):
            self.assert_error("conflict", self.c.call, f"roles.{method}", name="viewer")
            self.assert_error("not_found", self.c.call, f"roles.{method}", name="nobody")

    def test_the_list_has_those_of_the_files_too(self):
        for name in ("b", "a"):
            self.role(name)
        items = self.c.call("roles.list")["items"]
        self.assertEqual([item["name"] for item in items][:2], ["a", "b"])
        declared = [item["name"] for item in items if item.get("declared")]
        self.assertIn("viewer", declared)
        self.assertEqual(self.c.pages("roles.list", limit=1)[0], items)

    def test_they_are_there_after_a_restart(self):
        self.role("cleaner", "allow delete on api:/loans/{loan}")
        _, secret = self.bob("cleaner")
        self.d.stop()
        self.d.start()
        self.c = self.d.client()
        self.assertTrue(self.may(secret, "DELETE", "/loans/7"))


class Policies(RoleTest):
    def reload(self, text):
        self.d.write("a.policy", text)
        return self.c.call("policy.reload")

    def test_a_pattern_is_expanded_once_and_never_grows(self):
        self.role("all", "allow all on api:/**")
        _, secret = self.bob("all")
        found = self.reload(GROWN)["dangling"]
        self.assertFalse(self.may(secret, "GET", "/reports"))
        self.assertFalse(self.may(secret, "POST", "/loans/7"))
        self.assertTrue(self.may(secret, "PUT", "/loans/7"))
        missing = [item for item in found["items"] if item.get("role") == "all"]
        self.assertEqual(missing, [{"role": "all", "grant": "+GET,PUT,DELETE api:/loans/{loan}"}])
        # When it is written again, it is expanded again.
        self.c.call("roles.update", name="all", grants=["allow all on api:/**"])
        self.assertTrue(self.may(secret, "GET", "/reports"))
        # Permissions that exist again have effect again.
        self.c.call("roles.update", name="all", grants=["allow approve on api:/loans/{loan}"])
        self.reload(POLICY)
        self.assertFalse(self.may(secret, "POST", "/loans/7"))
        self.reload(GROWN)
        self.assertTrue(self.may(secret, "POST", "/loans/7"))

    def test_roles_inherited_from_the_files_follow_the_files(self):
        self.role("team", inherits=["clerk"])
        _, secret = self.bob("team")
        self.assertTrue(self.may(secret, "POST", "/loans"))
        self.reload(POLICY.replace("{ allow create on api:/loans }", ""))
        self.assertFalse(self.may(secret, "POST", "/loans"))
        found = self.reload(POLICY.replace("role clerk", "role clerkess").replace(
            "exclusive clerk,", "exclusive clerkess,"))["dangling"]["items"]
        self.assertIn({"role": "team", "inherits": "clerk"}, found)
        self.assertFalse(self.may(secret, "GET", "/loans"))

    def test_roles_that_become_exclusive_are_reported_and_kept(self):
        self.role("team", inherits=["clerk"])
        id, secret = self.bob("team", "boss")
        key, _ = self.key(roles=["viewer", "boss"])
        found = self.reload(POLICY.replace("exclusive clerk, auditor",
                                           "exclusive clerk, boss\nexclusive viewer, boss"
                                           ).replace("role boss inherits viewer", "role boss"))
        items = [item for item in found["dangling"]["items"] if "exclusive" in item]
        self.assertIn({"principal": "bob", "exclusive": "team, boss"}, items)
        self.assertIn({"key": key, "exclusive": "viewer, boss"}, items)
        self.assertTrue(self.may(secret, "POST", "/loans"))

    def test_one_that_selects_too_much_belongs_into_the_files(self):
        many = "\n".join(f"    /a-rather-long-name-of-a-node-{n} {{ GET }}" for n in range(5000))
        self.reload(POLICY + "tree big {\n" + many + "\n}\n")
        error = self.assert_error("limit_reached", self.role, "all", "allow all on big:/**")
        self.assertIn("policy's files", error.message)
        self.role("some", "allow all on big:/a-rather-long-name-of-a-node-7, api:/**")

    def test_the_name_is_that_of_the_files(self):
        self.assert_error("conflict", self.c.call, "roles.create", name="Viewer")
        self.c.call("tenants.create", id="acme")
        self.role("cleaner", "allow GET on api:/loans", tenant="acme")
        self.d.write("a.policy", POLICY + "role cleaner { allow GET on api:/health }\n")
        items = self.c.call("policy.reload")["dangling"]["items"]
        self.assertIn({"role": "cleaner", "shadowed_in": "acme"}, items)
        # Its grants are kept, for another name.
        record = self.c.call("roles.get", name="cleaner", tenant="acme")
        self.assertEqual((record["shadowed"], record["allowed"]), (True, 1))
        self.role("sweeper", *record["grants"], tenant="acme")
        self.c.call("roles.delete", name="cleaner", tenant="acme")
        self.assertIn({"name": "cleaner", "declared": True},
                      self.c.call("roles.list", tenant="acme")["items"])


class Tenants(RoleTest):
    def test_each_has_its_own(self):
        for tenant in ("acme", "umbra"):
            self.c.call("tenants.create", id=tenant)
        self.role("cleaner", "allow delete on api:/loans/{loan}", tenant="acme")
        self.role("cleaner", "allow update on api:/loans/{loan}", tenant="umbra")
        _, secret = self.bob("cleaner", tenant="acme")
        self.assertTrue(self.ask(secret, "DELETE", tenant="acme")["allow"])
        self.assertFalse(self.ask(secret, "PUT", tenant="acme")["allow"])
        self.assert_error("invalid_request", self.c.call, "keys.create", roles=["cleaner"])
        self.assert_error("not_found", self.c.call, "roles.get", name="cleaner")
        self.assertEqual(self.c.call("roles.get", name="cleaner", tenant="umbra")["tenant"],
                         "umbra")


class Managed(RoleTest):
    def by(self, token, method, **params):
        return self.c.call(method, token=token, **params)

    def test_a_caller_that_makes_a_role_gives_only_what_it_has(self):
        _, boss = self.bob("boss")
        made = self.by(boss, "roles.create", name="x", grants=["allow GET on api:/loans"])
        self.assertEqual(made["created_by"][:4], "key:")
        for params in ({"grants": ["allow create on api:/loans"]}, {"inherits": ["clerk"]}):
            for method, name in (("create", "y"), ("update", "x")):
                with self.subTest(method, **params):
                    self.assert_error(
                        "forbidden", self.by, boss, f"roles.{method}", name=name, **params)
        # Grants that another caller wrote stay, and denials too.
        self.role("z", "allow create on api:/loans", "deny delete on api:/loans/{loan}")
        self.by(boss, "roles.update", name="z", description="kept")
        self.by(boss, "roles.update", name="z", grants=["allow create on api:/loans",
                                                        "deny all on api:/loans/{loan}"])
        self.assert_error("forbidden", self.by, boss, "roles.update", name="z",
                          grants=["allow create on api:/loans"])
        self.assert_error("forbidden", self.by, boss, "roles.delete", name="z")
        self.by(boss, "roles.delete", name="x")
        self.assert_error("forbidden", self.by, boss, "assignments.create", principal="bob",
                          role="z")

    def test_permissions_held_at_a_place_cannot_be_written_into_a_role(self):
        """Roles have no places: a caller that may do it at some places would give it everywhere."""
        self.role("x", "allow GET on api:/health")
        _, boss = self.bob("boss")
        self.c.call("assignments.create", principal="bob", role="clerk", at=["api:/loans"])
        write = {"name": "x", "grants": ["allow create on api:/loans"]}
        self.assert_error("forbidden", self.by, boss, "roles.update", **write)
        # Nor with a key limited to places, of a principal that may do it everywhere.
        self.c.call("assignments.create", principal="bob", role="clerk")
        self.by(boss, "roles.update", **write)
        self.c.call("roles.update", name="x", grants=["allow GET on api:/health"])
        _, placed = self.key(principal="bob", at=["api:/loans", "authz:/roles"])
        self.assert_error("forbidden", self.by, placed, "roles.update", **write)

    def test_the_holder_of_a_role_adds_only_what_it_has(self):
        """A caller is compared as it was before the change, not as the change would make it."""
        self.role("mine", "allow GET on api:/loans")
        _, boss = self.bob("boss", "mine")
        for name, params in (("mine", {"grants": ["allow all on api:/**"]}),
                             ("mine", {"inherits": ["clerk"]})):
            with self.subTest(name, **params):
                self.assert_error("forbidden", self.by, boss, "roles.update", name=name, **params)
        # Nor by way of a role that the caller's own inherits, nor by removing its denials.
        self.role("below", "allow GET on api:/loans", "deny create on api:/loans")
        self.c.call("roles.update", name="mine", inherits=["below"],
                    grants=["allow create on api:/loans"])
        for params in ({"grants": ["allow all on api:/**"]}, {"inherits": ["clerk"]},
                       {"grants": ["allow GET on api:/loans"]}):
            with self.subTest("below", **params):
                self.assert_error("forbidden", self.by, boss, "roles.update", name="below", **params)
        self.assert_error("forbidden", self.by, boss, "roles.delete", name="below")

    def test_the_tree_authz_names_them(self):
        _, keeper = self.bob("keeper")
        self.assertGreater(len(self.by(keeper, "roles.list")["items"]), 3)
        self.assert_error("forbidden", self.by, keeper, "roles.create", name="x",
                          grants=["allow GET on api:/loans"])
        _, viewer = self.key(roles=["viewer"])
        for method in ("create", "get", "update", "delete"):
            self.assert_error("forbidden", self.by, viewer, f"roles.{method}", name="x")
        self.assert_error("forbidden", self.by, viewer, "roles.list")


if __name__ == "__main__":
    unittest.main()

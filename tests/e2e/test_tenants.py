# SPDX-License-Identifier: Apache-2.0
"""Tenants: each sees only its own objects, and disabling one takes effect at once."""

import unittest

import people

POLICY = people.POLICY + """
role boss inherits viewer { allow all on authz:/** }
"""


class Tenants(people.PeopleTest):
    policy = POLICY

    def setUp(self):
        super().setUp()
        for tenant in ("acme", "umbra"):
            self.c.call("tenants.create", id=tenant)

    def boss(self, tenant, id="alice"):
        """(key id, secret) of a principal that may do everything in a tenant."""
        self.c.call("principals.create", id=id, tenant=tenant)
        self.c.call("assignments.create", principal=id, role="boss", tenant=tenant)
        return self.key(principal=id, tenant=tenant)

    def test_made_listed_and_switched(self):
        items = self.c.call("tenants.list")["items"]
        self.assertEqual([item["id"] for item in items], ["default", "acme", "umbra"])
        self.assertEqual(items[1]["status"], "active")
        self.assertEqual(items[1]["created_by"], "uid:0")
        self.assertEqual(self.c.call("tenants.disable", id="acme")["status"], "inactive")
        self.assertEqual(self.c.call("tenants.disable", id="acme")["status"], "inactive")
        self.assertEqual(self.c.call("tenants.enable", id="acme")["status"], "active")
        page = self.c.call("tenants.list", limit=2)
        rest = self.c.call("tenants.list", limit=2, cursor=page["cursor"])["items"]
        self.assertEqual([item["id"] for item in rest], ["umbra"])

    def test_a_peer_lists_the_keys_of_all_tenants(self):
        made = [(tenant, self.boss(tenant)[0]) for tenant in ("umbra", "default", "acme")]
        made += [("umbra", self.key(scopes=["loans:read"], tenant="umbra")[0])]
        wanted = [pair for tenant in ("default", "acme", "umbra")
                  for pair in made if pair[0] == tenant]
        for method in ("keys.list", "keys.audit"):
            for limit in (1, 2, 3, 1000):
                items, cursor = [], {}
                while cursor is not None:
                    page = self.c.call(method, tenant="*", limit=limit, **cursor)
                    items += page["items"]
                    cursor = {"cursor": page["cursor"]} if "cursor" in page else None
                self.assertEqual([(item["tenant"], item["id"]) for item in items], wanted,
                                 f"{method} {limit}")
        items = self.c.call("keys.list", tenant="*", principal="alice")["items"]
        self.assertEqual([item["tenant"] for item in items], ["default", "acme", "umbra"])
        # Tenants without keys between those that have some end no page without a cursor.
        self.c.call_many([("tenants.create", {"id": f"t{number}"}) for number in range(5000)])
        kid, _ = self.key(scopes=["loans:read"], tenant="t4999")
        page = self.c.call("keys.list", tenant="*", status="active", label="none")
        self.assertEqual(page["items"], [])
        self.assertIn("cursor", page)
        items = []
        while "cursor" in page:
            page = self.c.call("keys.list", tenant="*", status="active", label="none",
                               cursor=page["cursor"])
            items += page["items"]
        self.assertEqual(items, [])
        done = self.d.tool("key", "list", "--tenant", "*", "--columns", "key,tenant")
        self.assertEqual(done.stdout.splitlines()[-1].split(), [kid, "t4999"])

    def test_all_tenants_are_for_lists_and_for_peers(self):
        _, token = self.boss("acme")
        for method in ("keys.list", "keys.audit", "audit.list"):
            self.c.call(method, tenant="*")
            self.assert_error("forbidden", self.c.call, method, tenant="*", token=token)
        for method, params in [("principals.list", {}), ("roles.list", {}),
                               ("principals.create", {"id": "x"}),
                               ("keys.create", {"scopes": ["loans:read"]})]:
            error = self.assert_error("invalid_request", self.c.call, method, tenant="*", **params)
            self.assertIn("all tenants, is only for finding keys and reading the trail", str(error))

    def test_the_log_shows_whose_each_record_is(self):
        self.boss("acme")
        done = self.d.tool("log", "--tenant", "*")
        self.assertIn("TENANT", done.stdout.splitlines()[0])
        self.assertRegex(done.stdout, r"(?m) acme +uid:0 +principals.create ")
        self.assertNotIn("TENANT", self.d.tool("log").stdout.splitlines()[0])

    def test_what_is_refused(self):
        for code, method, params in [
            ("conflict", "tenants.create", {"id": "acme"}),
            ("conflict", "tenants.create", {"id": "default"}),
            ("conflict", "tenants.disable", {"id": "default"}),
            ("invalid_request", "tenants.create", {"id": "a b"}),
            ("invalid_request", "tenants.create", {"id": "*"}),
            ("invalid_request", "tenants.create", {"id": "x" * 129}),
            ("not_found", "tenants.disable", {"id": "nowhere"}),
            ("not_found", "principals.create", {"id": "x", "tenant": "nowhere"}),
        ]:
            with self.subTest(method, **params):
                self.assert_error(code, self.c.call, method, **params)
        _, token = self.boss("acme")
        for method, params in [("create", {"id": "x"}), ("disable", {"id": "acme"}), ("list", {})]:
            self.assert_error("forbidden", self.c.call, f"tenants.{method}", token=token, **params)

    def test_a_decision_is_for_the_tenant_that_is_served(self):
        _, secret = self.boss("acme")
        asked = [({}, "wrong_tenant"), ({"tenant": "umbra"}, "wrong_tenant"),
                 ({"tenant": "nowhere"}, "wrong_tenant"),
                 ({"tenant": "acme"}, "ok"), ({"tenant": "*"}, "ok")]
        # Again when the key is known: whose it is does not depend on where it was used first.
        for params, reason in asked * 2:
            answer = self.ask(secret, **params)
            self.assert_reason(reason, answer)
            self.assertEqual(answer["tenant"], "acme")
        named = {"principal": "alice", "method": "GET", "path": "/loans/7"}
        self.assert_reason("ok", self.c.call("authorize", tenant="acme", **named))
        for tenant in ("default", "umbra", "nowhere"):
            self.assert_reason(
                "unknown_principal", self.c.call("authorize", tenant=tenant, **named))

    def test_disabling_takes_effect_at_once_for_keys_and_principals(self):
        _, secret = self.boss("acme")
        _, by_roles = self.key(roles=["viewer"], tenant="acme")
        named = {"principal": "alice", "method": "GET", "path": "/loans/7", "tenant": "acme"}
        for _ in range(20):
            self.c.call("tenants.disable", id="acme")
            for token in (secret, by_roles):
                self.assert_reason("inactive_tenant", self.ask(token, tenant="acme"), 401)
            self.assert_reason("inactive_tenant", self.c.call("authorize", **named), 401)
            self.assert_error("forbidden", self.c.call, "keys.list", token=secret)
            self.c.call("tenants.enable", id="acme")
            self.assert_reason("ok", self.ask(secret, tenant="acme"))
            self.assert_reason("ok", self.c.call("authorize", **named))

    def test_one_id_is_another_one_in_each(self):
        self.c.call("principals.create", id="alice", name="first")
        self.c.call("principals.create", id="alice", name="second", tenant="acme")
        self.c.call("principals.create", id="billing", tenant="acme")
        for tenant, name in (("default", "first"), ("acme", "second")):
            self.assertEqual(
                self.c.call("principals.get", id="alice", tenant=tenant)["name"], name)
        self.assert_error("not_found", self.c.call, "principals.get", id="alice", tenant="umbra")
        # What the files declare belongs to tenant default.
        self.assertNotIn("declared", self.c.call("principals.get", id="billing", tenant="acme"))

    def test_a_token_sees_only_its_own_tenant(self):
        mine, acme = self.boss("acme")
        other, umbra = self.boss("umbra", "uma")
        self.c.call("principals.create", id="dora")

        def by(method, **params):
            return self.c.call(method, token=acme, **params)
        self.assertEqual([item["id"] for item in by("keys.list")["items"]], [mine])
        self.assertEqual([item["id"] for item in by("principals.list")["items"]], ["alice"])
        self.assertEqual(by("principals.list", tenant="acme")["items"][0]["tenant"], "acme")
        unknown = "1zzzzzzzzzzz"
        for method in ("get", "disable", "enable", "revoke", "update", "delete", "restore"):
            with self.subTest(method):
                said = {str(self.assert_error("not_found", by, f"keys.{method}", id=id))
                        for id in (other, unknown)}
                self.assertEqual(len(said), 1, said)
        for method in ("get", "disable", "update", "delete"):
            for id in ("uma", "dora", "nobody"):
                self.assert_error("not_found", by, f"principals.{method}", id=id)
        for params in ({"tenant": "umbra"}, {"tenant": "default"}, {"tenant": "nowhere"}):
            said = str(self.assert_error("not_found", by, "keys.list", **params))
            self.assertIn("there is no such tenant", said)
        self.assert_error("not_found", by, "keys.create", principal="uma")
        made = by("keys.create", principal="alice")
        self.assertEqual(made["tenant"], "acme")
        # Another tenant's cursor is refused.
        cursor = by("keys.list", limit=1)["cursor"]
        self.assert_error("invalid_request", self.c.call, "keys.list", limit=1, cursor=cursor)
        self.assert_error(
            "invalid_request", self.c.call, "keys.list", token=umbra, limit=1, cursor=cursor)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""key audit: keys with findings, and narrower scopes that would be enough."""

import json
import time
import unittest

import harness
import people


class Auditing(people.PeopleTest):
    def remember(self):
        """Restarts the daemon, which saves the uses of keys when it ends."""
        self.d.stop()
        self.d.start()
        self.c = self.d.client()

    def audit(self, **params):
        return {item["id"]: item for item in self.c.call("keys.audit", **params)["items"]}

    def test_findings_by_time_and_use(self):
        self.alice()
        now = int(time.time())
        never, _ = self.key(expires_in="365d")
        endless, secret = self.key(scopes=["loans:read"])
        soon, other = self.key(expires_in="2d", scopes=["loans:read"])
        gone, _ = self.key()
        self.c.call("keys.revoke", id=gone)
        deleted, _ = self.key()
        self.c.call("keys.delete", id=deleted)
        for used in (secret, other):
            for method, path in (("GET", "/loans"), ("GET", "/loans/7"),
                                 ("GET", "/loans/7/payments")):
                self.assert_reason("ok", self.ask(used, method, path))
        self.remember()
        found = self.audit()
        self.assertEqual({id: item["findings"] for id, item in found.items()},
                         {never: ["never_used"], endless: ["no_expiry"], soon: ["expiring"]})
        self.assertNotIn("used", found[never])
        self.assertEqual((found[soon]["used"], found[soon]["granted"], found[soon]["unused"]),
                         (3, 3, []))
        self.assertAlmostEqual(found[soon]["last_used_at"], now, delta=60)
        self.assertNotIn(soon, self.audit(expiring="1d"))
        self.assertEqual(self.audit(principal="nobody"), {})
        self.assertEqual(self.audit(label="none"), {})

    def test_idle_is_counted_from_the_last_use(self):
        self.alice()
        id, secret = self.key(expires_in="365d", scopes=["loans:read"])
        for path in ("/loans", "/loans/7", "/loans/7/payments"):
            self.ask(secret, "GET", path)
        self.remember()
        self.assertEqual(self.audit(), {})
        found = harness.wait_until(lambda: self.audit(idle=1), what="idleness")
        self.assertEqual(found[id]["findings"], ["idle"])

    def found_by_schedule(self, most):
        """What is found, once the first rotation is due, where it must be made within `most`."""
        self.d.replace("a.policy", people.POLICY + "limits { rotation_overlap 1s\n"
                       f"rotation_max_overlap {most} }}\n")
        self.c.call("policy.reload")
        self.alice()
        id, _ = self.key(rotate_every="1s", expires_in="365d")
        found = harness.wait_until(
            lambda: {"due", "overdue"} & set(self.audit()[id]["findings"]), what="a rotation")
        return sorted(found)

    def test_a_rotation_that_can_still_be_made_is_due(self):
        self.assertEqual(self.found_by_schedule("2d"), ["due"])

    def test_a_rotation_that_was_not_made_in_time_is_overdue(self):
        self.found_by_schedule("1s")
        found = harness.wait_until(
            lambda: [item["findings"] for item in self.audit().values()
                     if "overdue" in item["findings"]], what="the end of the schedule")
        self.assertNotIn("due", found[0])

    def test_the_scopes_that_would_have_done(self):
        self.alice("clerk")
        wide, secret = self.key(principal="alice", scopes=["loans:write"], expires_in="365d")
        both, second = self.key(principal="alice", scopes=["loans:read", "loans:write"],
                                expires_in="365d")
        plain, third = self.key(expires_in="365d")
        for used in (secret, second, third):
            self.assert_reason("ok", self.ask(used, "GET", "/loans/7"))
            self.assert_reason("role", self.ask(used, "DELETE", "/loans/7"))
            self.assert_reason("ok", self.ask(used, "GET", "/health"))
        self.remember()
        found = self.audit()
        for id in (wide, both, plain):
            item = found[id]
            self.assertEqual(item["findings"], ["unused_permissions"])
            self.assertEqual((item["used"], item["granted"]), (1, 4), item)
            self.assertEqual(item["narrower"], ["loans:read"])
            self.assertEqual(sorted(item["unused"]), ["api:/loans create", "api:/loans list",
                                                      "api:/loans/{loan}/payments list"])

    def test_scopes_of_which_nothing_was_used_are_named(self):
        self.d.replace("a.policy", self.policy +
                       "scope pay { allow list on api:/loans/*/payments }\n"
                       "scope see { allow GET on api:/loans/* }\n")
        self.assertEqual(self.d.tool("reload").returncode, 0)
        self.alice("clerk")
        id, secret = self.key(scopes=["pay", "see"], expires_in="365d")
        self.assert_reason("ok", self.ask(secret, "GET", "/loans/7"))
        self.remember()
        item = self.audit()[id]
        self.assertEqual((item["unused_scopes"], item["narrower"]), (["pay"], ["see"]))

    def test_uses_outlive_a_reload_and_a_restart(self):
        self.alice()
        id, secret = self.key(scopes=["loans:read"], expires_in="365d")
        self.ask(secret, "GET", "/loans/7")
        self.d.replace("a.policy", "tree other { /x { GET } }\n" + self.policy)
        self.assertEqual(self.d.tool("reload").returncode, 0)
        self.ask(secret, "GET", "/loans")
        self.remember()
        self.ask(secret, "GET", "/loans/8/payments")
        self.remember()
        self.assertEqual(self.audit(), {})

    def one(self, id, **params):
        """The one item of an answer about one key."""
        answer = self.c.call("keys.audit", key=id, **params)
        self.assertEqual((len(answer["items"]), "cursor" in answer), (1, False))
        return answer["items"][0]

    def test_one_key_is_shown_with_what_it_used_and_did_not(self):
        self.alice("clerk")
        id, secret = self.key(scopes=["loans:read"], expires_in="365d")
        item = self.one(id)
        self.assertEqual((item["findings"], item["used"], item["granted"], item["used_permissions"]),
                         (["never_used"], 0, 3, []))
        self.assertEqual(item["unused"], ["api:/loans list", "api:/loans/{loan} read",
                                          "api:/loans/{loan}/payments list"])
        self.assert_reason("ok", self.ask(secret, "GET", "/loans"))
        self.assert_reason("ok", self.ask(secret, "GET", "/loans/7"))
        self.assert_reason("scope", self.ask(secret, "DELETE", "/loans/7"))
        self.remember()
        item = self.one(id)
        self.assertEqual((item["findings"], item["used"], item["granted"]), (["unused_permissions"], 2, 3))
        self.assertEqual(item["used_permissions"], ["api:/loans list", "api:/loans/{loan} read"])
        self.assertEqual(item["unused"], ["api:/loans/{loan}/payments list"])
        listed = self.audit()[id]
        self.assertEqual({**item, "used_permissions": 0}, {**listed, "used_permissions": 0})
        self.assertNotIn("used_permissions", listed)

    def test_one_key_is_shown_without_a_finding_and_when_it_has_ended(self):
        self.alice()
        id, secret = self.key(scopes=["loans:read"], expires_in="365d")
        for path in ("/loans", "/loans/7", "/loans/7/payments"):
            self.assert_reason("ok", self.ask(secret, "GET", path))
        self.remember()
        self.assertEqual(self.audit(), {})
        item = self.one(id)
        self.assertEqual((item["findings"], item["unused"], len(item["used_permissions"])), ([], [], 3))
        self.assertEqual(self.one(id, expiring="3650d")["findings"], ["expiring"])
        self.c.call("keys.revoke", id=id)
        item = self.one(id)
        self.assertEqual((item["status"], item["findings"]), ("revoked", []))
        self.c.call("keys.delete", id=id)
        self.assert_error("not_found", self.c.call, "keys.audit", key=id)

    def test_up_to_1000_unused_permissions_of_one_key_are_named(self):
        paths = "".join(f"/r{i} {{ GET }}\n" for i in range(1100))
        self.d.replace("b.policy", f"tree wide {{\n{paths}}}\nrole wide {{ allow GET on wide:/* }}\n")
        self.assertEqual(self.d.tool("reload").returncode, 0)
        id, secret = self.key(roles=["wide"])
        self.assertTrue(self.ask(secret, "GET", "/r7", tree="wide")["allow"])
        self.remember()
        self.assertEqual(len(self.audit()[id]["unused"]), 100)
        item = self.one(id)
        self.assertEqual((len(item["unused"]), item["granted"], item["used"]), (1000, 1100, 1))

    def test_which_permissions_a_key_used_is_known_up_to_256(self):
        paths = "".join(f"/r{i} {{ GET }}\n" for i in range(300))
        self.d.replace("b.policy", f"tree wide {{\n{paths}}}\nrole wide {{ allow GET on wide:/* }}\n")
        self.assertEqual(self.d.tool("reload").returncode, 0)
        id, secret = self.key(roles=["wide"])
        for i in range(300):
            self.assertTrue(self.ask(secret, "GET", f"/r{i}", tree="wide")["allow"])
        self.remember()
        item = self.one(id)
        self.assertEqual(len(item["used_permissions"]), 256)
        self.assertEqual({"unused", "used", "granted"} & set(item), set())

    def test_what_is_refused_of_one_key(self):
        self.alice()
        id, _ = self.key()
        for params in ({"tenant": "default"}, {"principal": "alice"}, {"label": "x"}):
            error = self.assert_error("invalid_request", self.c.call, "keys.audit", key=id, **params)
            self.assertEqual(error.error["param"], "key")
        self.assert_error("invalid_request", self.c.call, "keys.audit", key=7)
        self.assert_error("not_found", self.c.call, "keys.audit", key="")
        self.assert_error("not_found", self.c.call, "keys.audit", key="1zzzzzzzzzzz")

    def test_a_token_sees_one_key_of_its_own_tenant_alone(self):
        self.d.replace("b.policy", "role boss { allow all on authz:/** }\n")
        self.assertEqual(self.d.tool("reload").returncode, 0)
        self.c.call("tenants.create", id="acme")
        self.alice()
        other, _ = self.key()
        _, boss = self.key(roles=["boss"], tenant="acme")
        own, _ = self.key(roles=["viewer"], tenant="acme")
        _, plain = self.key(roles=["viewer"], tenant="acme")
        self.assertEqual(self.one(own, token=boss)["tenant"], "acme")
        self.assert_error("not_found", self.c.call, "keys.audit", key=other, token=boss)
        self.assert_error("forbidden", self.c.call, "keys.audit", key=own, token=plain)
        self.assert_error("forbidden", self.c.call, "keys.audit", key=other, token=plain)

    def test_the_tool(self):
        self.alice()
        self.assertEqual(self.d.tool("key", "audit").returncode, 0)
        id, _ = self.key(name="laptop")
        done = self.d.tool("key", "audit", "--idle", "30d")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("never used, no expiry", done.stdout)
        document = json.loads(self.d.tool("key", "audit", "--json").stdout)
        self.assertEqual(document["items"][0]["id"], id)
        self.assertEqual(self.d.tool("key", "audit", "--idle", "soon").returncode, 2)

    def test_the_tool_about_one_key(self):
        self.alice()
        id, secret = self.key(name="laptop", scopes=["loans:read"], expires_in="365d")
        done = self.d.tool("key", "audit", "--key", id)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("never used", done.stdout)
        self.assertIn("\nnot used\n  api:/loans list\n", done.stdout)
        self.assertNotIn("\nused\n", done.stdout)
        for path in ("/loans", "/loans/7", "/loans/7/payments"):
            self.ask(secret, "GET", path)
        self.remember()
        done = self.d.tool("key", "audit", "--key", id)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\nused\n  api:/loans list\n", done.stdout)
        self.assertNotIn("not used", done.stdout)
        document = json.loads(self.d.tool("key", "audit", "--json", "--key", id).stdout)
        self.assertEqual(len(document["items"][0]["used_permissions"]), 3)
        for words, status, said in ((["--columns", "key"], 2, "leave it out, or --key"),
                                    (["--label", "x"], 2, "leave out tenant, principal and label")):
            done = self.d.tool("key", "audit", "--key", id, *words)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(said, done.stderr)
        self.assertIn("no such key", self.d.tool("key", "audit", "--key", "1zzzzzzzzzzz").stderr)

    def test_strangers_learn_nothing(self):
        self.assert_error("forbidden", self.stranger().call, "keys.audit")
        self.assert_error("forbidden", self.stranger().call, "keys.audit", key="1zzzzzzzzzzz")


if __name__ == "__main__":
    unittest.main()

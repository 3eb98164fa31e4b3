# SPDX-License-Identifier: Apache-2.0
"""Roles that every principal, or every caller, of a tenant holds at places."""

import json
import os
import random
import subprocess
import unittest

import everyone
import harness

EDIT = os.environ.get("STORE_EDIT", str(harness.ROOT / "build" / "tests" / "e2e" / "store_edit"))

class Held(everyone.EveryoneTest):
    def test_a_role_of_everyone_is_held_by_each_principal_at_its_places_alone(self):
        self.alice("clerk")
        self.c.call("principals.create", id="bob")
        made = self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.assertEqual((made["everyone"], made["role"], made["at"]), (True, "putter", ["api:/loans/7"]))
        self.assertNotIn("principal", made)
        for principal in "alice", "bob", "billing":
            self.assertTrue(self.by_name(principal, "/loans/7", "PUT"), principal)
            self.assertTrue(self.by_name(principal, "/loans/7", "PUT"), principal)
            self.assertFalse(self.by_name(principal, "/loans/8", "PUT"), principal)
        self.assertFalse(self.by_name("nobody", "/loans/7", "PUT"))
        self.assertFalse(self.without_token("/loans/7", "PUT"))

    def test_without_a_place_it_is_held_everywhere(self):
        self.alice("clerk")
        self.c.call("assignments.create", everyone=True, role="putter")
        self.assertTrue(self.by_name("alice", "/loans/8", "PUT"))

    def test_keys_of_no_principal_do_not_hold_it_and_scopes_and_places_narrow_it(self):
        self.alice("clerk")
        narrowed = self.key(scopes=["loans:read"])[1]
        elsewhere = self.key(at=["api:/loans/8"])[1]
        plain, roles, scopes = (self.key(**params)[1] for params in (
            {}, {"roles": ["clerk"]}, {"scopes": ["loans:read"]}))
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.assertTrue(self.by_token(plain, "/loans/7", "PUT"))
        for secret in narrowed, elsewhere, roles, scopes:
            self.assertFalse(self.by_token(secret, "/loans/7", "PUT"))

    def test_a_role_of_anyone_is_held_with_any_token_and_without_one(self):
        self.alice("clerk")
        narrowed, roles = self.key(scopes=["loans:read"])[1], self.key(roles=["clerk"])[1]
        self.assertFalse(self.without_token("/loans/7"))
        made = self.c.call("assignments.create", anyone=True, role="putter", at=["api:/loans/7"])
        self.assertEqual((made["anyone"], made["role"]), (True, "putter"))
        self.assertTrue(self.without_token("/loans/7", "PUT"))
        self.assertFalse(self.without_token("/loans/8", "PUT"))
        for secret in narrowed, roles:
            self.assertTrue(self.by_token(secret, "/loans/7", "PUT"))
            self.assertFalse(self.by_token(secret, "/loans/8", "PUT"))
        self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
        # A stack that lets nobody in without a token still does not.
        answer = self.c.call("authorize", method="PUT", path="/loans/7")
        self.assert_reason("missing_token", answer)

    def test_a_role_of_all_denies_too(self):
        self.alice("viewer")
        self.c.call("assignments.create", everyone=True, role="blocked", at=["api:/loans/7"])
        self.assertFalse(self.by_name("alice", "/loans/7"))
        self.assertTrue(self.by_name("alice", "/loans/8"))
        self.c.call("assignments.delete", everyone=True, role="blocked")
        self.assertTrue(self.by_name("alice", "/loans/7"))

    def test_a_tenant_has_its_own(self):
        self.alice("clerk")
        self.c.call("tenants.create", id="acme")
        self.c.call("principals.create", id="carol", tenant="acme")
        for holder in "everyone", "anyone":
            self.c.call("assignments.create", **{holder: True}, role="putter", at=["api:/loans/7"],
                        tenant="acme")
        self.assertTrue(self.by_name("carol", "/loans/7", "PUT", tenant="acme"))
        self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))
        self.assertFalse(self.without_token("/loans/7", "PUT"))
        self.assertTrue(self.without_token("/loans/7", "PUT", tenant="acme"))
        # A service of any tenant does not know whose caller it is, nor is one of a tenant that is not there.
        self.assertFalse(self.without_token("/loans/7", "PUT", tenant="*"))
        self.assertFalse(self.without_token("/loans/7", "PUT", tenant="none"))
        self.c.call("tenants.disable", id="acme")
        self.assertFalse(self.without_token("/loans/7", "PUT", tenant="acme"))

    def test_the_records_that_stand_for_all_are_no_principals(self):
        self.c.call("assignments.create", everyone=True, role="reader", at=["api:/loans/7"])
        self.c.call("assignments.create", anyone=True, role="reader", at=["api:/loans/7"])
        for name in "every principal", "every caller":
            answer = self.c.call("authorize", principal=name, method="GET", path="/loans/7")
            self.assert_reason("unknown_principal", answer)
            self.assert_error("not_found", self.c.call, "principals.get", id=name)
            self.assert_error("not_found", self.c.call, "principals.delete", id=name)
            self.assert_error("not_found", self.c.call, "assignments.list", principal=name)
            self.assert_error("invalid_request", self.c.call, "principals.create", id=name)
            self.assert_error("not_found", self.c.call, "keys.create", principal=name)
        self.assertEqual([one["id"] for one in self.c.call("principals.list")["items"]], ["billing"])
        self.assertEqual(self.c.call("status")["store"]["principals"], 0)


@unittest.skipUnless(os.geteuid() == 0, "the policy names root")
class Peer(everyone.EveryoneTest):
    """A principal that the kernel's peer is."""

    policy = everyone.POLICY + """
principal here { peer user root
    role viewer at api:/loans/9 }
stack own {
    authenticate required peer
    authorize required role
}
stack either {
    authenticate sufficient key anonymous=allow
    authorize sufficient role
    authorize sufficient scope
    authorize required deny
}
"""

    def test_it_holds_what_all_do_where_the_stack_asks_for_it(self):
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.c.call("assignments.create", anyone=True, role="reader", at=["api:/loans/8"])
        for service, path, method, allowed in (
                ("own", "/loans/9", "GET", True), ("own", "/loans/7", "PUT", True), ("own", "/loans/8", "GET", True),
                ("own", "/loans/8", "PUT", False), ("either", "/loans/8", "GET", True),
                # Without the module the same peer is a caller without a principal.
                ("either", "/loans/7", "PUT", False), ("either", "/loans/9", "GET", False)):
            answer = self.c.call("authorize", service=service, method=method, path=path)
            self.assertEqual(answer["allow"], allowed, (service, method, path, answer))
        # Of any tenant: it is one of `default`, and whose callers there are nobody knows.
        for path, method, allowed in ("/loans/7", "PUT", True), ("/loans/8", "GET", False):
            answer = self.c.call("authorize", service="own", method=method, path=path, tenant="*")
            self.assertEqual(answer["allow"], allowed, answer)


class Changed(everyone.EveryoneTest):
    def test_an_end_and_a_new_start_are_seen_at_once(self):
        self.alice("clerk")
        secret = self.key()[1]
        for _ in range(20):
            self.c.call("assignments.create", everyone=True, role="putter")
            self.assertTrue(self.by_token(secret, "/loans/7", "PUT"))
            self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
            self.c.call("assignments.delete", everyone=True, role="putter")
            self.assertFalse(self.by_token(secret, "/loans/7", "PUT"))
            self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))

    def test_every_worker_sees_it_at_once(self):
        self.alice("clerk")
        secret = self.key()[1]
        others = [self.d.client() for _ in range(6)]
        asks = [{"token": secret, "method": "PUT", "path": "/loans/7"},
                {"principal": "billing", "method": "PUT", "path": "/loans/7"},
                {"service": "open", "method": "GET", "path": "/loans/7"}]
        at = ["api:/loans/7"]
        for number in range(15):
            everyone = {"everyone": True, "role": "putter", "at": at}
            anyone = {"anyone": True, "role": "reader", "at": at}
            for given in everyone, anyone:
                self.c.call("assignments.create", **given)
            for client in others:
                self.assertEqual([client.call("authorize", **ask)["allow"] for ask in asks], [True] * 3, number)
            # Another change in between, which others may have in their view or not.
            self.c.call("principals.update", id="alice", name=f"Alice {number}")
            for given in everyone, anyone:
                self.c.call("assignments.delete", **given)
            for client in others:
                self.assertEqual([client.call("authorize", **ask)["allow"] for ask in asks], [False] * 3, number)

    def test_what_is_wrong_is_refused(self):
        self.alice()
        create = lambda **params: self.c.call("assignments.create", **params)
        self.assert_error("invalid_request", create, role="reader")
        self.assert_error("invalid_request", create, everyone=False, role="reader")
        self.assert_error("invalid_request", create, everyone=True, anyone=True, role="reader",
                          at=["api:/loans"])
        self.assert_error("invalid_request", create, principal="alice", everyone=True, role="reader")
        self.assert_error("invalid_request", create, anyone=True, role="reader")
        self.assert_error("invalid_request", create, everyone=True, role="anyone")
        self.assert_error("invalid_request", create, everyone=True, role="reader", at=["api:/none/7"])
        self.assert_error("invalid_request", create, everyone=True, role="reader", until=1)
        create(everyone=True, role="reader", at=["api:/loans/7"])
        self.assert_error("conflict", create, everyone=True, role="reader", at=["api:/loans/7"])
        self.assert_error("not_found", self.c.call, "assignments.delete", everyone=True, role="putter")
        self.assert_error("not_found", self.c.call, "assignments.delete", anyone=True, role="reader")
        self.assert_error("not_found", self.c.call, "assignments.delete", everyone=True, role="reader",
                          at=["api:/loans/8"])

    def test_a_member_of_an_exclusive_set_is_never_for_all(self):
        self.c.call("roles.create", name="made", inherits=["clerk"])
        for role in "clerk", "auditor", "made":
            for holder in "everyone", "anyone":
                self.assert_error("conflict", self.c.call, "assignments.create", **{holder: True}, role=role,
                                  at=["api:/loans"])
        # Nor does a role become one while all hold it.
        self.c.call("roles.create", name="plain", inherits=["reader"])
        self.c.call("assignments.create", everyone=True, role="plain", at=["api:/loans"])
        self.assert_error("conflict", self.c.call, "roles.update", name="plain", inherits=["clerk"])
        self.c.call("assignments.delete", everyone=True, role="plain")
        self.c.call("roles.update", name="plain", inherits=["clerk"])

    def test_a_role_that_became_exclusive_keeps_others_from_its_opposite(self):
        self.alice("reader")
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.d.replace("a.policy", self.policy + "exclusive putter, blocked\n")
        answer = self.c.call("policy.reload")
        self.assertIn({"everyone": "every principal", "exclusive_member": "putter"}, answer["dangling"]["items"])
        self.assert_error("conflict", self.c.call, "assignments.create", principal="alice", role="blocked")

    def test_a_role_of_the_store_is_held_by_its_number(self):
        self.alice("clerk")
        make = lambda: self.c.call("roles.create", name="made", grants=["allow update on api:/loans/{loan}"])
        make()
        self.c.call("assignments.create", everyone=True, role="made", at=["api:/loans/7"])
        self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
        self.c.call("roles.update", name="made", grants=["allow read on api:/loans/{loan}"])
        self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))
        self.c.call("roles.update", name="made", grants=["allow update on api:/loans/{loan}"])
        self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
        self.c.call("roles.delete", name="made")
        self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))
        make()
        self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))
        self.assertEqual(self.c.call("assignments.list", everyone=True)["items"][0]["dangling"], ["made"])
        # One that a policy shadows allows nothing.
        self.c.call("assignments.delete", everyone=True, role="made")
        self.c.call("assignments.create", everyone=True, role="made", at=["api:/loans/7"])
        self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
        self.d.replace("a.policy", self.policy + "role made { allow update on api:/loans/{loan} }\n")
        self.c.call("policy.reload")
        self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))
        self.assertTrue(self.c.call("assignments.list", everyone=True)["items"][0]["shadowed"])

    def test_all_together_have_512_places(self):
        self.alice("clerk")
        for i in range(8):
            self.c.call("assignments.create", everyone=True, role="putter",
                        at=[f"api:/loans/{i}-{k}" for k in range(64)])
        self.assert_error("limit_reached", self.c.call, "assignments.create", everyone=True, role="putter",
                          at=["api:/loans/x"])
        self.assertTrue(self.by_name("alice", "/loans/7-63", "PUT"))
        self.assertFalse(self.by_name("alice", "/loans/x", "PUT"))

    def test_there_is_a_limit(self):
        places = [[f"api:/loans/{i}"] for i in range(64)]
        for at in places:
            self.c.call("assignments.create", anyone=True, role="reader", at=at)
        self.assert_error("limit_reached", self.c.call, "assignments.create", anyone=True, role="reader",
                          at=["api:/loans/x"])
        self.assertTrue(self.without_token("/loans/63"))
        self.assertFalse(self.without_token("/loans/64"))
        items, _ = self.c.pages("assignments.list", anyone=True, limit=10)
        self.assertEqual(sorted(one["at"] for one in items), sorted(places))

    def test_grants_survive_a_kill(self):
        self.alice("clerk")
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        for holder, path in ("everyone", "/loans/7"), ("anyone", "/loans/8"):
            self.c.call("assignments.create", **{holder: True}, role="reader", at=["api:" + path])
            self.d.kill()
            self.d.start()
            self.c = self.d.client()
            self.assertTrue(self.by_name("alice", path))
        self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
        self.assertTrue(self.without_token("/loans/8"))
        self.c.call("assignments.delete", everyone=True, role="putter")
        self.d.kill()
        self.d.start()
        self.c = self.d.client()
        self.assertFalse(self.by_name("alice", "/loans/7", "PUT"))
        self.assertEqual(self.c.call("audit.verify")["items"], [])


class Listed(everyone.EveryoneTest):
    def test_lists_of_a_role_begin_with_those_that_all_hold(self):
        self.alice("reader")
        self.c.call("assignments.create", everyone=True, role="reader", at=["api:/loans/7"])
        self.c.call("assignments.create", anyone=True, role="reader", at=["api:/loans/8"])
        self.c.call("assignments.create", anyone=True, role="putter", at=["api:/loans/9"])
        items, _ = self.c.pages("assignments.list", role="reader", limit=1)
        self.assertEqual([(one.get("everyone"), one.get("anyone"), one.get("principal")) for one in items],
                         [(True, None, None), (None, True, None), (None, None, "alice")])
        self.assertEqual(len(self.c.call("assignments.list", anyone=True)["items"]), 2)
        self.assertEqual(len(self.c.call("assignments.list", anyone=True, role="putter")["items"]), 1)
        self.assertEqual(len(self.c.call("assignments.list", principal="alice")["items"]), 1)

    def test_who_and_holders_name_all_as_one(self):
        self.alice("viewer")
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.c.call("assignments.create", anyone=True, role="reader", at=["api:/loans/8"])
        items = self.c.call("who", action="update", resource="api:/loans/7", kind="principal")["items"]
        self.assertEqual([one.get("id") for one in items], [None, "alice", "billing"])
        self.assertEqual(items[0], {"kind": "everyone", "through": [
            {"role": "putter", "at": ["api:/loans/7"], "holder": "everyone"}]})
        self.assertEqual(items[1]["through"], items[0]["through"])
        items = self.c.call("who", action="read", resource="api:/loans/8", kind="principal")["items"]
        self.assertEqual([one["kind"] for one in items], ["anyone", "principal", "principal"])
        self.assertEqual(self.c.call("who", action="update", resource="api:/loans/8", kind="principal")["items"],
                         [])
        holders = self.c.call("roles.holders", name="putter", kind="principal")["items"]
        self.assertEqual(holders, [{"kind": "everyone", "status": "active", "through": [
            {"role": "putter", "at": ["api:/loans/7"], "holder": "everyone"}]}])

    def test_an_explanation_says_through_what_it_is_held(self):
        self.alice("viewer")
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.c.call("assignments.create", anyone=True, role="reader", at=["api:/loans/8"])
        told = self.c.call("authorize", principal="alice", method="PUT", path="/loans/7", explain=True)
        rule = told["explain"]["rules"][0]
        self.assertEqual((rule["role"], rule["at"], rule["holder"]), (["putter"], ["api:/loans/7"], "everyone"))
        told = self.c.call("authorize", service="open", method="GET", path="/loans/8", explain=True)
        self.assertEqual(told["explain"]["rules"][0]["holder"], "anyone")
        told = self.c.call("authorize", principal="alice", method="GET", path="/loans/7", explain=True)
        self.assertNotIn("holder", told["explain"]["rules"][0])

    def test_the_trail_has_each_change(self):
        self.c.call("assignments.create", everyone=True, role="reader", at=["api:/loans/7"])
        self.c.call("assignments.delete", everyone=True, role="reader")
        items = [one for one in self.c.call("audit.list")["items"] if one["action"].startswith("assignments.")]
        self.assertEqual([(one["action"], one["target"]) for one in items],
                         [("assignments.create", "every principal"), ("assignments.delete", "every principal")])
        self.assertIn("reader at api:/loans/7", json.dumps(items))
        self.assertEqual(self.c.call("audit.verify")["items"], [])

    def test_roles_that_are_gone_are_listed_as_dangling(self):
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        self.d.replace("a.policy", self.policy.replace("role putter", "role other"))
        answer = self.c.call("policy.reload")
        self.assertIn({"everyone": "every principal", "role": "putter"}, answer["dangling"]["items"])
        self.assertFalse(self.by_name("billing", "/loans/7", "PUT"))
        self.assertIn("dangling", self.c.call("assignments.list", everyone=True)["items"][0])

    def test_a_copy_of_the_store_has_them(self):
        self.alice()
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        copy = self.d.folder / "copy"
        done = self.d.tool("store", "backup", str(copy))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.d.stop()
        (self.d.state / "store.mdb").unlink()
        for words in ("restore", str(copy)), ("verify",):
            done = harness.run_tool("store", *words, "--state", self.d.state, home=self.d.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.d.start()
        self.c = self.d.client()
        self.assertTrue(self.by_name("alice", "/loans/7", "PUT"))
        self.assertEqual(self.c.call("audit.verify")["items"], [])


class Altered(everyone.EveryoneTest):
    """Of a record that was altered nobody knows what it denied."""

    def alter(self):
        """Flips a bit of what every principal holds, in the file of a stopped daemon."""
        self.d.stop()
        file = str(self.d.state / "store.mdb")
        listed = subprocess.run([EDIT, file, "list", "principals"], capture_output=True, text=True, check=True)
        name = b"every principal".hex()
        [line] = [line.split() for line in listed.stdout.splitlines() if name in line.split()[0]]
        value = bytearray.fromhex(line[1])
        value[-1] ^= 1
        subprocess.run([EDIT, file, "put", "principals", line[0], value.hex()], check=True)
        self.d.start()
        self.c = self.d.client()

    def test_nothing_is_decided_until_it_is_deleted(self):
        self.alice("viewer")
        secret = self.key()[1]
        self.c.call("assignments.create", everyone=True, role="blocked", at=["api:/loans/7"])
        self.alter()
        for who in {"principal": "alice"}, {"token": secret}:
            self.assert_error("internal", self.c.call, "authorize", **who, method="GET", path="/loans/8")
        self.assert_error("internal", self.c.call, "who", action="read", resource="api:/loans/8")
        self.assert_error("conflict", self.c.call, "assignments.create", everyone=True, role="reader")
        self.assertIn("every principal", json.dumps(self.c.call("audit.verify")["items"]))
        self.assertEqual(self.c.call("assignments.list", everyone=True)["items"], [])
        self.assertEqual(self.c.call("assignments.delete", everyone=True, role="any")["items"], [])
        self.assertTrue(self.by_name("alice", "/loans/8"))
        self.assertTrue(self.by_token(secret, "/loans/7"))
        self.assertEqual(self.c.call("audit.verify")["items"], [])


class Gain(everyone.EveryoneTest):
    """A manager who gives to all must have what it gives, there and for as long: it is one of them."""

    def manager(self, *roles, **key):
        self.alice("managing")
        for role in roles:
            self.c.call("assignments.create", principal="alice", **role)
        return self.key(**key)[1]

    def give(self, secret, holder, **params):
        return self.c.call("assignments.create", token=secret, **{holder: True}, **params)

    def test_only_what_the_caller_has_can_be_given(self):
        until = 4000000000
        secret = self.manager({"role": "reader"}, {"role": "putter", "at": ["api:/loans/7"], "until": until})
        for holder in "everyone", "anyone":
            for wrong in ({"role": "viewer"}, {"role": "putter"}, {"role": "putter", "at": ["api:/loans/8"]},
                          {"role": "putter", "at": ["api:/loans/7"]},
                          {"role": "putter", "at": ["api:/loans/7"], "until": until + 1}):
                if holder == "anyone":
                    wrong.setdefault("at", ["api:/loans"])
                self.assert_error("forbidden", self.give, secret, holder, **wrong)
            self.give(secret, holder, role="reader", at=["api:/loans/9"])
            self.give(secret, holder, role="putter", at=["api:/loans/7"], until=until)

    def test_a_narrowed_key_gives_no_more_than_it_has(self):
        self.d.write("b.policy", "scope manage { allow all on authz:/assignments }\n")
        self.c.call("policy.reload")
        secret = self.manager({"role": "reader"}, scopes=["manage"])
        self.assert_error("forbidden", self.give, secret, "everyone", role="reader", at=["api:/loans/7"])

    def test_to_hand_out_is_not_to_have(self):
        self.d.write("b.policy", "role giver { allow grant on authz:/grants/roles/{role} }\n")
        self.c.call("policy.reload")
        secret = self.manager({"role": "giver"})
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", token=secret, principal="bob", role="reader")
        self.assert_error("forbidden", self.give, secret, "everyone", role="reader", at=["api:/loans/7"])

    def test_a_denial_of_all_is_not_lifted_by_one_of_them(self):
        self.c.call("assignments.create", everyone=True, role="blocked", at=["api:/loans/7"])
        secret = self.manager({"role": "viewer"}, {"role": "putter"})
        self.assert_error("forbidden", self.c.call, "assignments.delete", token=secret, everyone=True,
                          role="blocked")
        self.give(secret, "everyone", role="reader", at=["api:/loans/8"])
        self.c.call("assignments.delete", token=secret, everyone=True, role="reader")

    def test_who_issues_a_key_gives_what_all_hold_too(self):
        self.alice("managing")
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", everyone=True, role="putter", at=["api:/loans/7"])
        of_roles = self.key(roles=["managing"])[1]
        self.assert_error("forbidden", self.c.call, "keys.create", token=of_roles, principal="bob")
        self.c.call("keys.create", token=self.key()[1], principal="bob")


class Agreement(everyone.EveryoneTest):
    """Decisions, lists of permissions and who are of one mind, whatever is held by whom."""

    def test_a_random_world(self):
        dice = random.Random(int(os.environ.get("AUTHZ_TEST_SEED", "7")))
        names = ["alice", "bob", "billing"]
        self.alice("viewer")
        self.c.call("principals.create", id="bob")
        held = []
        for _ in range(12):
            self.change(dice, held, names)
            self.compare(names, held)

    def change(self, dice, held, names):
        if held and dice.random() < 0.4:
            self.c.call("assignments.delete", **held.pop(dice.randrange(len(held))))
            return
        holder = dice.choice([{"everyone": True}, {"anyone": True}, {"principal": dice.choice(names[:2])}])
        given = {**holder, "role": dice.choice(["reader", "putter", "blocked"]),
                 "at": [f"api:/loans/{dice.choice('789')}"]}
        if given not in held:
            self.c.call("assignments.create", **given)
            held.append(given)

    # What each role says, written by hand.
    SAYS = {"reader": {"GET"}, "putter": {"PUT"}, "blocked": set()}

    def expected(self, name, method, loan, held):
        mine = [one for one in held if one["at"] == [f"api:/loans/{loan}"]
                and (one.get("principal", "") == name or "everyone" in one and name or "anyone" in one)]
        own = (name == "alice" or name == "billing" and loan == "7") and method == "GET"
        return not any(one["role"] == "blocked" for one in mine) and (
            own or any(method in self.SAYS[one["role"]] for one in mine))

    def compare(self, names, held):
        for loan in "789":
            for method in "GET", "PUT":
                page = self.c.call("who", method=method, path=f"/loans/{loan}", kind="principal")
                may = [one["id"] for one in page["items"] if one["kind"] == "principal"]
                for name in names:
                    expected = self.expected(name, method, loan, held)
                    self.assertEqual(self.by_name(name, f"/loans/{loan}", method), expected,
                                     (name, method, loan, held))
                    self.assertEqual(name in may, expected, (name, method, loan, held))
                    items = self.c.call("permissions", principal=name, at=f"api:/loans/{loan}")["items"]
                    listed = [one["actions"] for one in items if one["resource"] == f"api:/loans/{loan}"]
                    action = {"GET": "read", "PUT": "update"}[method]
                    self.assertEqual(bool(listed) and action in listed[-1], expected,
                                     (name, method, loan, held, items))
                self.assertEqual(self.without_token(f"/loans/{loan}", method),
                                 self.expected(None, method, loan, held), (method, loan, held))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""whoami: what it says a caller may do, the caller may do, and nothing else."""

import os
import random
import re
import unittest

import harness
import people
import test_actor_table as table

ROLES = """
role creator { allow create on authz:/** }
role lister { allow list on authz:/**
    deny list on authz:/roles }
role deleter { allow delete on authz:/keys/{key}, authz:/principals/{principal}, authz:/assignments
    allow read on authz:/audit }
role granter { allow grant on authz:/grants/** }
role hushed { deny read on authz:/keys/{key}, authz:/principals/{principal} }
"""
SOME = ("boss", "reader", "keeper", "creator", "lister", "deleter", "granter", "hushed", "empty")

# In seconds, where the policy says nothing.
LIMITS = {"rotation_overlap": 86400, "rotation_max_overlap": 30 * 86400}


def rights(said):
    return {item["resource"]: set(item["actions"]) for item in said["items"]}


def may(allowed, node, action, ids):
    """By what whoami says. `ids`: of the record that a node with * is about."""
    if not node.endswith("*"):
        return action in allowed.get("authz:" + node, ())
    noun = node[:-1].rstrip("/")
    own = f"authz:{noun}/{ids[noun.strip('/')]}"
    if own in allowed:
        return action in allowed[own]
    general = [name for name in allowed if re.fullmatch(rf"authz:{noun}/[{{][a-z]+[}}]", name)]
    return any(action in allowed[name] for name in general)


class Whoami(table.Table):
    policy = table.POLICY + ROLES

    test_each_actor_may_do_exactly_what_the_table_says = None
    test_another_tenants_boss_finds_nothing = None

    def whoami(self, token=None, client=None):
        return (client or self.c).call("whoami", **self.by(token))

    def assert_agrees(self, client, token, objects):
        """Calls every method, and compares what is forbidden with what whoami said."""
        said = self.whoami(token, client)
        allowed = rights(said)
        ids = dict(zip(("keys", "principals", "roles"), objects))
        yes = 0
        for method, nodes, action in table.methods():
            if not nodes:
                continue
            expected = said["everything"] or all(may(allowed, node, action, ids)
                                                 for node in nodes)
            params = {**self.params(method, *objects), **self.by(token)}
            with self.subTest(method=method, said=said):
                got = self.code(client, method, params)
                self.assertEqual(got != "forbidden", expected, got)
            yes += expected
        return yes

    def test_it_says_of_each_actor_of_the_table_what_the_table_says(self):
        seen = 0
        for name, (client, token, allowed) in self.actors().items():
            with self.subTest(actor=name):
                code = self.code(client, "whoami", self.by(token))
                if name in ("disabled", "revoked", "not yet", "another environment", "no token",
                            "impersonated disabled", "impersonated unknown"):
                    self.assertEqual(code, "forbidden")
                    continue
                self.assertIsNone(code)
                seen += self.assert_agrees(client, token, self.fresh())
                if allowed == []:
                    self.assertEqual(self.whoami(token, client)["items"], [])
        self.assertGreater(seen, 100)

    def test_it_agrees_with_the_calls_for_random_rights_at_random_places(self):
        random.seed(os.environ.get("AUTHZ_SEED", "whoami"))
        specific = 0
        for n in range(25):
            key, principal, role = objects = self.fresh()
            self.c.call("principals.create", id=f"w{n}")
            places = ["authz:/keys", f"authz:/keys/{key}", f"authz:/principals/{principal}",
                      f"authz:/roles/{role}", "authz:/roles", "authz:/assignments", "authz:/",
                      "authz:/principals", "authz:/grants/roles/viewer", "api:/loans/7"]
            for name in random.sample(SOME, random.randint(1, 3)):
                at = random.sample(places, random.randint(0, 3))
                self.c.call("assignments.create", principal=f"w{n}", role=name,
                            **({"at": at} if at else {}))
            narrow = {}
            if random.random() < 0.3:
                narrow["scopes"] = [random.choice(["all", "keys"])]
            if random.random() < 0.3:
                narrow["at"] = random.sample(places, 2)
            token = self.c.call("keys.create", principal=f"w{n}", **narrow)["secret"]
            specific += any(key in name or principal in name
                            for name in rights(self.whoami(token)))
            self.assert_agrees(self.c, token, objects)
        self.assertGreater(specific, 3)

    def test_the_limits_of_a_rotation_are_those_of_the_policy(self):
        token = self.person("empty")
        self.assertEqual(self.whoami(token)["limits"], LIMITS)
        self.d.write("limits.policy", "limits {\n    rotation_overlap 2h\n    rotation_max_overlap 3d\n}\n")
        self.c.call("policy.reload")
        limits = {"rotation_overlap": 7200, "rotation_max_overlap": 3 * 86400}
        self.assertEqual(self.whoami(token)["limits"], limits)
        self.assertEqual(self.whoami()["limits"], limits)

    def test_who_calls_is_named(self):
        self.c.call("tenants.create", id="else")
        self.c.call("principals.create", id="zoe", tenant="else")
        key = self.c.call("keys.create", principal="zoe", tenant="else")
        self.assertEqual(self.whoami(), {"actor": f"uid:{os.getuid()}", "everything": True,
                                         "tenant": "default", "limits": LIMITS, "items": []})
        self.assertEqual(self.whoami(key["secret"]), {
            "actor": "key:" + key["id"], "everything": False, "tenant": "else",
            "principal": "zoe", "key": key["id"], "limits": LIMITS, "items": []})
        said = self.whoami(self.person("empty"), self.stranger())
        self.assertEqual((said["actor"][:11], said["everything"], said["items"]),
                         ("principal:p", False, []))
        self.assertEqual(sorted(said), ["actor", "everything", "items", "limits", "principal", "tenant"])
        key = self.c.call("keys.create", roles=["boss"])
        said = self.whoami(key["secret"], self.stranger())
        self.assertNotIn("principal", said)
        self.assertEqual(said["items"][:2], [
            {"resource": "authz:/keys", "actions": ["list", "create"]},
            {"resource": "authz:/keys/{key}", "actions": [
                "read", "update", "disable", "enable", "rotate", "revoke", "delete",
                "restore"]}])
        self.assert_error("invalid_request", self.c.call, "whoami", of="ann")

    def test_it_knows_every_node_of_the_tree(self):
        """Of the built-in tree; another node would be missing in the list of the handler."""
        boss = self.c.call("keys.create", roles=["boss"])["secret"]
        told = self.c.call("permissions", token=boss, tree="authz")["items"]
        self.assertEqual([(item["resource"], sorted(item["actions"])) for item in told],
                         [(item["resource"], sorted(item["actions"]))
                          for item in self.whoami(boss)["items"]])

    def test_ids_with_odd_characters_are_the_ones_of_the_place(self):
        for id in ("a%b", "a;b", "ü", "a:b", "a{b"):
            self.c.call("principals.create", id=id)
            place = "authz:/principals/" + id.replace("%", "%25").replace(";", "%3B")
            owner = f"of{self.count}"
            self.count += 1
            self.c.call("principals.create", id=owner)
            self.c.call("assignments.create", principal=owner, role="reader", at=[place])
            token = self.c.call("keys.create", principal=owner)["secret"]
            with self.subTest(id):
                self.assertEqual(self.c.call("principals.get", token=token, id=id)["id"], id)
                items = self.whoami(token)["items"]
                self.assertEqual([item["actions"] for item in items], [["read"]])
                self.assertTrue(items[0]["resource"].startswith("authz:/principals/"), items)


class Closed(people.PeopleTest):
    policy = table.POLICY + "stack authz { account required deny }\n"

    def test_the_account_lines_of_the_stack_authz_count(self):
        token = self.c.call("keys.create", roles=["boss"])["secret"]
        said = self.c.call("whoami", token=token)
        self.assertEqual((said["everything"], said["items"]), (False, []))
        self.assert_error("forbidden", self.c.call, "keys.list", token=token)


class Lines(people.PeopleTest):
    """A peer that lines of the configuration name."""

    def arguments(self):
        return self.configured("manage user daemon authz:/keys/* read\n"
                               "manage user daemon authz:/*/alice read,update\n"
                               "manage group daemon authz:/grants/*/viewer grant\n"
                               "manage user daemon authz:/roles list\n"
                               "manage user bin authz:/** all\n")

    def test_a_peer_may_what_its_lines_name(self):
        self.alice()
        peer = self.stranger()
        said = peer.call("whoami")
        self.assertEqual((said["actor"], said["everything"], said["tenant"]),
                         (f"uid:{people.STRANGER}", False, "default"))
        self.assertEqual({item["resource"]: item["actions"] for item in said["items"]}, {
            "authz:/keys/{key}": ["read"], "authz:/keys/alice": ["read", "update"],
            "authz:/principals/alice": ["read", "update"],
            "authz:/roles": ["list"], "authz:/roles/alice": ["read", "update"],
            "authz:/grants/scopes/viewer": ["grant"], "authz:/grants/roles/viewer": ["grant"]})
        self.assertEqual(peer.call("principals.get", id="alice")["id"], "alice")
        self.assert_error("forbidden", peer.call, "principals.get", id="bob")

    def test_the_tool_prints_it(self):
        self.alice()
        done = self.d.tool("whoami")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("everything", done.stdout)
        self.c.call("roles.create", name="helper", grants=["allow list on authz:/keys"])
        token = self.key(roles=["helper"])[1]
        done = self.d.tool("whoami", "--token", "-", text=token)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("key:", done.stdout)
        self.assertIn("list", done.stdout)
        self.assertNotIn("create", done.stdout)


if __name__ == "__main__":
    unittest.main()

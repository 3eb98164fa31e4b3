# SPDX-License-Identifier: Apache-2.0
"""A tenant wants to block the operator's policy with a name, or to be taken for what the files declare."""

import unittest

import attack
import harness
import people

BASE = people.POLICY.replace("role auditor { allow GET on api:/loans/** }\n", "").replace(
    "exclusive clerk, auditor\n", "")
ROLLOUT = BASE + "role auditor { allow POST on api:/loans }\n"

# One of each range of Default_Ignorable_Code_Point, and spaces.
INVISIBLE = (0x00ad, 0x034f, 0x061c, 0x115f, 0x17b4, 0x180b, 0x180f, 0x200b, 0x200d, 0x202a, 0x2060,
             0x2065, 0x206f, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0x1bca0, 0x1d173, 0xe0000,
             0xe0001, 0xe0100, 0xe0fff)
SPACES = (0x09, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x200a, 0x2028, 0x202f, 0x205f, 0x2800, 0x3000)


class TakenNames(attack.Attack, people.PeopleTest):
    policy = BASE

    def setUp(self):
        super().setUp()
        self.c.call("tenants.create", id="acme")
        self.c.call("principals.create", id="mallory", tenant="acme")

    def allowed(self, method="GET", path="/loans", principal="mallory", tenant="acme"):
        return self.c.call("authorize", principal=principal, tenant=tenant, method=method, path=path)

    def hold(self, role, **more):
        self.c.call("roles.create", name=role, tenant="acme", **more)
        self.c.call("assignments.create", principal="mallory", role=role, tenant="acme")

    def dangling(self):
        return self.c.call("policy.status")["dangling"]["items"]

    def reload(self, text):
        self.d.replace("a.policy", text)
        return self.c.call("policy.reload")

    def test_a_stored_role_does_not_block_a_policy(self):
        self.hold("auditor", grants=["allow GET on api:/loans/**"])
        self.hold("reader", inherits=["auditor"])
        self.hold("guard", grants=["allow GET on api:/health"])
        self.assertTrue(self.allowed()["allow"])
        self.reload(ROLLOUT)
        self.failed("makes the policy with that role refused", "it is in effect")
        self.denied("keeps what its role allowed", self.allowed())
        self.assertFalse(self.allowed(method="POST")["allow"])
        self.assertTrue(self.allowed(path="/health")["allow"])
        self.assertIn({"role": "auditor", "shadowed_in": "acme"}, self.dangling())
        self.assertIn({"principal": "mallory", "role": "auditor"}, self.dangling())
        self.assertIn({"role": "reader", "inherits": "auditor"}, self.dangling())
        self.assertIs(self.c.call("roles.get", name="auditor", tenant="acme")["shadowed"], True)

        self.d.stop()
        self.d.start()
        self.c = self.d.client()
        self.failed("keeps the daemon from starting", "it starts")
        self.assertFalse(self.allowed()["allow"])
        self.c.call("assignments.create", principal="mallory", role="auditor", tenant="acme")
        self.assertTrue(self.allowed(method="POST")["allow"])
        self.assertFalse(self.allowed()["allow"])
        self.refused("changes the role to have more when the name is free again", "conflict",
                     lambda: self.c.call("roles.update", name="auditor", tenant="acme",
                                         grants=["allow all on api:/**"]))
        self.reload(BASE)
        self.assertTrue(self.allowed()["allow"])
        self.assertNotIn("shadowed", self.c.call("roles.get", name="auditor", tenant="acme"))

    def test_another_case_is_shadowed_too(self):
        self.hold("Auditor", grants=["allow GET on api:/loans/**"])
        self.reload(ROLLOUT)
        self.denied("keeps what Auditor allowed", self.allowed())
        self.refused("gives Auditor to another one", "invalid_request",
                     lambda: self.c.call("assignments.create", principal="mallory", role="Auditor",
                                         tenant="acme"))
        self.c.call("roles.delete", name="Auditor", tenant="acme")
        self.assertEqual([item for item in self.reload(ROLLOUT)["dangling"]["items"]
                          if "shadowed_in" in item], [])

    def test_what_a_shadowed_role_denies_stays_denied(self):
        self.hold("auditor", grants=["allow GET on api:/loans", "deny GET on api:/loans/{loan}"])
        self.c.call("assignments.create", principal="mallory", role="viewer", tenant="acme")
        self.assertFalse(self.allowed(path="/loans/7")["allow"])
        self.reload(ROLLOUT)
        self.denied("gets rid of a denial by the rollout", self.allowed(path="/loans/7"), "denied")
        self.assertTrue(self.allowed()["allow"])  # viewer

    def test_names_that_look_like_those_of_the_files_are_refused(self):
        for name in ("Viewer", "VIEWER", "viewer"):
            self.refused(f"creates role {name}", "conflict",
                         lambda name=name: self.c.call("roles.create", name=name, tenant="acme"))
        for name in ("Billing", "BILLING", "b\u0131lling".replace("\u0131", "I")):
            self.refused(f"creates principal {name}", "conflict",
                         lambda name=name: self.c.call("principals.create", id=name))
        self.c.call("principals.create", id="Billing2")

    def test_case_is_that_of_unicode(self):
        self.reload(BASE + "principal k\u00f6ln { role viewer }\n")
        for name in ("K\u00d6LN", "\u212a\u00f6ln"):
            self.refused(f"creates principal {ascii(name)}", "conflict",
                         lambda name=name: self.c.call("principals.create", id=name))

    def test_an_id_that_was_there_before_is_reported(self):
        for id in ("K\u00d6LN", "alice", "ALICE"):
            self.c.call("principals.create", id=id)
        self.c.call("principals.create", id="K\u00f6ln", tenant="acme")
        items = self.reload(BASE + "principal k\u00f6ln { role viewer }\n")["dangling"]["items"]
        self.assertEqual([item for item in items if "like" in item],
                         [{"principal": "K\u00d6LN", "like": "k\u00f6ln"}])
        self.failed("has an id beside that of the files, unseen", "dangling names both")

    def test_no_id_has_what_cannot_be_seen(self):
        for point in INVISIBLE + SPACES:
            for id in (f"adm{chr(point)}in", f"admin{chr(point)}", f"{chr(point)}admin"):
                for method in ("principals.create", "tenants.create"):
                    with self.assertRaises(harness.Error, msg=ascii(id)) as caught:
                        self.c.call(method, id=id)
                    self.assertEqual(caught.exception.code, "invalid_request", ascii(id))
            with self.assertRaises(harness.Error) as caught:
                self.c.call("roles.create", name=f"adm{chr(point)}in")
            self.assertEqual(caught.exception.code, "invalid_request")
        self.failed(f"hides one of {len(INVISIBLE + SPACES)} characters in an id", "invalid_request")
        self.c.call("principals.create", id="j\u00fcrgen@\u4f8b\u3048.example")
        self.c.call("principals.create", id="\U0001f600")


if __name__ == "__main__":
    unittest.main()

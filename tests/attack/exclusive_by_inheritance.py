# SPDX-License-Identifier: Apache-2.0
"""Holds two roles that the policy makes exclusive, by way of what a role inherits.

The two meet in a role of the store that inherits one of them and, through another role, the other:
at once, after a change further up, in a principal, in a key, and after a change of the policy.
"""

import unittest

import attack

POLICY = """\
tree api { /loans { list GET, create POST, /{loan} { approve PUT } } }
role clerk { allow GET on api:/loans }
role maker { allow create on api:/loans }
role checker { allow approve on api:/loans/{loan} }
exclusive maker, checker
"""


class ExclusiveByInheritance(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        self.c.call("tenants.create", id="acme")
        self.c.call("principals.create", id="bob")

    def role(self, name, *inherits, **params):
        self.c.call("roles.create", name=name, inherits=list(inherits), **params)

    def no(self, what, method, *mentions, **params):
        error = self.refused(what, "conflict", lambda: self.c.call(method, **params))
        for word in mentions:
            self.assertIn(word, error["message"])

    def may(self, **who):
        """Does one credential do both?"""
        return all(self.c.call("authorize", **who, method=method, path=path)["allow"]
                   for method, path in (("POST", "/loans"), ("PUT", "/loans/7")))

    def test_a_change_further_up_is_judged_in_every_heir(self):
        self.role("r", "clerk")
        self.role("s", "r", "checker")
        self.role("t", "s")
        self.c.call("assignments.create", principal="bob", role="t")
        self.no("lets r inherit maker, below which s has checker", "roles.update", "maker", "checker",
                name="r", inherits=["maker"])
        self.assertFalse(self.may(principal="bob"))
        # The same further away, and for a role that nobody holds.
        self.role("a")
        self.role("b", "a")
        self.role("c", "b", "checker")
        self.no("two steps up", "roles.update", name="a", inherits=["maker"])
        self.c.call("roles.update", name="c", inherits=["b"])
        self.c.call("roles.update", name="a", inherits=["maker"])
        self.no("from below", "roles.update", name="c", inherits=["b", "checker"])

    def test_roles_that_meet_in_one_holder_are_judged_too(self):
        self.role("up")
        self.role("left", "up")
        self.role("right", "checker")
        for role in ("left", "right"):
            self.c.call("assignments.create", principal="bob", role=role)
        key = self.c.call("keys.create", roles=["left", "right"])
        self.no("a role above one of bob's inherits maker", "roles.update", "bob", name="up",
                inherits=["maker"])
        self.c.call("assignments.delete", principal="bob", role="left")
        self.no("one above a key's", "roles.update", key["id"], name="up", inherits=["maker"])
        self.c.call("keys.revoke", id=key["id"])
        # A revoked key is nobody any more.
        self.c.call("roles.update", name="up", inherits=["maker"])
        self.no("and then is given back", "assignments.create", principal="bob", role="left")

    def test_another_tenants_roles_are_judged_by_themselves(self):
        self.role("r", "clerk", tenant="acme")
        self.role("s", "r", "checker", tenant="acme")
        self.role("r", "clerk")
        self.c.call("roles.update", name="r", inherits=["maker"])
        self.no("lets r of the tenant inherit maker", "roles.update", name="r", tenant="acme",
                inherits=["maker"])

    def test_a_change_of_the_policy_is_refused_in_the_files_and_reported_of_the_store(self):
        self.role("s", "clerk", "checker")
        self.role("t", "s")
        inherits = POLICY.replace("role clerk", "role clerk inherits maker")
        self.d.write("a.policy", inherits + "role both inherits clerk, checker\n")
        error = self.refused("in the files clerk inherits maker, and both inherits clerk and checker",
                             "invalid_policy", lambda: self.c.call("policy.reload"))
        self.assertIn("exclusive", error["diagnostics"][0]["message"])
        self.d.write("a.policy", inherits)
        found = self.c.call("policy.reload")["dangling"]["items"]
        for role in ("s", "t"):
            self.assertIn({"role": role, "exclusive": "maker, checker"},
                          [{**item, "exclusive": "maker, checker"} if set(
                              item.get("exclusive", "").split(", ")) == {"maker", "checker"}
                           else item for item in found], found)
        # It is not taken from those who hold it, but nobody gets it.
        self.no("is given the role that holds both now", "assignments.create", "maker", "checker",
                principal="bob", role="t")
        self.no("makes a key of it", "keys.create", roles=["s"])
        self.no("makes a role of it", "roles.create", name="u", inherits=["t"])
        # A change of another role, which makes nothing worse, is possible.
        self.role("other", "clerk")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Wants all roles that the store has space for, so that no other tenant can make one.

The daemon is the real one, built with space for 40 roles instead of 10,000: half of them is divided among
the tenants, here four, and the other half is for all.
"""

import os
import unittest
from unittest import mock

import attack
import harness

SPACE = 40
SHARE = SPACE // 2 // 4
MOST = SPACE // 2 + SHARE  # the shares of the three others are left

POLICY = """\
tree api { /loans { GET } }
facts { resource.n int }
role boss { allow all on authz:/roles/** }
"""


class AllRoles(attack.Attack):
    def setUp(self):
        with mock.patch.object(harness, "AUTHZD", os.environ["AUTHZD_FEW_ROLES"]):
            self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        for id in ("greedy", "other", "third"):
            self.c.call("tenants.create", id=id)
        key = self.c.call("keys.create", roles=["boss"], tenant="greedy")
        self.token = key["secret"]

    def make(self, count, first=0, **params):
        """Makes that many roles, and returns how many were made before one was refused."""
        for number in range(count):
            try:
                self.c.call("roles.create", name=f"r{first + number}", **params)
            except harness.Error as error:
                self.assertEqual(error.code, "limit_reached", error)
                return number
        return count

    def roles(self, tenant):
        items = self.c.call("roles.list", tenant=tenant, limit=1000)["items"]
        return sum("declared" not in item for item in items)

    def test_a_tenant_leaves_the_shares_of_the_others(self):
        self.assertEqual(self.make(SPACE, token=self.token), MOST)
        self.failed(f"makes {SPACE} roles with a token of one tenant", f"it has {MOST} of them")
        self.assertEqual(self.make(1, first=MOST, tenant="greedy"), 0)
        self.failed("has root make one more for it", "limit_reached")
        # It may change those that it has, and make another for one that it deletes.
        self.c.call("roles.update", name="r0", description="x", token=self.token)
        self.c.call("roles.delete", name="r1", token=self.token)
        self.assertEqual(self.make(2, first=MOST, token=self.token), 1)
        for tenant in ("other", "third", "default"):
            self.assertEqual(self.make(SHARE + 1, tenant=tenant), SHARE, tenant)
        self.failed("takes the shares of three other tenants", f"each made its {SHARE}")

    def test_a_tenant_that_comes_later_has_a_share_of_what_is_left(self):
        self.make(SPACE, token=self.token)
        self.c.call("tenants.create", id="late")
        self.assertEqual(self.make(1, first=MOST, token=self.token), 0)
        self.assertEqual(self.make(1, tenant="late"), 1)

    def test_roles_that_inherit_much_from_each_other_fill_no_memory(self):
        most = 12
        for number in range(most):
            made = self.make(1, first=number, grants=[
                f"allow GET on api:/loans when resource.n is {number * 100 + i}" for i in range(40)])
            self.assertEqual(made, 1)
        # A role inherits the conditions of all, which are 480.
        names = [f"r{number}" for number in range(most)]
        with self.assertRaises(harness.Error) as caught:
            for number in range(most):
                self.c.call("roles.create", name=f"wide{number}", inherits=names)
        self.assertEqual(caught.exception.code, "limit_reached")
        self.assertIn("memory", caught.exception.message)
        self.failed("lets each role inherit all others", caught.exception.message)
        made = [item["name"] for item in self.c.call("roles.list", limit=1000)["items"] if item["name"] > "w"]
        self.assertTrue(0 < len(made) < most, made)
        # What makes them smaller is taken, and then there is space again.
        self.c.call("roles.update", name=made[0], inherits=["r1"])
        self.c.call("roles.create", name="again", inherits=names)
        self.c.call("roles.delete", name="again")

    def test_a_restart_keeps_all_and_gives_nobody_more(self):
        self.make(SPACE, token=self.token)
        for tenant in ("other", "third", "default"):
            self.make(SHARE, tenant=tenant)
        self.d.stop()
        with mock.patch.object(harness, "AUTHZD", os.environ["AUTHZD_FEW_ROLES"]):
            self.d.start()
        self.c = self.d.client()
        self.assertEqual([self.roles(tenant) for tenant in ("greedy", "other", "third", "default")],
                         [MOST, SHARE, SHARE, SHARE])
        for tenant in ("greedy", "other"):
            self.assertEqual(self.make(1, first=SPACE, tenant=tenant), 0)


if __name__ == "__main__":
    unittest.main()

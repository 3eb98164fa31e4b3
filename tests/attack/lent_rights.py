# SPDX-License-Identifier: Apache-2.0
"""Keeps for good what is lent until a time: for itself, for a friend, by a key, by a role.

Mallory is an administrator until a time, or has a token that ends. Each call tries to make something
that lasts longer. The same calls with an end in time succeed, so that none fails for another reason.
"""

import time
import unittest

import attack

POLICY = """\
tree api { /loans { list GET, /{loan} { read GET, update PUT } } }
scope everything { allow all on api:/** }
scope little { deny update on api:/loans/{loan} }
role viewer { allow GET on api:/loans/** }
role frozen { deny all on api:/loans/** }
role manager {
    allow all on authz:/keys/**, authz:/principals/**, authz:/assignments, authz:/roles/**
}
role admin inherits manager { allow all on api:/** }
"""
HOUR = 3600
GRANTS = ["allow update on api:/loans/{loan}"]


class LentRights(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        self.now = int(time.time())
        self.end = self.now + 6 * HOUR
        for id in ("mallory", "friend", "off"):
            self.c.call("principals.create", id=id)
        self.c.call("assignments.create", principal="off", role="admin")
        self.c.call("principals.disable", id="off")

    def lend(self, until=None, **key):
        """Mallory's token: `admin` until a time, by a key that may end too."""
        self.c.call("assignments.create", principal="mallory", role="admin",
                    **({"until": until} if until else {}))
        made = self.c.call("keys.create", principal="mallory", **key)
        self.own, self.token = made["id"], made["secret"]

    def by(self, method, **params):
        return self.c.call(method, token=self.token, **params)

    def lasts(self, what, name, method, **params):
        """The call, without an end and with one that is too late, is refused; with one in time not."""
        for how, end in (("for good", {}), ("for longer", {name: self.end + HOUR})):
            error = self.refused(f"{what} {how}", "forbidden",
                                 lambda end=end: self.by(method, **params, **end))
            self.assertIn("by then", error["message"])
        return self.by(method, **params, **{name: self.end - HOUR})

    def give_everything(self):
        self.lasts("gives a friend the role", "until", "assignments.create",
                   principal="friend", role="admin")
        self.lasts("gives a friend a part of it at one place", "until", "assignments.create",
                   principal="friend", role="viewer", at=["api:/loans/7"])
        self.lasts("makes a key of roles", "expires_at", "keys.create", roles=["admin"])
        for params in ({"grants": GRANTS}, {"inherits": ["viewer"]}):
            self.refused(f"writes it into a role: {params}", "forbidden",
                         lambda params=params: self.by("roles.create", name="mine", **params))

    def test_a_role_that_is_lent_until_a_time_is_not_kept(self):
        self.lend(until=self.end)
        self.lasts("assigns itself the role at another place", "until", "assignments.create",
                   principal="mallory", role="admin", at=["api:/loans/7"])
        self.lasts("assigns itself another role with a part of it", "until", "assignments.create",
                   principal="mallory", role="viewer")
        self.give_everything()
        # A second key of mallory's ends with what mallory has.
        sibling = self.by("keys.create", principal="mallory")["secret"]
        self.assertTrue(self.c.call("authorize", token=sibling, method="PUT", path="/loans/7")["allow"])

    def test_a_role_that_the_files_lend_is_not_kept(self):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.end))
        self.d.write("b.policy", f"principal lodger {{ role admin until {until} }}\n")
        self.c.call("policy.reload")
        self.token = self.c.call("keys.create", principal="lodger")["secret"]
        self.give_everything()

    def test_a_key_that_ends_makes_nothing_that_lasts(self):
        self.lend(expires_at=self.end)
        self.lasts("makes a second key of its principal", "expires_at", "keys.create",
                   principal="mallory")
        self.give_everything()
        self.refused("gives itself a longer life", "forbidden",
                     lambda: self.by("keys.update", id=self.own, expires_at=None))
        other = self.c.call("keys.create", principal="mallory", expires_at=self.end - HOUR)["id"]
        self.refused("prolongs another key of its principal", "forbidden",
                     lambda: self.by("keys.update", id=other, expires_at=None))
        self.by("keys.update", id=other, expires_at=self.end)

    def test_a_secret_that_retires_makes_nothing_that_lasts(self):
        self.lend()
        self.c.call("keys.rotate", id=self.own, overlap="1h")
        for what, params in (("a second key of its principal", {"principal": "mallory"}),
                             ("a key of roles", {"roles": ["admin"]})):
            self.refused(f"a secret that was rotated away makes {what}", "forbidden",
                         lambda params=params: self.by("keys.create", **params))
        self.by("keys.create", principal="mallory", expires_in="10m")

    def test_no_secret_and_nobody_is_revived_for_longer(self):
        self.lend(until=self.end)

        def key(**params):
            return self.c.call("keys.create", **{"roles": ["admin"], **params})["id"]
        calls = [
            ("rotates a key that lasts", "keys.rotate", key(), {}, None),
            ("enables a key that lasts", "keys.enable", key(), {}, "keys.disable"),
            ("restores a key that lasts", "keys.restore", key(), {}, "keys.delete"),
            ("rolls back a key that lasts", "keys.rollback", key(), {}, "keys.rotate"),
            ("prolongs a secret of a key that lasts", "keys.prolong", key(), {"overlap": "2d"},
             "keys.rotate"),
            ("widens the networks of a key that lasts", "keys.update",
             key(networks=["10.0.0.0/8"]), {"networks": None}, None),
            ("takes the end from a key", "keys.update", key(expires_at=self.end),
             {"expires_at": None}, None),
            ("takes the schedule from a key that lasts", "keys.update", key(rotate_every="30d"),
             {"rotate_every": None}, None),
            ("takes a scope that denies from a key that lasts", "keys.update",
             key(scopes=["everything", "little"]), {"scopes": ["everything"]}, None),
        ]
        for what, method, id, params, before in calls:
            if before is not None:
                self.c.call(before, id=id)
            self.refused(what, "forbidden",
                         lambda method=method, id=id, params=params: self.by(method, id=id, **params))
        self.refused("enables a principal that holds it for good", "forbidden",
                     lambda: self.by("principals.enable", id="off"))
        # What ends in time is revived.
        id = key(expires_at=self.end - HOUR)
        self.by("keys.rotate", id=id)

    def test_a_denial_is_not_removed_for_longer(self):
        self.lend(until=self.end)
        self.c.call("assignments.create", principal="friend", role="viewer")
        self.c.call("assignments.create", principal="friend", role="frozen")
        self.c.call("roles.create", name="barred", grants=["deny update on api:/loans/{loan}"])
        self.refused("removes a denial for good", "forbidden",
                     lambda: self.by("assignments.delete", principal="friend", role="frozen"))
        for method, params in (("roles.delete", {}), ("roles.update", {"grants": []})):
            self.refused(f"takes a denial from a role: {method}", "forbidden",
                         lambda method=method, params=params: self.by(method, name="barred", **params))


if __name__ == "__main__":
    unittest.main()

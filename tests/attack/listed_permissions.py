# SPDX-License-Identifier: Apache-2.0
"""Somebody who holds a stolen key wants to learn what it may do, unseen and from anywhere."""

import unittest

import attack
import people

STACKS = people.POLICY + """
stack payments {
    authenticate required key
    account requisite network allow=10.0.0.0/8
    account requisite mfa max_age=5m
    account required quota name=lists limit=3 per=key period=1h
    authorize required role
}
stack closed {
    authenticate required key
    authorize requisite deny
    authorize required role
}
"""


class ListedPermissions(attack.Attack, people.PeopleTest):
    policy = STACKS

    def list(self, token, **params):
        return self.c.call("permissions", token=token, **params)

    def assert_none(self, tried, page, reason):
        self.assertEqual(page["items"], [], tried)
        self.assertEqual(page["reason"], reason, page)
        self.failed(tried, page["reason"])

    def test_a_listing_counts_as_a_use(self):
        self.alice()
        id, token = self.key(networks=["10.0.0.0/8"])
        self.assertEqual(self.list(token, ip="10.1.2.3")["reason"], "ok")
        record = self.c.call("keys.get", id=id)
        self.assertEqual((record["uses"], record["last_used_ip"]), (1, "10.1.2.3"))
        self.failed("lists without a trace of the use", "uses, time and address are counted")
        self.assert_none("lists from another network", self.list(token, ip="192.0.2.1"), "network")
        self.assert_none("lists from nowhere", self.list(token), "network")
        record = self.c.call("keys.get", id=id)
        self.assertEqual((record["uses"], record["denials"]), (3, 2))
        self.assertEqual(record["denied_for"]["network"], 2)
        self.failed("tries addresses without a trace", "denials are counted")

        self.c.call("keys.disable", id=id)
        self.assert_none("lists with a disabled key", self.list(token, ip="10.1.2.3"), "inactive_key")
        self.assertEqual(self.c.call("keys.get", id=id)["denials"], 3)

    def test_a_listing_uses_no_permission(self):
        self.alice()
        id, token = self.key()
        self.list(token)
        item = [item for item in self.c.call("keys.audit")["items"] if item["id"] == id][0]
        self.assertEqual(item.get("used", 0), 0, item)

    def test_a_listing_obeys_the_stack(self):
        self.alice()
        _, token = self.key()
        now = self.c.call("status")["started_at"]
        good = {"service": "payments", "ip": "10.0.0.1", "mfa_at": now}
        self.assertEqual(self.list(token, **good)["reason"], "ok")
        self.assert_none("lists from outside of the service's networks",
                         self.list(token, **good | {"ip": "192.0.2.1"}), "network")
        self.assert_none("lists without a second factor",
                         self.list(token, service="payments", ip="10.0.0.1"), "mfa")
        self.assert_none("lists for a service that is closed", self.list(token, service="closed"),
                         "deny")
        self.assert_none("lists for a service that is not declared",
                         self.list(token, service="nope"), "unknown_service")
        for _ in range(2):
            self.assertEqual(self.list(token, **good)["reason"], "ok")
        self.assert_none("lists more often than the quota allows", self.list(token, **good), "quota")

    def test_only_trusted_peers_state_facts(self):
        self.alice()
        _, token = self.key(networks=["10.0.0.0/8"])
        stranger = self.stranger()
        for fact in ({"ip": "10.0.0.1"}, {"mfa_at": 1}, {"time": 1}):
            page = stranger.call("permissions", token=token, **fact)
            self.assert_none(f"states {next(iter(fact))}", page, "not_trusted")
        self.assert_none("lists without an address", stranger.call("permissions", token=token),
                         "network")

    def test_the_first_use_of_a_pending_secret_is_one(self):
        self.alice()
        id, _ = self.key()
        pending = self.c.call("keys.rotate", id=id, mode="confirm")["secret"]
        self.assertEqual(self.list(pending)["reason"], "ok")
        self.c.call("principals.update", id="alice", name="A")  # after the confirmation
        self.assertNotIn("pending_until", self.c.call("keys.get", id=id))

    def test_a_plan_counts_as_a_use(self):
        self.alice()
        id, token = self.key(networks=["10.0.0.0/8"])

        def plan(token=token, **params):
            return self.c.call("plan", token=token, method="GET", path="/loans/{loan}", **params)

        self.assertEqual(plan(ip="10.1.2.3")["plan"], "always")
        record = self.c.call("keys.get", id=id)
        self.assertEqual((record["uses"], record["last_used_ip"], record.get("denials", 0)), (1, "10.1.2.3", 0))
        self.failed("asks for a plan without a trace of the use", "uses, time and address are counted")
        for tried, params in (("another network", {"ip": "192.0.2.1"}), ("nowhere", {})):
            answer = plan(**params)
            self.assertEqual((answer["plan"], answer["reason"]), ("never", "network"), tried)
        record = self.c.call("keys.get", id=id)
        self.assertEqual((record["uses"], record["denied_for"]), (3, {"network": 2}))
        self.failed("asks for plans from elsewhere without a trace", "denials are counted")
        item = [item for item in self.c.call("keys.audit")["items"] if item["id"] == id][0]
        self.assertEqual(item.get("used", 0), 0, item)

        pending = self.c.call("keys.rotate", id=id, mode="confirm")["secret"]
        self.assertEqual(plan(pending, ip="192.0.2.1")["plan"], "never")
        self.assertIn("pending_until", self.c.call("keys.get", id=id))
        self.assertEqual(plan(pending, ip="10.1.2.3")["plan"], "always")
        self.c.call("principals.update", id="alice", name="A")  # after the confirmation
        self.assertNotIn("pending_until", self.c.call("keys.get", id=id))


if __name__ == "__main__":
    unittest.main()

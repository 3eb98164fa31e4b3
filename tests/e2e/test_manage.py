# SPDX-License-Identifier: Apache-2.0
"""Principals, assignments, and who may change them."""

import time
import unittest

import harness
import people


class Principals(people.PeopleTest):
    def test_the_story_of_a_principal(self):
        record = self.c.call("principals.create", id="bob@example.org", name="Bob", kind="service",
                             attributes={"team": "ops"})
        self.assertEqual(record["status"], "active")
        self.assertEqual(record["attributes"], {"team": "ops"})
        self.assertEqual((record["kind"], record["api_access"]), ("service", True))
        self.assertEqual(record, self.c.call("principals.get", id="bob@example.org"))
        changed = self.c.call("principals.update", id="bob@example.org", name=None, attributes={})
        self.assertNotIn("name", changed)
        self.assertNotIn("attributes", changed)
        self.assertEqual(changed["kind"], "service")
        self.c.call("principals.delete", id="bob@example.org")
        self.assert_error("not_found", self.c.call, "principals.get", id="bob@example.org")

    def test_disabling_takes_effect_at_once_for_principal_and_keys(self):
        self.alice()
        _, secret = self.key()

        def reasons():
            by_name = self.c.call("authorize", principal="alice", method="GET", path="/loans/7")
            return by_name["reason"], self.ask(secret)["reason"]

        self.assertEqual(reasons(), ("ok", "ok"))
        self.c.call("principals.disable", id="alice")
        self.assertEqual(reasons(), ("inactive_principal", "inactive_principal"))
        self.c.call("principals.enable", id="alice")
        self.c.call("principals.update", id="alice", api_access=False)
        self.assertEqual(reasons(), ("ok", "inactive_principal"))
        self.assert_error("conflict", self.c.call, "keys.create", principal="alice")
        self.c.call("principals.update", id="alice", api_access=True)
        self.assertEqual(reasons(), ("ok", "ok"))

    def test_deleting_a_principal_revokes_its_keys(self):
        self.alice()
        keys = [self.key() for _ in range(5)]
        self.c.call("principals.delete", id="alice")
        for id, secret in keys:
            self.assertEqual(self.c.call("keys.get", id=id)["status"], "revoked")
            self.assert_reason("revoked_key", self.ask(secret), 401)
        self.alice()
        self.assert_reason("revoked_key", self.ask(keys[0][1]), 401)

    def test_what_is_refused(self):
        self.alice()
        for id in ("", "x" * 129, "a b", "a/b", "a\nb", "..", "*"):
            with self.subTest(id):
                self.assert_error("invalid_request", self.c.call, "principals.create", id=id)
        for id in ("alice", "billing"):
            self.assert_error("conflict", self.c.call, "principals.create", id=id)
        self.assert_error("invalid_request", self.c.call, "principals.create", id="x", kind="robot")
        self.assert_error("not_found", self.c.call, "principals.create", id="x", tenant="acme")
        self.assert_error("invalid_request", self.c.call, "principals.create", id="x",
                          attributes={"a": "b" * 4097})
        for method in ("get", "update", "enable", "disable", "delete"):
            self.assert_error("not_found", self.c.call, f"principals.{method}", id="nobody")

    def test_those_of_the_files_are_there_and_read_only(self):
        record = self.c.call("principals.get", id="billing")
        self.assertTrue(record["declared"])
        for method in ("update", "enable", "disable", "delete"):
            self.assert_error("conflict", self.c.call, f"principals.{method}", id="billing")
        self.assert_error("conflict", self.c.call, "assignments.create", principal="billing",
                          role="clerk")
        _, secret = self.key(principal="billing")
        self.assert_reason("ok", self.ask(secret))
        self.assert_reason("role", self.ask(secret, path="/loans/8"))

    def test_keys_of_one_whom_the_files_declared_are_not_inherited(self):
        keys = [self.key(principal="billing") for _ in range(2)]
        self.c.call("keys.disable", id=keys[1][0])
        self.d.write("a.policy", self.policy.replace("principal billing", "principal other"))
        self.c.call("policy.reload")
        self.assert_reason("unknown_principal", self.ask(keys[0][1]))
        for left in (keys, keys[1:]):
            error = self.assert_error("conflict", self.c.call, "principals.create", id="billing")
            self.assertEqual(error.error["ids"], [id for id, _ in left])
            self.c.call("keys.revoke", id=left[0][0])
        self.c.call("principals.create", id="billing")
        self.c.call("assignments.create", principal="billing", role="viewer")
        for _, secret in keys:
            self.assert_reason("revoked_key", self.ask(secret))
        self.assert_reason("ok", self.ask(self.key(principal="billing")[1]))

    def test_the_list_is_whole_whatever_the_page(self):
        for i in range(7):
            self.c.call("principals.create", id=f"p{i}")
        whole = self.c.call("principals.list")
        self.assertNotIn("cursor", whole)
        for limit in range(1, 9):
            self.assertEqual(self.c.pages("principals.list", limit)[0], whole["items"])
        self.assertEqual([item["id"] for item in whole["items"]],
                         [f"p{i}" for i in range(7)] + ["billing"])


class Assignments(people.PeopleTest):
    def test_given_and_taken(self):
        self.c.call("principals.create", id="alice")
        _, secret = self.key()
        self.assert_reason("role", self.ask(secret))
        record = self.c.call("assignments.create", principal="alice", role="viewer",
                             at=["api:/loans/8", "api:/loans/7", "api:/loans/7"])
        self.assertEqual(record["at"], ["api:/loans/7", "api:/loans/8"])
        self.assert_reason("ok", self.ask(secret))
        self.assert_reason("role", self.ask(secret, path="/loans/9"))
        self.c.call("assignments.delete", principal="alice", role="viewer")
        self.assert_reason("role", self.ask(secret))
        self.assert_error("not_found", self.c.call, "assignments.delete", principal="alice",
                          role="viewer")

    def test_the_same_role_at_other_places(self):
        self.c.call("principals.create", id="alice")
        give = {"principal": "alice", "role": "viewer"}
        self.c.call("assignments.create", **give, at=["api:/loans/7"])
        self.c.call("assignments.create", **give, at=["api:/loans/8"])
        self.assert_error("conflict", self.c.call, "assignments.create", **give,
                          at=["api:/loans/8"])
        gone = self.c.call("assignments.delete", **give, at=["api:/loans/7"])["items"]
        self.assertEqual([item["at"] for item in gone], [["api:/loans/7"]])
        left = self.c.call("assignments.list", principal="alice")["items"]
        self.assertEqual([item["at"] for item in left], [["api:/loans/8"]])

    def test_a_place_has_one_spelling(self):
        self.c.call("principals.create", id="alice")
        give = {"principal": "alice", "role": "viewer"}
        record = self.c.call("assignments.create", **give,
                             at=["api:/loans/%37/", "api:/loans/7", "api:/loans/a%3bb"])
        self.assertEqual(record["at"], ["api:/loans/7", "api:/loans/a%3Bb"])
        for at in (["api:/loans/7/", "api:/loans/a%3Bb"], ["api:/loans/%61%3b%62", "api:/loans/7"]):
            self.assert_error("conflict", self.c.call, "assignments.create", **give, at=at)
        self.assert_error("invalid_request", self.c.call, "assignments.create", **give,
                          at=["api:/loans/7?x=1"])
        _, secret = self.key()
        self.assert_reason("ok", self.ask(secret, path="/loans/a%3bb"))
        self.assert_reason("role", self.ask(secret, path="/loans/8"))
        gone = self.c.call("assignments.delete", **give,
                           at=["api:/loans/a%3bb/", "api:/loans/%37"])["items"]
        self.assertEqual(len(gone), 1)
        record = self.c.call("keys.create", principal="alice", at=["api:/loans/%37/"])
        self.assertEqual(record["at"], ["api:/loans/7"])

    def test_a_place_is_not_a_pattern(self):
        self.d.write("a.policy", self.policy + "role stop { deny all on api:/loans/** }\n")
        self.c.call("policy.reload")
        self.alice()
        _, secret = self.key()
        for place in ("*", "**", "{loan}", "{loan...}", "%2a", "%7Bloan%7D", "*/payments"):
            for role in ("stop", "viewer"):
                with self.subTest(place=place, role=role):
                    error = self.assert_error(
                        "invalid_request", self.c.call, "assignments.create",
                        principal="alice", role=role, at=["api:/loans/" + place])
                    self.assertIn("wildcards", error.message)
            self.assert_error("invalid_request", self.c.call, "keys.create", principal="alice",
                              at=["api:/loans/" + place])
        self.assert_reason("ok", self.ask(secret))
        self.c.call("assignments.create", principal="alice", role="stop", at=["api:/loans"])
        self.assert_reason("denied", self.ask(secret))

    def test_a_role_that_the_policy_lacks_can_be_removed(self):
        self.c.call("principals.create", id="alice")
        gone = {"principal": "alice", "role": "viewer", "at": ["api:/health"]}
        self.c.call("assignments.create", **gone)
        self.d.write("a.policy", self.policy.replace("/health { GET }", "").replace(
            "role anyone { allow GET on api:/health }\n", "").replace("role viewer", "role reader")
            .replace("viewer", "reader"))
        self.c.call("policy.reload")
        self.assert_error("invalid_request", self.c.call, "assignments.create", **gone)
        self.assertEqual(len(self.c.call("assignments.delete", **gone)["items"]), 1)

    def test_an_assignment_ends_at_until(self):
        self.c.call("principals.create", id="alice")
        _, secret = self.key()

        def give():
            """Until when, which has not passed before the daemon gives it; None: it has."""
            until = int(time.time()) + 2
            try:
                self.c.call("assignments.create", principal="alice", role="viewer", until=until)
            except harness.Error as error:
                self.assertEqual((error.code, time.time() >= until), ("invalid_request", True), error)
                return None
            return until

        until = harness.wait_until(give, what="an assignment")
        answer = self.ask(secret)
        if time.time() < until:
            self.assert_reason("ok", answer)
        harness.wait_until(lambda: self.ask(secret)["reason"] == "role", what="the end")
        self.c.call("assignments.create", principal="alice", role="viewer")
        self.assert_reason("ok", self.ask(secret))
        self.assert_error("invalid_request", self.c.call, "assignments.create", principal="alice",
                          role="clerk", until=int(time.time()) - 1)

    def test_what_is_refused(self):
        self.c.call("principals.create", id="alice")
        give = {"principal": "alice", "role": "clerk"}
        self.c.call("assignments.create", **give)
        error = self.assert_error("conflict", self.c.call, "assignments.create",
                                  principal="alice", role="auditor")
        self.assertIn("exclusive", error.message)
        for role in ("anyone", "vewer", ""):
            self.assert_error("invalid_request", self.c.call, "assignments.create",
                              principal="alice", role=role)
        self.assert_error("not_found", self.c.call, "assignments.create", principal="bob",
                          role="viewer")
        self.assert_error("invalid_request", self.c.call, "assignments.create", principal="alice",
                          role="viewer", at=[])
        self.assert_error("invalid_request", self.c.call, "assignments.list")
        self.assertEqual(
            self.c.call("assignments.list", principal="billing", limit=1)["items"],
            [{"principal": "billing", "role": "viewer", "at": ["api:/loans/7"], "declared": True}])
        self.assertEqual(
            self.c.call("assignments.list", principal="billing", role="auditor")["items"], [])

    def test_a_principal_holds_a_bounded_number(self):
        self.c.call("principals.create", id="alice")
        for i in range(64):
            self.c.call("assignments.create", principal="alice", role="viewer",
                        at=[f"api:/loans/{i}"])
        self.assert_error("limit_reached", self.c.call, "assignments.create", principal="alice",
                          role="viewer", at=["api:/loans/99"])
        _, secret = self.key()
        self.assert_reason("ok", self.ask(secret, path="/loans/63"))

    def test_holders_of_a_role_in_pages(self):
        for i in range(5):
            self.c.call("principals.create", id=f"p{i}")
            for place in (7, 8, 9):
                self.c.call("assignments.create", principal=f"p{i}", role="viewer",
                            at=[f"api:/loans/{place}"])
            self.c.call("assignments.create", principal=f"p{i}", role="clerk")
        whole = self.c.call("assignments.list", role="viewer")["items"]
        self.assertEqual(len(whole), 15)
        for limit in range(1, 8):
            self.assertEqual(self.c.pages("assignments.list", limit, role="viewer")[0], whole)


class Dangling(people.PeopleTest):
    """Assignments of what the policy lacks have no effect, and are listed."""

    def found(self, method="policy.reload"):
        answer = self.c.call(method)
        found = answer.get("policy", answer)["dangling"]
        return found["total"], found["items"]

    def test_what_a_new_policy_lacks_is_listed(self):
        self.alice("viewer", "clerk")
        self.c.call("assignments.create", principal="alice", role="viewer",
                    at=["api:/health", "api:/loans/7"])
        scoped, _ = self.key(scopes=["loans:read", "loans:write"])
        bound, _ = self.key(roles=["clerk"], at=["api:/health"])
        revoked, _ = self.key(roles=["clerk"])
        self.c.call("keys.revoke", id=revoked)
        self.assertEqual(self.found(), (0, []))
        policy = self.policy.replace("clerk", "writer").replace("loans:read", "loans:get")
        policy = policy.replace("    /health { GET }\n", "")
        self.d.write("a.policy", policy.replace("role anyone { allow GET on api:/health }\n", ""))
        expected = [
            {"principal": "alice", "role": "clerk"},
            {"principal": "alice", "at": "api:/health"},
            {"key": scoped, "scope": "loans:read"},
            {"key": bound, "role": "clerk"},
            {"key": bound, "at": "api:/health"},
        ]
        for method in ("policy.reload", "policy.status", "status"):
            total, items = self.found(method)
            self.assertEqual((total, sorted(items, key=str)), (5, sorted(expected, key=str)))
        self.c.call("assignments.delete", principal="alice", role="clerk")
        self.assertEqual(self.found()[0], 4)
        self.d.stop()
        self.d.start()
        harness.wait_until(
            lambda: self.d.call("status")["policy"]["dangling"]["total"] == 4, what="the list")

    def test_the_list_is_bounded_and_its_number_is_not(self):
        self.c.call("principals.create", id="alice")
        self.c.call_many([("keys.create", {"roles": ["clerk"]})] * 130)
        self.d.write("a.policy", self.policy.replace("clerk", "writer"))
        total, items = self.found()
        self.assertEqual((total, len(items)), (130, 100))


class ManagerTest(people.PeopleTest):
    """Another user, and what `manage` lines allow that user."""

    LINES = ""

    def arguments(self):
        return self.configured(self.LINES)


class Managers(ManagerTest):
    LINES = """\
manage user daemon authz:/keys list,create
manage user daemon authz:/keys/* read,revoke
manage user daemon authz:/principals/alice issue
manage user daemon authz:/principals/carol issue
manage user daemon authz:/grants/roles/viewer grant
"""

    def test_a_peer_may_only_do_what_the_lines_name(self):
        self.alice()
        mine, _ = self.key()
        other = self.stranger()
        self.assertEqual(len(other.call("keys.list")["items"]), 1)
        self.c.call("principals.create", id="carol")
        id = other.call("keys.create", principal="carol")["id"]
        self.assertEqual(other.call("keys.get", id=id)["created_by"], "uid:1")
        other.call("keys.revoke", id=mine)
        refused = [
            ("keys.disable", {"id": id}), ("keys.update", {"id": id, "name": "x"}),
            ("keys.create", {"principal": "billing"}), ("keys.create", {"roles": ["clerk"]}),
            ("keys.create", {"scopes": ["loans:read"]}),
            ("principals.create", {"id": "x"}), ("principals.list", {}),
            ("principals.delete", {"id": "alice"}), ("principals.get", {"id": "nobody"}),
            ("assignments.create", {"principal": "alice", "role": "viewer"}),
            ("assignments.list", {"principal": "alice"}),
        ]
        for method, params in refused:
            with self.subTest(method, **params):
                self.assert_error("forbidden", other.call, method, **params)

    def test_a_key_whose_secret_the_peer_receives_allows_no_more_than_the_lines(self):
        self.alice()
        other = self.stranger()
        said = self.assert_error("forbidden", other.call, "keys.create", principal="alice")
        self.assertIn("a token that has it helps, or root, or `authz:/** all`", said.message)


class Denials(ManagerTest):
    """Removing a denial, or another limit, gives what it denied."""

    policy = people.POLICY + """
role suspended { deny all on api:/loans/** }
role frozen inherits suspended
scope safe { allow GET on api:/loans/**
    deny GET on api:/loans/{loan}/payments }
scope safer includes safe { allow GET on api:/health }
"""
    LINES = """\
manage user daemon authz:/keys/* update
manage user daemon authz:/assignments delete
manage user daemon authz:/grants/roles/auditor grant
manage user daemon authz:/grants/scopes/loans:read grant
"""

    def test_a_denial_is_taken_away_by_whom_the_rest_is_granted(self):
        for denial in ("suspended", "frozen"):
            for role, code in (("clerk", "forbidden"), ("auditor", None)):
                with self.subTest(denial, role=role):
                    id = f"{denial}-{role}"
                    self.c.call("principals.create", id=id)
                    for held in (role, denial):
                        self.c.call("assignments.create", principal=id, role=held)
                    take = {"principal": id, "role": denial}
                    other = self.stranger()
                    if code is None:
                        gone = other.call("assignments.delete", **take)["items"]
                        self.assertEqual([item["role"] for item in gone], [denial])
                    else:
                        self.assert_error(code, other.call, "assignments.delete", **take)
                        asked = self.c.call("authorize", principal=id, method="GET",
                                            path="/loans/7")
                        self.assert_reason("denied", asked)
        # Removing a role that only allows needs no right to give: nobody gains by it.
        self.stranger().call("assignments.delete", principal="frozen-clerk", role="clerk")

    def test_a_key_that_may_more_is_given_away(self):
        other = self.stranger()
        now = int(time.time())
        soon, late = now + 3600, now + 7200
        net = {"networks": ["10.0.0.0/8", "2001:db8::/32"]}
        # scopes when made, scopes when changed, whether permitted without `grant` on the scopes
        for made, changed, widens in [
            ({"scopes": ["loans:write", "safe"]}, {"scopes": ["loans:write"]}, True),
            ({"scopes": ["loans:write", "safer"]}, {"scopes": ["loans:write"]}, True),
            ({"scopes": ["loans:write", "safe"]}, {"scopes": ["safe"]}, False),
            ({"scopes": ["loans:write", "safe"]}, {"scopes": ["safe", "loans:write"]}, False),
            ({"scopes": ["loans:write", "loans:read"]}, {"scopes": ["loans:read"]}, False),
            (net, {"networks": None}, True),
            (net, {"networks": ["10.0.0.0/8", "192.0.2.1"]}, True),
            (net, {"networks": ["10.0.0.0/7"]}, True),
            (net, {"networks": ["2001:db8:1::/48", "10.1.2.3"]}, False),
            (net, {"networks": ["10.0.0.0/8"]}, False),
            ({}, net, False),
            ({"expires_at": soon}, {"expires_at": late}, True),
            ({"expires_at": soon}, {"expires_at": None}, True),
            ({"expires_at": late}, {"expires_at": soon}, False),
            ({}, {"expires_at": soon}, False),
            ({"scopes": ["safe"]}, {"name": "x"}, False),
        ]:
            with self.subTest(made, **changed):
                id, _ = self.key(**{"scopes": ["loans:write"], **made})
                change = {"id": id, **changed}
                if widens:
                    before = self.c.call("keys.get", id=id)
                    self.assert_error("forbidden", other.call, "keys.update", **change)
                    self.assertEqual(self.c.call("keys.get", id=id), before)
                    self.c.call("keys.update", **change)
                else:
                    other.call("keys.update", **change)
        # A caller that may give everything the key allows may widen it.
        id, _ = self.key(scopes=["loans:read", "safe"], **net)
        other.call("keys.update", id=id, scopes=["loans:read"], networks=None)


class Strangers(people.PeopleTest):
    def test_whom_no_line_names_may_change_nothing(self):
        self.alice()
        id, _ = self.key()
        other = self.stranger()
        calls = [("keys.list", {}), ("keys.get", {"id": id}), ("keys.revoke", {"id": id}),
                 ("keys.create", {"principal": "alice"}), ("principals.list", {}),
                 ("assignments.list", {"role": "viewer"})]
        for method, params in calls:
            with self.subTest(method):
                self.assert_error("forbidden", other.call, method, **params)
        # A missing object gives the same answer.
        self.assert_error("forbidden", other.call, "keys.get", id="1zzzzzzzzzzz")
        self.assertEqual(self.c.call("keys.get", id=id)["status"], "active")


if __name__ == "__main__":
    unittest.main()

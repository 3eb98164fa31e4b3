# SPDX-License-Identifier: Apache-2.0
"""Who may manage: peers, and tokens by their roles and scopes; and what they may give to others."""

import time
import unittest

import people

POLICY = people.POLICY + """
scope keys:manage { allow all on authz:/keys/** }
scope team {
    allow all on authz:/keys/**, authz:/assignments, authz:/principals/**
    allow grant on authz:/grants/roles/{role}
}
role keeper { allow all on authz:/keys/** }
role boss inherits keeper, viewer {
    allow all on authz:/principals/**, authz:/assignments, authz:/roles/**
}
role granter inherits keeper { allow grant on authz:/grants/scopes/{scope}
    allow issue on authz:/principals/{principal} }
role frozen { deny all on api:/loans/** }
"""


class ActorTest(people.PeopleTest):
    policy = POLICY

    def by(self, token, method, **params):
        return self.c.call(method, token=token, **params)


class Tokens(ActorTest):
    def test_a_token_manages_by_what_it_holds_and_the_peer_does_not_help(self):
        self.alice("keeper")
        _, keeper = self.key()
        _, reader = self.key(roles=["viewer"])
        self.assertEqual(len(self.by(keeper, "keys.list")["items"]), 2)
        self.assert_error("forbidden", self.by, reader, "keys.list")
        self.assert_error("forbidden", self.by, keeper, "principals.list")
        made = self.by(keeper, "keys.create", principal="alice", name="second")
        self.assertEqual(made["created_by"][:4], "key:")
        self.assert_error("forbidden", self.by, keeper, "keys.create", roles=["viewer"])

    def test_a_narrowed_token_is_narrow_here_too(self):
        self.alice("boss")
        _, whole = self.key()
        _, narrow = self.key(scopes=["loans:read"])
        _, placed = self.key(at=["authz:/principals/bob"])
        self.by(whole, "principals.list")
        self.assert_error("forbidden", self.by, narrow, "principals.list")
        self.assert_error("forbidden", self.by, placed, "principals.list")
        self.c.call("principals.create", id="bob")
        self.by(placed, "principals.disable", id="bob")
        self.assert_error("forbidden", self.by, placed, "principals.disable", id="alice")

    def test_a_caller_gives_only_what_it_has(self):
        self.alice("boss")
        _, boss = self.key()
        self.c.call("principals.create", id="bob")
        self.by(boss, "assignments.create", principal="bob", role="viewer")
        self.by(boss, "assignments.create", principal="bob", role="keeper", at=["api:/loans/7"])
        for role in ("clerk", "granter"):
            with self.subTest(role):
                for who in ("bob", "alice"):
                    self.assert_error(
                        "forbidden", self.by, boss, "assignments.create", principal=who, role=role)
        # alice cannot give what only bob holds, and needs `issue` to make a key for bob.
        self.by(boss, "keys.create", principal="bob")
        self.c.call("assignments.create", principal="bob", role="clerk")
        self.assert_error("forbidden", self.by, boss, "keys.create", principal="bob")
        self.by(boss, "keys.create", principal="bob", scopes=["loans:read"])
        # A key may shorten its own life, but not prolong it.
        own, short = self.key(expires_in="1h")
        self.assert_error("forbidden", self.by, short, "keys.update", id=own, expires_at=None)
        self.by(boss, "keys.update", id=own, expires_at=None)

    def test_a_later_gain_counts_as_a_gain(self):
        self.alice("boss")
        _, boss = self.key()
        now = int(time.time())
        for id, role in (("bob", "clerk"), ("eve", "frozen"), ("ann", "frozen")):
            self.c.call("principals.create", id=id)
            self.c.call("assignments.create", principal=id, role=role, until=now + 3600)
        self.c.call("assignments.create", principal="ann", role="clerk")

        def give(id, **params):
            self.by(boss, "assignments.create", principal=id, role="clerk", at=["api:/loans"],
                    **params)
        # A role held for an hour cannot be given for longer, or for ever.
        for until in ({}, {"until": now + 7200}):
            self.assert_error("forbidden", give, "bob", **until)
        give("bob", until=now + 1800)
        # A denial for an hour does not hide what is allowed when it has ended.
        self.assert_error("forbidden", give, "eve")
        self.assert_error("forbidden", self.by, boss, "keys.create", principal="ann")
        # A principal that is denied something for an hour may still create keys for itself.
        self.c.call("assignments.create", principal="alice", role="frozen", until=now + 3600)
        self.by(boss, "keys.create", principal="alice")

    def test_no_call_yields_or_revives_a_secret_that_opens_more(self):
        self.alice("boss")
        _, boss = self.key()

        def key():
            return self.key(roles=["clerk"], networks=["10.0.0.0/8"], expires_in="1d",
                            rotate_every="30d")[0]
        calls = {
            "keys.rotate": {}, "keys.rollback": {}, "keys.prolong": {"overlap": "2d"},
            "keys.enable": {}, "keys.restore": {}, "keys.update": {"expires_at": None},
            "keys.update#": {"networks": None}, "keys.update##": {"rotate_every": "90d"},
            "keys.update###": {"rotate_every": None},
        }
        before = {"keys.rollback": "keys.rotate", "keys.prolong": "keys.rotate",
                  "keys.enable": "keys.disable", "keys.restore": "keys.delete"}
        for call, params in calls.items():
            with self.subTest(call):
                id = key()
                if call in before:
                    self.c.call(before[call], id=id)
                self.assert_error(
                    "forbidden", self.by, boss, call.rstrip("#"), id=id, **params)
        # A caller may manage keys that allow no more than its own, and may end any key.
        id, _ = self.key(roles=["viewer"])
        for call in ("keys.rotate", "keys.rollback", "keys.disable", "keys.enable"):
            self.by(boss, call, id=id)
        id = key()
        self.c.call("keys.rotate", id=id)
        for call in ("keys.finish", "keys.disable", "keys.revoke"):
            self.by(boss, call, id=id)

    def test_an_enabled_principal_gains_all_that_it_holds(self):
        self.alice("boss")
        _, boss = self.key()
        for id, role in (("bob", "viewer"), ("eve", "clerk")):
            self.c.call("principals.create", id=id)
            self.c.call("assignments.create", principal=id, role=role)
        for method, params in (("principals.enable", {}),
                               ("principals.update", {"api_access": True})):
            with self.subTest(method):
                for id in ("bob", "eve"):
                    self.by(boss, "principals.disable", id=id)
                    self.by(boss, "principals.update", id=id, api_access=False)
                self.by(boss, method, id="bob", **params)
                self.assert_error("forbidden", self.by, boss, method, id="eve", **params)

    def test_with_grant_a_caller_gives_what_it_does_not_hold_but_not_to_itself(self):
        self.alice("granter")
        _, token = self.key()
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", principal="bob", role="clerk")
        self.assert_error("forbidden", self.by, token, "keys.create", principal="bob")
        # Each new secret is received by the caller.
        for params in ({"principal": "bob", "scopes": ["loans:write"]}, {"scopes": ["loans:write"]},
                       {"roles": ["clerk"]}):
            with self.subTest(params):
                self.assert_error("forbidden", self.by, token, "keys.create", **params)
        theirs, _ = self.key(scopes=["loans:read"])
        self.by(token, "keys.update", id=theirs, scopes=["loans:write"])
        own = self.by(token, "keys.create", scopes=["keys:manage"])["id"]
        self.assert_error("forbidden", self.by, token, "keys.update", id=own, scopes=["loans:write"])
        narrow = self.c.call("keys.create", scopes=["team"])["secret"]
        self.by(narrow, "assignments.create", principal="bob", role="granter")

    def test_grant_on_one_scope_hands_out_no_other(self):
        self.c.call("principals.create", id="alice")
        self.c.call("assignments.create", principal="alice", role="granter",
                    at=["authz:/keys", "authz:/grants/scopes/loans:read"])
        _, token = self.key()
        theirs, _ = self.key(scopes=["keys:manage"])
        self.by(token, "keys.update", id=theirs, scopes=["loans:read"])
        for scopes in (["loans:write"], ["loans:read", "loans:write"]):
            with self.subTest(scopes):
                self.assert_error("forbidden", self.by, token, "keys.update", id=theirs, scopes=scopes)

    def test_every_token_that_is_not_accepted_is_refused_alike(self):
        self.alice("boss")
        tokens = {"malformed": "x"}
        id, tokens["unknown"] = self.key()
        tokens["unknown"] = tokens["unknown"][:-8] + "AAAAAAAA"
        for switch in ("revoke", "disable"):
            id, tokens[switch] = self.key()
            self.c.call(f"keys.{switch}", id=id)
        _, tokens["environment"] = self.key(environment="test")
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", principal="bob", role="boss")
        _, tokens["principal"] = self.key(principal="bob")
        self.c.call("principals.disable", id="bob")
        said = {}
        for name, token in tokens.items():
            said[name] = self.assert_error("forbidden", self.by, token, "keys.list").message
        self.assertEqual(set(said.values()), {"the token is not accepted"}, said)

    def test_some_methods_are_never_for_a_token(self):
        self.alice("boss")
        _, boss = self.key()
        for method, params in [("status", {}), ("policy.status", {}), ("policy.reload", {})]:
            with self.subTest(method):
                self.assert_error("forbidden", self.by, boss, method, **params)


class Sockets(ActorTest):
    def test_a_peer_without_rights_manages_only_by_a_token(self):
        self.alice("boss")
        _, boss = self.key()
        other = self.stranger()
        self.assert_error("forbidden", other.call, "keys.list")
        self.assertEqual(len(other.call("keys.list", token=boss)["items"]), 1)


class Stack(ActorTest):
    policy = POLICY + """
stack authz { account required mfa max_age=1h }
"""

    def test_its_account_lines_hold_for_tokens_and_not_for_peers(self):
        self.alice("boss")
        _, boss = self.key()
        self.assert_error("forbidden", self.by, boss, "keys.list")
        self.assertEqual(len(self.c.call("keys.list")["items"]), 1)


if __name__ == "__main__":
    unittest.main()

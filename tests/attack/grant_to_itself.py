# SPDX-License-Identifier: Apache-2.0
"""Gives itself with `grant` what it does not hold: by a key whose secret it receives.

A granter may make keys, may make keys for others, and has `grant` on every role and scope, but holds
none of what these allow. It hands out to others; nothing of that may come back to it.
"""

import os
import unittest

import attack
import people

POLICY = """\
tree api { /loans { list GET, /{loan} { read GET, update PUT } }
    /health { GET } }
role anyone { allow GET on api:/health }
scope write { allow all on api:/loans/** }
scope health { allow GET on api:/health }
scope granting {
    allow all on authz:/keys/**
    allow grant on authz:/grants/scopes/{scope}
}
role viewer { allow GET on api:/loans/** }
role empty { allow GET on api:/health }
role assigner {
    allow create on authz:/assignments
    allow grant on authz:/grants/roles/{role}
}
role maker { allow create on authz:/keys }
role rotator { allow rotate on authz:/keys/{key} }
role granter {
    allow all on authz:/keys/**, authz:/principals/**, authz:/assignments
    allow grant on authz:/grants/roles/{role}, authz:/grants/scopes/{scope}
}
role chief inherits granter { allow all on api:/loans/** }
"""


class GrantToItself(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        for id in ("granter", "bob", "eve"):
            self.c.call("principals.create", id=id)
        self.c.call("assignments.create", principal="granter", role="granter")
        self.c.call("assignments.create", principal="bob", role="viewer")
        self.token = self.c.call("keys.create", principal="granter")["secret"]

    def by(self, method, token=None, **params):
        return self.c.call(method, token=token or self.token, **params)

    def no(self, what, method, token=None, **params):
        self.refused(what, "forbidden", lambda: self.by(method, token, **params))

    def key(self, token=None, **params):
        """A key that allows nothing, or what is said, whose secret the granter receives."""
        return self.by("keys.create", token, **(params or {"roles": ["empty"]}))

    def test_no_key_is_made_for_what_is_only_granted(self):
        self.no("makes a key of a role", "keys.create", roles=["viewer"])
        self.no("makes a key of a scope", "keys.create", scopes=["write"])
        self.no("makes a key for another who holds it", "keys.create", principal="bob")
        id = self.c.call("keys.create", roles=["viewer"])["id"]
        for params in ({}, {"mode": "confirm"}, {"mode": "immediate"}):
            self.no(f"rotates a key of others: {params}", "keys.rotate", id=id, **params)
        # To others it grants.
        self.by("assignments.create", principal="eve", role="viewer")
        other = self.c.call("keys.create", principal="eve", scopes=["health"])["id"]
        self.by("keys.update", id=other, scopes=["write"])

    def test_a_key_that_it_made_before_gets_nothing_later(self):
        id = self.key(scopes=["health"])["id"]
        self.no("adds a scope to its own key", "keys.update", id=id, scopes=["write"])
        self.by("keys.disable", id=id)
        self.no("adds a scope to it while it is disabled", "keys.update", id=id, scopes=["write"])
        self.c.call("keys.update", id=id, scopes=["write"])
        self.no("enables it after others added the scope", "keys.enable", id=id)
        self.by("keys.delete", id=id)
        self.no("restores it", "keys.restore", id=id)

    def test_a_key_that_it_rotated_gets_nothing_later(self):
        for mode in ("overlap", "immediate", "confirm"):
            id = self.c.call("keys.create", scopes=["health"])["id"]
            self.by("keys.rotate", id=id, mode=mode)
            self.no(f"adds a scope to a key that it rotated in mode {mode}", "keys.update", id=id,
                    scopes=["write"])
        # Rotated by others since, it is not its own any more.
        self.c.call("keys.rotate", id=id, mode="immediate", finish_old=True)
        self.by("keys.update", id=id, scopes=["write"])
        # A former secret that lives, or lives again, still counts.
        id = self.key(scopes=["health"])["id"]
        self.c.call("keys.rotate", id=id)
        self.no("adds a scope while its secret retires", "keys.update", id=id, scopes=["write"])
        self.c.call("keys.rollback", id=id)
        self.no("adds a scope after the rotation was rolled back", "keys.update", id=id,
                scopes=["write"])

    def test_a_puppet_gets_nothing(self):
        self.by("principals.create", id="puppet")
        id = self.key(principal="puppet")["id"]
        self.no("gives a role to a principal whose key it made", "assignments.create",
                principal="puppet", role="viewer")
        for method in ("keys.disable", "keys.delete"):
            self.by(method, id=id)
            self.no(f"gives the role after {method}", "assignments.create", principal="puppet",
                    role="viewer")
        self.by("keys.revoke", id=self.by("keys.restore", id=id)["id"])
        self.by("assignments.create", principal="puppet", role="viewer")
        self.no("makes the puppet's key after the role", "keys.create", principal="puppet")

    def test_a_puppet_whose_keys_rotate_each_other_gets_nothing(self):
        self.by("principals.create", id="puppet")
        first, second = self.key(principal="puppet"), self.key(principal="puppet")
        self.by("assignments.create", principal="puppet", role="rotator")
        second = self.by("keys.rotate", first["secret"], id=second["id"], mode="immediate")
        self.by("keys.rotate", second["secret"], id=first["id"], mode="immediate")
        self.no("gives a role to a puppet whose two keys rotated each other", "assignments.create",
                principal="puppet", role="viewer")

    def test_a_key_of_a_puppet_that_its_other_key_made_counts_when_that_one_is_rotated(self):
        self.by("principals.create", id="puppet")
        first = self.key(principal="puppet")
        self.c.call("assignments.create", principal="puppet", role="maker")
        self.key(first["secret"], principal="puppet")
        self.c.call("keys.rotate", id=first["id"], mode="immediate")
        self.no("gives a role to a puppet whose first key is not its own any more, but the second",
                "assignments.create", principal="puppet", role="viewer")

    def test_a_child_gives_nothing_to_its_maker(self):
        maker = self.c.call("keys.create", scopes=["health", "granting"])
        child = self.key(maker["secret"], scopes=["granting"])
        self.no("the child adds a scope to the key that made it", "keys.update", child["secret"],
                id=maker["id"], scopes=["write", "granting"])
        twin = self.key(maker["secret"], scopes=["health"])
        self.no("the child adds a scope to another child", "keys.update", child["secret"],
                id=twin["id"], scopes=["write"])
        grandchild = self.key(child["secret"], scopes=["granting"])
        self.no("the child's child does", "keys.update", grandchild["secret"], id=twin["id"],
                scopes=["write"])

    def purge(self, id):
        """Removes the record of a key, as the daemon does 30 days after a key was deleted."""
        self.c.call("keys.delete", id=id)
        self.c.call("keys.purge", id=id)

    def granter(self):
        """(id, secret) of another key of the principal granter."""
        key = self.c.call("keys.create", principal="granter")
        return key["id"], key["secret"]

    def test_a_purged_key_leaves_its_puppet_to_its_principal(self):
        id, token = self.granter()
        puppet = self.key(token, scopes=["health"])["id"]
        self.purge(id)
        self.no("adds a scope to a key that its purged key made", "keys.update", id=puppet,
                scopes=["write"])
        rotated = self.c.call("keys.create", scopes=["health"])["id"]
        id, token = self.granter()
        self.by("keys.rotate", token, id=rotated, mode="immediate")
        self.purge(id)
        self.no("adds a scope to a key that its purged key rotated", "keys.update", id=rotated,
                scopes=["write"])
        # To a key that neither made it still grants.
        other = self.c.call("keys.create", scopes=["health"])["id"]
        self.by("keys.update", id=other, scopes=["write"])

    def test_the_child_of_a_purged_key_gives_nothing_to_that_keys_principal(self):
        id, token = self.granter()
        child = self.key(token, roles=["assigner"])["secret"]
        self.purge(id)
        self.no("the child of a purged key gives a role to that key's principal",
                "assignments.create", child, principal="granter", role="viewer")
        self.by("assignments.create", child, principal="eve", role="viewer")

    def test_a_chain_keeps_the_principals_of_all_its_purged_keys(self):
        purged, token = [], None
        for _ in range(3):
            maker, token = self.granter() if token is None else (child["id"], child["secret"])
            purged.append(maker)
            child = self.key(token, roles=["maker", "assigner"])
        for maker in purged:
            self.purge(maker)
        self.no("the last of a chain whose other keys are purged gives a role to the first one's "
                "principal", "assignments.create", child["secret"], principal="granter",
                role="viewer")
        self.by("assignments.create", child["secret"], principal="eve", role="viewer")

    def test_no_chain_is_too_long(self):
        maker = self.c.call("keys.create", scopes=["health", "granting"])
        token = maker["secret"]
        for _ in range(70):
            token = self.key(token, scopes=["granting"])["secret"]
        self.no("the last of 70 keys adds a scope to the one that made the first", "keys.update", token,
                id=maker["id"], scopes=["write", "granting"])

    def test_a_third_key_that_made_both_and_holds_it_does_not_stand_in_the_way(self):
        self.c.call("principals.create", id="chief")
        self.c.call("assignments.create", principal="chief", role="chief")
        chief = self.c.call("keys.create", principal="chief")["secret"]
        granter = self.key(chief, principal="granter")["secret"]
        self.key(chief, principal="eve")
        self.by("assignments.create", granter, principal="eve", role="viewer")


class PeerAttack(attack.Attack):
    LINES = ""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.d = self.daemon({"a.policy": POLICY}, *self.configured(self.LINES))
        self.c = self.d.client()
        os.chmod(self.d.folder, 0o711)
        os.chmod(self.d.socket, 0o666)
        with people.as_user():
            self.peer = self.d.client()

    def no(self, what, method, **params):
        return self.refused(what, "forbidden", lambda: self.peer.call(method, **params))


class Everything(PeerAttack):
    LINES = "manage user daemon authz:/** all\n"

    def test_a_peer_that_may_do_everything_gives_what_it_likes_and_its_tokens_do_not(self):
        call = self.peer.call
        call("principals.create", id="bob")
        call("keys.create", roles=["viewer"])
        call("keys.create", scopes=["write"])
        id = call("keys.create", principal="bob")["id"]
        call("assignments.create", principal="bob", role="viewer")
        call("keys.rotate", id=id)
        call("roles.create", name="helper", grants=["allow GET on api:/loans/**"])
        # It gains nothing by what a token gives that it made, so such a token grants.
        token = call("keys.create", roles=["assigner"])["secret"]
        call("principals.create", id="eve")
        call("keys.create", principal="eve")
        call("assignments.create", principal="eve", role="viewer", token=token)
        self.no("a token of such a peer makes a key of a role", "keys.create", roles=["viewer"],
                token=token)
        self.no("such a peer renews the pepper", "pepper.rotate")


class Nearly(PeerAttack):
    LINES = """\
manage user daemon authz:/** list,create,read,update,disable,enable,rotate,revoke,delete,restore
manage user daemon authz:/keys/** all
"""

    def test_a_peer_that_may_do_less_does_not(self):
        error = self.no("a manager of all but `issue` and `grant` makes a key of a role",
                        "keys.create", roles=["viewer"])
        self.assertIn("`authz:/** all`", error["message"])


class Peer(PeerAttack):
    LINES = """\
manage user daemon authz:/keys/** list,create,update,rotate
manage user daemon authz:/principals/** create,issue
manage user daemon authz:/assignments create
manage user daemon authz:/grants/** grant
"""

    def test_nor_does_a_peer_without_a_token(self):
        self.c.call("principals.create", id="bob")
        self.c.call("assignments.create", principal="bob", role="viewer")
        self.no("a manager makes a key of a role", "keys.create", roles=["viewer"])
        self.no("a manager makes a key of a scope", "keys.create", scopes=["write"])
        self.no("a manager makes a key for another", "keys.create", principal="bob")
        self.no("a manager imports a token of its own", "keys.import", hash="07" * 32, roles=["viewer"])
        self.peer.call("principals.create", id="puppet")
        self.peer.call("keys.create", principal="puppet")
        self.no("a manager gives a role to its puppet", "assignments.create", principal="puppet",
                role="viewer")
        self.c.call("principals.create", id="eve")
        self.c.call("keys.create", principal="eve")
        self.peer.call("assignments.create", principal="eve", role="viewer")

    def test_nor_does_a_peer_with_a_token_that_it_made(self):
        self.peer.call("principals.create", id="puppet")
        puppet = self.peer.call("keys.create", principal="puppet")
        token = self.peer.call("keys.create", roles=["assigner"])["secret"]
        self.no("a manager gives a role to its puppet by a key that it made", "assignments.create",
                principal="puppet", role="viewer", token=token)
        self.peer.call("principals.create", id="agent")
        self.c.call("assignments.create", principal="agent", role="assigner")
        token = self.peer.call("keys.create", principal="agent")["secret"]
        self.no("a manager does it by the key of another principal", "assignments.create",
                principal="puppet", role="viewer", token=token)
        # Made by root, the token is not the manager's; made by root, eve's key is not either.
        other = self.c.call("keys.create", roles=["assigner"])["secret"]
        self.c.call("principals.create", id="eve")
        self.c.call("keys.create", principal="eve")
        self.c.call("assignments.create", principal="eve", role="viewer", token=other)
        self.c.call("keys.rotate", id=puppet["id"], mode="immediate", finish_old=True)
        self.peer.call("assignments.create", principal="puppet", role="viewer", token=token)


if __name__ == "__main__":
    unittest.main()

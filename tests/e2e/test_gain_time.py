# SPDX-License-Identifier: Apache-2.0
"""No sequence of calls gives any credential more than the actor had, now or at any later time.

Each world of gain_world.py is random: principals and keys with ends, places, networks, conditions and denials,
and an actor with a token, some rights of it lent until a time, some only to be granted. Two daemons get the same
world. On one the actor makes random calls, with its own token, in some worlds as its principal without one or as a
peer that `manage` lines name, and with each secret that it received. On the other nobody does anything; it says
what each credential may do at each time. The clocks of both move on together, and what everybody may do is found
by real decisions.

AUTHZ_TEST_SEED repeats a run, AUTHZ_TEST_CALLS makes a longer one.
"""

import collections
import hashlib
import os
import random
import unittest

import harness
from gain_world import (ALLOWS, API, BRANCHES, DAYS, GRANTS, HELD, LIBRARY, MANAGED, MANAGER, NETWORKS, PLACES,
                        PRINCIPAL, ROLES, SCOPES, STRANGER, World)

# Methods that answer with a secret take a request_id.
SECRET = ("keys.create", "keys.rotate", "keys.renew")


class Actor:
    """Makes random calls with its token, perhaps as its principal, and with each secret received."""

    def __init__(self, world, rnd):
        self.world, self.rnd = world, rnd
        self.received = set() if world.kind == "manager" else {0}  # numbers of keys
        self.dead = set()    # those that were not accepted on this day
        self.weak = set()    # those that were not allowed to manage something
        self.done, self.refused, self.calls = [], 0, 0
        self.by = collections.Counter()  # of those that were done
        self.asked = []      # (method, params) with a request_id

    def role(self):
        return self.rnd.choice([self.rnd.choice(HELD), self.rnd.choice(self.world.likely),
                                self.rnd.choice(["viewer", "clerk", "made"])])

    def scopes(self):
        rnd = self.rnd
        return rnd.choice([["manage"], ["manage", rnd.choice([*SCOPES])], [rnd.choice([*SCOPES])]])

    def key(self):
        """The id of any key, or of one that was received."""
        ids, rnd = self.world.ids, self.rnd
        # A peer that manages does so in each tenant.
        if self.world.kind != "manager" and rnd.random() < 0.03:
            return self.world.stranger["id"]
        return rnd.choice([rnd.choice(ids), ids[rnd.choice(sorted(self.received) or range(len(ids)))]])

    def ends(self, name):
        world, rnd = self.world, self.rnd
        return rnd.choice([{}, {name: world.until(rnd.randrange(DAYS))},
                           {name: world.until(rnd.randrange(DAYS))}])

    def on_keys(self):
        world, rnd = self.world, self.rnd
        who, id, number = rnd.choice(world.people), self.key(), rnd.randrange(4)
        roles, scopes = sorted({self.role() for _ in range(rnd.randint(1, 2))}), self.scopes()
        at = rnd.choice([{}, {}, {"at": rnd.choice(PLACES)}, {"at": MANAGED}])
        bound = [{"principal": who}, {"principal": who, "scopes": scopes}, {"roles": roles},
                 {"scopes": scopes}][number]
        return rnd.choice([
            ("keys.create", {**bound, **at, **self.ends("expires_at")}),
            ("keys.create", {**bound, **self.ends("expires_at")}),
            ("keys.update", {"id": id, "scopes": scopes}),
            ("keys.update", {"id": self.key(), "scopes": scopes}),
            ("keys.update", {"id": id, "expires_at": None}),
            ("keys.update", {"id": id, **(self.ends("expires_at") or {"name": "x"})}),
            ("keys.update", {"id": id, "rotate_every": rnd.choice([None, "1d", "30d"])}),
            ("keys.update", {"id": id, "networks": rnd.choice(NETWORKS)}),
            ("keys.create", {**bound, **({"networks": rnd.choice(NETWORKS[:3])})}),
            ("keys.import", {"hash": None, **bound, **at, **rnd.choice([{}, {}, {"dry_run": True}])}),
            ("decisions.try", {"key": id, "action": "GET", "resource": "api:/loans"}),
            ("keys.rotate", {"id": id, "finish_old": True}),
            ("keys.rotate", {"id": id, "finish_old": True, "overlap": "3d"}),
            ("keys.rotate", {"id": id, "mode": "confirm"}),
            (rnd.choice(["keys.disable", "keys.enable", "keys.finish", "keys.rollback", "keys.delete",
                         "keys.restore", "keys.enable", "keys.restore"]), {"id": id}),
            ("keys.prolong", {"id": id, "overlap": "2d"}),
            ("keys.renew", {}),
        ])

    def on_others(self):
        world, rnd = self.world, self.rnd
        who, role, name = rnd.choice(world.people), self.role(), rnd.choice(["mine", "made"])
        at = rnd.choice([{}, {"at": rnd.choice(PLACES)}])
        grant = rnd.choice([*ROLES.values(), "allow all on api:/**", "deny PUT on api:/loans/**",
                            "allow PUT on api:/loans/** when context.amount < 301 or principal.branch is south"])
        dry = rnd.choice([{}, {}, {"dry_run": True}])
        return rnd.choice([
            ("assignments.create", {"principal": who, "role": role, **at, **self.ends("until")}),
            ("assignments.create", {"principal": who, "role": role, **self.ends("until")}),
            ("assignments.create", {"principal": who, "role": role, **at}),
            ("assignments.delete", {"principal": who, "role": role}),
            ("assignments.create", {"everyone": True, "role": role, **at, **self.ends("until")}),
            ("assignments.create", {"anyone": True, "role": self.role(), "at": rnd.choice(PLACES),
                                    **self.ends("until")}),
            ("assignments.delete", {rnd.choice(["everyone", "anyone"]): True,
                                    "role": rnd.choice([role, "frozen", "shy"])}),
            ("principals.disable", {"id": who}), ("principals.enable", {"id": who}),
            ("principals.update", {"id": who, "api_access": rnd.random() < 0.7}),
            ("principals.update", {"id": who, "attributes": rnd.choice(BRANCHES)}),
            ("principals.create", {"id": f"n{len(world.people)}", "attributes": rnd.choice(BRANCHES),
                                   "kind": rnd.choice(["user", "service"])}),
            ("principals.delete", {"id": rnd.choice(world.people)}),
            ("roles.create", {"name": "mine", "grants": [grant], **dry}),
            ("roles.create", {"name": "mine", "inherits": [self.role()], **dry}),
            ("roles.update", {"name": name, "grants": [grant], **dry}),
            ("roles.update", {"name": name, "inherits": [self.role()], **dry}),
            ("roles.delete", {"name": name}),
        ])

    def ends_the_test(self, method, params):
        """The actor's own key and principal go on, or there would be little to see."""
        world = self.world
        return (params.get("id") in (world.ids[0], "actor") and (method in (
            "keys.disable", "keys.delete", "keys.rotate", "principals.disable", "principals.delete")
            or not params.get("api_access", True))) or (method == "principals.delete" and len(world.people) > 3
                                      and params["id"] in world.people[:4])

    def on_grants(self):
        """What may be granted, to somebody whose secret was received or not."""
        world, rnd = self.world, self.rnd
        who, id = rnd.choice(world.people), self.key()
        return rnd.choice([
            ("assignments.create", {"principal": who, "role": rnd.choice(["viewer", "clerk", "made"]),
                                    **self.ends("until")}),
            ("assignments.create", {"principal": who, "role": rnd.choice([*ROLES])}),
            ("assignments.create", {"everyone": True, "role": "viewer"}),
            ("keys.update", {"id": id, "scopes": [rnd.choice(["write", "read", "manage"])]}),
            ("keys.update", {"id": id, "scopes": ["manage", "write"]}),
            ("keys.create", {"principal": who}),
            ("keys.create", {"scopes": ["manage"]}),
            ("keys.rotate", {"id": id, "finish_old": True}),
            ("principals.create", {"id": f"n{len(world.people)}"}),
        ])

    def caller(self):
        """PRINCIPAL, MANAGER, the number of a key that was received, or None: nothing is accepted any more."""
        rnd, kind, live = self.rnd, self.world.kind, sorted(self.received - self.dead)
        if kind == "principal" and rnd.random() < 0.4:
            return PRINCIPAL
        if kind == "manager" and (not live or rnd.random() < 0.6):
            return MANAGER
        if not live:
            return None
        able = [number for number in live if number not in self.weak] or live
        return rnd.choice([live[0], rnd.choice(able), rnd.choice(able), rnd.choice(live)])

    def sent(self, method, params):
        """The call with what most calls may have beside their own parameters, or one that was made before."""
        rnd = self.rnd
        if self.asked and rnd.random() < 0.05:
            return rnd.choice(self.asked)
        if method in SECRET and rnd.random() < 0.3:
            params = {**params, "request_id": rnd.randbytes(16).hex()}
            self.asked.append((method, params))
        if rnd.random() < 0.03:
            params = {**params, "everywhere": True}
        if self.world.kind != "manager" and rnd.random() < 0.03 and method.endswith(".create"):
            params = {**params, "tenant": rnd.choice(["default", "acme"])}
        return method, params

    def receive(self, method, result, secret):
        """Notes a key whose secret the actor has by now."""
        world = self.world
        if result["id"] not in world.ids:
            assert method in ("keys.create", "keys.import"), (method, result)
            world.ids.append(result["id"])
            world.secrets.append(secret)
        number = world.ids.index(result["id"])
        self.weak.discard(number)
        world.secrets[number] = secret
        self.received.add(number)

    def step(self):
        world, by = self.world, self.caller()
        method, params = self.sent(*self.rnd.choice([self.on_keys, self.on_others, self.on_grants])())
        # Only a key is renewed, by its holder.
        if by is None or self.ends_the_test(method, params) or (by < 0 and method == "keys.renew"):
            return
        caller = {PRINCIPAL: {"impersonate": "actor"}, MANAGER: {}}.get(by) if by < 0 else {"token": world.secrets[by]}
        secret = None
        if method == "keys.import":
            secret = f"theirs-{self.rnd.randbytes(16).hex()}"
            params = {**params, "hash": hashlib.sha256(secret.encode()).hexdigest()}
        self.calls += 1
        try:
            result = (world.manager if by == MANAGER else world.c).call(method, **caller, **params)
        except harness.Error as error:
            assert error.code not in ("internal", "unknown_method"), (method, params, error)
            self.refused += error.code == "forbidden"
            if "is not accepted" in error.message:
                self.dead.add(by)
            if "the token may not" in error.message:
                self.weak.add(by)
            return
        self.by[by] += 1
        self.done.append((by, method, params))
        assert not (params.get("dry_run") and "secret" in result), result
        if method == "principals.create":
            world.people.append(params["id"])
        if "secret" in result or (method == "keys.import" and not params.get("dry_run")):
            self.receive(method, result, result.get("secret", secret))


@unittest.skipUnless(LIBRARY, "a sanitizer wants to be loaded first itself")
class GainTime(harness.DaemonTest):
    def limits(self, calm, actor):
        """What each credential may do at most at this time."""
        world = actor.world
        own = world.lines_give if world.kind == "manager" else (
            calm[0] | calm["actor"] if world.kind == "principal" else calm[0])
        granted = set().union(*(ALLOWS[where.split("/")[-1]] for verb, where in own & GRANTS))
        limits = {STRANGER: calm[STRANGER]}
        for who in [*world.people, *range(len(world.ids))]:
            if who in actor.received:
                limits[who] = own
            elif who == world.principal:
                limits[who] = calm[who]
            elif who == 1 and world.principal:
                limits[who] = calm[who] | own  # the other key of its principal
            else:
                limits[who] = calm.get(who, calm["fresh"] if isinstance(who, str) else set())
                limits[who] = limits[who] | own | granted
        return limits

    def compare(self, calm, actor, about):
        limits = self.limits(calm, actor)
        for who, may in actor.world.all_may().items():
            extra = may - limits[who] - {("GET", "api:/health")}
            self.assertFalse(extra, f"{about}: {who} gains {extra} by {actor.done}")

    def run_world(self, seed, calls):
        tried, calm = World(self, seed), World(self, seed)
        actor = Actor(tried, random.Random(seed))
        for day in range(DAYS):
            calm.go_to(day)
            tried.go_to(day)
            may = calm.all_may()
            actor.dead.clear()
            about = f"AUTHZ_TEST_SEED={seed}, day {day}"
            self.compare(may, actor, about + " before")
            for _ in range(calls // DAYS):
                actor.step()
            self.compare(may, actor, about)
        for world in (tried, calm):
            world.daemon.finish()
        return actor

    def test_nobody_gains_as_time_passes(self):
        first = int(os.environ.get("AUTHZ_TEST_SEED", "1"))
        most = int(os.environ.get("AUTHZ_TEST_CALLS", "6000"))
        calls = done = refused = seed = 0
        by = collections.Counter()
        while calls < most:
            actor = self.run_world(first + seed, 400)
            seed += 1
            calls, done, refused = calls + actor.calls, done + len(actor.done), refused + actor.refused
            by += actor.by
        print(f"# {seed} worlds, {calls} calls: {done} done, {refused} forbidden", flush=True)
        self.assertGreater(done, calls // 50)
        self.assertGreater(by[PRINCIPAL], 0)
        if os.geteuid() == 0:  # another one cannot ask as other users
            self.assertGreater(by[MANAGER], 0)
        self.assertGreater(refused, calls // 10)


if __name__ == "__main__":
    unittest.main()

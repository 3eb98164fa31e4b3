# SPDX-License-Identifier: Apache-2.0
"""No sequence of calls gives any credential more than the actor had, now or at any later time.

Each world is random: principals and keys with ends, places and denials, and an actor with a token, some
rights of it lent until a time, some only to be granted. Two daemons get the same world. On one the
actor makes random calls, with its own token, in some worlds as its principal without one, and with each
secret that it received. On the other
nobody does anything; it says what each credential may do at each time. The clocks of both move on
together, and what everybody may do is found by real decisions.

AUTHZ_TEST_SEED repeats a run, AUTHZ_TEST_CALLS makes a longer one.
"""

import os
import random
import struct
import time
import unittest

import harness

LIBRARY = os.environ.get("STEP_CLOCK")

# The time moves on by days; everything that ends does so in the middle of one.
DAY = 86400
DAYS = 4

ROLES = {
    "viewer": "allow GET on api:/loans/**",
    "clerk": "allow create on api:/loans",
    "cleaner": "allow delete on api:/loans/{loan}",
    "writer": "allow update on api:/loans/{loan}",
    "frozen": "deny all on api:/loans/{loan}",
    "shy": "deny GET on api:/loans/**",
    "keeper": "allow all on authz:/keys/**, authz:/roles/**",
    "manager": "allow all on authz:/keys/**, authz:/principals/**, authz:/assignments,"
               " authz:/roles/**",
    "giver": "allow grant on authz:/grants/roles/{role}, authz:/grants/scopes/{scope}",
}
SCOPES = {
    "read": "allow GET on api:/loans/**",
    "write": "allow all on api:/loans/** except GET",
    "most": "allow all on api:/loans/**\n    deny delete on api:/loans/{loan}",
    "manage": "allow all on authz:/keys/**, authz:/principals/**, authz:/assignments,"
              " authz:/roles/**\n    allow all on authz:/grants/roles/{role}, authz:/grants/scopes/{scope}",
}
POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, update PUT, delete DELETE } }
    /health { GET }
}
role anyone { allow GET on api:/health }
""" + "".join(f"{kind} {name} {{ {grants} }}\n" for kind, all in (("role", ROLES), ("scope", SCOPES))
              for name, grants in all.items())

MANAGED = ["authz:/keys", "authz:/principals", "authz:/assignments", "authz:/roles", "authz:/grants"]
PLACES = [["api:/loans/7"], ["api:/loans/8"], ["api:/loans"]]
GIVEN = [["authz:/grants/roles/viewer", "authz:/grants/roles/clerk"], ["authz:/grants/roles/keeper"],
         ["authz:/grants/roles/made", "authz:/grants/scopes/write"], None]

API = [("GET", "api:/health"), ("GET", "api:/loans"), ("POST", "api:/loans")] + [
    (verb, f"api:/loans/{loan}") for loan in (7, 8, 9) for verb in ("GET", "PUT", "DELETE")]
WORLD = API + [
    ("create", "authz:/keys"), ("rotate", "authz:/keys/x"), ("create", "authz:/assignments"),
    ("issue", "authz:/principals/x"), ("update", "authz:/roles/x")] + [
    ("grant", f"authz:/grants/roles/{role}") for role in [*ROLES, "made"]] + [
    ("grant", f"authz:/grants/scopes/{scope}") for scope in SCOPES]

LOANS = {asked for asked in API if asked[1].startswith("api:/loans/")}
GETS = {asked for asked in API if asked[0] == "GET" and asked[1] != "api:/health"}
KEYS = {asked for asked in WORLD if asked[1].startswith("authz:/keys")}
MANAGES = {asked for asked in WORLD if asked[1].startswith("authz:/") and asked[0] != "grant"}
GRANTS = {asked for asked in WORLD if asked[0] == "grant"}

# What each role or scope allows, written by hand.
ALLOWS = {
    "viewer": GETS, "clerk": {("POST", "api:/loans")},
    "cleaner": {asked for asked in LOANS if asked[0] == "DELETE"},
    "writer": {asked for asked in LOANS if asked[0] == "PUT"},
    "frozen": set(), "shy": set(),
    "keeper": KEYS | {("update", "authz:/roles/x")}, "manager": MANAGES,
    "giver": GRANTS,
    "read": GETS, "write": {asked for asked in API if asked[0] != "GET"},
    "most": {asked for asked in API if asked[1] != "api:/health" and asked[0] != "DELETE"},
    "manage": MANAGES | GRANTS,
    "made": {asked for asked in LOANS if asked[0] == "DELETE"},
}

# The caller, if it is the principal itself; else the number of its key.
PRINCIPAL = -1

# What calls may name. "mine" is a role that the actor may make.
HELD = [*ROLES, "made", "mine"]


class World:
    """A daemon with a clock of its own, and the world that a seed makes."""

    def __init__(self, test, seed):
        self.daemon = harness.Daemon({"a.policy": POLICY}, start=False)
        test.addCleanup(self.daemon.finish)
        self.added = self.daemon.folder / "added"
        self.added.write_bytes(struct.pack("=q", 0))
        self.daemon.prefix = ["env", f"LD_PRELOAD={LIBRARY}", f"STEP_CLOCK_FILE={self.added}"]
        path = self.daemon.folder / "authzd.conf"
        path.write_text(harness.may_impersonate())
        self.daemon.start("--config", str(path))
        self.c = self.daemon.client()
        self.people = []
        self.ids = []      # of keys, in the order of their creation; the first is the actor's
        self.secrets = []  # one for each of them
        self.fill(random.Random(seed))

    def until(self, day):
        """A time in the middle of a day."""
        return self.begun + day * DAY + DAY // 2

    def may_end(self, rnd, often):
        return {"until": self.until(rnd.randrange(DAYS - 1))} if rnd.random() < often else {}

    def person(self, rnd, id, roles, often, places):
        self.c.call("principals.create", id=id)
        self.people.append(id)
        for role in roles:
            at = rnd.choice(GIVEN) if role == "giver" else (
                rnd.choice(PLACES) if rnd.random() < places else None)
            at = {"at": at} if at else {}
            # Without this one an actor does little.
            ends = self.may_end(rnd, often / 2 if role == "manager" else often)
            self.c.call("assignments.create", principal=id, role=role, **at, **ends)

    def key(self, rnd, often=0.4, **params):
        until = self.may_end(rnd, often).get("until")
        made = self.c.call("keys.create", **params, **({"expires_at": until} if until else {}))
        self.ids.append(made["id"])
        self.secrets.append(made["secret"])

    def fill(self, rnd):
        self.begun = int(time.time())
        self.c.call("roles.create", name="made", grants=["allow delete on api:/loans/{loan}",
                                                         "deny GET on api:/loans"])
        rest = [*ROLES, "made"]
        self.actor(rnd, rest)
        for id in ("alice", "bob", "eve"):
            self.person(rnd, id, rnd.sample(rest, rnd.randint(1, 3)), 0.5, 0.3)
        # One that holds nothing but what all hold, as those do that are made later.
        self.person(rnd, "fresh", [], 0, 0)
        for role in rnd.sample(["viewer", "writer", "frozen", "shy"], rnd.randint(0, 2)):
            self.c.call("assignments.create", everyone=True, role=role, at=rnd.choice(PLACES),
                        **self.may_end(rnd, 0.5))
        for id in ("actor", "alice", "bob"):
            self.key(rnd, principal=id, scopes=rnd.sample([*SCOPES], 2))
        self.key(rnd, principal="eve")
        self.key(rnd, roles=rnd.sample(rest, 2))
        self.key(rnd, scopes=rnd.sample([*SCOPES], 1))
        self.key(rnd, roles=["cleaner"])
        self.c.call("keys.disable", id=self.ids[-1])
        self.c.call("principals.disable", id="eve")

    def actor(self, rnd, rest):
        """The actor and its token: mostly with all that it needs to manage."""
        roles = [role for role, often in (("manager", 0.9), ("keeper", 0.3), ("giver", 0.7))
                 if rnd.random() < often]
        # One that holds little has more to grant.
        roles += rnd.sample(["viewer", "clerk", "cleaner", "writer", "frozen", "shy", "made"],
                            rnd.randint(0, 1 if "giver" in roles else 4))
        self.person(rnd, "actor", roles, 0.4, 0.0)
        self.impersonated = rnd.random() < 0.5
        self.likely = [role for role in roles if role != "giver"] or ["viewer"]
        self.principal = "actor"
        bounds = rnd.choice([{}, {}, {}, {"scopes": ["manage", "read"]}, {"scopes": ["manage", "most"]},
                             {"at": ["api:/loans/7", *MANAGED]}, {"roles": roles or ["keeper"]},
                             {"scopes": ["manage", "write"], "roles": None}])
        if "roles" in bounds:
            self.principal = None
            self.impersonated = False
            bounds = {name: value for name, value in bounds.items() if value}
        else:
            bounds = {**bounds, "principal": "actor"}
        self.key(rnd, 0.3, **bounds)

    def go_to(self, day):
        with open(self.added, "r+b") as file:
            file.write(struct.pack("=q", day * DAY))

    def may(self, **who):
        results = self.c.call("authorize_many", **who, requests=[
            {"action": verb, "resource": where} for verb, where in WORLD])["results"]
        return {asked for asked, result in zip(WORLD, results) if result["allow"]}

    def all_may(self):
        return {**{id: self.may(principal=id) for id in self.people},
                **{n: self.may(token=secret) for n, secret in enumerate(self.secrets)}}


class Actor:
    """Makes random calls with its token, perhaps as its principal, and with each secret received."""

    def __init__(self, world, rnd):
        self.world, self.rnd = world, rnd
        self.received = {0}  # numbers of keys
        self.dead = set()    # those that were not accepted on this day
        self.weak = set()    # those that were not allowed to manage something
        self.done, self.refused, self.calls = [], 0, 0
        self.by_principal = 0  # of those that were done

    def role(self):
        return self.rnd.choice([self.rnd.choice(HELD), self.rnd.choice(self.world.likely),
                                self.rnd.choice(["viewer", "clerk", "made"])])

    def scopes(self):
        rnd = self.rnd
        return rnd.choice([["manage"], ["manage", rnd.choice([*SCOPES])], [rnd.choice([*SCOPES])]])

    def key(self):
        """The id of any key, or of one that was received."""
        ids, rnd = self.world.ids, self.rnd
        return rnd.choice([rnd.choice(ids), ids[rnd.choice(sorted(self.received))]])

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
        grant = rnd.choice([*ROLES.values(), "allow all on api:/**", "deny PUT on api:/loans/**"])
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
            ("principals.create", {"id": f"n{len(world.people)}"}),
            ("principals.delete", {"id": rnd.choice(world.people)}),
            ("roles.create", {"name": "mine", "grants": [grant]}),
            ("roles.create", {"name": "mine", "inherits": [self.role()]}),
            ("roles.update", {"name": name, "grants": [grant]}),
            ("roles.update", {"name": name, "inherits": [self.role()]}),
            ("roles.delete", {"name": name}),
        ])

    def ends_the_test(self, method, params):
        """The actor's own key and principal go on, or there would be little to see."""
        world = self.world
        return (params.get("id") in (world.ids[0], "actor") and method in (
            "keys.disable", "keys.delete", "keys.rotate", "principals.disable", "principals.delete",
            "principals.update")) or (method == "principals.delete" and len(world.people) > 3
                                      and params["id"] in world.people[:4])

    def on_grants(self):
        """What may be granted, to somebody whose secret was received or not."""
        world, rnd = self.world, self.rnd
        who, id = rnd.choice(world.people), self.key()
        return rnd.choice([
            ("assignments.create", {"principal": who, "role": rnd.choice(["viewer", "clerk", "made"]),
                                    **self.ends("until")}),
            ("assignments.create", {"principal": who, "role": rnd.choice([*ROLES])}),
            ("keys.update", {"id": id, "scopes": [rnd.choice(["write", "read", "manage"])]}),
            ("keys.update", {"id": id, "scopes": ["manage", "write"]}),
            ("keys.create", {"principal": who}),
            ("keys.create", {"scopes": ["manage"]}),
            ("keys.rotate", {"id": id, "finish_old": True}),
            ("principals.create", {"id": f"n{len(world.people)}"}),
        ])

    def step(self):
        world = self.world
        live = sorted(self.received - self.dead)
        method, params = self.rnd.choice([self.on_keys, self.on_others, self.on_grants])()
        if not live or self.ends_the_test(method, params):
            return
        able = [number for number in live if number not in self.weak] or live
        by = self.rnd.choice([live[0], self.rnd.choice(able), self.rnd.choice(able),
                              self.rnd.choice(live)])
        if world.impersonated and self.rnd.random() < 0.4:
            by = PRINCIPAL
        caller = {"impersonate": "actor"} if by == PRINCIPAL else {"token": world.secrets[by]}
        # Only a key is renewed, by its holder.
        if by == PRINCIPAL and method == "keys.renew":
            return
        self.calls += 1
        try:
            result = world.c.call(method, **caller, **params)
        except harness.Error as error:
            assert error.code not in ("internal", "unknown_method"), (method, params, error)
            self.refused += error.code == "forbidden"
            if "is not accepted" in error.message:
                self.dead.add(by)
            if "the token may not" in error.message:
                self.weak.add(by)
            return
        self.by_principal += by == PRINCIPAL
        self.done.append((by, method, params))
        if method == "principals.create":
            world.people.append(params["id"])
        if "secret" in result:
            if method == "keys.create":
                world.ids.append(result["id"])
                world.secrets.append(result["secret"])
            number = world.ids.index(result["id"])
            self.weak.discard(number)
            world.secrets[number] = result["secret"]
            self.received.add(number)


@unittest.skipUnless(LIBRARY, "a sanitizer wants to be loaded first itself")
class GainTime(harness.DaemonTest):
    def limits(self, calm, actor):
        """What each credential may do at most at this time."""
        own = calm[0] | calm["actor"] if actor.world.impersonated else calm[0]
        granted = set().union(*(ALLOWS[where.split("/")[-1]] for verb, where in own & GRANTS))
        limits = {}
        for who in [*actor.world.people, *range(len(actor.world.ids))]:
            if who in actor.received:
                limits[who] = own
            elif who == actor.world.principal:
                limits[who] = calm[who]
            elif who == 1 and actor.world.principal:
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
        most = int(os.environ.get("AUTHZ_TEST_CALLS", "3000"))
        calls = done = refused = seed = by_principal = 0
        while calls < most:
            actor = self.run_world(first + seed, 400)
            seed += 1
            calls, done, refused = calls + actor.calls, done + len(actor.done), refused + actor.refused
            by_principal += actor.by_principal
        print(f"# {seed} worlds, {calls} calls: {done} done, {refused} forbidden", flush=True)
        self.assertGreater(done, calls // 50)
        self.assertGreater(by_principal, 0)
        self.assertGreater(refused, calls // 10)


if __name__ == "__main__":
    unittest.main()

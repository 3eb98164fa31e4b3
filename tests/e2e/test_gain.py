# SPDX-License-Identifier: Apache-2.0
"""No call of an actor lets any credential do more than it or the actor could do before.

The test makes random calls with one token, of all methods that could give permissions. Before and
after, it asks the daemon what each credential may do, for a small set of requests. It computes from
the roles and scopes on which the actor has `grant` what the actor may give without holding it.
The same is true where two hosts share a store: each call goes to one of them, and both say what each
credential may do; at the end both stores are equal. AUTHZ_TEST_SEED repeats a run, AUTHZ_TEST_CALLS makes
a longer one of two hosts.
"""

import os
import random
import unittest

import gain_world
import harness
import share_checks
import shared

# Those without a right to manage.
ROLES = {name: gain_world.ROLES[name] for name in ("viewer", "clerk", "cleaner", "writer", "frozen", "shy")}
SCOPES = {
    "read": "allow GET on api:/loans/**",
    "write": "allow all on api:/loans/** except GET",
    "most": "allow all on api:/loans/**\n    deny delete on api:/loans/{loan}",
    "manage": "allow all on authz:/keys/**, authz:/principals/**, authz:/assignments,"
              " authz:/roles/**",
}
PLACES = [None, ["api:/loans/7"], ["api:/loans/8"], ["api:/loans"]]
MANAGES = ("allow all on authz:/keys/**, authz:/principals/**, authz:/assignments,"
           " authz:/roles/**")

TREE = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, update PUT, delete DELETE
        /payments { list GET } } }
    /health { GET }
}
role anyone { allow GET on api:/health }
"""

WORLD = [("GET", "/health"), ("GET", "/loans"), ("POST", "/loans")] + [
    (method, f"/loans/{loan}") for loan in (7, 8, 9) for method in ("GET", "PUT", "DELETE")] + [
    ("GET", f"/loans/{loan}/payments") for loan in (7, 8, 9)]

# What each role or scope allows, written by hand.
ALLOWS = {
    "viewer": {asked for asked in WORLD if asked[0] == "GET" and asked[1] != "/health"},
    "clerk": {("POST", "/loans")},
    "cleaner": {asked for asked in WORLD if asked[0] == "DELETE"},
    "writer": {asked for asked in WORLD if asked[0] == "PUT"},
    "frozen": set(), "shy": set(),
}
ALLOWS["read"] = ALLOWS["viewer"]
ALLOWS["write"] = ALLOWS["clerk"] | ALLOWS["cleaner"] | ALLOWS["writer"]
ALLOWS["most"] = ALLOWS["read"] | ALLOWS["write"] - ALLOWS["cleaner"]

# Where the actor manages, for keys that apply only at some places.
MANAGED = ["authz:/keys", "authz:/principals", "authz:/assignments", "authz:/roles"]

# The actors: further roles, places of the first role, limits of the key, and what it may grant.
ACTORS = [
    ([], None, {}, []),
    (["viewer"], None, {}, []),
    (["viewer"], ["api:/loans/7"], {}, ["roles/cleaner"]),
    (["viewer"], ["api:/loans/7"], {}, []),
    (["writer", "viewer"], ["api:/loans/7", "api:/loans/8"], {}, []),
    (["viewer", "writer", "clerk"], None, {"scopes": ["read", "manage"]}, []),
    (["viewer", "writer", "clerk"], None, {"at": ["api:/loans/7", *MANAGED]}, []),
    (["viewer", "cleaner"], None, {"at": ["api:/loans/8", *MANAGED],
                                   "scopes": ["most", "manage"]}, []),
    (["viewer", "cleaner", "shy"], None, {}, ["scopes/write", "roles/viewer"]),
    (["frozen", "viewer", "cleaner", "writer"], ["api:/loans/8"], {}, []),
    (["made", "viewer"], None, {}, []),
    (["viewer"], None, {"roles": ["manager", "clerk", "made"]}, []),
    ([], None, {"scopes": ["manage", "read"]}, ["roles/viewer"]),
]
# The principal itself, without a key: those without limits of a key.
IMPERSONATED = [actor for actor in ACTORS if not actor[2]]
STEPS = 150

# What all hold from the beginning, a new principal and the bearer of a new key too.
NEW = {"token": {("GET", "/health"), ("PUT", "/loans/9")}}
NEW["principal"] = NEW["token"] | {("DELETE", "/loans/9")}


def policy():
    return TREE + "".join(
        f"{kind} {name} {{ {grants} }}\n" for kind, all in (("role", ROLES), ("scope", SCOPES))
        for name, grants in all.items())


class Walk:
    """Random calls of an actor, and what they give."""

    def may(self, **who):
        """The requests of the set that are allowed."""
        results = self.c.call("authorize_many", **who, requests=[
            {"method": method, "path": path} for method, path in WORLD])["results"]
        return {asked for asked, result in zip(WORLD, results) if result["allow"]}

    def begin(self, actor, impersonated):
        roles, places, bounds, grants = actor
        extra = "".join(f"\n    allow grant on authz:/grants/{what.split('/')[0]}/*"
                        for what in {grant.split("/")[0] for grant in grants})
        self.c = self.client({"a.policy": policy() + "role manager {\n    " + MANAGES +
                              ("\n    allow issue on authz:/principals/{principal}") + extra + "\n}\n"})
        self.own = roles
        self.keys, self.people = {}, ["actor", "alice", "bob", "eve"]
        for id in self.people:
            self.c.call("principals.create", id=id)
        self.c.call("assignments.create", principal="actor", role="manager")
        self.c.call("roles.create", name="made", grants=["allow delete on api:/loans/{loan}",
                                                         "deny GET on api:/loans"])
        for role in roles:
            self.c.call("assignments.create", principal="actor", role=role,
                        **({"at": places} if places and role == roles[0] else {}))
        for id, held in (("alice", "viewer"), ("alice", "frozen"), ("bob", "writer"),
                         ("bob", "cleaner"), ("eve", "shy")):
            self.c.call("assignments.create", principal=id, role=held)
        for params in ({"principal": "alice"}, {"principal": "bob", "scopes": ["most"]},
                       {"roles": ["clerk", "shy"]}, {"scopes": ["write"]},
                       {"principal": "actor", "scopes": ["read"]}):
            self.keep(self.c.call("keys.create", **params))
        off = self.c.call("keys.create", roles=["cleaner"])
        self.keep(off)
        self.c.call("keys.disable", id=off["id"])
        self.c.call("assignments.create", principal="eve", role="made")
        # What all hold already, and what is denied to all.
        self.c.call("assignments.create", everyone=True, role="cleaner", at=["api:/loans/9"])
        self.c.call("assignments.create", everyone=True, role="frozen", at=["api:/loans/8"])
        self.c.call("assignments.create", anyone=True, role="writer", at=["api:/loans/9"])
        self.c.call("assignments.create", anyone=True, role="shy", at=["api:/loans/9"])
        self.token = self.c.call(
            "keys.create", **({} if "roles" in bounds else {"principal": "actor"}), **bounds)
        # Its own key is there all the same: what that gains, the principal gains.
        self.caller = {"impersonate": "actor"} if impersonated else {"token": self.token["secret"]}
        return {name for grant in grants for name in
                (ROLES if grant.startswith("roles") else SCOPES)}

    def keep(self, record):
        if "secret" in record:
            self.keys[record["id"]] = record["secret"]

    def credentials(self):
        return [("principal", id) for id in self.people] + [
            ("token", secret) for secret in [*self.keys.values(), self.token["secret"]]]

    def step(self, rnd):
        at = rnd.choice(PLACES)
        place = {"at": at} if at else {}
        who, key = rnd.choice(self.people), rnd.choice([*self.keys, self.token["id"]])
        roles = [*ROLES, "manager", "made", "mine"]
        own = self.own or roles
        grant = rnd.choice([*ROLES.values(), "allow all on api:/**", MANAGES])
        scopes = rnd.sample([*SCOPES], rnd.randint(1, 2))
        calls = [
            ("assignments.create", {"principal": who, "role": rnd.choice(roles), **place}),
            ("assignments.create", {"principal": who, "role": rnd.choice(own),
                                    "at": [rnd.choice(["api:/loans/7", "api:/loans/8"])]}),
            ("keys.create", {"roles": [rnd.choice(own)],
                             "at": [rnd.choice(["api:/loans/7", "api:/loans/8"])]}),
            ("assignments.create", {"principal": who, "role": rnd.choice(roles)}),
            ("assignments.delete", {"principal": who, "role": rnd.choice(roles)}),
            # To all: without a place for principals alone.
            ("assignments.create", {"everyone": True, "role": rnd.choice(roles), **place}),
            ("assignments.create", {"everyone": True, "role": rnd.choice(own),
                                    "at": [rnd.choice(["api:/loans/7", "api:/loans/8"])]}),
            ("assignments.create", {"anyone": True, "role": rnd.choice(roles),
                                    "at": at or ["api:/loans/9"]}),
            ("assignments.create", {"anyone": True, "role": rnd.choice(own),
                                    "at": [rnd.choice(["api:/loans/7", "api:/loans/8"])]}),
            ("assignments.delete", {rnd.choice(["everyone", "anyone"]): True,
                                    "role": rnd.choice([*roles, "frozen", "shy"])}),
            ("keys.create", {"principal": who}), ("keys.create", {"principal": who, **place}),
            ("keys.create", {"principal": who, "scopes": scopes}),
            ("keys.create", {"roles": rnd.sample(roles, 2)}), ("keys.create", {"scopes": scopes}),
            ("keys.update", {"id": key, "scopes": scopes}),
            ("keys.update", {"id": key, "expires_at": None}),
            ("keys.disable", {"id": key}), ("keys.enable", {"id": key}),
            ("keys.rotate", {"id": key, "finish_old": True}),
            ("keys.rotate", {"id": key, "mode": "confirm"}), ("keys.finish", {"id": key}),
            ("keys.rollback", {"id": key}), ("keys.prolong", {"id": key, "overlap": "2d"}),
            ("keys.delete", {"id": key}), ("keys.restore", {"id": key}),
            ("principals.disable", {"id": who}), ("principals.enable", {"id": who}),
            ("principals.create", {"id": f"n{len(self.people)}"}),
            ("principals.update", {"id": who, "api_access": rnd.random() < 0.7}),
            ("principals.delete", {"id": who}),
            ("roles.create", {"name": "mine", "grants": [grant]}),
            ("roles.create", {"name": "mine", "inherits": rnd.sample(roles[:-1], 1)}),
            ("roles.update", {"name": rnd.choice(["mine", "made"]), "grants": [grant]}),
            ("roles.update", {"name": rnd.choice(["mine", "made"]), "inherits":
                              rnd.sample(roles[:-1], 1)}),
            ("roles.delete", {"name": rnd.choice(["mine", "made"])}),
        ]
        method, params = rnd.choice(calls)
        # The actor's own key and principal stay enabled, or the test would end.
        if method == "assignments.delete" and (who, params["role"]) == ("actor", "manager") or (
                "scopes" in params and params.get("id") == self.token["id"]):
            return None
        if method in ("keys.disable", "keys.delete", "keys.rotate") and key == self.token["id"] or (
                method in ("principals.disable", "principals.update", "principals.delete")
                and who == "actor"):
            return None
        try:
            result = self.c.call(method, **self.caller, **params)
        except harness.Error as error:
            # Roles of the store may not exist; the other parameters are valid.
            senseless = {"internal", "unknown_method"} | (
                set() if {"mine", "made"} & set(str(params).split("'")) else {"invalid_request"})
            self.assertNotIn(error.code, senseless, (method, params, error))
            return error.code
        if method == "principals.create":
            self.people.append(params["id"])
        if method.startswith("keys."):
            self.keep(result)
        return (method, params)

    def run_actor(self, number, seed):
        """Many calls of one actor; how many were made, done, and forbidden."""
        actor = (ACTORS + IMPERSONATED)[number]
        rnd = random.Random(seed * 100 + number)
        handed = self.begin(actor, number >= len(ACTORS))
        before = {who: self.may(**dict([who])) for who in self.credentials()}
        own = before["token", self.token["secret"]]
        most = own.union(*(ALLOWS[name] for name in handed if name in ALLOWS))
        # Permissions of disabled principals and keys count too.
        done, refused, calls = [], 0, 0
        for _ in range(STEPS):
            step = self.step(rnd)
            done += [step] if isinstance(step, tuple) else []
            refused += step == "forbidden"
            calls += step is not None
        with self.subTest(actor=actor, seed=seed):
            self.assertGreater(len(done), 2)
            self.assertGreater(refused, 2)
            for who in self.credentials():
                now = self.may(**dict([who]))
                if who == ("token", self.token["secret"]) or (
                        who == ("principal", self.token.get("principal"))):
                    limit = before[who]
                else:
                    limit = before.get(who, NEW[who[0]]) | most
                self.assertLessEqual(now, limit, (who, done))
        return calls, len(done), refused


class Gains(Walk, harness.DaemonTest):
    def client(self, files):
        return self.daemon(files, *self.configured(harness.may_impersonate())).client()

    def test_no_credential_gains_more_than_the_actor_had(self):
        for number in range(len(ACTORS + IMPERSONATED)):
            self.run_actor(number, int(os.environ.get("AUTHZ_TEST_SEED", "1")))


class Both:
    """Two hosts that share a store: a change is made on either, and both decide."""

    def __init__(self, hosts, rnd):
        self.clients, self.rnd = [host.client() for host in hosts], rnd
        self.as_of = {}

    def decide(self, client, params):
        """As of the last change: a host has a second for it, and is asked until that was enough."""
        def answered():
            results = client.call("authorize_many", **self.as_of, **params)["results"]
            return None if any(result.get("reason") == "stale" for result in results) else results
        return harness.wait_until(answered, what="decisions as of the last change")

    def call(self, method, /, **params):
        if method == "authorize_many":
            first, second = [self.decide(client, params) for client in self.clients]
            allowed = [[result["allow"] for result in results] for results in (first, second)]
            assert allowed[0] == allowed[1], (params, allowed)
            return {"results": first}
        result = self.rnd.choice(self.clients).call(method, **params)
        if "as_of" in result:
            self.as_of = {"as_of": result["as_of"]}
        return result

    def close(self):
        for client in self.clients:
            client.close()


class SharedGains(Walk, shared.SharedTest):
    def client(self, files):
        self.both = self.hosts(2, files, [harness.may_impersonate().strip()])
        return Both(self.both, self.rnd)

    def records(self, host):
        given = [share_checks.items(host, "assignments.list", role=role) for role in (*ROLES, "manager")]
        return {**share_checks.records(host), "given": given}

    def difference(self):
        """Of the two stores, at rest as of one change."""
        def read():
            places = {host.shared()["as_of"] for host in self.both}
            found = share_checks.difference(*(self.records(host) for host in self.both))
            return [found] if len(places) == 1 and places == {host.shared()["as_of"] for host in self.both} else None
        return harness.wait_until(read, what="both hosts at one change")[0]

    def test_no_credential_gains_on_any_host(self):
        seed = int(os.environ.get("AUTHZ_TEST_SEED", "1"))
        most = int(os.environ.get("AUTHZ_TEST_CALLS", 4 * STEPS))
        calls = done = refused = 0
        while calls < most:
            # Each actor in turn; the seed says which is the first.
            self.rnd = random.Random(seed)
            made = self.run_actor(seed % len(ACTORS + IMPERSONATED), seed)
            self.assertFalse(self.difference())
            self.c.close()
            for host in self.both:
                host.finish()
            self.server = self.servers.make()
            seed, calls, done, refused = seed + 1, calls + made[0], done + made[1], refused + made[2]
        print(f"# {calls} calls on two hosts: {done} done, {refused} forbidden", flush=True)


if __name__ == "__main__":
    unittest.main()

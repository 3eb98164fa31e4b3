# SPDX-License-Identifier: Apache-2.0
"""The random worlds of test_gain_time: a policy, principals, keys, and the actor that tries to gain.

A request of a world is (action, resource), or with a third part that makes it another one: the amount that a
condition asks for, or an address that keys with networks refuse.
"""

import os
import random
import struct
import time

import harness
import people

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
    "small": "allow update on api:/loans/{loan} when context.amount <= 500",
    "careful": "deny update on api:/loans/{loan} when context.amount > 100",
    "north": "allow delete on api:/loans/{loan} when principal.branch is north",
    "team": "allow create on api:/loans when principal.roles has \"viewer\"",
}
SCOPES = {
    "read": "allow GET on api:/loans/**",
    "write": "allow all on api:/loans/** except GET",
    "most": "allow all on api:/loans/**\n    deny delete on api:/loans/{loan}",
    "tiny": "allow update on api:/loans/{loan} when context.amount <= 100",
    "manage": "allow all on authz:/keys/**, authz:/principals/**, authz:/assignments,"
              " authz:/roles/**\n    allow all on authz:/grants/roles/{role}, authz:/grants/scopes/{scope}",
}
POLICY = """\
facts {
    principal.branch north | south
    context.amount   int
}
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

# Where every request comes from but those of ELSEWHERE; and what keys with networks may have.
NEAR = "10.0.0.1"
NETWORKS = [["10.0.0.0/8"], ["10.0.0.0/8", "192.0.2.0/24"], ["0.0.0.0/0"], None]
AMOUNTS = [("PUT", f"api:/loans/{loan}", ("amount", amount)) for loan in (7, 8) for amount in (50, 300, 900)]
ELSEWHERE = [(verb, "api:/loans/7", ("ip", "192.0.2.1")) for verb in ("GET", "PUT", "DELETE")]

API = [("GET", "api:/health"), ("GET", "api:/loans"), ("POST", "api:/loans")] + [
    (verb, f"api:/loans/{loan}") for loan in (7, 8, 9) for verb in ("GET", "PUT", "DELETE")] + AMOUNTS + ELSEWHERE
WORLD = API + [
    ("create", "authz:/keys"), ("rotate", "authz:/keys/x"), ("create", "authz:/assignments"),
    ("issue", "authz:/principals/x"), ("update", "authz:/roles/x")] + [
    ("grant", f"authz:/grants/roles/{role}") for role in [*ROLES, "made"]] + [
    ("grant", f"authz:/grants/scopes/{scope}") for scope in SCOPES]

REQUESTS = [{"action": verb, "resource": where,
             **({"ip": value} if name == "ip" else {"facts": {"context.amount": value}} if name else {})}
            for verb, where, (name, value) in ((*asked, (None, None))[:3] for asked in WORLD)]

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
    "frozen": set(), "shy": set(), "careful": set(),
    "small": {asked for asked in AMOUNTS if asked[2][1] <= 500},
    "north": {asked for asked in LOANS if asked[0] == "DELETE"}, "team": {("POST", "api:/loans")},
    "keeper": KEYS | {("update", "authz:/roles/x")}, "manager": MANAGES,
    "giver": GRANTS,
    "read": GETS, "write": {asked for asked in API if asked[0] != "GET"},
    "most": {asked for asked in API if asked[1] != "api:/health" and asked[0] != "DELETE"},
    "tiny": {asked for asked in AMOUNTS if asked[2][1] <= 100},
    "manage": MANAGES | GRANTS,
    "made": {asked for asked in LOANS if asked[0] == "DELETE"},
}

# The caller, if it is the principal itself, or a peer that lines of the configuration name; else the number of
# its key.
PRINCIPAL = -1
MANAGER = -2
STRANGER = -3  # the key of the stranger

# What such lines say, and what they give.
LINES = "".join(f"manage user daemon {what} all\n" for what in (
    "authz:/keys/**", "authz:/principals/**", "authz:/assignments", "authz:/roles/**"))
GRANT_LINE = "manage user daemon authz:/grants/** grant\n"
BRANCHES = [{}, {"branch": "north"}, {"branch": "south"}]

# What calls may name. "mine" is a role that the actor may make.
HELD = [*ROLES, "made", "mine"]


class World:
    """A daemon with a clock of its own, and the world that a seed makes.

    The actor calls with its token, in some worlds also as its principal without one, and in some it is a peer
    that `manage` lines name. The world is one tenant's; a stranger is in another one.
    """

    def __init__(self, test, seed):
        rnd = random.Random(seed)
        kinds = ["token", "token", "principal", "manager"] if os.geteuid() == 0 else ["token", "principal"]
        self.kind = rnd.choice(kinds)
        self.tenant = rnd.choice(["default", "acme"]) if self.kind == "token" else "default"
        self.at = {"tenant": self.tenant}
        self.elsewhere = {"tenant": "acme" if self.tenant == "default" else "default"}
        lines = ["", LINES, LINES + GRANT_LINE][rnd.randint(1, 2) if self.kind == "manager" else 0]
        self.lines_give = (MANAGES if lines else set()) | (GRANTS if GRANT_LINE in lines else set())
        self.daemon = harness.Daemon({"a.policy": POLICY}, start=False)
        test.addCleanup(self.daemon.finish)
        self.added = self.daemon.folder / "added"
        self.added.write_bytes(struct.pack("=q", 0))
        self.daemon.prefix = ["env", f"LD_PRELOAD={LIBRARY}", f"STEP_CLOCK_FILE={self.added}"]
        path = self.daemon.folder / "authzd.conf"
        path.write_text(harness.may_impersonate() + lines)
        self.daemon.start("--config", str(path))
        self.c = self.daemon.client()
        self.people = []
        self.ids = []      # of keys, in the order of their creation; the first is the actor's
        self.secrets = []  # one for each of them
        self.c.call("tenants.create", id="acme")
        self.fill(rnd)
        self.manager = self.connect_manager() if self.kind == "manager" else None

    def connect_manager(self):
        self.daemon.folder.chmod(0o711)
        self.daemon.socket.chmod(0o666)
        with people.as_user():
            return self.daemon.client()

    def until(self, day):
        """A time in the middle of a day."""
        return self.begun + day * DAY + DAY // 2

    def may_end(self, rnd, often):
        return {"until": self.until(rnd.randrange(DAYS - 1))} if rnd.random() < often else {}

    def person(self, rnd, id, roles, often, places):
        self.c.call("principals.create", id=id, **self.at, attributes=rnd.choice(BRANCHES))
        self.people.append(id)
        for role in roles:
            at = rnd.choice(GIVEN) if role == "giver" else (
                rnd.choice(PLACES) if rnd.random() < places else None)
            at = {"at": at, **self.at} if at else self.at
            # Without this one an actor does little.
            ends = self.may_end(rnd, often / 2 if role == "manager" else often)
            self.c.call("assignments.create", principal=id, role=role, **at, **ends)

    def key(self, rnd, often=0.4, **params):
        until = self.may_end(rnd, often).get("until")
        made = self.c.call("keys.create", **params, **self.at, **({"expires_at": until} if until else {}))
        self.ids.append(made["id"])
        self.secrets.append(made["secret"])

    def fill(self, rnd):
        self.begun = int(time.time())
        self.c.call("roles.create", name="made", **self.at, grants=[
            "allow delete on api:/loans/{loan}", "deny GET on api:/loans"])
        rest = [*ROLES, "made"]
        self.actor(rnd, rest)
        for id in ("alice", "bob", "eve"):
            roles = rnd.sample(rest, rnd.randint(1, 3))
            # A role that is worth something with another one.
            roles += ["team"] if "team" not in roles and rnd.random() < 0.4 else []
            self.person(rnd, id, roles, 0.5, 0.3)
        # One that holds nothing but what all hold, as those do that are made later.
        self.person(rnd, "fresh", [], 0, 0)
        for role in rnd.sample(["viewer", "writer", "frozen", "shy", "careful"], rnd.randint(0, 2)):
            self.c.call("assignments.create", everyone=True, role=role, at=rnd.choice(PLACES), **self.at,
                        **self.may_end(rnd, 0.5))
        for id in ("actor", "alice", "bob"):
            self.key(rnd, principal=id, scopes=rnd.sample([*SCOPES], 2))
        self.key(rnd, principal="eve")
        self.key(rnd, principal="alice", networks=NETWORKS[0])
        self.key(rnd, roles=rnd.sample(rest, 2))
        self.key(rnd, scopes=rnd.sample([*SCOPES], 1))
        self.key(rnd, roles=["cleaner"])
        self.c.call("keys.disable", id=self.ids[-1])
        self.c.call("principals.disable", id="eve", **self.at)
        self.c.call("principals.create", id="stranger", **self.elsewhere)
        self.c.call("assignments.create", principal="stranger", role="viewer", at=["api:/loans/7"], **self.elsewhere)
        self.stranger = self.c.call("keys.create", principal="stranger", **self.elsewhere)

    def actor(self, rnd, rest):
        """The actor and its token: mostly with all that it needs to manage."""
        roles = [role for role, often in (("manager", 0.9), ("keeper", 0.3), ("giver", 0.7))
                 if rnd.random() < often]
        # One that holds little has more to grant.
        roles += rnd.sample(["viewer", "clerk", "cleaner", "writer", "frozen", "shy", "made", "small", "careful",
                             "north", "team"], rnd.randint(0, 1 if "giver" in roles else 5))
        self.person(rnd, "actor", roles, 0.4, 0.0)
        self.likely = [role for role in roles if role != "giver"] or ["viewer"]
        self.principal = "actor" if self.kind != "manager" else None
        bounds = rnd.choice([{}, {}, {}, {"scopes": ["manage", "read"]}, {"scopes": ["manage", "most"]},
                             {"scopes": ["manage", "tiny"]},
                             {"at": ["api:/loans/7", *MANAGED]}, {"roles": roles or ["keeper"]},
                             {"scopes": ["manage", "write"], "roles": None}])
        if "roles" in bounds and self.kind != "principal":
            self.principal = None
            bounds = {name: value for name, value in bounds.items() if value}
        else:
            bounds = {**bounds, "principal": "actor"}
            bounds.pop("roles", None)
        self.key(rnd, 0.3, **bounds)

    def go_to(self, day):
        with open(self.added, "r+b") as file:
            file.write(struct.pack("=q", day * DAY))

    def may(self, **who):
        results = self.c.call("authorize_many", ip=NEAR, **{**self.at, **who}, requests=REQUESTS)["results"]
        return {asked for asked, result in zip(WORLD, results) if result["allow"]}

    def all_may(self):
        return {**{id: self.may(principal=id) for id in self.people},
                **{n: self.may(token=secret) for n, secret in enumerate(self.secrets)},
                STRANGER: self.may(token=self.stranger["secret"], **self.elsewhere)}

# SPDX-License-Identifier: Apache-2.0
"""Every method that manages, called by every kind of actor.

The methods, their nodes and actions are read from PROTOCOL.md, so that a new row is tested too and a
wrong one is found. An actor is defined by what it may do. The calls give no permissions to anyone, so
that only the node decides.
"""

import re
import unittest
from fnmatch import fnmatchcase

import harness
import people

POLICY = people.POLICY + """
scope all { allow all on authz:/** }
scope keys { allow all on authz:/keys/** }
role boss { allow all on authz:/** }
role reader { allow read on authz:/** , authz:/audit
    allow list on authz:/** }
role keeper { allow all on authz:/keys/** except delete on authz:/keys/{key} }
role empty { allow GET on api:/health }
"""

# Paths with * as in a configuration, and actions; None: all.
EVERYTHING = [("*", None)]
KEYS = [("/keys", None), ("/keys/*", None)]
READER = [("*", {"read", "list"})]
KEEPER = [("/keys", None),
          ("/keys/*", {"read", "update", "disable", "enable", "rotate", "revoke", "restore"})]
NOTHING = []

LINES = """\
manage user daemon authz:/keys/** list,read,rotate
manage user daemon authz:/roles *
impersonate user root
impersonate group daemon
"""

WORDS = {"get": "read", "finish": "rotate", "prolong": "rotate", "rollback": "rotate"}


def methods():
    """[(method, nodes, action)]: the action is needed on each node; no nodes: only for peers."""
    text = (harness.ROOT / "daemon" / "PROTOCOL.md").read_text(encoding="utf-8")
    found = []
    for names, what in re.findall(r"^\| (`[a-z]+\.[a-z`, .]+) \| ([^|]+) \|", text, re.M):
        names = re.findall(r"`([a-z.]+)`", names)
        noun = names[0].split(".")[0]
        nodes = re.findall(r"`(/[^`]+)`", what)
        action = re.search(r"`/[^`]+` ([a-z]+)", what)
        for name in names:
            name = noun + name if name.startswith(".") else name
            verb = name.split(".")[1]
            if "only managing peers" in what or not nodes:
                found.append((name, [], None))
            else:
                paths = [re.sub(r"[A-Z]+$", "*", node) for node in nodes]
                found.append((name, paths, action.group(1) if action else WORDS.get(verb, verb)))
    return [row for row in found if not row[0].startswith("keys.renew")]


class Table(people.PeopleTest):
    policy = POLICY

    def arguments(self):
        return self.configured(LINES.replace(" *\n", " list,create\n"))

    def token(self, role="boss", tenant="default", **params):
        id = f"p{self.count}"
        self.count += 1
        self.c.call("principals.create", id=id, tenant=tenant)
        self.c.call("assignments.create", principal=id, role=role, tenant=tenant)
        record = self.c.call("keys.create", principal=id, tenant=tenant, **params)
        return record["id"], record["secret"]

    def person(self, role="boss", **params):
        """Of a new principal, whom a peer impersonates."""
        id = f"p{self.count}"
        self.count += 1
        self.c.call("principals.create", id=id, **params)
        self.c.call("assignments.create", principal=id, role=role)
        return {"impersonate": id}

    def by(self, caller):
        """The parameters that say who calls: a token, or what person() gave; None: the peer."""
        return caller if isinstance(caller, dict) else {} if caller is None else {"token": caller}

    def fresh(self, tenant="default"):
        """The objects of the calls: a key, a principal and a role that give no permissions."""
        n = self.count
        self.count += 1
        key = self.c.call("keys.create", roles=["empty"], tenant=tenant)["id"]
        self.c.call("principals.create", id=f"t{n}", tenant=tenant)
        self.c.call("roles.create", name=f"r{n}", tenant=tenant)
        return key, f"t{n}", f"r{n}"

    def params(self, method, key, principal, role):
        noun, verb = method.split(".")
        n = self.count
        self.count += 1
        if verb in ("list", "names", "verify", "status", "reload", "audit", "backup", "watch",
                    "tree"):
            return {"role": "empty"} if noun == "assignments" else {}
        if verb == "try":
            return {"principal": principal, "method": "GET", "path": "/health"}
        if noun in ("pepper", "store"):
            return {}
        if noun == "hosts":
            return {"host": "nobody"}
        if noun == "assignments":
            return {"principal": principal, "role": "empty"}
        if verb == "import":
            return {"hash": "00" * 30 + f"{n:04x}", "roles": ["empty"]}
        if verb == "create":
            return {"keys": {"roles": ["empty"]}, "roles": {"name": f"n{n}"}}.get(
                noun, {"id": f"n{n}"})
        if verb == "prolong":
            return {"id": key, "overlap": "1h"}
        return {"keys": {"id": key}, "principals": {"id": principal}, "roles": {"name": role},
                "tenants": {"id": "umbra"}}[noun]

    def code(self, client, method, params):
        try:
            client.call(method, **params)
        except harness.Error as error:
            return error.code
        return None

    def actors(self):
        """name: (connection, for by(), what it may; None: everything, for peers too)."""
        c, other = self.c, self.stranger()
        off, disabled = self.token()
        c.call("keys.disable", id=off)
        gone, revoked = self.token()
        c.call("keys.revoke", id=gone)
        manager = [("/keys", {"list"}), ("/keys/*", {"list", "read", "rotate"}),
                   ("/roles", {"list", "create"})]
        self.c.call("keys.create", scopes=["all"])
        away, placed = self.person(), self.person("empty")
        self.c.call("principals.disable", id=away["impersonate"])
        self.c.call("assignments.create", principal=placed["impersonate"], role="boss",
                    at=["authz:/keys"])
        return {
            "root": (c, None, None),
            "manager": (other, None, manager),
            "boss": (c, self.token()[1], EVERYTHING),
            "boss over a stranger": (other, self.token()[1], EVERYTHING),
            "reader": (c, self.token("reader")[1], READER),
            "keeper": (other, self.token("keeper")[1], KEEPER),
            "nobody": (c, self.token("empty")[1], NOTHING),
            "scope": (c, c.call("keys.create", scopes=["keys"])["secret"], KEYS),
            "narrowed by scope": (c, self.token(scopes=["keys"])[1], KEYS),
            "narrowed by place": (c, self.token(at=["authz:/keys"])[1], KEYS),
            "narrowed by a scope without": (c, self.token(scopes=["loans:read"])[1], NOTHING),
            "elsewhere": (c, self.token(at=["api:/loans"])[1], NOTHING),
            "by roles": (c, c.call("keys.create", roles=["boss"])["secret"], EVERYTHING),
            "from a network": (c, self.token(networks=["10.0.0.0/8"])[1], NOTHING),
            "disabled": (c, disabled, NOTHING),
            "revoked": (c, revoked, NOTHING),
            "not yet": (c, self.token(not_before=2 ** 32)[1], NOTHING),
            "another environment": (c, self.token(environment="test")[1], NOTHING),
            "no token": (c, "liq_live_x", NOTHING),
            "impersonated boss": (c, self.person(), EVERYTHING),
            "impersonated by a stranger": (other, self.person(), EVERYTHING),
            "impersonated reader": (other, self.person("reader"), READER),
            "impersonated keeper": (c, self.person("keeper"), KEEPER),
            "impersonated without API": (c, self.person(api_access=False), EVERYTHING),
            "impersonated at a place": (c, placed, KEYS),
            "impersonated nobody": (c, self.person("empty"), NOTHING),
            "impersonated disabled": (c, away, NOTHING),
            "impersonated unknown": (c, {"impersonate": "none"}, NOTHING),
        }

    def setUp(self):
        super().setUp()
        self.count = 0
        for tenant in ("acme", "umbra"):
            self.c.call("tenants.create", id=tenant)
        self.untouched = self.fresh()

    def test_each_actor_may_do_exactly_what_the_table_says(self):
        rows = methods()
        self.assertGreater(len(rows), 35)
        nouns = {row[0].split(".")[0] for row in rows}
        self.assertTrue({"keys", "principals", "roles", "assignments", "tenants"} <= nouns, nouns)
        for name, (client, caller, rights) in self.actors().items():
            for method, nodes, action in rows:
                may = rights is None or (nodes and all(any(
                    fnmatchcase(node, pattern) and (actions is None or action in actions)
                    for pattern, actions in rights) for node in nodes))
                # A refused call changes nothing.
                params = self.params(method, *(self.fresh() if may else self.untouched))
                params.update(self.by(caller))
                # Managers may also see the daemon's status.
                if rights is not None and caller is None and not nodes:
                    continue
                with self.subTest(actor=name, method=method):
                    got = self.code(client, method, params)
                    if may:
                        self.assertNotIn(got, ("forbidden", "unknown_method", "invalid_request",
                                               "internal"))
                    else:
                        self.assertEqual(got, "forbidden")

    def test_another_tenants_boss_finds_nothing(self):
        acme = self.token(tenant="acme")[1]
        theirs = {place: self.fresh(place) for place in ("default", "umbra")}
        for method, nodes, _ in methods():
            if not nodes or not (nodes[0].endswith("*") or method == "assignments.delete"):
                continue
            for place, there in theirs.items():
                with self.subTest(method, tenant=place):
                    params = self.params(method, *there)
                    said = [self.assert_error("not_found", self.c.call, method, token=acme,
                                              **asked).message
                            for asked in (params, {**params, **{
                                name: "1zzzzzzzzzzz" for name in ("id", "name", "principal")
                                if name in params}})]
                    self.assertEqual(said[0], said[1])


if __name__ == "__main__":
    unittest.main()

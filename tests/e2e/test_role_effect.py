# SPDX-License-Identifier: Apache-2.0
"""Dry runs of roles.create and roles.update: what a role would give and take."""

import itertools
import random
import unittest

import harness
import people

POLICY = """\
facts {
    resource.owner  string
    context.amount  int
}

tree api {
    /loans {
        list GET, create POST
        /{loan} { read GET, update PUT PATCH, approve
            /files/{path...} { GET, PUT } }
    }
    /health { GET }
}
tree ui { /reports { show } }

role anyone {
    allow GET on api:/health
    allow show on ui:/reports when principal.roles has "clerk"
}
role viewer { allow GET on api:/loans/** }
role clerk inherits viewer { allow create on api:/loans
    allow approve on api:/loans/{loan} when context.amount <= 10 }
role held_back { deny update, approve on api:/loans/{loan} when resource.owner is principal.id
    deny GET on api:/health }
role auditor { allow GET on api:/loans }
exclusive clerk, auditor
"""

# What one permission is: each method of an action, or an action without methods.
PLACES = {"{loan}": ("7", "ann"), "{path...}": ("a/b",)}
AMOUNTS = (None, 5, 15, 18, 25)
OWNERS = (None, "ann", "bob", "eve")
HOLDERS = ("ann", "bob", "carol")

GRANTS = [
    "allow GET on api:/**", "allow all on api:/loans/{loan}", "allow all on api:/**",
    "allow update on api:/loans/{loan}", "allow PUT on api:/loans/**", "allow PATCH on api:/loans/{loan}",
    "allow list on api:/loans", "allow show on ui:/reports", "allow all on ui:/**",
    "allow all on api:/loans/** except create on api:/loans",
    "deny GET on api:/loans/**", "deny all on api:/loans/{loan}", "deny PUT on api:/**",
    "deny GET on api:/health", "deny show on ui:/reports",
]
CONDITIONAL = ["approve on api:/loans/{loan}", "update on api:/loans/{loan}", "GET on api:/loans/**",
               "PUT on api:/loans/{loan}"]
CONDITIONS = [
    "context.amount <= 10", "context.amount <= 20", "context.amount > 16", "resource.owner is \"ann\"",
    "resource.owner is principal.id", "not resource.owner is \"bob\"", "{loan} is principal.id",
    "context.amount <= 20 and resource.owner is \"ann\"", "resource.owner is \"ann\" or context.amount > 16",
    'principal.roles has "viewer"',
]


def units(tree):
    """{(resource, name of an action or a method): the permissions that it is}."""
    found = {}
    for item in tree:
        for action in item["actions"]:
            own = frozenset((item["resource"], name) for name in action["methods"] or [action["action"]])
            found[item["resource"], action["action"]] = own
            found.update({unit: frozenset([unit]) for unit in own})
    return found


def paths(resource):
    """The paths of a node with each value of its parameters."""
    names = [name for name in PLACES if name in resource]
    for values in itertools.product(*(PLACES[name] for name in names)):
        path = resource
        for name, value in zip(names, values):
            path = path.replace(name, value)
        yield path


def random_role(dice):
    grants = dice.sample(GRANTS, dice.randint(0, 4))
    for _ in range(dice.randint(0, 4)):
        condition = dice.choice(CONDITIONS)
        targets = CONDITIONAL[:2] + CONDITIONAL[3:] if "{loan}" in condition else CONDITIONAL
        grants.append(f"{dice.choice(['allow', 'allow', 'deny'])} {dice.choice(targets)} when {condition}")
    inherits = dice.sample(["viewer", dice.choice(["clerk", "auditor"]), "held_back", "below"],
                           dice.randint(0, 2))
    return {"grants": grants, "inherits": inherits}


class DryRun(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()

    def tree(self, **params):
        return self.c.call("policy.tree", limit=1000, **params)["items"]

    def decide(self, tree):
        """{unit: the requests that are allowed}, each a number, for holders of role `r` alone."""
        asked, names = [], []
        known = units(tree)
        for unit in sorted({unit for own in known.values() for unit in own if not unit[0].startswith("authz:")}):
            for number, (path, holder, amount, owner) in enumerate(itertools.product(
                    paths(unit[0]), HOLDERS, AMOUNTS, OWNERS)):
                facts = {name: value for name, value in (("context.amount", amount), ("resource.owner", owner))
                         if value is not None}
                asked.append({"principal": holder, "action": unit[1], "resource": path, "facts": facts})
                names.append((unit, number))
        allowed = {unit: set() for unit, _ in names}
        for first in range(0, len(asked), 1000):
            answers = self.c.call("authorize_many", requests=asked[first:first + 1000])["results"]
            for (unit, number), answer in zip(names[first:], answers):
                if answer["allow"]:
                    allowed[unit].add(number)
        return allowed

    def listed(self, known, items):
        """{unit: item}; each unit is in one."""
        found = {}
        for item in items:
            own = [unit for action in item["actions"] for unit in known[item["resource"], action]]
            self.assertEqual(item["count"], len(own), item)
            for unit in own:
                self.assertNotIn(unit, found)
                found[unit] = item
        return found

    def conditions(self, known):
        """{unit: its condition} as principals.permissions says of a holder; always: ''."""
        items, _ = self.c.pages("principals.permissions", id="carol")
        return {unit: item.get("when", "") for item in items for action in item["actions"]
                for unit in known[item["resource"], action]}

    def compare(self, dry, states, texts, known):
        before, after = states
        for way, name, (one, other) in (("gains", "was", (1, 0)), ("loses", "still", (0, 1))):
            items = self.listed(known, dry[way])
            want = {unit for unit in before if states[one][unit] - states[other][unit]}
            self.assertEqual(set(items), want, (way, dry))
            self.assertEqual(dry[way + "_total"], len(want))
            for unit, item in items.items():
                self.assertNotEqual(item.get("when"), "")
                # A condition that is about the holder is written with its id there.
                for field, text in (("when", texts[one].get(unit)), (name, texts[other].get(unit))):
                    if "principal." not in item.get(field, "") and "carol" not in (text or ""):
                        self.assertEqual(item.get(field, "" if field == "when" else None), text, (field, dry))

    def test_it_says_what_the_real_change_does_to_holders_of_any_role(self):
        dice = random.Random(20)
        tree = self.tree()
        known = units(tree)
        for holder in HOLDERS:
            self.c.call("principals.create", id=holder)
        self.c.call("roles.create", name="below", **{**random_role(dice), "inherits": []})
        before, was = self.decide(tree), self.conditions(known)
        seen = {"gains": 0, "loses": 0, "was": 0, "still": 0}
        for number in range(40):
            role = random_role(dice)
            if number % 10 == 9:
                # A role that it inherits is changed: the next dry run begins from there.
                self.c.call("roles.update", name="below", **{**random_role(dice), "inherits": ["viewer"]})
                before, was = self.decide(tree), self.conditions(known)
            method = "roles.update" if number else "roles.create"
            trail = self.c.call("audit.list", newest_first=True, limit=1)
            dry = self.c.call(method, name="r", dry_run=True, **role)
            self.assertEqual(self.c.call("audit.list", newest_first=True, limit=1), trail)
            record = self.c.call(method, name="r", **role)
            self.assertEqual({**record, "updated_at": 0, "created_at": 0},
                             {**{k: v for k, v in dry.items() if not k.startswith(("gains", "loses"))},
                              "updated_at": 0, "created_at": 0})
            if not number:
                for holder in HOLDERS:
                    self.c.call("assignments.create", principal=holder, role="r")
            after, now = self.decide(tree), self.conditions(known)
            with self.subTest(number=number, role=role):
                self.compare(dry, (before, after), (was, now), known)
            for way in ("gains", "loses"):
                seen[way] += len(dry[way])
                for field in ("was", "still"):
                    seen[field] += sum(field in item for item in dry[way])
            before, was = after, now
        for what, count in seen.items():
            self.assertGreater(count, 10, what)

    def test_nothing_is_stored_and_no_decision_changes(self):
        self.c.call("roles.create", name="r", grants=["allow GET on api:/loans"])
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="r")
        before = [self.c.call("roles.list"), self.c.call("audit.list"), self.c.call("policy.status")["snapshot"]]
        made = self.c.call("roles.create", name="other", grants=["allow all on api:/**"], dry_run=True)
        self.assertEqual((made["name"], made["gains_total"], made["loses_total"]), ("other", 8, 0))
        self.c.call("roles.update", name="r", grants=None, inherits=["viewer"], dry_run=True)
        self.assertEqual([self.c.call("roles.list"), self.c.call("audit.list"),
                          self.c.call("policy.status")["snapshot"]], before)
        self.assertTrue(self.c.call("authorize", principal="ann", method="GET", path="/loans")["allow"])
        self.assertFalse(self.c.call("authorize", principal="ann", method="GET", path="/loans/7")["allow"])
        self.assert_error("not_found", self.c.call, "roles.get", name="other")
        # The name is free, and dry_run false is a change.
        made = self.c.call("roles.create", name="other", dry_run=False)
        self.assertNotIn("gains", made)
        self.c.call("roles.get", name="other")

    def test_a_condition_that_changes_is_in_the_lists_that_it_changes(self):
        on = "on api:/loans/{loan}"

        def change(*grants):
            dry = self.c.call("roles.update", name="r", grants=list(grants), dry_run=True)
            self.c.call("roles.update", name="r", grants=list(grants))
            return [[{name: item[name] for name in item if name not in ("resource", "actions", "count")}
                     for item in dry[way]] for way in ("gains", "loses")]

        self.c.call("roles.create", name="r")
        ten, twenty = "context.amount <= 10", "context.amount <= 20"
        self.assertEqual(change(f"allow approve {on} when {ten}"), [[{"when": ten}], []])
        self.assertEqual(change(f"allow approve {on} when {twenty}"), [[{"when": twenty, "was": ten}], []])
        self.assertEqual(change(f"allow approve {on} when {ten}"), [[], [{"when": twenty, "still": ten}]])
        own = 'resource.owner is "ann"'
        self.assertEqual(change(f"allow approve {on} when {own}"),
                         [[{"when": own, "was": ten}], [{"when": ten, "still": own}]])
        self.assertEqual(change(f"allow approve {on}"), [[{"was": own}], []])
        self.assertEqual(change(f"allow approve {on}", f"deny approve {on} when {ten}"),
                         [[], [{"still": "context.amount > 10"}]])
        # The same, said otherwise.
        self.assertEqual(change(f"allow approve {on} when context.amount > 10"), [[], []])
        self.assertEqual(change(), [[], [{"when": "context.amount > 10"}]])
        # What it denies counts where it allows it, or anyone.
        self.assertEqual(change(f"deny approve {on}"), [[], []])
        self.assertEqual(change("deny GET on api:/health"), [[], [{}]])

    def test_it_is_refused_for_what_the_change_is_refused_for(self):
        self.c.call("roles.create", name="r", grants=["allow GET on api:/loans"])
        self.c.call("roles.create", name="up", inherits=["r", "clerk"])
        for method, params in (
                ("roles.create", {"name": "r"}),
                ("roles.create", {"name": "Viewer"}),
                ("roles.create", {"name": "no name"}),
                ("roles.create", {"name": "n", "tenant": "nope"}),
                ("roles.create", {"name": "n", "grants": ["allow GET on api:/nope"]}),
                ("roles.create", {"name": "n", "grants": ["allow"] * 257}),
                ("roles.create", {"name": "n", "inherits": ["nope"]}),
                ("roles.create", {"name": "n", "inherits": ["clerk", "auditor"]}),
                ("roles.create", {"name": "n", "description": "a\nb"}),
                ("roles.create", {"name": "n", "description": None}),
                ("roles.update", {"name": "nope"}),
                ("roles.update", {"name": "viewer"}),
                ("roles.update", {"name": "r", "inherits": ["up"]}),
                ("roles.update", {"name": "r", "inherits": ["auditor"]}),
                ("roles.update", {"name": "r", "grants": ["allow GET on api:/loans when nope"]})):
            with self.subTest(method=method, params=params):
                errors = []
                for dry in ({"dry_run": True}, {}):
                    with self.assertRaises(harness.Error) as caught:
                        self.c.call(method, **params, **dry)
                    errors.append((caught.exception.code, caught.exception.error.get("param"), caught.exception.message))
                self.assertEqual(errors[0], errors[1])
        for value in (1, "yes", None):
            self.assert_error("invalid_request", self.c.call, "roles.create", name="n", dry_run=value)
        self.assert_error("invalid_request", self.c.call, "roles.delete", name="r", dry_run=True)

    def test_a_list_has_a_thousand_items_and_the_totals_count_all(self):
        nodes = "\n".join(f"/n{number} {{ read GET DELETE, write }}" for number in range(1200))
        self.d.write("b.policy", f"tree wide {{\n{nodes}\n}}\nrole all {{ allow all on wide:/** }}\n")
        self.c.call("policy.reload")
        made = self.c.call("roles.create", name="r", inherits=["all"], dry_run=True)
        self.assertEqual((len(made["gains"]), made["gains_total"]), (1000, 3600))
        self.assertEqual(made["gains"][999],
                         {"resource": "wide:/n999", "actions": ["read", "write"], "count": 3})
        self.c.call("roles.create", name="r", inherits=["all"])
        left = self.c.call("roles.update", name="r", inherits=None, grants=["allow GET on wide:/**"], dry_run=True)
        self.assertEqual((len(left["loses"]), left["loses_total"], left["gains"]), (1000, 2400, []))
        self.assertEqual(left["loses"][0], {"resource": "wide:/n0", "actions": ["DELETE", "write"], "count": 2})

    def test_what_takes_too_long_to_compare_is_in_both_lists(self):
        count = 120
        facts = "".join(f"    context.f{number} string\n" for number in range(count))
        nodes = "".join(f"/n{number} {{ write, see }}\n" for number in range(1000))
        grants = "".join(f'    allow write on wide:/** when context.f{number} is "a"\n' for number in range(count))
        # Each node has another pair of conditions of its own.
        for first in range(250):
            own = ", ".join(f"wide:/n{node}" for node in range(first, 1000, 250))
            grants += f'    allow write on {own} when context.f{first % count} is "b{first}"\n'
        for first in range(4):
            own = ", ".join(f"wide:/n{node}" for node in range(250 * first, 250 * first + 250))
            grants += f'    allow write on {own} when context.f0 is "c{first}"\n'
        self.d.write("b.policy", f"facts {{\n{facts}}}\ntree wide {{\n{nodes}}}\nrole any_of {{\n{grants}}}\n"
                     'role both_of { allow write on wide:/** when context.f0 is "a" and context.f1 is "a" }\n'
                     'role see { allow see on wide:/** when context.f0 is "a" }\n')
        self.c.call("policy.reload")
        self.c.call("roles.create", name="r", inherits=["any_of"])
        # The second role's condition follows from the first's, which 2^120 cases would show.
        dry = self.c.call("roles.update", name="r", inherits=["any_of", "both_of"], dry_run=True)
        self.assertEqual((dry["gains_total"], dry["loses_total"]), (1000, 1000))
        for way, other in (("gains", "was"), ("loses", "still")):
            self.assertIn(' or context.f119 is "a"', dry[way][0]["when"])
            self.assertIn(' or context.f119 is "a"', dry[way][0][other])
            self.assertEqual(dry[way][-1], {"resource": "wide:/n999", "actions": ["write"], "count": 1,
                                            "when": "...", other: "..."})
        # What is alike on many nodes is compared once.
        dry = self.c.call("roles.create", name="s", inherits=["see"], dry_run=True)
        self.assertEqual((dry["gains_total"], dry["loses_total"]), (1000, 0))
        self.assertEqual({item["when"] for item in dry["gains"]}, {'context.f0 is "a"'})


class Callers(people.PeopleTest):
    policy = people.POLICY + """
role boss { allow all on authz:/**
    allow GET on api:/loans/** }
role reader { allow read on authz:/** }
role writer { allow create, update on authz:/roles/**
    allow create on authz:/roles
    allow GET on api:/loans/** }
role lister inherits writer { allow list on authz:/roles }
"""

    def token(self, role):
        self.c.call("principals.create", id=role)
        self.c.call("assignments.create", principal=role, role=role)
        return self.c.call("keys.create", principal=role)["secret"]

    def test_a_caller_learns_nothing_by_a_dry_run_that_it_could_not_do(self):
        boss, reader = self.token("boss"), self.token("reader")
        self.c.call("roles.create", name="r", grants=["allow list on api:/loans"])
        grants = ["allow list on api:/loans", "allow delete on api:/loans/{loan}"]
        for token in (boss, reader):
            for method, name in (("roles.create", "new"), ("roles.update", "r"), ("roles.update", "nope")):
                with self.subTest(method=method, name=name):
                    errors = []
                    for dry in ({"dry_run": True}, {}):
                        with self.assertRaises(harness.Error) as caught:
                            self.c.call(method, name=name, grants=grants, token=token, **dry)
                        errors.append((caught.exception.code, caught.exception.message))
                    self.assertEqual(errors[0], errors[1])
        dry = self.c.call("roles.update", name="r", grants=["allow GET on api:/loans/**"], token=boss, dry_run=True)
        self.assertEqual((dry["gains_total"], dry["loses_total"]), (2, 0))

    def test_what_a_role_allows_is_shown_only_to_those_who_may_list_roles(self):
        writer, lister = self.token("writer"), self.token("lister")
        self.c.call("roles.create", name="r", grants=["allow list on api:/loans"])
        calls = (("roles.update", {"name": "r", "grants": []}), ("roles.create", {"name": "s", "inherits": ["r"]}))
        for method, params in calls:
            with self.subTest(method):
                error = self.assert_error("forbidden", self.c.call, method, token=writer, dry_run=True, **params)
                self.assertIn("list on authz:/roles", error.message)
                dry = self.c.call(method, token=lister, dry_run=True, **params)
                self.assertEqual([item["resource"] for item in dry["gains"] + dry["loses"]], ["api:/loans"])
        # The change itself says nothing of it, and is done.
        for method, params in reversed(calls):
            self.assertNotIn("loses", self.c.call(method, token=writer, **params))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""plan: the condition of the resources that authorize would allow, on the wire and in the tool."""

import ctypes
import itertools
import json
import random
import sqlite3
import unittest

import harness
import people
import test_client

POLICY = """\
facts {
    principal.branch        string
    principal.refund_limit  int     default 0
    resource.owner          string
    resource.branch         string
    resource.state          draft | confirmed | settled default draft
    resource.starts         time
    resource.tags           strings
    resource.paid           bool
    context.amount          int
}

tree bookings {
    /bookings { create POST, /{booking} { list, read GET, change PATCH, cancel DELETE, pay, tag, refund POST } }
    /files/{path...} { GET }
}

role guest {
    allow list, read on bookings:/bookings/{booking} when resource.owner is principal.id
    allow change on bookings:/bookings/{booking} when resource.owner is principal.id and resource.state is not settled
    allow cancel on bookings:/bookings/{booking}
        when resource.owner is principal.id and context.time < resource.starts
    allow pay on bookings:/bookings/{booking} when not resource.paid
    allow tag on bookings:/bookings/{booking} when resource.tags has any "a", {booking} and not resource.tags has "b"
}
role desk {
    allow list, read on bookings:/bookings/{booking} when resource.branch is principal.branch
    allow refund on bookings:/bookings/{booking}
        when resource.branch is principal.branch and context.amount <= principal.refund_limit
    deny refund on bookings:/bookings/{booking} when resource.owner is principal.id
}
role reader { allow GET on bookings:/** }
scope read { allow list, read on bookings:/bookings/{booking} when resource.state is not draft }

principal ann { role guest }
principal dora {
    role desk
    attribute branch "north"
    attribute refund_limit 500
}
principal seven { role reader at bookings:/bookings/7, bookings:/files/a }

stack closed {
    authenticate required key
    authorize required role
}
"""

NODE = "bookings:/bookings/{booking}"
NOON = 1782907200  # 2026-07-01T12:00:00Z
VALUES = {
    "resource.owner": (None, "ann", "dora", ""),
    "resource.branch": (None, "north", "south"),
    "resource.state": (None, "draft", "confirmed", "settled"),
    "resource.starts": (None, NOON, NOON + 1),
    "resource.tags": (None, [], ["a"], ["a", "b"], ["7"]),
    "resource.paid": (None, True, False),
}


def value(operand, facts, parameters):
    if operand[0] == "fact":
        return facts.get(operand[1])
    return parameters[operand[1]] if operand[0] == "parameter" else operand[1]


def holds(tree, facts, parameters):
    """Is the condition true of these facts?"""
    name, parts = tree[0], tree[1:]
    if name in ("and", "or"):
        return (all if name == "and" else any)(holds(part, facts, parameters) for part in parts)
    given = [value(part, facts, parameters) for part in parts]
    if name in ("present", "absent"):
        return (given[0] is not None) == (name == "present")
    if None in given:
        return False
    left, right = given
    return {
        "is": lambda: left == right, "is not": lambda: left != right,
        "<": lambda: left < right, "<=": lambda: left <= right,
        "has": lambda: right in left, "has not": lambda: right not in left,
        "has any": lambda: bool(set(left) & set(right)), "has none": lambda: not set(left) & set(right),
        "has all": lambda: set(left) >= set(right), "has not all": lambda: not set(left) >= set(right),
    }[name]()


class PlanTest(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()

    def plan(self, action, principal="ann", resource=NODE, client=None, **asked):
        who = {} if "token" in asked else {"principal": principal}
        return (client or self.c).call("plan", action=action, resource=resource, **who, **asked)

    def stranger(self):
        """A peer that is not trusted."""
        self.d.socket.chmod(0o666)
        self.d.folder.chmod(0o755)
        with people.as_user():
            return self.d.client()


class Planning(PlanTest):
    def test_a_plan_has_a_text_a_tree_and_the_node(self):
        answer = self.plan("list")
        self.assertEqual(answer.pop("revision"), self.c.call("status")["policy"]["revision"])
        self.assertEqual(answer, {
            "plan": "when", "when": 'resource.owner is "ann"', "node": NODE,
            "tree": ["is", ["fact", "resource.owner", "string"], ["string", "ann"]]})
        answer = self.plan("cancel", time=NOON)
        self.assertEqual(answer["when"], 'resource.owner is "ann" and resource.starts > 2026-07-01T12:00:00Z')
        self.assertEqual(answer["tree"][2], ["<", ["time", NOON], ["fact", "resource.starts", "time"]])
        self.assertEqual(self.plan("pay")["tree"], ["is", ["fact", "resource.paid", "bool"], ["bool", False]])
        states = ["word", ["draft", "confirmed", "settled"]]
        self.assertEqual(self.plan("change", facts={"resource.owner": "ann"})["tree"],
                         ["or", ["is not", ["fact", "resource.state", states], ["word", "settled"]],
                          ["absent", ["fact", "resource.state", states]]])

    def test_a_place_is_a_comparison_and_a_path_is_known(self):
        self.assertEqual(self.plan("GET", "seven")["tree"],
                         ["is", ["parameter", "booking", "string"], ["string", "7"]])
        self.assertEqual(self.plan("GET", "seven", "bookings:/bookings/7")["plan"], "always")
        answer = self.plan("GET", "seven", "bookings:/bookings/8")
        self.assertEqual((answer["plan"], answer["reason"], answer["status"]), ("never", "role", 403))
        answer = self.c.call("plan", principal="seven", tree="bookings", method="GET", path="/bookings/{booking}")
        self.assertEqual(answer["when"], '{booking} is "7"')

    def test_of_the_rows_it_is_true_of_those_that_authorize_allows(self):
        dice = random.Random(14)
        met = set()
        token = self.c.call("keys.create", principal="ann", scopes=["read"])["secret"]
        rows = list(itertools.product(*VALUES.values()))
        for who in ({"principal": "ann"}, {"principal": "dora"}, {"principal": "seven"}, {"token": token}):
            for action in ("list", "read", "change", "cancel", "pay", "tag", "refund"):
                asked = {**who, "action": action, "time": NOON}
                stated = {"context.amount": 500} if dice.random() < 0.8 else {}
                answer = self.c.call("plan", resource=NODE, facts=stated, **asked)
                met.add(answer["plan"])
                sample = [(dict(zip(VALUES, row)), str(dice.choice((7, 8)))) for row in dice.sample(rows, 40)]
                decided = self.c.call("authorize_many", requests=[
                    {"resource": f"bookings:/bookings/{booking}", "facts": {**facts, **stated}}
                    for facts, booking in sample], **asked)["results"]
                for (facts, booking), decision in zip(sample, decided):
                    listed = {"always": True, "never": False}.get(answer["plan"])
                    if listed is None:
                        listed = holds(answer["tree"], facts, {"booking": booking})
                    self.assertEqual(listed, decision["allow"], (asked, facts, booking, answer, decision))
        self.assertEqual(met, {"never", "when"})

    def test_what_is_missing_is_named(self):
        answer = self.plan("refund", "dora")
        self.assertEqual((answer["plan"], answer["reason"], answer["missing"]),
                         ("never", "missing_fact", ["context.amount"]))
        answer = self.plan("refund", "dora", facts={"context.amount": 500})
        self.assertEqual(answer["when"], 'resource.branch is "north" and resource.owner is not "dora"')
        self.assertNotIn("missing", answer)
        self.assertEqual(self.plan("refund", "dora", facts={"context.amount": 501})["reason"], "role")


class Refusing(PlanTest):
    def test_a_refusal_before_the_resource_has_its_reason(self):
        for asked, reason, status in (
                ({"principal": "nobody"}, "unknown_principal", 401),
                ({"token": "x"}, "malformed_token", 401),
                ({"service": "closed"}, "missing_token", 401),
                ({"resource": "bookings:/trips/{trip}"}, "unknown_resource", 404),
                ({"resource": "bookings"}, "malformed_path", 400),
                ({"action": "fly"}, "unknown_action", 403)):
            answer = self.plan(**{"action": "list", **asked})
            self.assertEqual((answer["plan"], answer["reason"], answer["status"]), ("never", reason, status))

    def test_a_path_that_cannot_be_planned_is_named(self):
        for who, action, resource, what in (
                ("ann", "list", "bookings:/bookings/{bokking}", "not the parameter"),
                ("seven", "GET", "bookings:/files/{path...}", "below")):
            error = self.assert_error("invalid_request", self.plan, action, who, resource)
            self.assertEqual(error.error["param"], "resource")
            self.assertIn(what, error.message)
        error = self.assert_error("invalid_request", self.c.call, "plan", principal="ann", tree="bookings",
                                  method="GET", path="/bookings/{b}")
        self.assertEqual(error.error["param"], "path")
        self.assertEqual(self.plan("GET", "seven", "bookings:/files/a/b")["plan"], "always")

    def test_parameters_are_those_of_authorize_but_explain(self):
        for asked, param in (({"explain": True}, "explain"), ({"facts": {"resource.x": 1}}, "facts.resource.x"),
                             ({"ip": "x"}, "ip"), ({"token": "x"}, "principal"), ({"path": "/x"}, "action")):
            error = self.assert_error("invalid_request", self.c.call, "plan", principal="ann", action="list",
                                      resource=NODE, **asked)
            self.assertEqual(error.error["param"], param)

    def test_a_plan_that_is_too_large_is_refused(self):
        deep = "resource.paid"
        for level in range(12):
            deep = f"({deep} or resource.branch is \"{level}\") and resource.owner is not \"{level}\""
        grant = f"allow list on bookings:/bookings/{{booking}} when {deep}"
        error = self.c.call("roles.create", name="deep", grants=[grant])
        self.assertEqual(error["name"], "deep")
        self.c.call("principals.create", id="deep")
        self.c.call("assignments.create", principal="deep", role="deep")
        error = self.assert_error("conflict", self.plan, "list", "deep")
        self.assertIn("too large", error.message)

    def test_only_a_trusted_peer_names_a_principal_or_states_its_facts(self):
        other = self.stranger()
        token = self.c.call("keys.create", principal="ann")["secret"]
        for asked in ({}, {"token": token, "facts": {"principal.branch": "north"}}, {"token": token, "ip": "10.0.0.1"}):
            answer = self.plan("list", client=other, **asked)
            self.assertEqual({name: answer[name] for name in answer if name != "revision"},
                             {"plan": "never", "reason": "not_trusted", "status": 403})
        self.assertEqual(self.plan("list", client=other, token=token)["plan"], "when")
        self.assertEqual(self.plan("list", client=other, token="x")["reason"], "unauthenticated")

    def test_a_plan_is_counted_as_a_decision(self):
        key = self.c.call("keys.create", principal="ann")
        before = self.c.call("status")["counters"]
        self.assertEqual(self.plan("list", token=key["secret"])["plan"], "when")
        self.assertEqual(self.plan("refund", token=key["secret"])["plan"], "never")
        after = self.c.call("status")["counters"]
        self.assertEqual((after["allowed"] - before["allowed"], after["denied"] - before["denied"]), (1, 1))
        record = self.c.call("keys.get", id=key["id"])
        self.assertEqual((record["uses"], record["denials"]), (2, 1))


class Example(harness.DaemonTest):
    def test_a_guest_lists_what_is_booked_for_that_guest(self):
        example = harness.ROOT / "policy" / "examples" / "booking" / "booking.policy"
        daemon = self.daemon({"booking.policy": example.read_text(encoding="utf-8")})
        done = daemon.tool("plan", "--principal", "ann", "list", NODE, "--sql", "postgresql")
        self.assertEqual((done.returncode, done.stdout),
                         (0, '(("resource.owner")::text COLLATE "C" = $1::text)\n  $1 = "ann"\n'), done.stderr)


class Term(ctypes.Structure):
    """struct authz_term."""


Term._fields_ = [("kind", ctypes.c_int), ("type", ctypes.c_int), ("text", ctypes.c_char_p),
                 ("number", ctypes.c_int64), ("parts", ctypes.POINTER(Term)), ("part_count", ctypes.c_size_t),
                 ("items", ctypes.POINTER(ctypes.c_char_p)), ("item_count", ctypes.c_size_t)]


class Answer(ctypes.Structure):
    """struct authz_plan."""
    _fields_ = [("kind", ctypes.c_int), ("status", ctypes.c_int), ("reason", ctypes.c_char * 64),
                ("revision", ctypes.c_char * 24), ("when", ctypes.c_char_p), ("tree", ctypes.POINTER(Term)),
                ("node", ctypes.c_char_p), ("missing", ctypes.POINTER(ctypes.c_char_p)),
                ("missing_count", ctypes.c_size_t), ("memory", ctypes.c_void_p)]


@unittest.skipIf(not test_client.LIBRARY, "a sanitizer's library")
class Library(PlanTest):
    """libauthz, with the real daemon."""
    NEVER, WHEN = 0, 2
    AND, IS, LESS = 1, 5, 7

    def ask(self, **fields):
        handle = test_client.Handle(self.d)
        self.addCleanup(handle.close)
        # More bytes than the structure has: facts, which are left out.
        request = (test_client.Request * 2)(test_client.Request(
            **{name: text if isinstance(text, int) else text.encode() for name, text in fields.items()}))
        answer = Answer()
        error = handle.library.authz_plan(handle.handle, request, ctypes.byref(answer))
        self.addCleanup(handle.library.authz_plan_finish, ctypes.byref(answer))
        return error, answer

    def test_a_plan_is_walked(self):
        error, answer = self.ask(principal="ann", action="cancel", resource=NODE, time=NOON)
        self.assertEqual((error, answer.kind, answer.status, answer.node.decode()), (0, self.WHEN, 200, NODE))
        tree = answer.tree[0]
        self.assertEqual((tree.kind, tree.part_count), (self.AND, 2))
        self.assertEqual([tree.parts[i].kind for i in range(2)], [self.IS, self.LESS])
        self.assertEqual(tree.parts[0].parts[0].text, b"resource.owner")
        self.assertEqual(tree.parts[0].parts[1].text, b"ann")
        self.assertEqual(tree.parts[1].parts[0].number, NOON)

    def test_a_refusal_and_an_error_are_never(self):
        error, answer = self.ask(principal="dora", action="refund", resource=NODE)
        self.assertEqual((error, answer.kind, answer.reason, answer.status), (0, self.NEVER, b"missing_fact", 403))
        self.assertEqual((answer.missing_count, answer.missing[0]), (1, b"context.amount"))
        error, answer = self.ask(principal="ann", action="list", resource="bookings:/bookings/{b}")
        self.assertEqual((error, answer.kind, answer.reason), (-8, self.NEVER, b"unavailable"))


class Tool(PlanTest):
    def tool(self, *words, status=0):
        done = self.d.tool("plan", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status != 2 else done.stderr

    def test_it_prints_the_condition_or_why_there_is_none(self):
        self.assertEqual(self.tool("--principal", "ann", "list", NODE), 'when resource.owner is "ann"\n')
        self.assertEqual(self.tool("--principal", "seven", "GET", "bookings:/bookings/7"), "always\n")
        self.assertIn("never 403 role: no role of ", self.tool("--principal", "ann", "refund", NODE, status=1))
        text = self.tool("--principal", "dora", "refund", NODE, status=1)
        self.assertTrue(text.endswith("not given, and it might allow more: context.amount\n"), text)
        self.assertIn("resource: a segment in braces is not the parameter that the node has there: it is " + NODE,
                      self.tool("--principal", "ann", "list", "bookings:/bookings/{b}", status=2))
        answer = json.loads(self.tool("--principal", "ann", "--json", "list", NODE))
        self.assertEqual(answer, self.plan("list"))

    def test_sql_has_its_parameters_apart(self):
        ann = ("--principal", "ann", "change", NODE, "--sql")
        self.assertEqual(self.tool("--principal", "ann", "list", NODE, "--sql", "postgresql"),
                         '(("resource.owner")::text COLLATE "C" = $1::text)\n  $1 = "ann"\n')
        text = self.tool(*ann, "mysql", "--column", "resource.owner=b.owner")
        self.assertIn("CAST(CONVERT((b.owner) USING utf8mb4) AS BINARY) = CAST(CONVERT(? USING", text)
        self.assertIn("(`resource.state`) IS NULL", text)
        self.assertIn('?1 = "ann"\n  ?2 = "draft"\n  ?3 = "confirmed"\n', text)
        answer = json.loads(self.tool("--json", "--principal", "seven", "GET", NODE, "--sql", "sqlite",
                                      "--column", "{booking}=b.id"))
        self.assertEqual(answer["sql"], {"dialect": "sqlite", "parameters": ["7"],
                                         "where": "(CAST((b.id) AS TEXT) COLLATE BINARY = ?)"})
        self.assertIn("(1 = 0)\n  never 403 role", self.tool("--principal", "ann", "refund", NODE, "--sql", "mysql",
                                                             status=1))
        for words, what in ((("--sql", "oracle"), "postgresql, mysql, mariadb or sqlite"), (("--column", "a=b"), "needs --sql"),
                            (("--sql", "mysql", "--column", "=b"), "FACT=EXPRESSION"),
                            (("--sql", "mysql", "--column", "b"), "FACT=EXPRESSION")):
            self.assertIn(what, self.tool("--principal", "ann", "list", NODE, *words, status=2))

    def test_the_rows_of_sqlite_are_those_that_authorize_allows(self):
        dice = random.Random(15)
        database = sqlite3.connect(":memory:")
        names = [name.split(".")[1] for name in VALUES]
        database.execute(f"CREATE TABLE b (id INTEGER PRIMARY KEY, {', '.join(names)}, value, a, key)")
        rows = dice.sample(list(itertools.product(*VALUES.values())), 300)
        for id, row in enumerate(rows):
            database.execute(f"INSERT INTO b (id, {', '.join(names)}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                             (id, *(json.dumps(cell) if isinstance(cell, list) else cell for cell in row)))
        columns = [word for name in names for word in ("--column", f"resource.{name}={name}")]
        for principal, action in itertools.product(("ann", "dora", "seven"), (
                "list", "change", "cancel", "pay", "tag", "refund")):
            asked = ("--principal", principal, "--time", "2026-07-01T12:00:00Z", "--fact", "context.amount=500")
            done = self.d.tool("plan", "--json", *asked, action, NODE, "--sql", "sqlite", *columns,
                               "--column", "{booking}=id")
            sql = json.loads(done.stdout)["sql"]
            listed = {id for id, in database.execute(f"SELECT id FROM b WHERE {sql['where']}", sql["parameters"])}
            decided = self.c.call("authorize_many", principal=principal, action=action, time=NOON, requests=[
                {"resource": f"bookings:/bookings/{id}", "facts": {"context.amount": 500, **dict(zip(VALUES, row))}}
                for id, row in enumerate(rows)])["results"]
            self.assertEqual(listed, {id for id, answer in enumerate(decided) if answer["allow"]}, (principal, sql))


if __name__ == "__main__":
    unittest.main()

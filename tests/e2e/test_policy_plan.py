# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy plan: the plan of a folder is that of a daemon with the same folder."""

import json
import unittest

import harness
from test_policy_tool import EXAMPLES, Folder

BOOKING = EXAMPLES / "booking"
NODES = {"bookings:/bookings": ("create",),
         "bookings:/bookings/{booking}": ("list", "read", "change", "cancel"),
         "bookings:/bookings/7": ("read",),
         "bookings:/bookings/{booking}/refund": ("refund",),
         "bookings:/guests/{guest}": ("read", "update"),
         "bookings:/reports/{desk}": ("read",)}
BRANCH = ("--fact", "principal.branch=north")
LIST = ("list", "bookings:/bookings/{booking}")


def wide(roles):
    """A policy of principals with a role each, of this name, whose condition is a long text and `more` bytes."""
    text = "facts { resource.tags strings }\ntree bookings { /bookings/{booking} { list } }\n"
    for name, more in roles:
        text += f"principal {name} {{ role {name} }}\nrole {name} {{\n"
        for grant in range(12):
            items = [f"{grant:02}-{item:02}-" + "x" * 56 for item in range(60)]
            items[-1] += "y" * max(0, min(400, more - 400 * grant))
            quoted = ", ".join(f'"{item}"' for item in items)
            text += f"    allow list on bookings:/bookings/{{booking}} when resource.tags has any {quoted}\n"
        text += "}\n"
    return text


class PolicyPlan(Folder):
    def plan(self, *words, status=0, folder=BOOKING):
        done = self.tool("policy", "plan", folder, *words, status=status)
        return done.stdout if status == 0 else done.stdout + done.stderr

    def test_of_a_declared_principal_it_is_the_daemons(self):
        policy = (BOOKING / "booking.policy").read_text(encoding="utf-8").partition("\ntest ")[0] + """
stack inner {
    authenticate required key
    account required network allow=10.0.0.0/8
    authorize required role
}
stack other {
    authenticate required principal
    account required network allow=10.0.0.0/8
    account required hours allow=mon-fri/07:00-20:00 zone=UTC
    authorize required role
}
"""
        self.write({"a.policy": policy})
        daemon = harness.Daemon({"a.policy": policy})
        self.addCleanup(daemon.finish)
        for node, actions in NODES.items():
            for action in actions:
                for options in ((), ("--ip", "10.1.2.3", "--time", "2026-07-01T12:00:00Z"),
                                ("--ip", "10.1.2.3", "--time", "2026-07-01T22:00:00Z"), ("--service", "inner"),
                                ("--ip", "10.1.2.3", "--time", "2026-07-01T12:00:00Z", "--fact", "context.amount=100")):
                    for principal in ("ann", "dora"):
                        words = ("--principal", principal, *options, action, node)
                        with self.subTest(words=words):
                            wanted = daemon.tool("--json", "plan", *words)
                            got = self.tool("--json", "policy", "plan", self.folder, *words, status=wanted.returncode)
                            self.assertEqual(json.loads(got.stdout), json.loads(wanted.stdout))

    def test_it_is_of_roles_and_scopes_too(self):
        self.assertEqual(self.plan("--role", "desk", *BRANCH, *LIST), 'when resource.branch is "north"\n')
        self.assertIn("never 403 missing_fact", self.plan("--role", "desk", *LIST, status=1))
        self.assertIn("might allow more: principal.branch", self.plan("--role", "desk", *LIST, status=1))
        self.assertEqual(self.plan("--scope", "bookings:read", *LIST), "when resource.state is not draft\n")
        self.assertEqual(self.plan("--role", "desk", "--scope", "bookings:read", *BRANCH, *LIST),
                         'when resource.state is not draft and resource.branch is "north"\n')
        self.assertEqual(self.plan("--role", "desk", "--at", "bookings:/bookings/7", *BRANCH, *LIST),
                         'when {booking} is "7" and resource.branch is "north"\n')
        self.assertEqual(self.plan("--principal", "ann", "--tree", "bookings", "POST", "/bookings"), "always\n")

    def test_it_is_the_where_of_a_query(self):
        self.assertEqual(self.plan("--principal", "ann", *LIST, "--sql", "postgresql", "--column", "resource.owner=b.o"),
                         '((b.o)::text COLLATE "C" = $1::text)\n  $1 = "ann"\n')

    def test_its_bounds_and_codes_are_the_daemons(self):
        self.write({"a.policy": wide([("fits", 0)])})
        short = self.tool("--json", "policy", "plan", self.folder, "--principal", "fits", *LIST).stdout
        room = 64 * 1024 - 1 - len(json.loads(short)["when"])
        policy = wide([("fits", room), ("larger", room + 1)])
        self.write({"a.policy": policy})
        daemon = harness.Daemon({"a.policy": policy})
        self.addCleanup(daemon.finish)
        for words, status in ((("fits", *LIST), 0), (("larger", *LIST), 1),
                              (("fits", "list", "bookings:/bookings/{b}"), 2)):
            with self.subTest(words=words):
                wanted = daemon.tool("--json", "plan", "--principal", *words)
                got = self.tool("--json", "policy", "plan", self.folder, "--principal", *words, status=status)
                self.assertEqual(wanted.returncode, status, wanted.stderr)
                answers = [json.loads(done.stdout) for done in (wanted, got)]
                if status == 0:
                    self.assertEqual(answers[1], answers[0])
                else:
                    codes = [answer["error"]["code"] for answer in answers]
                    self.assertEqual(codes, [("conflict", "invalid_request")[status - 1]] * 2)

    def test_what_is_wrong_is_said(self):
        for words, what in ((LIST, "for whom?"), (("--principal", "nobody", *LIST), "nobody"),
                            (("--role", "desk", "--ip", "x", *LIST), "--ip 'x' is not an IP address"),
                            (("--role", "desk", "--tree", "x", *LIST), "--tree is for a path"),
                            (("--role", "desk", "list", "bookings:/bookings/{b}"), "braces"),
                            (("--role", "desk", "--fact", "principal.brunch=x", *LIST), "principal.branch"),
                            (("--role", "desk", "--sql", "oracle", *LIST), "--sql is"),
                            (("--role", "desk", "--time", "soon", *LIST), "--time"),
                            (("--role", "desk", "list"), "needs DIR ACTION TREE:/PATH")):
            with self.subTest(words=words):
                self.assertIn(what, self.plan(*words, status=2))
        self.assertIn("never 403 unknown_service", self.plan("--role", "desk", "--service", "x", *LIST, status=1))
        self.assertIn("never 404 unknown_resource", self.plan("--role", "desk", "list", "bookings:/nowhere", status=1))


if __name__ == "__main__":
    unittest.main()

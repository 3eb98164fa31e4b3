# SPDX-License-Identifier: Apache-2.0
"""Explanations of decisions, as authzcheck draws them."""

import json
import re
import unittest

import explaining


class Stories(explaining.Explaining):
    """What authzcheck draws: each line with a position quotes the text there."""

    PLACED = re.compile(r"^(.*\S)  +(/.*\.policy):([0-9]+)$")

    def story(self, *arguments, status):
        done = self.d.tool("check", "--explain", *arguments)
        self.assertEqual((done.returncode, done.stderr), (status, ""))
        placed = 0
        for line in done.stdout.splitlines():
            match = self.PLACED.match(line)
            if match:
                placed += 1
                self.assert_stands(*match.groups())
        return done.stdout, placed

    def assert_stands(self, told, file, number):
        written = " ".join(explaining.line_at(file, int(number)).split("#")[0].split())
        told = " ".join(told.split())
        if told.startswith(("allow ", "deny ")):
            self.assertIn(told, written)
        elif told.startswith("stack "):
            self.assertEqual(written, told + " {")
        else:  # a line of the stack: GROUP is in the heading, a verdict follows
            control, module, *_ = told.split()
            self.assertIn(f" {control} {module}", written)

    def test_the_back_office(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        c.call("assignments.create", principal="alice", role="tenant-admin")
        said, placed = self.story("--principal", "alice", "--service", "back-office", "--ip",
                                  "10.1.2.3", "view", "ui:/settings/company/api/overview", status=1)
        self.assertEqual(placed, 6)
        told = [" ".join(self.PLACED.sub(r"\1", line).split()) for line in said.splitlines()]
        self.assertEqual(told, [
            "deny 403 mfa: a second factor is missing, or too long ago: no second factor was "
            "stated",
            "",
            "stack back-office",
            "authenticate: passed",
            "sufficient key deny missing_token: no effect",
            "required principal allow",
            "account: failed, mfa",
            "requisite network allow=10.0.0.0/8,2001:db8::/32 allow",
            "required mfa deny mfa (no second factor was stated): the group fails, its rest "
            "still runs",
            "authorize: not asked",
            "required role not asked",
            "",
            "asked for: view on ui:/settings/company/api/overview",
        ])
        said, placed = self.story("--principal", "alice", "--service", "back-office", "--ip",
                                  "10.1.2.3", "--mfa-at", "1m", "view",
                                  "ui:/settings/company/api/overview", status=0)
        self.assertEqual(placed, 7)
        self.assertIn("\nrole tenant-admin allows it\n  allow all on api:/**, ui:/**, fields:/** ",
                      said)

    def test_what_is_missing(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        c.call("assignments.create", principal="alice", role="servicing", at=["api:/loans/77"])
        said, placed = self.story("--principal", "alice", "POST", "/loans/78/payments", status=1)
        self.assertEqual(placed, 7)  # stack 'other' and its four lines, and two roles
        self.assertIn("\nrole servicing would allow it, but is held only at api:/loans/77\n", said)
        self.assertIn("\nrole tenant-admin would allow it\n", said)
        said, placed = self.story("--principal", "alice", "GET", "/loans/77/notes", status=0)
        self.assertEqual(placed, 6)
        self.assertIn("\nrole servicing <- get-only allows it, held at api:/loans/77\n", said)

    def test_a_deny(self):
        c = self.example("loanpro")
        c.call("principals.create", id="carl")
        c.call("assignments.create", principal="carl", role="collections")
        said, placed = self.story("--principal", "carl", "GET", "/customers/5/bank-accounts",
                                  status=1)
        self.assertEqual(placed, 7)
        self.assertIn("\nrole collections denies it\n"
                      "  deny GET on api:/customers/{customer}/bank-accounts ", said)

    def test_scopes(self):
        c = self.example("loop")
        key = c.call("keys.create", name="k", scopes=["subscriptions:write"])
        said, placed = self.story("--token", key["secret"], "--tree", "admin", "GET",
                                  "/subscriptions/7", status=0)
        self.assertEqual(placed, 1)
        self.assertIn("\nscope subscriptions:write <- subscriptions:read allows it\n", said)
        said, placed = self.story("--token", key["secret"], "--tree", "admin", "GET",
                                  "/customers/7", status=1)
        self.assertEqual(placed, 1)
        self.assertIn("\nscope customers:read would allow it\n", said)
        key = self.example("lendiq").call("keys.create", name="k", scopes=["deals:read"])
        said, placed = self.story("--token", key["secret"], "DELETE", "/documents/7", status=1)
        self.assertEqual(placed, 1)
        self.assertIn("\nscope documents:write would allow it\n", said)

    def test_a_key_that_is_narrowed(self):
        c = self.example("lendiq")
        c.call("roles.create", name="deals", grants=["allow GET on api:/deals/**"])
        scoped = c.call("keys.create", roles=["deals"], scopes=["documents:read"])
        said, _ = self.story("--token", scoped["secret"], "GET", "/deals/7", status=1)
        self.assertTrue(said.startswith(
            f"deny 403 scope: the scopes or places of key {scoped['id']} leave out GET on "
            "api:/deals/7\n"), said)
        self.assertIn("\nrole deals allows it, and was made outside of the files\n"
                      "The key's scopes leave it out.\nscope deals:read would allow it\n", said)
        alone = c.call("keys.create", scopes=["documents:read"])
        placed = c.call("keys.create", roles=["deals"], at=["api:/deals/7"])
        said, _ = self.story("--token", placed["secret"], "GET", "/deals/8", status=1)
        self.assertTrue(said.endswith("\nThe key counts at api:/deals/7 alone.\n"), said)
        self.d.write("more.policy", "tree more { /only { GET } }\n")
        c.call("policy.reload")
        said, _ = self.story("--token", alone["secret"], "--tree", "more", "GET", "/only",
                             status=1)
        self.assertTrue(said.endswith("\nThe key's scopes leave it out.\n"
                                      "No scope would allow it.\n"), said)
        c.call("principals.create", id="ann")
        said, _ = self.story("--principal", "ann", "--tree", "more", "GET", "/only", status=1)
        self.assertTrue(said.endswith("\nNo role that could be given would allow it.\n"), said)
        said, _ = self.story("--principal", "ann", "--tree", "more", "PUT", "/only", status=1)
        self.assertTrue(said.endswith("\nasked for: more:/only\nIt has GET.\n"), said)

    def test_a_denial_names_the_fact_it_was_judged_by(self):
        self.d = self.daemon({"a.policy": """\
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
stack other {
    authenticate sufficient key
    authenticate required principal
    account requisite network allow=10.0.0.0/8
    account requisite hours allow=mon-fri/07:00-20:00 zone=America/Denver
    account requisite mfa
    account requisite quota name=few limit=1 period=1h per=ip
    authorize required role
}
"""})
        self.c = self.d.client()
        noon, night = 1_795_809_600, 1_795_852_800  # 2026-11-27 20:00 UTC, and twelve hours later
        in_office = {"ip": "10.0.0.1", "time": noon}
        for facts, reason, fact in (
            ({}, "network", "no address was stated"),
            ({"ip": "192.0.2.9"}, "network", "192.0.2.9"),
            ({"ip": "10.0.0.1", "time": night}, "hours",
             "sat 2026-11-28 01:00 in America/Denver, as stated"),
            (in_office, "mfa", "no second factor was stated"),
            ({**in_office, "mfa_at": 1_700_000_000}, "ok", None),
            ({**in_office, "mfa_at": 1_700_000_000}, "quota", "counted for 10.0.0.1"),
        ):
            answer = self.c.call("authorize", principal="p", method="GET", path="/a", explain=True,
                                 **facts)
            told = answer["explain"]
            self.assertEqual((answer["reason"], answer.get("fact")), (reason, fact))
            (denied,) = [line.get("fact") for group in told["groups"] for line in group["lines"]
                         if line.get("verdict") == "deny" and group["group"] == "account"] or [None]
            self.assertEqual(denied, None if reason == "quota" else fact)
            if reason != "ok":
                plain = self.c.call("authorize", principal="p", method="GET", path="/a", **facts)
                self.assertEqual((plain["reason"], plain["fact"]), (reason, fact))
        said = self.d.tool("check", "--principal", "p", "GET", "/a").stdout
        self.assertEqual(said, "deny 403 network: not from this network address: "
                               "no address was stated\n")
        said = self.d.tool("check", "--principal", "p", "--ip", "192.0.2.9", "--explain",
                           "GET", "/a").stdout
        self.assertIn("deny network (192.0.2.9): the group fails and ends", said)
        key = self.c.call("keys.create", principal="p", networks=["192.0.2.0/24"])
        answer, told = self.explain(token=key["secret"], method="GET", path="/a", ip="10.0.0.1")
        self.assertEqual((answer["reason"], answer["fact"], told["ended"], told["fact"]),
                         ("network", "10.0.0.1", "networks", "10.0.0.1"))

    def test_a_quota_that_is_used_up_and_where_a_substack_ends(self):
        self.d = self.daemon({"a.policy": """\
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
stack other {
    authenticate required principal
    account substack office
    account required quota name=many limit=100 period=1h per=principal
    account required quota name=few limit=1 period=1h per=principal
    authorize required role
}
stack office {
    account sufficient network allow=10.0.0.0/8
    account requisite mfa
}
"""})
        self.c = self.d.client()
        asked = ("--principal", "p", "--ip", "10.0.0.1", "GET", "/a")
        said, placed = self.story(*asked, status=0)
        self.assertEqual(placed, 8)
        self.assertRegex(said, r"\n  sufficient network allow=10.0.0.0/8 +allow: substack office "
                         r"ends +/.*:12\n")
        said, placed = self.story(*asked, status=1)
        self.assertTrue(said.startswith("deny 429 quota: all of 1 are used; it starts again in "), said)
        self.assertEqual(placed, 8)
        self.assertRegex(said, r"\n  required   quota name=many limit=100 period=1h per=principal  "
                         r"allow +/.*:7\n")
        self.assertRegex(said, r"\n  required   quota name=few limit=1 period=1h per=principal  "
                         r"allow, but was used up in the end +/.*:8\n")
        self.assertIn("\n\nQuota few is used up.\n\nasked for: GET on api:/a\n", said)
        self.assertEqual(self.explain(principal="p", method="GET", path="/a", ip="10.0.0.1")[1][
            "quota"], "few")
        said, placed = self.story("--principal", "p", "GET", "/a", status=1)
        self.assertRegex(said, r"deny mfa \(no second factor was stated\): the group fails, "
                         r"substack office ends +/.*:13\n")

    def test_json_has_the_daemons_words(self):
        c = self.example("loanpro")
        c.call("principals.create", id="alice")
        done = self.d.tool("--json", "check", "--explain", "--principal", "alice", "GET", "/loans")
        told = json.loads(done.stdout)["explain"]
        self.assertEqual(told, self.explain(principal="alice", method="GET", path="/loans")[1])


if __name__ == "__main__":
    unittest.main()

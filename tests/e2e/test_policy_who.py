# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy can and policy who: the same questions as of a daemon, of a folder."""

import json

import unittest

from test_policy_tool import EXAMPLES, Folder

LOANPRO = EXAMPLES / "loanpro"

POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH } }
    /health { GET }
}
role anyone { allow GET on api:/health }
role viewer { allow GET on api:/loans/** }
role putter { allow PUT on api:/loans/{loan} }
role patcher { allow PATCH on api:/loans/{loan} }
role none { deny GET on api:/loans/{loan} }
scope loans:read { allow GET on api:/loans, api:/loans/{loan} }
principal robot {
    role viewer at api:/loans/7
    role putter, patcher
}
principal old { role viewer until 2020-01-01T00:00:00Z }
principal barred { role viewer, none }
"""


class PolicyWho(Folder):
    def setUp(self):
        super().setUp()
        self.write({"p.policy": POLICY})

    def who(self, *words):
        answer = json.loads(self.tool("--json", "policy", "who", self.folder, *words).stdout)
        return [(item["kind"], item["id"]) for item in answer["items"]]

    def can(self, *words):
        answer = json.loads(self.tool("--json", "policy", "can", self.folder, *words).stdout)
        return {item["resource"]: item["actions"] for item in answer["items"]}

    def test_roles_scopes_and_principals_are_listed_with_what_they_owe_it_to(self):
        self.assertEqual(self.who("GET", "api:/loans/7"), [
            ("role", "viewer"), ("scope", "loans:read"), ("principal", "robot")])
        self.assertEqual(self.who("GET", "api:/loans/8"), [
            ("role", "viewer"), ("scope", "loans:read")])
        answer = json.loads(self.tool("--json", "policy", "who", self.folder, "GET",
                                      "api:/loans/7").stdout)
        self.assertEqual(answer["resource"], "api:/loans/{loan}")
        self.assertEqual(answer["items"][2]["through"], [{"role": "viewer", "at": ["api:/loans/7"]}])
        shown = self.tool("policy", "who", self.folder, "GET", "api:/loans/7").stdout
        self.assertIn("principal  robot       viewer at api:/loans/7\n", shown)

    def test_an_action_of_two_methods_needs_both_whichever_roles_they_come_from(self):
        self.assertEqual(self.who("update", "api:/loans/7"), [("principal", "robot")])
        shown = self.tool("policy", "who", self.folder, "update", "api:/loans/7").stdout
        self.assertIn("robot  putter, patcher", shown)

    def test_what_everybody_may_is_said_first(self):
        self.assertEqual(self.who("GET", "/health")[0], ("role", "anyone"))
        self.assertIn(("principal", "barred"), self.who("GET", "/health"))

    def test_nobody_is_an_answer(self):
        self.assertEqual(self.who("POST", "/loans"), [])
        self.assertEqual(self.tool("policy", "who", self.folder, "POST", "/loans").stdout,
                         "nobody\n")

    def test_can_combines_roles_places_and_scopes_as_a_key_does(self):
        self.assertEqual(self.can("--role", "viewer"), {
            "api:/health": ["GET"], "api:/loans": ["list"], "api:/loans/{loan}": ["read"]})
        self.assertEqual(self.can("--role", "viewer", "--at", "api:/loans/%37", "api:/loans"),
                         {"api:/loans/7": ["read"]})
        self.assertEqual(self.can("--role", "viewer,none", "api:/loans"), {"api:/loans": ["list"]})
        self.assertEqual(self.can("--role", "putter", "--scope", "loans:read", "api:/loans"), {})
        self.assertEqual(self.can("--principal", "robot", "api:/loans/7"),
                         {"api:/loans/7": ["read", "update"]})
        self.assertEqual(self.can("--principal", "old", "api:/loans"), {})
        self.assertEqual(self.tool("policy", "can", self.folder, "--role", "none", "api:/loans/**"
                                   ).stdout, "nothing\n")

    def test_can_and_who_and_the_policys_tests_agree(self):
        roles = ("get-only", "loan-searcher", "servicing", "collections", "auditor", "tenant-admin")
        allowed = {}
        for role in roles:
            items = json.loads(self.tool("--json", "policy", "can", LOANPRO, "--role", role, "api"
                                         ).stdout)["items"]
            for item in items:
                if "when" in item:
                    continue  # it depends on facts
                resource = item["resource"].replace("{", "").replace("}", "")
                for action in item["actions"]:
                    allowed.setdefault((action, resource), []).append(role)
        self.assertGreater(len(allowed), 20)
        tests = []
        for (action, resource), holders in allowed.items():
            answer = json.loads(self.tool("--json", "policy", "who", LOANPRO, action, resource
                                          ).stdout)
            self.assertEqual([item["id"] for item in answer["items"] if "when" not in item], holders)
            sometimes = [item["id"] for item in answer["items"] if "when" in item]
            tests += [f'test "{role} {action} {resource}" {{\n    as role {role}\n    '
                      f'{"allow" if role in holders else "deny "} {action} {resource}\n}}\n'
                      for role in roles if role not in sometimes]
        for name in ("roles", "api", "ui"):
            self.write({f"copy/{name}.policy": (LOANPRO / f"{name}.policy").read_text()})
        self.write({"copy/tests.policy": "".join(tests)})
        self.assertEqual(self.tool("policy", "test", self.folder / "copy").stdout,
                         f"{len(tests)} passed, 0 failed\n")

    def test_what_is_not_there_is_refused_with_a_hint(self):
        for arguments, wanted in (
                (["who", self.folder, "GET", "api:/lons"], "the policy has nothing at 'api:/lons'"),
                (["who", self.folder, "GET", "ui:/x"], "the policy has nothing at 'ui:/x'"),
                (["who", self.folder, "DELETE", "/loans/7"], "no 'DELETE' on 'api:/loans/7'"),
                (["who", self.folder, "read", "/loans/7"], "no 'read' on 'api:/loans/7'"),
                (["who", self.folder, "GET", "api:/loans/../x"], "is not a resource"),
                (["who", self.folder, "GET", "api:/loans/**"], "'api:/loans/**' is a pattern"),
                (["who", self.folder, "GET", "api:/loans/*"], "'api:/loans/*' is a pattern"),
                (["who", self.folder, "GET", "loans"], "want TREE:/PATH"),
                (["who", self.folder, "GET"], "needs DIR ACTION TREE:/PATH"),
                (["who", self.folder, "GET", "api:/loans", "--tree", "api"], "has its tree"),
                (["can", self.folder], "for whom?"),
                (["can", self.folder, "--role", "viewr"], "did you mean 'viewer'?"),
                (["can", self.folder, "--scope", "loans:rad"], "did you mean 'loans:read'?"),
                (["can", self.folder, "--principal", "robto"], "did you mean 'robot'?"),
                (["can", self.folder, "--role", "viewer", "--at", "api:/x"], "is not a place"),
                (["can", self.folder, "--scope", "loans:read", "--at", "api:/loans"], "give --role"),
                (["can", self.folder, "--role", "viewer", "--principal", "robot"], "exclude"),
                (["can", self.folder, "--role", "viewer", "ux"], "declares no 'ux'")):
            done = self.tool("policy", *arguments, status=2)
            self.assertIn(wanted, done.stderr, arguments)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""authzcheck against the real daemon: what check and can print, in text and JSON, and their exit status."""

import json
import unittest

from tool import Tool


class Check(Tool):
    def test_a_decision_is_one_line_and_an_exit_status(self):
        self.alice("clerk")
        kid, file = self.key("--principal", "alice")
        ask = ("check", "--token-file", file)
        cases = [
            (["GET", "/loans/7"], f"allow  key {kid} (alice)\n"),
            (["GET", "api:/loans/7"], f"allow  key {kid} (alice)\n"),
            (["view", "ui:/settings"], f"allow  key {kid} (alice)\n"),
            (["DELETE", "/loans/7"],
             "deny 403 role: no role of alice allows DELETE on api:/loans/7\n"),
            (["delete", "api:/loans/7"],
             "deny 403 role: no role of alice allows delete on api:/loans/7\n"),
            (["GET", "/nope"],
             "deny 404 unknown_resource: the policy declares no such resource: "
             "GET on api:/nope\n"),
            (["manage", "ui:/loans"],
             "deny 404 unknown_resource: the policy declares no such resource: "
             "manage on ui:/loans\n"),
            (["PATCH", "/loans"],
             "deny 403 unknown_action: the resource has no such action: PATCH on api:/loans\n"),
            (["GET", "/loans/\x1b[31m"],
             "deny 400 malformed_path: the path could be read in two ways, or is not a path: "
             "GET on api:/loans/\\x1b[31m\n"),
        ]
        for words, expected in cases:
            status = 0 if expected.startswith("allow") else 1
            self.assertEqual(self.line(*ask, *words, status=status), expected, words)

    def test_a_token_comes_by_file_input_environment_or_option(self):
        kid, file = self.key("--scope", "loans:read")
        token = file.read_text(encoding="utf-8")
        allow = f"allow  key {kid}\n"
        words = ("GET", "/loans")
        self.assertEqual(self.line("check", *words, "--token-file", file), allow)
        self.assertEqual(self.line("check", *words, "--token-file", "-", text=token), allow)
        self.assertEqual(self.line("check", *words, "--token", "-", text=token + "more\n"), allow)
        self.assertEqual(self.line("check", *words, env={"AUTHZ_TOKEN": token.strip()}), allow)
        done = self.tool("check", *words, "--token", token.strip())
        self.assertEqual((done.stdout, done.stderr), (allow, ""))

    def test_a_principal_and_facts_are_stated(self):
        self.alice("clerk")
        bank = ("check", "--principal", "alice", "--service", "bank", "GET", "/loans")
        self.assertIn("deny 403 network: ", self.line(*bank, status=1))
        bank = (*bank, "--ip", "10.1.2.3")
        self.assertIn("deny 403 mfa: ", self.line(*bank, status=1))
        self.assertIn("deny 403 mfa: ", self.line(*bank, "--mfa-at", "20m", status=1))
        for when in ("now", "5m"):
            self.assertEqual(self.line(*bank, "--mfa-at", when), "allow  principal alice\n")
        # A token in the environment is not used for this principal.
        self.assertEqual(
            self.line("check", "--principal", "alice", "GET", "/loans",
                      env={"AUTHZ_TOKEN": "nonsense"}), "allow  principal alice\n")
        self.assertEqual(
            self.line("check", "--principal", "bob", "GET", "/loans", status=1),
            "deny 401 unknown_principal: there is no such principal\n")
        self.assertIn("deny 401 missing_token: ", self.line("check", "GET", "/loans", status=1))

    def test_every_401_has_its_sentence(self):
        self.alice("viewer")
        self.assertEqual(
            self.line("check", "--principal", "alice", "--environment", "mars", "GET", "/loans",
                      status=1),
            "deny 401 wrong_environment: the policy declares no such environment\n")
        kid, file = self.key("--scope", "loans:read", "--environment", "test")
        ask = ("check", "--token-file", file, "--environment", "test", "GET", "/loans")
        self.assertEqual(self.line(*ask), f"allow  key {kid}\n")
        self.assertIn("deny 401 wrong_environment: ",
                      self.line("check", "--token-file", file, "GET", "/loans", status=1))
        self.tool("key", "disable", kid)
        self.assertEqual(self.line(*ask, status=1),
                         f"deny 401 inactive_key: key {kid} is switched off, or not yet valid\n")
        self.tool("key", "enable", kid)
        self.assertEqual(self.line(*ask), f"allow  key {kid}\n")
        self.tool("key", "revoke", kid)
        self.assertEqual(self.line(*ask, status=1), f"deny 401 revoked_key: key {kid} is revoked\n")
        self.assertIn("deny 401 malformed_token: ",
                      self.line("check", "--token", "x", "GET", "/loans", status=1))

    def test_json_is_the_result(self):
        kid, file = self.key("--scope", "loans:read")
        answer = self.json("check", "--token-file", file, "GET", "/loans")
        self.assertIs(answer["allow"], True)
        self.assertEqual((answer["key"], answer["reason"]), (kid, "ok"))
        answer = self.json("check", "--token-file", file, "POST", "/loans", status=1)
        self.assertIs(answer["allow"], False)
        self.assertEqual((answer["status"], answer["reason"]), (403, "scope"))

    def test_what_the_daemon_refuses_is_2(self):
        done = self.tool("check", "--principal", "a", "--ip", "nowhere", "GET", "/loans", status=2)
        self.assertIn("invalid_request: --ip 'nowhere': ", done.stderr)

    def test_a_method_in_small_letters_is_suggested_in_capitals(self):
        self.alice("clerk")
        ask = ("check", "--principal", "alice")
        self.assertIn("did you mean 'GET'?", self.served.tool(*ask, "get", "/loans/7").stderr)
        for words in (("PATCH", "/loans"), ("get", "/nope"), ("read", "api:/nope/7")):
            self.assertNotIn("did you mean", self.served.tool(*ask, *words).stderr, words)

    def test_a_tree_or_an_action_that_is_nearly_one_is_suggested(self):
        self.alice("clerk")
        for words, name in ((("raed", "api:/loans/7"), "read"), (("get", "api:/loans/7"), "GET"),
                            (("DELTE", "/loans/7"), "DELETE"), (("read", "apu:/loans/7"), "api"),
                            (("--tree", "apj", "GET", "/loans/7"), "api")):
            ask = ("check", "--principal", "alice", *words)
            self.assertEqual(self.tool(*ask, status=1).stderr,
                             f"authzcheck: did you mean '{name}'?\n", words)
            self.assertEqual(self.tool("--json", *ask, status=1).stderr, "")

    def test_a_name_that_is_nearly_one_is_suggested(self):
        self.alice()
        self.tool("tenant", "create", "nearby")
        for words, name in (
                (("assign", "alice", "viewre"), "viewer"),
                (("role", "show", "viewre"), "viewer"),
                (("principal", "show", "alicee"), "alice"),
                (("key", "create", "--principal", "alcie"), "alice"),
                (("key", "list", "--tenant", "nearbyy"), "nearby"),
                (("key", "create", "--scope", "loans:read,loans:raed"), "loans:read")):
            done = self.served.tool(*words)
            self.assertIn(f"\nauthzcheck: did you mean '{name}'?\n", done.stderr, words)
            self.assertNotIn("did you mean", self.served.tool("--json", *words).stderr)
        for words in (("role", "show", "quite-another"), ("principal", "show", "alicee", "--tenant", "nearby")):
            self.assertNotIn("did you mean", self.served.tool(*words).stderr)

    def test_a_refusal_names_what_was_typed(self):
        self.alice()
        self.tool("assign", "alice", "viewer")
        kid, _ = self.key("--principal", "alice")
        cases = [
            (("key", "create", "--scope", "loans:read,loans:raed"),
             "invalid_request: --scope 'loans:raed': "),
            (("key", "create", "--principal", "alice", "--network", "10.0.0.0/33"),
             "invalid_request: --network '10.0.0.0/33': "),
            (("key", "create", "--principal", "bob"),
             "not_found: there is no such principal 'bob' in tenant default\n"),
            (("assign", "alice", "viewer", "--tenant", "acme"),
             "not_found: there is no such tenant 'acme'\n"),
            (("key", "list", "--status", "actve"), "invalid_request: --status 'actve': must be "),
            (("key", "list", "--tenant", "acme"), "not_found: there is no such tenant 'acme'"),
            (("key", "show", "1zzzzzzzzzzz"), "not_found: there is no such key '1zzzzzzzzzzz'"),
            (("principal", "show", "bob\x1b[2J"),
             "not_found: there is no such principal 'bob\\x1b[2J'"),
            (("principal", "create", "a/b"), "invalid_request: ID 'a/b': may not hold a space"),
            (("assign", "alice", "viewre"), "invalid_request: ROLE 'viewre': "),
            (("assign", "bob", "viewer"), "not_found: there is no such principal 'bob'"),
            (("role", "show", "viewre"), "not_found: there is no such role 'viewre'"),
            (("key", "rotate", kid, "--mode", "slowly"), "invalid_request: --mode 'slowly': "),
            (("log", "--actor", "x" * 200), "invalid_request: --actor '" + "x" * 64 + "…': "),
        ]
        for words, said in cases:
            done = self.served.tool(*words)
            self.assertIn(done.returncode, (1, 2), words)
            self.assertIn(said, done.stderr, words)
            answer = json.loads(self.served.tool("--json", *words).stdout)["error"]
            self.assertNotIn("--", answer["message"].split(": ")[0])
        done = self.served.tool("key", "create", "--scope", "loans:read", "--tenant", "*")
        self.assertIn("--tenant '*': all tenants, is only for finding keys and reading the trail",
                      done.stderr.replace("'*', all", "all"))
        self.tool("tenant", "create", "acme")
        done = self.served.tool("principal", "show", "alice", "--tenant", "acme")
        self.assertIn("there is no such principal 'alice' in tenant 'acme'\n", done.stderr)

    def test_a_secret_in_place_of_an_id_is_not_printed(self):
        kid, file = self.key("--scope", "loans:read")
        secret = file.read_text().strip()
        hidden = secret.split("_")[-1]
        verbs = ["show", "edit", "disable", "enable", "rotate", "finish", "rollback", "prolong",
                 "revoke", "delete", "restore", "purge"]
        cases = [("key", verb, secret) for verb in verbs] + [("log", "--key", secret)]
        for words in cases:
            with self.subTest(words=words[:2]):
                done = self.served.tool(*words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr, "authzcheck: that is a secret, not an id: "
                                              f"its id is {kid}\n")
                done = self.served.tool("--json", *words)
                self.assertEqual(json.loads(done.stdout)["error"]["code"], "usage")
                self.assertNotIn(hidden, done.stdout + done.stderr)
        self.assertEqual(self.json("key", "show", kid)["status"], "active")

    def test_no_message_has_a_secret_of_what_was_typed(self):
        kid, file = self.key("--scope", "loans:read")
        secret = file.read_text().strip()
        hidden = secret.split("_")[-1]
        cases = [("principal", "show", secret), ("role", "show", secret), (secret,),
                 ("key", secret), ("key", "list", secret), ("key", "list", "--tenant", secret),
                 ("assign", secret, "viewer"), ("key", "create", "--principal", secret),
                 ("key", "create", "--role", secret), ("can", "--principal", secret),
                 ("check", "--principal", secret, "GET", "/loans"),
                 ("tenant", "disable", secret), ("key", "list", "--status", secret),
                 ("key", "list", "--columns", secret), ("status", "--" + secret)]
        for words in cases:
            for json_too in ((), ("--json",)):
                with self.subTest(words=[word.replace(hidden, "…") for word in words]):
                    done = self.served.tool(*json_too, *words)
                    self.assertIn(done.returncode, (1, 2), done.stderr)
                    self.assertNotIn(hidden[:16], done.stdout + done.stderr)


class Can(Tool):
    def test_what_is_allowed_is_drawn(self):
        self.alice("clerk")
        self.assertEqual(self.line("can", "--principal", "alice"), """\
api:
└── /loans  list, create
    └── /{loan}  read
ui:
└── /settings  view
""")
        self.assertEqual(self.line("can", "--principal", "alice", "ui"), """\
ui:
└── /settings  view
""")
        for pattern in ("api:/loans/7", "api:/loans/{loan}/**"):
            done = self.served.tool("can", "--principal", "alice", pattern)
            self.assertIn("read", done.stdout, pattern + done.stderr)

    def test_json_and_nothing_and_nobody(self):
        self.alice()
        self.assertEqual(self.line("can", "--principal", "alice"), "nothing\n")
        answer = self.json("can", "--principal", "alice")
        self.assertEqual((answer["status"], answer["items"]), (200, []))
        kid, file = self.key("--scope", "loans:read")
        answer = self.json("can", "--token-file", file)
        self.assertEqual(answer["items"][0], {"resource": "api:/loans", "actions": ["list"]})
        self.tool("key", "revoke", kid)
        self.assertIn("deny 401 revoked_key", self.line("can", "--token-file", file, status=1))
        self.assertEqual(self.json("can", "--token-file", file, status=1)["reason"], "revoked_key")
        self.tool("can", "--principal", "alice", "nope", status=2)

    def test_every_page_is_fetched(self):
        nodes = "\n".join(f"    /n{i:04} {{ GET }}" for i in range(2500))
        self.served.write("a.policy", f"tree big {{\n{nodes}\n}}\nscope s {{ allow GET on big:/** }}")
        self.tool("reload")
        _, file = self.key("--scope", "s")
        answer = self.json("can", "--token-file", file)
        self.assertEqual(len({item["resource"] for item in answer["items"]}), 2500)
        self.assertEqual(len(self.line("can", "--token-file", file).splitlines()), 2501)


class Used(Tool):
    """What `can` says when the stack refuses the question itself."""

    POLICY = {"a.policy": """\
tree api { /a { GET } }
tree shop {
    strict_slash yes
    /bank { list GET, /{account} { read GET } }
    /files/{path...} { GET }
}
role reader { allow GET on api:/**, shop:/** }
principal p { role reader }
stack other {
    authenticate required principal
    authorize required role
}
stack few {
    authenticate required principal
    account required quota name=few limit=1 period=1h per=principal
    authorize required role
}
stack office {
    authenticate required principal
    account required network allow=10.0.0.0/8
    authorize required role
}
"""}

    def setUp(self):
        self.served = self.daemon(self.POLICY)

    def test_a_quota_that_is_used_up_is_named_as_such(self):
        few = ("can", "--principal", "p", "--service", "few")
        self.assertIn("/a", self.line(*few))
        said = self.tool(*few, status=1).stdout
        self.assertRegex(said, r"^deny 429 quota: all of 1 are used; it starts again in .*: "
                               r"counted for principal p\n$")
        answer = self.json(*few, status=1)
        self.assertEqual((answer["reason"], answer["items"]), ("quota", []))
        self.assertEqual((answer["quota"]["limit"], answer["quota"]["remaining"]), (1, 0))
        self.assertEqual(answer["fact"], "counted for principal p")

    def test_an_address_that_is_refused_is_shown(self):
        office = ("can", "--principal", "p", "--service", "office")
        self.assertIn(": no address was stated", self.tool(*office, status=1).stdout)
        self.assertIn(": 192.0.2.1", self.tool(*office, "--ip", "192.0.2.1", status=1).stdout)

    def test_a_place_of_a_tree_with_strict_slashes_is_one_with_a_slash_at_its_end_and_without(self):
        for place in ("shop:/bank", "shop:/bank/7", "shop:/files", "shop:/files/x", "shop:/"):
            slash = place if place.endswith("/") else place + "/"
            self.assertEqual(self.line("can", "--principal", "p", place),
                             self.line("can", "--principal", "p", slash), place)
        self.tool("principal", "create", "bob")
        self.tool("assign", "bob", "reader", "--at", "shop:/bank/")
        self.tool("assign", "bob", "reader", "--at", "shop:/bank", status=1)
        self.assertEqual(self.line("can", "--principal", "bob"),
                         "shop:\n└── /bank  list\n    └── /{account}  read\n")
        for path, status in (("/bank", 0), ("/bank/7", 0), ("/bank/", 1), ("/files/x", 1)):
            self.tool("check", "--principal", "bob", "--tree", "shop", "GET", path, status=status)
        self.tool("assign", "bob", "reader", "--at", "shop:/files/x/")
        for path in ("/files/x", "/files/x/"):
            self.tool("check", "--principal", "bob", "--tree", "shop", "GET", path)


if __name__ == "__main__":
    unittest.main()

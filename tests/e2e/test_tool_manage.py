# SPDX-License-Identifier: Apache-2.0
"""authzcheck against the real daemon: keys, principals, a terminal, reload and status."""

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import unittest

import harness
from tool import RFC_3339, TOKEN, Tool


class Keys(Tool):
    def test_create_prints_only_the_secret_without_a_terminal(self):
        secret = self.line("key", "create", "--scope", "loans:read", "--environment", "test")
        self.assertRegex(secret, TOKEN)
        self.assertTrue(secret.startswith("liq_test_"))

    def test_create_takes_the_limits_of_a_key(self):
        record = self.json(
            "key", "create", "--role", "viewer,clerk", "--scope", "loans:read", "--at",
            "api:/loans/7", "--at", "api:/loans/8", "--name", "N", "--label", "L", "--network",
            "10.0.0.0/8,2001:db8::/32", "--expires-in", "90d")
        self.assertEqual(record["roles"], ["viewer", "clerk"])
        self.assertEqual(record["scopes"], ["loans:read"])
        self.assertEqual(sorted(record["at"]), ["api:/loans/7", "api:/loans/8"])
        self.assertEqual(record["networks"], ["10.0.0.0/8", "2001:db8::/32"])
        self.assertEqual((record["name"], record["label"]), ("N", "L"))
        self.assertRegex(record["expires_at"], RFC_3339)
        self.assertRegex(record["secret"] + "\n", TOKEN)

    def test_list_is_a_table_and_filters(self):
        self.alice()
        one, _ = self.key("--principal", "alice", "--name", "laptop")
        two, _ = self.key("--scope", "loans:read", "--label", "ci", "--expires-in", "90d")
        self.tool("key", "disable", two)
        lines = self.line("key", "list").splitlines()
        self.assertEqual(lines[0].split("  ")[0], "KEY")
        self.assertEqual([line.split()[0] for line in lines[1:]], [one, two])
        self.assertIn("in 3 months", lines[2])
        column = lines[0].index("STATUS")
        self.assertEqual([line[column:].split()[0] for line in lines[1:]], ["active", "inactive"])
        for arguments, expected in ((["--principal", "alice"], [one]), (["--label", "ci"], [two]),
                                    (["--status", "inactive"], [two]),
                                    (["--status", "revoked"], [])):
            items = self.json("key", "list", *arguments)["items"]
            self.assertEqual([item["id"] for item in items], expected)
        self.assertEqual(self.line("key", "list", "--status", "revoked"), "")
        self.tool("key", "list", "--status", "odd", status=2)

    def test_a_long_list_is_whole(self):
        client = self.served.client()
        answers = client.call_many(
            [("keys.create", {"scopes": ["loans:read"], "name": f"n{i}"}) for i in range(1100)])
        self.assertFalse([a for a in answers if isinstance(a, harness.Error)])
        items = self.json("key", "list")["items"]
        self.assertEqual({item["id"] for item in items}, {answer["id"] for answer in answers})
        self.assertEqual(len(self.line("key", "list").splitlines()), 1101)

    def test_show_has_the_last_use(self):
        kid, file = self.key("--scope", "loans:read", "--name", "reporting")
        self.assertNotIn("last used", self.line("key", "show", kid))
        self.tool("check", "--token-file", file, "--ip", "10.9.8.7", "GET", "/loans")
        shown = self.line("key", "show", kid)
        self.assertRegex(shown, r"(?m)^name +reporting$")
        self.assertRegex(shown, r"(?m)^last used +just now \(\d{4}-")
        self.assertRegex(shown, r"(?m)^last used from +10\.9\.8\.7$")
        record = self.json("key", "show", kid)
        self.assertEqual(record["uses"], 1)
        self.assertRegex(record["last_used_at"], RFC_3339)
        self.assertNotIn("secret", record)

    def test_edit_changes_and_takes_away(self):
        kid, _ = self.key("--scope", "loans:read", "--name", "a", "--network", "10.0.0.0/8")
        record = self.json("key", "edit", kid, "--name", "b", "--label", "l", "--expires-at", "30d")
        self.assertEqual((record["name"], record["label"]), ("b", "l"))
        self.assertIn("expires_at", record)
        record = self.json(
            "key", "edit", kid, "--name", "", "--network", "", "--expires-at", "never")
        for gone in ("name", "networks", "expires_at"):
            self.assertNotIn(gone, record)

    def test_what_is_not_there_is_1(self):
        for command in ("show", "disable", "enable", "revoke"):
            done = self.tool("key", command, "1AbCdEfGhIj0", status=1)
            self.assertIn("not_found: ", done.stderr)
        self.assertEqual(
            self.json("key", "show", "1AbCdEfGhIj0", status=1)["error"]["code"], "not_found")
        self.tool("key", "create", "--scope", "nope", status=2)

    def test_control_characters_in_names_do_not_reach_a_terminal(self):
        done = self.served.tool("key", "create", "--scope", "loans:read", "--name", "x\x1b[31m")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("\x1b", done.stderr)


class Terminal(Tool):
    def on_terminal(self, *arguments, env=None):
        """Standard output and error on one terminal."""
        parent, child = pty.openpty()
        with subprocess.Popen(
            [harness.AUTHZCHECK, "--socket", self.served.socket, *harness.PATIENT, *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=child, stderr=child,
            env={**harness.environment(self.served.folder), "TERM": "xterm", **(env or {})},
        ) as process:
            os.close(child)
            text = b""
            with contextlib.suppress(OSError):  # EIO: the other side is closed
                while data := os.read(parent, 65536):
                    text += data
            os.close(parent)
            process.wait(harness.DEADLINE)
        return text.decode().replace("\r\n", "\n")

    def test_colour_is_for_terminals_that_want_it(self):
        colour = {"NO_COLOR": ""}
        self.assertIn("\x1b[31mdeny\x1b[0m", self.on_terminal("check", "GET", "/x", env=colour))
        for arguments, env in ((["--no-color"], colour), ([], {"NO_COLOR": "1"}),
                               ([], {**colour, "TERM": "dumb"})):
            self.assertNotIn("\x1b", self.on_terminal(*arguments, "check", "GET", "/x", env=env))
        self.assertNotIn("\x1b", self.line("check", "GET", "/x", status=1, env=colour))

    def test_a_new_secret_is_shown_once_with_its_record(self):
        seen = self.on_terminal("key", "create", "--scope", "loans:read", "--name", "laptop")
        self.assertRegex(seen, r"(?m)^name +laptop$")
        self.assertRegex(seen, r"(?m)^liq_live_1[0-9A-Za-z]{11}_[0-9A-Za-z]{38}$")
        self.assertIn("shown once", seen)

    def test_a_token_on_the_command_line_is_warned_about(self):
        seen = self.on_terminal("check", "--token", "nonsense", "GET", "/loans")
        self.assertIn("warning: ", seen)
        self.assertNotIn("nonsense", seen)


class Principals(Tool):
    def test_the_life_of_a_principal(self):
        record = self.json("principal", "create", "bob", "--name", "Bob", "--kind", "service",
                           "--attribute", "team=money", "--attribute", "note=a=b,c")
        self.assertEqual(record["attributes"], {"team": "money", "note": "a=b,c"})
        self.assertEqual((record["kind"], record["status"]), ("service", "active"))
        self.assertIn("conflict: ", self.tool("principal", "create", "bob", status=1).stderr)
        for options, left in ((("--attribute", "team=law", "--attribute", "desk=7"),
                               {"note": "a=b,c", "team": "law", "desk": "7"}),
                              (("--remove-attribute", "note,desk", "--attribute", "floor="),
                               {"team": "law", "floor": ""})):
            self.assertEqual(self.json("principal", "edit", "bob", *options)["attributes"], left)
        self.assertNotIn("attributes", self.json("principal", "edit", "bob", "--attribute", ""))
        for wrong in (("--attribute", "team"), ("--attribute", "", "--attribute", "a=b"), ("--attribute", "=x"),
                      ("--attribute", "", "--remove-attribute", "team")):
            self.tool("principal", "edit", "bob", *wrong, status=2)
        record = self.json("principal", "edit", "bob", "--name", "Bobby", "--api-access", "no")
        self.assertEqual((record["name"], record["api_access"]), ("Bobby", False))
        self.assertNotIn("name", self.json("principal", "edit", "bob", "--name", ""))
        self.assertEqual(self.json("principal", "disable", "bob")["status"], "inactive")
        self.assertEqual(self.json("principal", "enable", "bob")["status"], "active")
        ids = [item["id"] for item in self.json("principal", "list")["items"]]
        self.assertEqual(sorted(ids), ["billing", "bob"])
        self.assertEqual(self.line("principal", "delete", "bob"),
                         "deleted: principal bob; its keys are revoked\n")
        self.assertIn("not_found: ", self.tool("principal", "show", "bob", status=1).stderr)

    def test_show_lists_assignments(self):
        self.alice()
        self.assertIn("assigned: alice, role viewer, at api:/loans/7, until in 30 days",
                      self.line("assign", "alice", "viewer", "--at", "api:/loans/7", "--until",
                                "30d"))
        self.assertEqual(self.line("assign", "alice", "clerk"), "assigned: alice, role clerk\n")
        shown = self.line("principal", "show", "alice")
        self.assertRegex(shown, r"(?m)^name +Alice Baker$")
        self.assertRegex(shown, r"(?m)^viewer +api:/loans/7 +in 30 days +just now")
        self.assertRegex(shown, r"(?m)^clerk +everywhere +-")
        roles = {a["role"]: a for a in self.json("principal", "show", "alice")["assignments"]}
        self.assertEqual(roles["viewer"]["at"], ["api:/loans/7"])
        self.assertRegex(roles["viewer"]["until"], RFC_3339)
        self.assertEqual(self.line("unassign", "alice", "clerk"), "unassigned: alice, role clerk\n")
        self.assertIn("not_found: ", self.tool("unassign", "alice", "clerk", status=1).stderr)
        self.tool("assign", "alice", "nope", status=2)
        self.tool("assign", "nobody", "viewer", status=1)

    def test_the_policys_own_are_shown(self):
        self.assertRegex(self.line("principal", "list"), r"(?m)^billing .* policy$")
        shown = self.line("principal", "show", "billing")
        self.assertRegex(shown, r"(?m)^in the policy +yes$")
        self.assertRegex(shown, r"(?m)^viewer +everywhere .*policy$")
        self.assertEqual(
            self.json("principal", "show", "billing")["assignments"],
            [{"principal": "billing", "role": "viewer", "declared": True}])


class Operating(Tool):
    def test_reload_and_status_print_the_warnings_of_a_policy_that_is_good(self):
        self.assertEqual(self.tool("reload").stderr, "")
        self.served.replace("b.policy", "tree api { /laons/:id { GET } }\n")
        done = self.tool("reload")
        self.assertRegex(done.stdout, r"^revision [0-9a-f]{16}\n$")
        warning = "b.policy:1:19: warning: ':id' is not a parameter"
        self.assertIn(warning, done.stderr)
        self.assertIn(warning, self.line("status"))
        (diagnostic,) = self.json("reload")["diagnostics"]
        self.assertEqual((diagnostic["severity"], diagnostic["line"]), ("warning", 1))

    def test_reload_prints_the_errors(self):
        before = self.line("reload")
        self.assertRegex(before, r"^revision [0-9a-f]{16}\n$")
        self.served.replace("b.policy", "role x {\n\tallow GTE on api:/**\n}\n")
        done = self.tool("reload", status=1)
        self.assertIn("b.policy:2:8: error: unknown method 'GTE': did you mean 'GET'?", done.stderr)
        self.assertIn("invalid_policy: ", done.stderr)
        error = self.json("reload", status=1)["error"]
        self.assertEqual(error["code"], "invalid_policy")
        self.assertEqual((error["diagnostics"][0]["line"], error["diagnostics"][0]["column"]),
                         (2, 8))
        status = self.line("status")
        self.assertRegex(status, r"(?m)^last reload +refused")
        self.assertIn("b.policy:2:8: error: ", status)
        self.served.replace("b.policy", "role x { allow GET on api:/** }\n")
        self.assertNotEqual(self.line("reload"), before)
        # The attempts before it are still shown, each with its first mistake.
        status = self.line("status")
        self.assertRegex(status, r"(?m)^last reload +done")
        self.assertRegex(status, r"(?m)^earlier +refused .*, [12] errors?: \S*b.policy:2: unknown method 'GTE'")
        self.assertRegex(self.json("status")["policy"]["attempts"][0]["attempted_at"], RFC_3339)
        self.assertEqual([one["ok"] for one in self.json("status")["policy"]["attempts"]][:2], [True, False])

    def test_status_has_the_revision(self):
        revision = self.line("reload").split()[1]
        self.assertIn(f"revision {revision}", self.line("status"))
        answer = self.json("status")
        self.assertEqual(answer["policy"]["revision"], revision)
        self.assertRegex(answer["started_at"], RFC_3339)

    def test_status_counts_in_words_and_reports_only_real_reloads(self):
        status = self.line("status")
        self.assertRegex(status, r"(?m)^last reload +none since the start$")
        self.tool("principal", "create", "bob")
        self.assertRegex(self.line("status"), r"(?m)^store +0 keys, 1 principal, ")

    def test_the_socket_comes_from_the_environment_too(self):
        done = harness.run_tool("status", env={"AUTHZ_SOCKET": str(self.served.socket)})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_daemon_that_does_not_answer_is_3(self):
        self.served.process.send_signal(signal.SIGSTOP)
        try:
            done = self.tool("status", "--timeout", "1", status=3)
            self.assertIn("no answer before the deadline (--timeout): authzd is busy, or it is not "
                          "running while a supervisor holds its socket", done.stderr)
        finally:
            self.served.process.send_signal(signal.SIGCONT)

    def test_a_peer_that_may_not_manage_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("needs to become somebody else")
        os.chmod(self.served.folder, 0o755)
        os.chmod(self.served.socket, 0o666)
        # The build folder may be readable by root only.
        tool = shutil.copy(harness.AUTHZCHECK, self.served.folder / "authzcheck")
        done = subprocess.run(
            [tool, "--socket", self.served.socket, *harness.PATIENT, "key", "list"],
            capture_output=True, text=True, user=1, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("forbidden", done.stderr)


if __name__ == "__main__":
    unittest.main()

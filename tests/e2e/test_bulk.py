# SPDX-License-Identifier: Apache-2.0
"""Many keys at once: created, selected, shown, confirmed, disabled, revoked."""

import json
import os
import pty
import subprocess
import unittest

import harness
import people


class Bulk(people.PeopleTest):
    def setUp(self):
        super().setUp()
        self.alice()
        self.c.call("principals.create", id="bob")

    def ids(self, **params):
        return [item["id"] for item in self.c.call("keys.list", **params)["items"]]

    def test_many_are_created_all_alike(self):
        done = self.d.tool("key", "create", "--principal", "alice", "--label", "ci", "--count", 700)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        secrets = done.stdout.split()
        self.assertEqual(len(set(secrets)), 700)
        for secret in (secrets[0], secrets[-1]):
            self.assert_reason("ok", self.ask(secret))
        found = self.d.tool("key", "list", "--label", "ci", "--json")
        self.assertEqual(len(json.loads(found.stdout)["items"]), 700)
        done = self.d.tool("key", "create", "--role", "viewer", "--count", 3, "--json")
        document = json.loads(done.stdout)
        self.assertEqual(len(document["items"]), 3)
        self.assertEqual(document["failed"], [])
        for count in ("0", "-1", "x", "1x", ""):
            done = self.d.tool("key", "create", "--role", "viewer", "--count", count)
            self.assertEqual(done.returncode, 2, done.stderr)

    def begin(self, *words):
        return subprocess.Popen(
            [harness.AUTHZCHECK, "--socket", self.d.socket, *map(str, words)], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=harness.environment(self.d.folder), preexec_fn=harness.die_with_parent)

    def await_keys(self, count, **params):
        harness.wait_until(lambda: self.d.call("status")["store"]["keys"] >= count)

    def test_a_daemon_that_is_killed_and_comes_back_is_asked_again(self):
        count = 1200
        tool = self.begin("key", "create", "--role", "viewer", "--count", count, "--label", "x",
                          "--timeout", "5m")
        for made in (200, 600):
            self.await_keys(made)
            self.d.kill()
            self.d.start()
        out, err = tool.communicate(timeout=harness.DEADLINE)
        self.assertEqual((tool.returncode, err), (0, ""))
        # Each key was made once, and its secret was shown.
        self.assertEqual(len(set(out.split())), count)
        self.assertEqual(self.d.call("status")["store"]["keys"], count)
        tool = self.begin("key", "disable", "--label", "x", "--yes", "--timeout", "5m")
        with harness.Client(self.d.socket) as client:
            harness.wait_until(lambda: client.call("keys.list", status="inactive")["items"])
        self.d.kill()
        self.d.start()
        out, err = tool.communicate(timeout=harness.DEADLINE)
        self.assertEqual((tool.returncode, err), (0, f"{count} keys disabled\n"))

    def test_without_a_daemon_the_document_still_has_the_created_keys(self):
        # While it waits for an answer, the daemon is killed.
        tool = self.begin("key", "create", "--role", "viewer", "--count", 100000, "--json",
                          "--timeout", "20s")
        self.await_keys(300)
        self.d.kill()
        out, err = tool.communicate(timeout=harness.DEADLINE)
        self.assertEqual(tool.returncode, 3, err)
        self.assertIn("is authzd running?", err)
        document = json.loads(out)
        self.assertGreater(len(document["items"]), 40)
        self.assertGreater(document["unknown"], 0)
        self.d.start()
        self.c = self.d.client()
        self.assert_reason("ok", self.ask(document["items"][-1]["secret"]))

    def test_refusals_are_reported_and_the_others_succeed(self):
        self.d.replace("a.policy", self.policy + "limits { keys_per_principal 5 }\n")
        self.assertEqual(self.d.tool("reload").returncode, 0)
        done = self.d.tool("key", "create", "--principal", "alice", "--count", 8)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stdout.split()), 5)
        self.assertEqual(done.stderr.count("limit_reached"), 1, done.stderr)
        self.assertIn("5 of 8 keys created", done.stderr)
        done = self.d.tool("key", "create", "--role", "nobody", "--count", 2)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("invalid_request: --role 'nobody': names no role"), 1, done.stderr)

    def test_verbs_take_those_that_the_options_name(self):
        for _ in range(3):
            self.key(label="ci")
        ours = self.ids()
        self.key(principal="bob", label="ci")
        theirs = self.ids(principal="bob")

        dry = self.d.tool("key", "disable", "--principal", "alice", "--dry-run")
        self.assertEqual((dry.returncode, dry.stdout.split()), (0, ours))
        self.assertIn("3 keys would be disabled", dry.stderr)
        self.assertEqual(len(self.ids(status="active")), 4)

        done = self.d.tool("key", "disable", "--principal", "alice")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--yes", done.stderr)
        self.assertEqual(len(self.ids(status="active")), 4)

        done = self.d.tool("key", "disable", "--principal", "alice", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 keys disabled", done.stderr)
        self.assertEqual(self.ids(status="active"), theirs)
        done = self.d.tool("key", "enable", "--label", "ci", "--yes", "--json")
        self.assertEqual(sorted(item["id"] for item in json.loads(done.stdout)["items"]),
                         sorted(ours))
        done = self.d.tool("key", "revoke", "--all", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.ids(status="revoked")), 4)
        dry = self.d.tool("key", "revoke", "--all", "--dry-run", "--json")
        self.assertEqual(json.loads(dry.stdout), {"items": []})

    def test_a_verb_without_key_or_options_is_refused(self):
        for words in ((), ("--yes",), ("--status", "active"), ("1zzzzzzzzzzz", "--all"),
                      ("1zzzzzzzzzzz", "--dry-run")):
            done = self.d.tool("key", "revoke", *words)
            self.assertEqual(done.returncode, 2, (words, done.stderr))

    def on_terminal(self, answer, *words):
        """Runs the tool on a terminal of its own, types the answer; returns status and output."""
        master, slave = pty.openpty()
        with subprocess.Popen(
                [harness.AUTHZCHECK, "--socket", str(self.d.socket), *harness.PATIENT, *words], stdin=slave,
                stdout=slave, stderr=slave, env=harness.environment(self.d.folder)) as process:
            os.close(slave)
            os.write(master, answer)
            output = b""
            try:
                while chunk := os.read(master, 4096):
                    output += chunk
            except OSError:  # the other end was closed
                pass
            os.close(master)
            return process.wait(harness.DEADLINE), output.decode()

    def test_on_a_terminal_it_shows_the_count_and_asks(self):
        self.key()
        self.key()
        status, output = self.on_terminal(b"n\n", "key", "revoke", "--all")
        self.assertIn("revoke 2 keys? [y/N]", output)
        self.assertEqual((status, len(self.ids(status="active"))), (1, 2))
        status, output = self.on_terminal(b"y\n", "key", "revoke", "--all")
        self.assertIn("2 keys revoked", output)
        self.assertEqual((status, len(self.ids(status="active"))), (0, 0))

    def test_when_no_key_matches_it_says_so_and_does_not_ask(self):
        status, output = self.on_terminal(b"", "key", "disable", "--all")
        self.assertEqual((status, output.split("\x1b[K")[-1].strip()), (0, "0 keys disabled"))
        for words, why in ((("--label", "nosuch"), "no key has label 'nosuch'"),
                           (("--principal", "bob", "--status", "active"),
                            "no key has principal 'bob' and status 'active'")):
            status, output = self.on_terminal(b"y\n", "key", "disable", *words)
            self.assertIn(why, output)
            self.assertNotIn("[y/N]", output)
            self.assertEqual(status, 1)
            done = self.d.tool("key", "disable", *words, "--yes", "--json")
            self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["code"]), (1, "not_found"))
        self.key(label="ci")
        for _ in range(2):  # the second time there is nothing to do
            done = self.d.tool("key", "disable", "--label", "ci", "--yes")
            self.assertEqual(done.returncode, 0, done.stderr)
        status, output = self.on_terminal(b"", "key", "disable", "--label", "ci")
        self.assertEqual((status, output.split("\x1b[K")[-1].strip()), (0, "0 keys disabled"))
        done = self.d.tool("key", "restore", "--label", "ci", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no key has label 'ci' and status 'deleted'", done.stderr)


if __name__ == "__main__":
    unittest.main()

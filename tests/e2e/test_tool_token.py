# SPDX-License-Identifier: Apache-2.0
"""Managing with the tool by a token: the token alone decides, whichever user runs the tool."""

import json
import unittest

import people

POLICY = people.POLICY + """
role boss inherits viewer {
    allow all on authz:/keys/**, authz:/principals/**, authz:/assignments, authz:/roles/**
    allow read on authz:/audit
}
role reader { allow list on authz:/keys
    allow read on authz:/keys/{key} }
"""


class Managing(people.PeopleTest):
    policy = POLICY

    def setUp(self):
        super().setUp()
        self.alice("boss")
        self.boss, secret = self.key()
        self.file = self.d.folder / "boss.key"
        self.file.write_text(secret + "\n")
        _, reader = self.key(roles=["reader"])
        self.reader = self.d.folder / "reader.key"
        self.reader.write_text(reader)

    def by(self, *words, file=None, text=None, env=None):
        done = self.d.tool(*words, *(["--token-file", file] if file else []), text=text, env=env)
        return done.returncode, done.stdout, done.stderr

    def refused(self, *words, **params):
        status, out, err = self.by(*words, **params)
        self.assertEqual((status, out), (1, ""), err)
        self.assertIn("forbidden", err)

    def test_the_token_decides_and_the_peer_does_not_help(self):
        status, out, err = self.by("key", "create", "--role", "viewer", "--json", file=self.file)
        self.assertEqual(status, 0, err)
        made = json.loads(out)
        self.assertEqual(made["created_by"], f"key:{self.boss}")
        # Without the token this peer may do everything; with it, only what the token may.
        self.refused("key", "create", "--role", "clerk", file=self.file)
        self.refused("key", "revoke", made["id"], file=self.reader)
        self.assertEqual(self.by("key", "show", made["id"], file=self.reader)[0], 0)
        self.assertEqual(self.c.call("keys.get", id=made["id"])["status"], "active")

    def test_every_command_that_manages_takes_one(self):
        id = self.c.call("keys.create", roles=["viewer"], label="x")["id"]
        commands = [
            ("key", "list"), ("key", "show", id), ("key", "edit", id, "--name", "n"),
            ("key", "rotate", id), ("key", "prolong", id, "--overlap", "2d"),
            ("key", "rollback", id), ("key", "rotate", id), ("key", "finish", id),
            ("key", "disable", id), ("key", "enable", id), ("key", "delete", id),
            ("key", "restore", id), ("key", "enable", id), ("key", "revoke", id),
            ("principal", "create", "bob"), ("principal", "list"), ("principal", "show", "bob"),
            ("principal", "edit", "bob", "--name", "B"), ("principal", "disable", "bob"),
            ("principal", "enable", "bob"), ("assign", "bob", "viewer"),
            ("unassign", "bob", "viewer"), ("role", "create", "mine", "--grant",
                                           "allow GET on api:/loans"),
            ("role", "list"), ("role", "show", "mine"),
            ("role", "edit", "mine", "--description", "d"), ("role", "delete", "mine"),
            ("principal", "delete", "bob"), ("log",),
        ]
        for words in commands:
            with self.subTest(words):
                status, _, err = self.by(*words, file=self.file)
                self.assertEqual(status, 0, err)
        # The trail names the token's key as the actor of each change.
        items = self.c.call("audit.list", actor=f"key:{self.boss}")["items"]
        self.assertEqual(len(items), len([words for words in commands if words != ("log",) and
                                          words[-1] != "list" and words[1] != "show"]))

    def test_all_calls_of_a_command_are_made_by_it(self):
        for _ in range(3):
            self.c.call("keys.create", roles=["viewer"], label="x")
        # The token on standard input is read once, for the list and for all keys.
        status, _, err = self.by("key", "disable", "--label", "x", "--yes", "--token", "-",
                                 text=self.file.read_text())
        self.assertEqual((status, err), (0, "3 keys disabled\n"))
        status, _, err = self.by("key", "enable", "--label", "x", "--yes", file=self.reader)
        self.assertEqual(status, 1, err)
        self.assertEqual(err.count("forbidden"), 3, err)
        status, out, _ = self.by("key", "create", "--role", "viewer", "--count", "3",
                                 file=self.file)
        self.assertEqual((status, out.count("\n")), (0, 3))

    def test_it_comes_from_the_environment_too(self):
        env = {"AUTHZ_TOKEN": self.reader.read_text()}
        self.assertEqual(self.by("key", "list", "--principal", "alice", env=env)[0], 0)
        self.refused("key", "disable", self.boss, env=env)
        # An option comes before it.
        self.assertEqual(self.by("principal", "list", file=self.file, env=env)[0], 0)
        # Methods that never take a token ignore it.
        for words in (("status",), ("tenant", "list"), ("log", "--verify")):
            with self.subTest(words):
                self.assertEqual(self.by(*words, env=env)[0], 0)

    def test_methods_without_tokens_take_none(self):
        for words in (("status",), ("tenant", "list"), ("key", "purge", self.boss),
                      ("key", "import", "--hash", "0" * 64, "--role", "viewer"), ("reload",),
                      ("pepper", "rotate"), ("log", "--verify")):
            with self.subTest(words):
                status, _, err = self.by(*words, file=self.file)
                self.assertEqual(status, 2, err)
                self.assertIn("--token-file", err)

    def test_no_token_is_shown(self):
        secret = self.file.read_text().strip()
        for words in (("key", "list", "--json"), ("key", "create", "--role", "clerk", "--json")):
            _, out, err = self.by(*words, file=self.file)
            self.assertNotIn(secret[-20:], out + err)


if __name__ == "__main__":
    unittest.main()

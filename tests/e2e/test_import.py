# SPDX-License-Identifier: Apache-2.0
"""Tokens of other systems: imported by their SHA-256, used, rotated."""

import base64
import hashlib
import json
import subprocess
import time
import unittest

import harness
import people


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


# Forms of other systems' tokens; two look like ours except for the prefix.
TOKENS = [
    "x",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc" * 3,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_def",
    "other_live_1abcdefghijk_" + "A" * 38,
    "liq_liveX1abcdefghijk_" + "A" * 38,
    "Bearer-like with spaces and ümlauts",
    "z" * 512,
]


class Importing(people.PeopleTest):
    def take(self, token, **params):
        if not {"principal", "roles", "scopes"} & params.keys():
            params["principal"] = "alice"
        return self.c.call("keys.import", hash=digest(token), **params)

    def test_a_token_of_any_form_remains_valid(self):
        self.alice()
        for token in TOKENS:
            with self.subTest(token):
                self.assert_reason("malformed_token" if "_1abc" not in token
                                   else self.ask(token)["reason"], self.ask(token), 401)
                record = self.take(token, name="old")
                self.assertNotIn("secret", record)
                self.assertTrue(record["imported"])
                self.assertEqual(record["status"], "active")
                for presented in (token, "bearer " + token):
                    if len(presented) <= 512:
                        answer = self.ask(presented)
                        self.assert_reason("ok", answer, 200)
                        self.assertEqual((answer["key"], answer["principal"]),
                                         (record["id"], "alice"))
                self.assertEqual(self.ask(token + "x")["status"], 401)
                self.assertEqual(self.ask(token[1:])["status"], 401)
        self.d.stop()
        self.d.start()
        self.c = self.d.client()
        for token in TOKENS:
            self.assert_reason("ok", self.ask(token))

    def test_a_token_with_a_prefix_of_ours_is_never_looked_for(self):
        self.alice()
        _, secret = self.key()
        for token in ("liq_live_abc", "liq_test_" + "x" * 40, secret[:-1]):
            self.take(token, roles=["viewer"])
            self.assert_reason("malformed_token", self.ask(token), 401)
        self.take(secret, roles=["clerk"])
        self.assertEqual(self.ask(secret)["principal"], "alice")

    def test_it_is_bound_and_expires_as_any_key(self):
        self.alice("clerk")
        now = int(time.time())
        self.take("t1", scopes=["loans:read"], principal="alice")
        self.assert_reason("scope", self.ask("t1", "POST", "/loans"), 403)
        self.take("t2", networks=["10.0.0.0/8"], expires_in="1h", label="l", at=["api:/loans/7"])
        self.assert_reason("network", self.ask("t2"), 403)
        self.assert_reason("ok", self.ask("t2", ip="10.0.0.1"))
        self.take("t3", not_before=now + 1000)
        self.assert_reason("inactive_key", self.ask("t3"), 401)
        self.take("t4", environment="test")
        self.assert_reason("wrong_environment", self.ask("t4"), 401)
        id = self.take("t5")["id"]
        self.c.call("keys.revoke", id=id)
        self.assert_reason("revoked_key", self.ask("t5"), 401)
        used = self.c.call("keys.get", id=id)
        self.assertEqual((used["uses"], used["denials"]), (1, 1))

    def test_hex_and_base64_are_one_hash_and_have_one_owner(self):
        self.alice()
        raw = hashlib.sha256(b"token").digest()
        spellings = [raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode(),
                     base64.b64encode(raw).decode().rstrip("="),
                     base64.urlsafe_b64encode(raw).decode()]
        id = self.c.call("keys.import", hash=spellings[0], principal="alice")["id"]
        for spelling in spellings:
            self.assert_error("conflict", self.c.call, "keys.import", hash=spelling,
                              principal="alice")
        self.c.call("keys.revoke", id=id)
        self.assert_error("conflict", self.c.call, "keys.import", hash=spellings[0],
                          principal="alice")
        self.c.call("keys.delete", id=id)
        self.c.call("keys.purge", id=id)
        self.c.call("keys.import", hash=spellings[2], principal="alice")
        self.assert_reason("ok", self.ask("token"))

    def test_an_invalid_hash_is_refused(self):
        self.alice()
        good = digest("token")
        for text in ("", good[:-1], good + "0", "g" + good[1:], "A" * 42, "A" * 43 + "*",
                     "A" * 42 + "B", "=" * 44):
            error = self.assert_error("invalid_request", self.c.call, "keys.import", hash=text,
                                      principal="alice")
            self.assertEqual(error.error["param"], "hash")
        self.assert_error("invalid_request", self.c.call, "keys.import", hash=good)
        self.assert_error("invalid_request", self.c.call, "keys.import", hash=good,
                          principal="alice", scopes=["nothing"])
        self.assertEqual(self.c.call("keys.list")["items"], [])

    def test_strangers_import_nothing_and_learn_nothing(self):
        self.alice()
        id = self.take("one")["id"]
        self.take("two")
        self.c.call("keys.disable", id=id)
        stranger = self.stranger()
        self.assert_error("forbidden", stranger.call, "keys.import", hash=digest("three"),
                          principal="alice")
        answers = [stranger.call("authorize", token=token, method="GET", path="/loans/7")
                   for token in ("one", "never", "liq_live_x")]
        self.assertEqual(answers[0]["reason"], "unauthenticated")
        self.assertEqual(answers, [answers[0]] * 3)
        self.assertTrue(stranger.call("authorize", token="two", method="GET",
                                      path="/loans/7")["allow"])

    def test_the_store_holds_neither_token_nor_its_hash(self):
        self.alice()
        token = "a-token-of-old-times"
        self.take(token)
        self.ask(token)
        self.d.stop()
        data = (self.d.state / "store.mdb").read_bytes()
        self.assertNotIn(token.encode(), data)
        self.assertNotIn(hashlib.sha256(token.encode()).digest(), data)
        self.d.start()


class ImportingWithTheTool(people.PeopleTest):
    def setUp(self):
        super().setUp()
        self.alice()

    def test_one(self):
        done = self.d.tool("key", "import", "--hash", digest("old"), "--principal", "alice",
                           "--name", "laptop", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["imported"])
        self.assert_reason("ok", self.ask("old"))
        self.assertEqual(self.d.tool("key", "import").returncode, 2)

    def test_a_file_of_many(self):
        lines = [json.dumps({"hash": digest(f"t{i}"), "principal": "alice", "name": f"nr {i} \u00fc",
                             "scopes": ["loans:read"], "expires_at": "2099-01-01T00:00:00Z"})
                 for i in range(1200)]
        done = self.d.tool("key", "import", "-", text="\n\n".join(lines))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1200 keys imported", done.stderr)
        for i in (0, 1199):
            self.assert_reason("ok", self.ask(f"t{i}"))
        record = self.c.call("keys.get", id=self.ask("t7")["key"])
        self.assertEqual((record["name"], record["expires_at"]), ("nr 7 \u00fc", 4070908800))

    def test_the_id_of_each_key_is_printed_with_its_line(self):
        lines = [json.dumps({"hash": digest(f"t{i}"), "principal": "alice"}) for i in range(300)]
        done = self.d.tool("key", "import", "-", text="\n\n".join(lines))
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = dict(reversed(line.split("  line ")) for line in done.stdout.splitlines())
        for i in (0, 1, 299):
            self.assertEqual(printed[str(2 * i + 1)], self.ask(f"t{i}")["key"])
        done = self.d.tool("--json", "key", "import", "-", text="\n" + json.dumps(
            {"hash": digest("one more"), "principal": "alice"}))
        item = json.loads(done.stdout)["items"][0]
        self.assertEqual((item["line"], item["id"]), (2, self.ask("one more")["key"]))

    def test_a_file_is_not_taken_for_the_name_of_a_key(self):
        self.c.call("keys.import", hash=digest("taken"), principal="alice")
        path = self.d.folder / "keys.jsonl"
        path.write_text(json.dumps({"hash": digest("taken"), "principal": "alice"}), encoding="utf-8")
        done = self.d.tool("key", "import", path)
        self.assertIn("line 1: conflict: this token belongs, or belonged, to another key\n", done.stderr)

    def test_a_dry_run_finds_what_would_be_refused_and_changes_nothing(self):
        self.c.call("keys.import", hash=digest("taken"), principal="alice")
        raw = hashlib.sha256(b"twice").digest()
        lines = [{"hash": digest("new"), "principal": "alice"},
                 {"hash": digest("taken"), "principal": "alice"},
                 {"hash": digest("b"), "principal": "nobody"},
                 {"hash": raw.hex().upper(), "principal": "alice"},
                 {"hash": base64.urlsafe_b64encode(raw).decode(), "principal": "alice"},
                 {"hash": "x", "principal": "alice"}]
        text = "\n".join(json.dumps(line) for line in lines)
        before = self.c.call("audit.list")
        done = self.d.tool("key", "import", "--dry-run", "-", text=text)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for line in ("line 2: conflict: this token belongs", "line 3: ", "line 6: invalid_request",
                     "line 5: conflict: the same token as in line 4",
                     "2 of 6 keys would be imported"):
            self.assertIn(line, done.stderr)
        document = json.loads(self.d.tool("--json", "key", "import", "--dry-run", "-",
                                          text=text).stdout)
        self.assertEqual(sorted(item["line"] for item in document["items"]), [1, 4])
        self.assertEqual(sorted(item["id"] for item in document["failed"]),
                         ["line 2", "line 3", "line 5", "line 6"])
        self.assertNotIn("id", document["items"][0])
        done = self.d.tool("key", "import", "--dry-run", "--hash", digest("new"),
                           "--principal", "alice")
        self.assertEqual((done.returncode, done.stdout), (0, "would be imported\n"))
        self.assertEqual(self.c.call("audit.list"), before)
        self.assertEqual(len(self.c.call("keys.list")["items"]), 1)
        self.assert_reason("malformed_token", self.ask("new"), 401)

    def test_it_stops_when_its_output_cannot_be_written(self):
        text = "\n".join(json.dumps({"hash": digest(f"t{i}"), "principal": "alice"})
                         for i in range(2000))
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [harness.AUTHZCHECK, "--socket", str(self.d.socket), *harness.PATIENT, "key", "import", "-"],
                input=text, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                env=harness.environment(self.d.folder), timeout=harness.DEADLINE)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"stopped: from line \d+ on there are some that are not imp")
        self.assertIn("cannot write to standard output", done.stderr)
        self.assertLess(len(self.c.call("keys.list", limit=1000)["items"]), 1000)

    def test_a_line_that_is_refused_is_named_and_the_others_are_taken(self):
        lines = [{"hash": digest("a"), "principal": "alice"}, {"hash": "x", "principal": "alice"},
                 {"hash": digest("b"), "principal": "alice", "colour": "red"},
                 {"hash": digest("c"), "roles": ["viewer"], "expires_in": 3600}]
        path = self.d.folder / "tokens.jsonl"
        path.write_text("\n".join(json.dumps(line) for line in lines))
        done = self.d.tool("key", "import", path, "--json")
        self.assertEqual(done.returncode, 2)
        document = json.loads(done.stdout)
        self.assertEqual(len(document["items"]), 2)
        self.assertEqual(sorted(failed["id"] for failed in document["failed"]),
                         ["line 2", "line 3"])
        self.assertIn("line 2: invalid_request: hash", done.stderr)

    def test_with_an_invalid_line_nothing_is_sent(self):
        good = json.dumps({"hash": digest("a"), "principal": "alice"})
        for bad in ("{", "[]", "nonsense", '{"hash": "a" "b"}', '{"hash": 1.5}', good + " x",
                    '{"hash": "a", "hash": "b"}', '{"hash": "\\u0000"}', '{"hash": 99999999999999999999}',
                    '{"expires_at": "tomorrow"}', '{"a": "\\x"}', '{"a": [[[[[[[[[[1]]]]]]]]]]}'):
            done = self.d.tool("key", "import", "-", text=good + "\n" + bad + "\n")
            self.assertEqual(done.returncode, 2, bad)
            self.assertIn("line 2", done.stderr)
            # A dry run judges the others, too.
            done = self.d.tool("key", "import", "--dry-run", "--json", "-",
                               text=bad + "\n" + good + "\n" + good + "\n")
            self.assertEqual(done.returncode, 2, bad)
            document = json.loads(done.stdout)
            self.assertEqual([(failed["id"], failed["code"]) for failed in
                              sorted(document["failed"], key=lambda failed: failed["id"])],
                             [("line 1", "invalid_request"), ("line 3", "conflict")])
            self.assertEqual([item["line"] for item in document["items"]], [2])
            self.assertIn("authzcheck: 1 of 3 keys would be imported", done.stderr)
        self.assertEqual(self.c.call("keys.list")["items"], [])


if __name__ == "__main__":
    unittest.main()

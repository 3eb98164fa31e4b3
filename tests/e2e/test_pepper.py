# SPDX-License-Identifier: Apache-2.0
"""A new pepper while the daemon runs: keys move when they are used, then the old one goes."""

import hashlib
import json
import unittest

import harness
import people


class Peppers(people.PeopleTest):
    def file(self):
        return dict(line.split(" ", 1) for line in
                    (self.d.state / "pepper").read_text().splitlines()[1:])

    def restart(self):
        self.d.stop()
        self.d.start()
        self.c = self.d.client()

    def old(self):
        """Keys that the audit finds under an old pepper."""
        items = self.c.call("keys.audit")["items"]
        return {item["id"] for item in items if "old_pepper" in item["findings"]}

    def rotate(self):
        return self.c.call("pepper.rotate")["pepper"]

    def test_keys_move_when_used_and_then_the_old_one_goes(self):
        self.alice()
        keys = [self.key() for _ in range(3)]
        imported = self.c.call("keys.import", principal="alice",
                               hash=hashlib.sha256(b"elsewhere").hexdigest())["id"]
        first = self.file()
        self.assert_reason("ok", self.ask(keys[0][1]))
        self.assertEqual(self.rotate(), 1)
        both = self.file()
        self.assertEqual((both["old"], both["number"], both["master"]),
                         (first["pepper"], "001", first["master"]))
        self.assertNotEqual(both["pepper"], first["pepper"])
        self.assertEqual(self.old(), {key[0] for key in keys} | {imported})

        fresh, fresh_secret = self.key()
        for _ in range(2):
            self.assert_reason("ok", self.ask(keys[0][1]))
        harness.wait_until(lambda: keys[0][0] not in self.old(), what="the first key's move")
        self.assertNotIn(fresh, self.old())
        self.restart()
        self.assertEqual(self.file()["old"], first["pepper"])
        # A revoked key does not need the old pepper; the next move of a key makes the daemon look.
        self.c.call("keys.revoke", id=keys[2][0])
        for secret in (keys[0][1], keys[1][1], fresh_secret, "elsewhere"):
            self.assert_reason("ok", self.ask(secret))
        harness.wait_until(lambda: set(self.file()["old"]) == {"0"}, what="the old one's end")
        self.assertEqual(self.file()["pepper"], both["pepper"])
        self.restart()
        for secret in (keys[0][1], keys[1][1], fresh_secret, "elsewhere"):
            self.assert_reason("ok", self.ask(secret))
        self.assertEqual(self.old(), set())
        self.assertEqual(self.c.call("keys.get", id=keys[1][0])["uses"], 2)

    def test_the_trail_has_a_move_and_no_pepper_of_keys_that_are_made_or_removed(self):
        self.alice()
        moved, secret = self.key()
        self.rotate()
        made, _ = self.key()
        self.assert_reason("ok", self.ask(secret))
        harness.wait_until(lambda: moved not in self.old(), what="the key's move")
        self.c.call("keys.delete", id=made)
        self.c.call("keys.purge", id=made)
        found = {(item["action"], item["target"]) for item in self.c.call("audit.list")["items"]
                 if any(change["field"] == "pepper" for change in item.get("changes", []))}
        self.assertEqual(found, {("pepper.rotate", "pepper"), ("pepper.move", moved)})

    def test_a_second_one_waits_for_the_first(self):
        self.alice()
        _, secret = self.key()
        self.rotate()
        harness.wait_until(lambda: self.c.call("status")["pepper"].get("left") == 1, what="a count")
        error = self.assert_error("conflict", self.c.call, "pepper.rotate")
        self.assertIn("1 key:", error.message)
        self.assert_reason("ok", self.ask(secret))
        harness.wait_until(lambda: "left" not in self.c.call("status")["pepper"],
                           what="the old one's end")
        self.assertEqual(self.rotate(), 2)
        self.assert_reason("ok", self.ask(secret))

    def test_rotated_secrets_move_too(self):
        self.alice()
        id, first = self.key()
        second = self.c.call("keys.rotate", id=id)["secret"]
        self.rotate()
        third, fourth = self.key()
        pending = self.c.call("keys.rotate", id=third, mode="confirm")["secret"]
        self.assert_reason("ok", self.ask(first))
        self.assertIn(id, self.old())
        self.assert_reason("ok", self.ask(second))
        harness.wait_until(lambda: not self.old(), what="both secrets' move")
        harness.wait_until(lambda: "left" not in self.c.call("status")["pepper"],
                           what="the old one's end")
        for secret in (first, second, fourth, pending, second):
            self.assert_reason("ok", self.ask(secret))

    def test_wrong_tokens_are_wrong_under_both(self):
        self.alice()
        id, secret = self.key()
        self.rotate()
        for token in (secret[:-1] + ("x" if secret[-1] != "x" else "y"), "nothing"):
            self.assert_reason("malformed_token", self.ask(token), 401)
        self.c.call("keys.disable", id=id)
        self.assert_reason("inactive_key", self.ask(secret), 401)

    def test_without_the_old_one_in_the_file_its_keys_are_unknown(self):
        self.alice()
        _, secret = self.key()
        self.rotate()
        self.d.stop()
        path = self.d.state / "pepper"
        path.write_text(path.read_text().replace(self.file()["old"], "0" * 64))
        self.d.start()
        self.c = self.d.client()
        self.assert_reason("unknown_key", self.ask(secret), 401)

    def test_damaged_files_are_refused(self):
        self.rotate()
        self.d.stop()
        path = self.d.state / "pepper"
        good = path.read_text()
        for bad in (good[:-1], good + "\n", good.replace("001", "999"), good.replace("001", "1  "),
                    good.replace("secrets 2", "secrets 3")):
            path.write_text(bad)
            status, said = self.d.refuses_to_start()
            self.assertEqual(status, 1)
            self.assertIn("not a secrets' file", said)
        path.write_text(good)
        self.d.start()

    def test_the_tool_and_strangers(self):
        done = self.d.tool("pepper", "rotate")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("pepper 1 is in use", done.stdout)
        harness.wait_until(lambda: "left" not in self.c.call("status")["pepper"] and
                           set(self.file()["old"]) == {"0"}, what="the old one's end")
        done = self.d.tool("pepper", "rotate", "--json")
        self.assertEqual(json.loads(done.stdout), {"pepper": 2})
        self.assert_error("forbidden", self.stranger().call, "pepper.rotate")
        self.assertTrue(self.d.tool("log", "--verify").returncode == 0)


if __name__ == "__main__":
    unittest.main()

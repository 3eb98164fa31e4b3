# SPDX-License-Identifier: Apache-2.0
"""A key's end: deleted, restored, purged; and what deleting a principal does to its keys."""

import json
import unittest

import people


class Deleting(people.PeopleTest):
    def ids(self, **params):
        return [item["id"] for item in self.c.call("keys.list", **params)["items"]]

    def test_a_deleted_key_is_hidden_and_works_no_more(self):
        self.alice()
        id, secret = self.key(name="laptop")
        other, _ = self.key()
        self.assert_reason("ok", self.ask(secret))
        record = self.c.call("keys.delete", id=id)
        self.assertEqual((record["id"], record["status"]), (id, "inactive"))
        self.assertIn("deleted_at", record)
        answer = self.ask(secret)
        self.assert_reason("unknown_key", answer, 401)
        self.assertNotIn("key", answer)
        for method in ("get", "disable", "enable", "revoke", "update"):
            self.assert_error("not_found", self.c.call, "keys." + method, id=id)
        self.assertEqual(self.ids(), [other])
        self.assertEqual(self.ids(principal="alice"), [other])
        self.assertEqual(self.ids(status="inactive"), [])
        self.assertEqual(self.ids(status="deleted"), [id])
        self.assertEqual(self.c.call("keys.delete", id=id), record)

    def test_restored_it_is_switched_off(self):
        self.alice()
        id, secret = self.key(name="laptop")
        self.ask(secret)
        self.c.call("keys.delete", id=id)
        record = self.c.call("keys.restore", id=id)
        self.assertEqual((record["status"], record["name"], record["uses"]),
                         ("inactive", "laptop", 1))
        self.assertNotIn("deleted_at", record)
        self.assert_reason("inactive_key", self.ask(secret), 401)
        self.assertEqual(self.c.call("keys.restore", id=id)["status"], "inactive")
        self.c.call("keys.enable", id=id)
        self.assert_reason("ok", self.ask(secret))

    def test_restoring_never_brings_a_revoked_key_back(self):
        self.alice()
        id, secret = self.key()
        self.c.call("keys.revoke", id=id)
        self.c.call("keys.delete", id=id)
        self.assertEqual(self.c.call("keys.restore", id=id)["status"], "revoked")
        self.assert_error("conflict", self.c.call, "keys.enable", id=id)
        self.assert_reason("revoked_key", self.ask(secret), 401)

    def test_a_purged_key_is_gone(self):
        self.alice()
        id, secret = self.key()
        self.ask(secret)
        self.assert_error("conflict", self.c.call, "keys.purge", id=id)
        self.c.call("keys.delete", id=id)
        self.assertEqual(self.c.call("keys.purge", id=id), {"id": id})
        for method in ("keys.restore", "keys.purge", "keys.delete", "keys.get"):
            self.assert_error("not_found", self.c.call, method, id=id)
        self.assertEqual(self.ids(status="deleted"), [])
        self.assert_reason("unknown_key", self.ask(secret), 401)
        self.d.stop()
        self.d.start()
        self.c = self.d.client()
        self.assert_error("not_found", self.c.call, "keys.restore", id=id)

    def test_a_deleted_principals_keys_are_revoked_the_hidden_ones_too(self):
        self.alice()
        first, secret = self.key()
        hidden, _ = self.key()
        self.c.call("keys.delete", id=hidden)
        self.c.call("principals.delete", id="alice")
        self.assertEqual(self.c.call("keys.get", id=first)["status"], "revoked")
        self.assert_reason("revoked_key", self.ask(secret), 401)
        self.assertEqual(self.c.call("keys.restore", id=hidden)["status"], "revoked")

    def test_strangers_manage_nothing_of_it(self):
        self.alice()
        id, _ = self.key()
        stranger = self.stranger()
        for method in ("keys.delete", "keys.restore", "keys.purge"):
            self.assert_error("forbidden", stranger.call, method, id=id)

    def test_the_tool(self):
        self.alice()
        ids = [self.key()[0] for _ in range(3)]
        self.assertIn("deleted", self.d.tool("key", "delete", ids[0]).stdout)
        done = self.d.tool("key", "delete", "--principal", "alice", "--yes")
        self.assertIn("2 keys deleted", done.stderr)
        shown = self.d.tool("key", "list", "--status", "deleted", "--json")
        self.assertEqual([item["id"] for item in json.loads(shown.stdout)["items"]], ids)
        self.assertEqual(self.d.tool("key", "restore", ids[0]).returncode, 0)
        done = self.d.tool("key", "purge", "--all", "--yes", "--json")
        self.assertEqual(sorted(item["id"] for item in json.loads(done.stdout)["items"]),
                         sorted(ids[1:]))
        self.assertEqual(self.ids(), ids[:1])
        self.assertEqual(self.d.tool("key", "purge", ids[0]).returncode, 1)


class DeletingWithLimits(people.PeopleTest):
    policy = people.POLICY + people.LIMITS

    def test_a_deleted_key_leaves_room_and_needs_it_to_come_back(self):
        self.alice()
        first, _ = self.key()
        second, _ = self.key()
        self.c.call("keys.delete", id=first)
        third, _ = self.key()
        error = self.assert_error("limit_reached", self.c.call, "keys.restore", id=first)
        self.assertEqual(sorted(error.error["ids"]), sorted([second, third]))
        self.c.call("keys.revoke", id=second)
        self.assertEqual(self.c.call("keys.restore", id=first)["status"], "inactive")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Somebody who saw a request_id wants the secret once more after the key was switched off and on."""

import secrets
import unittest

import attack
import people


class RepeatedRequest(attack.Attack, people.PeopleTest):
    def repeat(self, tried, method, params):
        """The request that was answered must not yield its secret again."""
        self.refused(tried, "conflict", lambda: self.c.call(method, **params))

    def test_a_change_that_was_undone_ends_the_repetition(self):
        self.alice()
        undone = {
            "disabling and enabling": [("keys.disable", {}), ("keys.enable", {})],
            "deleting and restoring": [("keys.delete", {}), ("keys.restore", {}), ("keys.enable", {})],
            "another name and none": [("keys.update", {"name": "x"}), ("keys.update", {"name": None})],
        }
        for what, changes in undone.items():
            params = {"principal": "alice", "request_id": secrets.token_hex(16)}
            made = self.c.call("keys.create", **params)
            again = self.c.call("keys.create", **params)
            self.assertEqual((again["id"], again["secret"]), (made["id"], made["secret"]))
            for method, more in changes:
                self.c.call(method, id=made["id"], **more)
            self.repeat(f"creates it again after {what}", "keys.create", params)

    def test_the_same_holds_for_a_rotation(self):
        self.alice()
        id, _ = self.key()
        params = {"id": id, "mode": "immediate", "request_id": secrets.token_hex(16)}
        made = self.c.call("keys.rotate", **params)
        self.assertEqual(self.c.call("keys.rotate", **params)["secret"], made["secret"])
        self.c.call("keys.disable", id=id)
        self.c.call("keys.enable", id=id)
        self.repeat("rotates it again after disabling and enabling", "keys.rotate", params)
        # Many changes do not lead back to where it was.
        for _ in range(300):
            self.c.call("keys.disable", id=id)
            self.c.call("keys.enable", id=id)
        self.repeat("rotates it again after 600 changes", "keys.rotate", params)

    def test_a_change_of_another_key_changes_nothing(self):
        self.alice()
        other, _ = self.key()
        params = {"principal": "alice", "request_id": secrets.token_hex(16)}
        made = self.c.call("keys.create", **params)
        self.c.call("keys.disable", id=other)
        self.assertEqual(self.c.call("keys.create", **params)["secret"], made["secret"])


if __name__ == "__main__":
    unittest.main()

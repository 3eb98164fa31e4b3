#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A copy becomes the store of all hosts, as a new epoch."""

import os
import signal
import unittest

import harness
import shared

PART = 128 << 10


class Restoring(shared.SharedTest):
    @staticmethod
    def copy(host):
        data, cursor = b"", {}
        while True:
            piece = host.call("store.backup", **cursor)
            data += piece["data"]
            if "cursor" not in piece:
                return data
            cursor = {"cursor": piece["cursor"]}

    @staticmethod
    def restore(host, data, **params):
        parts = [data[at:at + PART] for at in range(0, len(data), PART)]
        cursor = {}
        for part in parts[:-1]:
            cursor = {"cursor": host.call("store.share", data=part, **cursor, **params)["cursor"]}
        return host.call("store.share", data=parts[-1], last=True, **cursor, **params)

    @staticmethod
    def allows(host, key, **params):
        return host.call("authorize", token=key["secret"], method="GET", path="/loans", **params)["allow"]

    def await_epoch(self, host, epoch):
        harness.wait_until(lambda: host.shared()["epoch"] == epoch and not host.shared()["stale"] and
                           "problem" not in host.shared(), what=f"{host.name} in epoch {epoch}")

    def make_large(self, host):
        """More records than one part of a copy has."""
        for number in range(200):
            host.call("keys.create", name=f"k{number}" + "x" * 60, roles=["viewer"])


class Follow(Restoring):
    def test_hosts_follow_a_copy_that_has_all_they_have(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        place = int(made["as_of"].split("-")[0])
        data = self.copy(second)
        begun = self.restore(first, data)
        self.assertEqual(begun["epoch"], 2)
        self.assertTrue(os.path.exists(begun["copy"]), "the old store is kept")
        self.assertGreater(int(begun["as_of"].split("-")[0]), place, "no old place passes for a new one")
        self.await_epoch(second, 2)
        for host in (first, second):
            self.assertTrue(self.allows(host, made))
        ended = second.call("keys.revoke", id=made["id"], everywhere=True)
        self.assertTrue(ended["everywhere"])
        for host in (first, second):
            self.assertFalse(self.allows(host, made))
        late = self.host("h3", first)
        self.assertEqual(late.call("store.join", at=ended["as_of"])["epoch"], 2)
        self.assertFalse(self.allows(late, made))
        for host in (first, second, late):
            host.stop()
            host.start()
            self.await_epoch(host, 2)

    def test_a_host_that_was_away_follows_when_it_is_back(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        second.stop()
        first.call("keys.revoke", id=made["id"])
        self.restore(first, self.copy(first))
        second.start()
        self.await_epoch(second, 2)
        self.assertFalse(self.allows(second, made))

    def test_a_host_of_the_old_epoch_appends_nothing_after_the_new_one_began(self):
        first, second = self.hosts(2)
        data = self.copy(first)
        second.pause()
        self.restore(first, data)
        first.call("keys.create", name="new", roles=["viewer"])
        second.signal(signal.SIGCONT)
        try:
            second.call("keys.create", name="old", roles=["viewer"])
        except harness.Error as error:
            self.assertEqual(error.code, "unavailable")
        self.await_epoch(second, 2)
        last = second.call("keys.create", name="last", roles=["viewer"])["as_of"]
        first.await_place(last)
        self.assertEqual(*[sorted(key["name"] for key in host.call("keys.list")["items"])
                           for host in (first, second)])
        self.assertNotIn("altered", second.log(), "a new epoch is no altered row")


class Rollback(Restoring):
    def test_an_old_copy_is_refused_except_with_accept_rollback_and_hosts_that_know_more_stop(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        live = first.call("keys.create", name="live", roles=["viewer"], everywhere=True)
        data = self.copy(first)
        first.call("keys.revoke", id=made["id"], everywhere=True)
        with self.assertRaisesRegex(harness.Error, "conflict: the copy ends at record"):
            self.restore(first, data)
        self.assertEqual(first.shared()["epoch"], 1)
        self.assertFalse(self.allows(first, made))
        self.assertEqual(self.restore(first, data, accept_rollback=True)["epoch"], 2)
        self.assertTrue(self.allows(first, made))
        harness.wait_until(lambda: second.shared()["diverged"], what="a host that stops")
        self.assertEqual(second.call("authorize", token=live["secret"], method="GET", path="/loans")["reason"],
                         "stale")
        harness.wait_until(lambda: "authzcheck store rejoin" in second.shared().get("problem", ""),
                           what="what mends it")
        with self.assertRaisesRegex(harness.Error, "unavailable"):
            second.call("keys.create", name="more", roles=["viewer"])
        second.stop()
        second.start()
        harness.wait_until(lambda: second.shared().get("diverged"), what="it stays so")
        self.assertEqual([item["action"] for item in second.call("store.rejoin")["items"]], ["keys.revoke"])
        done = second.call("store.rejoin", confirm=True, accept_rollback=True)
        self.assertEqual((done["epoch"], done["denied"]), (2, 0))
        self.await_epoch(second, 2)
        self.assertTrue(self.allows(second, made))

    def test_rejoin_without_accept_rollback_disables_everywhere_what_the_copy_lacks(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        data = self.copy(first)
        first.call("keys.revoke", id=made["id"], everywhere=True)
        self.restore(first, data, accept_rollback=True)
        harness.wait_until(lambda: second.shared()["diverged"], what="a host that stops")
        self.assertEqual(second.call("store.rejoin", confirm=True)["denied"], 1)
        self.assertFalse(self.allows(second, made))
        harness.wait_until(lambda: not self.allows(first, made), what="a denial on the other host")

    def test_after_another_history_rejoin_asks_for_accept_rollback(self):
        first, second = self.hosts(2)
        data = self.copy(first)
        first.call("keys.create", name="lost", roles=["viewer"], everywhere=True)
        second.stop()
        self.restore(first, data, accept_rollback=True)
        first.call("keys.create", name="other", roles=["viewer"])
        self.restore(first, self.copy(first))
        second.start()
        harness.wait_until(lambda: second.shared().get("diverged"), what="a host that stops")
        with self.assertRaisesRegex(harness.Error, "conflict: .*--accept-rollback"):
            second.call("store.rejoin", confirm=True)
        second.call("store.rejoin", confirm=True, accept_rollback=True)
        self.await_epoch(second, 3)


class Lost(Restoring):
    def test_a_database_that_was_lost_is_made_again_from_a_copy(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        data = self.copy(first)
        self.server.sql("DROP SCHEMA authz CASCADE")
        harness.wait_until(lambda: "problem" in first.shared(), what="a problem")
        self.assertEqual(self.restore(first, data)["epoch"], 2)
        self.await_epoch(second, 2)
        ended = second.call("keys.revoke", id=made["id"], everywhere=True)
        self.assertTrue(ended["everywhere"])
        self.assertFalse(self.allows(first, made))

    def test_a_copy_begins_a_realm_on_a_host_of_its_own(self):
        old = self.host("old")
        made = old.call("keys.create", name="k", roles=["viewer"])
        data = self.copy(old)
        first = self.host("h1", old)
        self.assertEqual(self.restore(first, data)["epoch"], 1)
        self.assertTrue(self.allows(first, made))


class Parts(Restoring):
    def left(self, host):
        return [path.name for path in host.state.iterdir() if path.name.endswith(".copy")]

    def test_what_is_not_a_copy_changes_nothing_and_leaves_no_file(self):
        first, = self.hosts(1)
        made = first.call("keys.create", name="k", roles=["viewer"])
        data = self.copy(first)
        altered = bytearray(data)
        altered[len(data) // 2] ^= 1
        for bad in (data[:-1], data[:40], bytes(altered), b"no copy", data + b"x"):
            with self.subTest(len(bad)):
                with self.assertRaisesRegex(harness.Error, "conflict: the copy"):
                    self.restore(first, bad, accept_rollback=True)
                self.assertEqual(self.left(first), [])
                self.assertEqual(first.shared()["epoch"], 1)
                self.assertTrue(self.allows(first, made))
        first.call("keys.create", name="more", roles=["viewer"])

    def test_a_cursor_is_good_once_and_there_is_one_copy_at_a_time(self):
        first, = self.hosts(1)
        self.make_large(first)
        data = self.copy(first)
        cursor = first.call("store.share", data=data[:1000])["cursor"]
        self.assertEqual(self.left(first), [], "the parts are in a file without a name")
        with self.assertRaisesRegex(harness.Error, "conflict: another copy is being sent"):
            first.call("store.share", data=data[:1000])
        then = first.call("store.share", data=data[1000:2000], cursor=cursor)["cursor"]
        with self.assertRaisesRegex(harness.Error, "conflict: this copy is over"):
            first.call("store.share", data=data[1000:2000], cursor=cursor)
        for wrong in ({"data": b"x" * (PART + 1)}, {"last": True}, {"data": b"", "cursor": "no"}):
            with self.assertRaisesRegex(harness.Error, "invalid_request"):
                first.call("store.share", **wrong)
        self.assertEqual(first.call("store.share", data=data[2000:], cursor=then, last=True)["epoch"], 2)

    def test_the_tool_restores_a_backup(self):
        first, second = self.hosts(2)
        self.make_large(first)
        path = first.folder / "backup"
        first.tool("store", "backup", path)
        done = first.tool("store", "share", "--restore", path)
        self.assertIn("epoch 2", done.stdout + done.stderr)
        self.await_epoch(second, 2)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The audit trail and the records, damaged in each way: by an editor of the file, or by a kill."""

import json
import os
import subprocess
import threading
import unittest

import harness
import people

EDIT = os.environ.get("STORE_EDIT", str(harness.ROOT / "build" / "tests" / "e2e" / "store_edit"))


class Broken(people.PeopleTest):
    """Edits the file while no daemon runs, accepts the head, and verifies the trail."""

    def setUp(self):
        super().setUp()
        self.alice()
        self.kid, self.secret = self.key()
        self.other, _ = self.key()
        self.c.call("keys.disable", id=self.other)
        self.c.call("keys.disable", id=self.kid)
        self.c.call("keys.enable", id=self.kid)
        self.d.stop()

    def edit(self, *words):
        done = subprocess.run([EDIT, str(self.d.state / "store.mdb"), *words],
                              capture_output=True, text=True, check=True)
        return done.stdout

    def table(self, name):
        return dict(line.split(" ") for line in self.edit("list", name).splitlines())

    @staticmethod
    def place(sequence):
        return f"{sequence:016x}"

    def verify(self):
        self.d.start()
        done = self.d.tool("log", "--verify", "--json")
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if answer["ok"] else 1)
        self.assertIsInstance(self.d.tool("log").stdout, str)  # and the lists still work
        return [(item["problem"], item.get("sequence"), item.get("target"))
                for item in answer["items"]]

    def flip(self, table, key, at):
        value = bytearray.fromhex(self.table(table)[key])
        value[at] ^= 1
        self.edit("put", table, key, value.hex())

    def test_as_it_was_written_nothing_is_wrong(self):
        self.assertEqual(self.verify(), [])

    def test_an_edited_record_is_named(self):
        self.flip("audit", self.place(3), -1)
        self.assertEqual(self.verify(), [("edited", 3, None)])

    def test_a_removed_record_is_named(self):
        self.edit("del", "audit", self.place(3))
        self.assertIn(("removed", 3, None), self.verify())

    def test_reordered_records_are_named(self):
        table = self.table("audit")
        self.edit("put", "audit", self.place(2), table[self.place(4)])
        self.edit("put", "audit", self.place(4), table[self.place(2)])
        found = self.verify()
        self.assertIn(("reordered", 2, None), found)
        self.assertIn(("reordered", 4, None), found)

    def test_a_cut_trail_does_not_start_and_accepting_it_is_recorded(self):
        last = max(self.table("audit"))
        self.edit("del", "audit", last)
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("cut", said)
        subprocess.run([harness.AUTHZD, "--accept-rollback", "--state", str(self.d.state)],
                       check=True, timeout=harness.DEADLINE)
        found = self.verify()
        self.assertIn("record_replaced", [problem for problem, _, _ in found])
        self.assertIn("store.accept_rollback", self.d.tool("log").stdout)

    def test_a_record_hidden_from_the_lists_is_named(self):
        hidden = next(key for key in self.table("audit_index")
                      if key.startswith(b"k".hex()) and key.endswith(self.place(5)))
        self.edit("del", "audit_index", hidden)
        self.assertIn(("unlisted", 5, None), self.verify())

    def test_a_record_that_was_taken_out_of_a_list_is_named(self):
        """A key that is missing in its principal's list would outlive the principal."""
        self.d.start()
        with self.d.client() as client:
            client.call("tenants.create", id="umbra")
            imported = client.call("keys.import", hash="ab" * 32, principal="alice")["id"]
            client.call("keys.delete", id=self.other)
        self.d.stop()
        kids = {self.kid: self.kid.encode().hex(), self.other: self.other.encode().hex(),
                imported: imported.encode().hex()}
        for table, target in (("keys_by_principal", self.kid), ("keys_by_tenant", self.kid),
                              ("keys_by_hash", imported), ("keys_deleted", self.other),
                              ("principals_by_role", "alice"), ("tenant_names", "umbra")):
            with self.subTest(table):
                entries = self.table(table)
                hidden = next(key for key, value in entries.items()
                              if value == kids.get(target, value))
                self.edit("del", table, hidden)
                self.assertEqual(self.verify(), [("record_unlisted", None, target)])
                self.d.stop()
                # An index entry that leads to another record is not enough.
                if entries[hidden]:
                    self.edit("put", table, hidden, "00" * (len(entries[hidden]) // 2))
                    self.assertEqual(self.verify(), [("record_unlisted", None, target)])
                    self.d.stop()
                self.edit("put", table, hidden, entries[hidden])
        self.assertEqual(self.verify(), [])

    def test_an_altered_record_that_was_asked_for_is_an_alarm_in_the_trail(self):
        self.flip("keys", self.kid.encode().hex(), -1)
        self.d.start()
        for _ in range(3):
            self.d.call("authorize", token=self.secret, method="GET", path="/loans/7")
        self.assertGreaterEqual(self.d.call("status")["store"]["altered"], 3)
        self.assertIn("altered records were refused", self.d.tool("status").stdout)

        def alarms():
            return self.d.call("audit.list", key=self.kid, newest_first=True, limit=1)["items"]

        # The next check comes within ten seconds.
        found = harness.wait_until(
            lambda: [item for item in alarms() if item["action"] == "alarm.altered_record"],
            what="alarm")
        self.assertEqual((found[0]["actor"], found[0]["kind"]), ("daemon", "alarm"))
        self.assertIn({"field": "table", "to": "keys"}, found[0]["changes"])

    def test_the_id_that_somebody_wrote_into_the_file_is_not_shown_on_a_terminal(self):
        record = self.table("keys")[self.kid.encode().hex()]
        for id in (b"\x1b[2Jaaaaaaaa", b"aaaaaaaaaaa\x7f", b"\xffaaaaaaaaaaa"):
            with self.subTest(id):
                self.edit("put", "keys", id.hex(), record)
                targets = [target for _, _, target in self.verify()]
                self.assertIn("(invalid id)", targets)
                self.assertNotIn(id.decode("latin-1"), targets)
                self.d.stop()
                self.edit("del", "keys", id.hex())

    def test_an_edited_key_is_refused_and_named(self):
        key = self.kid.encode().hex()
        self.flip("keys", key, -1)
        self.assertEqual(self.verify(), [("record_edited", None, self.kid)])
        self.assertFalse(self.d.call(
            "authorize", token=self.secret, method="GET", path="/loans/7")["allow"])

    def test_an_altered_key_is_shown_as_such_and_revoked_or_purged(self):
        for end in ("revoke", "purge"):
            with self.subTest(end):
                kid, secret = self.other, None
                if end == "revoke":
                    kid, secret = self.kid, self.secret
                self.flip("keys", kid.encode().hex(), -1)
                self.d.start()
                self.assertEqual(self.d.call("keys.get", id=kid),
                                 {"id": kid, "status": "altered", "tenant": "default"})
                self.assertEqual(self.d.call("keys.list", status="altered")["items"],
                                 [{"id": kid, "status": "altered", "tenant": "default"}])
                shown = self.d.tool("key", "show", kid)
                self.assertRegex(shown.stdout, r"(?m)^status +altered$")
                self.assertIn("key revoke or key purge ends it", shown.stderr)
                listed = self.d.tool("key", "list", "--status", "altered").stdout
                self.assertRegex(listed, rf"(?m)^{kid} .*altered$")
                for method in ("disable", "enable", "delete", "rotate"):
                    error = self.assert_error("conflict", self.d.call, f"keys.{method}", id=kid)
                    self.assertIn("revoke or purge it", str(error))
                self.assertEqual(self.d.tool("key", end, kid).returncode, 0)
                self.assertEqual(self.d.call("keys.list", status="altered")["items"], [])
                if secret:
                    self.assertEqual(self.d.call("keys.get", id=kid)["status"], "revoked")
                    self.assertFalse(self.d.call("authorize", token=secret, method="GET",
                                                 path="/loans/7")["allow"])
                    self.assert_error("conflict", self.d.call, "keys.enable", id=kid)
                else:
                    self.assert_error("not_found", self.d.call, "keys.get", id=kid)
                record = self.d.call("audit.list", key=kid, newest_first=True)["items"][
                    1 if secret else 0]
                self.assertEqual((record["action"], record["tenant"]), (f"keys.{end}", "default"))
                self.assertEqual(record["changes"], [{"field": "status", "from": "altered"}])
                self.d.stop()
                self.assertEqual(self.verify(), [])
                self.d.stop()
        self.d.start()

    def test_of_an_altered_key_its_own_entries_alone_are_removed(self):
        """It says the other key's number and principal: purging it must not hide that key."""
        table = self.table("keys")
        key, other = self.kid.encode().hex(), self.other.encode().hex()
        forged = bytearray.fromhex(table[other])
        forged = forged.replace(self.other.encode(), self.kid.encode())
        self.edit("put", "keys", key, forged.hex())
        self.d.start()
        self.assertEqual(self.d.call("keys.get", id=self.kid)["status"], "altered")
        self.d.call("keys.purge", id=self.kid)
        self.assertEqual([item["id"] for item in self.d.call("keys.list")["items"]], [self.other])
        self.d.stop()
        self.assertEqual(self.verify(), [])

    def test_an_altered_principal_is_shown_as_such_and_deleted_with_its_keys(self):
        place = next(iter(self.table("principals")))
        self.flip("principals", place, -1)
        self.d.start()
        altered = {"id": "alice", "tenant": "default", "status": "altered"}
        self.assertEqual(self.d.call("principals.get", id="alice"), altered)
        self.assertIn("principal delete removes it",
                      self.d.tool("principal", "show", "alice").stderr)
        self.assert_error("conflict", self.d.call, "principals.enable", id="alice")
        self.assert_error("conflict", self.d.call, "principals.create", id="alice")
        self.assertEqual(self.d.call("principals.delete", id="alice"), altered)
        self.assert_error("not_found", self.d.call, "principals.get", id="alice")
        self.assertEqual({item["status"] for item in self.d.call("keys.list")["items"]},
                         {"revoked"})
        self.assertEqual(self.d.call("audit.list", newest_first=True, limit=1)["items"][0][
            "changes"], [{"field": "status", "from": "altered"}])
        self.d.call("principals.create", id="alice")
        self.d.stop()
        self.assertEqual(self.verify(), [])

    def test_an_altered_role_is_shown_as_such_and_deleted(self):
        self.d.start()
        self.d.call("roles.create", name="own", grants=["allow GET on api:/health"])
        self.d.call("assignments.create", principal="alice", role="own")
        self.d.stop()
        self.flip("roles", next(iter(self.table("roles"))), -1)
        self.d.start()
        altered = {"name": "own", "tenant": "default", "status": "altered"}
        self.assertEqual(self.d.call("roles.get", name="own"), altered)
        shown = self.d.tool("role", "show", "own")
        self.assertRegex(shown.stdout, r"(?m)^status +altered$")
        self.assertIn("role delete removes it", shown.stderr)
        self.assert_error("conflict", self.d.call, "roles.update", name="own", description="x")
        self.assertEqual(self.d.call("roles.delete", name="own"), altered)
        self.assert_error("not_found", self.d.call, "roles.get", name="own")
        self.assertEqual(self.d.call("audit.list", newest_first=True, limit=1)["items"][0][
            "changes"], [{"field": "status", "from": "altered"}])
        self.d.call("roles.create", name="own", grants=["allow GET on api:/health"])
        self.d.stop()
        self.assertEqual(self.verify(), [])

    def test_an_altered_key_is_not_shown_to_a_token(self):
        self.flip("keys", self.other.encode().hex(), -1)
        self.d.write("a.policy", people.POLICY + "role boss { allow all on authz:/** }\n")
        self.d.start()
        self.d.call("principals.create", id="boss")
        self.d.call("assignments.create", principal="boss", role="boss")
        token = self.d.call("keys.create", principal="boss")["secret"]
        for method in ("get", "revoke"):
            self.assert_error("not_found", self.d.call, f"keys.{method}", id=self.other,
                              token=token)
        self.assert_error("forbidden", self.d.call, "keys.list", status="altered", token=token)
        self.assert_error("invalid_request", self.d.call, "keys.list", status="altered",
                          principal="alice")

    def test_an_older_copy_of_a_key_is_named(self):
        key = self.kid.encode().hex()
        old = self.table("keys")[key]
        self.d.start()
        self.d.call("keys.revoke", id=self.kid)
        self.d.stop()
        self.edit("put", "keys", key, old)
        self.assertEqual(self.verify(), [("record_replaced", 8, self.kid)])

    def test_a_key_copied_over_another_is_refused_and_named(self):
        table = self.table("keys")
        key, other = self.kid.encode().hex(), self.other.encode().hex()
        self.edit("put", "keys", other, table[key])
        self.assertIn(("record_replaced", 5, self.other), self.verify())
        self.d.call("keys.get", id=self.kid)
        self.assertEqual(self.d.call("keys.get", id=self.other)["status"], "altered")

    def test_a_removed_and_a_forged_key_are_reported(self):
        key = self.kid.encode().hex()
        value = self.table("keys")[key]
        self.edit("del", "keys", key)
        self.edit("put", "keys", b"1stranger000".hex(), value)
        found = self.verify()
        self.assertIn(("record_removed", 7, self.kid), found)
        self.assertIn(("record_unknown", None, "1stranger000"), found)

    def test_a_principal_copied_to_another_tenant_is_refused_and_named(self):
        (key, value), = self.table("principals").items()
        elsewhere = "00000002" + key[8:]
        self.edit("put", "principals", elsewhere, value)
        self.assertEqual([problem for problem, _, _ in self.verify()], ["record_unknown"])


class Crash(people.PeopleTest):
    ROUNDS = 6

    def test_after_a_kill_the_chain_holds_and_every_answered_change_has_its_record(self):
        self.alice()
        answered = []
        for number in range(self.ROUNDS):
            self.write_and_kill(answered, wait=3 + 11 * number % 50)
            self.d.start()
            self.c = self.d.client()
        entered = set()
        after = 0
        while True:
            items = self.c.call("audit.list", after=after, limit=1000)["items"]
            if not items:
                break
            entered.update((item["action"], item.get("target")) for item in items)
            after = items[-1]["sequence"]
        self.assertEqual([change for change in answered if change not in entered], [])
        done = self.d.tool("log", "--verify")
        self.assertEqual(done.returncode, 0, done.stdout)

    def write_and_kill(self, answered, wait):
        enough = threading.Event()
        lock = threading.Lock()
        begun = len(answered)

        def write():
            with harness.Client(self.d.socket) as client:
                try:
                    while True:
                        id = client.call("keys.create", principal="alice")["id"]
                        client.call("keys.revoke", id=id)
                        with lock:
                            answered.append(("keys.create", id))
                            answered.append(("keys.revoke", id))
                            if len(answered) - begun >= wait:
                                enough.set()
                except (AssertionError, OSError):
                    return

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        self.assertTrue(enough.wait(harness.DEADLINE))
        self.d.kill()
        for writer in writers:
            writer.join()


if __name__ == "__main__":
    unittest.main()

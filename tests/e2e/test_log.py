# SPDX-License-Identifier: Apache-2.0
"""The audit trail: its content, its lists, and each way in which it can be damaged."""

import json
import os
import subprocess
import threading
import time
import unittest

import harness
import people

EDIT = os.environ.get("STORE_EDIT", str(harness.ROOT / "build" / "tests" / "e2e" / "store_edit"))


class Trail(people.PeopleTest):
    def list(self, **params):
        return self.c.call("audit.list", **params)["items"]

    def actions(self, **params):
        return [item["action"] for item in self.list(**params)]

    def test_a_call_adds_a_record_only_if_it_changes_something(self):
        self.alice()
        id, _ = self.key(scopes=["loans:read"], name="first")
        self.c.call("tenants.create", id="acme")
        self.c.call("tenants.disable", id="acme")
        for method in ("disable", "disable", "enable", "enable", "revoke", "revoke"):
            self.c.call(f"keys.{method}", id=id)
        self.c.call("keys.get", id=id)
        with self.assertRaises(harness.Error):
            self.c.call("keys.enable", id=id)
        self.c.call("principals.disable", id="alice")
        self.c.call("assignments.delete", principal="alice", role="viewer")
        self.c.call("principals.delete", id="alice")
        self.assertEqual(self.actions(), [
            "principals.create", "assignments.create", "keys.create", "tenants.create",
            "tenants.disable", "keys.disable",
            "keys.enable", "keys.revoke", "principals.disable", "assignments.delete",
            "principals.delete"])
        self.assertEqual(self.c.call("audit.verify")["items"], [])

    def test_a_record_has_actor_action_target_and_changes(self):
        self.alice()
        id, _ = self.key(name="first")
        before = time.time()
        self.c.call("keys.update", id=id, name="second", scopes=["loans:read"])
        record = self.list()[-1]
        self.assertEqual(record["sequence"], 4)
        self.assertEqual(record["actor"], f"uid:{os.geteuid()}")
        self.assertEqual((record["uid"], record["pid"]), (os.geteuid(), os.getpid()))
        self.assertEqual((record["kind"], record["target"]), ("key", id))
        self.assertEqual(record["tenant"], "default")
        self.assertTrue(int(before) <= record["time"] <= time.time())
        changes = {change["field"]: (change.get("from"), change.get("to"))
                   for change in record["changes"]}
        self.assertEqual(changes, {"name": ("first", "second"), "scopes": (None, "loans:read")})
        revoked = self.c.call("keys.revoke", id=id) and self.list()[-1]
        self.assertEqual(revoked["changes"],
                         [{"field": "status", "from": "active", "to": "revoked"}])
        given = self.list()[1]
        self.assertEqual(given["changes"], [{"field": "assignments", "to": "viewer"}])

    def test_what_is_made_is_entered_with_all_that_it_has(self):
        self.c.call("principals.create", id="alice", name="Alice")
        self.key(principal="alice", name="crm", label="ci", networks=["10.0.0.0/8"],
                 scopes=["loans:read"])
        principal, key = (
            {change["field"]: (change.get("from"), change["to"]) for change in record["changes"]}
            for record in self.list())
        self.assertEqual(principal, {
            "status": (None, "active"), "name": (None, "Alice"), "kind": (None, "user"),
            "api_access": (None, "true")})
        self.assertEqual(key, {
            "status": (None, "active"), "principal": (None, "alice"),
            "environment": (None, "live"), "networks": (None, "10.0.0.0/8"),
            "scopes": (None, "loans:read"), "name": (None, "crm"), "label": (None, "ci")})

    def test_keys_that_go_with_their_principal_have_records_of_their_own(self):
        self.alice()
        ids = [self.key()[0] for _ in range(3)]
        self.c.call("principals.delete", id="alice")
        last = self.list()[-4:]
        self.assertEqual([item["target"] for item in last], [*ids, "alice"])
        self.assertEqual({item["action"] for item in last}, {"principals.delete"})

    def test_a_new_policy_is_recorded_with_its_actor(self):
        first = self.c.call("status")["policy"]["revision"]
        self.d.write("a.policy", people.POLICY + "role other { allow GET on api:/health }\n")
        second = self.c.call("policy.reload")["revision"]
        record = self.list()[-1]
        self.assertEqual((record["action"], record["kind"]), ("policy.reload", "policy"))
        self.assertEqual(record["changes"], [{"field": "revision", "from": first, "to": second}])
        self.assertIn(record["actor"], (f"uid:{os.geteuid()}", "daemon"))

    def test_the_list_is_filtered_and_paged(self):
        self.alice()
        ids = [self.key()[0] for _ in range(30)]
        for id in ids:
            self.c.call("keys.disable", id=id)
        self.assertEqual(self.actions(key=ids[3]), ["keys.create", "keys.disable"])
        self.assertEqual(self.list(key="1" + "0" * 11), [])
        self.assertEqual(len(self.list(actor=f"uid:{os.geteuid()}", limit=1000)), 62)
        self.assertEqual(self.list(actor="uid:12345"), [])
        self.assertEqual(len(self.list(tenant="default", limit=1000)), 62)
        self.assert_error("not_found", self.c.call, "audit.list", tenant="nobody")
        now = int(time.time())
        self.assertEqual(self.list(since=now + 3600), [])
        self.assertEqual(len(self.list(since=now - 3600, limit=1000)), 62)
        self.assertEqual(self.list(until=now - 3600), [])
        self.assertEqual([r["sequence"] for r in self.list(after=60)], [61, 62])
        for newest_first in (False, True):
            seen, cursor = [], {}
            while True:
                page = self.c.call("audit.list", limit=7, newest_first=newest_first, **cursor)
                seen += [item["sequence"] for item in page["items"]]
                if "cursor" not in page:
                    break
                cursor = {"cursor": page["cursor"]}
            self.assertEqual(seen, sorted(range(1, 63), reverse=newest_first))
        self.assert_error("invalid_request", self.c.call, "audit.list", key="short")
        self.assert_error("invalid_request", self.c.call, "audit.list", cursor="00")

    def test_denials_are_counted_by_key_and_reason(self):
        self.alice()
        id, secret = self.key()
        other, _ = self.key()
        for _ in range(3):
            self.assert_reason("role", self.ask(secret, "DELETE"))
        self.assert_reason("unknown_resource", self.ask(secret, "GET", "/nowhere"))
        record = self.c.call("keys.get", id=id)
        self.assertEqual(record["denials"], 4)
        self.assertEqual(record["denied_for"], {"role": 3, "unknown_resource": 1})
        self.assertNotIn("denied_for", self.c.call("keys.get", id=other))
        self.assertIn("role 3", self.d.tool("key", "show", id).stdout)

    def test_callers_that_may_not_read_it_are_refused(self):
        other = self.stranger()
        self.assert_error("forbidden", other.call, "audit.list")
        self.assert_error("forbidden", other.call, "audit.verify")

    def test_the_tool_shows_follows_and_verifies(self):
        self.alice()
        id, _ = self.key()
        shown = self.d.tool("log")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("keys.create", shown.stdout)
        self.assertIn(f"key {id}", shown.stdout)
        self.assertEqual(len(self.d.tool("log", "-n", "2").stdout.splitlines()), 3)
        self.assertEqual(len(self.d.tool("log", "--key", id).stdout.splitlines()), 2)
        items = json.loads(self.d.tool("log", "--json", "--since", "1h").stdout)["items"]
        self.assertEqual([item["sequence"] for item in items], [1, 2, 3])
        self.assertRegex(items[0]["time"], r"^\d{4}-\d\d-\d\dT")
        self.assertEqual(self.d.tool("log", "--until", "1d").stdout, "")
        for words in (["-f", "--until", "1d"], ["--verify", "--key", id], ["-n", "x"]):
            self.assertEqual(self.d.tool("log", *words).returncode, 2)
        verified = self.d.tool("log", "--verify")
        self.assertEqual(verified.returncode, 0, verified.stdout)
        self.assertIn("ok", verified.stdout)
        self.assertTrue(json.loads(self.d.tool("log", "--verify", "--json").stdout)["ok"])

    def test_follow_shows_new_records(self):
        self.alice()
        with subprocess.Popen(
                [harness.AUTHZCHECK, "--socket", str(self.d.socket), "log", "-f"],
                stdout=subprocess.PIPE, text=True, env=harness.environment(self.d.folder),
                preexec_fn=harness.die_with_parent) as tool:
            self.addCleanup(tool.kill)
            lines = [tool.stdout.readline() for _ in range(3)]
            self.assertIn("assignments.create", lines[2])
            id, _ = self.key()
            self.assertIn(id, tool.stdout.readline())
            self.c.call("keys.revoke", id=id)
            self.assertIn("→ revoked", tool.stdout.readline())
            tool.kill()


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
        self.assert_error("not_found", self.d.call, "keys.get", id=self.other)

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
    ROUNDS = 12

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

# SPDX-License-Identifier: Apache-2.0
"""The audit trail: its content, its lists, and how the tool shows and follows it."""

import json
import os
import subprocess
import time
import unittest

import harness
import people


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
        # On a slow machine the daemon may notice the new file before it is asked to.
        trigger = "watch" if record["actor"] == "daemon" else "request"
        self.assertEqual(record["changes"], [{"field": "revision", "from": first, "to": second},
                                             {"field": "trigger", "to": trigger}])
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
            items, _ = self.c.pages("audit.list", limit=7, newest_first=newest_first)
            self.assertEqual([item["sequence"] for item in items], sorted(range(1, 63), reverse=newest_first))
        self.assert_error("invalid_request", self.c.call, "audit.list", key="short")
        self.assert_error("invalid_request", self.c.call, "audit.list", cursor="00")

    def test_the_records_about_one_target_are_found(self):
        self.alice()
        self.c.call("tenants.create", id="acme")
        # The same name is another principal in another tenant, and another thing as a role.
        self.c.call("principals.create", id="alice", tenant="acme")
        self.c.call("roles.create", name="alice", grants=["allow list on api:/loans"])
        self.c.call("principals.create", id="alice2")
        id, _ = self.key()
        self.c.call("keys.disable", id=id)
        self.c.call("roles.delete", name="alice")
        of = {"kind": "principal", "target": "alice"}
        self.assertEqual(self.actions(**of, tenant="default"), ["principals.create", "assignments.create"])
        self.assertEqual(self.actions(**of, tenant="acme"), ["principals.create"])
        self.assertEqual(self.actions(**of), ["principals.create", "assignments.create", "principals.create"])
        self.assertEqual(self.actions(**of, newest_first=True, tenant="default"),
                         ["assignments.create", "principals.create"])
        self.assertEqual(self.actions(kind="role", target="alice", tenant="default"), ["roles.create", "roles.delete"])
        self.assertEqual(self.actions(kind="role"), ["roles.create", "roles.delete"])
        self.assertEqual(self.list(kind="key", target=id), self.list(key=id))
        self.assertEqual(self.actions(kind="key"), ["keys.create", "keys.disable"])
        self.assertEqual(self.actions(kind="tenant", target="acme"), ["tenants.create"])
        self.assertEqual(self.list(kind="alarm"), [])
        self.assertEqual(self.list(kind="principal", target="nobody", tenant="default"), [])
        self.assertEqual(self.list(**of, actor="uid:12345"), [])
        # A page's end is found again, whether or not the trail has a list of its own for these.
        for narrowed in ({**of, "tenant": "default"}, of):
            for newest_first in (False, True):
                items, _ = self.c.pages("audit.list", limit=1, newest_first=newest_first, **narrowed)
                self.assertEqual([item["sequence"] for item in items],
                                 [item["sequence"] for item in self.list(newest_first=newest_first, **narrowed)])
        shown = self.d.tool("log", "--kind", "principal", "--target", "alice", "--tenant", "default")
        self.assertEqual(len(shown.stdout.splitlines()), 3, shown.stdout)
        self.assertEqual(self.d.tool("log", "--verify", "--kind", "key").returncode, 2)

    def test_a_target_that_cannot_be_one_is_refused(self):
        for params, param in (({"target": "alice"}, "target"), ({"kind": "person"}, "kind"), ({"kind": ""}, "kind"),
                              ({"kind": "role", "target": ""}, "target"), ({"kind": "role", "target": "x" * 300}, "target"),
                              ({"kind": "key", "key": "1" + "0" * 11}, "key"), ({"kind": 1}, "kind"),
                              ({"kind": "role", "target": ["x"]}, "target")):
            error = self.assert_error("invalid_request", self.c.call, "audit.list", **params)
            self.assertEqual(error.error["param"], param, params)

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
                [harness.AUTHZCHECK, "--socket", str(self.d.socket), *harness.PATIENT, "log", "-f"],
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


    def follow(self, *more):
        """Starts log -f; it is killed at the end of the test."""
        tool = subprocess.Popen(
            [harness.AUTHZCHECK, "--socket", str(self.d.socket), "log", "-f", *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=harness.environment(self.d.folder), preexec_fn=harness.die_with_parent)
        self.addCleanup(tool.stdout.close)
        self.addCleanup(tool.stderr.close)
        self.addCleanup(tool.wait)
        self.addCleanup(tool.kill)
        return tool

    @staticmethod
    def documents(stream, count):
        """The next JSON documents of a stream, each of several lines."""
        found = []
        while len(found) < count:
            text = stream.readline()
            while not text.endswith("\n}\n"):
                text += stream.readline()
            found.append(json.loads(text))
        return found

    def test_follow_goes_on_when_the_daemon_is_restarted(self):
        self.alice()
        tool = self.follow("--json")
        self.assertEqual([item["sequence"] for item in self.documents(tool.stdout, 2)], [1, 2])
        self.d.stop()
        self.assertIn("waiting for the daemon", tool.stderr.readline())
        self.d.start()
        self.c = self.d.client()
        ids = [self.key()[0] for _ in range(3)]
        seen = self.documents(tool.stdout, 3)
        self.assertEqual([item["target"] for item in seen], ids)
        self.assertIn("the daemon is back", tool.stderr.readline())

    def test_follow_ends_while_it_waits_when_nobody_reads_it(self):
        self.alice()
        tool = self.follow()
        for _ in range(3):
            tool.stdout.readline()
        self.d.stop()
        self.assertIn("waiting for the daemon", tool.stderr.readline())
        tool.stdout.close()
        self.assertEqual(tool.wait(harness.DEADLINE), 0)

    def test_without_a_daemon_follow_does_not_begin(self):
        self.d.stop()
        self.assertEqual(self.d.tool("log", "-f").returncode, 3)

    def test_after_leaves_out_the_records_up_to_one(self):
        self.alice()
        for _ in range(3):
            self.key()

        def seen(*words):
            done = self.d.tool("log", "--json", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return [item["sequence"] for item in json.loads(done.stdout)["items"]]

        self.assertEqual(seen("--after", "3"), [4, 5])
        self.assertEqual(seen("--after", "0"), [1, 2, 3, 4, 5])
        self.assertEqual(seen("--after", "5"), [])
        self.assertEqual(seen("--after", "2", "-n", "2"), [4, 5])
        self.assertEqual(seen("--after", "4", "-n", "2"), [5])
        for word in ("-1", "x", ""):
            self.assertEqual(self.d.tool("log", "--after", word).returncode, 2)
        self.assertEqual(self.d.tool("log", "--verify", "--after", "1").returncode, 2)
        tool = self.follow("--json", "--after", "3")
        self.assertEqual([item["sequence"] for item in self.documents(tool.stdout, 2)], [4, 5])


if __name__ == "__main__":
    unittest.main()

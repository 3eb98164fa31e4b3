# SPDX-License-Identifier: Apache-2.0
"""A key's secrets: rotated in each mode, renewed by their holder, retried after a lost answer."""

import json
import secrets
import socket
import threading
import time
import unittest

import msgpack

import harness
import people

ROTATION = people.POLICY + """
limits {
    rotation_overlap      1h
    rotation_max_overlap  2d
    secrets_per_principal 4
}
"""
HOUR, DAY = 3600, 86400


class RotateTest(people.PeopleTest):
    policy = ROTATION

    def key(self, **params):
        record = self.c.call("keys.create", principal="alice", **params)
        return record, record["secret"]

    def rotate(self, id, **params):
        record = self.c.call("keys.rotate", id=id, **params)
        return record, record["secret"]

    def status(self, secret):
        return self.ask(secret)["status"]

    def get(self, id):
        return self.c.call("keys.get", id=id)

    def confirmed(self, id, generation):
        """Waits until the first use of the new secret was written; returns the record."""
        return harness.wait_until(
            lambda: (record := self.get(id))["generation"] == generation and record)


class Modes(RotateTest):
    def test_overlap_keeps_both_secrets_good(self):
        self.alice()
        record, old = self.key()
        self.assertEqual(record["generation"], 1)
        now = int(time.time())
        record, new = self.rotate(record["id"])
        self.assertNotEqual(old, new)
        self.assertEqual(old[:len("liq_live_") + 12], new[:len("liq_live_") + 12])
        self.assertEqual(record["generation"], 2)
        self.assertIn(record["retiring_until"] - now, range(HOUR - 1, HOUR + 600))
        self.assertNotIn("secret", self.get(record["id"]))
        for _ in range(3):
            self.assertEqual([self.status(old), self.status(new)], [200, 200])

    def test_finish_ends_the_old_one_at_once_and_for_all(self):
        self.alice()
        record, old = self.key()
        record, new = self.rotate(record["id"], overlap="2h")
        record = self.c.call("keys.finish", id=record["id"])
        self.assertNotIn("retiring_until", record)
        self.assertEqual([self.status(old), self.status(new)], [401, 200])
        self.assertEqual(self.ask(old)["reason"], "unknown_key")
        self.assert_error("conflict", self.c.call, "keys.finish", id=record["id"])

    def test_confirm_waits_for_the_first_use(self):
        self.alice()
        record, old = self.key()
        now = int(time.time())
        record, new = self.rotate(record["id"], mode="confirm", overlap="2h")
        self.assertEqual(record["generation"], 1)
        self.assertIn(record["pending_until"] - now, range(7 * DAY - 1, 7 * DAY + 600))
        self.assertEqual(self.status(old), 200)
        self.assert_error("conflict", self.c.call, "keys.finish", id=record["id"])
        self.assertEqual(self.status(new), 200)
        record = self.confirmed(record["id"], 2)
        self.assertIn(record["retiring_until"] - now, range(2 * HOUR - 1, 2 * HOUR + 600))
        self.assertEqual([self.status(old), self.status(new)], [200, 200])

    def test_a_use_from_outside_the_keys_networks_confirms_nothing(self):
        self.alice()
        record, _ = self.key(networks=["10.0.0.0/8"])
        record, new = self.rotate(record["id"], mode="confirm")
        self.assertEqual(self.ask(new, ip="192.0.2.1")["reason"], "network")
        self.assertEqual(self.ask(new)["reason"], "network")
        self.c.call("principals.disable", id="alice")
        self.assertEqual(self.ask(new, ip="10.1.2.3")["reason"], "inactive_principal")
        self.c.call("principals.enable", id="alice")
        # Everything queued for the writer was written before this change.
        self.c.call("keys.update", id=record["id"], name="n")
        self.assertEqual(self.get(record["id"])["generation"], 1)
        self.assertTrue(self.ask(new, ip="10.1.2.3")["allow"])
        self.confirmed(record["id"], 2)

    def test_a_use_that_is_denied_confirms(self):
        self.alice()
        record, _ = self.key()
        record, new = self.rotate(record["id"], mode="confirm")
        answer = self.c.call("authorize_many", token=new, requests=[
            {"method": "DELETE", "path": "/loans/7"}])
        self.assertEqual(answer["results"][0]["reason"], "role")
        self.confirmed(record["id"], 2)

    def test_immediate_leaves_no_instant_for_the_old_one(self):
        self.alice()
        record, old = self.key()
        self.assertEqual(self.status(old), 200)
        record, new = self.rotate(record["id"], mode="immediate")
        self.assertEqual([self.status(old), self.status(new)], [401, 200])
        self.assert_error(
            "conflict", self.c.call, "keys.rollback", id=record["id"])
        self.assert_error("invalid_request", self.rotate, record["id"], mode="immediate",
                          overlap="1h")

    def test_two_secrets_and_no_third(self):
        self.alice()
        record, first = self.key()
        record, second = self.rotate(record["id"])
        for mode in ("overlap", "confirm", "immediate"):
            self.assert_error("conflict", self.rotate, record["id"], mode=mode)
        self.assert_error("conflict", self.rotate, record["id"], finish_old=False)
        record, third = self.rotate(record["id"], finish_old=True)
        self.assertEqual([self.status(s) for s in (first, second, third)], [401, 200, 200])
        self.assertEqual(record["generation"], 3)

    def test_a_pending_secret_is_in_the_way_until_it_is_dropped(self):
        self.alice()
        record, old = self.key()
        record, new = self.rotate(record["id"], mode="confirm")
        self.assert_error("conflict", self.rotate, record["id"])
        record = self.c.call("keys.rollback", id=record["id"])
        self.assertNotIn("pending_until", record)
        self.assertEqual([self.status(old), self.status(new)], [200, 401])

    def test_rollback_brings_the_old_one_back(self):
        self.alice()
        record, old = self.key()
        record, new = self.rotate(record["id"])
        record = self.c.call("keys.rollback", id=record["id"])
        self.assertEqual(record["generation"], 1)
        self.assertEqual([self.status(old), self.status(new)], [200, 401])
        record, third = self.rotate(record["id"])
        self.assertEqual(record["generation"], 3)
        self.assertEqual([self.status(s) for s in (old, new, third)], [200, 401, 200])

    def test_prolong_reaches_as_far_as_the_policy_lets_it(self):
        self.alice()
        record, old = self.key()
        id = record["id"]
        self.assert_error("conflict", self.c.call, "keys.prolong", id=id, overlap="2h")
        self.rotate(id)
        now = int(time.time())
        record = self.c.call("keys.prolong", id=id, overlap="1d")
        self.assertIn(record["retiring_until"] - now, range(DAY - 1, DAY + 600))
        for overlap in ("3d", "1h"):
            error = self.assert_error(
                "invalid_request", self.c.call, "keys.prolong", id=id, overlap=overlap)
            self.assertEqual(error.error["param"], "overlap")
        error = self.assert_error("invalid_request", self.rotate, id, overlap="49h")
        self.assertIn("is longer than the policy's rotation_max_overlap, 2d", str(error))
        self.assertEqual(error.error["param"], "overlap")
        self.assertEqual(self.status(old), 200)

    def test_an_overlap_that_is_over_ends_the_old_one(self):
        self.alice()
        record, old = self.key()
        record, new = self.rotate(record["id"], overlap=1)
        harness.wait_until(lambda: self.status(old) == 401)
        self.assertEqual(self.status(new), 200)
        self.assertNotIn("retiring_until", self.get(record["id"]))
        self.rotate(record["id"])

    def test_revoked_and_missing_keys_are_not_rotated(self):
        self.alice()
        record, _ = self.key()
        self.c.call("keys.revoke", id=record["id"])
        for method in ("rotate", "finish", "rollback"):
            self.assert_error("conflict", self.c.call, f"keys.{method}", id=record["id"])
            self.assert_error("not_found", self.c.call, f"keys.{method}", id="1zzzzzzzzzzz")
        self.assert_error("invalid_request", self.rotate, record["id"], mode="gently")

    def test_the_number_of_secrets_of_a_principal_is_limited(self):
        self.alice()
        first, _ = self.key()
        second, _ = self.key()
        third, _ = self.key()
        self.rotate(first["id"])
        error = self.assert_error("limit_reached", self.rotate, second["id"])
        self.assertEqual(set(error.error["ids"]), {first["id"], third["id"]})
        self.assert_error("limit_reached", self.key)
        self.rotate(second["id"], mode="immediate")
        self.c.call("keys.finish", id=first["id"])
        self.rotate(second["id"])


class Dead(RotateTest):
    def test_a_dead_secret_is_an_alarm_and_harms_nothing(self):
        self.alice()
        record, old = self.key(name="crm")
        record, new = self.rotate(record["id"], mode="immediate")
        uses = self.get(record["id"])
        for _ in range(50):
            self.assertEqual(self.ask(old)["reason"], "unknown_key")
        self.assertEqual(self.status(new), 200)
        after = self.get(record["id"])
        self.assertEqual(after["denials"], uses["denials"])
        log = self.d.wait_for_log("secret that is dead")
        alarms = [line for line in log.splitlines() if "secret that is dead" in line]
        self.assertEqual(len(alarms), 1, alarms)
        self.assertIn(record["id"], alarms[0])
        self.assertNotIn(old, log)
        self.assertEqual(self.c.call("status")["rotation"]["dead"], 50)

    def test_those_of_some_rotations_ago_are_known_too(self):
        self.alice()
        record, first = self.key()
        for _ in range(3):
            self.rotate(record["id"], mode="immediate")
        self.assertEqual(self.status(first), 401)
        self.d.wait_for_log("secret that is dead")

    def test_a_dead_secret_is_denied_and_counted(self):
        self.alice()
        record, _ = self.key()
        other, wrong = self.key()
        self.rotate(record["id"], mode="immediate")
        self.rotate(other["id"], mode="immediate")
        self.c.call("keys.get", id=other["id"])
        self.assertEqual(self.status(wrong), 401)
        self.assertEqual(self.c.call("status")["rotation"]["dead"], 1)


class Schedule(RotateTest):
    policy = people.POLICY + """
limits {
    rotation_overlap      1s
    rotation_max_overlap  2d
}
"""

    def test_a_key_that_is_not_due_is_not_renewed(self):
        self.alice()
        record, old = self.key(rotate_every="90d")
        self.assertEqual(record["next_rotation_at"], record["created_at"] + 90 * DAY)
        self.assertEqual(record["renew_by"], record["next_rotation_at"] + 2 * DAY)
        self.assertNotIn("renew", self.ask(old))
        self.assert_error("conflict", self.c.call, "keys.renew", token=old)
        record = self.c.call("keys.update", id=record["id"], rotate_every=None)
        self.assertNotIn("renew_by", record)
        self.assert_error("conflict", self.c.call, "keys.renew", token=old)

    def test_renewing_by_the_holder(self):
        self.alice()
        record, old = self.key(rotate_every="1s", expires_in="9d")
        id = record["id"]
        answer = harness.wait_until(lambda: (a := self.ask(old)).get("renew") and a)
        self.assertEqual(answer["renew_by"], record["renew_by"])
        self.assertTrue(answer["allow"])
        many = self.c.call("authorize_many", requests=[
            {"token": old, "method": "GET", "path": "/loans"}])
        self.assertTrue(many["results"][0]["renew"])
        renewed = self.c.call("keys.renew", token=f"Bearer {old}")
        self.assertEqual(renewed["id"], id)
        self.assertEqual(renewed["expires_at"], record["expires_at"])
        answer_of_new = self.ask(renewed["secret"])
        if time.time() < renewed["next_rotation_at"]:
            self.assertNotIn("renew", answer_of_new)
        record = self.confirmed(id, 2)
        self.assertLessEqual(record.get("retiring_until", 0), answer["renew_by"])
        self.assert_error("forbidden", self.c.call, "keys.renew", token=old)
        # The old secret ends when its time has come; the new one remains valid.
        harness.wait_until(lambda: self.status(old) == 401)


class Ended(RotateTest):
    policy = people.POLICY + """
limits {
    rotation_overlap      1s
    rotation_max_overlap  1s
}
"""

    def test_a_key_that_is_not_renewed_expires(self):
        self.alice()
        record, old = self.key(rotate_every="1s")
        harness.wait_until(lambda: self.status(old) == 401)
        self.assertGreaterEqual(time.time(), record["renew_by"])
        self.assertEqual(self.ask(old)["reason"], "expired_key")
        self.assertEqual(self.get(record["id"])["status"], "expired")
        self.assert_error("forbidden", self.c.call, "keys.renew", token=old)
        self.assert_error(
            "conflict", self.c.call, "keys.update", id=record["id"], rotate_every="9d")
        # A new secret makes the key valid again.
        self.c.call("keys.rotate", id=record["id"])
        self.assertEqual(self.get(record["id"])["status"], "active")
        self.assertEqual(self.status(old), 401)

    def test_status_counts_keys_by_their_status(self):
        self.alice()
        for number in range(3):
            self.key(name=f"active-{number}")
        off, _ = self.key(name="off")
        gone, _ = self.key(name="gone")
        away, _ = self.key(name="away")
        ended, _ = self.key(expires_in="1s")
        self.key(not_before=int(time.time()) + 3600)
        self.c.call("keys.disable", id=off["id"])
        self.c.call("keys.revoke", id=gone["id"])
        self.c.call("keys.delete", id=away["id"])
        harness.wait_until(lambda: time.time() > ended["expires_at"])
        self.d.stop()
        self.d.start()  # it looks at all keys at once
        self.c = self.d.client()
        harness.wait_until(lambda: any(self.c.call("status")["keys"].values()))
        self.assertEqual(self.c.call("status")["keys"],
                         {"active": 3, "inactive": 2, "expired": 1, "revoked": 1, "deleted": 1})
        shown = harness.run_tool("status", env={"AUTHZ_SOCKET": str(self.d.socket)}).stdout
        self.assertRegex(shown, r"(?m)^keys +3 active, 2 inactive, 1 expired, 1 revoked, 1 deleted$")
        self.assertRegex(shown, r"(?m)^rotation +0 due to be renewed, ")

    def test_the_log_warns_of_due_and_ending_keys(self):
        self.alice()
        due, _ = self.key(rotate_every="1s", name="nightly")
        ends, _ = self.key(expires_in="6d")
        later, _ = self.key(expires_in="8d")
        harness.wait_until(lambda: time.time() > due["renew_by"])
        self.d.stop()
        self.d.start()
        self.c = self.d.client()
        harness.wait_until(lambda: self.c.call("status")["rotation"]["expiring"])
        counts = self.c.call("status")["rotation"]
        self.assertEqual((counts["overdue"], counts["due"], counts["expiring"]), (1, 0, 1))
        log = self.d.wait_for_log(due["id"], ends["id"])
        self.assertRegex(log, rf"ended by its schedule.*{due['id']}")
        self.assertRegex(log, rf"about to expire.*{ends['id']}")
        self.assertNotIn(later["id"], log)


class Strangers(RotateTest):
    def test_the_holder_renews_where_nothing_is_managed(self):
        self.alice()
        _, old = self.key(rotate_every="1s")
        answer = harness.wait_until(lambda: self.ask(old).get("renew"))
        self.assertTrue(answer)
        stranger = self.stranger()
        self.assert_error("forbidden", stranger.call, "keys.rotate", id=old[9:21])
        renewed = stranger.call("keys.renew", token=old)
        self.assertNotEqual(renewed["secret"], old)


class Retries(RotateTest):
    @staticmethod
    def id():
        return secrets.token_hex(16)

    def keys(self):
        return [item["id"] for item in self.c.call("keys.list")["items"]]

    def test_a_create_that_is_asked_for_again_is_the_same_key(self):
        self.alice()
        id = self.id()
        first = self.c.call("keys.create", principal="alice", name="n", request_id=id)
        again = self.d.call("keys.create", principal="alice", name="n", request_id=id)
        self.assertEqual(first, again)
        self.assertEqual(self.keys(), [first["id"]])
        other = self.c.call("keys.create", principal="alice", name="n", request_id=self.id())
        self.assertNotEqual(other["secret"], first["secret"])
        self.assertEqual(len(self.keys()), 2)

    def test_anything_else_is_a_conflict(self):
        self.alice()
        id = self.id()
        record = self.c.call("keys.create", principal="alice", request_id=id)
        for method, params in (
                ("keys.create", {"principal": "alice", "name": "n"}),
                ("keys.create", {"principal": "billing"}),
                ("keys.rotate", {"id": record["id"]})):
            self.assert_error("conflict", self.c.call, method, request_id=id, **params)
        self.c.call("keys.update", id=record["id"], name="changed")
        self.assert_error(
            "conflict", self.c.call, "keys.create", principal="alice", request_id=id)
        for bad in ("", "x" * 32, "0" * 31, "0" * 33):
            error = self.assert_error("invalid_request", self.c.call, "keys.create",
                                      principal="alice", request_id=bad)
            self.assertEqual(error.error["param"], "request_id")

    def test_a_rotation_is_made_once(self):
        self.alice()
        record, old = self.key()
        id = self.id()
        for mode in ("overlap", "confirm"):
            first, new = self.rotate(record["id"], mode=mode, finish_old=True, request_id=id)
            again, same = self.rotate(record["id"], mode=mode, finish_old=True, request_id=id)
            self.assertEqual((first["generation"], new), (again["generation"], same))
            id = self.id()
        self.assertEqual(self.status(new), 200)
        self.confirmed(record["id"], 3)

    def test_a_renewal_repeats_its_answer_until_the_secret_is_used(self):
        self.alice()
        record, old = self.key(rotate_every="1s")
        harness.wait_until(lambda: self.ask(old).get("renew"))
        id = self.id()
        first = self.c.call("keys.renew", token=old, request_id=id)
        self.d.kill()
        self.d.start()
        self.c = self.d.client()
        again = self.c.call("keys.renew", token=old, request_id=id)
        self.assertEqual(first["secret"], again["secret"])
        self.assert_error("conflict", self.c.call, "keys.renew", token=old, request_id=self.id())
        self.ask(first["secret"])
        self.confirmed(record["id"], 2)
        self.assert_error("forbidden", self.c.call, "keys.renew", token=old, request_id=id)

    def test_the_tool_sends_a_request_id_and_repeats_the_request(self):
        """A proxy between the tool and the daemon loses the first answer."""
        self.alice()
        path = str(self.d.folder / "between.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen()
        asked = []

        def between():
            for number in range(2):
                end, _ = listener.accept()
                with end, harness.Client(self.d.socket) as client:
                    asked.append(end.recv(1 << 16))
                    client.send_bytes(asked[-1])
                    answer = client.socket.recv(1 << 16)
                    if number == 1:
                        end.sendall(answer)
                        end.recv(1)

        thread = threading.Thread(target=between)
        thread.start()
        done = harness.run_tool("--socket", path, "key", "create", "--principal", "alice",
                                home=self.d.folder)
        thread.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(*(msgpack.unpackb(message)[3] for message in asked))
        self.assertEqual(len(self.keys()), 1)
        self.assertEqual(self.status(done.stdout.strip()), 200)

    def test_no_secret_and_no_id_lies_in_the_store(self):
        self.alice()
        id = self.id()
        record = self.c.call("keys.create", principal="alice", request_id=id)
        self.d.stop()
        files = b"".join(path.read_bytes() for path in self.d.state.rglob("*") if path.is_file())
        self.assertIn(record["id"].encode(), files)
        for text in (record["secret"], record["secret"].split("_")[-1], id):
            self.assertNotIn(text.encode(), files)


class Tool(RotateTest):
    def tool(self, *words, status=0, **more):
        done = self.d.tool(*words, **more)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done.stdout

    def test_a_rotation_from_the_command_line(self):
        self.alice()
        record, old = self.key()
        id = record["id"]
        new = self.tool("key", "rotate", id, "--mode", "confirm", "--overlap", "2h").strip()
        self.assertIn("new secret unused until", self.tool("key", "show", id))
        self.tool("key", "finish", id, status=1)
        self.tool("check", "--token", "-", "GET", "/loans/7", text=new)
        self.confirmed(id, 2)
        shown = json.loads(self.tool("key", "prolong", id, "--overlap", "1d", "--json"))
        self.assertRegex(shown["retiring_until"], r"^\d{4}-.*Z$")
        self.tool("key", "prolong", id, status=2)
        self.tool("key", "prolong", id, "--overlap", "9d", status=2)
        self.tool("key", "rollback", id)
        self.assertEqual([self.status(old), self.status(new)], [200, 401])
        third = json.loads(self.tool("key", "rotate", id, "--json"))
        self.assertEqual((third["generation"], third["id"]), (3, id))
        self.tool("key", "rotate", id, status=1)
        self.tool("key", "finish", id)
        self.assertEqual([self.status(old), self.status(third["secret"])], [401, 200])
        self.assertIn("dead secrets presented: 2", self.tool("status"))

    def test_many_at_once(self):
        self.alice()
        keys = dict(self.both(self.key(label="ci")) for _ in range(2))
        other, stays = self.key()
        self.assertIn("would be rotated",
                      self.d.tool("key", "rotate", "--label", "ci", "--dry-run").stderr)
        lines = self.tool("key", "rotate", "--all", "--label", "ci", "--mode", "immediate",
                          "--yes").splitlines()
        fresh = dict(line.split() for line in lines)
        self.assertEqual(fresh.keys(), keys.keys())
        self.assertEqual({self.status(secret) for secret in keys.values()}, {401})
        self.assertEqual({self.status(secret) for secret in [*fresh.values(), stays]}, {200})

    @staticmethod
    def both(made):
        return made[0]["id"], made[1]

    def test_schedules(self):
        self.alice()
        old = self.tool("key", "create", "--principal", "alice", "--rotate-every", "1s").strip()
        id = old[9:21]
        harness.wait_until(lambda: self.ask(old).get("renew"))
        self.assertIn("renew  the secret is due", self.tool(
            "check", "--token", "-", "GET", "/loans/7", text=old))
        new = self.tool("key", "renew", "--token", "-", text=old).strip()
        self.assertEqual(self.status(new), 200)
        self.confirmed(id, 2)
        self.tool("key", "renew", status=2)
        self.tool("key", "edit", id, "--rotate-every", "never")
        self.assertNotIn("rotate_every", self.get(id))
        self.tool("key", "edit", id, "--rotate-every", "30d")
        self.assertIn("30 days", self.tool("key", "show", id))


if __name__ == "__main__":
    unittest.main()

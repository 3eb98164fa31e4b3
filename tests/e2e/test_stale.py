# SPDX-License-Identifier: Apache-2.0
"""A host of a shared store: what it allows, shows and answers when it does not know enough.

The daemon is authzd with a log in memory (shared_daemon.c): the test sets what the watcher's thread would.
"""

import os
import socket
import unittest

import harness
import people

SHARED_DAEMON = os.environ.get("SHARED_DAEMON", str(harness.ROOT / "build/tests/e2e/shared_daemon"))


POLICY = people.POLICY + """
role boss { allow all on authz:/** }
"""


class SharedDaemon(harness.Daemon):
    """Its standard input is the control socket."""

    def command(self, *more):
        command = super().command(*more)
        command[command.index(harness.AUTHZD)] = SHARED_DAEMON
        return ["sh", "-c", f'exec "$@" 0<&{self.inner.fileno()}', "sh", *command]

    def start(self, *more):
        self.control, self.inner = socket.socketpair()
        self.pass_fds = (self.inner.fileno(),)
        super().start(*more)
        self.inner.close()
        self.lines = self.control.makefile("r")
        return self

    def set(self, what, *values):
        self.control.sendall((" ".join([what, *map(str, values)]) + "\n").encode())
        assert self.lines.readline() == "ok\n"

    def finish(self):
        super().finish()
        self.lines.close()
        self.control.close()


class Stale(harness.DaemonTest):
    def setUp(self):
        self.d = SharedDaemon({"small.policy": POLICY}, *self.configured(f"{harness.may_impersonate()}host one\n"))
        self.addCleanup(self.d.finish)
        self.c = self.d.client()
        self.call = self.c.call
        self.call("principals.create", id="alice")
        self.made = self.call("assignments.create", principal="alice", role="viewer")
        self.call("principals.create", id="bob")
        self.call("assignments.create", principal="bob", role="boss")
        self.boss = self.call("keys.create", principal="bob")
        self.key = self.call("keys.create", principal="alice")
        self.question = {"token": self.key["secret"], "method": "GET", "path": "/loans/7"}
        self.denied = {**self.question, "method": "DELETE"}

    def authorize(self, **more):
        return self.call("authorize", **{**self.question, **more})

    def expect(self, reason, **more):
        answer = self.authorize(**more)
        self.assertEqual((answer["reason"], answer["allow"], answer["status"]),
                         (reason, reason == "ok", {"ok": 200, "stale": 503}[reason]))
        return answer

    # Age

    def test_what_is_too_old_allows_nothing(self):
        self.expect("ok")
        self.d.set("max_lag", 3600_000)
        self.expect("stale")  # it never looked
        self.d.set("age", 0)
        self.expect("ok")
        self.d.set("age", 3700_000)
        self.expect("stale")
        many = self.call("authorize_many", requests=[
            {"method": "GET", "path": "/loans/7"}, {"method": "DELETE", "path": "/loans/7"}], token=self.key["secret"])
        reason = self.call("authorize", **self.denied)["reason"]
        self.assertEqual([result["reason"] for result in many["results"]], ["stale", reason])
        self.assertNotIn(reason, ("ok", "stale"), "denials stay as they are")
        self.d.set("max_lag", 0)
        self.expect("ok")
        self.d.set("stale", 1)
        self.expect("stale")
        self.assertIn("explain", self.expect("stale", explain=True))

    def test_a_token_and_what_shows_rights_are_stale(self):
        self.d.set("stale", 1)
        peer = [("permissions", {"principal": "alice"}), ("principals.list", {}), ("keys.list", {}),
                ("keys.get", {"id": self.key["id"]}), ("who", {"action": "GET", "resource": "api:/loans/7"})]
        for method, params in peer:
            with self.subTest(method):
                self.assert_error("stale", self.call, method, **params)
        for method in ("status", "policy.status", "policy.tree", "audit.list", "tenants.list"):
            self.call(method)
        bosses = {"token": self.boss["secret"]}, {"impersonate": "bob"}
        for boss in bosses:
            self.assert_error("stale", self.call, "audit.list", **boss)
            self.assert_error("stale", self.call, "policy.tree", **boss)
            self.assert_error("stale", self.call, "whoami", **boss)
            self.assert_error("stale", self.call, "decisions.try", principal="alice", method="GET",
                              path="/loans/7", **boss)
        self.call("whoami")
        self.assert_error("not_found", self.call, "keys.get", id="1" * len(self.key["id"]))
        self.d.set("stale", 0)
        self.call("keys.list")
        for boss in bosses:
            self.call("audit.list", **boss)

    def test_changes_are_made_by_a_stale_host(self):
        self.d.set("stale", 1)
        self.call("keys.disable", id=self.key["id"], token=self.boss["secret"])
        made = self.call("principals.create", id="zoe", impersonate="bob")
        self.assertEqual(made["created_by"], "principal:bob", "the same on every host")
        self.d.set("stale", 0)
        oldest = self.call("audit.list", limit=1)["items"][0]
        self.assertEqual(self.call("whoami")["actor"], oldest["actor"], "a user of this host")
        self.assertIn("@", oldest["actor"])
        self.assertEqual(self.authorize()["reason"], "inactive_key")

    # Places

    def test_as_of_waits_for_the_change(self):
        place = self.key["as_of"]
        sequence = int(place.split("-")[0])
        self.expect("ok", as_of=place)
        self.d.set("applied", sequence - 1)
        number = self.c.send("authorize", {**self.question, "as_of": place})
        self.expect("ok")  # a later request is answered first
        self.d.set("applied", sequence)
        self.assertEqual(self.c.receive(number)["reason"], "ok")

    def test_as_of_waits_no_longer_than_a_second(self):
        place = self.key["as_of"]
        self.d.set("applied", int(place.split("-")[0]) - 1)
        other = self.c.send("keys.list", {"as_of": place})
        change = self.c.send("keys.disable", {"as_of": place, "id": self.key["id"]})
        self.expect("stale", as_of=place)
        self.assert_error("stale", self.c.receive, other)
        self.assert_error("stale", self.c.receive, change)

    def test_another_change_at_that_place_is_stale_at_once(self):
        sequence, tag = self.key["as_of"].split("-")
        self.expect("stale", as_of=f"{sequence}-{tag[::-1]}")
        first = self.made["as_of"]
        self.expect("ok", as_of=first)
        self.expect("stale", as_of=first[:-1] + ("0" if first[-1] != "0" else "1"))
        for text in ("", "1", "1-", "x-" + tag, f"{sequence}-{tag}0"):
            error = self.assert_error("invalid_request", self.authorize, as_of=text)
            self.assertIn("as_of", str(error))

    def test_a_connection_that_ends_takes_its_waiting_requests_with_it(self):
        place = self.key["as_of"]
        self.d.set("applied", int(place.split("-")[0]) - 1)
        client = self.d.client()
        for _ in range(10):
            client.send("authorize", {**self.question, "as_of": place})
        client.close()
        self.d.set("applied", int(place.split("-")[0]))
        self.expect("ok", as_of=place)

    def test_no_more_requests_wait_than_there_is_room_for(self):
        place = self.key["as_of"]
        self.d.set("applied", int(place.split("-")[0]) - 1)
        numbers = [self.c.send("keys.list", {"as_of": place}) for _ in range(300)]
        codes = set()
        for number in numbers:
            with self.assertRaises(harness.Error) as caught:
                self.c.receive(number)
            codes.add(caught.exception.code)
        self.assertEqual(codes, {"stale", "overloaded"})

    # Everywhere

    def test_everywhere_is_answered_when_all_hosts_report_it(self):
        number = self.c.send("keys.revoke", {"id": self.key["id"], "everywhere": True})
        self.d.set("waits")
        self.d.set("hosts", 99, 99)
        answer = self.c.receive(number)
        self.assertEqual((answer["everywhere"], answer["status"]), (True, "revoked"))
        self.assertNotIn("lacking", answer)
        self.assertRegex(answer["as_of"], "^[0-9]+-[0-9a-f]{16}$")

    def test_hosts_that_do_not_report_are_named(self):
        number = self.c.send("keys.revoke", {"id": self.key["id"], "everywhere": True})
        self.d.set("waits")
        self.d.set("hosts", 99, 1)
        answer = self.c.receive(number)
        self.assertEqual((answer["everywhere"], answer["lacking"], answer["lacking_total"]), (False, ["two"], 1))
        again = self.c.send("keys.revoke", {"id": self.key["id"], "everywhere": True})
        self.d.set("waits")
        self.d.set("hosts", 99, 99)
        self.assertTrue(self.c.receive(again)["everywhere"], "found made")

    def test_a_refusal_does_not_wait(self):
        self.assert_error("not_found", self.call, "keys.revoke", id="1" * len(self.key["id"]), everywhere=True)

    # The database is away

    def test_a_change_without_the_database_is_unavailable(self):
        self.d.set("away", 1)
        error = self.assert_error("unavailable", self.call, "keys.revoke", id=self.key["id"])
        self.assertIs(error.error["may_stand"], False)
        self.expect("ok")

    # Marks

    def test_a_local_mark_refuses_the_key_at_once(self):
        self.d.set("away", 1)
        answer = self.call("keys.disable", id=self.key["id"], local=True)
        self.assertEqual(answer, {"id": self.key["id"], "local": True})
        self.assertEqual(self.authorize()["reason"], "inactive_key")
        self.assertEqual(self.call("keys.get", id=self.key["id"])["marked"], "inactive")
        self.call("keys.revoke", id=self.key["id"], local=True)
        self.assertEqual(self.authorize()["reason"], "revoked_key")
        self.call("keys.disable", id=self.key["id"], local=True)
        self.assertEqual(self.authorize()["reason"], "revoked_key", "a mark that revokes stays")
        item, = self.call("keys.list", principal="alice")["items"]
        self.assertEqual((item["marked"], item["status"]), ("revoked", "active"))
        self.d.set("away", 0)
        self.assertEqual(self.authorize()["reason"], "revoked_key")

    def test_a_mark_is_for_any_id_of_a_key_and_for_this_host(self):
        unknown = "1" * len(self.key["id"])
        self.call("keys.revoke", id=unknown, local=True)
        self.expect("ok")
        self.assert_error("invalid_request", self.call, "keys.revoke", id="short", local=True)
        self.assert_error("invalid_request", self.call, "keys.revoke", id=unknown, local=True, everywhere=True)
        self.assert_error("forbidden", self.call, "keys.revoke", id=unknown, local=True, token=self.key["secret"])

    # Actors

    def test_a_peer_is_an_actor_of_its_host(self):
        actor = f"uid:{os.getuid()}@one"
        self.assertEqual(self.key["created_by"], actor)
        self.assertTrue(self.call("audit.list", actor=actor)["items"])
        request = {"principal": "alice", "request_id": "0123456789abcdef" * 2}
        first = self.call("keys.create", **request)
        self.assertEqual(self.call("keys.create", **request)["secret"], first["secret"])


class Single(harness.DaemonTest):
    def test_a_single_store_is_everywhere_and_has_no_places(self):
        daemon = self.daemon()
        call = daemon.client().call
        answer = call("principals.create", id="alice", everywhere=True)
        self.assertIs(answer["everywhere"], True)
        self.assertNotIn("as_of", answer)
        error = self.assert_error("invalid_request", call, "principals.list", as_of="1-0123456789abcdef")
        self.assertIn("as_of", str(error))
        key = call("keys.create", principal="alice")
        self.assertEqual(call("keys.revoke", id=key["id"], local=True)["status"], "revoked")
        self.assertEqual(key["created_by"], f"uid:{os.getuid()}")


if __name__ == "__main__":
    unittest.main()

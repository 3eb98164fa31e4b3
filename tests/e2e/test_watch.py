# SPDX-License-Identifier: Apache-2.0
"""decisions.watch: each decision with the facts that it was made from, for a peer that asks for them."""

import json
import unittest

import people

POLICY = """\
environment live prefix ak_live_
environment sandbox prefix ak_test_
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
scope reading { allow GET on api:/loans/** }
role viewer { allow GET on api:/** }
role clerk { allow POST on api:/loans }
principal cron { role viewer }
"""


class Watch(people.PeopleTest):
    policy = POLICY

    def begin(self):
        first = self.c.call("decisions.watch")
        self.assertEqual((first["seen"], first["dropped"], first["items"]), (0, 0, []))
        return first["cursor"]

    def ask(self, **params):
        return self.c.call("authorize", **{"method": "GET", "path": "/loans/7", **params})

    def events(self, cursor, **params):
        return self.c.call("decisions.watch", cursor=cursor, **params)

    def test_an_event_has_the_decision_and_its_facts(self):
        self.c.call("roles.create", name="teller", grants=["allow DELETE on api:/loans/{loan}"])
        self.c.call("principals.create", id="alice")
        self.c.call("assignments.create", principal="alice", role="viewer")
        self.c.call("assignments.create", principal="alice", role="teller", at=["api:/loans/7"])
        key = self.c.call("keys.create", principal="alice", name="k", scopes=["reading"],
                          at=["api:/loans"], networks=["192.0.2.0/24"])
        cursor = self.begin()
        answer = self.ask(token=key["secret"], ip="192.0.2.1", mfa_at=77, time=99, path="/loans/7?a=b")
        self.assertTrue(answer["allow"], answer)
        got = self.events(cursor)
        self.assertEqual((got["seen"], got["dropped"], len(got["items"])), (1, 0, 1))
        event = got["items"][0]
        self.assertIsInstance(event.pop("now"), int)
        self.assertEqual(event.pop("snapshot"), got["snapshot"])
        self.assertEqual(got["snapshot"], self.c.call("policy.status")["snapshot"])
        self.assertEqual(event.pop("networks"),
                         [[bytes(10) + b"\xff\xff\xc0\x00\x02\x00", 120]])
        event["roles"].sort(key=lambda held: held["role"])
        self.assertEqual(event, {
            "allow": True, "reason": "ok", "token": "active", "key": key["id"], "binding": "principal",
            "key_environment": "live", "scopes": ["reading"], "at": ["api:/loans"], "principal": "alice",
            "principal_state": "active", "kind": "user", "tenant": "default",
            "roles": [{"role": "teller", "stored": True, "at": ["api:/loans/7"]}, {"role": "viewer"}],
            "method": "GET", "path": "/loans/7", "tree": "api", "ip": "192.0.2.1", "mfa_at": 77, "time": 99})

    def test_each_way_to_ask_has_its_event(self):
        key = self.c.call("keys.create", roles=["clerk"], environment="sandbox", name="k")
        cursor = self.begin()
        self.ask(principal="cron", service="web", environment="live")
        self.ask(principal="nobody")
        self.ask(token="ak_live_wrong")
        self.ask(token=key["secret"])
        self.ask()
        self.c.call("authorize_many", principal="cron", action="read",
                    requests=[{"resource": "api:/loans/1"}, {"resource": "api:/loans/2"}])
        items = self.events(cursor)["items"]
        fields = [{name: event.get(name) for name in (
            "reason", "token", "principal", "principal_state", "declared", "refused", "service",
            "environment", "key_environment", "resource")} for event in items]
        shown = [{name: value for name, value in one.items() if value is not None} for one in fields]
        cron = {"principal": "cron", "principal_state": "active", "declared": True}
        self.assertEqual(shown, [
            {"reason": "unknown_service", "service": "web", "environment": "live", **cron},
            {"reason": "unknown_principal", "principal": "nobody", "principal_state": "unknown"},
            {"reason": "malformed_token", "token": "malformed"},
            {"reason": "wrong_environment", "token": "active", "refused": True, "key_environment": "sandbox"},
            {"reason": "missing_token"},
            {"reason": "ok", "resource": "api:/loans/1", **cron},
            {"reason": "ok", "resource": "api:/loans/2", **cron},
        ])

    def test_no_token_is_in_an_event(self):
        key = self.c.call("keys.create", roles=["viewer"], name="k")
        secret = key["secret"]
        cursor = self.begin()
        self.ask(token=secret)
        self.ask(principal=secret, path=f"/loans/{secret}")
        self.ask(principal="cron", path=f"/loans/7?token={secret}")
        items = self.events(cursor)["items"]
        self.assertEqual(len(items), 3)
        self.assertNotIn(secret.rpartition("_")[2][:20], json.dumps(items, default=repr))
        self.assertEqual([event.get("redacted", False) for event in items], [False, True, False])

    def test_there_is_one_watch_and_it_can_be_ended(self):
        cursor = self.begin()
        self.assert_error("conflict", self.c.call, "decisions.watch")
        self.assert_error("conflict", self.events, "0" * 32)
        self.assert_error("invalid_request", self.events, "x")
        self.ask(principal="cron")
        last = self.events(cursor, end=True)
        self.assertEqual((last["seen"], len(last["items"])), (1, 1))
        self.assertNotIn("cursor", last)
        self.assert_error("conflict", self.events, cursor)
        self.begin()
        self.d.wait_for_log("decisions are watched")

    def test_what_a_slow_watcher_does_not_take_is_dropped_and_counted(self):
        cursor = self.begin()
        many = [{"path": f"/loans/{'x' * 900}{i}"} for i in range(200)]
        for _ in range(4):
            answer = self.c.call("authorize_many", principal="cron", method="GET", requests=many)
            self.assertEqual(len(answer["results"]), 200)
        got = self.events(cursor)
        self.assertEqual(got["seen"], 800)
        self.assertEqual(len(got["items"]) + got["dropped"], 800)
        self.assertGreater(got["dropped"], 0)
        self.assertEqual(got["items"][0]["path"], many[0]["path"])
        # There is room again.
        self.ask(principal="cron")
        after = self.events(cursor)
        self.assertEqual((after["seen"], after["dropped"], len(after["items"])), (801, got["dropped"], 1))

    def test_a_token_may_not_watch(self):
        key = self.c.call("keys.create", roles=["viewer"], name="k")
        self.assert_error("forbidden", self.c.call, "decisions.watch", token=key["secret"])

    def test_a_manager_may_watch_if_it_may_do_everything(self):
        for line, may in (("authz:/audit read", False), ("authz:/** all", True)):
            path = self.d.folder / "authzd.conf"
            path.write_text(f"manage user daemon {line}\n", encoding="utf-8")
            self.d = self.daemon({"a.policy": POLICY}, "--config", path)
            with self.subTest(line=line):
                manager = self.stranger()
                if may:
                    self.assertEqual(manager.call("decisions.watch")["items"], [])
                else:
                    self.assert_error("forbidden", manager.call, "decisions.watch")

    def test_a_stranger_may_not_watch(self):
        self.assert_error("forbidden", self.stranger().call, "decisions.watch")


if __name__ == "__main__":
    unittest.main()

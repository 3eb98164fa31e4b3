# SPDX-License-Identifier: Apache-2.0
"""Keys: created, used, edited, disabled, revoked; and what is refused."""

import os
import re
import time
import unittest
import zlib

import harness
import people

TOKEN = re.compile(r"^liq_(live|test)_1[0-9A-Za-z]{11}_[0-9A-Za-z]{38}$")


class Keys(people.PeopleTest):
    def test_the_story_of_a_key(self):
        self.alice()
        record = self.c.call("keys.create", principal="alice", name="laptop", label="dev")
        secret = record.pop("secret")
        self.assertRegex(secret, TOKEN)
        self.assertEqual(secret.split("_")[2], record["id"])
        self.assertEqual(record["status"], "active")
        self.assertEqual(record["created_by"], "uid:%d" % os.getuid())
        self.assertEqual(record, self.c.call("keys.get", id=record["id"]))

        answer = self.ask(secret)
        self.assert_reason("ok", answer, 200)
        self.assertEqual(
            (answer["key"], answer["principal"], answer["tenant"], answer["environment"]),
            (record["id"], "alice", "default", "live"))
        self.assert_reason("role", self.ask(secret, "DELETE"), 403)

        used = self.c.call("keys.get", id=record["id"])
        self.assertEqual((used["uses"], used["denials"]), (2, 1))
        self.assertAlmostEqual(used["last_used_at"], time.time(), delta=60)

        self.c.call("keys.disable", id=record["id"])
        self.assert_reason("inactive_key", self.ask(secret), 401)
        self.c.call("keys.enable", id=record["id"])
        self.assert_reason("ok", self.ask(secret), 200)
        self.assertEqual(self.c.call("keys.revoke", id=record["id"])["status"], "revoked")
        self.assert_reason("revoked_key", self.ask(secret), 401)
        for method in ("keys.enable", "keys.disable", "keys.update"):
            self.assert_error("conflict", self.c.call, method, id=record["id"])
        self.assertEqual(self.c.call("keys.revoke", id=record["id"])["status"], "revoked")

    def test_get_and_list_agree(self):
        self.alice()
        ids = [self.key(name=f"key {i}")[0] for i in range(5)]
        items = self.c.call("keys.list")["items"]
        self.assertEqual([item["id"] for item in items], ids)
        self.assertEqual(items, [self.c.call("keys.get", id=id) for id in ids])

    def test_lists_come_in_pages(self):
        self.alice()
        self.c.call("principals.create", id="bob")
        ids = [self.key(label="a" if i % 2 else "b")[0] for i in range(25)]
        self.key(principal="bob")
        self.c.call("keys.revoke", id=ids[3])

        def pages(**params):
            found, cursor, count = [], {}, 0
            while True:
                page = self.c.call("keys.list", limit=4, **cursor, **params)
                self.assertLessEqual(len(page["items"]), 4)
                found += [item["id"] for item in page["items"]]
                count += 1
                if "cursor" not in page:
                    return found
                cursor = {"cursor": page["cursor"]}
                self.assertLess(count, 30)

        self.assertEqual(pages(principal="alice"), ids)
        self.assertEqual(len(pages()), 26)
        self.assertEqual(pages(label="a"), ids[1::2])
        self.assertEqual(pages(status="revoked"), [ids[3]])
        self.assertEqual(pages(principal="nobody"), [])

        cursor = self.c.call("keys.list", limit=4, principal="alice")["cursor"]
        for other in ({}, {"principal": "bob"}, {"principal": "alice", "label": "a"}):
            error = self.assert_error("invalid_request", self.c.call, "keys.list",
                                      cursor=cursor, **other)
            self.assertEqual(error.error["param"], "cursor")
        self.assert_error("invalid_request", self.c.call, "keys.list", principal="alice",
                          cursor=cursor[:-1] + ("0" if cursor[-1] != "0" else "1"))
        self.assert_error("invalid_request", self.c.call, "keys.list", limit=0)
        self.assert_error("invalid_request", self.c.call, "keys.list", limit=1001)
        self.assert_error("invalid_request", self.c.call, "keys.list", status="asleep")

    def test_a_key_is_bound_to_a_principal_roles_or_scopes(self):
        self.alice("clerk")
        cases = [
            ({"principal": "alice"}, "ok", "ok"),
            ({"principal": "alice", "scopes": ["loans:read"]}, "ok", "scope"),
            ({"roles": ["clerk"]}, "ok", "ok"),
            ({"roles": ["viewer"]}, "ok", "role"),
            ({"scopes": ["loans:read"]}, "ok", "scope"),
            ({"scopes": ["loans:write"]}, "ok", "ok"),
            ({"roles": ["clerk"], "at": ["api:/loans/8"]}, "scope", "scope"),
        ]
        for params, read, create in cases:
            with self.subTest(params):
                _, secret = self.key(**params)
                self.assert_reason(read, self.ask(secret))
                self.assert_reason(create, self.ask(secret, "POST", "/loans"))

    def test_refused_creations(self):
        self.alice()
        past = int(time.time()) - 5
        cases = [
            ("principal", {}),
            ("roles", {"principal": "alice", "roles": ["viewer"]}),
            ("scopes", {"principal": "alice", "scopes": []}),
            ("scopes", {"scopes": ["loans:raed"]}),
            ("roles", {"roles": []}),
            ("roles", {"roles": ["viewr"]}),
            ("roles", {"roles": ["anyone"]}),
            ("roles", {"roles": ["viewer", "viewer"]}),
            ("at", {"principal": "alice", "at": []}),
            ("at", {"principal": "alice", "at": ["api:/nowhere"]}),
            ("at", {"principal": "alice", "at": ["loans/7"]}),
            ("environment", {"principal": "alice", "environment": "staging"}),
            ("expires_at", {"principal": "alice", "expires_at": past}),
            ("expires_at", {"principal": "alice", "expires_at": past + 99, "expires_in": "1h"}),
            ("expires_in", {"principal": "alice", "expires_in": 0}),
            ("expires_in", {"principal": "alice", "expires_in": -1}),
            ("expires_in", {"principal": "alice", "expires_in": "99999999999999999999d"}),
            ("not_before", {"principal": "alice", "expires_in": 60, "not_before": past + 999}),
            ("networks", {"principal": "alice", "networks": ["10.0.0.1/8"]}),
            ("networks", {"principal": "alice", "networks": ["example.org"]}),
            ("networks", {"principal": "alice", "networks": []}),
            ("name", {"principal": "alice", "name": "x\ny"}),
            ("name", {"principal": "alice", "name": "x\u202ey"}),
            ("label", {"principal": "alice", "label": "x" * 257}),
            ("nmae", {"principal": "alice", "nmae": "x"}),
            ("secret", {"principal": "alice", "secret": "x"}),
            ("name", {"principal": "alice", "name": 7}),
        ]
        for param, params in cases:
            with self.subTest(params):
                error = self.assert_error("invalid_request", self.c.call, "keys.create", **params)
                self.assertEqual(error.error.get("param"), param, error)
        self.assert_error("not_found", self.c.call, "keys.create", principal="nobody")
        self.assert_error("not_found", self.c.call, "keys.create", principal="alice", tenant="acme")
        self.assert_error("conflict", self.c.call, "keys.create", roles=["clerk", "auditor"])
        self.assertEqual(self.c.call("keys.list")["items"], [])

    def test_environments_have_their_own_prefixes_and_do_not_mix(self):
        self.alice()
        _, live = self.key()
        _, test = self.key(environment="test")
        self.assertTrue(live.startswith("liq_live_") and test.startswith("liq_test_"))
        self.assert_reason("ok", self.ask(live))
        self.assert_reason("wrong_environment", self.ask(test), 401)
        self.assert_reason("wrong_environment", self.ask(live, environment="test"), 401)
        self.assert_reason("wrong_environment", self.ask(live, environment="prod"), 401)
        self.assert_reason("ok", self.ask(test, environment="test"))
        for secret in (live, test):
            self.assert_reason("ok", self.ask(secret, environment="*"))
        self.assert_reason("ok", self.ask(live, tenant="*"))
        self.assert_reason("wrong_tenant", self.ask(live, tenant="acme"), 401)

    def test_times_are_judged_at_each_decision(self):
        self.alice()
        now = int(time.time())
        _, later = self.key(not_before=now + 1000)
        self.assert_reason("inactive_key", self.ask(later), 401)
        id, soon = self.key(expires_at=now + 2)
        self.assert_reason("ok", self.ask(soon))
        harness.wait_until(lambda: self.ask(soon)["reason"] == "expired_key", what="expiry")
        self.assertEqual(self.c.call("keys.get", id=id)["status"], "expired")
        self.c.call("keys.update", id=id, expires_at=now + 3600)
        self.assert_reason("ok", self.ask(soon))
        self.assert_error("invalid_request", self.c.call, "keys.update", id=id, expires_at=now)

    def test_update_changes_only_the_given_fields(self):
        self.alice("clerk")
        id, secret = self.key(name="a", label="b", networks=["10.0.0.0/8"])
        before = self.c.call("keys.get", id=id)
        self.assert_reason("network", self.ask(secret))
        self.assert_reason("ok", self.ask(secret, ip="10.1.2.3"))
        self.assert_reason("network", self.ask(secret, ip="11.1.2.3"), 403)
        changed = self.c.call("keys.update", id=id, name="c", networks=None)
        del before["networks"]
        for record in (before, changed):
            for use in ("uses", "denials", "denied_for", "last_used_at", "last_used_ip"):
                record.pop(use, None)
        self.assertEqual(changed, {**before, "name": "c"})
        self.assert_reason("ok", self.ask(secret))
        self.c.call("keys.update", id=id, scopes=["loans:read"])
        self.assert_reason("scope", self.ask(secret, "POST", "/loans"), 403)
        self.assert_error("invalid_request", self.c.call, "keys.update", id=id, scopes=[])
        self.assert_error("not_found", self.c.call, "keys.update", id="1zzzzzzzzzzz", name="x")

    def test_use_shows_address_and_survives_a_restart(self):
        self.alice()
        id, secret = self.key()
        for _ in range(3):
            self.ask(secret, ip="2001:db8::7")
        self.assertEqual(self.c.call("keys.get", id=id)["last_used_ip"], "2001:db8::7")
        before = self.c.call("keys.get", id=id)
        self.d.stop()
        self.d.start()
        self.c = self.d.client()
        self.assertEqual(self.c.call("keys.get", id=id), before)
        self.assert_reason("ok", self.ask(secret))
        self.assertEqual(self.c.call("keys.get", id=id)["uses"], 4)

    def test_every_damage_to_a_token_is_401(self):
        self.alice()
        _, secret = self.key()
        self.assert_reason("ok", self.ask("bEaReR " + secret))
        swap = "x" if secret[-1] != "x" else "y"
        for token in ("", "x", secret[:-1], secret + "x", secret[:-1] + swap, " " + secret,
                      "x" * 512, "x" * 5000):
            self.assert_reason("malformed_token", self.ask(token), 401)
        other = self.c.call("keys.create", principal="alice")["secret"]
        # The id of one key with the secret of another, and a matching checksum.
        mixed = secret.rsplit("_", 1)[0] + "_" + other.rsplit("_", 1)[1][:32]
        self.assert_reason("unknown_key", self.ask(mixed + crc(mixed)), 401)


class KeyLimits(people.PeopleTest):
    policy = people.POLICY + people.LIMITS

    def test_limits_count_keys_that_are_or_may_become_active(self):
        self.alice()
        first, _ = self.key()
        second, _ = self.key()
        self.c.call("keys.disable", id=second)
        error = self.assert_error("limit_reached", self.c.call, "keys.create", principal="alice")
        self.assertEqual(sorted(error.error["ids"]), sorted([first, second]))
        self.c.call("keys.revoke", id=second)
        third, _ = self.key()
        self.assertEqual(len(self.c.call("keys.list", status="active")["items"]), 2)
        self.c.call("keys.disable", id=third)
        self.c.call("keys.enable", id=third)
        self.key(roles=["viewer"])

    def test_ttls(self):
        self.alice()
        record = self.c.call("keys.create", principal="alice")
        self.assertEqual(record["expires_at"] - record["created_at"], 30 * 86400)
        self.assert_error("invalid_request", self.c.call, "keys.create", principal="alice",
                          expires_in="61d")
        id = self.c.call("keys.create", principal="alice", expires_in="60d")["id"]
        for end in (None, record["created_at"] + 61 * 86400):
            self.assert_error("invalid_request", self.c.call, "keys.update", id=id, expires_at=end)


BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def crc(text):
    number, out = zlib.crc32(text.encode()), ""
    for _ in range(6):
        out = BASE62[number % 62] + out
        number //= 62
    return out


if __name__ == "__main__":
    unittest.main()

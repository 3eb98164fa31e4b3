# SPDX-License-Identifier: Apache-2.0
"""authzcheck about a store that several hosts share, against a daemon of a script."""

import json
import threading
import unittest

import harness
import terminal
from scripted import Refusal, Scripted

PLACE = "4711-9f86d081884c7d65"
KEY = {"id": "13kT9aQ2mZx7", "status": "revoked", "as_of": PLACE}
HOSTS = [
    {"name": "a", "instance": "0" * 32, "this": True, "applied": 4711, "lacks": 0, "seen_ms": 250,
     "seen_at": 1, "clock_ms": 12, "revision": "e0640041c75228d0", "version": "0.1.0", "state": "live"},
    {"name": "b", "instance": "1" * 32, "applied": 4700, "lacks": 11, "seen_ms": 61000, "seen_at": 1,
     "clock_ms": -61000, "revision": "e0640041c75228d0", "version": "0.1.0", "state": "late",
     "problem": "no space"},
]


class Shared(unittest.TestCase):
    def daemon(self, **answers):
        served = Scripted({name.replace("_", ".", 1): answer for name, answer in answers.items()})
        self.addCleanup(served.finish)
        self.served = served
        return served

    def tool(self, *arguments, status=0):
        done = self.served.tool(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def params(self, method):
        return [params for asked, params in self.served.asked if asked == method]


class Everywhere(Shared):
    def test_a_change_asks_for_it_and_succeeds_when_every_host_has_it(self):
        self.daemon(keys_revoke={**KEY, "everywhere": True})
        done = self.tool("key", "revoke", KEY["id"], "--everywhere", "--json")
        self.assertEqual(self.params("keys.revoke"), [{"id": KEY["id"], "everywhere": True}])
        self.assertEqual(json.loads(done.stdout)["as_of"], PLACE)

    def test_hosts_that_lack_it_are_named_and_the_status_is_3(self):
        self.daemon(keys_revoke={**KEY, "everywhere": False, "lacking": ["b", "c"], "lacking_total": 17})
        done = self.tool("key", "revoke", KEY["id"], "--everywhere", status=3)
        self.assertIn("17 may still lack it (b, c)", done.stderr)
        self.assertIn(KEY["id"], done.stdout)

    def test_it_is_for_changes_alone(self):
        self.daemon(keys_list={"items": []})
        for words in (["key", "list"], ["status"], ["check", "read", "api:/x"], ["reload"], ["hosts"]):
            done = self.tool(*words, "--everywhere", status=2)
            self.assertIn("--everywhere is for commands that change", done.stderr)
        self.assertEqual(self.served.asked, [])

    def test_many_keys_are_each_changed_everywhere(self):
        ids = ["13kT9aQ2mZx7", "13kT9aQ2mZx8"]
        self.daemon(
            keys_list={"items": [{"id": id, "status": "active"} for id in ids]},
            keys_disable=lambda params: {"id": params["id"], "status": "inactive",
                                         "everywhere": False, "lacking": ["b"],
                                         "lacking_total": 1})
        done = self.tool("key", "disable", "--all", "--yes", "--everywhere", status=3)
        self.assertEqual(done.stderr.count("may still lack it (b)"), 1)
        self.assertEqual(sorted(params["id"] for params in self.params("keys.disable")), ids)
        self.assertTrue(all(params["everywhere"] is True for params in self.params("keys.disable")))
        self.assertNotIn("everywhere", self.params("keys.list")[0])

    def test_as_of_goes_with_every_call(self):
        self.daemon(keys_list={"items": []}, authorize=Refusal("stale", "this host has 12 changes less"))
        self.tool("key", "list", "--as-of", PLACE)
        self.assertEqual(self.params("keys.list")[0]["as_of"], PLACE)
        done = self.tool("check", "read", "api:/x", "--principal", "a", "--as-of", PLACE, status=3)
        self.assertIn("stale: this host has 12 changes less", done.stderr)
        self.assertEqual(self.params("authorize")[0]["as_of"], PLACE)

    def test_a_stale_denial_is_explained(self):
        self.daemon(authorize={"allow": False, "status": 503, "reason": "stale", "revision": "r"})
        done = self.tool("check", "read", "api:/x", "--principal", "a", status=1)
        self.assertIn("deny 503 stale: this host of a shared store knows nothing recent enough", done.stdout)

    def test_without_the_database_the_status_is_3_and_what_may_stand_is_said(self):
        self.daemon(keys_revoke=Refusal("unavailable", "the database does not answer: it may stand", may_stand=True))
        done = self.tool("key", "revoke", KEY["id"], "--json", status=3)
        self.assertIn("unavailable: the database does not answer: it may stand", done.stderr)
        self.assertEqual(json.loads(done.stdout)["error"],
                         {"code": "unavailable", "message": "the database does not answer: it may stand",
                          "may_stand": True})

    def test_local_marks_a_key_of_this_host(self):
        self.daemon(keys_disable={"id": KEY["id"], "local": True})
        done = self.tool("key", "disable", KEY["id"], "--local")
        self.assertEqual(self.params("keys.disable"), [{"id": KEY["id"], "local": True}])
        self.assertIn("refused on this host; on the others when the database is back", done.stdout)
        self.tool("key", "disable", KEY["id"], "--local", "--everywhere", status=2)
        self.tool("key", "enable", KEY["id"], "--local", status=2)


class Hosts(Shared):
    @staticmethod
    def words(*line):
        return harness.run_tool("__complete", *line).stdout

    def test_a_table_of_all(self):
        self.daemon(hosts_list={"items": HOSTS, "head": 4711, "as_of": PLACE})
        lines = self.tool("hosts").stdout.splitlines()
        self.assertEqual(lines[0].split("  ")[0], "HOST")
        self.assertRegex(lines[1], r"^a +4711 +0 +250 ms ago +\+12 ms +e0640041c75228d0 +0\.1\.0 +live")
        self.assertRegex(lines[2], r"^b +4700 +11 +1 minute ago +-61 s .* late +no space")
        self.assertEqual(json.loads(self.tool("hosts", "--json").stdout)["items"], [
            {**host, "seen_at": "1970-01-01T00:00:01Z"} for host in HOSTS])

    def test_the_shell_completes_names(self):
        self.daemon(hosts_list={"items": HOSTS})
        self.assertIn("forget\t", self.words("hosts", ""))
        self.assertIn("a\tlive, 0.1.0", self.words("--socket", self.served.socket, "hosts", "forget", ""))
        self.assertIn("rejoin\t", self.words("store", ""))
        self.assertEqual(self.words("store", "set", "").split(), ["max_lag", "standbys", "policy"])
        for option in ("--everywhere", "--as-of", "--local"):
            self.assertIn(option + "\t", self.words("key", "revoke", "--"))

    def test_forget_names_one(self):
        self.daemon(hosts_forget={"forgotten": 2})
        self.assertEqual(self.tool("hosts", "forget", "b").stdout, "2 rows forgotten\n")
        self.assertEqual(self.params("hosts.forget"), [{"host": "b"}])
        self.tool("hosts", "forget", status=2)
        self.assertIn("hosts forget", self.tool("help", "hosts", "forget").stdout)
        self.assertIn("Say that a host will never come back", self.tool("help", "hosts").stdout)


class Store(Shared):
    def test_share_says_how_the_others_join(self):
        self.daemon(store_share={"realm": "ab" * 16, "epoch": 1, "as_of": "1-9f86d081884c7d65"})
        done = self.tool("store", "share", "host=db dbname=authz")
        self.assertEqual(self.params("store.share"), [{"database": "host=db dbname=authz"}])
        self.assertIn("authzcheck store join --at 1-9f86d081884c7d65", done.stdout)

    def test_a_copy_is_sent_whole_and_in_order(self):
        sent = []

        def take(params):
            sent.append(params)
            return {"realm": "ab" * 16, "epoch": 2, "as_of": PLACE} if params.get("last") else {
                "cursor": f"c{len(sent)}"}

        for size in (1, 128 << 10, (256 << 10) + 5):
            with self.subTest(size=size):
                self.daemon(store_share=take)
                sent.clear()
                copy = self.served.folder / "copy"
                data = bytes(range(256)) * (size // 256) + bytes(size % 256)
                copy.write_bytes(data)
                self.tool("store", "share", "--restore", copy, "--accept-rollback")
                self.assertEqual(b"".join(params["data"] for params in sent), data)
                self.assertEqual([params.get("cursor") for params in sent],
                                 [None] + [f"c{i + 1}" for i in range(len(sent) - 1)])
                self.assertEqual([params.get("last", False) for params in sent],
                                 [False] * (len(sent) - 1) + [True])
                self.assertTrue(all(params["accept_rollback"] for params in sent))
        self.tool("store", "share", "--restore", "/nonexistent", status=2)
        self.tool("store", "share", "--accept-rollback", status=2)

    def test_join_and_leave_name_the_copy(self):
        joined = {"realm": "ab" * 16, "epoch": 1, "as_of": PLACE, "copy": "/state/before"}
        self.daemon(store_join=joined, store_leave={"copy": "/state/left"})
        done = self.tool("store", "join", "--at", PLACE, "--discard")
        self.assertEqual(self.params("store.join"), [{"at": PLACE, "discard": True}])
        self.assertIn("/state/before", done.stdout)
        self.assertIn("/state/left", self.tool("store", "leave").stdout)

    def test_rejoin_lists_first_and_does_it_with_yes(self):
        lost = {"place": PLACE, "total": 1, "items": [
            {"sequence": 12, "time": 1, "actor": "uid:0@a", "action": "keys.revoke", "kind": "key",
             "target": KEY["id"], "tenant": "default"}]}
        self.daemon(store_rejoin=lambda params: {**lost, **({} if not params else {
            "realm": "ab" * 16, "epoch": 1, "as_of": PLACE, "copy": "/state/before", "denied": 1})})
        done = self.tool("store", "rejoin", status=1)
        self.assertIn(f"#12 keys.revoke key {KEY['id']} of tenant default by uid:0@a", done.stdout)
        self.assertIn("nothing was done", done.stderr)
        done = self.tool("store", "rejoin", "--yes")
        self.assertIn("switched off everywhere: 1 record", done.stdout)
        self.assertEqual(self.params("store.rejoin"), [{}, {"confirm": True}])

    def test_set_sends_one_setting_or_nothing(self):
        self.daemon(store_set={"max_lag_ms": 3000, "standbys": "none", "as_of": PLACE})
        for words, wanted in ((("max_lag", "3s"), {"max_lag": "3s"}), (("max_lag", "none"), {"max_lag": None}),
                              (("standbys", "none"), {"standbys": "none"}),
                              (("standbys", "unknown"), {"standbys": None}),
                              (("policy", "any"), {"policy": None}),
                              (("policy", "e0640041c75228d0"), {"policy": "e0640041c75228d0"})):
            done = self.tool("store", "set", *words)
            self.assertEqual(self.params("store.set")[-1], wanted)
            self.assertEqual(done.stdout, "max_lag 3000 ms, standbys none, policy any\n")
        self.tool("store", "set", "lag", "3s", status=2)
        self.tool("store", "set", "max_lag", status=2)

    def test_upgrade_names_the_hosts_in_the_way(self):
        self.daemon(store_upgrade=Refusal("conflict", "hosts cannot read it", ids=["b", "c"]))
        self.assertIn("in the way: b, c", self.tool("store", "upgrade", status=1).stderr)

    def test_long_work_shows_its_progress_on_a_terminal(self):
        seen = threading.Event()

        def share(_):
            seen.wait()
            return {"realm": "ab" * 16, "epoch": 1, "as_of": PLACE}

        def status(_):
            if len(self.params("status")) > 1:
                seen.set()
            return {"shared": {"work": {"what": "share", "done": 1200, "total": 5000}}}

        self.daemon(store_share=share)
        self.served.answers["status"] = status
        code, text = terminal.run(self.served, "store", "share")
        self.assertEqual(code, 0, text)
        self.assertIn("share: 1200 of 5000 records", text)
        self.assertIn(f"authzcheck store join --at {PLACE}", text)

    def test_a_refusal_is_the_same_on_a_terminal(self):
        self.daemon(store_join=Refusal("conflict", "this store has records: --discard"))
        code, text = terminal.run(self.served, "store", "join")
        self.assertEqual(code, 1)
        self.assertIn("conflict: this store has records", text)


class Status(Shared):
    def shared(self, **fields):
        self.daemon()
        self.served.answers["status"] = {"version": "0.1.0", "shared": {
            "on": True, "host": "a", "connected": True, "applied": 4711, "head": 4711, "lag_ms": 250,
            "max_lag_ms": 30000, "hosts": 3, "clock_ms": 12, **fields}}
        return self.tool("status").stdout

    def test_the_shared_store_has_a_row(self):
        self.assertIn("as host a: change 4,711 of 4,711, 250 ms old (at most 30,000), 3 hosts", self.shared())
        self.assertIn("not yet: see store share and store join", self.shared(on=False))

    def test_what_is_wrong_is_said(self):
        for fields, text in (({"stale": True}, "stale: nothing is allowed"),
                             ({"diverged": True, "stale": True}, "see store rejoin"),
                             ({"connected": False, "problem": "no route"},
                              "the database is away: changes are refused; no route"),
                             ({"clock_ms": -61000}, "the clock is -61 s off"),
                             ({"marks": 2}, "2 keys refused here alone")):
            with self.subTest(fields):
                self.assertIn(text, " ".join(self.shared(**fields).split()))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wants to stop a worker: calls of 1,024 entries about a principal with as many long places as it can have.

What is claimed is an order, by counts: how many decisions `status` has counted when it is answered. The
daemon has one worker, which finds the long call and the short one after it on two connections.
"""

import os
import signal
import unittest

import attack
import people

POLICY = """\
tree api { /files { /{path...} { GET, PUT } } }
role reader { allow GET on api:/files/** }
role writer { allow PUT on api:/files/** }
"""

ENTRIES = 1024
# The longest place is one of 1,024 bytes, and 62 of them fit a record. `%25` is what takes longest to read.
LONG = "%25" * 336
PLACES = [f"api:/files/{LONG}/{n:02}" for n in range(62)]


def read(path):
    return {"method": "GET", "path": path}


class LongPlaces(attack.Attack):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.victim = self.daemon({"a.policy": POLICY}, "--workers", "1")
        os.chmod(self.victim.folder, 0o711)
        os.chmod(self.victim.socket, 0o666)
        self.manager = self.victim.client()
        for name in ("deep", "twin"):
            self.manager.call("principals.create", id=name, name=name, kind="user")
            for role, places in (("reader", PLACES[:31]), ("writer", PLACES[31:])):
                self.manager.call("assignments.create", principal=name, role=role, at=places)
        self.token = self.manager.call("keys.create", principal="deep", name="k")["secret"]
        with people.as_user():
            self.attacker = self.victim.client()
        self.attacker.call("authorize", **read("/files/x"))

    def trusted(self):
        """The attacker is a service that may name principals."""
        self.attacker = self.victim.client()
        self.attacker.call("authorize", **read("/files/x"))

    def decided(self):
        counters = self.manager.call("status")["counters"]
        return counters["allowed"] + counters["denied"]

    def decided_before_another(self, call):
        """Sends the call and, on another connection, `status`; both are there when the daemon goes on.
        Gives the call's number and how many decisions were made before `status` was answered."""
        before = self.decided() + 1
        # Its connection is the last that the worker served, so it is not served after the other.
        self.attacker.call("authorize", **read("/files/x"))
        self.victim.pause()
        number = self.attacker.send("authorize_many", call)
        status = self.manager.send("status")
        self.victim.signal(signal.SIGCONT)
        counters = self.manager.receive(status)["counters"]
        return number, counters["allowed"] + counters["denied"] - before

    def stops_others(self, tried, call):
        """Gives the call's results."""
        number, decided = self.decided_before_another(call)
        self.assertGreater(decided, 0, "the long call was not the first")
        self.assertLess(decided, ENTRIES, tried)
        self.failed(tried, f"another connection was answered after {decided} of {ENTRIES} decisions")
        results = self.attacker.receive(number)["results"]
        self.assertEqual(len(results), ENTRIES)
        return results

    def test_a_principal_with_long_places_stops_nobody(self):
        shared = self.stops_others("names one long path beside all places",
                                   {"token": self.token, **read(f"/files/{LONG}/99"),
                                    "requests": [{}] * ENTRIES})
        self.assertEqual({r["reason"] for r in shared}, {"role"})

    def test_a_key_with_long_places_stops_nobody(self):
        token = self.manager.call("keys.create", principal="deep", name="placed", at=PLACES[:30])["secret"]
        results = self.stops_others("the same with a key that has long places, too",
                                    {"token": token, **read(f"/files/{LONG}/99"),
                                     "requests": [{}] * ENTRIES})
        self.assertEqual({r["reason"] for r in results}, {"scope"})

    def test_a_subject_that_changes_with_each_entry_stops_nobody(self):
        self.trusted()
        entries = [{"principal": ("deep", "twin")[n % 2]} for n in range(ENTRIES)]
        results = self.stops_others("has a long record read for each entry",
                                    {**read("/files/x"), "requests": entries})
        self.assertEqual({r["reason"] for r in results}, {"role"})

    def test_explanations_stop_nobody(self):
        self.trusted()
        self.stops_others("has each decision explained",
                          {"principal": "nobody", **read("/files/x"),
                           "requests": [{"explain": True}] * ENTRIES})

    def test_the_answer_in_turns_is_the_answer(self):
        paths = [f"/files/{LONG}/{n % 62:02}/below" for n in range(ENTRIES // 8)]
        one = [self.attacker.call("authorize", token=self.token, **read(path))["status"]
               for path in paths[:62]]
        self.assertEqual(one, [200] * 31 + [403] * 31)
        # What is sent after it on the connection is answered after it, whole.
        entries = [{"path": f"/files/x/{n}"} for n in range(ENTRIES)]
        many = self.attacker.send("authorize_many", {"token": self.token, "method": "GET",
                                                     "requests": [{"path": path} for path in paths]})
        after = [self.attacker.send("authorize_many", {"token": self.token, "method": "GET",
                                                       "requests": entries}),
                 self.attacker.send("authorize", {"token": self.token, **read(paths[0])})]
        results = self.attacker.receive(many)["results"]
        self.assertEqual([r["status"] for r in results], [one[n % 62] for n in range(len(paths))])
        self.assertEqual({r["reason"] for r in self.attacker.receive(after[0])["results"]}, {"role"})
        self.assertTrue(self.attacker.receive(after[1])["allow"])

    def test_a_wrong_entry_at_the_end_counts_nothing(self):
        key = next(k for k in self.manager.call("keys.list")["items"] if k["name"] == "k")["id"]
        uses = self.manager.call("keys.get", id=key).get("uses", 0)
        entries = [{}] * (ENTRIES - 1) + [{"path": 7}]
        error = self.refused("counts uses of a call that is refused", "invalid_request",
                             lambda: self.attacker.call("authorize_many", token=self.token,
                                                        **read(f"/files/{LONG}/99"), requests=entries))
        self.assertEqual(error["param"], f"requests[{ENTRIES - 1}].path")
        self.assertEqual(self.manager.call("keys.get", id=key).get("uses", 0), uses)

    def test_one_call_is_decided_by_one_policy(self):
        call = {"token": self.token, **read(f"/files/{LONG}/00"), "requests": [{}] * ENTRIES}
        by_revision = {}
        for text in (POLICY.replace("allow GET", "allow PUT"), POLICY) * 3:
            self.victim.write("a.policy", text)
            number = self.attacker.send("authorize_many", call)
            self.manager.call("policy.reload")
            answers = [self.attacker.receive(number), self.attacker.call("authorize_many", **call)]
            for answer in answers:
                allowed = {r["allow"] for r in answer["results"]}
                self.assertEqual(allowed, by_revision.setdefault(answer["revision"], allowed))
                self.assertEqual(len(allowed), 1)
        self.assertEqual(sorted(by_revision.values(), key=str), [{False}, {True}])

    def test_who_leaves_in_the_middle_does_no_harm(self):
        number, decided = self.decided_before_another(
            {"token": self.token, **read(f"/files/{LONG}/99"), "requests": [{}] * ENTRIES})
        self.assertLess(decided, ENTRIES)
        self.attacker.close()
        with self.victim.client() as client:
            self.assertEqual(client.call("authorize", token=self.token, **read(f"/files/{LONG}/07"))["status"],
                             200)
        # Nothing of it is left: the next policy replaces the last one.
        self.manager.call("policy.reload")


if __name__ == "__main__":
    unittest.main()

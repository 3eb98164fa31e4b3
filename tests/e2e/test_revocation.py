# SPDX-License-Identifier: Apache-2.0
"""A revocation applies to every decision after its answer, on every worker, for every peer."""

import os
import statistics
import time
import unittest

import harness
import people

CONNECTIONS = 8  # over all workers
CHECKS = 10000   # after each change
BATCH = 125      # entries of one authorize_many

POLICY = people.POLICY + """
role boss { allow all on authz:/** }
"""


class Revocation(people.PeopleTest):
    policy = POLICY

    def arguments(self):
        return ["--workers", "4"]

    def setUp(self):
        super().setUp()
        self.clients = [self.d.client() for _ in range(CONNECTIONS)]

    def ask_all(self, who):
        """Pipelines CHECKS requests over all connections; returns how many were allowed."""
        entry = {"method": "GET", "path": "/loans/7"}
        asked = [(client, client.send("authorize_many", {**who, "requests": [entry] * BATCH}))
                 for _ in range(CHECKS // BATCH // CONNECTIONS) for client in self.clients]
        return sum(result["allow"] for client, number in asked
                   for result in client.receive(number)["results"])

    def check(self, name, take, who):
        with self.subTest(name):
            self.assertEqual(self.ask_all(who), CHECKS)
            take()
            self.assertEqual(self.ask_all(who), 0)

    def test_nothing_is_allowed_after_the_answer(self):
        call = self.c.call
        call("tenants.create", id="acme")
        call("roles.create", name="stored", grants=["allow GET on api:/loans/**"])
        for tenant in ("default", "acme"):
            call("principals.create", id="alice", tenant=tenant)
            call("assignments.create", principal="alice", role="viewer", tenant=tenant)
        call("principals.create", id="bob")
        call("assignments.create", principal="bob", role="stored")

        def key(**params):
            record = call("keys.create", **params)
            return record["id"], {"token": record["secret"]}
        id, who = key(principal="alice")
        self.check("revoke", lambda: call("keys.revoke", id=id), who)
        id, who = key(principal="alice")
        self.check("disable", lambda: call("keys.disable", id=id), who)
        id, who = key(principal="alice")
        self.check("rotate", lambda: call("keys.rotate", id=id, mode="immediate"), who)
        id, who = key(principal="alice")
        self.check("delete", lambda: call("keys.delete", id=id), who)
        call("principals.create", id="carol")
        call("assignments.create", principal="carol", role="viewer")
        _, who = key(principal="carol")
        self.check("principal deleted", lambda: call("principals.delete", id="carol"), who)
        _, who = key(principal="alice")
        self.check("api_access", lambda: call("principals.update", id="alice", api_access=False),
                   who)
        call("principals.update", id="alice", api_access=True)
        self.check("principal off", lambda: call("principals.disable", id="alice"), who)
        call("principals.enable", id="alice")
        self.check("unassign", lambda: call("assignments.delete", principal="alice", role="viewer"),
                   who)
        _, who = key(principal="bob")
        self.check("role narrowed", lambda: call("roles.update", name="stored", grants=[
            "allow GET on api:/loans"]), who)
        call("roles.update", name="stored", grants=["allow GET on api:/loans/**"])
        self.check("role denies", lambda: call("roles.update", name="stored", grants=[
            "allow GET on api:/loans/**", "deny all on api:/loans/{loan}"]), who)
        call("roles.update", name="stored", grants=["allow GET on api:/loans/**"])
        self.check("role deleted", lambda: call("roles.delete", name="stored"), who)
        _, who = key(principal="alice", tenant="acme")
        who["tenant"] = "acme"
        self.check("tenant off", lambda: call("tenants.disable", id="acme"), who)
        call("tenants.enable", id="acme")

        def reload():
            self.d.write("a.policy", POLICY.replace("role viewer { allow GET on api:/loans/** }",
                                                    "role viewer { allow GET on api:/loans }"))
            call("policy.reload")
        self.check("reload", reload, who)


class Alike(people.PeopleTest):
    def refused(self):
        self.alice()
        self.c.call("tenants.create", id="acme")
        self.c.call("principals.create", id="ada", tenant="acme")
        tokens = {}
        _, good = self.key()
        tokens["unknown"] = good[:9] + "1zzzzzzzzzzz" + good[21:]
        id, tokens["wrong"] = self.key()
        tokens["wrong"] = self.resealed(tokens["wrong"])
        tokens["unknown"] = self.resealed(tokens["unknown"])
        id, tokens["disabled"] = self.key()
        self.c.call("keys.disable", id=id)
        id, tokens["revoked"] = self.key()
        self.c.call("keys.revoke", id=id)
        brief, tokens["expired"] = self.key(expires_in=1)
        _, tokens["another tenant's"] = self.key(principal="ada", tenant="acme")
        _, tokens["another environment's"] = self.key(environment="test")
        harness.wait_until(lambda: self.c.call("keys.get", id=brief)["status"] == "expired")
        return tokens

    def resealed(self, token):
        """Another secret with a valid checksum."""
        import zlib
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        body = token[:-10] + ("AAAA" if token[-10:-6] != "AAAA" else "BBBB")
        crc, text = zlib.crc32(body.encode()), ""
        for _ in range(6):
            crc, digit = divmod(crc, 62)
            text = digits[digit] + text
        return body + text

    def test_a_stranger_gets_the_same_bytes_for_each(self):
        tokens = self.refused()
        other = self.stranger()
        reasons = {name: self.ask(token)["reason"] for name, token in tokens.items()}
        self.assertEqual(len(set(reasons.values())), 6, reasons)
        said, times = set(), {name: [] for name in tokens}
        # Measured in turns, so that other load of the machine affects each equally.
        for name, token in [*tokens.items()] * 400:
            begin = time.perf_counter()
            answer = other.call("authorize", token=token, method="GET", path="/loans/7")
            times[name].append(time.perf_counter() - begin)
            said.add(tuple(sorted(answer.items())))
        self.assertEqual(len(said), 1, said)
        medians = {name: statistics.median(all) for name, all in times.items()}
        print("# medians in microseconds:",
              {name: round(median * 1e6, 1) for name, median in medians.items()})
        # The times must overlap: the fastest tenth of each ends before the slowest tenth of any other
        # begins. Under a sanitizer they would not, because of its own costs.
        if "AUTHZ_TEST_KILLS" in os.environ:
            return
        tenths = {name: statistics.quantiles(all, n=10) for name, all in times.items()}
        self.assertLess(max(all[0] for all in tenths.values()),
                        min(all[-1] for all in tenths.values()), medians)


if __name__ == "__main__":
    unittest.main()

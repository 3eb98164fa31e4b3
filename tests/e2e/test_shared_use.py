#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The use of keys, added up over the hosts of a shared store."""

import unittest

import harness
import shared


class Use(shared.SharedTest):
    def setUp(self):
        super().setUp()
        self.first, self.second = self.hosts(2, lines=["start_stale yes"])
        self.key = self.first.call("keys.create", name="k", roles=["viewer"], everywhere=True)

    def use(self, host, times, path="/loans"):
        for _ in range(times):
            host.call("authorize", token=self.key["secret"], method="GET", path=path, ip="192.0.2.7")

    def shown(self, host):
        key = host.call("keys.get", id=self.key["id"])
        return key["uses"], key["denials"]

    def findings(self, host):
        """What the audit says of the key."""
        for item in host.call("keys.audit")["items"]:
            if item["id"] == self.key["id"]:
                return item["findings"]
        return []

    @staticmethod
    def ask(host):
        """A round is begun, unless the host has not heard from the database yet."""
        try:
            host.call("hosts.list")
        except harness.Error as error:
            if error.code != "unavailable":
                raise

    def await_shown(self, host, uses, denials):
        def asked():
            self.ask(host)
            return self.shown(host) == (uses, denials)
        harness.wait_until(asked, what=f"{uses} uses and {denials} denials on {host.name}")

    def test_a_key_shows_the_uses_of_all_hosts_once_one_that_ended_has_put_its_own(self):
        self.use(self.first, 3)
        self.use(self.second, 2)
        self.use(self.second, 1, "/nothing")
        self.assertEqual(self.shown(self.first), (3, 0))
        self.second.stop()
        self.await_shown(self.first, 6, 1)
        self.assertEqual(self.first.call("keys.get", id=self.key["id"])["last_used_ip"], "192.0.2.7")
        self.use(self.first, 1)
        self.assertEqual(self.shown(self.first), (7, 1), "its own count at once")

    def test_nothing_is_counted_twice_after_a_start(self):
        self.use(self.first, 3)
        self.use(self.second, 2)
        for host in (self.first, self.second):
            host.stop()
        for host in (self.first, self.second):
            host.start()
        for host in (self.first, self.second):
            self.await_shown(host, 5, 0)
            self.await_shown(host, 5, 0)

    def test_a_store_that_is_replaced_counts_from_zero_beside_what_it_had_counted(self):
        self.use(self.second, 2)
        self.second.stop()
        self.second.start()
        self.await_shown(self.first, 2, 0)
        self.second.call("store.leave")
        self.second.call("store.join", discard=True)
        self.await_shown(self.second, 2, 0)
        self.use(self.second, 1)
        self.assertEqual(self.shown(self.second), (3, 0))
        self.second.stop()
        self.await_shown(self.first, 3, 0)

    def test_a_key_that_another_host_used_is_no_unused_one(self):
        harness.wait_until(lambda: "never_used" in self.findings(self.first), what="a finding")
        self.use(self.second, 1)
        self.second.stop()
        self.await_shown(self.first, 1, 0)
        self.assertNotIn("never_used", self.findings(self.first))

    def test_without_the_database_nobody_calls_a_key_unused(self):
        self.first.stop()
        self.server.kill()
        self.first.start()
        self.assertNotIn("never_used", self.findings(self.first))
        self.server.start()
        harness.wait_until(lambda: "never_used" in self.findings(self.first), what="a finding")


if __name__ == "__main__":
    unittest.main()

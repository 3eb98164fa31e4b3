#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""authzcheck and the Python client with two hosts that share a store in a real PostgreSQL."""

import json
import sys
import unittest

import harness
import shared

sys.path.insert(0, str(harness.ROOT / "client" / "python"))

import authz  # noqa: E402  pylint: disable=wrong-import-position

POLICY = {"a.policy": """\
tree api { /loans { GET, POST } }
role viewer { allow GET on api:/loans }
role editor { allow POST on api:/loans }
stack other {
    authenticate sufficient key
    authenticate required principal
    authorize required role
}
"""}


class Life(shared.SharedTest):
    def tool(self, host, *arguments, status=0):
        done = host.tool(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    @staticmethod
    def tool_in_time(host, *arguments):
        """What hosts have one or five seconds for: it is repeated until that was enough."""
        harness.wait_until(lambda: host.tool(*arguments).returncode == 0, what=" ".join(arguments))

    @staticmethod
    def ends(client):
        try:
            client.principals.disable("crm", everywhere=True)
        except authz.NotEverywhere:
            return False
        return True

    def pair(self):
        """Two hosts that share a store by the commands of a person."""
        first = self.host("h1", policy=POLICY)
        first.await_connected()
        said = self.tool(first, "store", "share").stdout
        place = said.split("--at ")[1].strip()
        second = self.host("h2", first, POLICY)
        second.await_connected()
        self.tool(second, "store", "join", "--at", place)
        return first, second

    def names(self, host):
        lines = self.tool(host, "hosts").stdout.splitlines()
        return sorted(line.split()[0] for line in lines[1:])

    def test_from_one_host_to_two_and_back(self):
        first, second = self.pair()
        # Each host looks once a second.
        harness.wait_until(lambda: len(self.names(first)) == 2, what="two hosts")
        self.assertEqual(self.names(first), ["h1", "h2"])
        self.assertIn("as host h2: change", " ".join(self.tool(second, "status").stdout.split()))
        self.tool(second, "store", "set", "max_lag", "30s")
        said = self.tool(second, "store", "set", "standbys", "none").stdout
        self.assertEqual(said, "max_lag 30000 ms, standbys none, policy any\n")
        self.tool(first, "store", "share", status=1)
        self.tool(first, "hosts", "forget", "h1", status=1)
        self.tool(first, "hosts", "forget", "h9", status=1)
        self.tool(second, "store", "leave")
        self.assertFalse(second.shared()["on"])

    def test_a_change_is_everywhere_when_it_is_answered(self):
        first, second = self.pair()
        for change in (("max_lag", "30s"), ("standbys", "none")):
            self.tool(first, "store", "set", *change)
        made = first.call("keys.create", roles=["viewer"])
        ask = {"token": made["secret"], "method": "GET", "path": "/loans"}
        self.assertTrue(second.decide(made["secret"], made["as_of"])["allow"])
        self.tool_in_time(first, "key", "revoke", made["id"], "--everywhere")
        self.assertEqual(second.call("authorize", **ask)["reason"], "revoked_key")

    def test_a_client_takes_the_place_of_a_change_along(self):
        first, second = self.pair()
        one = authz.Client(str(first.socket), timeout=harness.DEADLINE)
        two = authz.Client(str(second.socket), timeout=harness.DEADLINE)
        self.addCleanup(one.close)
        self.addCleanup(two.close)
        one.principals.create("crm")
        place = one.assignments.create("crm", "editor").as_of
        ask = {"principal": "crm", "method": "POST", "path": "/loans"}
        harness.wait_until(lambda: two.as_of(place).check(**ask), what="an allow")
        harness.wait_until(lambda: self.ends(one), what="the end of crm everywhere")
        self.assertFalse(two.check(**ask))
        number, tag = place.split("-")
        with self.assertRaises(authz.Stale):
            list(two.as_of(f"{int(number) + 1000}-{tag}").permissions(principal="crm"))

    def test_a_key_is_refused_here_while_the_database_is_away(self):
        first, second = self.pair()
        made = first.call("keys.create", roles=["viewer"])
        ask = {"token": made["secret"], "method": "GET", "path": "/loans"}
        self.assertTrue(second.decide(made["secret"], made["as_of"])["allow"])
        self.server.stop()
        said = self.tool(second, "key", "revoke", made["id"], status=3).stderr
        self.assertIn("unavailable: ", said)
        said = self.tool(second, "key", "revoke", made["id"], "--local").stdout
        self.assertIn("refused on this host; on the others when the database is back", said)
        self.assertFalse(second.call("authorize", **ask)["allow"])
        self.assertTrue(first.call("authorize", **ask)["allow"])
        self.assertIn("the database is away", " ".join(self.tool(second, "status").stdout.split()))

    def test_a_place_goes_with_the_tool_from_host_to_host(self):
        first, second = self.pair()
        made = json.loads(self.tool(first, "principal", "create", "ann", "--json").stdout)
        self.tool_in_time(second, "principal", "show", "ann", "--as-of", made["as_of"])


if __name__ == "__main__":
    unittest.main()

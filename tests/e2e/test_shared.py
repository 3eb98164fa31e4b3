#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A store that several hosts share: one log in PostgreSQL, a replica on every host."""

import unittest

import shared


class Beginning(shared.SharedTest):
    def test_a_host_with_a_line_shared_serves_as_a_single_store_until_it_is_shared(self):
        host = self.host("h1")
        host.await_connected()
        self.assertFalse(host.shared()["on"])
        host.call("keys.create", name="k", roles=["viewer"])

    def test_a_key_of_one_host_decides_on_the_other(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        second.await_place(made["as_of"])
        answer = second.call("authorize", token=made["secret"], method="GET", path="/loans")
        self.assertTrue(answer["allow"], answer)
        ended = second.call("keys.revoke", id=made["id"])
        first.await_place(ended["as_of"])
        answer = first.call("authorize", token=made["secret"], method="GET", path="/loans")
        self.assertFalse(answer["allow"], answer)


if __name__ == "__main__":
    unittest.main()

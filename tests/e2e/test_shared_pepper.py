#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A new pepper in a store that several hosts share: staged on every host, then used, then the old one is dropped."""

import unittest

import harness
import shared


class Pepper(shared.SharedTest):
    def file(self, host):
        lines = (host.state / "pepper").read_text().splitlines()
        return dict(line.split(" ", 1) for line in lines[1:])

    def number(self, host):
        return int(self.file(host).get("number", "0"))

    def allow(self, host, made):
        answer = host.call("authorize", token=made["secret"], method="GET", path="/loans", as_of=made["as_of"])
        self.assertTrue(answer["allow"], answer)

    def await_numbers(self, hosts, number):
        harness.wait_until(lambda: all(self.number(host) == number for host in hosts), deadline=60, 
                           what=f"pepper {number} in all files")

    def test_a_new_pepper_is_staged_on_all_hosts_then_used_and_the_old_one_is_dropped_everywhere(self):
        hosts = self.hosts(3)
        made = [hosts[0].call("keys.create", name=f"k{n}", roles=["viewer"]) for n in range(2)]
        first = self.file(hosts[0])["pepper"]
        answer = hosts[1].call("pepper.rotate")
        self.assertEqual((answer["pepper"], answer["staged"]), (0, 1))
        self.await_numbers(hosts, 1)
        peppers = {self.file(host)["pepper"] for host in hosts}
        self.assertEqual(len(peppers), 1)
        self.assertNotEqual(peppers, {first})
        late = hosts[2].call("keys.create", name="late", roles=["viewer"])
        for host in hosts:
            self.allow(host, late)
        # Each key moves on the host where it is used, and the host that moved the last one drops the old pepper.
        self.allow(hosts[1], made[0])
        self.allow(hosts[2], made[1])
        harness.wait_until(lambda: all(set(self.file(host)["old"]) == {"0"} for host in hosts), deadline=60, 
                           what="the old one's end")
        for host in hosts:
            for key in (*made, late):
                self.allow(host, key)
            self.assertNotIn("lost", host.call("status")["pepper"])
        actions = [item["action"] for item in hosts[0].call("audit.list")["items"] if item["target"] == "pepper"]
        self.assertEqual(sorted(actions), ["pepper.drop", "pepper.rotate", "pepper.switch", "store.share"])

    def test_it_is_not_used_while_a_host_lacks_it_and_that_host_is_named(self):
        hosts = self.hosts(2)
        made = hosts[0].call("keys.create", name="k", roles=["viewer"], everywhere=True)
        hosts[1].kill()
        hosts[0].call("pepper.rotate")
        harness.wait_until(lambda: "it is not on h2:" in self.refused(hosts[0]), what="h2 alone is named")
        self.assertEqual(self.number(hosts[0]), 0)
        # It died before it heard of the new pepper, and gets it at its start.
        hosts[1].start()
        hosts[0].call("hosts.forget", host=self.dead(hosts[0]))
        self.await_numbers(hosts, 1)
        for host in hosts:
            self.allow(host, made)

    def refused(self, host):
        with self.assertRaisesRegex(harness.Error, "conflict: pepper 1 is staged") as caught:
            host.call("pepper.rotate")
        return str(caught.exception)

    @staticmethod
    def dead(host):
        """The row of h2's process that was killed."""
        harness.wait_until(lambda: len([item for item in host.call("hosts.list")["items"]
                                        if item["name"] == "h2"]) == 2, what="two rows of h2")
        rows = [item for item in host.call("hosts.list")["items"] if item["name"] == "h2"]
        return min(rows, key=lambda item: item["pepper"])["instance"]

    def test_a_host_that_was_away_for_a_whole_rotation_catches_up(self):
        hosts = self.hosts(2)
        made = hosts[0].call("keys.create", name="k", roles=["viewer"], everywhere=True)
        hosts[1].stop()
        hosts[0].call("pepper.rotate")
        self.await_numbers(hosts[:1], 1)
        self.allow(hosts[0], made)
        harness.wait_until(lambda: set(self.file(hosts[0])["old"]) == {"0"}, deadline=60, what="the old one's end")
        hosts[1].start()
        self.await_numbers(hosts, 1)
        harness.wait_until(lambda: not hosts[1].shared()["stale"], what="a fresh host")
        self.allow(hosts[1], made)
        self.assertEqual(self.file(hosts[1]), self.file(hosts[0]))

    def test_a_host_whose_file_lacks_the_pepper_in_use_cannot_join(self):
        first = self.host("h1")
        old = first.secrets()
        first.call("pepper.rotate")
        first.call("store.share")
        other = shared.Host("h2", self.server.conninfo(), pepper=old)
        self.addCleanup(other.finish)
        with self.assertRaisesRegex(harness.Error, "lacks the pepper that the other hosts use: copy the file"):
            other.call("store.join")
        self.assertFalse(other.shared()["on"])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Evades a quota, and uses up the counters of all quotas, by the addresses of one IPv6 network."""

import ipaddress
import unittest

import attack
import harness

POLICY = """\
environment live prefix a_live_
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
principal q { role r }
stack visitors { authenticate required principal
    account required quota name=visitors limit=5 period=1h per=ip
    authorize required role }
stack wide { authenticate required principal
    account required quota name=wide limit=5 period=1h per=ip prefix6=48
    authorize required role }
stack clients { authenticate required principal
    account required quota name=clients limit=1000 period=1h per=principal
    authorize required role }
"""
COUNTERS = 1 << 20  # of the daemon
MANY = 1024         # requests of one call


class Ipv6Quota(attack.Attack):
    def ask(self, client, service, addresses, principal="p"):
        many = client.call("authorize_many", principal=principal, method="GET", service=service,
                           path="/a", requests=[{"ip": str(ip)} for ip in addresses])
        return [one["reason"] for one in many["results"]]

    def test_all_addresses_of_one_network_are_one_visitor(self):
        client = self.daemon({"a.policy": POLICY}).client()
        for service, network in (("visitors", "2001:db8:7:9::/64"), ("wide", "2001:db8:7::/48")):
            first = ipaddress.ip_network(network)
            step = first.num_addresses // MANY
            said = self.ask(client, service, [first[i * step] for i in range(MANY)])
            self.assertEqual(said.count("ok"), 5)
            self.assertEqual(said.count("quota"), MANY - 5)
            self.failed(f"is {MANY} visitors by the addresses of {network}", "quota")
        self.assertEqual(client.call("status")["quotas"], {"counters": 2, "uncounted": 0})
        self.assertEqual(self.ask(client, "visitors", ["2001:db8:7:a::1", "192.0.2.1"]), ["ok"] * 2)

    def test_the_counters_of_one_quota_are_not_used_up_by_another(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        at = int(ipaddress.ip_address("2001:db8::"))
        said, asked = [], 0
        for _ in range(COUNTERS // MANY + 1):
            said = self.ask(client, "visitors", [ipaddress.IPv6Address(at + ((asked + i) << 64))
                                                 for i in range(MANY)])
            asked += MANY
            if "module_error" in said:
                break
        self.assertEqual(said[-1], "module_error", f"after {asked} networks all have a counter")
        self.assertGreater(client.call("status")["quotas"]["uncounted"], 0)
        for principal in ("p", "q"):
            answer = client.call("authorize", principal=principal, method="GET", path="/a",
                                 service="clients")
            self.assertEqual((answer["reason"], answer["quota"]["remaining"]), ("ok", 999))
        self.assertEqual(self.ask(client, "wide", ["2001:db8:1::1"]), ["ok"])
        self.failed(f"uses up the counters of other quotas by {asked} networks", "they are counted")


if __name__ == "__main__":
    unittest.main()

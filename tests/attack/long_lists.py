#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wants to stop a worker: many lists at once that look at thousands of records and find none of them.

What is claimed is an order, by counts: how many requests `status` has counted when it is answered. The daemon has
one worker, which finds the lists and the short request after them on two connections.
"""

import signal
import unittest

import attack

POLICY = """\
tree api { /loans { list GET } }
role keeper { allow all on authz:/keys/**, authz:/principals/**, authz:/roles/**, authz:/assignments, authz:/audit }
"""

KEYS = 5000  # more than one page looks at
PRINCIPALS = 3000
LISTS = 100
FIRST = 1000  # the number of the first of them

# What looks at all of them, and lists nothing, or as much as a page holds.
CALLS = (
    ("keys.list", {"status": "expired"}), ("keys.list", {"label": "none"}), ("keys.list", {"status": "deleted"}),
    ("keys.audit", {"label": "none"}), ("roles.holders", {"name": "keeper", "kind": "key"}),
    ("who", {"action": "list", "resource": "api:/loans", "kind": "key"}),
    ("who", {"action": "list", "resource": "api:/loans", "kind": "principal"}),
    ("audit.list", {"until": 1}), ("principals.list", {"limit": 1000}),
)


class LongLists(attack.Attack):
    def setUp(self):
        self.victim = self.daemon({"a.policy": POLICY}, "--workers", "1")
        self.manager = self.victim.client()
        self.manager.call("principals.create", id="keeper")
        self.manager.call("assignments.create", principal="keeper", role="keeper")
        self.token = self.manager.call("keys.create", principal="keeper")["secret"]
        self.manager.call_many([("keys.create", {"roles": ["keeper"]})] * KEYS
                               + [("principals.create", {"id": f"p{n}"}) for n in range(PRINCIPALS)])
        self.attacker = self.victim.client()

    def answered_before_another(self, method, params):
        """Sends the lists and, on another connection, `status`; all are there when the daemon goes on. Gives how
        many requests were answered before `status`."""
        self.attacker.call("whoami", token=self.token)
        before = self.manager.call("status")["counters"]["requests"]
        # Its connection is the last that the worker served, so it is not served after the other.
        self.attacker.call("whoami", token=self.token)
        numbers = range(FIRST, FIRST + LISTS)
        calls = b"".join(self.attacker.request(n, method, {**params, "token": self.token}) for n in numbers)
        self.victim.pause()
        self.attacker.send_bytes(calls)
        status = self.manager.send("status")
        self.victim.signal(signal.SIGCONT)
        answered = self.manager.receive(status)["counters"]["requests"] - before
        for number in numbers:
            self.attacker.receive(number)
        return answered

    def test_lists_that_look_at_much_stop_nobody(self):
        for method, params in CALLS:
            with self.subTest(method, params=params):
                one = self.manager.call(method, **params)
                answered = self.answered_before_another(method, params)
                self.assertGreater(answered, 1, "the lists were not the first")
                self.failed(f"{method} {params}, {LISTS} times, {len(one['items'])} items",
                            f"another connection was answered after {answered} of them")
                self.assertLess(answered, LISTS // 4)


if __name__ == "__main__":
    unittest.main()

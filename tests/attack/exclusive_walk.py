# SPDX-License-Identifier: Apache-2.0
"""Lets a change of a role stand in the writer, or gets past its check of all principals and keys.

A role that gains an exclusive one is compared with all that the tenant has, in parts. The writer is
held until the change and those of others have queued (hold_commits.c), so that the order in which
they are taken is known.

The principals and keys are made once; each test begins with a copy of that state folder.
"""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import attack  # noqa: F401  finds the others
import harness
import people
import revoke_floods

HELD = 1100  # principals, and as many keys: two parts of each, PART of daemon/manage/roles/exclusive.c
PASSES = 64  # edits that go before a creation, QUEUE_PASSES of daemon/write/queue.h
TO_CLERK = {"name": "up", "inherits": ["clerk"]}  # clerk and auditor are exclusive


def copy(state, to):
    """Copies a state folder as an operator would: the store is a large file with few bytes."""
    subprocess.run(["cp", "-a", "--sparse=always", f"{state}/.", to], check=True)


class Walk(revoke_floods.Flood):
    made = None  # a copy of the state folder with all principals and keys
    token = None

    @classmethod
    def tearDownClass(cls):
        if cls.made is not None:
            shutil.rmtree(cls.made)
        super().tearDownClass()

    def start(self):
        if Walk.made is not None:
            copy(Walk.made, self.d.state)
        super().start()
        if Walk.made is None:
            self.make_all()
            self.d.stop()
            Walk.made = Path(tempfile.mkdtemp(prefix="authz-"))
            copy(self.d.state, Walk.made)
            super().start()

    def make_all(self):
        Walk.token = self.boss()
        self.c.call("roles.create", name="up")
        self.c.call("roles.create", name="other")
        ids = [f"p{number:04}" for number in range(HELD)]
        self.many("principals.create", [{"id": id} for id in ["a", *ids]])
        self.many("assignments.create", [{"principal": id, "role": "up"} for id in ids[::10]])
        self.many("keys.create", [{"roles": ["up"]}] * HELD)

    def many(self, method, calls):
        answers = self.c.call_many([(method, params) for params in calls])
        self.assertFalse([one for one in answers if isinstance(one, harness.Error)])

    def run_queued(self, *calls):
        """Queues (client, method, params)… while the writer is held; returns the answers."""
        self.hold_writer()
        sent = []
        for client, method, params in calls:
            sent.append((client, client.send(method, params)))
            self.await_waiting(1 + len(sent))
        self.release()
        return [client.result_or_error(number) for client, number in sent]

    def one_of_two(self, tried, *answers):
        refused = [one for one in answers if isinstance(one, harness.Error)]
        self.assertEqual([one.code for one in refused], ["conflict"], f"{tried}: {answers}")
        self.failed(tried, str(refused[0]))
        return refused[0].message

    def in_between(self, tried, method, params):
        """The creation is taken when PASSES edits have passed it, of which the last is the first part."""
        client = self.d.client()
        edits = [(self.c, "principals.update", {"id": "p0000", "name": str(number)})
                 for number in range(PASSES - 1)]
        answers = self.run_queued((client, method, params), *edits, (client, "roles.update", TO_CLERK))
        return answers[0], self.one_of_two(tried, answers[0], answers[-1])

    def test_others_change_something_between_its_parts(self):
        other = self.client()
        edits = [(other, "principals.update", {"id": "a", "name": str(number), "token": self.token})
                 for number in range(3)]
        answers = self.run_queued((self.c, "roles.update", TO_CLERK), *edits)
        self.assertEqual(answers[0]["inherits"], ["clerk"])
        before = [action for action, _ in self.done()].index("roles.update")
        # How many more than one depends on what the disk took for each: turns go by time.
        self.assertGreaterEqual(before, 1)
        self.failed("lets the edits of another user wait for the whole comparison",
                    f"{before} of 3 were done before its end")

    def test_an_assignment_that_is_made_between_its_parts_is_compared(self):
        self.c.call("assignments.create", principal="a", role="up")  # the first that is compared
        self.in_between("is assigned the exclusive role in between", "assignments.create",
                        {"principal": "a", "role": "auditor"})

    def test_a_key_that_is_made_between_its_parts_is_compared(self):
        self.in_between("makes a key of both roles in between", "keys.create",
                        {"roles": ["up", "auditor"]})

    def test_roles_that_change_between_its_parts_begin_it_again(self):
        for role in ("other", "auditor"):
            self.c.call("assignments.create", principal="a", role=role)
        answers = self.run_queued(
            (self.d.client(), "roles.update", {**TO_CLERK, "token": self.token}),
            (self.c, "roles.update", {"name": "other", "inherits": ["up"]}))
        self.one_of_two("lets two roles inherit so that they meet", *answers)

    def test_roles_of_another_tenant_do_not_begin_it_again(self):
        self.c.call("tenants.create", id="other")
        self.c.call("roles.create", name="r", tenant="other")
        # It may begin again 16 times; the two users' changes take turns.
        edits = [(self.c, "roles.update", {"name": "r", "tenant": "other", "description": str(number)})
                 for number in range(40)]
        answers = self.run_queued(
            (self.d.client(), "roles.update", {**TO_CLERK, "token": self.token}), *edits)
        self.assertNotIsInstance(answers[0], harness.Error, answers[0])
        done = self.done()
        before = done.index(("roles.update", "up"))
        self.assertGreaterEqual(before, 1)
        self.failed("changes roles of its own tenant so that another one's change never ends",
                    f"it ended after {before} of them")

    def test_a_token_that_ends_between_its_parts_changes_nothing(self):
        id = next(key["id"] for key in self.c.call("keys.list", principal="boss")["items"])
        # On one connection the revocation keeps its place after the edit.
        answers = self.run_queued(
            (self.d.client(), "roles.update", {**TO_CLERK, "token": self.token}),
            (self.c, "keys.update", {"id": id, "name": "x"}), (self.c, "keys.revoke", {"id": id}))
        self.assertEqual(answers[2]["status"], "revoked")
        if not isinstance(answers[0], harness.Error):
            # Turns go by time: the comparison may end before the revocation has its turn, never after it.
            done = [action for action, _ in self.done()]
            self.assertLess(done.index("roles.update"), done.index("keys.revoke"))
            return
        self.assertEqual(answers[0].code, "forbidden", answers[0])
        self.assertNotIn("inherits", self.c.call("roles.get", name="up"))
        self.failed("changes a role with a key that was revoked in between", str(answers[0]))

    def test_a_token_is_counted_once(self):
        key = self.c.call("keys.list", principal="boss")["items"][0]
        self.c.call("roles.update", token=self.token, **TO_CLERK)
        self.assertEqual(self.c.call("keys.get", id=key["id"])["uses"], key["uses"] + 1)


if __name__ == "__main__":
    unittest.main()

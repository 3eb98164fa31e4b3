# SPDX-License-Identifier: Apache-2.0
"""Takes all connections with the subordinate uids of one login user, so that nobody else gets one."""

import os
import pwd
import resource
import threading
import unittest

import attack
import harness
from people import as_user

POLICY = """\
environment live prefix a_live_
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
"""
FIRST = 100000  # subordinate uids, as /etc/subuid gives them to a login user
TRUSTED, MANAGER, ORDINARY = "daemon", "bin", "games"
LIMIT = 64
IDLE = 5  # seconds: one that is used a hundred times in each is not idle, however slow the machine is


def uid(name):
    return pwd.getpwnam(name).pw_uid


@unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
class Connections(attack.Attack):
    def start(self, *arguments, connections=LIMIT, subuid="0:1:0\n"):
        d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(d.finish)
        d.folder.chmod(0o755)
        path = d.folder / "authzd.conf"
        ranges = d.folder / "subuid"
        ranges.write_text(subuid)
        path.write_text(f"subuid {ranges}\nlisten {d.socket} 0666 both\ntrust user {TRUSTED}\n"
                        f"manage user {MANAGER} authz:/** all\nconnections {connections}\n")
        d.command = lambda *more: [harness.AUTHZD, "--policy", str(d.policy), "--state",
                                   str(d.state), "--config", str(path), *arguments, *more]
        return d.start()

    def connect(self, d, number):
        """A connection of this uid that was answered, or None if it was refused."""
        with as_user(number):
            client = harness.Client(d.socket)
        try:
            client.send("authorize", {"method": "GET", "path": "/a"})
            message = client.receive_message()
        except OSError:
            message = None
        if message is None or message[2] is not None:
            client.close()
            return None
        self.addCleanup(client.close)
        return client

    def take_all(self, d, uids=200):
        """With each uid as many connections as it gets, until `uids` in a row get none."""
        taken, refused = {}, 0
        for number in range(FIRST, FIRST + 65536):
            mine = []
            while (client := self.connect(d, number)) is not None:
                mine.append(client)
            refused = 0 if mine else refused + 1
            if mine:
                taken[number] = mine
            if refused == uids:
                return taken
        raise AssertionError("there is no end of connections")

    def test_the_subordinate_uids_of_one_user_are_one_user(self):
        d = self.start(subuid=f"{uid(ORDINARY)}:{FIRST}:65536\n")
        with as_user(uid(ORDINARY)):
            own = [harness.Client(d.socket) for _ in range(3)]
        for client in own:
            self.addCleanup(client.close)
            self.assertIn("reason", client.call("authorize", method="GET", path="/a"))
        taken = self.take_all(d, uids=50)
        held = sum(len(mine) for mine in taken.values())
        self.assertEqual(held + len(own), (LIMIT - 2 * (LIMIT // 8)) // 2)
        for number in range(4242, 4250):
            self.assertIsNotNone(self.connect(d, number))
        self.failed("is many users by its subordinate uids", f"{held} connections of {LIMIT}")

    def test_many_uids_leave_room_for_trusted_peers_and_managers(self):
        d = self.start()
        taken = self.take_all(d, uids=50)
        held = sum(len(mine) for mine in taken.values())
        self.assertLess(held, LIMIT)
        self.assertIsNotNone(self.connect(d, uid(TRUSTED)))
        self.failed(f"locks a trusted peer out by {held} connections of {len(taken)} uids",
                    "it was answered")
        manager = self.connect(d, uid(MANAGER))
        self.assertIn("revision", manager.call("policy.status"))
        self.failed("locks a manager out", "it was answered")
        root = d.client()
        self.assertGreater(root.call("status")["counters"]["refused"], 0)
        self.assertIn("refused", d.tool("status").stdout)

    def test_a_few_uids_cannot_take_what_others_need(self):
        d = self.start()
        taken = []
        for number in range(FIRST, FIRST + 8):
            while (client := self.connect(d, number)) is not None:
                taken.append(client)
        for number in (uid(ORDINARY), uid(TRUSTED), 4242, 4243):
            self.assertIsNotNone(self.connect(d, number), number)
        self.failed(f"locks ordinary users out by {len(taken)} connections of 8 uids",
                    "each was answered")

    def test_one_uid_gets_no_more_than_half_of_what_is_shared(self):
        d = self.start()
        mine = []
        while (client := self.connect(d, FIRST)) is not None:
            mine.append(client)
        self.assertEqual(len(mine), (LIMIT - 2 * (LIMIT // 8)) // 2)
        self.failed("takes all connections with one uid", f"it got {len(mine)} of {LIMIT}")

    def test_idle_connections_end_when_others_need_them(self):
        d = self.start("--idle", "1s")
        taken = self.take_all(d, uids=20)
        root = d.client()
        # The reserve for uids without a connection is used up by now, so this is by idle ones.
        harness.wait_until(lambda: self.connect(d, uid(ORDINARY)) is not None,
                           what="an ordinary user gets a connection")
        harness.wait_until(lambda: root.call("status")["counters"]["idle_closed"] > 0,
                           what="idle connections are counted as closed")
        self.failed(f"keeps all connections of {len(taken)} uids without a use for them",
                    "idle ones were closed")

    def test_connections_that_are_used_are_not_closed_for_others(self):
        d = self.start("--idle", f"{IDLE}s")
        with as_user(uid(ORDINARY)):
            busy = harness.Client(d.socket)
        self.addCleanup(busy.close)
        root, stop = d.client(), threading.Event()
        answers = []

        def use():
            while not stop.wait(IDLE / 100):
                answers.append(busy.call("authorize", method="GET", path="/a"))
        user = threading.Thread(target=use)
        user.start()
        try:
            self.take_all(d, uids=20)
            harness.wait_until(lambda: root.call("status")["counters"]["idle_closed"] > 0,
                               what="idle ones are closed")
        finally:
            stop.set()
            user.join()
        self.assertIn("reason", busy.call("authorize", method="GET", path="/a"))
        self.failed("has a connection closed that is in use", f"{len(answers)} answers, then one more")

    def test_a_limit_of_descriptors_that_is_too_low_is_said_at_start(self):
        d = harness.Daemon({"a.policy": POLICY}, "--connections", "4000", start=False)
        self.addCleanup(d.finish)
        d.prefix = ["/bin/sh", "-c", 'ulimit -n 1000; exec "$0" "$@"']
        status, said = d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("4000 connections need", said)
        self.assertIn("LimitNOFILE=", said)
        d.arguments = ["--connections", "500"]
        d.start()
        soft, hard = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
        self.assertEqual((soft, hard), (1000, 1000))
        self.failed("starts the daemon with fewer descriptors than connections", "it says so")


if __name__ == "__main__":
    unittest.main()

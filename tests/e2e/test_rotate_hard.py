# SPDX-License-Identifier: Apache-2.0
"""Rotation during requests, while the daemon is killed, and at the policy's limits.

AUTHZ_TEST_KILLS says how often it is killed, each time at another random instant; meson asks for fewer
under sanitizers, and a long run by hand may ask for thousands.
"""

import os
import random
import secrets
import threading
import time
import unittest

import harness
import people

KILLS = int(os.environ.get("AUTHZ_TEST_KILLS", "60"))
SIDES = 4  # state folders in parallel
CLIENTS = 4
ROUNDS = 6  # rotations in each mode

POLICY = people.POLICY + """
limits {
    rotation_overlap      1h
    rotation_max_overlap  2d
}
"""


class Life:
    """When a secret must be valid, and when it must not be, by the monotonic clock."""

    def __init__(self, secret, born):
        self.secret = secret
        self.born = born                # valid for requests from then on
        self.dying = float("inf")       # valid until then
        self.dead = float("inf")        # invalid for requests from then on

    def judge(self, sent, received, status):
        """What is wrong with an answer, or None."""
        if sent >= self.born and received < self.dying and status != 200:
            return f"{status} while it was good"
        if sent > self.dead and status != 401:
            return f"{status} when it was dead"
        return None


class Load(people.PeopleTest):
    """Four clients use old and new secrets without a pause; each answer is checked by the times of
    its request and its receipt."""

    policy = POLICY

    def setUp(self):
        super().setUp()
        self.alice()
        self.kid, secret = self.key()
        self.lives = [Life(secret, time.monotonic())]
        self.end = threading.Event()
        self.wrong = []
        self.asked = [0] * CLIENTS
        self.threads = [threading.Thread(target=self.ask_on, args=(i,)) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        self.addCleanup(self.stop)

    def stop(self):
        self.end.set()
        for thread in self.threads:
            thread.join()

    def ask_on(self, number):
        with harness.Client(self.d.socket) as client:
            while not self.end.is_set():
                life = random.choice(self.lives[-3:])
                sent = time.monotonic()
                status = client.call("authorize", token=life.secret, method="GET",
                                     path="/loans/7")["status"]
                wrong = life.judge(sent, time.monotonic(), status)
                if wrong:
                    self.wrong.append(wrong)
                self.asked[number] += 1

    def await_answers(self, more=8):
        """Waits until each client has received more answers."""
        before = list(self.asked)
        harness.wait_until(
            lambda: all(now >= then + more for now, then in zip(self.asked, before)))

    def rotate(self, **params):
        sent = time.monotonic()
        record = self.c.call("keys.rotate", id=self.kid, **params)
        answered = time.monotonic()
        self.lives.append(Life(record["secret"], answered))
        return sent, answered

    def ends(self, life, method):
        life.dying = time.monotonic()
        self.c.call(method, id=self.kid)
        life.dead = time.monotonic()

    def finish(self):
        self.stop()
        self.assertEqual(self.wrong, [])

    def test_overlap(self):
        for _ in range(ROUNDS):
            self.await_answers()
            self.rotate()
            self.await_answers()
            self.ends(self.lives[-2], "keys.finish")
        self.finish()

    def test_confirm(self):
        for number in range(ROUNDS):
            self.await_answers()
            self.rotate(mode="confirm")
            harness.wait_until(
                lambda: self.c.call("keys.get", id=self.kid)["generation"] == number + 2)
            self.await_answers()
            self.ends(self.lives[-2], "keys.finish")
        self.finish()

    def test_immediate(self):
        for _ in range(ROUNDS):
            self.await_answers()
            old = self.lives[-1]
            old.dying = time.monotonic()
            _, old.dead = self.rotate(mode="immediate")
        self.await_answers()
        self.finish()

    def test_rollback(self):
        for _ in range(ROUNDS):
            self.rotate()
            self.await_answers()
            new = self.lives[-1]
            self.ends(new, "keys.rollback")
            self.await_answers()
            self.lives.remove(new)
        self.finish()


class Model:
    """What one key must be according to the answers: its valid secrets, the current one first."""

    def __init__(self, secret):
        self.current, self.other, self.pending = secret, None, False
        self.dead = []

    def rotate(self, mode, secret):
        if self.other:
            self.dead.append(self.other)
        if mode == "confirm":
            self.other, self.pending = secret, True
            return
        old, self.current = self.current, secret
        self.other, self.pending = (old, False) if mode == "overlap" else (None, False)
        if mode == "immediate":
            self.dead.append(old)

    def confirm(self):
        self.current, self.other, self.pending = self.other, self.current, False

    def finish(self):
        self.dead.append(self.other)
        self.other = None

    def rollback(self):
        if self.pending:
            self.dead.append(self.other)
        else:
            self.dead.append(self.current)
            self.current = self.other
        self.other, self.pending = None, False


class Side(threading.Thread):
    """One state folder: makes changes, sends SIGKILL at any time, starts again, checks, and repeats."""

    def __init__(self, test, kills, seed):
        super().__init__()
        self.test = test
        self.kills = kills
        self.random = random.Random(seed)
        self.error = None
        self.under_way = None

    def run(self):
        # A daemon ends with the thread that started it, so this thread does all of it.
        self.d = harness.Daemon({"a.policy": POLICY})
        try:
            record = self.d.call("keys.create", roles=["viewer"])
            self.kid = record["id"]
            self.model = Model(record["secret"])
            for _ in range(self.kills):
                self.change_until_killed()
                self.d.start()
                with harness.Client(self.d.socket) as client:
                    self.settle(client)
                    self.look(client)
            self.d.stop()
        except BaseException as error:  # the test's thread reports it
            self.error = error
        finally:
            self.d.finish()

    def change_until_killed(self):
        killer = threading.Timer(self.random.uniform(0, 0.03), self.d.process.kill)
        killer.start()
        try:
            with harness.Client(self.d.socket) as client:
                while True:
                    self.change(client)
        except (AssertionError, OSError):
            pass  # killed
        killer.join()
        self.d.kill()

    def change(self, client):
        """Makes one change; under_way holds it until it is answered."""
        model = self.model
        choices = [("rotate", mode) for mode in ("overlap", "confirm", "immediate")]
        if model.other:
            choices += [("rollback", None)] * 2
            choices += [("use", None)] * 4 if model.pending else [("finish", None)] * 2
        what, mode = self.random.choice(choices)
        params = {"id": self.kid}
        if what == "rotate":
            params |= {"mode": mode, "finish_old": True, "request_id": secrets.token_hex(16)}
        self.under_way = (what, mode, params)
        self.answered(client, *self.under_way)

    def answered(self, client, what, mode, params):
        if what == "use":
            self.expect(client, self.model.other, 200)
            harness.wait_until(lambda: "retiring_until" in client.call("keys.get", id=self.kid))
            self.model.confirm()
        else:
            record = client.call(f"keys.{what}", **params)
            if what == "rotate":
                self.model.rotate(mode, record["secret"])
            else:
                getattr(self.model, what)()
        self.under_way = None

    def settle(self, client):
        """Repeats the change that was not answered, or finds that it was made."""
        if self.under_way is None:
            return
        what, _, _ = self.under_way
        record = client.call("keys.get", id=self.kid)
        has_other = "retiring_until" in record or "pending_until" in record
        if what in ("finish", "rollback") and not has_other:
            getattr(self.model, what)()
        elif what == "use" and "retiring_until" in record:
            self.model.confirm()
        elif what != "use":
            # Made before or now, a rotation has the same answer, by its request_id.
            self.answered(client, *self.under_way)
        self.under_way = None

    def look(self, client):
        model = self.model
        record = client.call("keys.get", id=self.kid)
        self.test.assertEqual("retiring_until" in record, bool(model.other) and not model.pending)
        self.test.assertEqual("pending_until" in record, bool(model.other) and model.pending)
        self.expect(client, model.current, 200)
        if model.other and not model.pending:
            self.expect(client, model.other, 200)
        for secret in model.dead[-6:]:
            self.expect(client, secret, 401)
        self.test.assertEqual(len({model.current, model.other, *model.dead}),
                              2 + len(model.dead))

    def expect(self, client, secret, status):
        answer = client.call("authorize", token=secret, method="GET", path="/loans/7")
        self.test.assertEqual(answer["status"], status, answer)


class Kill(harness.DaemonTest):
    def test_whatever_was_answered_is_so_after_a_kill_at_any_instant(self):
        seed = random.randrange(1 << 32)
        sides = [Side(self, KILLS // SIDES, seed + i) for i in range(SIDES)]
        for side in sides:
            side.start()
        for side in sides:
            side.join()
        for side in sides:
            if side.error is not None:
                raise AssertionError(f"seed {seed}: {side.error!r}") from side.error


class Cap(people.PeopleTest):
    policy = people.POLICY + """
limits {
    keys_per_principal 2
}
"""

    def test_of_two_that_race_for_the_last_place_one_gets_it(self):
        self.alice()
        for _ in range(10):
            last, _ = self.key()
            clients = [self.d.client() for _ in range(2)]
            numbers = [client.send("keys.create", {"principal": "alice"}) for client in clients]
            answers = [client.result_or_error(n) for client, n in zip(clients, numbers)]
            made = [answer for answer in answers if isinstance(answer, dict)]
            refused = [answer for answer in answers if isinstance(answer, harness.Error)]
            self.assertEqual((len(made), [error.code for error in refused]),
                             (1, ["limit_reached"]))
            self.assertEqual(set(refused[0].error["ids"]), {last, made[0]["id"]})
            for id in (last, made[0]["id"]):
                self.c.call("keys.revoke", id=id)


if __name__ == "__main__":
    unittest.main()

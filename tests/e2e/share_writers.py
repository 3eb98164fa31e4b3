# SPDX-License-Identifier: Apache-2.0
"""Threads that make changes at all hosts at once, and threads that ask each host for decisions all the time."""

import collections
import random
import threading
import time

import harness
from share_book import Change, Key, boot_time

ANSWER = 60  # seconds: a change that is not answered by then never is
MOST_KEYS = 16  # of a writer
PRINCIPALS = ("p0", "p1", "p2", "p3")


class Caller:
    """Connections of one thread to all hosts; one that breaks is opened again."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.clients = {}

    def call(self, host, method, /, **params):
        client = self.clients.get(host)
        if client is None:
            client = self.clients[host] = harness.Client(self.hosts[host].socket, timeout=ANSWER)
        try:
            return client.call(method, **params)
        except harness.Error:
            raise
        except BaseException:
            self.drop(host)
            raise

    def drop(self, host):
        client = self.clients.pop(host, None)
        if client is not None:
            client.close()

    def close(self):
        for host in list(self.clients):
            self.drop(host)


class Worker(threading.Thread):
    """Works until it is stopped; between two steps it may be paused."""

    def __init__(self, book, hosts, seed):
        super().__init__(daemon=True)
        self.book = book
        self.hosts = hosts
        self.random = random.Random(seed)
        self.caller = Caller(hosts)
        self.ends = False
        self.goes_on = threading.Event()
        self.is_idle = threading.Event()

    def run(self):
        try:
            while not self.ends:
                if not self.goes_on.is_set():
                    self.is_idle.set()
                    self.goes_on.wait()
                    self.is_idle.clear()
                    continue
                self.step()
        except Exception as error:  # pylint: disable=broad-except
            self.book.accuse(f"{self.name}: {type(error).__name__}: {error}")
            self.is_idle.set()
            raise
        finally:
            self.caller.close()

    def resume(self):
        self.goes_on.set()

    def pause(self):
        self.goes_on.clear()

    def stop(self):
        self.ends = True
        self.goes_on.set()
        self.join(ANSWER * 2)

    def step(self):
        raise NotImplementedError


def pause(workers):
    """Each has its answers."""
    for worker in workers:
        worker.pause()
    for worker in workers:
        if not worker.is_idle.wait(ANSWER * 2):
            raise AssertionError(f"{worker.name} has no answer")


class Writer(Worker):
    def __init__(self, book, hosts, seed):
        super().__init__(book, hosts, seed)
        self.keys = []
        self.at_work = list(hosts)
        self.name = f"writer-{seed}"

    # Asking

    def ask(self, method, /, **params):
        """Makes a change; its outcome is in the change, which is None if nothing was sent."""
        change = Change(self.random.choice(self.at_work), method, params)
        change.sent = boot_time()
        try:
            change.result = self.caller.call(change.host, method, **params)
            change.outcome = "made"
        except harness.Error as error:
            change.error = error
            if error.code in ("unavailable", "stale"):
                change.outcome = "may_stand" if error.error.get("may_stand") else "not_made"
            else:
                change.outcome = "refused"
        except TimeoutError:
            self.book.accuse(f"no answer within {ANSWER} s: {change}")
            change.outcome = "may_stand"
        except (ConnectionRefusedError, FileNotFoundError) as error:
            change.error = error
            change.outcome = "not_made"
        except (OSError, AssertionError) as error:  # the daemon ended: nobody knows
            change.error = error
            change.outcome = "may_stand"
        change.answered = boot_time()
        self.book.note(change)
        if change.outcome == "not_made":
            time.sleep(0.01)
        return change

    def settle(self, change, made, look, repeat=False):
        """Does `made` to the book if the change was made, or notes it for later. look(caller, host): was it made?"""
        if change.outcome == "made":
            with self.book.lock:
                made(change)
        elif change.outcome == "may_stand":
            with self.book.lock:
                self.book.open.append((change, made, look, repeat))
        return change.outcome == "made"

    # What it does

    def step(self):
        keys = [key for key in self.keys if not key.is_open]
        steps = [(self.make_key, 6 if len(self.keys) < MOST_KEYS else 0), (self.change_principal, 2),
                 (self.change_role, 2), (self.change_place, 3)]
        if keys:
            steps += [(self.disable, 4), (self.enable, 3), (self.revoke, 3), (self.rotate, 2), (self.label, 3),
                      (self.purge, 2), (self.revoke_of_others, 1)]
        step = self.random.choices([one for one, _ in steps], [weight for _, weight in steps])[0]
        step()

    def pick(self, *statuses):
        """A key that nobody changes, which is open from now on; None: there is none."""
        with self.book.lock:
            found = [key for key in self.keys if not key.is_open and key.status in statuses]
            key = self.random.choice(found) if found else None
            if key is not None:
                key.is_open = True
            return key

    def request_id(self):
        return f"{self.random.getrandbits(128):032x}"

    def everywhere(self):
        return {"everywhere": True} if self.random.random() < 0.6 else {}

    def make_key(self):
        key = Key(f"k{self.book.number()}", self)
        params = {"principal": self.random.choice(PRINCIPALS), "name": key.name, "request_id": self.request_id()}

        def made(change):
            key.id, key.secret = change.result["id"], change.result["secret"]
            key.is_open = False
            self.book.keys[key.name] = key
            self.book.effects["keys.create", key.id] += 1
            self.keys.append(key)

        self.settle(self.ask("keys.create", **params), made, None, repeat=True)

    def on_key(self, key, method, made, look, /, repeat=False, **params):
        key.is_open = True

        def really_made(change):
            made(change)
            key.is_open = False

        def not_made():
            key.is_open = False

        really_made.otherwise = not_made
        change = self.ask(method, id=key.id, **params)
        self.settle(change, really_made, look, repeat)
        if change.outcome in ("refused", "not_made"):
            key.is_open = False
        self.judge_refusal(change)
        return change

    def judge_refusal(self, change):
        """A full disk refuses what creates, and a clock that is off what does not end; else nothing is in the way."""
        if change.outcome == "refused" and change.error.code != "overloaded" and "clock" not in change.error.message:
            self.book.accuse(f"refused: {change}")

    def end(self, key, method, status):
        def made(change):
            if key.status != "revoked":
                key.status = status
            self.book.unsure[method, key.id] += 1
            if change.result is not None:
                self.book.watched.append(key)
                key.denied_at[change.host] = change.answered
                if change.result.get("everywhere") is True:
                    key.denied = change.answered

        change = self.on_key(key, method, made, status, **self.everywhere())
        if change.outcome == "made":
            if change.params.get("everywhere") and not isinstance(change.result.get("everywhere"), bool):
                self.book.accuse(f"an answer that does not say whether it is everywhere: {change}")
            self.book.counts["everywhere"] += change.result.get("everywhere") is True
            self.book.counts["lacking"] += change.result.get("everywhere") is False
            if self.random.random() < 0.3:
                self.ask_elsewhere(key, change)

    def ask_elsewhere(self, key, change):
        """With as_of no host allows what was ended before."""
        host = self.random.choice(self.at_work)
        try:
            answer = self.caller.call(host, "authorize", token=key.secret, method="GET", path="/loans",
                                      as_of=change.result["as_of"])
            self.book.counts["as_of"] += 1
            if answer["allow"] and key.is_open is False and key.status in ("inactive", "revoked"):
                self.book.accuse(f"allowed at {host} with as_of of {change}: {answer}")
        except harness.Error as error:
            if error.code != "stale":
                self.book.accuse(f"as_of at {host}: {error}")
        except (OSError, AssertionError):
            pass

    def disable(self):
        key = self.pick("active")
        if key is not None:
            self.end(key, "keys.disable", "inactive")

    def revoke(self):
        key = self.pick("active", "inactive")
        if key is not None:
            self.end(key, "keys.revoke", "revoked")

    def revoke_of_others(self):
        with self.book.lock:
            others = [key for key in self.book.keys.values()
                      if key.owner is not self and key.status == "active" and not key.is_open]
            if not others:
                return
            key = self.random.choice(others)
            if key.is_open:
                return
            key.is_open = True
        self.end(key, "keys.revoke", "revoked")

    def enable(self):
        key = self.pick("inactive")
        if key is None:
            return
        key.denied, key.denied_at = None, {}  # from before it is asked

        def made(change):
            if key.status != "revoked":
                key.status = "active"
            self.book.unsure["keys.enable", key.id] += 1

        self.on_key(key, "keys.enable", made, "active")

    def rotate(self):
        key = self.pick("active")
        if key is None:
            return

        def made(change):
            key.generation += 1
            if change.result is not None:
                key.secret = change.result["secret"]
            self.book.effects["keys.rotate", key.id] += 1

        self.on_key(key, "keys.rotate", made, ("generation", key.generation + 1), repeat=True, mode="immediate",
                    request_id=self.request_id())

    def label(self):
        key = self.pick("active", "inactive")
        if key is None:
            return
        label = f"l{self.book.number()}"

        def made(change):
            key.label = label
            self.book.effects["keys.update", key.id] += 1

        self.on_key(key, "keys.update", made, ("label", label), label=label)

    def purge(self):
        """Old keys go, so that the stores stay small."""
        key = self.pick("revoked") if len(self.keys) >= MOST_KEYS or self.random.random() < 0.5 else None
        if key is None:
            return

        def deleted(change):
            key.status = "deleted"

        def purged(change):
            key.status = "purged"
            self.keys.remove(key)

        if self.on_key(key, "keys.delete", deleted, "deleted").outcome == "made":
            self.on_key(key, "keys.purge", purged, "purged")

    # Records that are made and removed by turns

    def by_turns(self, kept, name, make, remove, look):
        """make and remove: (method, params)"""
        with self.book.lock:
            is_there = name in kept
            if kept.get(name) == "open":
                return
            kept[name] = "open"
        method, params = remove if is_there else make

        def done(change):
            if is_there:
                del kept[name]
            else:
                kept[name] = "there"
            self.book.effects[method, name] += 1

        def back():
            if is_there:
                kept[name] = "there"
            else:
                kept.pop(name, None)

        done.otherwise = back
        change = self.ask(method, **params)
        self.settle(change, done, look)
        if change.outcome in ("refused", "not_made"):
            with self.book.lock:
                back()
        self.judge_refusal(change)

    def change_principal(self):
        name = f"t{self.random.randrange(8)}-{self.name}"
        self.by_turns(self.book.principals, name, ("principals.create", {"id": name}), ("principals.delete", {"id": name}),
                      ("principal", name))

    def change_role(self):
        name = f"r{self.random.randrange(6)}-{self.name}"
        self.by_turns(self.book.roles, name, ("roles.create", {"name": name, "grants": ["allow GET on api:/loans"]}),
                      ("roles.delete", {"name": name}), ("role", name))

    def change_place(self):
        principal, place = self.random.choice(PRINCIPALS), f"api:/loans/{self.name}{self.random.randrange(6)}"
        params = {"principal": principal, "role": "clerk", "at": [place]}
        self.by_turns(self.book.places, (principal, place), ("assignments.create", params),
                      ("assignments.delete", params), ("place", (principal, place)))


class Decider(Worker):
    """Asks one host about keys that ended, and about others."""

    def __init__(self, book, hosts, host, seed):
        super().__init__(book, hosts, seed)
        self.host = host
        self.name = f"decider-{host}"
        self.reasons = collections.Counter()

    def step(self):
        with self.book.lock:
            ended = list(self.book.watched)
            if self.random.random() < 0.3 or not ended:
                alive = [key for key in self.book.keys.values() if key.status == "active" and not key.is_open]
                key = self.random.choice(alive) if alive else None
            else:
                key = self.random.choice(ended)
        if key is None:
            time.sleep(0.05)
            return
        denied, denied_here, secret = key.denied, key.denied_at.get(self.host), key.secret
        sent = boot_time()
        try:
            answer = self.caller.call(self.host, "authorize", token=secret, method="GET", path="/loans")
        except harness.Error as error:
            self.book.accuse(f"a decision of {self.host} was an error: {error}")
            return
        except (OSError, AssertionError):
            time.sleep(0.05)
            return
        self.reasons[answer["reason"]] += 1
        if answer["allow"]:
            if denied is not None and denied < sent and key.denied == denied:
                self.book.counts["allowed_after"] += 1
                self.book.accuse(f"{self.host} allowed {key.name} ({key.id}) {(sent - denied) / 1e6:.3f} ms after it ended "
                                 "everywhere")
            if denied_here is not None and denied_here < sent and key.denied_at.get(self.host) == denied_here:
                self.book.accuse(f"{self.host} allowed {key.name} ({key.id}) after it had answered that it ended")
        time.sleep(0.004)


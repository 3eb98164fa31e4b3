# SPDX-License-Identifier: Apache-2.0
"""What must be so when all hosts of a shared store are whole again."""

import harness

OWN = ("last_used_at", "last_used_ip", "uses", "denials", "denied_for")  # which each host counts for itself
COUNTED = ("keys.create", "keys.rotate", "keys.update", "principals.create", "principals.delete", "roles.create",
           "roles.delete", "assignments.create", "assignments.delete")


def items(host, method, **params):
    """All pages of a list."""
    with harness.Client(host.socket, timeout=120) as client:
        return client.pages(method, **params)[0]


def records(host):
    """All that the store of a host has, without what it counts for itself."""
    keys = items(host, "keys.list") + items(host, "keys.list", status="deleted")
    keys = [{name: value for name, value in key.items() if name not in OWN} for key in keys]
    places = items(host, "assignments.list", role="clerk") + items(host, "assignments.list", role="viewer")
    return {"keys": keys, "principals": items(host, "principals.list"), "roles": items(host, "roles.list"), "places": places}


def difference(one, other):
    """The first records that are not the same."""
    for kind in one:
        if one[kind] != other[kind]:
            mine = [record for record in one[kind] if record not in other[kind]][:2]
            theirs = [record for record in other[kind] if record not in one[kind]][:2]
            return f"{kind}: {mine} and {theirs} (of {len(one[kind])} and {len(other[kind])})"
    return None


class Checks:
    def __init__(self, fleet, book):
        self.fleet = fleet
        self.book = book
        self.seen = 0  # of the trail
        self.found = {}  # (action, target): how often the trail has it
        self.equal = 0

    def settle(self):
        """No late statement can find its place any more, and what may stand is looked at, or asked for again."""
        for host in self.fleet.hosts.values():
            harness.wait_until(lambda host=host: self.is_moved(host), 60, what=f"a change at {host.name}")
        self.fleet.await_whole()
        with self.book.lock:
            changes, self.book.open = self.book.open, []
        if not changes:
            return
        now = records(self.fleet.hosts[changes[0][0].host])
        for change, made, look, repeat in changes:
            if repeat:
                is_made = self.ask_again(change, look, now)
            else:
                change.result = None
                is_made = self.look(now, change, look)
            self.book.counts["settled"] += 1
            self.book.counts["stood"] += is_made
            if is_made:
                made(change)
            elif hasattr(made, "otherwise"):
                made.otherwise()
        self.fleet.await_whole()

    def is_moved(self, host):
        try:
            return host.call("principals.update", id="p0", name=f"n{self.book.number()}")
        except (harness.Error, OSError, AssertionError):
            return False

    def ask_again(self, change, look, now):
        """The same request with the same request_id: its answer is the first one."""
        host = self.fleet.hosts[change.host]
        try:
            change.result = host.call(change.method, **change.params)
            return True
        except harness.Error as error:
            if look is not None and self.look(now, change, look):
                self.book.accuse(f"sent again, it was refused although it stands: {change}: {error}")
                return True
            if error.code != "conflict":
                self.book.accuse(f"sent again: {change}: {error}")
            return False

    @staticmethod
    def look(now, change, look):
        kind, value = look if isinstance(look, tuple) else ("status", look)
        if kind == "principal":
            there = value in [one["id"] for one in now["principals"]]
            return there == (change.method == "principals.create")
        if kind == "role":
            return (value in [one["name"] for one in now["roles"]]) == (change.method == "roles.create")
        if kind == "place":
            there = value in [(one.get("principal"), *one.get("at", [])) for one in now["places"]]
            return there == (change.method == "assignments.create")
        key = next((one for one in now["keys"] if one["id"] == change.params["id"]), None)
        if value == "purged":
            return key is None
        if key is None:
            return False
        if value == "deleted":
            return "deleted_at" in key
        return key.get(kind) == value

    def judge(self):
        """Stores equal, as the book says, the trail the same everywhere; what is wrong is in the book."""
        self.book.judge_order()
        hosts = list(self.fleet.hosts.values())
        (first, *others), trails = self.read_at_rest(hosts)
        same = True
        for host, other in zip(hosts[1:], others):
            found = difference(first, other)
            if found:
                same = False
                self.book.accuse(f"{hosts[0].name} and {host.name} differ: {found}")
        self.judge_records(first)
        same = self.judge_trail(hosts, trails) and same
        self.equal += same
        self.judge_decisions(hosts)

    def read_at_rest(self, hosts):
        """The records and new entries of the trail of each host, as of one change: a new pepper, and work by the clock,
        make changes of their own."""
        def read():
            before = {host.shared()["as_of"] for host in hosts}
            try:
                found = [records(host) for host in hosts], [self.entries(host) for host in hosts]
            except harness.Error as error:
                if error.code != "stale":  # on a machine that is slow
                    raise
                return None
            return found if len(before) == 1 and before == {host.shared()["as_of"] for host in hosts} else None

        return harness.wait_until(read, 60, what="hosts that have the same change")

    def judge_records(self, now):
        accuse = self.book.accuse
        keys = {key["id"]: key for key in now["keys"]}
        expected = self.book.expected_keys()
        for kid, (name, status, label, generation) in expected.items():
            key = keys.get(kid)
            if key is None:
                accuse(f"lost: key {name} ({kid}), {status}")
                continue
            is_deleted = "deleted_at" in key
            was = "deleted" if is_deleted else key["status"]
            if (was, key.get("label"), key["generation"]) != (status, label, generation):
                accuse(f"lost: key {name} ({kid}) is {was}, {key.get('label')}, {key['generation']}, and must be "
                       f"{status}, {label}, {generation}")
        for kid in keys.keys() - expected.keys():
            accuse(f"nobody made key {keys[kid].get('name')} ({kid})")
        for kind, there, wanted in (
                ("principal", {one["id"] for one in now["principals"] if one["id"][0] == "t"}, set(self.book.principals)),
                ("role", {one["name"] for one in now["roles"] if one["name"][0] == "r"}, set(self.book.roles)),
                ("place", {(one["principal"], *one["at"]) for one in now["places"] if one.get("at")}, set(self.book.places))):
            if there != wanted:
                accuse(f"{kind}s: lost {wanted - there}, and nobody made {there - wanted}")

    def judge_decisions(self, hosts):
        """Each host allows the keys that are active, and no others."""
        with self.book.lock:
            keys = [key for key in self.book.keys.values() if key.id is not None and not key.is_open]
        for host in hosts:
            with harness.Client(host.socket, timeout=60) as client:
                for key in keys:
                    reason = harness.wait_until(lambda key=key, client=client: self.reason(client, key), 60, what=f"{host.name} fresh")
                    if (reason == "ok") != (key.status == "active"):
                        self.book.accuse(f"{host.name} says {reason} of {key.name} ({key.id}), which is {key.status}")

    @staticmethod
    def reason(client, key):
        reason = client.call("authorize", token=key.secret, method="GET", path="/loans")["reason"]
        return reason if reason != "stale" else None

    def judge_trail(self, hosts, trails):
        for host, trail in zip(hosts[1:], trails[1:]):
            if trail != trails[0]:
                at = next((at for at, (one, other) in enumerate(zip(trails[0], trail)) if one != other), min(len(trail), len(trails[0])))
                self.book.accuse(f"the trails of {hosts[0].name} and {host.name} differ at {self.seen + at + 1}: "
                                 f"{trails[0][at:at + 1]} and {trail[at:at + 1]}")
                return False
        for entry in trails[0]:
            if entry["sequence"] != self.seen + 1:
                self.book.accuse(f"the trail goes from {self.seen} to {entry['sequence']}")
            self.seen = entry["sequence"]
            self.count(entry)
        for what, times in self.book.effects.items():
            if self.found.get(what, 0) != times:
                self.book.accuse(f"{what} was made {times} times, and the trail has it {self.found.get(what, 0)} times")
                self.book.effects[what] = self.found.get(what, 0)
        for what in self.found:
            if what[0] in COUNTED and what not in self.book.effects:
                self.book.accuse(f"the trail has {what}, which nobody made")
                self.book.effects[what] = self.found[what]
        return True

    def count(self, entry):
        action, target = entry["action"], entry["target"]
        if entry.get("kind") == "role":
            target = target.split(":")[-1]
        if action.startswith("assignments."):
            place = [change.get("to") or change.get("from") for change in entry["changes"]]
            target = (target, next((self.place(text) for text in place if "api:" in text), None))
        if action in COUNTED and not (isinstance(target, str) and target in ("p0", "p1", "p2", "p3")):
            if isinstance(target, tuple) and target[1] is None:
                return
            self.found[action, target] = self.found.get((action, target), 0) + 1

    @staticmethod
    def place(text):
        return next(word.strip(",") for word in text.split() if word.startswith("api:"))

    def entries(self, host):
        found = []
        while True:
            page = host.call("audit.list", after=self.seen + len(found), limit=1000)["items"]
            found += page
            if len(page) < 1000:
                return found

    def verify(self):
        """Each host's own look at its trail and its records, and all have the same peppers."""
        def peppers():
            return {(host.state / "pepper").read_bytes() for host in self.fleet.hosts.values()}

        harness.wait_until(lambda: len(peppers()) == 1, 60, what="the same peppers")
        for host in self.fleet.hosts.values():
            for problem in items(host, "audit.verify"):
                self.book.accuse(f"{host.name}: {problem}")

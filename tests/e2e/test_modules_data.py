# SPDX-License-Identifier: Apache-2.0
"""A data file changes: nothing but the lines that read it is built again, and all else is as after a start."""

import ctypes
import os
import random
import struct
import unittest

from harness import Error, wait_until
from modules import COUNTRIES, DENYLIST, GEO, POLICY, Modules, setUpModule, tearDownModule  # noqa: F401

LIBC = ctypes.CDLL(None, use_errno=True)
IN_ACCESS, IN_OPEN = 0x01, 0x20

TEST = """
test "a country that the feed may lose" {
    as role reader
    service loans
    from 192.0.2.1
    allow GET api:/loans
}
"""


class Opened:
    """The files of a folder that were opened or read since, by anybody."""

    def __init__(self, paths):
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.names = {LIBC.inotify_add_watch(self.fd, str(path).encode(), IN_ACCESS | IN_OPEN): path.name
                      for path in paths}

    def take(self):
        try:
            events = os.read(self.fd, 65536)
        except BlockingIOError:
            events = b""
        names = set()
        while events:
            watch, _, _, length = struct.unpack_from("iIII", events)
            names.add(self.names[watch])
            events = events[16 + length:]
        return names

    def close(self):
        os.close(self.fd)


class Data(Modules):
    def setUp(self):
        super().setUp()
        self.install("geo", "denylist")
        self.age = 1_500_000_000

    def feeds(self, daemon):
        return {feed["name"]: feed for feed in daemon.call("status")["data"]}

    def put_dated(self, name, text):
        """Puts the file with a time that no other one has, which the status shows."""
        aside = self.data / f".{name}"
        aside.write_text(text)
        self.age += 1
        os.utime(aside, (self.age, self.age))
        aside.rename(self.data / name)

    def taken(self, daemon, name):
        wait_until(lambda: self.feeds(daemon)[name]["changed_at"] == self.age)

    def test_no_policy_file_is_opened_for_new_data_unless_a_module_changes_too(self):
        daemon = self.serve(GEO + "\n" + DENYLIST)
        made = daemon.call("keys.create", principal="ann")
        opened = Opened(daemon.policy.glob("*.policy"))
        self.addCleanup(opened.close)
        (daemon.policy / "p.policy").read_bytes()
        self.assertEqual(opened.take(), {"p.policy"}, "it would be seen")
        for text, allowed in ((made["id"] + "\n", False), ("", True), (f"{made['id']}\n\n", False)):
            self.put_dated("denied", text)
            self.taken(daemon, "denied")
            wait_until(lambda: self.allowed_key(daemon, made["secret"]) == allowed)
        self.assertEqual(opened.take(), set())
        daemon.wait_for_log("info: policy exchanged", "built=data")
        # Stored roles are of the new policy too.
        daemon.call("roles.create", name="stored", grants=["allow GET on api:/loans"])
        self.put_dated("countries", "203.0.113.0/24 CH\n")
        self.taken(daemon, "countries")
        wait_until(lambda: self.allows(daemon, "203.0.113.1"))
        self.assertIn("stored", [role["name"] for role in daemon.call("roles.list")["items"]])
        self.assertEqual(opened.take(), set())
        self.install("geo")
        wait_until(lambda: opened.take() == {"p.policy"})

    def test_data_that_fails_a_test_of_the_policy_is_refused_and_the_next_is_taken(self):
        daemon = self.daemon({"p.policy": POLICY % GEO + TEST}, "--config", str(self.config))
        revision = daemon.call("policy.status")["revision"]
        opened = Opened(daemon.policy.glob("*.policy"))
        self.addCleanup(opened.close)
        age = self.feeds(daemon)["countries"]["changed_at"]
        self.put_dated("countries", "203.0.113.0/24 CH\n")
        wait_until(lambda: not daemon.call("policy.status")["ok"])
        status = daemon.call("policy.status")
        self.assertEqual((status["revision"], status["errors"]), (revision, 1))
        self.assertIn('test "a country that the feed may lose": expected allow',
                      status["diagnostics"][0]["message"])
        daemon.wait_for_log("policy refused, the running one stays")
        self.assertTrue(self.allows(daemon))
        self.assertFalse(self.allows(daemon, "203.0.113.1"))
        self.assertEqual(self.feeds(daemon)["countries"]["changed_at"], age)
        self.put_dated("countries", COUNTRIES + "203.0.113.0/24 CH\n")
        wait_until(lambda: self.allows(daemon, "203.0.113.1"))
        wait_until(lambda: daemon.call("policy.status")["ok"])
        self.taken(daemon, "countries")
        self.assertEqual(opened.take(), set())

    # Random changes, and then a start on what they left.

    def changed(self, daemon, before):
        """Waits for another revision: what the status says of data files is earlier."""
        wait_until(lambda: daemon.call("policy.status")["revision"] != before)

    def reported(self, daemon, text):
        wait_until(lambda: any(text in one["message"] for one in daemon.call("policy.status")["diagnostics"]))

    def change_data(self, daemon, chance):
        name, good = chance.choice((("countries", [COUNTRIES, "203.0.113.0/24 CH\n", "192.0.2.0/24 US\n"]),
                                    ("denied", ["", "abc\n", f"{self.made['id']}\n"])))
        fault = chance.random()
        if fault < 0.2 and (self.data / name).exists():
            (self.data / name).unlink()
            self.reported(daemon, f"has no data/{name}")
        elif fault < 0.4:
            lines = chance.randrange(1000)
            self.put_dated(name, "#\n" * lines + "no line of a data file\n")
            self.reported(daemon, f"data file '{name}' of module '{'geo' if name == 'countries' else 'denylist'}': "
                          f"line {lines + 1} ")
        else:
            before = daemon.call("policy.status")["revision"]
            self.put_dated(name, chance.choice(good) + f"# {self.age}\n")
            self.taken(daemon, name)
            self.changed(daemon, before)

    def change_policy(self, daemon, chance):
        lines = [GEO, DENYLIST] + chance.choice(([], [GEO.replace("CH,LI", "US")], [DENYLIST]))
        chance.shuffle(lines)
        revision = daemon.call("policy.status")["revision"]
        daemon.replace("p.policy", POLICY % "\n".join(lines) + f"# {chance.random()}\n")
        if chance.random() < 0.5:
            daemon.call("policy.reload")
            return
        self.changed(daemon, revision)

    def change_role(self, daemon, chance):
        name = f"stored{chance.randrange(4)}"
        try:
            daemon.call("roles.create", name=name, grants=["allow GET on api:/loans"])
            daemon.call("assignments.create", principal="bob", role=name)
        except Error as error:
            self.assertEqual(error.code, "conflict")
            daemon.call("roles.delete", name=name)

    def view(self, daemon):
        status = daemon.call("policy.status")
        answers = [self.ask(daemon, ip, **who)
                   for ip in ("192.0.2.1", "198.51.100.7", "203.0.113.1")
                   for who in ({}, {"token": self.made["secret"]}, {"principal": "bob"})]
        for answer in answers:
            answer.pop("request_id", None)
        notes = [(module["name"], [(note["line"], note["note"]) for note in module["notes"]])
                 for module in daemon.call("status")["modules"]]
        return {"answers": answers, "data": self.feeds(daemon), "notes": notes,
                "roles": [role["name"] for role in daemon.call("roles.list")["items"]],
                **{name: status[name] for name in ("revision", "ok", "warnings", "errors", "diagnostics")}}

    def test_after_any_changes_all_is_as_after_a_start(self):
        chance = random.Random(7)
        daemon = self.serve(GEO + "\n" + DENYLIST)
        daemon.call("principals.create", id="bob")
        self.made = daemon.call("keys.create", principal="ann")
        for _ in range(4):
            for _ in range(6):
                chance.choice((self.change_data, self.change_data, self.change_data, self.change_policy,
                               self.change_role))(daemon, chance)
            before = self.view(daemon)
            daemon.stop()
            daemon.start()
            self.assertEqual(before, self.view(daemon))
        self.assertIn("built=data", daemon.log())


if __name__ == "__main__":
    unittest.main()

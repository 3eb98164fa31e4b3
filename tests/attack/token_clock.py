#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wants to see by a clock whether a token that is refused exists, or has the right secret.

Tokens of equal length, all refused with 401, are presented by a peer that is not trusted. Their work is
compared by the instructions that the worker runs for each of them (valgrind's callgrind), or, without
valgrind, by the medians of their times, presented in turns.
"""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import unittest
import zlib
from pathlib import Path

import attack
import people
from harness import wait_until

POLICY = """\
environment live prefix liq_live_
tree api { /files { /{path...} { GET } } }
role reader { allow GET on api:/files/** }
"""

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
REQUEST = {"method": "GET", "path": "/files/x"}
# The methods that say by a decision that a token is refused, with their parameters, and one that manages.
ANSWERS = {"authorize": REQUEST, "plan": REQUEST, "permissions": {}}
MANAGES = ("whoami",)
PLACES = [f"api:/files/{'%25' * 336}/{n:02}" for n in range(30)]
VALGRIND = shutil.which("valgrind") and shutil.which("callgrind_control")
WARM, COUNTED, RUNS = 8, 32, 3
AGAIN = 20  # runs more at most, on a machine where most of them fall together with other work
# Of instructions, from the least to the most; the times of a shared machine differ by themselves.
SPREAD = 1.05 if VALGRIND else 1.5


def sealed(before_crc):
    """The token with its crc: CRC-32 as six characters."""
    crc, text = zlib.crc32(before_crc.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        text = BASE62[digit] + text
    return before_crc + text


def other_secret(token):
    """The same key with a secret that differs in the last character."""
    body = token[:-6]
    return sealed(body[:-1] + BASE62[(BASE62.index(body[-1]) + 1) % 62])


def other_key(token):
    """The same secret with an id that no key has."""
    prefix, rest = token[:9], token[9:-6]
    return sealed(prefix + "1" + rest[1:12][::-1] + rest[12:])


class TokenClock(attack.Attack):
    def start(self):
        self.dumps = 0
        prefix = ()
        if VALGRIND:
            held = tempfile.TemporaryDirectory()
            self.addCleanup(held.cleanup)
            self.folder = Path(held.name)
            prefix = ("env", f"LD_PRELOAD={os.environ['UNDER_VALGRIND']}", "valgrind", "--tool=callgrind",
                      "--separate-threads=yes", f"--callgrind-out-file={self.folder}/out")
        self.victim = self.daemon({"a.policy": POLICY}, "--workers", "1", prefix=prefix)
        os.chmod(self.victim.folder, 0o711)
        os.chmod(self.victim.socket, 0o666)
        self.manager = self.victim.client()
        with people.as_user():
            self.attacker = self.victim.client()

    def key(self, name, at=None, places=None, tenant=None):
        """A key of a principal of its own; its token was accepted once, so that all is known of it."""
        where = {"tenant": tenant} if tenant else {}
        self.manager.call("principals.create", id=name, name=name, kind="user", **where)
        self.manager.call("assignments.create", principal=name, role="reader", **where,
                          **({"at": places} if places else {}))
        made = self.manager.call("keys.create", principal=name, name=name, **where,
                                 **({"at": at} if at else {}))
        for _ in range(2):
            self.attacker.call("authorize", token=made["secret"], **where, **REQUEST)
        return made

    def refusals(self):
        """What is wrong, and the token."""
        call = self.manager.call
        small, large = self.key("small"), self.key("large", at=PLACES)
        tokens = {"an unknown key": other_key(small["secret"]),
                  "a wrong secret": other_secret(small["secret"]),
                  "a wrong secret of a large record": other_secret(large["secret"])}
        for name, options in (("small", {}), ("large", {"at": PLACES}), ("placed", {"places": PLACES})):
            tokens[f"a disabled principal, {name}"] = self.key(f"off-{name}", **options)["secret"]
            call("principals.disable", id=f"off-{name}")
        for name, method in (("revoked", "keys.revoke"), ("disabled", "keys.disable")):
            made = self.key(f"{name}")
            tokens[f"a {name} key"] = made["secret"]
            call(method, id=made["id"])
        for name, options in (("small", {}), ("large", {"at": PLACES})):
            made = self.key(f"dead-{name}", **options)
            tokens[f"a dead secret, {name}"] = made["secret"]
            call("keys.rotate", id=made["id"], mode="immediate")
        call("tenants.create", id="other")
        tokens["another tenant's key"] = self.key("foreign", tenant="other")["secret"]
        self.assertEqual({len(token) for token in tokens.values()}, {len(small["secret"])})
        return tokens

    def refused(self, token):
        """Presents the token with a method that answers with a decision, or with one that manages."""
        if self.method in ANSWERS:
            answer = self.attacker.call(self.method, token=token, **ANSWERS[self.method])
            self.assertEqual((answer["status"], answer["reason"]), (401, "unauthenticated"))
            return
        error = self.assert_error("forbidden", self.attacker.call, self.method, token=token)
        self.assertEqual(error.message, "the token is not accepted")

    def present(self, token, times):
        for _ in range(times):
            self.refused(token)

    def control(self, option):
        subprocess.run(["callgrind_control", option, str(self.victim.pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def instructions(self, token):
        """Of the thread that ran most, for each request; the least of some runs, since the worker does other
        work now and then."""
        self.present(token, WARM)
        return min(self.run_of(token) for _ in range(RUNS))

    def all_instructions(self, tokens):
        work = {what: self.instructions(token) for what, token in tokens.items()}
        for what, token in tokens.items():
            for _ in range(AGAIN):
                if work[what] <= SPREAD * min(work.values()):
                    break
                work[what] = min(work[what], self.run_of(token))
        return work

    def run_of(self, token):
        self.control("-z")
        self.present(token, COUNTED)
        self.control("-d")
        self.dumps += 1
        found = wait_until(lambda: [match for match in (
            re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.M)
            for path in self.folder.glob(f"out.{self.dumps}-*")) if match], what="a dump of callgrind")
        return max(int(match[1]) for match in found) / COUNTED

    def times(self, tokens):
        """The median for each, in turns."""
        taken = {what: [] for what in tokens}
        for _ in range(500):
            for what, token in tokens.items():
                begin = time.perf_counter()
                self.present(token, 1)
                taken[what].append(time.perf_counter() - begin)
        return {what: statistics.median(all_of) for what, all_of in taken.items()}

    def test_a_refusal_says_nothing_by_its_time(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        if "UNDER_VALGRIND" not in os.environ:
            self.skipTest("with a sanitizer other work is done")
        self.start()
        tokens = self.refusals()
        for self.method in (*ANSWERS, *MANAGES):
            # Another tenant's key is accepted where it manages: its tenant is that of the call.
            asked = {what: token for what, token in tokens.items()
                     if self.method in ANSWERS or what != "another tenant's key"}
            work = self.all_instructions(asked) if VALGRIND else self.times(asked)
            least = min(work.values())
            for what, taken in work.items():
                print(f"# {self.method}, {what}: {taken:.6g}, {taken / least:.3f} of the least", flush=True)
            for what, taken in work.items():
                with self.subTest(self.method, token=what):
                    self.assertLessEqual(taken / least, SPREAD)
                    self.failed(f"presents {what} to {self.method}",
                                f"{taken / least:.3f} of the work of the fastest refusal")


if __name__ == "__main__":
    unittest.main()

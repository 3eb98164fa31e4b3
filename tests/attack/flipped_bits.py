# SPDX-License-Identifier: Apache-2.0
"""Wants to crash the daemon, or to be let in, by a store with damaged pages.

LMDB trusts its pages. Each flip has a fixed seed; AUTHZ_FLIPS=2000 tries more of them.
"""

import json
import os
import random
import shutil
import signal
import struct
import unittest

import attack
import harness

FLIPS = int(os.environ.get("AUTHZ_FLIPS", "120"))
PAGE = 4096
META_PAGE_SIZE = 40  # offset in a meta page

POLICY = """\
environment live prefix a_live_
tree api { /loans { list GET, create POST, /{loan} { read GET, update PUT, delete DELETE } } }
role viewer { allow GET on api:/loans/** }
role clerk inherits viewer { allow create on api:/loans }
"""


class FlippedBits(attack.Attack):
    @classmethod
    def setUpClass(cls):
        """A store with every kind of record, on several levels of pages, and what it answers."""
        super().setUpClass()
        cls.made = harness.Daemon({"a.policy": POLICY})
        cls.addClassCleanup(cls.made.finish)
        cls.secrets = []
        with cls.made.client() as client:
            client.call("tenants.create", id="other")
            for number in range(12):
                client.call("principals.create", id=f"p{number}", name="x" * 200)
                client.call("assignments.create", principal=f"p{number}", role="viewer")
            client.call("roles.create", name="wide", grants=["allow GET on api:/loans/**"])
            for number in range(3):  # on pages of their own
                client.call("principals.create", id=f"large{number}",
                            attributes={f"a{n}": "z" * 250 for n in range(16)})
            calls = [("keys.create", {"principal": f"p{number % 12}", "name": f"key {number}"})
                     for number in range(300)]
            for key in client.call_many(calls):
                cls.secrets.append(key["secret"])
            for key in client.call("keys.list", limit=40)["items"][::2]:
                client.call("keys.revoke", id=key["id"])
        cls.sound = cls.decisions(cls.made)
        cls.made.stop()

    @classmethod
    def decisions(cls, daemon):
        with daemon.client() as client:
            asked = [{"token": secret, "method": method, "path": "/loans/7"}
                     for secret in cls.secrets for method in ("GET", "DELETE")]
            answers = client.call_many([("authorize", params) for params in asked])
        return [not isinstance(answer, harness.Error) and answer["allow"] for answer in answers]

    @staticmethod
    def use(daemon):
        """Reads and changes everything; errors are answers too."""
        calls = [(f"{noun}.list", {"limit": 1000}) for noun in ("keys", "principals", "roles", "tenants")]
        calls += [("audit.list", {}), ("status", {}), ("roles.get", {"name": "wide"})]
        calls += [("audit.verify", {})]
        for number in range(12):
            calls += [("principals.update", {"id": f"p{number}", "name": "y" * (number * 17)}),
                      ("keys.create", {"principal": f"p{number}"})]
        calls += [("principals.delete", {"id": "p3"}), ("roles.delete", {"name": "wide"})]
        with daemon.client() as client:
            client.call_many(calls)

    def copy(self):
        daemon = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(daemon.finish)
        shutil.rmtree(daemon.state)
        shutil.copytree(self.made.state, daemon.state)
        return daemon

    @staticmethod
    def flip(daemon, seed):
        """Flips one bit, half of the time in the first bytes of a page; returns where."""
        choice = random.Random(seed)
        path = daemon.state / "store.mdb"
        size = path.stat().st_size
        at = choice.randrange(size)
        if choice.random() < 0.5:
            at = at // PAGE * PAGE + choice.randrange(64)
        bit = 1 << choice.randrange(8)
        with open(path, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ bit]))
        return at, bit

    def use_until_its_end(self, daemon):
        """How it ended: "served": when it was stopped; "ended": with 1, after it said what is damaged;
        "killed": by a signal, for memory outside of the store."""
        try:
            allowed = self.decisions(daemon)
            extra = [n for n, (now, then) in enumerate(zip(allowed, self.sound)) if now and not then]
            self.assertEqual(extra, [], "allowed what the sound store does not allow")
            self.use(daemon)
            daemon.signal(signal.SIGTERM)
        except (AssertionError, OSError) as error:
            if isinstance(error, AssertionError) and "closed before" not in str(error):
                raise
        status = daemon.wait()
        self.assertIn(status, (0, 1, -signal.SIGSEGV, -signal.SIGABRT), daemon.log())
        if status == 0:
            return "served"
        if status < 0:
            self.assertIn("a fault outside of the store", daemon.log())
            return "killed"
        self.assertIn("the store is damaged", daemon.log())
        self.assertIn("authzcheck store restore", daemon.log())
        return "ended"

    def start(self, daemon):
        """True if it starts; else it refused with the page that is wrong and what to do."""
        try:
            daemon.start()
            return True
        except AssertionError:
            self.assertIsNone(daemon.process, daemon.log())
            status, said = daemon.refuses_to_start()
            self.assertEqual(status, 1, said)
            self.assertRegex(said, "restore|put back")
            return False

    def test_bits_flipped_while_it_does_not_run(self):
        outcomes = dict.fromkeys(("refused", "served", "ended", "killed"), 0)
        for seed in range(FLIPS):
            daemon = self.copy()
            where = self.flip(daemon, f"still {seed}")
            with self.subTest(seed=seed, where=where):
                outcome = self.use_until_its_end(daemon) if self.start(daemon) else "refused"
                outcomes[outcome] += 1
            daemon.finish()
        self.assertGreater(outcomes["refused"], FLIPS // 10, outcomes)
        self.assertEqual(outcomes["ended"] + outcomes["killed"], 0,
                         f"what a start can see it refuses: {outcomes}")
        self.failed(f"flips a bit of the store, {FLIPS} times", outcomes)

    @unittest.skipUnless(os.environ.get("STEP_CLOCK"), "a sanitizer reports what LMDB does by itself")
    def test_bits_flipped_while_it_serves(self):
        outcomes = dict.fromkeys(("served", "ended", "killed"), 0)
        for seed in range(FLIPS // 3):
            daemon = self.copy()
            daemon.start()
            where = self.flip(daemon, f"running {seed}")
            with self.subTest(seed=seed, where=where):
                outcome = self.use_until_its_end(daemon)
                outcomes[outcome] += 1
                if outcome != "served":
                    self.assertFalse(self.start(daemon), "the next start sees it")
            daemon.finish()
        self.failed(f"flips a bit under a daemon that serves, {FLIPS // 3} times", outcomes)

    def test_a_page_size_of_zero(self):
        for page in (0, 1):
            for size in (0, 1, 4095, 4097, 8192, 1 << 31):
                daemon = self.copy()
                with open(daemon.state / "store.mdb", "r+b") as file:
                    file.seek(page * PAGE + META_PAGE_SIZE)
                    file.write(struct.pack("=I", size))
                status, said = daemon.refuses_to_start()
                self.assertEqual(status, 1, said)
                self.assertIn("page", said)
                self.assertIn("authzcheck store restore", said)
                daemon.finish()
        self.failed("lets LMDB divide by a page size of zero", "refused")

    def test_a_file_cut_while_it_serves(self):
        daemon = self.copy()
        daemon.start()
        os.truncate(daemon.state / "store.mdb", 6 * PAGE)
        self.assertEqual(self.use_until_its_end(daemon), "ended")
        self.assertIn("signal=SIGBUS", daemon.log())
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1, said)
        self.assertIn("the file ends before the end of the page", said)
        self.failed("cuts the file under the daemon", "SIGBUS is logged, and the next start refuses")

    def test_an_altered_record_is_named_and_refused(self):
        daemon = self.copy()
        data = (daemon.state / "store.mdb").read_bytes()
        self.assertIn(b"key 250", data)  # the name of a key, in its record and in the trail
        (daemon.state / "store.mdb").write_bytes(data.replace(b"key 250", b"KEY 250"))
        verify = daemon.tool("store", "verify", "--state", daemon.state)
        self.assertEqual(verify.returncode, 1, verify.stdout + verify.stderr)
        self.assertIn("altered", verify.stderr)
        daemon.start()
        daemon.wait_for_log("alarm: a record of the store was altered")
        self.use(daemon)
        self.failed("edits a record", "an alarm names it")

    def test_the_store_can_be_verified(self):
        daemon = self.copy()
        sound = daemon.tool("store", "verify", "--state", daemon.state)
        self.assertEqual(sound.returncode, 0, sound.stderr)
        self.assertIn("sound:", sound.stdout)
        missing = daemon.folder / "missing"
        self.assertEqual(daemon.tool("store", "verify", "--state", missing).returncode, 2)
        self.assertFalse(missing.exists(), "nothing is made")
        before = (daemon.state / "store.mdb").read_bytes()
        daemon.start()
        running = daemon.tool("store", "verify", "--state", daemon.state)
        self.assertEqual(running.returncode, 2, running.stdout)
        self.assertIn(str(daemon.pid), running.stderr)
        daemon.stop()
        for page in range(2, len(before) // PAGE):
            (daemon.state / "store.mdb").write_bytes(
                before[:page * PAGE + 10] + b"\xff" + before[page * PAGE + 11:])  # its flags
            wrong = daemon.tool("--json", "store", "verify", "--state", daemon.state)
            if wrong.returncode == 1:  # else the page is free
                self.assertIn(f"page {page} ", wrong.stderr)
                error = json.loads(wrong.stdout)["error"]
                self.assertEqual(error["code"], "conflict")
                self.assertRegex(error["message"], rf"^the store is not sound: .* page {page} ")
                break
        else:
            self.fail("no page was found wrong")


if __name__ == "__main__":
    unittest.main()

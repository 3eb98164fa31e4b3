# SPDX-License-Identifier: Apache-2.0
"""A broken policy folder does not keep the daemon from starting: it serves the last good policy, and
says so wherever an operator looks."""

import shutil
import unittest

import harness
from harness import wait_until

POLICY = harness.SMALL_POLICY + "\nprincipal bob {\n    role viewer\n}\n"
BROKEN = "role viewer {\n    allow reed on api:/**\n}\n"
OTHER = POLICY + "\nrole another {\n    allow GET on api:/**\n}\n"
READ = {"principal": "bob", "method": "GET", "path": "/loans"}
TESTED = POLICY + 'test "it reads" {\n    as role viewer\n    allow GET api:/loans\n}\n'
PRINCIPAL = POLICY + "\nprincipal ann {\n    role clerk\n}\n"


class Restarting(harness.DaemonTest):
    def kept(self, daemon):
        return daemon.state / "policy.last-good"

    def stopped(self, policy=None):
        """A daemon that was ready once and was stopped."""
        daemon = self.daemon(policy or {"small.policy": POLICY})
        self.revision = daemon.call("policy.status")["revision"]
        daemon.stop()
        return daemon

    def notices(self, daemon, *more):
        """Starts it, and returns the notice that it was ready with."""
        found = []
        receive = harness.select.select

        def watch(reads, *rest):
            ready = receive(reads, *rest)
            if reads[0] in ready[0]:
                found.append(reads[0].recv(4096, harness.socket.MSG_PEEK).decode())
            return ready

        harness.select.select = watch
        try:
            daemon.start(*more)
        finally:
            harness.select.select = receive
        return next(text for text in found if "READY=1" in text)

    def assert_serves_the_last_good(self, daemon, why):
        status = daemon.call("policy.status")
        self.assertEqual(status["revision"], self.revision)
        self.assertFalse(status["ok"])
        self.assertIn(why, status["last_good"]["why"])
        self.assertTrue(daemon.call("authorize", **READ)["allow"])
        shown = daemon.tool("status").stdout
        self.assertIn("the policy folder is broken since the start", shown)
        self.assertIn(why, shown)
        log = daemon.wait_for_log("last good policy answers")
        line = next(line for line in log.splitlines() if "last good policy answers" in line)
        self.assertIn("error", line)
        self.assertIn(why, line)

    def test_a_mistake_in_a_file_leaves_the_last_good_policy(self):
        daemon = self.stopped()
        daemon.write("small.policy", POLICY + BROKEN)
        notice = self.notices(daemon)
        self.assertIn("STATUS=The policy folder is broken; the last good policy answers", notice)
        self.assertIn("small.policy:", notice)
        self.assert_serves_the_last_good(daemon, "small.policy:")

    def test_a_missing_folder_leaves_it_too_and_is_read_when_it_is_back(self):
        daemon = self.stopped()
        away = daemon.folder / "away"
        daemon.policy.rename(away)
        daemon.start()
        self.assert_serves_the_last_good(daemon, "No such file")
        daemon.wait_for_log("the policy folder is broken")
        (away / "small.policy").write_text(OTHER, encoding="utf-8")
        away.rename(daemon.policy)
        wait_until(lambda: daemon.call("policy.status")["ok"], what="the new folder is read")
        status = daemon.call("policy.status")
        self.assertIsNone(status["last_good"])
        self.assertNotEqual(status["revision"], self.revision)
        self.assertNotIn("last good", daemon.tool("status").stdout)

    def test_the_same_policy_put_back_is_no_longer_the_last_good_one(self):
        daemon = self.stopped()
        daemon.write("small.policy", BROKEN)
        daemon.start()
        self.assert_serves_the_last_good(daemon, "small.policy:")
        daemon.replace("small.policy", POLICY)  # in one step: written in place, it could be found empty
        daemon.tool("reload")
        status = daemon.call("policy.status")
        self.assertEqual((status["ok"], status["revision"]), (True, self.revision))
        self.assertIsNone(status["last_good"])
        daemon.wait_for_log(f"info: the policy folder is good again revision={self.revision}")
        self.assertEqual(status["reloads"], 1)
        self.assertGreaterEqual(status["refused"], 1)
        self.assertRegex(daemon.tool("status").stdout, "last reload +done .*; 1 done, [0-9]+ refused")

    def test_a_running_daemon_says_too_that_the_folder_is_good_again(self):
        daemon = self.daemon({"small.policy": POLICY})
        revision = daemon.call("policy.status")["revision"]
        # In one step: written in place, it could be found empty, which is a good policy.
        daemon.replace("small.policy", BROKEN)
        wait_until(lambda: not daemon.call("policy.status")["ok"], what="the mistake is read")
        daemon.replace("small.policy", POLICY)
        daemon.wait_for_log(f"info: the policy folder is good again revision={revision}")
        self.assertEqual(daemon.call("policy.status")["reloads"], 1)
        daemon.tool("reload")
        daemon.wait_for_log("policy unchanged")
        self.assertEqual(daemon.call("policy.status")["reloads"], 1)

    def test_a_policy_that_a_reload_took_is_kept(self):
        daemon = self.daemon({"small.policy": POLICY})
        daemon.replace("small.policy", OTHER)
        daemon.tool("reload")
        self.revision = daemon.call("policy.status")["revision"]
        daemon.replace("small.policy", BROKEN)
        daemon.tool("reload")
        daemon.stop()
        daemon.start()
        self.assert_serves_the_last_good(daemon, "small.policy:")

    def test_a_failing_test_is_a_broken_folder(self):
        daemon = self.stopped({"small.policy": TESTED})
        daemon.write("small.policy", TESTED.replace("allow GET api:/loans", "deny GET api:/loans"))
        daemon.start()
        self.assert_serves_the_last_good(daemon, "small.policy:")

    def test_a_principal_that_the_store_has_too_is_a_broken_folder(self):
        daemon = self.daemon({"small.policy": POLICY})
        daemon.call("principals.create", id="ann")
        self.revision = daemon.call("policy.status")["revision"]
        daemon.stop()
        daemon.write("small.policy", PRINCIPAL)
        daemon.start()
        self.assert_serves_the_last_good(daemon, "is in the store too")

    def test_strict_refuses_to_start(self):
        daemon = self.stopped()
        daemon.write("small.policy", BROKEN)
        status, text = daemon.refuses_to_start("--strict")
        self.assertEqual(status, 1)
        self.assertIn("small.policy:2:", text)
        self.assertNotIn("last good", text)

    def test_a_first_start_has_none_and_leaves_no_store(self):
        daemon = self.daemon({"small.policy": BROKEN}, start=False)
        status, _ = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertFalse((daemon.state / "store.mdb").exists())

    def test_the_file_is_private_and_not_written_again_when_nothing_changed(self):
        daemon = self.stopped()
        before = self.kept(daemon).stat()
        self.assertEqual(before.st_mode & 0o777, 0o600)
        self.assertEqual(list(daemon.state.glob("*.new")), [])
        daemon.start()
        daemon.tool("reload")
        self.assertEqual(self.kept(daemon).stat().st_ino, before.st_ino)

    def refused(self, daemon, why):
        daemon.write("small.policy", BROKEN)
        status, text = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("the last good policy cannot be used", text)
        self.assertIn(why, text)

    def test_a_file_of_which_any_byte_was_changed_is_refused(self):
        daemon = self.stopped()
        whole = self.kept(daemon).read_bytes()
        for at in (0, 20, len(whole) // 2, len(whole) - 40, len(whole) - 1):
            with self.subTest(at=at):
                self.kept(daemon).write_bytes(
                    whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                self.refused(daemon, "was altered, or belongs to another store")
        self.kept(daemon).write_bytes(whole[:-1])
        self.refused(daemon, "was altered, or belongs to another store")
        self.kept(daemon).write_bytes(b"")
        self.refused(daemon, "is not a file that authzd kept")

    def test_a_file_of_another_store_is_refused(self):
        daemon, other = self.stopped(), self.stopped({"small.policy": OTHER})
        shutil.copy(self.kept(other), self.kept(daemon))
        self.refused(daemon, "was altered, or belongs to another store")

    def test_an_older_file_that_was_put_back_is_refused(self):
        daemon = self.daemon({"small.policy": POLICY})
        first = daemon.call("policy.status")["revision"]
        old = self.kept(daemon).read_bytes()
        daemon.replace("small.policy", OTHER)
        daemon.tool("reload")
        second = daemon.call("policy.status")["revision"]
        new = self.kept(daemon).read_bytes()
        daemon.stop()
        self.kept(daemon).write_bytes(old)
        self.refused(daemon, f"has revision {first}, and by the audit trail revision {second} answered last")
        self.kept(daemon).write_bytes(new)
        daemon.start()
        self.assertEqual(daemon.call("policy.status")["revision"], second)

    def test_one_from_before_a_start_with_another_policy_is_refused_too(self):
        daemon = self.stopped()
        old = self.kept(daemon).read_bytes()
        daemon.write("small.policy", OTHER)
        daemon.start()
        second = daemon.call("policy.status")["revision"]
        entry = daemon.call("audit.list")["items"][-1]
        self.assertEqual((entry["action"], entry["actor"]), ("policy.reload", "daemon"))
        # The same policy is not entered again.
        daemon.stop()
        daemon.start()
        self.assertEqual(daemon.call("audit.list")["items"][-1]["sequence"], entry["sequence"])
        daemon.stop()
        self.kept(daemon).write_bytes(old)
        self.refused(daemon, f"revision {second} answered last")

    def test_a_start_enters_its_policy_when_the_trail_names_another_one(self):
        # As it was left by versions that entered no start: kept, and not in the trail.
        daemon = self.daemon({"small.policy": POLICY})
        self.revision = daemon.call("policy.status")["revision"]
        kept = self.kept(daemon).read_bytes()
        daemon.replace("small.policy", OTHER)
        daemon.tool("reload")
        other = daemon.call("policy.status")["revision"]
        daemon.stop()
        self.kept(daemon).write_bytes(kept)
        daemon.write("small.policy", POLICY)
        daemon.start()
        changes = {one["field"]: (one.get("from"), one["to"])
                   for one in daemon.call("audit.list")["items"][-1]["changes"]}
        self.assertEqual(changes["revision"], (other, self.revision))
        daemon.stop()
        daemon.write("small.policy", BROKEN)
        daemon.start()
        self.assert_serves_the_last_good(daemon, "small.policy:")

    def test_a_file_that_another_user_could_have_written_is_refused(self):
        daemon = self.stopped()
        self.kept(daemon).chmod(0o640)
        self.refused(daemon, "must belong to uid")
        self.kept(daemon).chmod(0o600)
        (daemon.folder / "second").hardlink_to(self.kept(daemon))
        self.refused(daemon, "not a regular file with one name")
        self.kept(daemon).unlink()
        self.kept(daemon).symlink_to(daemon.folder / "second")
        self.refused(daemon, "cannot be read")


if __name__ == "__main__":
    unittest.main()

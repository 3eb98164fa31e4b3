# SPDX-License-Identifier: Apache-2.0
"""The trail says with each revision of the policy at which commit its folder was, and what began it."""

import json
import os
import shutil
import signal
import subprocess
import unittest

import harness

ONE = "tree api { /loans { list GET } }\nrole viewer { allow GET on api:/loans }\n"
TWO = ONE + "role other { allow list on api:/loans }\n"
THREE = ONE + "role third { allow list on api:/loans }\n"


class Commits(harness.DaemonTest):
    def setUp(self):
        # What the group may write is not believed.
        self.addCleanup(os.umask, os.umask(0o022))
        self.d = self.daemon({"a.policy": ONE}, start=False)
        (self.d.folder / "authzd.conf").write_text("watch no\n")
        self.d.arguments += ["--config", str(self.d.folder / "authzd.conf")]

    def git(self, *words, at=None):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.d.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "Ann", f"GIT_{who}_EMAIL": "ann@example.com"}
        return subprocess.run(["git", "-C", at or self.d.policy, *words], env=env, check=True,
                              capture_output=True, text=True).stdout.strip()

    def commit(self, text=None, at=None):
        if text is not None:
            self.d.write("a.policy", text)
        self.git("add", "-A", at=at)
        self.git("commit", "-q", "--allow-empty", "-m", "a change", at=at)
        return self.git("rev-parse", "HEAD", at=at)

    def records(self):
        items = self.d.call("audit.list", limit=100)["items"]
        return [item for item in items if item["action"] == "policy.reload"]

    def last(self):
        """The last record's actor, and its changes by their field."""
        record = self.records()[-1]
        return record["actor"], {change["field"]: (change.get("from"), change.get("to"))
                                 for change in record["changes"]}

    def reload(self):
        self.d.call("policy.reload")
        return self.last()[1]["commit"]

    def test_a_request_a_signal_and_the_watch_leave_what_they_are(self):
        self.git("init", "-q", "-b", "main")
        first = self.commit()
        self.d.start()
        self.assertEqual(self.d.call("policy.status")["commit"], first)
        self.assertEqual(self.records(), [])
        before = self.d.call("policy.status")["revision"]
        second = self.commit(TWO)
        after = self.d.call("policy.reload")["revision"]
        self.assertEqual(self.last(), (f"uid:{os.getuid()}", {
            "revision": (before, after), "commit": (first, second), "trigger": (None, "request")}))
        self.assertEqual(self.d.call("policy.status")["commit"], second)
        third = self.commit(THREE)
        self.d.signal(signal.SIGHUP)
        harness.wait_until(lambda: len(self.records()) == 2, what="a second record")
        actor, changes = self.last()
        self.assertEqual((actor, changes["trigger"], changes["commit"]),
                         ("daemon", (None, "signal"), (second, third)))
        self.d.stop()
        (self.d.folder / "authzd.conf").write_text("watch yes\n")
        self.d.start()
        fourth = self.commit(ONE)
        harness.wait_until(lambda: len(self.records()) == 3, what="a third record")
        actor, changes = self.last()
        self.assertEqual((actor, changes["trigger"]), ("daemon", (None, "watch")))
        self.assertIn(changes["commit"][1], (third, fourth))  # the watch may be faster than git

    def test_a_start_with_another_policy_than_before_is_a_record(self):
        self.git("init", "-q", "-b", "main")
        self.commit()
        self.d.start()
        before = self.d.call("policy.status")["revision"]
        self.d.stop()
        self.d.start()
        self.assertEqual(self.records(), [])
        self.d.stop()
        second = self.commit(TWO)
        self.d.start()
        harness.wait_until(self.records, what="a record")
        after = self.d.call("policy.status")["revision"]
        self.assertEqual(self.last(), ("daemon", {
            "revision": (before, after), "commit": (None, second), "trigger": (None, "start")}))
        self.d.stop()
        self.d.start()
        self.assertEqual(len(self.records()), 1)
        self.assertEqual(self.d.tool("log", "--verify").returncode, 0)

    def test_the_tool_shows_it(self):
        self.git("init", "-q", "-b", "main")
        first = self.commit()
        self.d.start()
        second = self.commit(TWO)
        self.assertEqual(self.d.tool("reload").returncode, 0)
        shown = self.d.tool("log", "--wide").stdout
        self.assertIn(f"commit {first} → {second}, trigger request", shown)
        (item,) = json.loads(self.d.tool("log", "--json").stdout)["items"]
        self.assertIn({"field": "commit", "from": first, "to": second}, item["changes"])
        self.assertIn(second, self.d.tool("status").stdout)

    def test_a_change_that_was_not_committed_has_the_commit_that_it_is_based_on(self):
        self.git("init", "-q", "-b", "main")
        first = self.commit()
        self.d.start()
        self.d.write("a.policy", TWO)
        self.assertEqual(self.reload(), (None, first))

    def test_heads_of_all_kinds_are_read(self):
        self.git("init", "-q", "-b", "main")
        first = self.commit()
        self.d.start()
        self.git("checkout", "-q", "-b", "side/branch")
        second = self.commit(TWO)
        self.assertEqual(self.reload(), (first, second))
        self.git("pack-refs", "--all")
        self.git("checkout", "-q", "--detach", "main")
        self.assertEqual(self.reload(), (second, first))
        self.git("checkout", "-q", "side/branch")
        self.assertEqual(self.reload(), (first, second))
        # The branch is packed and has no file of its own.
        self.assertFalse((self.d.policy / ".git" / "refs" / "heads" / "side").exists())

    def test_a_work_tree_around_the_folder_and_a_further_one(self):
        repository = self.d.folder / "repository"
        repository.mkdir()
        shutil.move(self.d.policy, repository / "policy")
        self.d.policy = repository / "policy"
        self.git("init", "-q", "-b", "main", at=repository)
        first = self.commit(at=repository)
        self.d.start()
        second = self.commit(TWO, at=repository)
        self.assertEqual(self.reload(), (first, second))
        # Nothing else around the state folder may be read now, and need not be.
        self.assertNotIn("cannot be removed", self.d.log())
        self.d.stop()
        self.git("worktree", "add", "-q", "-b", "further", self.d.folder / "further", at=repository)
        self.d.policy = self.d.folder / "further" / "policy"
        third = self.commit(THREE, at=self.d.folder / "further")
        # Its folder of git's is in the first work tree, which a confined daemon may not read.
        self.d.start()
        if "a build with a sanitizer" not in self.d.log():  # which is not confined
            self.assertIsNone(self.d.call("policy.status")["commit"])
            self.d.wait_for_log("the commit of the policy is not known",
                                ".authz-revision in the policy folder can say it")
        self.d.stop()
        self.d.start("--no-confinement")
        self.assertEqual(self.d.call("policy.status")["commit"], third)

    def test_an_export_says_it_itself(self):
        self.git("init", "-q", "-b", "main")
        self.d.write(".gitattributes", ".authz-revision export-subst\n")
        self.d.write(".authz-revision", "$Format:%H$\n")
        commit = self.commit(TWO)
        self.d.start()
        self.assertEqual(self.d.call("policy.status")["commit"], commit)  # of the work tree
        self.d.stop()
        archive = self.d.folder / "export.tar"
        self.git("archive", "-o", archive, "HEAD")
        shutil.rmtree(self.d.policy)
        self.d.policy.mkdir()
        subprocess.run(["tar", "-x", "--no-same-permissions", "-f", archive, "-C", self.d.policy], check=True)
        self.d.start()
        self.assertEqual(self.d.call("policy.status")["commit"], commit)
        self.d.write(".authz-revision", "release-7\n")
        self.d.write("a.policy", ONE)
        self.assertEqual(self.reload(), (commit, "release-7"))

    def test_without_a_commit_the_trail_says_none(self):
        self.d.start()
        self.d.write("a.policy", TWO)
        self.d.call("policy.reload")
        self.assertEqual(set(self.last()[1]), {"revision", "trigger"})
        self.assertIsNone(self.d.call("policy.status")["commit"])
        self.assertNotIn("commit of the policy", self.d.log())

    def test_what_others_could_have_written_is_not_believed(self):
        self.git("init", "-q", "-b", "main")
        first = self.commit()
        self.d.start()
        (self.d.policy / ".git" / "HEAD").chmod(0o666)
        self.d.write("a.policy", TWO)
        self.assertEqual(self.reload(), (first, None))
        self.d.wait_for_log("the commit of the policy is not known", "could write it")
        self.d.write("a.policy", ONE)
        self.d.write(".authz-revision", "\x1b[31m\n")
        self.d.call("policy.reload")
        self.assertNotIn("commit", self.last()[1])
        self.d.wait_for_log("its first line is to be a commit")


if __name__ == "__main__":
    unittest.main()

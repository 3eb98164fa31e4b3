# SPDX-License-Identifier: Apache-2.0
"""The hooks for pre-commit and the jobs for GitHub and GitLab, run as they are written."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
import yaml

CI = harness.ROOT / "tools" / "examples" / "ci"
HOOKS = harness.ROOT / ".pre-commit-hooks.yaml"

GOOD = """\
tree api {
    /loans { list GET, create POST }
}

role viewer "Reads loans" {
    allow list on api:/loans
}

role clerk "Writes loans" inherits viewer {
    allow create on api:/loans
}

test "a viewer reads" {
    as role viewer
    allow GET  api:/loans
    deny  POST api:/loans  because role
    as role clerk
    allow POST api:/loans
}
"""
GAIN = GOOD.replace("    allow list on api:/loans\n", "    allow list, create on api:/loans\n").replace(
    "    deny  POST api:/loans  because role\n", "    allow POST api:/loans\n")
LOOSE = GOOD.replace("    allow GET  api", "  allow   GET api")
SUSPICIOUS = GOOD.replace("    allow create on api:/loans\n", "    allow create on api:/**\n")
FAILING = GOOD.replace("    allow GET  api", "    allow PUT  api")


class Repository(unittest.TestCase):
    """A repository whose branch main has GOOD; the work tree is on the branch change."""

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="authz-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.top = self.home / "work"
        (self.top / "policy").mkdir(parents=True)
        beside = Path(harness.AUTHZCHECK).parent
        self.env = {"PATH": f"{beside}:{os.environ['PATH']}", "HOME": str(self.home), "LC_ALL": "C.UTF-8",
                    "GIT_CONFIG_NOSYSTEM": "1", "PRE_COMMIT_HOME": str(self.home / "cache")}
        for who in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{who}_NAME": "Ann", f"GIT_{who}_EMAIL": "ann@example.com"}
        self.git("init", "-q", "-b", "main")
        self.commit(GOOD)
        self.base = self.git("rev-parse", "HEAD")
        self.git("update-ref", "refs/remotes/origin/main", "HEAD")
        self.git("checkout", "-q", "-b", "change")

    def run_in(self, *words, at=None, **env):
        return subprocess.run([str(word) for word in words], cwd=at or self.top, env=self.env | env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=harness.DEADLINE, check=False)

    def git(self, *words, at=None):
        done = self.run_in("git", *words, at=at)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.strip()

    def write(self, text):
        (self.top / "policy" / "a.policy").write_text(text)

    def commit(self, text):
        self.write(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")


@unittest.skipUnless(shutil.which("pre-commit"), "no pre-commit here")
class PreCommit(Repository):
    def setUp(self):
        super().setUp()
        hooks = self.home / "hooks"
        hooks.mkdir()
        shutil.copy(HOOKS, hooks)
        self.git("init", "-q", at=hooks)
        self.git("add", "-A", at=hooks)
        self.git("commit", "-q", "-m", "hooks", at=hooks)
        config = yaml.safe_load((CI / "pre-commit-config.yaml").read_text())
        (source,) = config["repos"]
        source["repo"], source["rev"] = str(hooks), self.git("rev-parse", "HEAD", at=hooks)
        (self.top / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
        self.git("add", "-A")

    def hooks(self, text):
        """Commits a text through the hooks; each hook's outcome, and what was printed."""
        self.write(text)
        self.git("add", "-A")
        done = self.run_in("pre-commit", "run")
        outcomes = dict(re.findall(r"^policy (\w+)\.*(?:\(.*\))?(Passed|Failed|Skipped)$", done.stdout, re.M))
        self.assertEqual(set(outcomes), {"fmt", "lint", "test", "diff"}, done.stdout)
        return {name for name, outcome in outcomes.items() if outcome == "Failed"}, done.stdout

    def test_each_hook_finds_its_mistake(self):
        failed, printed = self.hooks(GOOD + "# a comment\n")
        self.assertEqual(failed, set(), printed)
        failed, printed = self.hooks(LOOSE)
        self.assertEqual(failed, {"fmt"}, printed)
        self.assertIn("files were modified by this hook", printed)
        self.assertEqual((self.top / "policy" / "a.policy").read_text(), GOOD)
        failed, printed = self.hooks(SUSPICIOUS)
        self.assertEqual(failed, {"lint"}, printed)
        failed, printed = self.hooks(FAILING)
        self.assertEqual(failed & {"fmt", "test"}, {"test"}, printed)
        failed, printed = self.hooks(GAIN)
        self.assertNotIn("diff", failed, printed)
        self.assertRegex(printed, r"role viewer\n +\+ .*api:/loans")

    def test_the_first_commit_of_a_folder_passes(self):
        self.git("checkout", "-q", "--orphan", "new")
        failed, printed = self.hooks(GOOD)
        self.assertEqual(failed, set(), printed)

    def test_the_hook_that_only_checks(self):
        (hook,) = [one for one in yaml.safe_load(HOOKS.read_text()) if one["id"] == "authz-policy-fmt-check"]
        self.write(LOOSE)
        done = self.run_in(*hook["entry"].split(), "policy/a.policy")
        self.assertEqual((done.returncode, done.stdout.splitlines()[0]), (1, "policy/a.policy"))
        self.assertEqual((self.top / "policy" / "a.policy").read_text(), LOOSE)


class GitHub(Repository):
    def steps(self, text, labelled=False):
        """The names of the steps that fail with this change, and the summary."""
        self.commit(text)
        summary = self.home / "summary"
        summary.write_text("")
        workflow = yaml.safe_load((CI / "github.yml").read_text())
        failed = []
        for step in workflow["jobs"]["policy"]["steps"]:
            if "run" not in step or step["name"] == "Install authzcheck" or ("if" in step and labelled):
                continue
            done = self.run_in("bash", "-e", "-c", step["run"], GITHUB_BASE_REF="main",
                               GITHUB_STEP_SUMMARY=str(summary))
            if done.returncode != 0:
                failed.append(step["name"])
        return failed, summary.read_text()

    def test_each_step_finds_its_mistake(self):
        gain = "Who gains something has the label policy-gain"
        failed, summary = self.steps(GOOD + "# a comment\n")
        self.assertEqual(failed, [])
        self.assertNotIn("+ ", summary)
        failed, _ = self.steps(LOOSE)
        self.assertEqual(failed, ["The files have the canonical form"])
        failed, _ = self.steps(SUSPICIOUS)
        self.assertEqual(failed, ["Nothing is suspicious"])
        failed, _ = self.steps(FAILING)
        self.assertIn("It compiles, and its tests pass", failed)
        failed, summary = self.steps(GAIN)
        self.assertIn(gain, failed)
        self.assertRegex(summary, r"\+ .*api:/loans")
        self.assertNotIn(gain, self.steps(GAIN, labelled=True)[0])


class GitLab(Repository):
    def job(self, text):
        self.commit(text)
        job = yaml.safe_load((CI / "gitlab.yml").read_text())["policy"]
        self.assertEqual(job["variables"], {"GIT_DEPTH": 0})
        # The runner's shell stops at the first command that fails.
        done = self.run_in("sh", "-e", "-c", "\n".join(job["script"]),
                           CI_MERGE_REQUEST_DIFF_BASE_SHA=self.base)
        return done.returncode, done.stdout

    def test_the_job_finds_mistakes_and_says_what_changes(self):
        self.assertEqual(self.job(GOOD + "# a comment\n")[0], 0)
        for text in (LOOSE, SUSPICIOUS, FAILING):
            self.assertEqual(self.job(text)[0], 1)
        larger = GOOD.replace("inherits viewer {\n", "inherits viewer {\n    allow delete on api:/loans\n").replace(
            "create POST }", "create POST, delete DELETE }")
        status, printed = self.job(larger)
        self.assertEqual(status, 0, printed)
        self.assertIn("+ ", (self.top / "policy-diff.md").read_text())
        self.assertIn("delete", printed)


if __name__ == "__main__":
    unittest.main()

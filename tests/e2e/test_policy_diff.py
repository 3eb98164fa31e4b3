# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy diff: two folders, or revisions of a git repository."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

BEFORE = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
role viewer "Reads" { allow GET on api:/loans }
role clerk inherits viewer { allow create on api:/loans }
"""
# The same policy, written in another way.
REWRITTEN = """\
role clerk { allow GET, POST on api:/loans }
role viewer { allow list on api:/loans }
tree api { /loans { create POST
    list GET
    /{id} { delete DELETE, read GET } } }
"""
AFTER = BEFORE.replace("allow GET on api:/loans }", "allow GET on api:/loans/** }").replace(
    "allow create on api:/loans", "allow delete on api:/loans/{loan}")
DIFFERENCE = """\
role viewer
  + GET api:/loans/{loan}

role clerk
  + GET, DELETE api:/loans/{loan}
  - POST api:/loans

2 differences: 2 may give more, 1 may take away
"""

CONDITIONS = """\
facts {
    resource.status draft | active default active
    context.amount int
}
tree api { /loans { list GET, /{loan} { read GET, approve PUT, delete DELETE } } }
role clerk {
    allow read on api:/loans/{loan} when resource.status is active
    allow approve on api:/loans/{loan} when context.amount <= 500
}
"""
CONDITIONS_DIFFERENCE = """\
fact resource.status
  ! default: active -> draft

role clerk
  - narrower: GET api:/loans/{loan}: when resource.status is active or resource.status absent -> \
when resource.status is active
  + wider: PUT api:/loans/{loan}: when context.amount <= 500 -> when context.amount <= 600

2 differences: 2 may give more, 2 may take away
"""


class Diff(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def diff(self, *words, status=1, cwd=None, path=None, **env):
        env = {**harness.environment(self.folder), "GIT_CONFIG_NOSYSTEM": "1", **env}
        if path is not None:
            env["PATH"] = path
        done = subprocess.run(
            [harness.AUTHZCHECK, "policy", "diff", *(str(word) for word in words)],
            cwd=cwd or self.folder, env=env, capture_output=True, text=True,
            timeout=harness.DEADLINE, check=False)
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}\n{done.stderr}")
        return done


class Folders(Diff):
    def setUp(self):
        super().setUp()
        self.write("before/a.policy", BEFORE)
        self.write("rewritten/a.policy", REWRITTEN)
        self.write("after/a.policy", AFTER)

    def test_it_says_who_gains_and_who_loses(self):
        self.assertEqual(self.diff("before", "after").stdout, DIFFERENCE)

    def test_a_rewriting_prints_nothing(self):
        done = self.diff("before", "rewritten/", status=0)
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        document = json.loads(self.diff("--json", "before", "rewritten", status=0).stdout)
        self.assertEqual((document["differences"], document["total"]), ([], 0))

    def test_fail_on_chooses_what_is_a_failure(self):
        self.write("more/a.policy", BEFORE.replace("on api:/loans }", "on api:/loans/** }", 1))
        for words, status in (((), 1), (("--fail-on", "any"), 1), (("--fail-on", "gain"), 1),
                              (("--fail-on", "loss"), 0)):
            self.diff(*words, "before", "more", status=status)
        self.diff("--fail-on", "gain", "more", "before", status=0)
        self.diff("--fail-on", "loss", "more", "before")
        done = self.diff("--fail-on", "gains", "before", "more", status=2)
        self.assertIn("'gains' is unknown: any, gain or loss", done.stderr)

    def test_json_has_all_of_it(self):
        done = self.diff("--json", "before", "after")
        self.assertEqual(self.diff("--format", "json", "before", "after").stdout, done.stdout)
        document = json.loads(done.stdout)
        self.assertEqual(document["before"]["name"], "before")
        self.assertEqual((document["total"], document["gaining"], document["losing"]), (2, 2, 1))
        self.assertEqual(document["differences"][1], {
            "kind": "role", "name": "clerk", "in": "both", "changes": [
                {"change": "gained", "gain": True, "loss": False, "actions": ["GET", "DELETE"],
                 "pattern": "api:/loans/{loan}", "permissions": 2},
                {"change": "lost", "gain": False, "loss": True, "actions": ["POST"],
                 "pattern": "api:/loans", "permissions": 1}]})

    def test_markdown_is_a_comment_for_a_merge_request(self):
        lines = self.diff("--format", "markdown", "before", "after").stdout.splitlines()
        self.assertEqual(lines[:4], ["**role** `viewer`", "```diff", "+ GET api:/loans/{loan}", "```"])
        self.assertEqual(lines[-1], "**2 differences**: 2 may give more, 1 may take away")
        done = self.diff("--format", "markdown", "before", "rewritten", status=0)
        self.assertEqual(done.stdout, "The policy decides as before.\n")

    def test_markdown_that_is_too_long_for_a_comment_says_so(self):
        tree = "".join(f"/x{i:04} {{ GET }}\n" for i in range(2000))
        roles = "".join(f"role r{i:04} {{ allow GET on api:/x{i:04} }}\n" for i in range(2000))
        self.write("many/a.policy", BEFORE.replace("tree api {", "tree api {" + tree) + roles)
        done = self.diff("--format", "markdown", "before", "many").stdout
        self.assertLess(len(done), 65536)
        shown = done.count("```diff")
        self.assertGreater(shown, 500)
        left_out = re.search(r"^(\d+) differences more, for which a comment has no room", done, re.M)
        self.assertEqual(int(left_out[1]) + shown, 2001)
        self.assertTrue(done.splitlines()[-1].startswith("**2001 differences**"))

    def test_tests_of_the_new_policy_that_fail_are_counted(self):
        test = 'test "%s" {\n    as role viewer\n    %s GET api:/loans\n}\n'
        self.write("rewritten/t.policy", test % ("so", "allow") + test % ("not so", "deny"))
        said = "1 of 2 tests fails: the daemon would refuse "
        self.assertEqual(self.diff("before", "rewritten/").stdout, f"{said}rewritten\n")
        self.diff("--fail-on", "loss", "before", "rewritten")
        self.diff("rewritten", "before", status=0)
        document = json.loads(self.diff("--json", "before", "rewritten").stdout)
        self.assertEqual((document["total"], document["tests"]), (0, {"passed": 1, "failed": 1}))
        self.write("after/t.policy", test % ("not so", "deny") + test % ("nor so", "deny"))
        self.assertEqual(self.diff("before", "after").stdout,
                         DIFFERENCE + "\n2 of 2 tests fail: the daemon would refuse after\n")
        done = self.diff("--format", "markdown", "before", "after").stdout
        self.assertTrue(done.endswith("\n\n**2 of 2 tests fail**: the daemon would refuse this policy\n"))

    def test_conditions_are_compared_by_what_they_allow(self):
        self.write("lower/a.policy", CONDITIONS)
        self.write("written/a.policy", CONDITIONS.replace("<= 500", "< 501").replace(
            "status is active", "status in active").replace("draft | active", "active | draft"))
        self.write("higher/a.policy", CONDITIONS.replace("<= 500", "<= 600").replace(
            "default active", "default draft"))
        self.assertEqual(self.diff("lower", "written", status=0).stdout, "")
        self.assertEqual(self.diff("lower", "higher").stdout, CONDITIONS_DIFFERENCE)
        document = json.loads(self.diff("--json", "--fail-on", "gain", "lower", "higher").stdout)
        self.assertEqual(document["differences"][1]["changes"][1], {
            "change": "wider", "gain": True, "loss": False, "actions": ["PUT"],
            "pattern": "api:/loans/{loan}", "permissions": 1,
            "before": "context.amount <= 500", "after": "context.amount <= 600"})
        lines = self.diff("--format", "markdown", "higher", "lower").stdout.splitlines()
        self.assertIn("- narrower: PUT api:/loans/{loan}: when context.amount <= 600 -> "
                      "when context.amount <= 500", lines)

    def test_those_with_the_same_changes_are_shown_together(self):
        more = "role a inherits viewer\nrole b inherits viewer\nrole c inherits viewer\n"
        self.write("before/b.policy", more)
        self.write("after/b.policy", more)
        done = self.diff("before", "after").stdout
        self.assertIn("roles viewer, a, b, c\n  + GET api:/loans/{loan}\n", done)
        self.assertIn("5 differences: 5 may give more, 1 may take away\n", done)
        done = self.diff("before", "after", "--format", "markdown").stdout
        self.assertIn("**roles** `viewer`, `a`, `b`, `c`\n```diff\n", done)

    def test_an_invalid_policy_is_no_difference(self):
        self.write("broken/a.policy", BEFORE + "role x { allow GTE on api:/** }\n")
        done = self.diff("before", "broken")
        self.assertIn("broken/a.policy:6:16: error: unknown method 'GTE'", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_both_words_are_needed_and_options_are_known(self):
        self.assertIn("needs OLD NEW, or NEW alone with --against", self.diff("before", status=2).stderr)
        self.assertIn("text, markdown or json",
                      self.diff("--format", "html", "before", "after", status=2).stderr)
        self.assertIn("exclude each other",
                      self.diff("--json", "--format", "text", "before", "after", status=2).stderr)
        self.assertIn("it is a file", self.diff("before/a.policy", "after", status=2).stderr)
        self.assertIn("no such folder", self.diff("./none", "after", status=2).stderr)


@unittest.skipUnless(shutil.which("git"), "git is not installed")
class Revisions(Diff):
    def git(self, *words):
        env = {**os.environ, "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1",
               "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
                       cwd=self.folder / "work", env=env, check=True, capture_output=True)

    def setUp(self):
        super().setUp()
        self.work = self.folder / "work"
        self.work.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("work/deploy/policy/a.policy", BEFORE)
        self.write("work/deploy/policy/.hidden.policy", "nonsense\n")
        self.write("work/deploy/policy/README", "no policy\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "one")
        self.git("tag", "first")
        self.write("work/deploy/policy/a.policy", AFTER)
        self.git("commit", "-qam", "two")

    def test_revisions_and_folders_are_compared(self):
        tree = "deploy/policy"
        for words, cwd in ((("HEAD~1:deploy/policy", "HEAD:deploy/policy"), self.work),
                           (("HEAD~1:deploy/policy", tree), self.work),
                           (("HEAD~1", tree), self.work),
                           (("first", "main:deploy/policy/"), self.work),
                           (("HEAD~1", "HEAD"), self.work / tree),
                           (("first", "."), self.work / tree),
                           (("first", self.work / tree), self.folder)):
            with self.subTest(words=words):
                self.assertEqual(self.diff(*words, cwd=cwd).stdout, DIFFERENCE)
        self.assertEqual(self.diff("HEAD", tree, status=0, cwd=self.work).stdout, "")

    def test_what_is_not_committed_is_in_the_folder_alone(self):
        self.write("work/deploy/policy/a.policy", BEFORE)
        done = self.diff("deploy/policy", "HEAD", cwd=self.work)
        self.assertEqual(done.stdout, DIFFERENCE)
        self.assertEqual(self.diff("HEAD~1", "deploy/policy", status=0, cwd=self.work).stdout, "")

    def test_mistakes_of_a_revision_have_their_position(self):
        self.write("work/deploy/policy/a.policy", BEFORE + "role x { allow GTE on api:/** }\n")
        self.git("commit", "-qam", "three")
        done = self.diff("HEAD~1", "HEAD:deploy/policy", cwd=self.work)
        self.assertIn("HEAD:deploy/policy/a.policy:6:16: error: unknown method", done.stderr)

    def test_links_inside_of_the_folder_are_followed(self):
        policy = self.work / "deploy" / "policy"
        (policy / "b").mkdir()
        (policy / "b" / "role.policy").write_text(
            "role more { allow GET on api:/loans }\n", encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", "three")
        shutil.move(policy / "b", policy / "c.d")
        (policy / "c.d" / "role.policy").rename(policy / "c.d" / "role.txt")
        (policy / "linked.policy").symlink_to("c.d/role.txt")
        self.git("add", "-A")
        self.git("commit", "-qm", "four")
        self.assertEqual(self.diff("HEAD~1", "HEAD:deploy/policy", status=0, cwd=self.work).stdout,
                         "")
        self.assertEqual(self.diff("HEAD~1", "deploy/policy", status=0, cwd=self.work).stdout, "")
        (policy / "linked.policy").unlink()
        (policy / "linked.policy").symlink_to("../../../outside.policy")
        self.git("add", "-A")
        self.git("commit", "-qm", "five")
        done = self.diff("HEAD~1", "HEAD:deploy/policy", status=2, cwd=self.work)
        self.assertIn("linked.policy: it is a link that leads out of the policy folder", done.stderr)

    def test_bad_input_is_a_clear_error(self):
        (self.folder / "plain").mkdir()
        for words, cwd, said in (
            (("nope:deploy/policy", "."), self.work, "nope:deploy/policy: git knows no such revision"),
            (("HEAD~9", "deploy/policy"), self.work, "HEAD~9: it is neither a folder nor a revision"),
            (("HEAD:nope", "."), self.work, "HEAD:nope: the revision has no such folder"),
            (("HEAD:deploy/policy/a.policy", "."), self.work, "it is a file: a policy is a folder"),
            (("HEAD:../up", "."), self.work, "'../up' is outside repository"),
            (("HEAD", "../plain"), self.work, "since ../plain is in no git work tree"),
            (("../plain", "../plian"), self.work, "../plian: there is no such folder"),
            (("plain", "plian"), self.folder, "plian: there is no such folder"),
            (("HEAD:x", "."), self.folder / "plain", "no git repository here"),
            ((":x", "."), self.work, "the revision before the colon is missing"),
            (("--", "--upload-pack=x", "."), self.work, "is neither a folder nor a git revision"),
        ):
            with self.subTest(words=words):
                done = self.diff(*words, status=2, cwd=cwd)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")
        done = self.diff("HEAD", "deploy/policy", status=2, cwd=self.work, path="/nonexistent")
        self.assertIn("git is not installed", done.stderr)
        error = json.loads(self.diff("--json", "nope:x", "deploy/policy", status=2,
                                     cwd=self.work).stdout)["error"]
        self.assertEqual(error["code"], "unreadable")

    def test_nothing_is_fetched_by_a_command_that_the_repository_names(self):
        mark = self.folder / "fetched"
        for name, value in (
                ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "origin"),
                ("remote.origin.promisor", "true"), ("protocol.ext.allow", "always"),
                ("remote.origin.url", f"ext::touch {mark}")):
            self.git("config", name, value)
        for name in ("HEAD:deploy/policy/a.policy", "HEAD:deploy/policy"):
            with self.subTest(missing=name):
                found = subprocess.run(["git", "rev-parse", name], cwd=self.work, check=True,
                                       capture_output=True, text=True).stdout.strip()
                (self.work / ".git/objects" / found[:2] / found[2:]).unlink()
                done = self.diff("HEAD", "deploy/policy", cwd=self.work, status=2)
                self.assertIn("this clone lacks objects: complete it by", done.stderr)
                self.assertFalse(mark.exists())

    def test_a_work_tree_of_another_user_is_refused_with_the_way_out(self):
        done = self.diff("HEAD~1", "deploy/policy", status=2, cwd=self.work,
                         GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
        self.assertIn("which is another user's: `git config --global --add safe.directory`",
                      done.stderr)

    def test_a_folder_of_a_revision_may_have_no_policy(self):
        self.write("work/empty/README", "nothing\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "three")
        done = self.diff("HEAD:empty", "deploy/policy", cwd=self.work)
        self.assertIn("HEAD:empty: no *.policy file", done.stderr)


if __name__ == "__main__":
    unittest.main()

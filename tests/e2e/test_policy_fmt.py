# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy fmt: files, folders, standard input, and what it must not touch."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
import people

EXAMPLES = harness.ROOT / "policy" / "examples"

LOOSE = """\
role   viewer{ # of the API
allow GET   on api:/loans
\tdeny POST on api:/loans


}
"""

TIGHT = """\
role viewer {  # of the API
    allow GET  on api:/loans
    deny  POST on api:/loans
}
"""

BROKEN = "role viewer {\n  alow GET on api:/loans\n}\n"


def unread(stat):
    """All but when the file was read last, which a reader may change."""
    return [getattr(stat, name) for name in ("st_ino", "st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns")]


class Fmt(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def fmt(self, *arguments, status=0, **options):
        done = harness.run_tool("policy", "fmt", *arguments, home=self.folder, **options)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def names(self):
        return sorted(path.name for path in self.folder.rglob("*"))

    def test_a_folder_is_rewritten_and_then_stays(self):
        loose, tight = self.write("a/b.policy", LOOSE), self.write("c.policy", TIGHT)
        self.write("notes.txt", LOOSE)
        self.write(".hidden.policy", LOOSE)
        done = self.fmt(self.folder)
        self.assertEqual((done.stdout, done.stderr), (f"{loose}\n", ""))
        self.assertEqual(loose.read_text(), TIGHT)
        self.assertEqual(tight.read_text(), TIGHT)
        self.assertEqual((self.folder / "notes.txt").read_text(), LOOSE)
        self.assertEqual((self.folder / ".hidden.policy").read_text(), LOOSE)
        self.assertEqual(self.fmt(f"{self.folder}/").stdout, "")
        self.assertEqual(self.names(), [".hidden.policy", "a", "b.policy", "c.policy", "notes.txt"])

    def test_the_examples_have_the_canonical_form(self):
        # Not the whole of tools/examples: the links of node_modules lead out of it.
        ours = [path for path in (harness.ROOT / "tools" / "examples").rglob("*.policy")
                if "node_modules" not in path.parts]
        self.assertTrue(ours)
        self.assertEqual(self.fmt("--check", EXAMPLES, *ours).stdout, "")

    def test_the_daemon_loads_the_same_policy_afterwards(self):
        shutil.copytree(EXAMPLES / "loanpro", self.folder / "p")
        for path in (self.folder / "p").iterdir():
            path.write_text(path.read_text().replace("\n    ", "\r\n ").replace("  ", " "))
        self.fmt("--check", self.folder / "p", status=1)
        self.fmt(self.folder / "p")
        for path in (self.folder / "p").iterdir():
            self.assertEqual(path.read_text(), (EXAMPLES / "loanpro" / path.name).read_text())

    def test_check_lists_and_changes_nothing(self):
        loose, tight = self.write("a.policy", LOOSE), self.write("b.policy", TIGHT)
        done = self.fmt("--check", self.folder, status=1)
        self.assertEqual(done.stdout, f"{loose}\n")
        self.assertIn("1 file is not in the canonical form", done.stderr)
        self.assertEqual(loose.read_text(), LOOSE)
        done = self.fmt("--check", tight)
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        answer = json.loads(self.fmt("--check", "--json", self.folder, status=1).stdout)
        self.assertEqual(answer, {"files": [{"file": str(loose), "changed": True},
                                            {"file": str(tight), "changed": False}],
                                  "changed": 1, "diagnostics": []})

    def test_the_name_of_a_file_does_not_act_on_a_terminal(self):
        for name, text, words in (("\x1b[31m.policy", "tree {", ()),
                                  ("\x1b[32m.policy", "tree  a { }\n", ("--check",)),
                                  ("\x1b[33m.policy", "tree  a { }\n", ("--diff",))):
            with self.subTest(words=words):
                done = self.fmt(*words, self.write(name, text), status=1)
                self.assertIn("\\x1b[3", done.stdout + done.stderr)
                self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_diff_is_what_patch_applies(self):
        loose = self.write("a.policy", LOOSE)
        self.write("b.policy", TIGHT)
        done = self.fmt("--diff", self.folder, status=1)
        self.assertEqual(loose.read_text(), LOOSE)
        self.assertNotIn("b.policy", done.stdout)
        subprocess.run(["patch", "-p0", "-s", loose], input=done.stdout, text=True, check=True)
        self.assertEqual(loose.read_text(), TIGHT)
        done = self.fmt("--diff", "-", text=LOOSE, status=1)
        self.assertTrue(done.stdout.startswith("--- -\n+++ -\n@@"), done.stdout)

    def test_standard_input_goes_to_standard_output(self):
        self.assertEqual(self.fmt("-", text=LOOSE).stdout, TIGHT)
        self.assertEqual(self.fmt("-", text="").stdout, "")
        self.assertEqual(self.fmt("--check", "-", text=LOOSE, status=1).stdout, "-\n")
        done = self.fmt("-", text=BROKEN, status=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("-:2:3: error: ", done.stderr)
        answer = json.loads(self.fmt("--json", "-", text=LOOSE).stdout)
        self.assertEqual(answer["files"], [{"file": "-", "changed": True, "text": TIGHT}])
        self.assertIn("given alone", self.fmt("-", self.folder, status=2).stderr)

    def test_a_file_that_does_not_parse_stays_and_the_others_do_not(self):
        broken = self.write("a.policy", BROKEN)
        before = unread(broken.stat())
        loose = self.write("b.policy", LOOSE)
        done = self.fmt(self.folder, status=1)
        self.assertEqual(done.stdout, f"{loose}\n")
        self.assertIn(f"{broken}:2:3: error: expected 'allow' or 'deny', found 'alow'", done.stderr)
        self.assertIn(f"{broken}: 1 error, 0 warnings: it stays as it is", done.stderr)
        self.assertEqual(broken.read_text(), BROKEN)
        self.assertEqual(unread(broken.stat()), before)
        self.assertEqual(loose.read_text(), TIGHT)
        (found,) = json.loads(self.fmt("--json", broken, status=1).stdout)["diagnostics"]
        self.assertEqual((found["file"], found["line"], found["column"]), (str(broken), 2, 3))

    def test_a_warning_that_formatting_would_hide_is_shown(self):
        path = self.write("a.policy", "tree t {\n/a/b{view}\n}\n")
        self.assertIn(f"{path}:2:5: warning: this is a block, not a parameter", self.fmt(path).stderr)
        self.assertEqual(path.read_text(), "tree t {\n    /a/b { view }\n}\n")

    def test_mode_and_owner_are_kept(self):
        path = self.write("a.policy", LOOSE)
        path.chmod(0o640)
        if os.geteuid() == 0:
            os.chown(path, people.STRANGER, 12345)
        before = path.stat()
        self.fmt(path)
        after = path.stat()
        self.assertEqual(path.read_text(), TIGHT)
        self.assertEqual((after.st_uid, after.st_gid, after.st_mode),
                         (before.st_uid, before.st_gid, before.st_mode))
        self.assertEqual(stat.S_IMODE(after.st_mode), 0o640)

    @unittest.skipUnless(os.geteuid() == 0, "gives a file to another user")
    def test_a_file_whose_owner_cannot_be_kept_is_left(self):
        path = self.write("a.policy", LOOSE)
        self.folder.chmod(0o777)
        path.chmod(0o644)
        done = self.fmt(path, status=2, user=people.STRANGER)
        self.assertIn("its owner and mode cannot be kept", done.stderr)
        self.assertEqual(path.read_text(), LOOSE)
        self.folder.chmod(0o755)
        self.assertIn("cannot write beside it", self.fmt(path, status=2, user=people.STRANGER).stderr)
        self.assertEqual(self.names(), ["a.policy"])

    def test_a_link_stays_and_its_file_is_rewritten_once(self):
        path = self.write("sub/a.policy", LOOSE)
        link = self.folder / "link.policy"
        link.symlink_to("sub/a.policy")
        self.assertEqual(self.fmt(self.folder).stdout, f"{link}\n")
        self.assertTrue(link.is_symlink())
        self.assertEqual(path.read_text(), TIGHT)
        path.write_text(LOOSE)
        self.fmt(link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(path.read_text(), TIGHT)

    def test_hard_links_and_what_is_not_a_file_are_refused(self):
        path = self.write("a.policy", LOOSE)
        os.link(path, self.folder / "b.policy")
        self.assertIn("hard links", self.fmt(path, status=2).stderr)
        self.assertEqual(path.read_text(), LOOSE)
        os.mkfifo(self.folder / "pipe")
        self.assertIn("not a regular file", self.fmt(self.folder / "pipe", status=2).stderr)
        self.assertIn("No such file", self.fmt(self.folder / "none", status=2).stderr)
        (self.folder / "empty").mkdir()
        self.assertIn("no *.policy file", self.fmt(self.folder / "empty", status=1).stderr)

    def test_a_file_that_cannot_be_read_does_not_stop_the_others(self):
        path = self.write("a.policy", LOOSE)
        done = self.fmt(self.folder / "none", path, status=2)
        self.assertEqual(done.stdout, f"{path}\n")
        self.assertEqual(path.read_text(), TIGHT)

    def test_many_files_may_be_named(self):
        paths = [self.write(f"{number}.policy", LOOSE) for number in range(300)]
        self.assertEqual(self.fmt(*paths).stdout, "".join(f"{path}\n" for path in paths))

    def test_the_largest_file_is_read_and_a_larger_one_refused(self):
        path = self.write("a.policy", "# " + "x" * ((8 << 20) - 2))
        self.assertIn("would be larger than 8 MiB", self.fmt(path, status=1).stderr)
        path = self.write("a.policy", "# " + "x" * ((8 << 20) - 3))
        self.fmt(path)
        self.assertEqual(path.stat().st_size, 8 << 20)
        path.write_text(path.read_text() + "x")
        self.assertIn("larger than 8 MiB", self.fmt(path, status=2).stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""tools/check-words on trees with one bad word each, and on texts that only look like one."""

import subprocess
import tempfile
import unittest
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "tools" / "check-words"

# (title, file, text, the first words of the report)
BAD = (
    ("in a comment", "client/a.c", "int a; /* Whoever asks. */\n", "client/a.c:1: Whoever: say "),
    ("in a line comment", "client/a.c", "int a;\n// anew\n", "client/a.c:2: anew: say again"),
    ("in a long comment", "client/a.h", "/*\n * This is\n * what he\n * does.\n */\n", "client/a.h:3: he: "),
    ("over a line's end", "client/a.c", "/* At most so\n * many. */\n", "client/a.c:1: so many: "),
    ("over two strings", "client/a.c", 'char *a = "so "\n\t"many";\n', "client/a.c:1: so many: "),
    ("in a string", "client/a.c", 'char *a = "a\\tlikewise";\n', "client/a.c:1: likewise: "),
    ("after a quoted character", "client/a.c", "char a = '\"'; /* told */\n", "client/a.c:1: told: "),
    ("in the name of a test", "tests/client/a.c", "Test(a, it_is_told)\n", "tests/client/a.c:1: told: "),
    ("in a docstring", "tests/e2e/a.py", 'def a():\n    """Plain.\n\n    It tells.\n    """\n',
     "tests/e2e/a.py:4: tells: "),
    ("in a comment of Python", "tests/e2e/a.py", "a = 1  # of late\n", "tests/e2e/a.py:1: of late: "),
    ("in a method's name", "tests/e2e/a.py", "def test_what_he_does():\n    pass\n", "tests/e2e/a.py:1: he: "),
    ("in a manual", "README.md", "# Title\n\nThe time\nbehind it.\n", "README.md:4: behind: say after"),
    ("in a script", "tests/bench/a", "#!/bin/sh\n# but for this\n", "tests/bench/a:2: but for: say except"),
    ("in a policy's comment", "policy/examples/a.policy", "tree a { } # him\n",
     "policy/examples/a.policy:1: him: "),
    ("in a test of a policy", "policy/examples/a.policy", 'test "his own" {\n}\n',
     "policy/examples/a.policy:1: his: "),
    ("that is no thing", "client/a.c", "/* A text that is no number. */\n", "client/a.c:1: that is no number: "),
    ("it is none", "client/a.h", "/* False: it is none. */\n", "client/a.h:1: it is none: say is not one"),
    ("no number", "client/a.h", "/* A host that was silent for so long. */\n", "client/a.h:1: for so long: "),
    ("no memory", "client/a.h", "/* NULL: memory is out. */\n", "client/a.h:1: memory is out: "),
)
GOOD = (
    ("code", "client/a.c", "int told, he, behind = 1;\n"),
    ("part of a word", "client/a.c", "/* the this other history they toldyou */\n"),
    ("a part of a name", "client/a.c", "/* see so_many, he-man and daemon/behind */\n"),
    ("code of Python", "tests/e2e/a.py", "told = [he for he in range(3)]\n"),
    ("a name in a policy", "policy/examples/a.policy", "role whoever { }\n"),
    ("none of several, and no longer", "client/a.c", "/* it is none of these, that is no longer so */\n"),
    ("Python's None", "tests/e2e/a.py", "a = 1  # that is None\n"),
    ("bytes that are not text", "client/a", b"\xff whoever"),
)


class CheckWords(unittest.TestCase):
    def check(self, name, text, *arguments):
        with tempfile.TemporaryDirectory(prefix="words-") as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            return subprocess.run([str(CHECK), "--root", folder, *arguments], capture_output=True,
                                  text=True, check=False)

    def test_each_bad_word_is_reported_with_its_line(self):
        for title, name, text, report in BAD:
            with self.subTest(title):
                done = self.check(name, text)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                found = [line[4:] for line in done.stdout.splitlines() if line.startswith("#   ")]
                self.assertEqual(len(found), 1, done.stdout)
                self.assertTrue(found[0].startswith(report), found)

    def test_other_text_is_not(self):
        for title, name, text in GOOD:
            with self.subTest(title):
                done = self.check(name, text)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertNotIn("not ok", done.stdout)

    def test_only_the_folders_that_are_named_are_checked(self):
        text = "/* Whoever tells. */\n"
        self.assertEqual(self.check("daemon/store/a.c", text, "policy").returncode, 0)
        done = self.check("daemon/store/a.c", text, "daemon")
        self.assertEqual(done.returncode, 1)
        self.assertIn("daemon/store/a.c:1: tells: ", done.stdout)


if __name__ == "__main__":
    unittest.main()

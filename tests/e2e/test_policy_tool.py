# SPDX-License-Identifier: Apache-2.0
"""authzcheck without a daemon: the policy commands, usage, help and completion."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
import people

EXAMPLES = harness.ROOT / "policy" / "examples"

# Five errors of five kinds, in two files and a folder.
MISTAKES = {
    "a.policy": """\
tree api {
	/loans { list GTE, create POST }
}
role viewer inherits viewr {
	allow list on api:/loans
}
""",
    "b/c.policy": """\
role viewer { allow create on api:/loans }
role clerk {
	allow creat on api:/loans
}
stack api {
	authenticate required kye
	authorize required role
}
stack other {
	authenticate required deny
	authorize required deny
}
""",
}

DIAGNOSTICS = """\
{0}/a.policy:2:16: error: unknown method 'GTE': did you mean 'GET'?
	/loans {{ list GTE, create POST }}
	              ^
{0}/a.policy:4:22: error: unknown role 'viewr': did you mean 'viewer'?
role viewer inherits viewr {{
                     ^
{0}/b/c.policy:1:6: error: role 'viewer' is declared twice
role viewer {{ allow create on api:/loans }}
     ^
{0}/a.policy:4:6: note: role 'viewer' is declared here
role viewer inherits viewr {{
     ^
{0}/b/c.policy:3:8: error: unknown action 'creat': did you mean 'create'?
	allow creat on api:/loans
	      ^
{0}/b/c.policy:6:24: error: unknown module 'kye': did you mean 'key'?
	authenticate required kye
	                      ^
authzcheck: {0}: 5 errors, 0 warnings
"""

ANNOTATIONS = """\
::error file={0}/a.policy,line=2,col=16::unknown method 'GTE': did you mean 'GET'?
::error file={0}/a.policy,line=4,col=22::unknown role 'viewr': did you mean 'viewer'?
::error file={0}/b/c.policy,line=1,col=6::role 'viewer' is declared twice%0A{0}/a.policy:4:6: note: role 'viewer' is declared here
::error file={0}/b/c.policy,line=3,col=8::unknown action 'creat': did you mean 'create'?
::error file={0}/b/c.policy,line=6,col=24::unknown module 'kye': did you mean 'key'?
"""

FAILING = harness.SMALL_POLICY + """
test "passes" {
    as role viewer
    allow GET api:/loans
}
test "fails" {
    as role viewer
    allow POST api:/loans
}
"""


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def tool(self, *arguments, status=0, text=None, env=None, user=None):
        done = harness.run_tool(*arguments, text=text, env=env, home=self.folder, user=user)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done


class PolicyCheck(Folder):
    def test_every_mistake_is_reported_with_its_position(self):
        self.write(MISTAKES)
        done = self.tool("policy", "check", self.folder, status=1)
        self.assertEqual(done.stderr, DIAGNOSTICS.format(self.folder))
        self.assertEqual(done.stdout, "")

    def test_stacks_without_other_are_warned_about(self):
        policy = ("tree api { /a { GET } }\nstack office {\n    authenticate required key\n"
                  "    account required network allow=10.0.0.0/8\n    authorize required role\n}\n")
        self.write({"a.policy": policy})
        (warning,) = json.loads(self.tool("policy", "check", "--json", self.folder).stdout)[
            "diagnostics"]
        self.assertEqual((warning["severity"], warning["line"], warning["column"]),
                         ("warning", 2, 7))
        for part in ("no stack is called 'other'", "names no service", "declare 'other'"):
            self.assertIn(part, warning["message"])
        other = "stack other {\n    authenticate required deny\n    authorize required deny\n}\n"
        self.write({"b.policy": other})
        self.assertEqual(self.tool("policy", "check", self.folder).stderr, "")

    def test_annotations_have_the_form_that_workflows_read(self):
        self.write(MISTAKES)
        done = self.tool("policy", "check", "--format", "github", self.folder, status=1)
        self.assertEqual(done.stdout, ANNOTATIONS.format(self.folder))

    def test_json_has_the_same_diagnostics(self):
        self.write(MISTAKES)
        answer = json.loads(self.tool("policy", "check", "--json", self.folder, status=1).stdout)
        self.assertIs(answer["valid"], False)
        places = [(Path(d["file"]).name, d["line"], d["column"]) for d in answer["diagnostics"]]
        self.assertEqual(
            places, [("a.policy", 2, 16), ("a.policy", 4, 22), ("c.policy", 1, 6),
                     ("c.policy", 3, 8), ("c.policy", 6, 24)])
        self.assertEqual(answer["diagnostics"][2]["notes"][0]["line"], 4)

    def test_the_examples_are_sound_and_say_so(self):
        for name in ("lendiq", "loanpro", "loop"):
            done = self.tool("policy", "check", EXAMPLES / name)
            self.assertIn(": ok, revision ", done.stdout)
            self.assertEqual(done.stderr, "")
            answer = json.loads(self.tool("--json", "policy", "check", EXAMPLES / name).stdout)
            self.assertIs(answer["valid"], True)
            self.assertEqual(answer["tests"]["failed"], 0)
            self.assertIn(answer["revision"], done.stdout)

    def test_the_revision_does_not_depend_on_where_the_folder_lies(self):
        shutil.copytree(EXAMPLES / "loanpro", self.folder / "copy")
        revisions = {
            json.loads(self.tool("policy", "check", "--json", path).stdout)["revision"]
            for path in (EXAMPLES / "loanpro", self.folder / "copy", f"{self.folder}/copy/")
        }
        self.assertEqual(len(revisions), 1)

    def test_a_failing_test_makes_the_policy_invalid(self):
        self.write({"a.policy": FAILING})
        done = self.tool("policy", "check", self.folder, status=1)
        self.assertIn(f"{self.folder}/a.policy:", done.stderr)
        self.assertIn("error:", done.stderr)

    def test_source_lines_cannot_act_on_a_terminal(self):
        self.write({"a.policy": "role \x1b[31mred { }\n"})
        done = self.tool("policy", "check", self.folder, status=1)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertIn(f"{self.folder}/a.policy:1:6: error:", done.stderr)

    def test_the_name_of_a_folder_cannot_act_on_a_terminal(self):
        self.write({"\x1b[31mred/a.policy": "role {\n"})
        for words in (("policy", "check"), ("policy", "show")):
            with self.subTest(words=words):
                done = self.tool(*words, self.folder / "\x1b[31mred", status=1)
                self.assertNotIn("\x1b", done.stdout + done.stderr)


class PolicyTest(Folder):
    def test_the_last_line_counts(self):
        self.write({"a.policy": FAILING})
        done = self.tool("policy", "test", self.folder, status=1)
        self.assertEqual(done.stdout, "1 passed, 1 failed\n")
        self.assertIn("a.policy:19:16: error:", done.stderr)

    def test_verbose_gives_each_test_a_line_and_a_failure_its_story(self):
        self.write({"a.policy": FAILING})
        done = self.tool("policy", "test", "-v", self.folder, status=1)
        told = done.stdout.splitlines()
        self.assertEqual(
            told[:3] + told[-1:],
            [f"ok      passes  ({self.folder}/a.policy:13)",
             f"FAILED  fails  ({self.folder}/a.policy:17)",
             "        expected allow for POST api:/loans, got deny because role",
             "1 passed, 1 failed"])
        self.assertIn("        authorize: failed, role", told)
        self.assertIn("        role clerk would allow it", told)
        place = [line.split()[-1] for line in told if "allow create on api:/loans" in line]
        self.assertEqual(place, [f"{self.folder}/a.policy:10"])

    def test_a_failure_notes_the_rules_that_were_why(self):
        self.write({"a.policy": FAILING})
        done = self.tool("policy", "check", self.folder, status=1)
        self.assertIn(f"{self.folder}/a.policy:10:5: note: role clerk would allow it", done.stderr)

    def test_json_lists_them(self):
        self.write({"a.policy": FAILING})
        answer = json.loads(self.tool("policy", "test", "--json", self.folder, status=1).stdout)
        self.assertEqual([(t["name"], t["passed"]) for t in answer["tests"]],
                         [("passes", True), ("fails", False)])
        self.assertEqual((answer["passed"], answer["failed"]), (1, 1))


class Reading(Folder):
    def test_dot_names_are_skipped_and_links_inside_followed(self):
        self.write({"real/a.policy": harness.SMALL_POLICY, ".hidden/b.policy": "nonsense",
                    ".c.policy": "nonsense", "notes.txt": "nonsense"})
        (self.folder / "policy").mkdir()
        os.rename(self.folder / "real", self.folder / "policy" / ".data")
        os.symlink(".data/a.policy", self.folder / "policy" / "a.policy")
        self.tool("policy", "check", self.folder / "policy")

    def test_unreadable_files_are_reported(self):
        self.write({"p/a.policy": harness.SMALL_POLICY})
        folder = self.folder / "p"
        cases = [
            (lambda: os.symlink("/etc/hostname", folder / "out.policy"), "leads out of"),
            (lambda: os.symlink("/etc", folder / "out.policy"), "leads out of"),
            (lambda: os.symlink(folder / "a.policy", folder / "out.policy"), "make it relative"),
            (lambda: os.symlink("nowhere", folder / "out.policy"), "cannot be opened: No such file"),
            (lambda: os.symlink(".", folder / "out.policy"), "does a link lead in a circle?"),
            (lambda: os.mkfifo(folder / "out.policy"), "not a regular file"),
        ]
        for make, message in cases:
            make()
            done = self.tool("policy", "check", folder, status=2)
            self.assertIn(f"{folder}/out.policy", done.stderr)
            self.assertIn(message, done.stderr)
            (folder / "out.policy").unlink()
        self.tool("policy", "check", folder)

    @unittest.skipIf(os.geteuid() != 0, "only root can be another user")
    def test_a_folder_below_that_cannot_be_listed_is_said(self):
        self.write({"p/a.policy": harness.SMALL_POLICY, "p/sub/b.policy": "nonsense"})
        self.folder.chmod(0o711)
        (self.folder / "p" / "sub").chmod(0o700)
        with people.as_user():
            if not os.access(harness.AUTHZCHECK, os.X_OK, effective_ids=True):
                self.skipTest("the tool lies where other users cannot reach it")
        done = self.tool("policy", "check", self.folder / "p", status=2, user=people.STRANGER)
        self.assertIn(f"{self.folder}/p/sub cannot be opened: Permission denied", done.stderr)

    def test_too_much_is_refused(self):
        with open(self.folder / "big.policy", "wb") as big:
            big.truncate(8 * 1024 * 1024 + 1)
        done = self.tool("policy", "check", self.folder, status=2)
        self.assertIn("8 MiB", done.stderr)

    def test_no_folder_and_no_policy_are_said(self):
        self.write({"a.txt": ""})
        self.assertIn("no *.policy file",
                      self.tool("policy", "check", self.folder, status=1).stderr)
        self.assertIn("No such file",
                      self.tool("policy", "check", self.folder / "x", status=2).stderr)
        self.assertIn("Not a directory",
                      self.tool("policy", "check", self.folder / "a.txt", status=2).stderr)


class Pattern(Folder):
    TOKEN = "liq_live_1AbCdEfGhIj0_" + "x" * 32 + "0a1B2c"

    def test_it_finds_keys_and_nothing_like_them(self):
        general = self.tool("key", "pattern").stdout.strip()
        own = self.tool("key", "pattern", EXAMPLES / "lendiq").stdout.strip()
        other = self.TOKEN.replace("liq_live_", "sk_")
        for pattern, found, missed in ((general, [self.TOKEN, other], []),
                                       (own, [self.TOKEN], [other])):
            for token in found:
                text = f"key = '{token}'."
                self.assertEqual(re.search(pattern, text).group(), token)
                done = subprocess.run(["grep", "-Eo", pattern], input=text, text=True,
                                      capture_output=True, check=False)
                self.assertEqual(done.stdout.strip(), token)
            for token in [*missed, self.TOKEN[:-1], self.TOKEN + "x", self.TOKEN[10:]]:
                self.assertIsNone(re.search(pattern, token), token)

    def test_a_rule_for_gitleaks(self):
        done = self.tool("key", "pattern", "--format", "gitleaks")
        self.assertIn("[[rules]]", done.stdout)
        self.assertIn("regex = '''", done.stdout)


def commands(tool):
    """Every subcommand that the help lists."""
    lines = tool("--help").stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    return [re.split("  +", line.strip())[0] for line in lines]


class Usage(Folder):
    def test_help_is_a_command_as_well(self):
        for words in ((), ("key",), ("key", "create"), ("check",), ("help",)):
            asked = self.tool("help", *words)
            self.assertEqual(asked.returncode, 0, asked.stderr)
            self.assertEqual(asked.stdout, self.tool(*words, "--help").stdout, words)
            self.assertEqual(asked.stdout, self.tool("--help", *words).stdout, words)
        for words, expected in ((("kee",), "unknown command 'kee': did you mean 'key'?"),
                                (("kee", "list"), "unknown command 'kee'"),
                                (("key", "lst"), "'key lst': did you mean 'list'?"),
                                (("check", "list"), "unknown command 'check list'")):
            done = self.tool("help", *words, status=2)
            self.assertIn(expected, done.stderr)

    def test_one_of_a_thing_is_not_many(self):
        self.write({"a.policy": "tree api { / { GET } }\nrole one { allow GET on api:/ }\n"
                                "principal p { role one }\n"})
        self.assertIn("2 trees, 15 nodes, 1 role, 0 scopes, 1 principal, 0 stacks; 0 tests passed\n",
                      self.tool("policy", "check", self.folder).stdout)

    def test_a_mistake_before_json_is_said_in_json(self):
        for words, expected in ((("policy", "nono", "--json"), "unknown command 'policy nono'"),
                                (("nono", "--json"), "unknown command 'nono'"),
                                (("--josn", "policy", "--json"), "did you mean '--json'?"),
                                (("policy", "diff", "--nono", "a", "--json"), "'--nono'")):
            done = self.tool(*words, status=2)
            self.assertIn(expected, done.stderr)
            error = json.loads(done.stdout)["error"]
            self.assertEqual(error["code"], "usage")
            self.assertEqual(f"authzcheck: {error['message']}\n", done.stderr)
        self.assertEqual(self.tool("policy", "nono", "--", "--json", status=2).stdout, "")

    def test_usage_errors_are_2_and_say_what_to_do(self):
        cases = [
            ([], "usage:"),
            (["key"], "usage:"),
            (["chekc"], "did you mean 'check'?"),
            (["key", "creat"], "did you mean 'create'?"),
            (["bench"], "unknown command 'bench'"),
            (["roles", "create"], "unknown command 'roles'"),
            (["role", "create"], "needs NAME"),
            (["policy", "guess"], "unknown command 'policy guess'"),
            (["policy", "dif"], "unknown command 'policy dif'"),
            (["key", "frobnicate"], "unknown command 'key frobnicate'"),
            (["status", "--jsno"], "did you mean '--json'?"),
            (["check", "--explian", "GET", "/x"], "did you mean '--explain'?"),
            (["check", "GET"], "needs METHOD PATH"),
            (["check", "GET", "loans"], "neither a path"),
            (["check", "GET", "/a", "/b"], "unexpected argument '/b'"),
            (["check", "GET", "/a", "--time", "soon"], "want RFC 3339"),
            (["check", "GET", "/a", "--timeout", "0"], "--timeout"),
            (["check", "GET", "/a", "--token", "x", "--token-file", "y"], "exclude"),
            (["check", "GET", "/a", "--token-file", "/nonexistent"], "No such file"),
            (["check", "GET", "/a", "--token-file", "/dev/null"], "empty"),
            (["can"], "for whom?"),
            (["can", "--principal", "p", "/loans"], "want TREE"),
            (["key", "create"], "bound to what?"),
            (["key", "create", "--principal", "p", "--role", "r"], "exclude"),
            (["key", "create", "--role", "r", "--expires-in", "soon"], "want a number"),
            (["key", "create", "--role", "r", "--expires-in", "0d"], "want a number above 0 and a unit"),
            (["key", "create", "--role", "a,,b"], "empty item"),
            (["key", "edit", "k"], "nothing to change"),
            (["key", "show"], "needs KEY"),
            (["principal", "edit", "p"], "nothing to change"),
            (["principal", "create", "p", "--api-access", "maybe"], "yes or no"),
            (["principal", "create", "p", "--attribute", "x"], "NAME=TEXT"),
            (["assign", "p"], "needs PRINCIPAL ROLE"),
            (["policy", "check", "--format", "xml", "."], "unknown: text, github or json"),
            (["policy", "show", "--role", "clrek", EXAMPLES / "loanpro"], "unknown role"),
            (["policy", "show", "--role", "a", "--role", "b", "."], "given twice"),
            (["policy", "show", "--tree", "nope", EXAMPLES / "loanpro"], "unknown tree"),
        ]
        for arguments, message in cases:
            done = self.tool(*arguments, status=2)
            self.assertIn(message, done.stderr, arguments)
            self.assertEqual(done.stdout, "", arguments)

    def test_an_error_with_json_is_one_document(self):
        done = self.tool("--json", "key", "edit", "k", status=2)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "usage")

    def test_without_a_daemon_it_is_3(self):
        for arguments in (["status"], ["reload"], ["key", "list"], ["key", "show", "k"],
                          ["check", "GET", "/"], ["can", "--principal", "p"]):
            done = self.tool("--socket", self.folder / "none.sock", *arguments, status=3)
            self.assertIn("is authzd running?", done.stderr)
        done = self.tool("--json", "--socket", self.folder / "none.sock", "status", status=3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "unavailable")

    def test_a_full_disk_under_standard_output_is_a_failure(self):
        other = self.folder / "other"
        other.mkdir()
        (other / "a.policy").write_text("tree api { /a { GET } }\n", encoding="utf-8")
        # The last would end with 1: a caller would take what it got for all of it.
        for words in (["key", "pattern"], ["policy", "diff", EXAMPLES / "loop", other]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([harness.AUTHZCHECK, *words], stdout=full,
                                      stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 2, words)

    def test_every_command_has_help_with_examples_and_no_secret(self):
        names = commands(self.tool)
        self.assertIn("policy check", names)
        for name in names:
            text = self.tool(*name.split(), "--help").stdout
            self.assertTrue(text.startswith(f"usage: authzcheck {name}"), text)
            examples = text.split("Examples:\n")[1]
            self.assertIn(f"authzcheck {name}", examples)
            self.assertNotRegex(examples, r"--token [^-]")
            self.assertEqual(self.tool(*name.split(), "-h").stdout, text)

    def test_all_tenants_are_offered_only_where_they_can_be_named(self):
        text = "or '*' for all of them"
        for name in (["key", "list"], ["key", "audit"], ["key", "disable"], ["log"]):
            self.assertIn(text, self.tool(*name, "--help").stdout, name)
        for name in (["key", "create"], ["check"], ["role", "create"], ["principal", "list"]):
            self.assertNotIn(text, self.tool(*name, "--help").stdout, name)

    def test_the_man_page_describes_every_command_and_option(self):
        page = (harness.ROOT / "tools" / "authzcheck.1.scd").read_text(encoding="utf-8")
        plain = page.replace("*", "").replace("_", "")
        for name in commands(self.tool):
            self.assertIn(name, plain)
            text = self.tool(*name.split(), "--help").stdout
            for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", text, re.MULTILINE):
                if option != "--verbose":
                    self.assertIn(option, plain, name)

    def test_the_help_and_the_man_page_name_every_row_of_status(self):
        source = (harness.ROOT / "tools" / "commands" / "status.c").read_text(encoding="utf-8")
        rows = re.findall(r'row\(app, "([a-z ]+)"', source)
        self.assertGreater(len(rows), 15)
        page = (harness.ROOT / "tools" / "authzcheck.1.scd").read_text(encoding="utf-8")
        page = " ".join(page.split("\n*status*\n")[1].split("\n# ")[0].split())
        for row in rows:
            self.assertRegex(self.tool("status", "--help").stdout, rf"(?m)^  {row}  ")
            self.assertIn(f"*{row}*", page)

    def test_the_version_is_printed(self):
        self.assertRegex(self.tool("--version").stdout, r"^authzcheck \d+\.\d+\.\d+\n$")


@unittest.skipUnless(shutil.which("bash"), "no bash here")
class Completion(Folder):
    def complete(self, *words):
        script = (
            'source "$1"; shift; COMP_WORDS=("$@"); COMP_LINE="$*"; COMP_CWORD=$(($# - 1)); _authzcheck; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        env = {**os.environ, "PATH": f"{Path(harness.AUTHZCHECK).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script, "bash", harness.ROOT / "tools" / "authzcheck.bash", *words],
            capture_output=True, text=True, env=env, cwd=self.folder, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_commands_options_and_folders(self):
        (self.folder / "policies").mkdir()
        cases = [
            (["authzcheck", "pr"], ["principal"]),
            (["authzcheck", "key", "rev"], ["revoke"]),
            (["authzcheck", "--socket", "/s", "--json", "key", "pa"], ["pattern"]),
            (["authzcheck", "key", "create", "--exp"], ["--expires-in", "--expires-at"]),
            (["authzcheck", "--js"], ["--json"]),
            (["authzcheck", "--se"], ["--server-user"]),
            (["authzcheck", "--server-user", "roo"], ["root"]),
            (["authzcheck", "--server-user", "root", "rel"], ["reload"]),
            (["authzcheck", "policy", "check", "pol"], ["policies"]),
            (["authzcheck", "policy", "check", "--format", "g"], ["github"]),
            (["authzcheck", "policy", "test", "--format", "j"], ["junit", "json"]),
            (["authzcheck", "policy", "mut"], ["mutate"]),
            (["authzcheck", "policy", "mutate", "--jo"], ["--jobs"]),
            (["authzcheck", "policy", "show", "--ht"], ["--html"]),
            (["authzcheck", "key", "list", "--status", "in"], ["inactive"]),
            (["authzcheck", "status", ""], []),
            (["authzcheck", "policy", "show", "--role", "pol"], []),
        ]
        for words, expected in cases:
            self.assertEqual(self.complete(*words), expected, words)
        top = self.complete("authzcheck", "")
        self.assertEqual(set(top), {name.split()[0] for name in commands(self.tool)})


if __name__ == "__main__":
    unittest.main()

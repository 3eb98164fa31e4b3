# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy lint: what is found, how it is shown, and how it is silenced."""

import json
import re
import unittest

import harness
from test_policy_tool import EXAMPLES, Folder

TOOL_EXAMPLES = harness.ROOT / "tools" / "examples"

POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
role viewer { allow GET on api:/loans/** }
role clerk inherits viewer {
    allow GET on api:/loans
    allow create on api:/loans
    allow GET on api:/loans/{loan}    # lint: allow rule-inherited said again for readers
}
role admin { allow all on api:/** }
test "a clerk creates" {
    as role clerk, admin
    allow POST api:/loans
}
"""

FOUND = """\
{0}/p.policy:6:5: warning: what role 'clerk' inherits allows all of this already: remove the rule [rule-inherited]
    allow GET on api:/loans
    ^
{0}/p.policy:4:6: note: by role 'viewer'
role viewer {{ allow GET on api:/loans/** }}
     ^
{0}/p.policy:10:14: warning: a wildcard grants a method that writes, POST on api:/loans, and will grant those that are added to the tree later: name the nodes [wildcard-write]
role admin {{ allow all on api:/** }}
             ^
"""


class PolicyLint(Folder):
    def test_findings_have_a_place_a_remedy_and_a_code(self):
        self.write({"p.policy": POLICY})
        done = self.tool("policy", "lint", self.folder, status=1)
        self.assertEqual(done.stderr, FOUND.format(self.folder))
        self.assertEqual(done.stdout, f"{self.folder}: 2 findings, 1 silenced\n")

    def test_annotations_name_the_code(self):
        self.write({"p.policy": POLICY})
        done = self.tool("policy", "lint", "--format", "github", self.folder, status=1)
        first, second = done.stdout.splitlines()
        self.assertRegex(first, r"^::warning file=.*/p\.policy,line=6,col=5::what .* "
                                r"\[rule-inherited\]%0A.*note: by role 'viewer'$")
        self.assertRegex(second, r",line=10,col=14::.* \[wildcard-write\]$")

    def test_both_spellings_of_json_give_the_same_document(self):
        self.write({"p.policy": POLICY})
        done = self.tool("--json", "policy", "lint", self.folder, status=1)
        self.assertEqual(
            self.tool("policy", "lint", "--format", "json", self.folder, status=1).stdout,
            done.stdout)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["valid"], answer["found"], answer["silenced"]), (True, 2, 1))
        self.assertEqual([(d["code"], d["line"], d["column"]) for d in answer["diagnostics"]],
                         [("rule-inherited", 6, 5), ("wildcard-write", 10, 14)])
        self.assertEqual(answer["diagnostics"][0]["notes"][0]["line"], 4)

    def test_the_warnings_of_a_load_are_found_and_silenced_in_the_same_way(self):
        covered = "role r {\n    allow GET on api:/**\n    allow GET on api:/loans\n}\n"
        self.write({"p.policy": POLICY.splitlines(True)[0] + "  /loans { GET }\n}\n" + covered
                    + 'test "t" {\n as role r\n allow GET api:/loans\n}\n'})
        done = self.tool("policy", "check", self.folder)
        self.assertRegex(done.stderr, r"p\.policy:6:5: warning: .* \[rule-covered\]\n")
        answer = json.loads(self.tool("--json", "policy", "check", self.folder).stdout)
        self.assertEqual([d["code"] for d in answer["diagnostics"]], ["rule-covered"])
        answer = json.loads(self.tool("--json", "policy", "lint", self.folder, status=1).stdout)
        self.assertEqual([d["code"] for d in answer["diagnostics"]], ["rule-covered"])
        path = self.folder / "p.policy"
        path.write_text(path.read_text(encoding="utf-8").replace(
            "    allow GET on api:/loans\n",
            "    # lint: allow rule-covered\n    allow GET on api:/loans\n"), encoding="utf-8")
        self.assertEqual(self.tool("policy", "check", self.folder).stderr, "")
        self.assertEqual(self.tool("policy", "lint", self.folder).stdout,
                         f"{self.folder}: clean, 1 silenced\n")

    def test_a_silence_that_silences_nothing_is_a_finding(self):
        self.write({"p.policy": POLICY.replace("/** }\nrole clerk", "/** }  # lint: allow no-tests"
                                                                   "\nrole clerk")})
        done = self.tool("policy", "lint", self.folder, status=1)
        self.assertIn(f"{self.folder}/p.policy:4:59: warning: there is no 'no-tests' to silence "
                      "here: remove this [unused-silence]\n", done.stderr)

    def test_every_finding_is_shown_however_many_there_are(self):
        roles = "".join(f"role r{n} {{ allow DELETE on api:/loans/* }}\n" for n in range(300))
        self.write({"p.policy": POLICY + roles})
        answer = json.loads(self.tool("--json", "policy", "lint", self.folder, status=1).stdout)
        found = [d["code"] for d in answer["diagnostics"]]
        self.assertEqual(found.count("role-unused"), 300)
        self.assertEqual(len(found), answer["found"])

    def test_a_policy_that_does_not_compile_shows_its_errors(self):
        self.write({"p.policy": POLICY.replace("inherits viewer", "inherits viewr")})
        done = self.tool("policy", "lint", self.folder, status=1)
        self.assertIn("error: unknown role 'viewr': did you mean 'viewer'?", done.stderr)
        answer = json.loads(self.tool("--json", "policy", "lint", self.folder, status=1).stdout)
        self.assertIs(answer["valid"], False)

    def test_what_is_not_asked_for_clearly_is_refused(self):
        self.write({"p.policy": POLICY})
        for arguments, wanted in (
                ([], "needs one of DIR, --explain CODE and --list"),
                (["--list", self.folder], "needs one of DIR, --explain CODE and --list"),
                (["--list", "--explain", "no-tests"], "needs one of DIR"),
                (["--explain", "no-test"], "did you mean 'no-tests'?"),
                (["--format", "xml", self.folder], "unknown: text, github or json"),
                (["--format", "github", "--json", self.folder], "exclude each other"),
                (["--format", "text", "--json", self.folder], "exclude each other"),
                ([self.folder / "nowhere"], "No such file or directory")):
            done = self.tool("policy", "lint", *arguments, status=2)
            self.assertIn(wanted, done.stderr)

    def test_every_code_is_listed_and_explained(self):
        lines = self.tool("policy", "lint", "--list").stdout.splitlines()
        codes = [line.split()[0] for line in lines]
        listed = json.loads(self.tool("--json", "policy", "lint", "--list").stdout)["codes"]
        self.assertEqual(codes, [kind["code"] for kind in listed])
        for kind in listed:
            text = self.tool("policy", "lint", "--explain", kind["code"]).stdout
            self.assertTrue(text.startswith(f"{kind['code']}: {kind['summary']}\n"), text)
            self.assertEqual(f"# lint: allow {kind['code']} " in text, kind["silenceable"])
            self.assertEqual(
                json.loads(self.tool("--json", "policy", "lint", "--explain",
                                     kind["code"]).stdout), kind)

    def test_the_manual_has_every_code(self):
        manual = (harness.ROOT / "tools" / "authzcheck.1.scd").read_text(encoding="utf-8")
        listed = json.loads(self.tool("--json", "policy", "lint", "--list").stdout)["codes"]
        self.assertEqual(re.findall(r"^\t- \*([a-z-]+)\*: ", manual, re.M),
                         [kind["code"] for kind in listed])

    def test_the_examples_are_clean(self):
        folders = [*EXAMPLES.iterdir(), TOOL_EXAMPLES / "loans", TOOL_EXAMPLES / "policy",
                   *TOOL_EXAMPLES.glob("*/policy")]
        self.assertGreater(len(folders), 6)
        for folder in folders:
            self.assertEqual(self.tool("policy", "lint", folder).stderr, "")


if __name__ == "__main__":
    unittest.main()

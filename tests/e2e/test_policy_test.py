# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy test and policy mutate: what is chosen, the formats, coverage, and lost statements."""

import decimal
import json
import subprocess
import unittest
import xml.etree.ElementTree

import harness
import terminal
import test_policy_tool

# Three tests, one of them failing, with names that every format must escape.
POLICY = harness.SMALL_POLICY + """
test "viewer reads <loans> & \\"more\\" # here" {
    as role viewer
    allow GET api:/loans
}
test "clerk creates [one]" {
    as role clerk
    allow POST api:/loans
}
"""
FAILING = POLICY + """
test "fails & says so" {
    as role viewer
    allow POST api:/loans
}
"""

# Two tests that leave a role, a scope, a denial and a line of the stack alone.
COVERED = """\
tree api { /loans { GET, POST, /{loan} { GET, DELETE } } }
role viewer {
    allow GET on api:/loans/**
    deny DELETE on api:/loans/{loan}
}
role clerk inherits viewer {
    allow all on api:/loans except GET
}
role unused { allow GET on api:/loans }
scope read { allow GET on api:/loans }
stack other {
    authenticate sufficient key
    authenticate required principal
    account required network allow=10.0.0.0/8
    authorize required role
}
test "clerk" {
    as role clerk
    from 10.0.0.1
    allow GET, POST api:/loans
    from 192.0.2.1
    deny GET api:/loans because network
}
"""


class Formats(test_policy_tool.Folder):
    def setUp(self):
        super().setUp()
        self.write({"a.policy": FAILING})
        self.place = f"{self.folder}/a.policy"

    def names(self, *arguments, status=0):
        done = self.tool("policy", "test", "--json", *arguments, self.folder, status=status)
        return [test["name"] for test in json.loads(done.stdout)["tests"]]

    def test_a_pattern_chooses_tests_by_name(self):
        self.assertEqual(self.names("--filter", "clerk"), ["clerk creates [one]"])
        self.assertEqual(self.names("--filter", "v*loans"),
                         ['viewer reads <loans> & "more" # here'])
        self.assertEqual(self.names("--filter", "clerk?creates"), ["clerk creates [one]"])
        self.assertEqual(self.names("--filter", "[one]"), ["clerk creates [one]"])
        self.assertEqual(len(self.names("--filter", "", status=1)), 3)
        done = self.tool("policy", "test", "--filter", "clerks", self.folder, status=2)
        self.assertIn("no test has 'clerks' in its name", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_each_format_counts_what_failed_after_the_first(self):
        for count, said in (
                (0, ""), (1, "; 1 more expectation failed"), (2, "; 2 more expectations failed")):
            self.write({"a.policy": FAILING.rstrip("}\n") + "\n" + "    deny GET api:/loans\n" * count + "}\n"})
            for form in ("text", "tap", "junit", "json"):
                with self.subTest(count=count, format=form):
                    done = self.tool("policy", "test", "-v", "--format", form, self.folder, status=1)
                    self.assertRegex(done.stdout, f"got deny because role{said}[\"\n]")

    def test_tap(self):
        done = self.tool("policy", "test", "--format", "tap", self.folder, status=1)
        self.assertEqual(done.stdout, f"""\
TAP version 14
ok 1 - viewer reads <loans> & "more" \\# here
ok 2 - clerk creates [one]
not ok 3 - fails & says so
  ---
  message: "expected allow for POST api:/loans, got deny because role"
  file: "{self.place}"
  line: 22
  ...
1..3
""")
        more = self.tool("policy", "test", "--format", "tap", "-v", self.folder, status=1).stdout
        self.assertIn("  explanation: |\n\n    the built-in stack\n", more)
        self.assertIn("role clerk would allow it", more)

    def test_junit_is_well_formed_and_counts(self):
        done = self.tool("policy", "test", "--format", "junit", "-v", "--coverage", self.folder,
                         status=1)
        root = xml.etree.ElementTree.fromstring(done.stdout.encode())
        self.assertEqual((root.tag, root.attrib["tests"], root.attrib["failures"]),
                         ("testsuites", "3", "1"))
        suite = root.find("testsuite")
        self.assertEqual(suite.attrib["name"], str(self.folder))
        cases = suite.findall("testcase")
        self.assertEqual([case.attrib["name"] for case in cases],
                         ['viewer reads <loans> & "more" # here', "clerk creates [one]",
                          "fails & says so"])
        self.assertEqual([case.attrib["line"] for case in cases], ["13", "17", "22"])
        (failure,) = root.iter("failure")
        self.assertIn("got deny because role", failure.attrib["message"])
        self.assertIn(f"{self.place}:22: expected allow", failure.text)
        self.assertIn("role clerk would allow it", failure.text)
        self.assertIn("coverage  ", suite.find("system-out").text)

    def test_junit_says_how_long_each_test_took(self):
        done = self.tool("policy", "test", "--format", "junit", "-v", self.folder, status=1)
        root = xml.etree.ElementTree.fromstring(done.stdout.encode())
        suite = root.find("testsuite")
        times = [item.attrib["time"] for item in (root, suite, *suite.findall("testcase"))]
        for time in times:
            self.assertRegex(time, r"^\d+\.\d{6}$")
        whole, all_of_suite, *tests = (decimal.Decimal(time) for time in times)
        self.assertEqual((whole, len(tests)), (all_of_suite, 3))
        self.assertGreater(sum(tests), 0)
        self.assertLessEqual(sum(tests), whole)

    def test_github_and_json_are_formats_as_well(self):
        done = self.tool("policy", "test", "--format", "github", self.folder, status=1)
        self.assertTrue(done.stdout.startswith(f"::error file={self.place},line=24,"), done.stdout)
        self.assertEqual(self.tool("policy", "test", "--format", "json", self.folder, status=1).stdout,
                         self.tool("policy", "test", "--json", self.folder, status=1).stdout)

    def test_mistakes_in_the_options_are_said(self):
        for arguments, message in (
                (["--format", "xml"], "text, tap, junit, json or github"),
                (["--json", "--format", "tap"], "exclude each other"),
                (["--fail-under", "101"], "from 0 to 100"),
                (["--fail-under", "-1"], "from 0 to 100"),
                (["--fail-under", "half"], "from 0 to 100")):
            done = self.tool("policy", "test", *arguments, self.folder, status=2)
            self.assertIn(message, done.stderr)


class Coverage(test_policy_tool.Folder):
    def setUp(self):
        super().setUp()
        self.write({"a.policy": COVERED})

    def test_what_no_test_depends_on_is_listed_with_its_position(self):
        place = f"{self.folder}/a.policy"
        done = self.tool("policy", "test", "--coverage", self.folder)
        self.assertEqual(done.stdout, f"""\
coverage  7 of 13 (53.8%)
  rules   2 of 5 (40.0%)
  roles   2 of 3 (66.6%)
  scopes  0 of 1 (0.0%)
  lines   3 of 4 (75.0%)
{place}:4: not covered: role viewer: deny DELETE on api:/loans/{{loan}}
{place}:9: not covered: role unused
{place}:9: not covered: role unused: allow GET on api:/loans
{place}:10: not covered: scope read
{place}:10: not covered: scope read: allow GET on api:/loans
{place}:13: not covered: stack other: authenticate required principal
1 passed, 0 failed
""")

    def test_json_has_the_same(self):
        coverage = json.loads(self.tool("policy", "test", "--json", "--coverage",
                                        self.folder).stdout)["coverage"]
        self.assertEqual((coverage["percent"], coverage["covered"], coverage["total"]), (53.8, 7, 13))
        self.assertEqual(coverage["rules"], {"covered": 2, "total": 5})
        self.assertEqual([(item["kind"], item["line"]) for item in coverage["uncovered"]],
                         [("rule", 4), ("role", 9), ("rule", 9), ("scope", 10), ("rule", 10),
                          ("line", 13)])
        self.assertEqual(coverage["uncovered"][5]["stack"], "other")
        self.assertNotIn("coverage", json.loads(
            self.tool("policy", "test", "--json", self.folder).stdout))

    def test_too_little_is_exit_status_1(self):
        self.tool("policy", "test", "--fail-under", "53", self.folder)
        done = self.tool("policy", "test", "--fail-under", "54", self.folder, status=1)
        self.assertIn("coverage of 7 of 13 (53.8%) is under 54%", done.stderr)
        self.tool("policy", "test", "--fail-under", "54", "--format", "junit", self.folder, status=1)

    def test_tap_and_annotations_have_it_too(self):
        done = self.tool("policy", "test", "--coverage", "--format", "tap", self.folder)
        self.assertIn("# coverage  7 of 13 (53.8%)\n", done.stdout)
        done = self.tool("policy", "test", "--coverage", "--format", "github", self.folder)
        self.assertIn(f"::notice file={self.folder}/a.policy,line=9,col=1::not covered by any test: "
                      "role unused\n", done.stdout)


class Mutate(test_policy_tool.Folder):
    def setUp(self):
        super().setUp()
        self.write({"a.policy": COVERED})

    def test_the_statements_that_no_test_misses_are_listed(self):
        place = f"{self.folder}/a.policy"
        for jobs in ("1", "3"):
            done = self.tool("policy", "mutate", "--jobs", jobs, self.folder, status=1)
            self.assertEqual(done.stdout, f"""\
{place}:4: not noticed: role viewer: deny DELETE on api:/loans/{{loan}}
{place}:7: redundant: role clerk: except GET
{place}:9: not noticed: role unused: allow GET on api:/loans
{place}:10: not noticed: scope read: allow GET on api:/loans
{place}:13: not noticed: stack other: authenticate required principal
statements noticed: 4 of 8 (50.0%); 1 redundant; 1 needed to compile
""")
            self.assertEqual(done.stderr, "")

    def test_json_and_a_share_that_is_enough(self):
        answer = json.loads(self.tool("policy", "mutate", "--json", "--fail-under", "50",
                                      self.folder).stdout)
        self.assertEqual([answer[name] for name in ("noticed", "survive", "redundant", "invalid")],
                         [4, 4, 1, 1])
        self.assertEqual([(item["result"], item["kind"], item["line"]) for item in answer["items"]],
                         [("survives", "deny", 4), ("redundant", "except", 7),
                          ("survives", "allow", 9), ("survives", "allow", 10),
                          ("survives", "line", 13)])
        self.assertEqual(answer["items"][3]["scope"], "read")
        self.tool("policy", "mutate", "--fail-under", "51", self.folder, status=1)

    def test_tests_that_fail_come_first(self):
        self.write({"a.policy": FAILING})
        done = self.tool("policy", "mutate", self.folder, status=1)
        self.assertIn("a.policy:24:16: error:", done.stderr)
        self.assertIn("1 test failed", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_policy_without_tests_notices_nothing(self):
        self.write({"a.policy": harness.SMALL_POLICY})
        self.assertIn("statements noticed: 0 of ",
                      self.tool("policy", "mutate", self.folder, status=1).stdout)

    def test_mistakes_in_the_options_are_said(self):
        for value in ("0", "65", "many", ""):
            done = self.tool("policy", "mutate", "--jobs", value, self.folder, status=2)
            self.assertIn("--jobs", done.stderr)

    def test_progress_is_for_a_terminal_alone(self):
        class Here:
            folder = self.folder
            socket = self.folder / "none.sock"

        status, text = terminal.run(Here, "policy", "mutate", self.folder)
        self.assertEqual(status, 1)
        self.assertIn("statements left out", text)

    def test_a_pipe_that_nobody_reads_ends_it(self):
        with subprocess.Popen([harness.AUTHZCHECK, "policy", "mutate", str(self.folder)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdout.close()
            self.assertNotEqual(process.wait(harness.DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()

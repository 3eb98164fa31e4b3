# SPDX-License-Identifier: Apache-2.0
"""What `authzcheck console` says about the policy folder by itself: the calls `folder.*`, over HTTP."""

import json
import re
import shutil
import unittest

import console_program
import modules
from modules import setUpModule, tearDownModule  # noqa: F401

ROLES = """\
role clerk "Reads loans" {
    allow GET on api:/loans
}

role chief inherits clerk {
    allow POST on api:/loans
}

test "a clerk reads" {
    as role clerk
    allow GET  api:/loans
    deny  POST api:/loans  because role
}
"""
API = """\
tree api {
    /loans { GET, POST }
}
"""
HOURS = """\
stack loans {
    authenticate  required  key
    account       required  hours  allow=mon-fri/07:00-20:00  zone=America/Denver
    authorize     required  role
}
"""


class Folder(console_program.ConsoleTest):
    def make_daemon(self):
        return self.daemon({"api.policy": API, "roles.policy": ROLES})

    def setUp(self):
        super().setUp()
        self.c = self.console()

    def revision(self):
        return self.d.call("policy.status")["revision"]

    def assert_refused(self, status, code, method, **params):
        answer = self.c.call(method, **params)
        self.assertEqual((answer.status, answer.code()), (status, code), answer.body)
        return answer.json()["error"]

    def test_the_session_says_that_there_is_a_folder(self):
        self.assertIs(self.c.request("GET", "/console/session").json()["folder"], True)

    def test_the_folder_is_that_of_the_daemon_and_its_revision_is_compared(self):
        status = self.c.result("folder.status", revision=self.revision())
        self.assertEqual(status["folder"], self.d.call("policy.status")["folder"])
        self.assertIs(status["same"], True)
        self.assertIs(status["valid"], True)
        self.assertEqual([(file["name"], file["lines"]) for file in status["files"]],
                         [("api.policy", 3), ("roles.policy", 13)])
        self.d.write("roles.policy", ROLES + "# a comment\n")
        status = self.c.result("folder.status", revision=status["revision"])
        self.assertIs(status["same"], False)

    def test_files_are_those_of_the_folder_alone(self):
        self.assertEqual(self.c.result("folder.file", name="roles.policy"), {"name": "roles.policy", "text": ROLES})
        whole = self.c.result("folder.file", name=self.d.call("policy.status")["folder"] + "/api.policy")
        self.assertEqual(whole, {"name": "api.policy", "text": API})
        (self.d.folder / "secret.policy").write_text("secret", encoding="utf-8")
        for name in ("/etc/passwd", "../secret.policy", "../../etc/passwd", "./roles.policy", "roles.policy/", "."):
            with self.subTest(name=name):
                self.assert_refused(404, "not_found", "folder.file", name=name)

    def test_a_role_has_its_text_heirs_and_tests(self):
        role = self.c.result("folder.role", name="clerk")
        self.assertEqual(role["text"], ROLES[:ROLES.index("\n\n")])
        self.assertEqual((role["file"], role["line"], role["end_line"]), ("roles.policy", 1, 3))
        self.assertEqual((role["inherited_by"], role["inherits"]), (["chief"], []))
        self.assertEqual([test["name"] for test in role["tests"]], ["a clerk reads"])
        self.assertEqual(role["tests"][0]["cases"][1],
                         {"line": 12, "text": "deny  POST api:/loans  because role", "passed": True})
        self.assertEqual([(grant["text"], grant["tests"]) for grant in role["grants"]],
                         [("allow GET on api:/loans", 1)])
        self.assert_refused(404, "not_found", "folder.role", name="nobody")

    def test_the_matrix_is_that_of_the_page_of_policy_show(self):
        matrix = self.c.result("folder.matrix", tree="api")
        self.assertEqual([holder["name"] for holder in matrix["holders"]], ["clerk", "chief"])
        self.assertEqual([(node["resource"], [(action["action"], action["marks"]) for action in node["actions"]])
                          for node in matrix["nodes"]],
                         [("api:/", []), ("api:/loans", [("GET", "+2"), ("POST", ".+")])])
        drawn = self.d.tool("policy", "show", "--html", "-", "--tree", "api",
                            str(self.d.folder / "policy")).stdout
        data = json.loads(re.search(r'id="data">(.*?)</script>', drawn, re.DOTALL)[1])
        self.assertEqual([action[3] for node in data["nodes"] for action in node[3]],
                         [action["marks"] for node in matrix["nodes"] for action in node["actions"]])

    def test_a_broken_edit_shows_where_it_is_broken_and_what_stands_there_stays_to_be_read(self):
        self.assertIs(self.c.result("folder.check")["ok"], True)
        self.d.write("roles.policy", ROLES.replace("POST on", "PSOT on"))
        check = self.c.result("folder.check")
        self.assertIs(check["ok"], False)
        found = check["diagnostics"][0]
        self.assertEqual((found["severity"], found["file"], found["line"]), ("error", "roles.policy", 6))
        self.assert_refused(422, "invalid_policy", "folder.tests")
        self.assertIn("PSOT", self.c.result("folder.file", name="roles.policy")["text"])
        self.d.write("roles.policy", ROLES.replace("deny  POST api:/loans  because role", "allow POST api:/loans"))
        check = self.c.result("folder.check")
        self.assertEqual(check["tests"], {"passed": 0, "failed": 1})
        tests = self.c.result("folder.tests", role="clerk")["tests"]
        self.assertEqual([case["passed"] for case in tests[0]["cases"]], [True, False])

    def test_coverage_counts_what_the_tests_need(self):
        coverage = self.c.result("folder.coverage")
        self.assertEqual([(grant["role"], grant["covered"], grant["tests"]) for grant in coverage["grants"]],
                         [("clerk", True, 1), ("chief", False, 0)])
        self.assertEqual((coverage["covered"], coverage["total"]), (2, 4))

    def test_time_zones_are_read_though_the_program_is_confined(self):
        self.d.write("hours.policy", HOURS)
        check = self.c.result("folder.check")
        self.assertEqual(check["errors"], 0, check)

    def test_a_folder_that_is_gone_is_a_problem_and_no_failure(self):
        shutil.move(self.d.folder / "policy", self.d.folder / "elsewhere")
        status = self.c.result("folder.status", revision=self.revision())
        self.assertEqual((status["readable"], status["valid"], status["files"]), (False, False, []))
        self.assertIn("policy", status["problem"])
        self.assert_refused(503, "unavailable", "folder.check")
        shutil.move(self.d.folder / "elsewhere", self.d.folder / "policy")
        self.assertIs(self.c.result("folder.status", revision=self.revision())["same"], True)

    def test_a_folder_that_is_missing_at_the_start_is_read_when_it_is_there(self):
        shutil.move(self.d.folder / "policy", self.d.folder / "elsewhere")
        console = self.console()
        self.assertIs(console.result("folder.status")["readable"], False)
        shutil.move(self.d.folder / "elsewhere", self.d.folder / "policy")
        self.assertIs(console.result("folder.status", revision=self.revision())["same"], True)

    def test_no_other_folder_can_be_read_through_a_link(self):
        outside = self.d.folder / "outside"
        outside.mkdir()
        (outside / "a.policy").write_text("# outside\n", encoding="utf-8")
        (self.d.folder / "policy" / "link.policy").symlink_to(outside / "a.policy")
        self.assertIn("link.policy", self.c.result("folder.status")["problem"])
        self.assert_refused(503, "unavailable", "folder.file", name="link.policy")

    def test_bad_parameters_and_unknown_calls_are_refused(self):
        self.assertEqual(self.assert_refused(400, "invalid_request", "folder.file")["param"], "name")
        self.assertEqual(self.assert_refused(400, "invalid_request", "folder.file", name=["x"])["param"], "name")
        self.assertEqual(self.assert_refused(400, "invalid_request", "folder.check", all="yes")["param"], "all")
        self.assert_refused(404, "unknown_method", "folder.write", name="roles.policy")


class WithToken(console_program.ConsoleTest):
    def test_who_acts_by_a_key_has_no_folder(self):
        self.d.call("principals.create", id="ann")
        secret = self.d.folder / "key"
        secret.touch(mode=0o600)
        secret.write_text(self.d.call("keys.create", principal="ann", name="console")["secret"], encoding="utf-8")
        console = self.console("--token-file", str(secret))
        self.assertIs(console.request("GET", "/console/session").json()["folder"], False)
        answer = console.call("folder.status")
        self.assertEqual((answer.status, answer.code()), (404, "unknown_method"))


@unittest.skipUnless(console_program.BUILT, "built without the console's page")
class WithModules(modules.Modules):
    def check(self, *options):
        console = console_program.Console(self, self.serve(modules.GEO), *options)
        self.assertEqual(console.open_link().status, 204)
        return console.result("folder.check")

    def test_modules_are_loaded_though_the_program_is_confined(self):
        self.install("geo")
        check = self.check("--modules", str(self.modules))
        self.assertEqual(check["errors"], 0, check)

    def test_without_their_folder_the_check_says_which_module_is_unknown(self):
        self.install("geo")
        self.assertIn("geo", self.check()["diagnostics"][0]["message"])


if __name__ == "__main__":
    unittest.main()

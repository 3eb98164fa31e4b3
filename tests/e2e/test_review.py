#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`authzcheck review`: what an access review says of each principal, as JSON, CSV and a page."""

import csv
import html.parser
import io
import json
import shutil
import subprocess
import unittest

import harness

POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
role viewer { allow GET on api:/** }
role clerk inherits viewer { allow create on api:/loans }
scope loans:read { allow GET on api:/loans/** }
scope loans:write { allow create on api:/loans }
principal boss { role clerk }
"""
END = "2096-10-02T07:06:40Z"
WIDE = "\uff1d1+1"
NASTY = "=Ann <script>alert(1)</script> \"'&"


class Page(html.parser.HTMLParser):
    """The elements of a page, and its text outside of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.silent = [], "", False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.silent = tag in ("script", "style")

    def handle_endtag(self, tag):
        self.silent = False

    def handle_data(self, data):
        self.text += "" if self.silent else data


class Review(harness.DaemonTest):
    def setUp(self):
        self.daemon_here = self.daemon({"a.policy": POLICY})
        call = self.daemon_here.call
        call("principals.create", id="ann", name=NASTY)
        call("principals.create", id="idle", kind="service", name=WIDE)
        call("assignments.create", principal="ann", role="clerk", at=["api:/loans/7"], until=4000000000)
        call("roles.create", name="extra", grants=["allow GET on api:/loans"])
        call("assignments.create", principal="ann", role="extra")
        key = call("keys.create", principal="ann", name="laptop", scopes=["loans:read", "loans:write"])
        self.key, self.token = key["id"], key["secret"]
        self.robot = call("keys.create", roles=["viewer"])["id"]

    def use_key(self):
        """Uses the key, and waits until the daemon recorded for what."""
        self.assertTrue(self.daemon_here.call("authorize", token=self.token, method="GET", path="/loans/7")["allow"])
        harness.wait_until(lambda: any(item["id"] == self.key and item.get("unused_scopes")
                                       for item in self.daemon_here.call("keys.audit")["items"]),
                           what="the use of the key in the audit")

    def review(self, *arguments):
        done = self.daemon_here.tool("review", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_json_has_each_principal_with_roles_places_ends_and_keys(self):
        self.use_key()
        got = json.loads(self.review("--json"))
        people = {each["id"]: each for each in got["principals"]}
        self.assertEqual(list(people), ["ann", "boss", "idle"])
        held = [(each["role"], each.get("at"), each.get("until")) for each in people["ann"]["assignments"]]
        self.assertEqual(sorted(held), [("clerk", ["api:/loans/7"], END), ("extra", None, None)])
        (key,) = people["ann"]["keys"]
        self.assertEqual((key["id"], key["unused_scopes"]), (self.key, ["loans:write"]))
        self.assertEqual(people["ann"]["last_used_at"], key["last_used_at"])
        self.assertEqual([each["role"] for each in people["boss"]["assignments"]], ["clerk"])
        self.assertEqual((people["idle"]["assignments"], people["idle"]["keys"]), ([], []))
        self.assertNotIn("last_used_at", people["idle"])
        self.assertEqual([each["id"] for each in got["keys"]], [self.robot])
        self.assertEqual({each["name"]: each["holders"] for each in got["roles"]},
                         {"viewer": 0, "clerk": 2, "extra": 1})
        self.assertEqual([each["action"] for each in got["changes"]],
                         ["principals.create"] * 2 + ["assignments.create", "roles.create", "assignments.create",
                                                      "keys.create", "keys.create"])
        self.assertEqual(got["revision"], self.daemon_here.call("policy.status")["revision"])

    def test_a_key_that_was_never_used_used_none_of_its_scopes(self):
        rows = {row["what"]: row for row in csv.DictReader(io.StringIO(self.review(), newline=""))
                if row["holds"] == "key"}
        self.assertEqual((rows[self.key]["unused_scopes"], rows[self.robot]["unused_scopes"]),
                         ("loans:read; loans:write", ""))
        self.use_key()
        (key,) = json.loads(self.review("--json"))["principals"][0]["keys"]
        self.assertEqual(key["unused_scopes"], ["loans:write"])

    def test_csv_has_a_line_for_each_role_and_key_and_no_formula(self):
        rows = list(csv.DictReader(io.StringIO(self.review(), newline="")))
        ann = [row for row in rows if row["principal"] == "ann" and row["holds"] != "change"]
        self.assertEqual([(row["holds"], row["what"], row["places"], row["ends_at"]) for row in ann],
                         [("role", "clerk", "api:/loans/7", END), ("role", "extra", "", ""),
                          ("key", self.key, "", "")])
        self.assertEqual({row["name"] for row in ann}, {"'" + NASTY})
        self.assertEqual([row["name"] for row in rows if row["holds"] == "nothing"], ["'" + WIDE])
        self.assertEqual([row["holds"] for row in rows if row["principal"] == "idle"], ["nothing", "change"])
        self.assertEqual([row["what"] for row in rows if row["holds"] == "key"], [self.key, self.robot])
        self.assertFalse([cell for row in rows for cell in row.values() if cell[:1] in "=+-@\t\r" and cell])

    def test_the_page_needs_nothing_else_and_runs_no_script_but_its_own(self):
        page = Page(self.review("--format", "html"))
        self.assertEqual([tag for tag, _ in page.elements].count("script"), 1)
        self.assertFalse([attrs for _, attrs in page.elements if {"src", "href", "onclick", "style"} & set(attrs)])
        (policy,) = [attrs["content"] for tag, attrs in page.elements if "http-equiv" in attrs]
        self.assertRegex(policy, r"^default-src 'none'; .*script-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'")
        for text in (NASTY, self.key, self.robot, "clerk", "api:/loans/7", "2096-10-02 07:06", "extra"):
            self.assertIn(text, page.text)

    def test_the_page_searches_in_a_browser(self):
        browser = shutil.which("chromium")
        if browser is None:
            self.skipTest("chromium is missing, which tools/setup installs")
        page = self.daemon_here.folder / "review.html"
        page.write_text(self.review("--format", "html"), encoding="utf-8")
        for words, shown in (("", 3), ("#idle", 1), ("#clerk%20ann", 1), ("#nobody", 0)):
            done = subprocess.run(
                [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.daemon_here.folder}/web",
                 "--dump-dom", f"{page.as_uri()}{words}"], capture_output=True, text=True,
                timeout=harness.DEADLINE, check=True)
            found = [attrs for tag, attrs in Page(done.stdout).elements if tag == "details"]
            self.assertEqual((len(found), sum("hidden" not in attrs for attrs in found)), (3, shown), words)

    def test_all_tenants_are_reviewed_and_one_alone(self):
        call = self.daemon_here.call
        call("tenants.create", id="acme")
        call("principals.create", id="ann", tenant="acme")
        call("assignments.create", principal="ann", role="viewer", tenant="acme")
        for tenant, people in (("*", [("acme", "ann"), ("default", "ann"), ("default", "boss"), ("default", "idle")]),
                               ("acme", [("acme", "ann")])):
            got = json.loads(self.review("--tenant", tenant, "--json"))
            self.assertEqual([(each["tenant"], each["id"]) for each in got["principals"]], people)
        self.assertEqual([each["role"] for each in got["principals"][0]["assignments"]], ["viewer"])
        self.assertEqual({each["tenant"] for each in got["changes"]}, {"acme"})

    def test_only_changes_since_the_date_are_listed(self):
        self.assertEqual(json.loads(self.review("--json", "--since", "2090-01-01T00:00:00Z"))["changes"], [])

    def test_a_wrong_format_or_tenant_is_an_error(self):
        for arguments, status, text in ((("--format", "pdf"), 2, "csv, html or json"),
                                        (("--format", "csv", "--json"), 2, "exclude each other"),
                                        (("--since", "soon"), 2, "--since 'soon'"),
                                        (("--tenant", "nobody"), 1, "nobody")):
            done = self.daemon_here.tool("review", *arguments)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(text, done.stderr + done.stdout)

    def test_a_review_is_written_to_a_file_in_one_step(self):
        path = self.daemon_here.folder / "review.html"
        path.write_text("old\n", encoding="utf-8")
        done = harness.run_tool_out_of_room("--socket", self.daemon_here.socket, "review", "--format", "html",
                                            "--output", path)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"{path}: File too large", done.stderr)
        self.assertEqual(path.read_text(encoding="utf-8"), "old\n")
        self.assertRegex(self.review("--format", "html", "-o", path),
                         rf"^{path}: 3 principals, \d+ changes\n$")
        self.assertIn("</html>", path.read_text(encoding="utf-8"))
        self.assertEqual(json.loads(self.review("--json", "-o", path)), {"file": str(path)})
        self.assertEqual(len(json.loads(path.read_text(encoding="utf-8"))["principals"]), 3)

    def test_a_token_that_may_not_read_gets_no_review(self):
        done = self.daemon_here.tool("review", "--token", "-", text=self.token)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("forbidden", done.stderr)


if __name__ == "__main__":
    unittest.main()

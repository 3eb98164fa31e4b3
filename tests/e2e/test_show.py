# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy show: folding, marks and the terminal's width; and the page of --html in a browser."""

import json
import re
import unittest
from pathlib import Path

import browser
import harness
import terminal
import test_policy_tool

POLICY = """\
tree api "The API" {
    /loans "All loans" { list GET, create POST
        /{loan} { read GET, update PUT PATCH
            /payments { list GET, create POST } } }
    /health { GET }
    /admin { /users { list GET, remove DELETE } }
}
role viewer "Reads" { allow GET on api:/loans/** }
role clerk inherits viewer {
    allow PUT on api:/loans/{loan}
    deny all on api:/admin/**
}
role idle "Does nothing yet" { allow GET on api:/health }
scope loans:all "Everything on loans" { allow all on api:/loans/** }
"""

HOSTILE = """\
tree api "</script><script>document.title='owned'</script>" {
    /a "<img src=x onerror=document.title='owned'>&amp;<!--" { view "\\"><b>" }
}
role r "<style>*{display:none}</style>" { allow view on api:/a }
"""

CONDITIONS = """\
facts { resource.owner string
    resource.open bool }
tree api { /loans { list GET, /{loan} { read GET, update PUT PATCH, remove DELETE, sign POST } } }
role owner {
    allow read on api:/loans/{loan} when resource.owner is principal.id
    allow PUT on api:/loans/{loan} when resource.open
    allow PATCH on api:/loans/{loan} when resource.owner is "</script>"
    allow remove on api:/loans/{loan}
    deny remove on api:/loans/{loan} when not resource.open
    allow sign on api:/loans/{loan} when resource.owner is "a"
    deny sign on api:/loans/{loan} when resource.owner is "a"
}
role anyone { allow list on api:/loans }
"""


# 100 actions, each of which 15 of 1,500 roles may do.
MANY_ROLES = ("tree api {\n" + "".join(f"/n{i} {{ GET }}\n" for i in range(100)) + "}\n" +
              "".join(f"role r{i} {{ allow GET on api:/n{i // 15} }}\n" for i in range(1500)))


class Drawing(test_policy_tool.Folder):
    def setUp(self):
        super().setUp()
        self.write({"a.policy": POLICY})

    def drawn(self, *arguments, status=0):
        return self.tool("policy", "show", "--tree", "api", *arguments, self.folder, status=status).stdout

    def test_what_is_allowed_or_not_as_a_whole_is_one_line(self):
        self.assertEqual(self.drawn("--role", "clerk"), """\
api:  "The API"
├── /loans  +list GET  ·create POST  "All loans"
│   └── /{loan}  +read GET  ~update PUT PATCH
│       └── /payments  +list GET  ·create POST
├── /health  ·GET
└── /admin/**  -all 2 actions

+ allowed   ~ partly   - denied whatever else is held   · not allowed
/** stands for a whole subtree: --unfold draws it
""")

    def test_a_scope_is_marked_like_a_role(self):
        self.assertEqual(self.drawn("--scope", "loans:all").split("\n\n")[0], """\
api:  "The API"
├── /loans/**  +all 6 actions
├── /health  ·GET
└── /admin/**  ·none of 2 actions""")

    def test_nothing_is_folded_when_asked_or_searched_for_or_without_marks(self):
        for arguments in (["--role", "idle", "--unfold"], []):
            self.assertIn("/users", self.drawn(*arguments))
            self.assertNotIn("/**", self.drawn(*arguments))
        self.assertEqual(self.drawn("--role", "idle", "--search", "remove").split("\n\n")[0], """\
api:  "The API"
└── /admin
    └── /users  ·list GET  ·remove DELETE""")

    def test_lines_end_at_the_width_of_the_terminal(self):
        class Here:
            folder = self.folder
            socket = self.folder / "none.sock"

        _, text = terminal.run(Here, "policy", "show", "--no-color", "--tree", "api", self.folder,
                               columns=34)
        self.assertEqual(text, """\
api:  "The API"
├── /loans  list GET  create POST
│   │   "All loans"
│   └── /{loan}  read GET
│       │   update PUT PATCH
│       └── /payments  list GET
│               create POST
├── /health  GET
└── /admin
    └── /users  list GET
            remove DELETE
""")

    def test_json_says_partly(self):
        answer = json.loads(self.drawn("--json", "--role", "clerk"))
        actions = {item["resource"]: item["actions"] for item in answer["items"]}
        update = actions["api:/loans/{loan}"][1]
        self.assertEqual([update[name] for name in ("name", "allowed", "partly", "denied")],
                         ["update", False, True, False])

    def test_mistakes_in_the_options_are_said(self):
        for arguments, message in (
                (["--scope", "loans:al"], "did you mean 'loans:all'?"),
                (["--scope", "loans:all", "--role", "idle"], "exclude each other"),
                (["--html", "x", "--json"], "exclude each other"),
                (["--html", "x", "--unfold"], "exclude each other"),
                (["--unfold", "--json"], "exclude each other"),
                (["--html", self.folder / "none" / "x"], "No such file"),
                (["--html", self.folder / "y", "--tree", "nope"], "unknown tree")):
            done = self.tool("policy", "show", *arguments, self.folder, status=2)
            self.assertIn(message, done.stderr)
        self.assertFalse((self.folder / "y").exists())


class Conditions(test_policy_tool.Folder):
    def setUp(self):
        super().setUp()
        self.write({"a.policy": CONDITIONS})

    def test_what_is_allowed_on_a_condition_has_a_mark_and_the_condition(self):
        drawn = self.tool("policy", "show", "--tree", "api", "--role", "owner", self.folder).stdout
        self.assertEqual(drawn, """\
api:
└── /loans  +list GET
    └── /{loan}  ?read GET when resource.owner is principal.id  \
?update PUT PATCH when PUT: resource.open; PATCH: resource.owner is "</script>"  \
?remove DELETE when resource.open  ·sign POST

+ allowed   ? on the condition that follows   ~ partly   - denied whatever else is held   · not allowed
/** stands for a whole subtree: --unfold draws it
""")

    def test_the_document_has_it(self):
        items = json.loads(self.tool("policy", "show", "--json", "--tree", "api", "--role", "owner",
                                     self.folder).stdout)["items"]
        actions = {action["name"]: action for action in items[-1]["actions"]}
        self.assertEqual({name: (action["allowed"], action["sometimes"], action.get("when"))
                          for name, action in actions.items()}, {
            "read": (False, True, "resource.owner is principal.id"),
            "update": (False, True, 'PUT: resource.open; PATCH: resource.owner is "</script>"'),
            "remove": (False, True, "resource.open"), "sign": (False, False, None)})


class Page(test_policy_tool.Folder):
    def page(self, policy, *arguments):
        self.write({"p/a.policy": policy})
        done = self.tool("policy", "show", "--html", "-", *arguments, self.folder / "p")
        return done.stdout

    def test_it_asks_for_nothing_and_allows_its_own_script_alone(self):
        text = self.page(POLICY)
        self.assertRegex(text, r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; "
                               r"script-src 'sha256-[\w+/=]{44}'; base-uri 'none'")
        self.assertNotRegex(text, r"(?i)https?:|//[a-z]+\.|\bsrc=|\bhref=|url\(|@import|\bon[a-z]+=")

    def test_what_the_policy_says_is_data_alone(self):
        text = self.page(HOSTILE)
        data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1)
        self.assertNotRegex(data, "[<>&]")
        nodes = json.loads(data)["nodes"]
        self.assertIn([0, "api", "</script><script>document.title='owned'</script>", []], nodes)

    def test_each_role_and_scope_has_a_mark_for_each_action(self):
        data = json.loads(re.search(r'id="data">(.*?)</script>', self.page(POLICY), re.DOTALL)[1])
        self.assertEqual([holder[:2] for holder in data["holders"]],
                         [["role", "viewer"], ["role", "clerk"], ["role", "idle"],
                          ["scope", "loans:all"]])
        marks = {action[0]: action[3] for _, segment, _, actions in data["nodes"]
                 for action in actions if segment in ("{loan}", "users")}
        self.assertEqual(marks, {"read": "+2.+", "update": ".~.+", "list": ".-.2", "remove": ".-.2"})

    def test_a_page_of_many_roles_is_small(self):
        text = self.page(MANY_ROLES)
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
        self.assertEqual(len(data["holders"]), 1500)
        marks = [action[3] for _, _, _, actions in data["nodes"] for action in actions]
        # The daemon's own tree is allowed to none.
        for expected in ("+15.1485", ".750+15.735", ".1485+15", ".1500"):
            self.assertIn(expected, marks)
        self.assertLess(sum(map(len, marks)), 2000)

    def test_a_file_is_written_and_named(self):
        self.write({"p/a.policy": POLICY})
        path = self.folder / "page.html"
        done = self.tool("policy", "show", "--html", path, "--tree", "api", self.folder / "p")
        self.assertRegex(done.stdout, rf"^{path}: tree api, revision \w+: 7 nodes, 9 actions, ")
        self.assertIn("</html>", path.read_text(encoding="utf-8"))


    def test_a_page_that_cannot_be_written_leaves_the_old_one(self):
        self.write({"p/a.policy": POLICY, "out/page.html": "old\n"})
        path = self.folder / "out" / "page.html"
        path.chmod(0o640)
        arguments = ("policy", "show", "--html", path, self.folder / "p")
        done = harness.run_tool_out_of_room(*arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"{path}: File too large", done.stderr)
        self.assertEqual(path.read_text(encoding="utf-8"), "old\n")
        self.assertEqual([one.name for one in path.parent.iterdir()], ["page.html"])
        link = self.folder / "link"
        link.symlink_to("out/page.html")
        with open(path, encoding="utf-8") as reader:
            self.tool("policy", "show", "--html", link, self.folder / "p")
            self.assertEqual(reader.read(), "old\n")
        self.assertTrue(link.is_symlink())
        self.assertIn("</html>", path.read_text(encoding="utf-8"))
        self.assertEqual(path.stat().st_mode & 0o7777, 0o640)

    def test_what_is_not_a_file_is_written_itself(self):
        self.write({"p/a.policy": POLICY})
        done = self.tool("policy", "show", "--html", "/dev/stdout", self.folder / "p")
        self.assertIn("</html>", done.stdout)
        done = self.tool("policy", "show", "--html", "/dev/full", self.folder / "p", status=2)
        self.assertIn("/dev/full: No space left", done.stderr)


@unittest.skipUnless(browser.CHROMIUM, "no Chromium here: tools/setup installs it")
class Browser(test_policy_tool.Folder):
    @classmethod
    def setUpClass(cls):
        cls.chromium = browser.Page()
        cls.addClassCleanup(cls.chromium.close)

    def show(self, policy, *arguments, hash_part=""):
        self.write({"p/a.policy": policy})
        path = self.folder / "page.html"
        self.tool("policy", "show", "--html", path, *arguments, self.folder / "p")
        self.chromium.open(path, hash_part)
        self.assertEqual(self.chromium.requests, [f"file://{path}"])
        return self.chromium

    def rows(self):
        return self.chromium.eval(
            "[...document.querySelectorAll('.row')].map((row) => row.innerText.replace(/\\s+/g, ' ').trim())")

    def tearDown(self):
        self.assertEqual(self.chromium.problems, [])

    def test_the_tree_opens_by_the_keyboard(self):
        page = self.show(POLICY, "--tree", "api")
        self.assertEqual([row.split()[1] for row in self.rows()], ["api:", "/loans", "GET", "/admin"])
        page.eval("document.querySelector('.row').focus()")
        for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
            page.key(key)
        self.assertEqual([row.split()[1] for row in self.rows()][1:4], ["/loans", "/{loan}", "list"])
        self.assertEqual(page.eval("document.activeElement.title"), "api:/loans/{loan}")
        page.key("ArrowLeft")
        page.key("ArrowLeft")
        self.assertEqual(page.eval("document.activeElement.title"), "api:/loans")
        page.key("End")
        self.assertEqual(page.eval("document.activeElement.title"), "api:/admin")
        self.assertEqual(page.eval("document.querySelectorAll('.row[tabindex=\"0\"]').length"), 1)

    def test_a_search_opens_what_it_finds(self):
        page = self.show(POLICY, "--tree", "api")
        page.key("/")
        page.type("pay")
        self.assertEqual([row.split()[1] for row in self.rows()],
                         ["api:", "/loans", "/{loan}", "list"])
        self.assertEqual(page.eval("document.querySelector('mark').textContent"), "pay")
        self.assertEqual(page.eval("document.getElementById('status').textContent"),
                         "1 resource has it.")
        page.type("zzz")
        self.assertEqual(self.rows(), [])

    def test_the_marks_are_those_of_the_role(self):
        page = self.show(POLICY, "--role", "clerk", "--tree", "api", "--search", "loans")
        chips = page.eval("[...document.querySelectorAll('.chip')].map("
                          "(chip) => `${chip.className} ${chip.getAttribute('aria-label')}`)")
        self.assertIn("chip all list GET allowed", chips)
        self.assertIn("chip some update PUT PATCH partly allowed", chips)
        self.assertIn("chip none create POST not allowed", chips)

    def test_conditions_have_a_mark_and_are_said(self):
        page = self.show(CONDITIONS, "--role", "owner", "--tree", "api", "--search", "loan}")
        chips = page.eval("[...document.querySelectorAll('.chip')].map("
                          "(chip) => `${chip.className} ${chip.getAttribute('aria-label')}`)")
        self.assertIn("chip when read GET allowed on a condition: when resource.owner is principal.id", chips)
        self.assertIn("chip none sign POST not allowed", chips)
        lines = page.eval("[...document.querySelectorAll('.condition')].map((line) => line.textContent)")
        self.assertIn('update when PUT: resource.open; PATCH: resource.owner is "</script>"', lines)
        page = self.show(CONDITIONS, "--tree", "api", hash_part="#view=matrix")
        page.eval("document.getElementById('open-all').click()")
        cells = page.eval("[...document.querySelectorAll('td.when')].map((cell) => cell.title)")
        self.assertIn("owner: allowed on a condition: when resource.open", cells)
        self.assertEqual(page.eval("document.querySelector('#legend .when').textContent"), "◇")

    def test_the_matrix_opens_and_its_columns_can_be_chosen(self):
        page = self.show(POLICY, "--tree", "api", hash_part="#view=matrix")
        heads = "[...document.querySelectorAll('thead th')].map((head) => head.textContent)"
        self.assertEqual(page.eval(heads), ["resource", "viewer", "clerk", "idle", "loans:all"])
        cells = ("[...document.querySelectorAll('tbody tr')].map((row) => [row.querySelector('th').innerText"
                 ".replace(/[▸▾]\\s*/, ''), ...[...row.querySelectorAll('td')].map((cell) => cell.className)])")
        self.assertIn(["/loans", "some", "some", "none", "all"], page.eval(cells))
        self.assertIn(["/admin", "none", "denied", "none", "none"], page.eval(cells))
        page.eval("document.querySelectorAll('tbody button')[1].focus()")
        page.key("Enter")
        self.assertIn(["list GET", "all", "all", "none", "all"], page.eval(cells))
        self.assertEqual(page.eval("document.activeElement.title"), "api:/loans")
        page.eval("document.getElementById('column').focus()")
        page.type("loans")
        self.assertEqual(page.eval(heads), ["resource", "loans:all"])

    def test_every_role_can_be_chosen(self):
        page = self.show(MANY_ROLES, "--tree", "api", "--role", "r1499", "--search", "n0")
        self.assertEqual(page.eval("document.getElementById('holder').selectedOptions[0].text"), "r1499")
        page.eval("document.getElementById('holder').focus()")
        options = "[...document.getElementById('holder').options].map((option) => option.text)"
        self.assertEqual(page.eval(options), ["nobody", *(f"r{i}" for i in range(1500))])
        self.assertEqual(page.eval("document.getElementById('holder').selectedOptions[0].text"), "r1499")
        marked = "document.querySelector('.chip').className"
        self.assertEqual(page.eval(marked), "chip none")
        for holder, expected in ((14, "chip all"), (15, "chip none")):
            page.eval(f"(() => {{ const select = document.getElementById('holder'); select.value = {holder};"
                      "select.dispatchEvent(new Event('change')); })()")
            self.assertEqual(page.eval(marked), expected, holder)

    def test_text_of_the_policy_stays_text(self):
        page = self.show(HOSTILE, "--role", "r")
        self.assertNotEqual(page.eval("document.title"), "owned")
        self.assertEqual(page.eval("document.querySelectorAll('img, b:not(.mark), main style').length"), 0)
        self.assertIn("<img src=x onerror=document.title='owned'>&amp;<!--", " ".join(self.rows()))

    def test_many_rows_are_drawn_in_parts(self):
        many = "".join(f"/n{i} {{ GET }}\n" for i in range(900))
        page = self.show(f"tree api {{\n{many}}}\nrole r {{ allow GET on api:/** }}\n", "--tree", "api")
        for expected, button in ((400, "Show 400 more of 501 rows"), (800, "Show 101 more of 101 rows"),
                                 (901, "")):
            self.assertEqual(page.eval("document.querySelectorAll('.row').length"), expected)
            more = page.eval("document.getElementById('more').hidden ? '' "
                             ": document.getElementById('show-more').textContent")
            self.assertEqual(more, button)
            page.eval("document.getElementById('show-more').click()")

    def test_it_fits_both_themes_and_a_telephone(self):
        for width in (1280, 400):
            backs = set()
            for dark in (False, True):
                self.chromium.look(width, dark=dark)
                page = self.show(POLICY, "--role", "clerk")
                self.assertEqual(page.eval("document.documentElement.scrollWidth"), width)
                backs.add(page.eval("getComputedStyle(document.documentElement).backgroundColor"))
            self.assertEqual(len(backs), 2)


if __name__ == "__main__":
    unittest.main()

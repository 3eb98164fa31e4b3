# SPDX-License-Identifier: Apache-2.0
"""authzcheck lsp: a scripted editor, which types, asks and sends what no editor should."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from random import Random

import editor
import harness

TREE = 'tree api "The API" {\n    /loans { list GET, create POST }\n}\n'
DEEP_TREE = """\
tree api "The API" {
    /loans {
        list GET, create POST
        /search { search POST }
        /{loan} "One loan" { read GET, update PUT PATCH, sign "Signs it", /payments { GET, POST } }
    }
    /files/{path...} { GET, PUT }
}
"""
ROLES = """\
role viewer "Reads 𝄞" { allow GET on api:/loans }
role clerk inherits viewer { allow create on api:/loans }
stack other {
    authenticate  sufficient  key
    authorize     required    role
}
"""
NAMED = """\
scope loans:read { allow GET on api:/** }
environment live prefix live_
exclusive clerk, auditor
role auditor {
    allow all   on api:/loans { / } except POST
    allow grant on authz:/grants/scopes/*
}
principal billing {
    role viewer at api:/loans
}
stack common {
    account  required  permit
}
stack web {
    authenticate  required  key
    account       include   common
    authorize     required  role
}
test "names" {
    as role viewer, clerk at "api:/loans"
    environment live
    service web
    allow POST api:/loans
    as role auditor
    allow grant authz:/grants/scopes/loans:read
    key active
    with scope loans:read
    allow GET "api:/loans"
    as principal billing
    deny GET api:/loans because missing_token
}
"""


class Lsp(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz lsp-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.uris = {}
        for name, text in (("tree", TREE), ("roles", ROLES)):
            path = self.folder / f"{name}.policy"
            path.write_text(text, encoding="utf-8")
            self.uris[name] = path.as_uri()
        self.editor = self.start()
        self.capabilities = self.editor.ask("initialize", capabilities={})["result"]["capabilities"]
        self.editor.tell("initialized")

    def start(self, *arguments):
        started = editor.Editor(*arguments)
        self.addCleanup(started.close)
        return started

    def open(self, name, text):
        self.editor.tell("textDocument/didOpen", textDocument={
            "uri": self.uris[name], "languageId": "authz-policy", "version": 1, "text": text})
        return self.editor.diagnostics(self.uris[name])

    def change(self, name, text):
        self.editor.tell("textDocument/didChange", textDocument={"uri": self.uris[name], "version": 2},
                         contentChanges=[{"text": text}])
        return self.editor.diagnostics(self.uris[name])

    def at(self, name, line, character, method):
        return self.editor.ask(f"textDocument/{method}", textDocument={"uri": self.uris[name]},
                               position={"line": line, "character": character})["result"]

    def place(self, name, text, what, ahead=0):
        """Params for the position in the text at which `what` stands, or `ahead` units after it."""
        line = text[:text.index(what)].count("\n")
        return {"textDocument": {"uri": self.uris[name]},
                "position": {"line": line, "character": text.split("\n")[line].index(what) + ahead}}

    def renamed(self, name, text, what, to, ahead=0):
        """The texts of all files after a rename, or the message that refuses it."""
        answer = self.editor.ask("textDocument/rename", newName=to, **self.place(name, text, what, ahead))
        if "error" in answer:
            return answer["error"]["message"]
        texts = {}
        for uri, edits in answer["result"]["changes"].items():
            stem = next(stem for stem, known in self.uris.items() if known == uri)
            lines = (self.folder / f"{stem}.policy").read_text(encoding="utf-8").split("\n")
            for edit in reversed(edits):  # they come in the order of the text
                start, end = edit["range"]["start"], edit["range"]["end"]
                self.assertEqual(start["line"], end["line"])
                line = lines[start["line"]].encode("utf-16-le")
                lines[start["line"]] = (line[:2 * start["character"]] + edit["newText"].encode("utf-16-le")
                                        + line[2 * end["character"]:]).decode("utf-16-le")
            texts[stem] = "\n".join(lines)
        return texts

    def offered(self, text):
        """The labels of what is offered at the '|' of a text."""
        self.change("roles", text.replace("|", ""))
        answer = self.editor.ask("textDocument/completion", **self.place("roles", text, "|"))["result"]
        self.assertFalse(answer["isIncomplete"])
        for item in answer["items"]:  # what is typed is replaced, and begins the label
            begin, end = item["textEdit"]["range"]["start"], item["textEdit"]["range"]["end"]
            line = text.split("\n")[begin["line"]]
            self.assertTrue(item["label"].lower().startswith(line[begin["character"]:end["character"]].lower()))
            self.assertEqual(item["label"], item["textEdit"]["newText"])
        return [item["label"] for item in answer["items"]]

    def write(self, name, text):
        path = self.folder / f"{name}.policy"
        path.write_text(text, encoding="utf-8")
        self.uris[name] = path.as_uri()

    def errors(self, found):
        return [(one["range"]["start"], one["message"]) for one in found if one["severity"] == 1]

    def test_errors_come_and_go_as_it_is_typed(self):
        self.assertEqual(self.errors(self.open("roles", ROLES)), [])
        found = self.errors(self.change("roles", ROLES.replace("inherits viewer", "inherits vewer")))
        self.assertEqual(found[0][0], {"line": 1, "character": 20})
        self.assertIn("did you mean 'viewer'", found[0][1])
        self.assertTrue(self.errors(self.change("roles", ROLES[:70])))
        self.assertEqual(self.errors(self.change("roles", ROLES)), [])

    def test_positions_count_utf16_units(self):
        found = self.errors(self.open("roles", ROLES.replace("GET on", "GTE on")))
        self.assertEqual(found[0][0], {"line": 0, "character": ROLES.index("GET") + 1})

    def test_an_open_file_stands_for_the_one_on_disk(self):
        self.open("roles", ROLES)
        self.assertEqual(self.errors(self.open("tree", TREE.replace("create POST", "make POST"))), [])
        self.assertIn("create", self.errors(self.editor.diagnostics(self.uris["roles"]))[0][1])
        self.editor.tell("textDocument/didClose", textDocument={"uri": self.uris["tree"]})
        self.assertEqual(self.errors(self.editor.diagnostics(self.uris["roles"])), [])

    def test_warnings_have_codes_and_failing_tests_are_errors(self):
        text = ROLES + 'test "t" {\n    as role viewer\n    allow POST api:/loans\n}\n'
        self.assertEqual(self.errors(self.open("roles", text))[0][0]["line"], 8)
        found = self.change("roles", ROLES.replace("GET on api:/loans", "all on api:/**"))
        self.assertIn("wildcard-write", [one.get("code") for one in found])

    def test_formatting_replaces_the_text(self):
        self.open("roles", ROLES.replace("role clerk ", "role   clerk "))
        edits = self.editor.ask("textDocument/formatting", textDocument={"uri": self.uris["roles"]})["result"]
        formatted = edits[0]["newText"]
        self.assertIn("role clerk", formatted)
        self.change("roles", formatted)
        self.assertEqual(self.editor.ask("textDocument/formatting", textDocument={
            "uri": self.uris["roles"]})["result"], [])
        self.change("roles", "role {")
        self.assertIsNone(self.editor.ask("textDocument/formatting", textDocument={
            "uri": self.uris["roles"]})["result"])

    def test_hover_and_definition_follow_names(self):
        self.open("roles", ROLES)
        self.assertEqual(self.at("roles", 1, 22, "hover")["contents"]["value"].split("\n"),
                         ["role viewer", "Reads 𝄞", "    allow GET on api:/loans", "allows something on up to 1 node"])
        self.assertEqual(self.at("roles", 1, 22, "definition"), {"uri": self.uris["roles"], "range": {
            "start": {"line": 0, "character": 5}, "end": {"line": 0, "character": 11}}})
        tree = self.at("roles", 1, ROLES.split("\n")[1].index("api:") + 1, "definition")
        self.assertEqual((tree["uri"], tree["range"]["start"]),
                         (self.uris["tree"], {"line": 0, "character": 5}))
        self.assertIsNone(self.at("roles", 99, 99, "hover"))

    def test_hover_has_grants_as_they_are_written_without_columns_and_comments(self):
        text = ROLES + """role wide {
    allow GET    on api:/loans,  # and more
                    api:/loans
    deny  create on api:/loans
}
"""
        self.open("roles", text)
        answer = self.editor.ask("textDocument/hover", **self.place("roles", text, "wide"))["result"]
        self.assertEqual(answer["contents"]["value"].split("\n")[1:-1],
                         ["    allow GET on api:/loans, api:/loans", "    deny create on api:/loans"])

    def test_hover_of_a_role_counts_what_it_selects_with_what_it_inherits(self):
        self.write("tree", DEEP_TREE)
        text = ("role a inherits b, c { allow GET on api:/loans/** }\nrole b inherits a, none {\n"
                "    allow update on api:/loans/**\n    deny all on api:/files/{path...}\n}\n"
                "role c { allow all on api:/** }\nrole d { allow update on api:/loans/** }\nrole e { }\n")
        self.open("roles", text)
        last = {}
        for name in "abcde":
            place = self.place("roles", text, f"role {name}", 5)
            last[name] = self.editor.ask("textDocument/hover", **place)["result"]["contents"]["value"].split("\n")[-1]
        self.assertEqual(last, {
            "a": "allows something on up to 5 nodes, with what it inherits",
            "b": "allows something on up to 5 nodes, with what it inherits",
            "c": "allows something on up to 5 nodes", "d": "allows something on up to 1 node",
            "e": "allows something on up to 0 nodes"})

    def test_references_are_in_all_files(self):
        self.write("more", "exclusive viewer, clerk\n")
        self.open("roles", ROLES)
        params = self.place("roles", ROLES, "viewer")
        found = self.editor.ask("textDocument/references", context={"includeDeclaration": True}, **params)["result"]
        self.assertEqual([(one["uri"], one["range"]["start"]["line"]) for one in found],
                         [(self.uris["more"], 0), (self.uris["roles"], 0), (self.uris["roles"], 1)])
        found = self.editor.ask("textDocument/references", context={"includeDeclaration": False}, **params)["result"]
        self.assertEqual(len(found), 2)
        self.assertIsNone(self.editor.ask("textDocument/references", **self.place("roles", ROLES, "inherits"))["result"])

    def test_what_changes_on_disk_is_found(self):
        self.open("roles", ROLES)
        params = dict(self.place("roles", ROLES, "viewer"), context={})
        self.assertEqual(len(self.editor.ask("textDocument/references", **params)["result"]), 1)
        self.write("more", "exclusive viewer, clerk\n")
        self.assertEqual(len(self.editor.ask("textDocument/references", **params)["result"]), 2)
        (self.folder / "more.policy").unlink()
        self.assertEqual(len(self.editor.ask("textDocument/references", **params)["result"]), 1)

    def test_a_rename_keeps_the_meaning(self):
        text = ROLES + NAMED
        self.write("roles", text)
        self.assertEqual(self.errors(self.open("roles", text)), [])
        for what, ahead, to in (("viewer", 0, "loans:reader"), ("clerk", 5, "clerks"), ("loans:read", 2, "read"),
                                ("common", 0, "all-of-them"), ("live", 0, "real"), ("billing", 0, "robot"),
                                ("api:", 1, "v2")):
            texts = self.renamed("roles", text, what, to, ahead)
            self.assertIsInstance(texts, dict, texts)
            self.assertNotRegex(texts["roles"], r"\b%s\b" % what.rstrip(":"))
            self.assertEqual("tree" in texts, what == "api:")
            for name, changed in texts.items():
                self.write(name, changed)
            checked = subprocess.run([harness.AUTHZCHECK, "policy", "check", self.folder],
                                     capture_output=True, text=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.write("roles", text)
            self.write("tree", TREE)

    def test_a_rename_that_would_change_the_meaning_is_refused(self):
        text = ROLES + NAMED
        self.write("roles", text)
        self.open("roles", text)
        for what, to, why in (
            ("viewer", "clerk", "declared already, at .*roles.policy:2"),
            ("viewer", "Clerk", "'clerk' is declared already"),
            ("viewer", "anyone", "choose another name"),
            ("viewer", "a b", "expected .* found 'b'"),
            ("viewer", "", "expected a role's name"),
            ("viewer", "x { }\nrole y", "cannot be the name"),
            ("viewer", "1x", "cannot be a role's name"),
            ("common", "Big", "cannot be a stack's name"),
            ("other {", "main", "keeps its name"),
            ("loans:read", "loans/read", "segment of a path"),
            ("inherits", "x", "no name stands here"),
        ):
            self.assertRegex(self.renamed("roles", text, what, to), why)
        params = self.place("roles", text, "viewer")
        self.assertEqual(self.editor.ask("textDocument/prepareRename", **params)["result"]["placeholder"], "viewer")
        self.write("broken", "role {\n")
        self.assertRegex(self.renamed("roles", text, "viewer", "x"), "broken.policy:1: .*this mistake may hide a name")
        self.assertIn("error", self.editor.ask("textDocument/prepareRename", **params))

    def test_completion_offers_what_may_stand_there(self):
        self.write("tree", DEEP_TREE)
        self.write("names", NAMED.split("test ")[0].replace("clerk", "viewer"))
        self.open("roles", ROLES)
        for text, offered in (
            ("ro|", ["role"]),
            ("role x { allow GET on api:/loans }\n|", [
                "condition", "environment", "exclusive", "facts", "limits", "principal", "role", "scope", "stack", "test",
                "tree"]),
            ("role viewer \"Reads\" |", ["inherits"]),
            ("role viewer { }\nrole x inherits |", ["auditor", "viewer"]),
            ("role viewer { }\nrole x inherits viewer, au|", ["auditor"]),
            ("scope x includes |", ["loans:read"]),
            ("role x {\n    |\n}", ["allow", "deny"]),
            ("role x {\n    allow c|\n}", ["create"]),
            ("role x {\n    allow a|", ["all"]),
            ("role x { allow GET, cre|", ["create"]),
            ("role x { allow GET |", ["on"]),
            ("role x { allow GET on |", ["api:/", "authz:/"]),
            ("role x { allow GET on api:|", ["api:/"]),
            ("role x { allow GET on api:/|", ["loans", "files", "*", "**"]),
            ("role x { allow GET on api:/lo|", ["loans"]),
            ("role x { allow GET on api:/loans/|", ["search", "{loan}", "*", "**"]),
            ("role x { allow GET on api:/loans/{lo|}", ["{loan}"]),
            ("role x { allow GET on api:/loans/{loan}/|", ["payments", "*", "**"]),
            ("role x { allow GET on api:/*/|", ["search", "{loan}", "{path...}", "*", "**"]),
            ("role x {\n    allow GET on api:/loans { /, /{loan} { /|\n}", ["payments", "*", "**"]),
            ("role x { allow GET on api:/loans { / } |", ["except", "when"]),
            ("facts { resource.owner string }\ncondition own = |", ["not", "own", "resource.owner"]),
            ("facts { resource.owner |", ["address", "bool", "duration", "int", "string", "strings", "time"]),
            ("facts { resource.owner string |", ["default"]),
            ("facts { resource.owner string }\nrole x { allow GET on api:/loans when res|", ["resource.owner"]),
            ("role x { allow GET on api:/loans when {loan} |", ["and", "has", "in", "is", "not", "or"]),
            ("role x { allow GET on api:/loans when {loan} is |", ["not"]),
            ("role x { allow GET on api:/loans when {lo|", []),
            ("role x { allow GET on api:/loans when resource.tags has |", ["all", "any"]),
            ("facts { resource.tags strings }\nrole x { allow GET on api:/loans when {a} in {b}, |", ["resource.tags"]),
            ("principal p {\n    |", ["attribute", "peer", "role"]),
            ('facts { resource.owner string }\ntest "t" {\n    given |', ["resource.owner"]),
            ('test "t" {\n    given resource.owner |', ["absent", "empty"]),
            ("role x { allow all on api:/** except |", ["all", "api:/", "authz:/"]),
            ("role x { allow GET on api:/loans,\n    api:/f|", ["files"]),
            ("role x { deny grant on authz:/grants/|", ["scopes", "roles", "*", "**"]),
            ("tree x {\n    strict_slash |", ["yes", "no"]),
            ("tree x {\n    /a { list GE|", ["GET"]),
            ("tree x { str|", ["strict_slash"]),
            ("limits {\n    key_t|", ["key_ttl"]),
            ("principal p {\n    role viewer |", ["at", "until"]),
            ("principal p {\n    role viewer at api:/loans/|", ["search"]),
            ("principal p {\n    peer |", ["user", "group"]),
            ("stack s {\n    ac|", ["account"]),
            ("stack s {\n    account req|", ["required", "requisite"]),
            ("stack s {\n    account include |", ["common", "web"]),
            ("stack s {\n    account required net|", ["network"]),
            ('test "t" {\n    as |', ["role", "principal", "nobody"]),
            ('test "t" {\n    as role vie|', []),
            ('test "t" {\n    as role aud|', ["auditor"]),
            ('test "t" {\n    as principal |', ["inactive", "billing"]),
            ('test "t" {\n    environment |', ["live"]),
            ('test "t" {\n    with scope |', ["loans:read"]),
            ('test "t" {\n    allow GET |', ["api:/", "authz:/"]),
            ('test "t" {\n    allow GET api:/loans/7/p|', ["payments"]),
            ('test "t" {\n    deny GET api:/loans |', ["because"]),
            ('test "t" {\n    deny GET api:/loans because un|', [
                "unknown_key", "unknown_principal", "unknown_service", "unknown_resource", "unknown_action"]),
            ("role x { # allow |", []),
            ('role x "a |', []),
            ("role |", []),
        ):
            labels = self.offered(text)
            found = [label for label in labels if label in offered] if text.endswith("except |") else labels
            self.assertEqual(sorted(found), sorted(offered), text)

    def test_facts_and_conditions_are_found_and_renamed_where_they_are_read(self):
        text = ('facts { resource.owner string }\nfacts { principal.branch string }\n'
                'condition own = resource.owner is principal.id\n'
                'role x { allow GET on api:/loans when own and not (resource.owner is "own") }\n'
                'test "t" {\n    given resource.owner "resource.owner"\n}\n')
        self.write("roles", text)
        self.open("roles", text)
        fact = self.renamed("roles", text, "resource.owner is p", "resource.by")
        self.assertEqual(fact, {"roles": text.replace("resource.owner", "resource.by").replace('"resource.by"',
                                                                                              '"resource.owner"')})
        condition = self.renamed("roles", text, "own and", "mine")
        self.assertEqual(condition, {"roles": text.replace("own =", "mine =").replace("own and", "mine and")})
        for what, to, why in (
            ("own and", "Mine", "cannot be a condition's name"),
            ("resource.owner is p", "owner", "cannot be a fact"),
            ("resource.owner is p", "principal.b", "choose another name"),
            ("principal.branch", "principal.b", "keeps its name"),
            ("principal.id", "principal.b", "keeps its name"),
        ):
            self.assertRegex(self.renamed("roles", text, what, to), why)

    def test_hover_counts_what_a_pattern_selects(self):
        self.write("tree", DEEP_TREE)
        text = ('role x "X" {\n    allow GET, update on api:/loans/**, api:/files/{path...}\n'
                '    allow all on api:/loans { /search, /{loan}/payments }\n}\n'
                'test "t" {\n    as role x\n    deny update api:/loans/7 because role\n}\n')
        self.open("roles", text)

        def shown(name, text, what, ahead=0):
            answer = self.editor.ask("textDocument/hover", **self.place(name, text, what, ahead))["result"]
            return answer and answer["contents"]["value"].split("\n")

        self.assertEqual(shown("roles", text, "/loans/**"), [
            "api:/loans/** selects 4 nodes, of which have GET, update: 3",
            "    api:/loans  list GET, create POST",
            "    api:/loans/{loan}  read GET, update PUT PATCH, sign",
            "    api:/loans/{loan}/payments  GET, POST"])
        self.assertEqual(shown("roles", text, "/files/{path...}")[0],
                         "api:/files/{path...} selects 1 node, of which have GET, update: 1")
        self.assertEqual(shown("roles", text, "/{loan}/payments", 3), [
            "api:/loans/{loan}/payments selects 1 node", "    api:/loans/{loan}/payments  GET, POST"])
        self.assertEqual(shown("roles", text, "update on")[0], "action update: 1 node of this line")
        self.assertEqual(shown("roles", text, "GET, ")[0], "method GET: 4 nodes of this line")
        self.assertEqual(shown("roles", text, "update api"), [
            "action update: 1 node of this line", "    api:/loans/{loan}  read GET, update PUT PATCH, sign"])
        self.assertEqual(shown("roles", text, "/loans/7")[:2], ["node api:/loans/{loan}", "One loan"])
        self.assertEqual(shown("tree", DEEP_TREE, "/{loan}"), [
            "node api:/loans/{loan}", "One loan", "    read GET", "    update PUT PATCH", "    sign  Signs it",
            "1 node below it"])
        self.assertEqual(shown("tree", DEEP_TREE, "sign"), ["action sign of api:/loans/{loan}", "Signs it"])
        self.assertIsNone(shown("roles", text, "allow"))

    def test_a_policy_in_folders_of_folders_is_found(self):
        (self.folder / "roles.policy").unlink()
        (self.folder / "tree.policy").unlink()
        for name, text in (("policy/trees/api", TREE), ("policy/teams/a/roles", ROLES),
                           ("policy/tests/all", 'test "t" {\n    as role clerk\n    allow create api:/loans\n}\n'),
                           ("other/one", "role x { allow all on shop:/** }\n"), ("other/two", "tree shop { GET }\n"),
                           ("direct/main", "exclusive red, blue\n"), ("direct/sub/one", "role red { }\nrole blue { }\n"),
                           ("examples/a/policy", TREE + ROLES), ("examples/b/policy", TREE + ROLES)):
            (self.folder / f"{name}.policy").parent.mkdir(parents=True, exist_ok=True)
            self.write(name, text)
        for workspace in ({"workspaceFolders": [{"uri": self.folder.as_uri(), "name": "all"}]}, {}):
            self.editor = self.start()
            self.editor.ask("initialize", capabilities={}, **workspace)
            if not workspace:
                (self.folder / ".git").mkdir()
            self.assertEqual(self.errors(self.open("policy/teams/a/roles", ROLES)), [])
            params = dict(self.place("policy/teams/a/roles", ROLES, "clerk"), context={})
            found = self.editor.ask("textDocument/references", **params)["result"]
            self.assertEqual([one["uri"] for one in found], [self.uris["policy/tests/all"]])
            params = dict(self.place("policy/trees/api", TREE, "api"), context={})
            self.open("policy/trees/api", TREE)
            self.assertEqual(len(self.editor.ask("textDocument/references", **params)["result"]), 3)
            self.open("direct/sub/one", "role red { }\nrole blue { }\n")
            params = dict(self.place("direct/sub/one", "role red", "red"), context={})
            found = self.editor.ask("textDocument/references", **params)["result"]
            self.assertEqual([one["uri"] for one in found], [self.uris["direct/main"]])
            self.open("examples/a/policy", TREE + ROLES)
            params = dict(self.place("examples/a/policy", TREE + ROLES, "clerk"), context={"includeDeclaration": True})
            self.assertEqual(len(self.editor.ask("textDocument/references", **params)["result"]), 1)
        self.editor = self.start()
        (self.folder / ".git").rmdir()
        self.editor.ask("initialize", capabilities={})
        self.assertTrue(self.errors(self.open("policy/teams/a/roles", ROLES)))

    def test_a_saved_file_may_join_folders(self):
        (self.folder / "a").mkdir()
        (self.folder / "b").mkdir()
        for name in ("roles", "tree"):
            (self.folder / f"{name}.policy").unlink()
        self.write("a/roles", ROLES)
        self.editor = self.start()
        self.editor.ask("initialize", capabilities={}, rootUri=self.folder.as_uri())
        self.assertTrue(self.errors(self.open("a/roles", ROLES)))
        self.write("b/tree", TREE)
        self.editor.tell("textDocument/didSave", textDocument={"uri": self.uris["a/roles"]})
        self.assertEqual(self.editor.diagnostics(self.uris["a/roles"]), [])  # those of the folder a
        self.assertEqual(self.errors(self.editor.diagnostics(self.uris["a/roles"])), [])
        self.assertIsNotNone(self.at("a/roles", 0, ROLES.index("api:") + 2, "definition"))

    def edit(self, name, start, end, text):
        """A change of a range; positions are (line, character)."""
        begin, finish = ({"line": line, "character": character} for line, character in (start, end))
        self.editor.tell("textDocument/didChange", textDocument={"uri": self.uris[name], "version": 3},
                         contentChanges=[{"range": {"start": begin, "end": finish}, "text": text}])

    def test_a_large_policy_is_checked_when_typing_pauses(self):
        text = ROLES.replace("inherits viewer", "inherits vewer") + "# a comment\n" * 6000
        self.write("roles", text)
        (before,) = self.errors(self.open("roles", text))
        self.edit("roles", (0, 0), (0, 0), "# typed\nstack {\n}\n")
        at_once = self.errors(self.editor.diagnostics(self.uris["roles"]))
        self.assertEqual([(at["line"], message.split(":")[0]) for at, message in at_once], [
            (1, "expected a stack's name, found '{'"), (4, before[1].split(":")[0])])
        self.edit("roles", (1, 0), (3, 0), "")
        self.edit("roles", (2, 21), (2, 21), "x")
        self.assertIsNotNone(self.at("roles", 1, 6, "hover"))
        self.assertIn([], [self.errors(one["params"]["diagnostics"]) for one in self.editor.kept])  # it was touched
        while not (checked := self.errors(self.editor.diagnostics(self.uris["roles"]))) or "vewer" in checked[0][1]:
            pass  # until the check that follows the pause
        self.assertIn("unknown role 'vxewer'", checked[0][1])

    def test_changes_of_ranges_are_those_of_the_text(self):
        random = Random(7)
        lines = ["role  unformatted { allow GET on api:/loans }"] + ["#𝄞é"] * 9
        self.open("roles", "\r\n".join(lines))
        for number in range(100):
            line = random.randrange(1, len(lines))
            begin, end = sorted(random.randrange(1, len(lines[line]) + 1) for _ in range(2))
            piece = random.choice(["", "x", "𝄞", "é𝄞y"])
            units = [(line, len(lines[line][:column].encode("utf-16-le")) // 2) for column in (begin, end)]
            self.edit("roles", *units, piece)
            lines[line] = lines[line][:begin] + piece + lines[line][end:]
            if number % 20 == 0:  # comments stay as they are
                answer = self.editor.ask("textDocument/formatting", textDocument={"uri": self.uris["roles"]})
                self.assertEqual(answer["result"][0]["newText"].split("\n")[1:-1], lines[1:])

    def test_requests_in_half_files_are_answered(self):
        random = Random(8)
        text = (ROLES + NAMED).replace("\n", "\r\n")
        self.open("roles", text)
        pieces = ["", "𝄞", "\r\n", "\r", "role x { }", "{", "}", '"', " ", "#", "api:/", "/{", ","]
        for _ in range(150):
            start = (random.randrange(42), random.randrange(40))
            self.edit("roles", start, (start[0] + random.randrange(2), random.randrange(40)), random.choice(pieces))
            for method in ("hover", "definition", "references", "completion", "formatting"):
                self.assertIn("result", self.editor.ask(
                    f"textDocument/{method}", textDocument={"uri": self.uris["roles"]},
                    position={"line": start[0], "character": start[1]}))
        self.editor.kept.clear()
        self.edit("roles", (0, 0), (9999, 0), ROLES)
        self.assertEqual(self.errors(self.editor.diagnostics(self.uris["roles"])), [])
        self.editor.ask("shutdown")
        self.editor.tell("exit")
        self.assertEqual(self.editor.process.wait(harness.DEADLINE), 0)  # a sanitizer finds no leak either

    def test_files_that_are_unknown_closed_or_gone(self):
        self.open("roles", ROLES)
        gone = {"uri": (self.folder / "no/such.policy").as_uri()}
        self.editor.tell("textDocument/didChange", textDocument=gone, contentChanges=[{"text": "role"}])
        self.editor.tell("textDocument/didSave", textDocument=gone)
        self.editor.tell("textDocument/didClose", textDocument=gone)
        for document in (gone, {"uri": "untitled:one"}, {"uri": "file:///"}, {"uri": ""}, {"uri": 7}, {}):
            for method in ("hover", "definition", "references", "completion", "prepareRename", "formatting"):
                answer = self.editor.ask(f"textDocument/{method}", textDocument=document,
                                         position={"line": 0, "character": -5})
                self.assertIsNone(answer["result"], (document, method))
        self.editor.tell("textDocument/didOpen", textDocument={"uri": "untitled:one", "version": 1, "text": "role {"})
        self.assertTrue(self.errors(self.editor.diagnostics("untitled:one")))
        self.editor.tell("textDocument/didClose", textDocument={"uri": "untitled:one"})
        self.assertEqual(self.editor.diagnostics("untitled:one"), [])
        shutil.rmtree(self.folder)
        self.assertTrue(self.errors(self.change("roles", ROLES)))  # its tree is gone
        self.editor.tell("textDocument/didClose", textDocument={"uri": self.uris["roles"]})
        self.assertEqual(self.editor.diagnostics(self.uris["roles"]), [])

    def test_what_is_advertised_is_answered(self):
        for name, method in (("hoverProvider", "hover"), ("definitionProvider", "definition"),
                             ("documentFormattingProvider", "formatting"), ("referencesProvider", "references"),
                             ("completionProvider", "completion")):
            self.assertTrue(self.capabilities[name])
            self.assertIn("result", self.editor.ask(f"textDocument/{method}"))
        self.assertEqual(self.capabilities["renameProvider"], {"prepareProvider": True})
        self.assertIn("result", self.editor.ask("textDocument/prepareRename"))
        self.assertEqual(self.editor.ask("textDocument/rename")["error"]["code"], -32803)
        self.assertEqual(self.editor.ask("textDocument/codeAction")["error"]["code"], -32601)

    def test_wrong_messages_do_not_end_it(self):
        for data, code in (
            (b"Content-Length: 3\r\n\r\n{{{", -32700),
            (b"Content-Length: many\r\n\r\n", -32700),
            (b"nothing\r\n\r\n", -32700),
            (b"Content-Length: 2\r\n\r\n{}", -32600),
            (b"Content-Length: 2\r\n\r\n[]", -32600),
        ):
            self.editor.raw(data)
            self.assertEqual(self.editor.read()["error"]["code"], code, data)
        self.editor.raw(b"Content-Length: 60000000\r\n\r\n")
        for _ in range(60):
            self.editor.raw(b" " * 1000000)
        self.assertIn("larger", self.editor.read()["error"]["message"])
        self.assertEqual(self.errors(self.open("roles", ROLES)), [])

    def test_life(self):
        early = self.start(self.folder)
        self.assertEqual(early.ask("textDocument/hover")["error"]["code"], -32002)
        early.process.stdin.close()
        self.assertEqual(early.process.wait(harness.DEADLINE), 1)
        self.assertIsNone(self.editor.ask("shutdown")["result"])
        self.assertEqual(self.editor.ask("textDocument/hover")["error"]["code"], -32600)
        self.editor.tell("exit")
        self.assertEqual(self.editor.process.wait(harness.DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()

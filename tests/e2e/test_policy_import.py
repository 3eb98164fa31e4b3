# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy import-openapi and import-routes: the description of an API becomes a policy that loads."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

GITHUB = harness.ROOT / "tests/openapi/node_modules/@octokit/openapi/generated/api.github.com.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

PETS = """\
openapi: 3.1.0
info: {title: "A \\"pet\\" shop", version: 1.2.0}
servers: [{url: https://pets.example.org/v2/}]
security: [{oauth: [pets:read]}]
paths:
  /pets/{petId}:
    get: {operationId: getPet}
    delete: {operationId: all, security: [{oauth: ['https://pets.example.org/admin']}]}
    head: {}
  /pets:
    summary: All pets
    get:
      operationId: listPets
      summary: List pets
      deprecated: true
    post:
      operationId: create pet!
      description: |
        Adds a pet
        to the shop.

        And more.
      security: [{oauth: ['pets:write', 'pets:read']}]
  /pets/{pet.id}/photo.{format}:
    get: {operationId: photo, security: []}
  /pets/{id}/odd name/$batch/{rest*}:
    put: {}
  /pets/a//b:
    get: {}
  /x: {$ref: '#/components/pathItems/X'}
  /y: {$ref: 'other.yaml#/X'}
components:
  pathItems:
    X: {get: {operationId: GETX}, options: {security: [{oauth: [pets:read]}, {key: []}]}}
  securitySchemes:
    oauth:
      type: oauth2
      flows: {implicit: {scopes: {'pets:read': Read pets, 'pets:write': Change pets}}}
"""

POLICY = """\
tree api "A \\"pet\\" shop" {
    /v2 {
        /pets "All pets" {
            listPets    GET  "List pets (deprecated)"
            create-pet  POST "Adds a pet to the shop."
            /{petId} {
                getPet  GET
                HEAD
                all_    DELETE
                /"odd name"/"$batch"/{rest...} { PUT }
                /{format}                      { photo GET }
            }
        }
        /x {
            getx  GET
            OPTIONS
        }
    }
}

scope https:pets.example.org/admin {
    allow all_ on api:/v2/pets/{petId}
}

scope pets:read "Read pets" {
    allow listPets      on api:/v2/pets
    allow getPet, HEAD  on api:/v2/pets/{petId}
    allow PUT           on api:/v2/pets/{petId}/"odd name"/"$batch"/{rest...}
    allow getx, OPTIONS on api:/v2/x
}

scope pets:read.and.pets:write includes pets:read {
    allow create-pet on api:/v2/pets
}
"""

# Each is reported, by the place and some of the words.
NOTES = [
    ("servers", "all paths begin with '/v2'"),
    ("GET /pets/{pet.id}/photo.{format}", "'photo.{format}' is a whole segment, {format}"),
    ("GET /pets/{pet.id}/photo.{format}", "parameter 'pet.id' is 'pet-id'"),
    ("GET /pets/{pet.id}/photo.{format}", "needs no scope"),
    ("GET /pets/a//b", "left out: an empty segment"),
    ("/y", "leads out of the document"),
    ("POST /pets", "'create pet!' is the action 'create-pet'"),
    ("DELETE /pets/{petId}", "'all' is the action 'all_'"),
    ("GET /x", "'GETX' is the action 'getx'"),
    ("/v2/pets", "parameter {id} is {petId} here"),
    ('/v2/pets/{petId}/"odd name"/"$batch"', "{rest...} takes"),
    ("scope https://pets.example.org/admin", "is 'https:pets.example.org/admin'"),
    ("scope pets:read.and.pets:write", "stands for its scopes together"),
    ("scope pets:write", "left out"),
]

BEGIN = "openapi: 3.0.0\n"
PATHS = "paths: {/a: {get: {}}}\n"

# Documents that are refused, and some of the words that say why.
REFUSED = {
    "alias in its own anchor": (BEGIN + "paths: &a {/a: *a}\n", "circle"),
    "alias of nothing": (BEGIN + "x: *a\n", "no anchor before it"),
    "$ref in a circle": (BEGIN + "paths:\n  /a: {$ref: '#/paths/~1b'}\n  /b: {$ref: '#/paths/~1a'}\n",
                         "a circle of $ref"),
    "deep YAML": (BEGIN + "x: " + "[" * 100_000 + "\n", "line 2"),
    "anchors without end": (BEGIN + "".join(f"a{i}: &a{i} x\n" for i in range(10_001)) + PATHS,
                            "line 10002: the 10,001st anchor"),
    "directives without end": ("%TAG !a! x\n" * 65 + "---\n" + BEGIN + PATHS,
                               "line 65: the 65th line that begins with %"),
    "deep aliases": (BEGIN + "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [[[*a{i - 1}]]]\n" for i in range(1, 400)) + PATHS, "nested too deeply"),
    "deep JSON": ('{"openapi":"3.0.0","x":' + "[" * 100_000, "depth"),
    "a key twice in YAML": (BEGIN + BEGIN, "line 2, column 1: key 'openapi' twice"),
    "a key twice in JSON": ('{"a":1,"a":2}', "duplicate"),
    "half a file": (BEGIN + "paths:\n  /a: {get: {operationId: x\n", "line 4"),
    "two documents": (BEGIN + PATHS + "---\n" + BEGIN, "a second document"),
    "Swagger": ("swagger: '2.0'\n", "convert it to OpenAPI 3"),
    "another version": ("openapi: 4.0.0\n", "is not supported: use 3.0 or 3.1"),
    "no OpenAPI": ("a: b\n", "no member 'openapi'"),
    "nothing": ("\n", "empty"),
    "no operations": (BEGIN, "no operations"),
    "operations that cannot be said": (BEGIN + "paths: {/a//b: {get: {}}}\n", "cannot express any of its operations"),
    "too many scopes": (BEGIN + PATHS + "security: [" + ",".join(
        f"{{o: [s{i}]}}" for i in range(5000)) + "]\n", "more than 4096 scopes"),
    "a list": ("- a\n", "not an object"),
}


class Import(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, text, name="api.yaml"):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run_import(self, *arguments, status=0, text=None, command="import-openapi"):
        done = harness.run_tool("policy", command, *arguments, text=text)
        self.assertEqual(done.returncode, status, done.stdout[:1000] + done.stderr[:1000])
        return done

    def check(self, policy):
        path = self.write(policy, "policy/api.policy")
        done = harness.run_tool("policy", "check", path.parent)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return path.parent


class Documents(Import):
    def test_a_document_becomes_a_policy_that_loads(self):
        done = self.run_import(self.write(PETS))
        self.assertEqual(done.stdout, POLICY)
        self.check(done.stdout)

    def test_what_cannot_be_said_is_reported(self):
        document = json.loads(harness.run_tool(
            "--json", "policy", "import-openapi", self.write(PETS)).stdout)
        notes = [(note["where"], note["text"]) for note in document["notes"]]
        for where, words in NOTES:
            self.assertTrue(any(place == where and words in text for place, text in notes),
                            (where, words, notes))
        self.assertEqual((document["policy"], document["operations"]), (POLICY, 9))
        done = self.run_import(self.folder / "api.yaml")
        self.assertEqual(len(done.stderr.splitlines()), len(notes) + 1, done.stderr)
        self.assertIn(f"6 paths, 9 operations, 3 scopes; {len(notes)} notes", done.stderr)

    def test_operations_without_scopes_are_counted(self):
        for count, said in ((1, "needs no scope:"), (2, "needs no scope, as 1 other:"),
                            (3, "needs no scope, as 2 others:")):
            paths = {f"/{i}": {"get": {}} for i in range(count)}
            paths["/x"] = {"get": {"security": [{"all": ["read"]}]}}
            self.assertIn(said, self.run_import(
                "-", text=json.dumps({"openapi": "3.0.0", "paths": paths})).stderr)

    def test_an_alternative_without_scopes_is_reported(self):
        for security, said in (([{"key": []}, {"oauth": ["read"]}], True), ([{"oauth": ["read"]}, {}], True),
                               ([{"oauth": ["read"]}, {"oauth": ["write"]}], False),
                               ([{"oauth": ["read"], "key": []}], False)):
            paths = {"/x": {"get": {"security": security}}}
            done = self.run_import("-", text=json.dumps({"openapi": "3.0.0", "paths": paths}))
            self.assertEqual("GET /x: one way to sign in needs no scope" in done.stderr, said, done.stderr)
        paths = {"/x": {"get": {}, "put": {}}}
        done = self.run_import("-", text=json.dumps({"openapi": "3.0.0", "paths": paths, "security": [
            {"key": []}, {"oauth": ["read"]}]}))
        self.assertEqual(done.stderr.count("one way to sign in"), 1, done.stderr)
        self.assertIn("security: one way", done.stderr)

    def test_order_and_syntax_of_the_document_do_not_matter(self):
        paths = {"/b": {"post": {"operationId": "two"}, "get": {"operationId": "one"}},
                 "/a/{x}": {"get": {}}, "/a/{y}/c": {"get": {}}, "/a/{y}/b": {"get": {}}}
        document = {"openapi": "3.0.0", "paths": paths}
        other = {"paths": {path: dict(reversed(item.items()))
                           for path, item in reversed(paths.items())}, "openapi": "3.0.0"}
        one = self.run_import(self.write(json.dumps(document))).stdout
        self.assertEqual(self.run_import(self.write(json.dumps(other, indent=1))).stdout, one)
        self.assertEqual(self.run_import(self.write("# YAML\n" + json.dumps(other))).stdout, one)
        self.assertIn("/{y} {\n", one)

    def test_a_document_comes_from_standard_input(self):
        self.assertEqual(self.run_import("-", text=PETS).stdout, POLICY)

    def test_the_base_and_the_tree_are_chosen(self):
        done = self.run_import("--base", "/", "--tree", "shop", self.write(PETS))
        self.assertIn("\n    /pets \"All pets\" {\n", done.stdout)
        self.assertIn("allow listPets      on shop:/pets\n", done.stdout)
        self.check(done.stdout)
        self.assertIn("cannot be a tree's name",
                      self.run_import("--tree", "Shop", self.write(PETS), status=2).stderr)
        self.assertIn("begins with '/'",
                      self.run_import("--base", "v2", self.write(PETS), status=2).stderr)

    def test_what_is_not_a_document_is_refused_with_the_reason(self):
        for what, (text, words) in REFUSED.items():
            with self.subTest(what):
                done = self.run_import(self.write(text), status=2)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertIn("No such file", self.run_import(self.folder / "none", status=2).stderr)

    def test_aliases_of_aliases_take_no_memory(self):
        bomb = "a0: &a0 [x]\n" + "".join(
            f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 40))
        self.assertIn("/a { GET }", self.run_import(self.write(BEGIN + bomb + PATHS)).stdout)

    def test_merged_mappings_and_line_ends_of_other_systems_are_read(self):
        text = BEGIN + "x-m: &m {get: {operationId: g}}\npaths:\n  /a: {<<: *m, post: {}}\n"
        done = self.run_import(self.write(text.replace("\n", "\r\n")))
        self.assertIn("        g  GET\n        POST\n", done.stdout)

    def test_more_than_a_policy_holds_is_refused(self):
        item = json.dumps({method: {} for method in METHODS})
        paths = ",".join(f'"/a{i}":{item}' for i in range(131_072))
        path = self.write('{"openapi":"3.0.0","paths":{' + paths + "}}")
        self.assertIn("operations: a policy file holds 8 MiB", self.run_import(path, status=2).stderr)
        with open(path, "wb") as file:
            file.truncate((64 << 20) + 1)
        self.assertIn("larger than 64 MiB", self.run_import(path, status=2).stderr)


# A route of each style, and the path of the tree that it becomes.
STYLES = [
    # Express 4 and 5
    ("/loans/:id", "/loans/{id}"),
    (r"/loans/:id(\\d+)/notes", "/loans/{id}/notes"),
    ("/files/*", "/files/{rest...}"),
    ("/files/*splat", "/files/{splat...}"),
    ("/files/:path(.*)", "/files/{path...}"),
    ("/flights/:from-:to", "/flights/{from-to}"),
    # Rails
    ("/loans/:id/edit(.:format)", "/loans/{id}/edit"),
    ("/photos/*other", "/photos/{other...}"),
    # Flask and Django
    ("/loans/<id>", "/loans/{id}"),
    ("/loans/<int:id>/<uuid:note>", "/loans/{id}/{note}"),
    ("/files/<path:name>", "/files/{name...}"),
    ("/lang/<string(length=2):lang>", "/lang/{lang}"),
    (r"^loans/(?P<pk>\d+)/$", "/loans/{pk}"),
    # Laravel
    ("loans/{loan}", "/loans/{loan}"),
    # chi, gorilla/mux and net/http
    ("/loans/{id:[0-9]{1,3}}", "/loans/{id}"),
    ("/loans/{slug:[a-z/]+}", "/loans/{slug}"),
    ("/files/{path:.*}", "/files/{path...}"),
    ("/files/{path...}", "/files/{path...}"),
    ("/loans/{$}", "/loans"),
    # FastAPI, ASP.NET, Google
    ("/files/{name:path}", "/files/{name...}"),
    ("/files/{**slug}", "/files/{slug...}"),
    ("/loans/{loan}:cancel", "/loans/{loan}"),
    ("/", "/"),
]

# What cannot be a list, and some of the words that say why.
NO_ROUTES = {
    "nothing": ("\n# no more\n", "no routes"),
    "a table": ("Endpoint   Methods    Rule\n", "line 1: 'Endpoint' is not an HTTP method"),
    "a fourth word": ("GET /a\nGET /a name and more\n", "line 2: 'and' is one word too many: a line is METHOD"),
    "no path": ("GET\n", "line 1: 'GET' has no path: a line is METHOD PATH [NAME]"),
    "no method": ("1 /a\n", "line 1: '1' is not an HTTP method: a line is METHOD"),
    "what would act on a terminal": ("GET /a b \33[2J\n", "line 1: '\\x1b[2J' is one word too many"),
    "a line without end": ("GET /" + "a" * 9000, "line 1: longer"),
    "too many optional parts": ("GET " + "(/:a)" * 1000, "line 1: its optional parts"),
    "parameters too long": ("GET /" + "*-" * 4000, "longer than"),
    "NUL": ("GET /a\0\n", "UTF-8"),
}

# In the order of the manual page, with what each framework prints there.
EXPRESS = harness.ROOT / "tests/servers/js/node_modules"


class Routes(Import):
    def routes(self, text, *arguments, status=0):
        return self.run_import(*arguments, "-", text=text, status=status, command="import-routes")

    def test_every_style_of_parameters_is_read(self):
        for route, path in STYLES:
            with self.subTest(route):
                done = self.routes(f"GET {route} it\n")
                policy = f"tree api {{\n    {path} {{ it GET }}\n}}\n" if path != "/" else \
                    "tree api {\n    it  GET\n}\n"
                self.assertEqual(done.stdout, policy, done.stderr)

    def test_what_is_optional_makes_two_paths(self):
        for route in ("/loans(/:page)(.:format)", "/loans/:page?", "loans/{page?}", "/loans{/:page}"):
            with self.subTest(route):
                self.assertEqual(self.routes(f"GET {route}\n").stdout,
                                 "tree api {\n    /loans {\n        GET\n        /{page} { GET }\n    }\n}\n")

    def test_suffixes_that_are_left_out_are_counted(self):
        for routes, said in (("GET /a(.:format)\n", "1 route is taken without a suffix"),
                             ("GET /a(.:format)\nGET /b(.:format)\n", "2 routes are taken without a suffix")):
            self.assertIn(said, self.routes(routes).stderr)

    def test_a_line_has_several_methods(self):
        text = "GET|HEAD|OPTIONS /a name\npost,put /a other\nANY /b\n\n# comment\r\n"
        done = self.routes(text)
        self.assertEqual(done.stdout, """\
tree api {
    /a {
        name   GET OPTIONS
        other  POST PUT
    }
    /b {
        GET
        POST
        PUT
        PATCH
        DELETE
    }
}
""")
        self.assertIn("a route for any method is one for", done.stderr)
        self.check(done.stdout)

    def test_a_route_that_is_listed_often_is_one_action(self):
        done = self.routes("GET /a one\n" * 20_000)
        self.assertEqual(done.stdout, "tree api {\n    /a { one GET }\n}\n")
        self.assertEqual(done.stderr.count("stands for both"), 19_999)

    def test_what_is_not_a_list_is_refused_with_the_reason(self):
        for what, (text, words) in NO_ROUTES.items():
            with self.subTest(what):
                done = self.routes(text, status=2)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_what_differs_from_an_earlier_list_is_printed(self):
        before = self.write(self.routes("GET /a one\nGET /b two\n").stdout, "a.policy")
        done = self.routes("GET /a one\nPOST /b two\n", "--against", before, status=1)
        self.assertEqual(done.stdout, "- GET     /b  two\n+ POST    /b  two\n"
                                      "1 added, 1 removed, 0 renamed\n")

    def manual(self, framework):
        """The command for a framework of the manual page's section ROUTES."""
        page = (harness.ROOT / "tools/authzcheck.1.scd").read_text(encoding="utf-8")
        section = page.split("# ROUTES\n")[1].split("\n# ")[0]
        command = section.split(f"*{framework}*")[1].split("```\n")[1]
        return re.sub("(?m)^\t", "", command).replace("\\\\", "\\").split("| authzcheck")[0].strip(" \n\\")

    def run_manual(self, framework, files):
        for name, text in files.items():
            self.write(text, name)
        done = subprocess.run(["sh", "-c", self.manual(framework)], cwd=self.folder, capture_output=True, text=True,
                              check=False, timeout=harness.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.routes(done.stdout)

    def test_the_command_for_flask_prints_what_is_read(self):
        done = self.run_manual("Flask", {"app.py": """\
from flask import Flask
app = Flask(__name__, static_folder=None)
@app.get("/loans/<int:loan>")
def read(loan): return ""
@app.route("/loans", methods=["POST", "PUT"])
def save(): return ""
"""})
        self.assertEqual(done.stdout, """\
tree api {
    /loans {
        save  POST PUT
        /{loan} { read GET }
    }
}
""", done.stderr)

    @unittest.skipUnless((EXPRESS / "express5").is_dir(), "no Express: tools/setup fetches it")
    def test_the_command_for_express_prints_what_is_read(self):
        for version in ("express4", "express5"):
            with self.subTest(version):
                (self.folder / "node_modules").mkdir(exist_ok=True)
                link = self.folder / "node_modules/express"
                link.unlink(missing_ok=True)
                link.symlink_to(EXPRESS / version)
                done = self.run_manual("Express", {"app.js": """\
const express = require('express')
const app = express()
const loans = express.Router()
app.get('/loans', (req, res) => res.end())
app.route('/loans/:loan').get((req, res) => res.end()).delete((req, res) => res.end())
module.exports = app
"""})
                self.assertEqual(done.stdout, """\
tree api {
    /loans {
        GET
        /{loan} {
            GET
            DELETE
        }
    }
}
""", done.stderr)

    def test_the_command_for_rails_reads_what_it_prints(self):
        self.write("#!/bin/sh\ncat <<'END'\n"
                   "    Prefix Verb   URI Pattern               Controller#Action\n"
                   "     loans GET    /loans(.:format)          loans#index\n"
                   "           POST   /loans(.:format)          loans#create\n"
                   "      loan PATCH  /loans/:id(.:format)      loans#update\n"
                   "           PUT    /loans/:id(.:format)      loans#update\n"
                   "           DELETE /loans/:id(.:format)      loans#destroy {:id=>/\\d+/}\n"
                   "END\n", "bin/rails").chmod(0o755)
        rails = self.run_manual("Rails", {})
        self.assertEqual(rails.stdout, """\
tree api {
    /loans {
        loans.index   GET
        loans.create  POST
        /{id} {
            loans.update   PUT PATCH
            loans.destroy  DELETE
        }
    }
}
""", rails.stderr)


class Against(Import):
    def test_nothing_is_printed_of_an_import_that_is_the_same(self):
        before = self.write(POLICY, "policy/api.policy")
        for place in (before, before.parent):
            done = self.run_import("--against", place, self.write(PETS))
            self.assertEqual(done.stdout, "0 added, 0 removed, 0 renamed\n")

    def test_what_differs_from_an_earlier_import_is_listed(self):
        before = self.write(POLICY, "policy/api.policy")
        after = PETS.replace("listPets", "list-pets").replace("/x:", "/z:").replace(
            "    delete: ", "    trace: ")
        done = self.run_import("--against", before, self.write(after), status=1)
        self.assertEqual(done.stdout, """\
~ GET     /v2/pets  listPets  ->  list-pets
- DELETE  /v2/pets/{petId}  all_
+ TRACE   /v2/pets/{petId}  all_
- GET     /v2/x  getx
- OPTIONS /v2/x
+ GET     /v2/z  getx
+ OPTIONS /v2/z
3 added, 3 removed, 1 renamed
""")
        document = json.loads(harness.run_tool(
            "--json", "policy", "import-openapi", "--against", before, self.folder / "api.yaml").stdout)
        self.assertEqual([len(document[name]) for name in ("added", "removed", "renamed")], [3, 3, 1])
        self.assertEqual(document["renamed"][0]["after"],
                         {"method": "GET", "path": "/v2/pets", "action": "list-pets"})

    def test_a_parameter_with_another_name_is_a_renaming(self):
        before = self.write("tree api { /a/{b}/c { GET } }\n", "a.policy")
        text = BEGIN + "paths: {'/a/{other}/c': {get: {}}}\n"
        done = self.run_import("--against", before, self.write(text), status=1)
        self.assertIn("~ GET     /a/{b}/c  ->  /a/{other}/c  GET\n", done.stdout)

    def test_what_is_not_an_earlier_import_is_refused(self):
        path = self.write(PETS)
        broken = self.write("tree api { /a { GTE } }\n", "a.policy")
        done = self.run_import("--against", broken, path, status=1)
        self.assertIn("a.policy:1:17: error: unknown method 'GTE'", done.stderr)
        other = self.write("tree ui { /a { GET } }\n", "a.policy")
        self.assertIn("no tree 'api'", self.run_import("--against", other, path, status=2).stderr)


@unittest.skipUnless(GITHUB.is_file(), "no description of GitHub's API: tools/setup fetches it")
class GitHub(Import):
    def test_every_operation_resolves_to_its_own_action(self):
        # A role for each operation allows the one action of this name, wherever it is: so a request
        # that it is allowed has that action.
        paths = json.loads(GITHUB.read_text(encoding="utf-8"))["paths"]
        operations = {operation["operationId"]: (method.upper(), path)
                      for path, item in paths.items()
                      for method, operation in item.items() if method in METHODS}
        self.assertEqual((len(paths), len(operations)), (811, 1223))
        done = self.run_import(GITHUB)
        # Of two templates that take the same requests, one is the other's.
        shared = re.findall(r"'(\S+)' is the same request as .*: '(\S+)' stands for both", done.stderr)
        self.assertEqual(shared, [("repos/compare-commits", "repos/compare-commits-with-basehead")])
        actions = {name: dict(shared).get(name, name) for name in operations}
        lines = [done.stdout]
        for number, (name, (method, path)) in enumerate(operations.items()):
            concrete = re.sub(r"\{(\w[\w-]*)\}", r"some-\1", path)
            lines.append(f"role r{number} {{ allow {actions[name]} on api:/** }}\n"
                         f'test "{name}" {{\n    as role r{number}\n'
                         f"    allow {method} api:{concrete}\n}}\n")
        folder = self.check("".join(lines))
        tested = harness.run_tool("policy", "test", folder)
        self.assertEqual(tested.stdout, "1223 passed, 0 failed\n", tested.stderr[:2000])


if __name__ == "__main__":
    unittest.main()

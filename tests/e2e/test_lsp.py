# SPDX-License-Identifier: Apache-2.0
"""authzcheck lsp: a scripted editor, which types, asks and sends what no editor should."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

TREE = 'tree api "The API" {\n    /loans { list GET, create POST }\n}\n'
ROLES = """\
role viewer "Reads 𝄞" { allow GET on api:/loans }
role clerk inherits viewer { allow create on api:/loans }
stack other {
    authenticate  sufficient  key
    authorize     required    role
}
"""


class Editor:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [harness.AUTHZCHECK, "lsp", *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=harness.environment("/nonexistent"))
        self.number = 0
        self.kept = []  # notifications that came before an answer

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.raw(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def read(self):
        length = None
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":")
            assert name == "Content-Length"
            length = int(value)
        return json.loads(self.process.stdout.read(length))

    def ask(self, method, **params):
        self.number += 1
        self.send(id=self.number, method=method, params=params)
        while (message := self.read()).get("id") != self.number:
            self.kept.append(message)
        return message

    def tell(self, method, **params):
        self.send(method=method, params=params)

    def diagnostics(self, uri):
        while True:
            message = self.kept.pop(0) if self.kept else self.read()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return message["params"]["diagnostics"]


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
        editor = Editor(*arguments)
        self.addCleanup(editor.close)
        return editor

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
        self.assertEqual(self.at("roles", 1, 22, "hover")["contents"]["value"].split("\n")[:2],
                         ["role viewer", "Reads 𝄞"])
        self.assertEqual(self.at("roles", 1, 22, "definition"), {"uri": self.uris["roles"], "range": {
            "start": {"line": 0, "character": 5}, "end": {"line": 0, "character": 11}}})
        tree = self.at("roles", 1, ROLES.split("\n")[1].index("api:") + 1, "definition")
        self.assertEqual((tree["uri"], tree["range"]["start"]),
                         (self.uris["tree"], {"line": 0, "character": 5}))
        self.assertIsNone(self.at("roles", 99, 99, "hover"))

    def test_what_is_advertised_is_answered(self):
        for name, method in (("hoverProvider", "hover"), ("definitionProvider", "definition"),
                             ("documentFormattingProvider", "formatting")):
            self.assertTrue(self.capabilities[name])
            self.assertIn("result", self.editor.ask(f"textDocument/{method}"))
        self.assertEqual(self.editor.ask("textDocument/rename")["error"]["code"], -32601)

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

# SPDX-License-Identifier: Apache-2.0
"""An editor that speaks with authzcheck lsp, as a test wants it."""

import json
import subprocess

import harness


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

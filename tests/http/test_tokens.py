# SPDX-License-Identifier: Apache-2.0
"""No token stays in authz-http after its request, nor reaches its log."""

import json
import os
import re
import unittest

from http_program import HttpTest, harness

CHECK = ("GET /check HTTP/1.1", "Host: a", "X-Original-Method: GET", "X-Original-URI: /loans")
EVALUATION = ("POST /access/v1/evaluation HTTP/1.1", "Host: a", "Content-Type: application/json")

PARTS = (b"liq_live_0000", b"q0000")  # of both halves of each token


def lines(*of):
    return "\r\n".join(of).encode() + b"\r\n"


class Tokens(HttpTest):
    def setUp(self):
        super().setUp()
        self.tokens = []
        self.configure("metrics on", "token header X-API-Key", "token cookie session",
                       "authzen https://pdp.example.com")
        self.process = self.start()
        if "a build with a sanitizer" in self.log():
            # Its runtime is bound while requests are answered, and keeps another stack.
            self.end(self.process)
            self.process = self.start(env={**os.environ, "LD_BIND_NOW": "1", "ASAN_OPTIONS": os.environ.get(
                "ASAN_OPTIONS", "") + ":detect_stack_use_after_return=0"})

    def token(self):
        """One that is well-formed, and easy to find."""
        assert len(self.tokens) < 10000
        self.tokens.append(f"liq_live_{len(self.tokens):08d}_{'q' * 8}{len(self.tokens):08d}{'z' * 16}")
        return self.tokens[-1]

    def send(self, *parts):
        connection = self.connect()
        for part in parts:
            connection.sendall(part)
        return connection

    def evaluation(self, body):
        body = body.encode()
        return lines(*EVALUATION, f"Content-Length: {len(body)}", "") + body

    def settle(self):
        """Waits until the connection that asks is the only one."""
        harness.wait_until(lambda: "\nauthz_http_connections 1\n" in self.get("/metrics")[1], what="idle")

    def found(self):
        return harness.search_memory(self.process.pid, PARTS, sure=self.d.socket)

    def test_after_whole_requests(self):
        for header in ("Authorization: Bearer {}", "Authorization: Basic {}", "X-API-Key: {}",
                       "X_API_Key: {}", "Cookie: a=b; session={}", "Authorization: Bearer {0} {0}"):
            for _ in range(20):
                connection = self.send(lines(*CHECK, header.format(self.token()), ""))
                self.assertIn(b"HTTP/1.1 4", connection.recv(4096))
                connection.close()
        subject = {"type": "token"}
        for rest in ('"action":{"name":"GET"},"resource":{"type":"api","id":"loans"}}', '"x":1}', "nonsense"):
            for _ in range(20):
                body = '{"subject":' + json.dumps({**subject, "id": self.token()}) + "," + rest
                connection = self.send(self.evaluation(body))
                self.assertIn(b"HTTP/1.1 ", connection.recv(4096))
                connection.close()
        self.settle()
        self.assertEqual(self.found(), [])
        self.assertFalse([token for token in self.tokens if token[25:] in self.log()])

    def test_after_connections_that_ended_within_a_request(self):
        """However far it came, and also after a whole one on the same connection."""
        for begin in (b"", lines(*CHECK, "")):
            for request in (lines(*CHECK, "Authorization: Bearer {}"), lines(*CHECK, "Authorization: Bearer {}")[:-2],
                            lines(*CHECK, "X-API-Key: {}", "X-More:"), b"GET /check?{}", b"{}",
                            lines(*EVALUATION, "Content-Length: 200", "", "{{\"subject\":{{\"id\":\"{}")):
                for _ in range(20):
                    whole = begin + request.decode().format(self.token()).encode()
                    self.send(whole).close()
        self.settle()
        self.assertEqual(self.found(), [])
        self.assertFalse([token for token in self.tokens if token[25:] in self.log()])

    def test_no_function_is_bound_while_a_token_is_in_a_register(self):
        """The dynamic linker saves the registers on the stack, the first time that a library calls a function."""
        self.end(self.process)
        self.start(env={**os.environ, "LD_DEBUG": "bindings"})
        for body in ('{"subject":{"type":"token","id":"a"},"action":{"name":"GET"},"resource":{"type":"api","id":"x"}}',
                     '{"subject":{"type":"token","id":"\\u00e4"},"x":[1,1.5e3,true,null]}', "nonsense", '{"a', "\0", '["\\ud800"]'):
            self.assertIn(b"HTTP/1.1 ", self.send(self.evaluation(body)).recv(4096))
        before, ready, after = self.log().partition("info: ready")
        self.assertTrue(ready)
        self.assertIn("libjansson.so.4 [0] to", before)
        self.assertEqual(re.findall(r"binding file \S*libjansson\S* .*", after), [])


if __name__ == "__main__":
    unittest.main()

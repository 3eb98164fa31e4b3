# SPDX-License-Identifier: Apache-2.0
"""No token stays in authz-http after its request, nor reaches its log."""

import json
import unittest

from http_program import HttpTest, harness

CHECK = ("GET /check HTTP/1.1", "Host: a", "X-Original-Method: GET", "X-Original-URI: /loans")
EVALUATION = ("POST /access/v1/evaluation HTTP/1.1", "Host: a", "Content-Type: application/json")


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
            self.skipTest("a sanitizer's runtime leaves copies on the stack")

    def token(self):
        """One that is well-formed, and easy to find."""
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
        parts = [part for token in self.tokens for part in (token[:25].encode(), token[25:].encode())]
        return harness.search_memory(self.process.pid, parts, sure=self.d.socket)

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


if __name__ == "__main__":
    unittest.main()

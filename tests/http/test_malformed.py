# SPDX-License-Identifier: Apache-2.0
"""Requests that could be read in two ways, or in none, on the wire: a key that is allowed does not pass with them,
and other connections are not moved."""

import unittest

from http_program import HttpTest

METHOD, URI = b"X-Original-Method: GET", b"X-Original-URI: /loans"


def lines(*of, end=b"\r\n"):
    return end.join(of) + end + end


class Malformed(HttpTest):
    def setUp(self):
        super().setUp()
        self.bearer = b"Authorization: Bearer " + self.d.client().call("keys.create", roles=["viewer"])["secret"].encode()
        self.configure("authzen https://pdp.example.com")
        self.start()
        self.other = self.connect()

    def head(self, line=b"GET /check HTTP/1.1", method=METHOD, uri=URI, bearer=None):
        return [line, b"Host: a", method, uri, bearer or self.bearer]

    def good(self, connection):
        """The bytes of an answer of 204."""
        connection.sendall(lines(*self.head()))
        answer = connection.recv(65536)
        self.assertTrue(answer.startswith(b"HTTP/1.1 204 "), answer)
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def refused(self, name, data, status, reason=None):
        """One answer, with this status of authz-http or of libmicrohttpd, and then the end."""
        with self.subTest(name):
            answer = self.exchange(data)
            self.assertNotIn(b"HTTP/1.1 2", answer)
            if status is not None:
                head = answer.split(b"\r\n\r\n")[0] + b"\r\n"
                told = b"\r\nX-Authz-Status: %d\r\n" % status
                self.assertTrue(told in head or answer.startswith(b"HTTP/1.1 %d " % status), answer)
                self.assertIn(b"\r\nConnection: close\r\n", head)
                if reason:
                    self.assertIn(b"\r\nX-Authz-Reason: %s\r\n" % reason, head)
            else:
                self.assertEqual(answer, b"")
            self.good(self.other)

    def test_a_body_without_one_sure_end(self):
        chunk = b"0\r\n\r\n"
        for name, more, body in (
                ("length and chunks", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], chunk),
                ("chunks", [b"Transfer-Encoding: chunked"], chunk),
                ("unknown coding", [b"Transfer-Encoding: xchunked"], chunk),
                ("two codings", [b"Transfer-Encoding: gzip, chunked"], chunk),
                ("two equal lengths", [b"Content-Length: 0", b"Content-Length: 0"], b""),
                ("two lengths", [b"Content-Length: 0", b"Content-Length: 5"], b"GET /"),
                ("body", [b"Content-Length: 5"], b"hello")):
            self.refused(name, lines(*self.head(), *more) + body, 400, b"malformed_request")
        for length in (b"-1", b"+0", b"0x0", b"0, 0", b"a", b""):
            self.refused(length, lines(*self.head(), b"Content-Length: " + length), 400)
        self.refused("too large", lines(*self.head(), b"Content-Length: " + b"9" * 30), 413)

    def test_lines_that_programs_end_differently(self):
        whole = self.head()
        self.refused("bare LF", lines(*whole, end=b"\n"), 400, b"malformed_request")
        self.refused("one bare LF", b"\r\n".join(whole[:3]) + b"\n" + lines(*whole[3:]), 400, b"malformed_request")
        self.refused("bare LF at the end", b"\r\n".join(whole) + b"\r\n\n", 400, b"malformed_request")
        for name, more in (("bare CR", [b"X-A: a\rX-B: b"]), ("fold", [b"X-A: a", b" b"]), ("fold by tab", [b"X-A: a", b"\tb"]),
                           ("NUL in a value", [b"X-A: a\0b"]), ("space in a name", [b"X A: a"]), ("no name", [b": x"]),
                           ("second host", [b"Host: b"])):
            self.refused(name, lines(*whole, *more), 400, b"malformed_request")
        self.refused("no colon", lines(*whole, b"nonsense"), 400)
        self.refused("NUL in a name", lines(*whole, b"X\0A: a"), 400)
        self.refused("no host", lines(whole[0], *whole[2:]), 400)

    def test_headers_that_are_not_what_they_seem(self):
        for name, head in (
                ("NUL in the path", self.head(uri=URI + b"\0/../x")),
                ("folded path", [*self.head()[:3], URI, b" /x", self.bearer]),
                ("name by a fold", [*self.head()[:3], b"X-Original-UR: /loans", b" I", self.bearer]),
                ("token by a fold", [*self.head()[:4], b"Authorization: Bearer", b" x"]),
                ("fold after the request line", [self.head()[0], b" X: y", *self.head()[1:]]),
                ("space before the colon", self.head(uri=b"X-Original-URI : /loans")),
                ("two spaces", self.head(line=b"GET  /check HTTP/1.1")),
                ("NUL in the target", self.head(line=b"GET /check\0x HTTP/1.1"))):
            self.refused(name, lines(*head), 400, b"malformed_request")

    def test_request_lines_of_other_forms(self):
        self.refused("spaces in the target", lines(*self.head(line=b"GET /check /x HTTP/1.1")), None)
        self.refused("tabs", lines(*self.head(line=b"GET\t/check\tHTTP/1.1")), None)
        self.refused("HTTP/0.9", b"GET /check\r\n\r\n", 400)
        self.refused("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
        self.refused("HTTP/3.7", lines(*self.head(line=b"GET /check HTTP/3.7")), 505)
        for line in (b"GET http://a/check HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET * HTTP/1.1", b"GET check HTTP/1.1"):
            self.refused(line, lines(*self.head(line=line), b"Connection: close"), 404, b"unknown_path")

    def test_targets_of_other_forms(self):
        for target in (b"http://a/loans", b"*", b"loans", b"/loans#x", b"/loans%23x", b"/loans\xff", b"/loans?\xff"):
            self.refused(target, lines(*self.head(uri=b"X-Original-URI: " + target), b"Connection: close"), 400,
                         b"malformed_path")

    def test_large_heads(self):
        self.refused("large header", lines(*self.head(), b"X-A: " + b"a" * 40000), 431)
        self.refused("large target", lines(*self.head(line=b"GET /check?" + b"a" * 40000 + b" HTTP/1.1")), 414)
        many = [b"X-%d: a" % number for number in range(300)]
        self.refused("many headers", lines(*self.head(), *many), 431, b"too_many_headers")
        self.refused("many headers and a coding",
                     lines(*self.head(), *many, b"Transfer-Encoding: x"), 431, b"too_many_headers")

    def test_what_is_not_a_token(self):
        for more in (b"\x01", b"\tx", b"\x7f", b"\xff", b"  ", b" x"):
            self.refused(more, lines(*self.head(bearer=self.bearer + more), b"Connection: close"), 401, b"malformed_token")
        for more in (b"Authorization: Bearer x", b"Authorization: Basic x", b"authorization: Bearer"):
            self.refused(more, lines(*self.head(), more, b"Connection: close"), 401, b"malformed_token")

    def test_nothing_after_a_body_in_chunks_is_a_request(self):
        """libmicrohttpd takes lines that end with a bare LF there, where another program sees other chunks."""
        body = b'{"subject":{"type":"user","id":"a"},"action":{"name":"GET"},"resource":{"type":"api","id":"/loans"}}'
        head = lines(b"POST /access/v1/evaluation HTTP/1.1", b"Host: a", b"Content-Type: application/json",
                     b"Transfer-Encoding: chunked")
        size = b"%x" % len(body)
        for name, chunks in (("plain", size + b"\r\n" + body + b"\r\n0\r\n\r\n"),
                             ("size", size + b"\n" + body + b"\r\n0\r\n\r\n"),
                             ("data", size + b"\r\n" + body + b"\n0\r\n\r\n"),
                             ("end", size + b"\r\n" + body + b"\r\n0\n\n"),
                             ("trailer", size + b"\r\n" + body + b"\r\n0\r\nHost: b\n\n"),
                             ("extension", size + b";a\nb\r\n" + body + b"\r\n0\r\n\r\n"),
                             ("no end", size + b"\r\n" + body + b"0\r\n\r\n"),
                             ("prefix", b"0x" + size + b"\r\n" + body + b"\r\n0\r\n\r\n"),
                             ("overflow", b"1" + b"0" * 14 + size + b"\r\n" + body + b"\r\n0\r\n\r\n")):
            with self.subTest(name):
                answer = self.exchange(head + chunks + lines(*self.head()))
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
                self.assertIn(b"\r\nConnection: close\r\n", answer)
                self.assertEqual(answer.startswith(b"HTTP/1.1 200 "), name in ("plain", "size", "data", "end", "trailer"))
                self.good(self.other)

    def test_garbage_after_a_request_is_no_answer_to_it(self):
        for garbage in (b"\x16\x03\x01\x02\r\n\r\n", b"garbage\r\n\r\n" + lines(*self.head())):
            answer = self.exchange(lines(*self.head()) + garbage)
            self.assertEqual(answer.count(b"HTTP/1.1 204 "), 1, answer)
            self.good(self.other)

    def test_half_a_request_is_not_answered(self):
        whole = lines(*self.head())
        halves = []
        for length in range(0, len(whole), 7):
            halves.append(self.connect())
            halves[-1].sendall(whole[:length])
            self.good(self.other)
        for connection in halves:
            connection.setblocking(False)
            self.assertRaises(BlockingIOError, connection.recv, 1)

    def test_a_body_in_parts_is_one(self):
        """What is plain passes, however it is cut."""
        connection = self.connect()
        for byte in lines(*self.head(), b"X-Empty:", b"X-Spaces:  \t a", b"Content-Length: 0"):
            connection.sendall(bytes([byte]))
        self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 204 "))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""authzcheck http-check asks as a web server does, and says what is wrong; the server is scripted."""

import http.server
import json
import socket
import socketserver
import tempfile
import threading
import unittest

import harness

SECRET = "t_1AbCdEfGhIjK_0123456789012345678901234567890123456789"
IDENTITY = {"X-Authz-Principal": "ann", "X-Authz-Key": "1AbCdEfGhIjK", "X-Authz-Reason": "ok"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    address_string = staticmethod(lambda: "")  # a Unix socket has none

    def handle_one(self):
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        status, headers, body = self.server.answer(self)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_DELETE = handle_one

    def log_message(self, *_):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def problem(status, reason, **headers):
    """An answer that is not about a request."""
    body = json.dumps({"type": "about:blank", "title": "t", "status": status, "reason": reason}).encode()
    return status, {"Content-Type": "application/problem+json", "X-Authz-Reason": reason, **headers}, body


def denied(family, status, reason, **headers):
    sent = 403 if family == "nginx" and status != 401 else status
    return problem(sent, reason, **{"X-Authz-Status": str(status), **headers})


def listener(family, answer):
    """What a listener of this family answers: `answer` to its own, a refusal to another's headers."""
    wanted = {"nginx": "X-Original-URI", "forwarded": "X-Forwarded-Uri"}.get(family)

    def reply(request):
        known = {"X-Original-URI", "X-Forwarded-Uri"} & set(request.headers)
        if family != "envoy" and request.path != "/check" and not known:
            return problem(404, "not_found")
        return answer if known == ({wanted} if wanted else set()) else denied(family, 400, "foreign_header")
    return reply


class HttpCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def serve(self, answer, unix=False):
        """A server with this answer; the URL of it."""
        server = UnixServer(f"{self.folder}/http.sock", Handler) if unix \
            else http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.answer = answer if callable(answer) else lambda _: answer
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.server = server
        return f"unix:{self.folder}/http.sock" if unix else f"http://127.0.0.1:{server.server_port}"

    def check(self, url, *words, path="/loans/7", method="GET", token=SECRET):
        done = harness.run_tool("http-check", *words, *(["--token", "-"] if token else []), url, method,
                                path, text=token or "", home=self.folder)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        return done

    def document(self, url, *words, **more):
        done = self.check(url, "--json", *words, **more)
        return done.returncode, json.loads(done.stdout)

    def test_each_family_is_asked_as_its_web_server_asks(self):
        sent = {
            "nginx": ("GET", "/check", {"X-Original-Method": "DELETE", "X-Original-URI": "/a%2Fb?c=1"}),
            "forwarded": ("GET", "/check",
                          {"X-Forwarded-Method": "DELETE", "X-Forwarded-Uri": "/a%2Fb?c=1"}),
            "envoy": ("DELETE", "/check/a%2Fb?c=1", {}),
        }
        for family, (method, target, headers) in sent.items():
            with self.subTest(family):
                url = self.serve(listener(family, (200 if family == "envoy" else 204, IDENTITY, b"")))
                status, document = self.document(url, method="DELETE", path="/a%2Fb?c=1")
                self.assertEqual((status, document["family"], document["allow"], document["reason"]),
                                 (0, family, True, "ok"))
                self.assertEqual(document["identity"], IDENTITY)
                seen = self.server.seen[-1]
                self.assertEqual(seen[:2], (method, target))
                self.assertEqual(seen[2].get("Authorization"), f"Bearer {SECRET}")
                ours = {name: value for name, value in seen[2].items() if name.startswith("X-")}
                self.assertEqual(ours, headers)
                self.assertIn("sees what", document["advice"][0])
                # Asked for by name, it is found without asking as others.
                asked = len(self.server.seen)
                self.assertEqual(self.document(url, "--family", family)[0], 0)
                self.assertEqual(len(self.server.seen), asked + 1)

    def test_dots_and_a_head_request_are_sent_as_they_are(self):
        url = self.serve(listener("envoy", (200, IDENTITY, b"")))
        self.assertEqual(self.check(url, "--family", "envoy", method="HEAD", path="/a/../b/.").returncode, 0)
        self.assertEqual(self.server.seen[0][:2], ("HEAD", "/check/a/../b/."))

    def test_it_asks_at_a_unix_socket_and_at_another_path(self):
        url = self.serve(listener("nginx", (204, IDENTITY, b"")), unix=True)
        self.assertEqual(self.check(url).returncode, 0)
        self.assertEqual(self.check(f"http://{url}:/other").returncode, 0)
        self.assertEqual([target for _, target, _ in self.server.seen], ["/check", "/other"])
        out = self.check(url).stdout
        self.assertIn(f"asked     GET /loans/7 at {url}:/check\n", out)
        self.assertIn("X-Authz-Principal: ann  (whose token it is; for the application)\n", out)
        self.assertIn("204: nginx passes the request on\n", out)

    def test_the_token_goes_where_it_should_and_nowhere_without_one(self):
        url = self.serve(listener("nginx", (204, IDENTITY, b"")))
        self.check(url, "--header", "X-API-Key")
        self.check(url, "--cookie", "session")
        self.check(url, "--ip", "192.0.2.7", token=None)
        (_, _, header), (_, _, cookie), (_, _, none) = self.server.seen
        self.assertEqual((header["X-API-Key"], header.get("Authorization")), (SECRET, None))
        self.assertEqual((cookie["Cookie"], cookie.get("Authorization")), (f"session={SECRET}", None))
        self.assertEqual((none["X-Forwarded-For"], none.get("Authorization")), ("192.0.2.7", None))

    def test_what_nginx_cannot_hand_on_is_explained(self):
        quota = denied("nginx", 429, "quota", **{"Retry-After": "7"})
        url = self.serve(listener("nginx", quota))
        done = self.check(url)
        self.assertEqual(done.returncode, 1)
        for text in ("family    nginx: it reads X-Original-Method", "decision  deny 429 quota", "403: nginx refuses the request",
                     "the quota is used up", "X-Authz-Status: 429", "Retry-After: 7  (seconds",
                     "error_page 403"):
            self.assertIn(text, done.stdout)
        status, document = self.document(url)
        self.assertEqual((status, document["status"], document["http_status"]), (1, 429, 403))

    def test_a_401_says_where_a_token_is_missing(self):
        def why(reason, **more):
            url = self.serve(listener("forwarded", denied(
                "forwarded", 401, reason, **{"WWW-Authenticate": 'Bearer realm="x"'})))
            status, document = self.document(url, **more)
            self.assertEqual((status, document["status"], document["effect"]),
                             (1, 401, "hands this answer to the client"))
            return " ".join(document["advice"])
        self.assertIn("no token was sent", why("missing_token", token=None))
        self.assertIn("the line `token`", why("missing_token"))
        self.assertIn("trust user", why("unauthenticated"))
        self.assertEqual(why("revoked_key"), "")

    def test_a_failure_says_what_to_set(self):
        def wrong(answer, *words, code, status, says, unix=False):
            url = self.serve(answer, unix=unix)
            done = self.check(url, "--json", *words)
            error = json.loads(done.stdout)["error"]
            self.assertEqual((done.returncode, error["code"]), (status, code), error)
            self.assertIn(says, error["message"])

        wrong(listener("forwarded", (204, IDENTITY, b"")), "--family", "nginx", code="invalid_request",
              status=2, says="this listener is not of family nginx (400 foreign_header: a header of another")
        wrong(listener("nginx", (204, IDENTITY, b"")), "--family", "envoy", code="not_found", status=2,
              says="a listener of family envoy")
        wrong(denied("envoy", 400, "method_override"), code="invalid_request", status=2,
              says="every family, that of envoy with 400 method_override: a header could")
        wrong(denied("envoy", 400, "doubled_header"), "--family", "envoy", code="invalid_request", status=2,
              says="refuses the question with 400 doubled_header")
        wrong(problem(404, "not_found"), code="not_found", status=2, says="ask at /check")
        wrong(denied("envoy", 503, "unavailable", **{"Retry-After": "1"}), code="unavailable", status=3,
              says="got no decision from authzd (503 unavailable)")
        wrong(denied("nginx", 503, "unavailable"), code="unavailable", status=3,
              says="got no decision from authzd")
        wrong((200, {"Server": "nginx/1.22.1"}, b"<html>"), code="unavailable", status=3,
              says="is not authz-http: it answered 200 without X-Authz-Reason (Server: nginx/1.22.1)")
        self.assertEqual(len(self.server.seen), 1)  # a stranger gets the token once

    def test_a_server_that_does_not_answer_is_named(self):
        def fails(url, *words):
            done = self.check(url, *words)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            return done.stderr
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            self.assertIn(f"nothing listens at http://127.0.0.1:{port}", fails(f"http://127.0.0.1:{port}"))
            free.listen()
            self.assertIn("no answer from", fails(f"http://127.0.0.1:{port}", "--timeout", "1"))
        self.assertIn(f"there is no socket {self.folder}/none", fails(f"unix:{self.folder}/none"))
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(f"{self.folder}/dead")
        self.assertIn(f"nothing listens at unix:{self.folder}/dead", fails(f"unix:{self.folder}/dead"))

    def test_the_daemons_own_socket_is_not_http(self):
        with harness.Daemon() as daemon:
            done = self.check(f"unix:{daemon.socket}")
        self.assertEqual(done.returncode, 3)
        self.assertIn("does not speak HTTP: is it authzd itself?", done.stderr)

    def test_a_question_that_is_not_a_request_is_refused(self):
        for words, says in (
                (("https://h/", "GET", "/"), "without TLS"),
                (("127.0.0.1:80", "GET", "/"), "neither http://HOST:PORT nor unix:/PATH"),
                (("http://a@b/", "GET", "/"), "neither http://"),
                (("http://h/check?x", "GET", "/"), "neither http://"),
                (("unix:run/x", "GET", "/"), "neither http://"),
                (("unix:/run/x:check", "GET", "/"), "begins with a slash"),
                (("http://h", "GE T", "/"), "is not a method"),
                (("http://h", "GET", "loans"), "is not a path"),
                (("http://h", "GET", "/a\r\nX-Authz-Key: x"), "is not a path"),
                (("http://h", "GET", "/ä"), "percent-encoded"),
                (("--family", "apache", "http://h", "GET", "/"), "nginx, forwarded or envoy"),
                (("--header", "a b", "http://h", "GET", "/"), "not the name of a header"),
                (("--header", "a", "--cookie", "b", "http://h", "GET", "/"), "exclude each other"),
                (("--ip", "1 2", "http://h", "GET", "/"), "--ip '1 2'")):
            with self.subTest(words):
                done = harness.run_tool("http-check", *words, home=self.folder)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(says, done.stderr)
        done = harness.run_tool("http-check", "--token", "-", "http://h", "GET", "/", text="a\tb")
        self.assertEqual(done.returncode, 2)
        self.assertIn("has a character", done.stderr)


if __name__ == "__main__":
    unittest.main()

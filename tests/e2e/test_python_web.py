#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The WSGI and the ASGI middleware of the Python client, with the real daemon; WSGI under Flask, too."""

import asyncio
import http.client
import json
import threading
import time
import unittest

import harness
from python_client import PATIENCE, authz
from authz import web

POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE, /{action} { GET } } }
    /notes/{note} { GET, DELETE }
    /health { GET }
}
facts { resource.owner string }
role anyone { allow GET on api:/health }
role viewer {
    allow GET on api:/loans/**
    allow GET on api:/notes/{note} when resource.owner is principal.id
}
stack web {
    authenticate sufficient key
    authenticate optional principal
    authorize required role
}
stack fresh {
    authenticate sufficient key
    account required mfa max_age=1h
    authorize required role
}
stack counted {
    authenticate sufficient key
    account required quota name=counted limit=1 period=24h per=principal
    authorize required role
}
"""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def reason(self):
        return json.loads(self.body)["reason"]


def ask_wsgi(middleware, method, target, headers=()):
    """One request to the middleware, as a server would give it."""
    started = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/decoded", "REQUEST_URI": target}
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        # As PEP 3333's servers do.
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    body = b"".join(middleware(environ, lambda status, answered: started.append((status, answered))))
    (status, answered), = started
    return Answer(int(status.split()[0]), answered, body)


def ask_asgi(middleware, method, target, headers=(), kind="http"):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    async def run():
        scope = {"type": kind, "path": "/decoded", "raw_path": target.encode("latin-1"),
                 "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]}
        if kind == "http":
            scope["method"] = method
        await middleware(scope, receive, send)
        await middleware.client.aclose()
        middleware.client._closed = False

    asyncio.run(run())
    if kind == "websocket":
        return sent
    return Answer(sent[0]["status"], [(name.decode(), value.decode()) for name, value in sent[0]["headers"]],
                  sent[1]["body"])


def wsgi_app(environ, start_response):
    decision = environ["authz"]
    start_response("200 OK", [("X-Principal", str(decision.principal))])
    return [b"the application"]


async def asgi_app(scope, _, send):
    assert scope["authz"] is scope["state"]["authz"]
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"x-principal", str(scope["authz"].principal).encode())]})
    await send({"type": "http.response.body", "body": b"the application"})


class Web(harness.DaemonTest):
    def setUp(self):
        self.server = self.daemon({"a.policy": POLICY})
        with authz.Client(self.server.socket, timeout=PATIENCE) as client:
            client.principals.create("ann")
            client.assignments.create("ann", "viewer")
            self.token = client.keys.create(principal="ann").api_key

    def both(self, *request, service="web", timeout=PATIENCE, apps=(wsgi_app, asgi_app), **options):
        """The answers of both middlewares to one request, which must be alike; returns one."""
        with authz.Client(self.server.socket, timeout=timeout) as client:
            one = ask_wsgi(web.WSGIMiddleware(apps[0], client, service=service, **options), *request)
        client = authz.AsyncClient(self.server.socket, timeout=timeout)
        other = ask_asgi(web.ASGIMiddleware(apps[1], client, service=service, **options), *request)
        self.assertEqual((one.status, one.headers, one.body), (other.status, other.headers, other.body))
        return one

    def bearer(self, token=None):
        return [("Authorization", f"Bearer {token or self.token}")]

    def test_what_is_allowed_reaches_the_application_with_its_decision(self):
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = self.both("GET", "/loans/7?x=1", [("Authorization", f"{scheme} {self.token}")])
            self.assertEqual((answer.status, answer.body), (200, b"the application"))
            self.assertEqual(answer.headers["x-principal"], "ann")
        self.assertEqual(self.both("GET", "http://host/loans/7", self.bearer()).status, 200)

    def test_a_denial_has_its_status_and_problem_details(self):
        answer = self.both("DELETE", "/loans/7", self.bearer())
        self.assertEqual((answer.status, answer.reason), (403, "role"))
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertNotIn("www-authenticate", answer.headers)
        self.assertEqual(self.both("GET", "/nowhere", self.bearer()).status, 404)
        self.assertEqual(self.both("HEAD", "/nowhere", self.bearer()).body, b"")

    def test_a_401_names_the_scheme_and_an_invalid_token_only_when_one_came(self):
        none = self.both("GET", "/loans/7")
        wrong = self.both("GET", "/loans/7", self.bearer("hello"))
        self.assertEqual((none.status, none.headers["www-authenticate"]), (401, 'Bearer realm="api"'))
        self.assertEqual((wrong.status, wrong.headers["www-authenticate"]),
                         (401, 'Bearer realm="api", error="invalid_token"'))
        self.assertEqual(json.loads(wrong.body), {"type": "about:blank", "title": "Unauthorized", "status": 401})

    def test_a_used_up_quota_is_429_and_says_when_to_come_again(self):
        ask = ("GET", "/loans/7", self.bearer())
        with authz.Client(self.server.socket, timeout=PATIENCE) as client:
            middleware = web.WSGIMiddleware(wsgi_app, client, service="counted")
            self.assertEqual(ask_wsgi(middleware, *ask).status, 200)
            answer = ask_wsgi(middleware, *ask)
        self.assertEqual((answer.status, answer.reason), (429, "quota"))
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertRegex(answer.headers["ratelimit"], r'^"default";r=0;t=[1-9][0-9]*$')

    def test_the_raw_path_decides(self):
        for target in ("/loans/../loans/7", "/loans/a%2Fb", "//loans/7", "*", "", "/loans/%zz"):
            if target:
                self.assertEqual(self.both("GET", target, self.bearer()).status, 400, target)
        self.assertEqual(self.both("GET", "/loans/\xff", self.bearer()).status, 400)

    def test_a_server_that_gives_no_raw_path_lets_nothing_through(self):
        middleware = web.WSGIMiddleware(wsgi_app, authz.Client(self.server.socket))
        with self.assertRaises(RuntimeError):
            middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/health"}, lambda *_: None)
        asynchronous = web.ASGIMiddleware(asgi_app, authz.AsyncClient(self.server.socket))
        for scope in ({"type": "http", "method": "GET", "path": "/health", "headers": []},
                      {"type": "smtp"}):
            with self.assertRaises(RuntimeError):
                asyncio.run(asynchronous(scope, None, None))

    def test_a_method_override_is_refused_unless_something_before_applied_it(self):
        for name in ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"):
            headers = self.bearer() + [(name, "DELETE")]
            answer = self.both("GET", "/loans/7", headers)
            self.assertEqual((answer.status, answer.reason), (400, "method_override"))
            self.assertEqual(self.both("GET", "/loans/7", headers, overrides=True).status, 200)

    def test_a_token_may_be_in_a_header_or_a_cookie_that_is_named_and_never_elsewhere(self):
        header, cookie = [("X-API-Key", self.token)], [("Cookie", f"a=b; key={self.token}; c=d")]
        query = f"/loans/7?access_token={self.token}&key={self.token}"
        self.assertEqual(self.both("GET", "/loans/7", header).status, 401)
        self.assertEqual(self.both("GET", "/loans/7", header, token_header="X-API-Key").status, 200)
        self.assertEqual(self.both("GET", "/loans/7", cookie).status, 401)
        self.assertEqual(self.both("GET", "/loans/7", cookie, token_cookie="key").status, 200)
        self.assertEqual(self.both("GET", query, token_cookie="key", token_header="key").status, 401)

    def test_two_tokens_that_differ_are_401_and_the_same_twice_is_one(self):
        options = {"token_header": "X-API-Key", "token_cookie": "key"}
        same = self.bearer() + [("X-API-Key", self.token), ("Cookie", f"key={self.token}")]
        self.assertEqual(self.both("GET", "/loans/7", same, **options).status, 200)
        for other in (("X-API-Key", "other"), ("Cookie", "key=other"), ("X-API-Key", "")):
            self.assertEqual(self.both("GET", "/loans/7", self.bearer() + [other], **options).status, 401)
        for headers in (self.bearer() + self.bearer("other"), [("Authorization", f"Bearer {self.token}\xe9")]):
            client = authz.AsyncClient(self.server.socket, timeout=PATIENCE)
            self.assertEqual(ask_asgi(web.ASGIMiddleware(asgi_app, client, service="web"),
                                      "GET", "/loans/7", headers).status, 401)
            with authz.Client(self.server.socket, timeout=PATIENCE) as one:
                self.assertEqual(ask_wsgi(web.WSGIMiddleware(wsgi_app, one, service="web"),
                                          "GET", "/loans/7", headers).status, 401)

    def test_without_a_daemon_it_is_503_and_again_200_when_there_is_one(self):
        ask = ("GET", "/loans/7", self.bearer())
        self.server.stop()
        with self.assertLogs("authz", "WARNING"):
            answer = self.both(*ask)
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertEqual(answer.reason, "unavailable")
        self.server.start()
        self.assertEqual(self.both(*ask).status, 200)

    def test_facts_of_the_application_are_added_to_the_question(self):
        seen = []

        def facts(request):
            seen.append(request)
            return {"principal": "ann", "ip": "192.0.2.1"}

        self.assertEqual(self.both("GET", "/loans/7", facts=facts).status, 200)
        self.assertEqual(len(seen), 2)
        with self.assertLogs("authz", "WARNING"):
            self.assertEqual(self.both("GET", "/loans/7", facts=lambda _: 1 // 0).status, 503)

    def test_a_route_with_facts_runs_only_when_they_are_allowed_too(self):
        given, ran = {}, []

        @web.with_facts(lambda *_: given)
        def route(environ, start_response):
            ran.append("wsgi")
            return wsgi_app(environ, start_response)

        @web.with_facts(lambda *_: given)
        async def asynchronous(*request):
            ran.append("asgi")
            await asgi_app(*request)

        def ask(facts):
            given.clear()
            given.update(facts)
            ran.clear()
            return self.both("GET", "/loans/7", self.bearer(), apps=(route, asynchronous))

        now = int(time.time())
        self.assertEqual((ask({"service": "fresh", "mfa_at": now}).status, ran), (200, ["wsgi", "asgi"]))
        answer = ask({"service": "fresh", "mfa_at": now - 7200})
        self.assertEqual((answer.status, answer.reason, ran), (403, "mfa", []))
        self.assertEqual((ask({"service": "fresh"}).status, ran), (403, []))
        self.assertEqual((ask({"action": "read", "resource": "api:/loans/7"}).status, len(ran)), (200, 2))
        self.assertEqual((ask({"action": "delete", "resource": "api:/loans/7"}).status, ran), (403, []))
        with self.assertLogs("authz", "WARNING"):
            self.assertEqual((ask({"action": "read"}).status, ran), (400, []))

    def test_what_lacks_facts_is_denied_and_passes_only_if_that_is_wanted(self):
        ask = ("GET", "/notes/7", self.bearer())
        answer = self.both(*ask)
        self.assertEqual((answer.status, answer.reason), (403, "missing_fact"))
        answer = self.both(*ask, missing_pass=True)
        self.assertEqual((answer.status, answer.headers["x-principal"]), (200, "ann"))
        for status, *other in ((403, "DELETE", "/notes/7", self.bearer()), (401, "GET", "/notes/7"),
                               (401, "GET", "/notes/7", self.bearer("x")), (404, "GET", "/nowhere", self.bearer()),
                               (403, "GET", "/notes/7", self.bearer())):
            told = {"facts": lambda _: {"facts": {"resource.owner": "bob"}}} if status == 403 else {}
            self.assertEqual(self.both(*other, missing_pass=True, **told).status, status)
        middleware = web.WSGIMiddleware(wsgi_app, authz.Client(self.server.socket), missing_pass=True)
        module = authz.Decision(status=403, reason="missing_fact")  # a module can give any reason, but no names
        self.assertFalse(middleware.passes(module))
        self.server.stop()
        with self.assertLogs("authz", "WARNING"):
            self.assertEqual(self.both(*ask, missing_pass=True).status, 503)

    def test_what_passes_without_facts_has_a_denial_and_its_route_asks_again(self):
        given, ran = {}, []

        @web.with_facts(lambda *_: {"facts": given})
        def route(environ, start_response):
            ran.append((environ["authz"].allow, environ["authz"].missing))
            return wsgi_app(environ, start_response)

        @web.with_facts(lambda *_: {"facts": given})
        async def asynchronous(*request):
            ran.append("asgi")
            await asgi_app(*request)

        def ask(owner):
            ran.clear()
            given.update({"resource.owner": owner})
            return self.both("GET", "/notes/7", self.bearer(), apps=(route, asynchronous), missing_pass=True)

        self.assertEqual((ask("ann").status, ran), (200, [(False, ("resource.owner",)), "asgi"]))
        for owner, reason in (("bob", "role"), (None, "missing_fact")):
            answer = ask(owner)
            self.assertEqual((answer.status, answer.reason, ran), (403, reason, []))

    def test_a_route_with_facts_runs_in_no_other_way(self):
        @web.with_facts(lambda *_: {})
        def route(*request):
            raise AssertionError(f"it ran for {request}")

        with self.assertRaises(LookupError):
            route({}, None)  # outside of a request that a middleware let through
        with self.assertRaisesRegex(RuntimeError, "async def"):
            client = authz.AsyncClient(self.server.socket, timeout=PATIENCE)
            ask_asgi(web.ASGIMiddleware(route, client, service="web"), "GET", "/loans/7", self.bearer())
        with self.assertRaises(LookupError):
            route({}, None)

    def test_a_websocket_is_accepted_only_when_allowed(self):
        for headers, wanted in ((self.bearer(), "websocket.accept"), ((), "websocket.close")):
            client = authz.AsyncClient(self.server.socket, timeout=PATIENCE)
            sent = ask_asgi(web.ASGIMiddleware(asgi_app, client, service="web"), None, "/loans/7", headers,
                            kind="websocket")
            self.assertEqual([message["type"] for message in sent], [wanted])

    def test_lifespan_reaches_the_application(self):
        seen = []

        async def app(scope, *_):
            seen.append(scope["type"])

        asyncio.run(web.ASGIMiddleware(app, authz.AsyncClient("/x"))({"type": "lifespan"}, None, None))
        self.assertEqual(seen, ["lifespan"])

    def test_flask_is_protected_by_one_line(self):
        try:
            import flask
            from werkzeug.serving import make_server
        except ImportError as error:
            raise unittest.SkipTest(f"{error}: tools/setup installs it") from None
        app = flask.Flask("loans")

        @app.route("/loans/<loan>", methods=["GET", "DELETE"])
        def loan(loan):  # pylint: disable=unused-variable
            return f"{loan} for {flask.request.environ['authz'].principal}"

        @app.route("/loans/<loan>/<action>")
        @web.with_facts(lambda loan, action: {"action": action, "resource": f"api:/loans/{loan}"})
        def do(loan, action):  # pylint: disable=unused-variable
            return f"{action} {loan}"

        app.register_error_handler(web.Denied, lambda denied: denied)

        client = authz.Client(self.server.socket, timeout=PATIENCE)
        app.wsgi_app = web.WSGIMiddleware(app.wsgi_app, client, service="web")
        served = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        try:
            got = []
            bearer = dict(self.bearer())
            for method, path, headers in (
                    ("GET", "/loans/7%20a", bearer), ("DELETE", "/loans/7%20a", bearer), ("GET", "/loans/7%20a", {}),
                    ("GET", "/loans/7/read", bearer), ("GET", "/loans/7/delete", bearer)):
                connection = http.client.HTTPConnection("127.0.0.1", served.server_port,
                                                        timeout=harness.DEADLINE)
                connection.request(method, path, headers=headers)
                answer = connection.getresponse()
                got.append((answer.status, answer.read()[:12]))
                connection.close()
        finally:
            served.shutdown()
            thread.join(harness.DEADLINE)
            served.server_close()
            client.close()
        self.assertEqual(got[0], (200, b"7 a for ann"))
        self.assertEqual(got[3], (200, b"read 7"))
        self.assertEqual([status for status, _ in got], [200, 403, 401, 200, 403])

# SPDX-License-Identifier: Apache-2.0
"""Middleware: a request reaches the application only when the daemon allows it.

    app.wsgi_app = authz.web.WSGIMiddleware(app.wsgi_app, service="web")      # Flask
    app.add_middleware(authz.web.ASGIMiddleware, service="web")               # FastAPI, Starlette

The decision is environ["authz"], or scope["authz"] and request.state.authz. Who may come without a token
is the policy's business (role anyone), not the middleware's.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import json
from typing import (Any, Awaitable, Callable, Dict, Generic, Iterable, List, Mapping, MutableMapping,
                    NamedTuple, Optional, Tuple, Type, TypeVar)

from ._aio import AsyncClient
from ._client import Client, note
from ._errors import AuthzError
from ._wire import STATUS_OK, STATUS_UNAVAILABLE, Decision

Headers = List[Tuple[str, str]]

# With these an application may route by another method than the one that was decided.
OVERRIDES = ("x-http-method", "x-http-method-override", "x-method-override")

TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
          429: "Too Many Requests", 503: "Service Unavailable"}

RETRY_SECONDS = 1  # until a daemon that restarts answers again


A = TypeVar("A")
C = TypeVar("C", Client, AsyncClient)


class _Middleware(Generic[A, C]):
    """What the two middlewares have in common: from a request to the daemon's question, and from its
    decision to an answer.

    token_header, token_cookie: where a token may be beside `Authorization: Bearer`. facts: called with
    the environ or scope; what it returns is added to the question, such as {"ip": …} from a trusted peer.
    overrides: something before this middleware has applied X-HTTP-Method-Override and the like;
    otherwise a request with one is answered 400. missing_pass: a request that is denied as missing_fact, because
    the policy asks for facts that only the application knows, passes, with that denial as its decision; then
    every such route must ask again, as with_facts does, before it does anything.
    """

    makes: Type[C]

    def __init__(self, app: A, client: Optional[C] = None, *, service: Optional[str] = None,
                 environment: Optional[str] = None, tenant: Optional[str] = None, tree: Optional[str] = None,
                 token_header: Optional[str] = None, token_cookie: Optional[str] = None,
                 overrides: bool = False, missing_pass: bool = False, realm: str = "api",
                 facts: Optional[Callable[[Any], Mapping[str, Any]]] = None) -> None:
        if '"' in realm or "\\" in realm or not realm.isprintable() or not realm.isascii():
            raise ValueError("realm: must be printable ASCII without quotes and backslashes")
        self.app = app
        self.client: C = self.makes() if client is None else client
        self.fixed = {"service": service, "environment": environment, "tenant": tenant, "tree": tree}
        self.header = token_header.lower() if token_header else None
        self.cookie = token_cookie
        self.overrides = overrides
        self.missing_pass = missing_pass
        self.realm = realm
        self.facts = facts

    def tokens(self, headers: Headers) -> List[str]:
        """Every token of the request, each once. The query is never read."""
        found = []
        for name, value in headers:
            scheme, _, rest = value.strip().partition(" ")
            if name == "authorization" and scheme.lower() == "bearer":
                found.append(rest.strip())
            elif name == self.header:
                found.append(value.strip())
            elif name == "cookie" and self.cookie is not None:
                pairs = (pair.strip().partition("=") for pair in value.split(";"))
                found += [text.strip('"') for cookie, _, text in pairs if cookie == self.cookie]
        return list(dict.fromkeys(found))

    def question(self, method: str, target: bytes, headers: Headers, request: Any) -> Dict[str, Any]:
        """What to ask; a Decision is raised in _Refused when there is nothing to ask."""
        if not self.overrides and any(name in OVERRIDES for name, _ in headers):
            raise _Refused(Decision(status=400, reason="method_override"))
        tokens = self.tokens(headers)
        if len(tokens) > 1:
            raise _Refused(Decision(status=401, reason="malformed_token"), True)
        asked: Dict[str, Any] = {**self.fixed, "method": method, "path": path_of(target)}
        if self.facts is not None:
            asked.update(self.facts(request))
        if tokens:
            asked["token"] = tokens[0]
        return asked

    def passes(self, decision: Decision) -> bool:
        if decision and decision.status == STATUS_OK:
            return True
        # A module can give any reason, but no names of facts.
        return self.missing_pass and decision.reason == "missing_fact" and bool(decision.missing)

    def answer(self, decision: Decision, token: bool) -> Tuple[int, Headers, bytes]:
        """Status, headers and body (RFC 9457) of a denial."""
        status = decision.status if decision.status in TITLES else 403
        headers: Headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
        if status == 401:
            error = ', error="invalid_token"' if token else ""
            headers.append(("WWW-Authenticate", f'Bearer realm="{self.realm}"{error}'))
        if status == 429 and decision.quota is not None:
            headers.append(("Retry-After", str(decision.quota.reset)))
            headers.append(("RateLimit", f'"default";r={decision.quota.remaining};t={decision.quota.reset}'))
        if status == STATUS_UNAVAILABLE:
            headers.append(("Retry-After", str(RETRY_SECONDS)))
        problem = {"type": "about:blank", "title": TITLES[status], "status": status}
        if status != 401:  # why a token is not accepted is nothing for its holder
            problem["reason"] = decision.reason
        body = json.dumps(problem).encode()
        headers.append(("Content-Length", str(len(body))))
        return status, headers, body


class _Refused(Exception):
    """The request is answered without a question."""

    def __init__(self, decision: Decision, token: bool = False) -> None:
        super().__init__(decision.reason)
        self.decision = decision
        self.token = token


def path_of(target: bytes) -> bytes:
    """The path of a request's target: of http://host/path, what follows the host."""
    scheme, found, rest = target.partition(b"://")
    if found and scheme.lower() in (b"http", b"https"):
        return b"/" + rest.partition(b"/")[2] if b"/" in rest.partition(b"?")[0] else b"/"
    return target


def undecided(error: Exception) -> Decision:
    """The denial that stands for an error: 400 when the request was wrong, otherwise 503."""
    note(error)
    if isinstance(error, AuthzError) and error.code == "invalid_request":
        return Decision(status=400, reason="invalid_request")
    return Decision()


class Denied(Exception):
    """A route's facts were denied. It is a WSGI application, too, which answers that: Flask takes it as
    `app.register_error_handler(authz.web.Denied, lambda denied: denied)`. ASGIMiddleware answers it itself."""

    def __init__(self, decision: Decision, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(decision.reason)
        self.decision = decision
        self.status = status
        self.headers = headers
        self.body = body

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(f"{self.status} {TITLES[self.status]}", self.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


class _Asked(NamedTuple):
    """The question about the present request."""

    middleware: _Middleware[Any, Any]
    question: Dict[str, Any]

    def check(self, more: Mapping[str, Any]) -> Any:
        left = ("method", "path", "tree") if "action" in more else ()
        asked = {name: value for name, value in self.question.items() if name not in left}
        return self.middleware.client.check(**{**asked, **more})

    def expect(self, decision: Decision) -> None:
        if not (decision and decision.status == STATUS_OK):
            raise Denied(decision, *self.middleware.answer(decision, "token" in self.question))


_present: contextvars.ContextVar[_Asked] = contextvars.ContextVar("authz")


def with_facts(facts: Callable[..., Mapping[str, Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For a route that knows more than its path: asks again, for the same token, with what `facts` returns for
    the route's arguments. It may give other facts, and `action` and `resource` instead of the request's path.
    The route runs only when that is allowed, too; otherwise Denied is raised.

        @app.delete("/loans/<loan>")
        @authz.web.with_facts(lambda loan: {"mfa_at": flask.session["mfa_at"]})
        def delete(loan): ...
    """
    def decorate(route: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(route)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            asked = _present.get()
            try:
                decision = asked.check(facts(*args, **kwargs))
                decision = decision if isinstance(decision, Decision) else await decision
            except Exception as error:  # pylint: disable=broad-except
                decision = undecided(error)
            asked.expect(decision)
            return await route(*args, **kwargs)

        @functools.wraps(route)
        def called(*args: Any, **kwargs: Any) -> Any:
            asked = _present.get()
            if isinstance(asked.middleware.client, AsyncClient):
                raise RuntimeError(f"authz: {route.__name__} must be `async def`, since it waits for a decision")
            try:
                decision = asked.check(facts(*args, **kwargs))
            except Exception as error:  # pylint: disable=broad-except
                decision = undecided(error)
            asked.expect(decision)
            return route(*args, **kwargs)

        return awaited if inspect.iscoroutinefunction(route) else called
    return decorate


class WSGIMiddleware(_Middleware[Callable[..., Iterable[bytes]], Client]):
    """Asks before each request. The server must give the raw target, as REQUEST_URI (Werkzeug, uWSGI,
    mod_wsgi) or RAW_URI (gunicorn)."""

    makes = Client

    def __call__(self, environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        target = environ.get("REQUEST_URI", environ.get("RAW_URI"))
        if target is None:
            raise RuntimeError("authz: the server gives neither REQUEST_URI nor RAW_URI, and PATH_INFO is "
                               "decoded: use another server")
        headers = [(name[5:].replace("_", "-").lower(), value) for name, value in environ.items()
                   if name.startswith("HTTP_")]
        token, asked = False, {}
        try:
            asked = self.question(environ["REQUEST_METHOD"], target.encode("latin-1"), headers, environ)
            token = "token" in asked
            decision = self.client.check(**asked)
        except _Refused as refused:
            decision, token = refused.decision, refused.token
        except Exception as error:  # pylint: disable=broad-except
            decision = undecided(error)
        if self.passes(decision):
            environ["authz"] = decision
            before = _present.set(_Asked(self, asked))
            try:
                return self.app(environ, start_response)
            except Denied as denied:
                return denied(environ, start_response)
            finally:
                _present.reset(before)
        return Denied(decision, *self.answer(decision, token))(environ, start_response)


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ASGIMiddleware(_Middleware[Callable[..., Awaitable[None]], AsyncClient]):
    """Asks before each request and each WebSocket. The server must give raw_path (uvicorn, Hypercorn,
    Daphne)."""

    makes = AsyncClient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise RuntimeError(f"authz: no rule for a scope of type {scope['type']}")
        target = scope.get("raw_path")
        if not target:
            raise RuntimeError("authz: the server gives no raw_path, and path is decoded: use another server")
        # A WebSocket begins as a GET.
        method = scope["method"] if scope["type"] == "http" else "GET"
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1"))
                   for name, value in scope["headers"]]
        token, asked = False, {}
        try:
            asked = self.question(method, target, headers, scope)
            token = "token" in asked
            decision = await self.client.check(**asked)
        except _Refused as refused:
            decision, token = refused.decision, refused.token
        except Exception as error:  # pylint: disable=broad-except
            decision = undecided(error)
        if self.passes(decision):
            state = {**(scope.get("state") or {}), "authz": decision}
            before = _present.set(_Asked(self, asked))
            try:
                await self.app({**scope, "authz": decision, "state": state}, receive, send)
            except Denied as denied:
                await self.refuse(scope, receive, send, denied)
            finally:
                _present.reset(before)
        else:
            await self.refuse(scope, receive, send, Denied(decision, *self.answer(decision, token)))

    @staticmethod
    async def refuse(scope: Scope, receive: Receive, send: Send, denied: Denied) -> None:
        if scope["type"] == "websocket":
            # Before it was accepted: the server answers 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": denied.decision.reason})
            return
        await send({"type": "http.response.start", "status": denied.status, "headers": [
            (name.lower().encode(), value.encode()) for name, value in denied.headers]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else denied.body})

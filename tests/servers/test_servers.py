# SPDX-License-Identifier: Apache-2.0
"""authzd and real web servers route the same requests to the same places.

Every server has the routes of ROUTES, as its documentation writes them, and answers with the route
that it took. authzd has the same tree. For 10,000 mutated paths (or AUTHZ_TEST_PATHS), with several methods: where authzd allows a
request, a server must take the route that authzd's decision is about, with the same values, or none. EMPTY has the one exception, which REFERENCE.md documents.
"""

import http.client
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import unittest
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import harness  # noqa: E402

SEED = 20261128
PATHS = int(os.environ.get("AUTHZ_TEST_PATHS", "10000"))
BATCH = 100  # requests sent before their answers are read

ROUTES = [
    ("GET", "/users/me"), ("DELETE", "/users/me"), ("GET", "/users/kiosk"), ("GET", "/users/{user}"),
    ("DELETE", "/users/{user}"), ("GET", "/users/{user}/posts"),
    ("GET", "/loans"), ("POST", "/loans"), ("GET", "/loans/{loan}"), ("PUT", "/loans/{loan}"),
    ("GET", "/loans/{loan}/payments"),
    ("GET", "/reports/all"), ("GET", "/reports/all/pages"), ("GET", "/reports/{kind}"),
    ("GET", "/reports/{kind}/{page}"),
    ("GET", "/bank"), ("GET", "/bank/{k}"), ("GET", "/files/{path...}"),
]
NODES = list(dict.fromkeys(path for _, path in ROUTES))

# Servers that give /bank/ to /bank/{k}, with an empty k: REFERENCE.md has how to mend it. In a tree
# with strict_slash yes nothing differs.
EMPTY = {"fastify"}

# Servers on Python's http.server: several slashes at the beginning are one, also for the application.
COLLAPSING = {"flask"}


def policy():
    """The tree twice, once strict; `owner` may do everything, principal nN only what node N has."""
    blocks = "".join("    %s { %s }\n" % (node, ", ".join(m for m, p in ROUTES if p == node))
                     for node in NODES)
    text = f"tree loose {{\n{blocks}}}\ntree strict {{\n    strict_slash yes\n{blocks}}}\n"
    text += "role owner { allow all on loose:/**, strict:/** }\nprincipal owner { role owner }\n"
    for number, node in enumerate(NODES):
        text += f"role r{number} {{ allow all on loose:{node}, strict:{node} }}\n"
        text += f"principal n{number} {{ role r{number} }}\n"
    return text


# --- requests ---------------------------------------------------------------------------------------

VALUES = ("7", "abc", "me", "all", "kiosk", "posts", "a.b", "100%25", "caf%C3%A9", "a%20b", "x;y", "%3B")
SEPARATORS = ("%2f", "%5c", "%3f", "%3F", "%23", "%252f", "%253f", "%00", "%2e", "%252e", ";", "//",
              "/./", "/../", "/%2e%2e/", "..;/", "\\", "#", "?", "?x=/users/me", "%0a", "%20", "+", "&",
              ".", "..", "%", "%zz", "%e2%84%aa", "%c5%bf", "%ff", ":", "@", "*", "{user}", "/", "~")


def encode(dice, text, layers):
    """One character percent-encoded, as often as that."""
    at = dice.randrange(len(text))
    code = "".join(f"%{byte:02{dice.choice('xX')}}" for byte in text[at].encode())
    for _ in range(layers - 1):
        code = code.replace("%", "%25")
    return text[:at] + code + text[at + 1:]


def mutate(dice, path):
    kind = dice.randrange(8)
    if kind < 3:
        return encode(dice, path, 1 + (dice.randrange(3) if kind == 2 else 0))
    at = dice.randrange(1, len(path) + 1)
    if kind == 3:
        return path[:at] + path[at:].swapcase()
    if kind == 4:
        return path[:at] + dice.choice(SEPARATORS) + path[at:]
    if kind == 5:
        return path + dice.choice(("/", "/", "//", ".", "%20", "/.", "?", "/?x=1"))
    if kind == 6:
        return path.replace("k", "%E2%84%AA", 1).replace("s", "%C5%BF", dice.randrange(2))
    return path[:at] + path[at + 1:] or "/"


def make_path(dice):
    path = re.sub(r"\{path\.\.\.\}", lambda _: "/".join(dice.choice(VALUES) for _ in range(dice.randrange(3))),
                  dice.choice(NODES))
    path = re.sub(r"\{\w+\}", lambda _: dice.choice(VALUES), path)
    for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3))):
        path = mutate(dice, path)
    return path if path.startswith("/") else "/" + path


def make_requests():
    """(method, path, headers): every path that can be on a request line, each once."""
    dice = random.Random(SEED)
    paths = {}
    while len(paths) < PATHS:
        path = make_path(dice)
        if re.fullmatch(r"[!-~]+", path):
            paths[path] = None
    requests = []
    for path in paths:
        method = dice.choice(("GET",) * 6 + ("HEAD", "HEAD", "DELETE", "POST", "PUT", "OPTIONS"))
        override = {}
        if dice.randrange(8) == 0:
            name = dice.choice(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"))
            override = {name: dice.choice(("DELETE", "GET", "PUT"))}
        requests.append((method, path, override))
    return requests


def values_of(node, path):
    """The values of the node's parameters in the path, each decoded once, as authzd reads them."""
    segments = [urllib.parse.unquote(part) for part in path.split("?")[0].split("/")[1:]]
    values = []
    for number, name in enumerate(node.split("/")[1:]):
        if name.endswith("...}"):
            rest = "/".join(segments[number:]).rstrip("/")
            values += [rest] if rest else []  # some servers leave an empty rest out
        elif name.startswith("{"):
            values.append(segments[number])
    return values


# --- servers ----------------------------------------------------------------------------------------

class Reader:
    """What http.client.HTTPResponse reads from: one stream for the answers of one connection."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, *_):
        return self

    def close(self):
        pass

    def __getattr__(self, name):
        return getattr(self.stream, name)


def answer_of(response):
    """(route, values) of an answer; values is None where the server does not give them. None: the
    server took no route."""
    route, values = response.headers.get("X-Route"), response.headers.get("X-Values")
    if response.status != 200 or route is None:
        return None
    return route, values and json.loads(urllib.parse.unquote(values))


class Server:
    """A process with the routes, at a Unix socket or a port, and what it answered."""

    def __init__(self, name, folder, command, address=None, environment=None):
        self.name = name
        self.address = address or str(folder / f"{name}.sock")
        self.log = open(folder / f"{name}.log", "wb")
        self.process = None
        self.raw = []  # (path of a request, the path that the server would send to authzd)
        if command is not None:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=self.log,
                stderr=self.log, env={**os.environ, **(environment or {})},
                preexec_fn=harness.die_with_parent)

    def stop(self):
        if self.process is not None:
            self.process.terminate()  # nginx ends its worker
            self.process.wait(timeout=harness.DEADLINE)
        if isinstance(self.address, str):
            Path(self.address).unlink(missing_ok=True)  # Node leaves it, and could not listen there again
        self.log.close()

    def connect(self):
        unix = isinstance(self.address, str)
        connection = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        connection.settimeout(harness.DEADLINE)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended: {Path(self.log.name).read_text()}") from None
            return None
        return connection

    def wait(self):
        harness.wait_until(self.connect, what=f"{self.name} listens").close()

    def ask(self, requests):
        """The (route, values) of each request, or None. A connection that a server ends is made again
        for the requests that it left."""
        answers = []
        batch = BATCH
        while len(answers) < len(requests):
            connection = harness.wait_until(self.connect, what=f"{self.name} listens")
            reader = Reader(connection.makefile("rb"))
            try:
                got = self.exchange(connection, reader, requests, answers, batch)
            except (OSError, http.client.HTTPException):
                got = 0
            finally:
                reader.stream.close()
                connection.close()
            if got == 0 and batch == 1:
                answers.append(None)  # the connection ended without an answer: none was routed
            # A server that ends its connections drops what was sent on, and may reset what it answered.
            batch = 1 if got <= 1 else BATCH
        return answers

    def exchange(self, connection, reader, requests, answers, batch):
        got = 0
        while len(answers) < len(requests):
            part = requests[len(answers):len(answers) + batch]
            try:
                connection.sendall(b"".join(
                    f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
                    + b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
                    + (b"Content-Length: 0\r\n" if method in ("POST", "PUT") else b"") + b"\r\n"
                    for method, path, headers in part))
            except OSError:
                pass  # the answers so far can still be read
            for method, path, _ in part:
                response = http.client.HTTPResponse(reader, method=method)
                try:
                    response.begin()
                    response.read()
                except (OSError, http.client.HTTPException, ValueError):
                    return got
                answers.append(answer_of(response))
                if answers[-1] is not None:
                    self.raw.append((path, response.headers.get("X-Raw")))
                got += 1
                if response.will_close:
                    return got
        return got


def nginx_conf(folder):
    locations = ""
    for node in NODES:
        pattern = re.sub(r"\{\w+\}", "([^/]+)", re.sub(r"/\{\w+\.\.\.\}", "/(.*)", node))
        locations += (f"        location ~ ^{pattern}$ {{ "
                      f"add_header X-Route '$request_method {node}'; "
                      f"add_header X-Raw $request_uri; return 200; }}\n")
    text = (HERE / "nginx.conf.in").read_text().replace("@FOLDER@", str(folder))
    # Started as root, its worker would not be let into the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        text.replace("@LOCATIONS@", locations).replace("@USER@", user))


def caddy_conf(folder):
    blocks = ""
    for number, node in enumerate(NODES):
        pattern = re.sub(r"\{\w+\}", "([^/]+)", re.sub(r"/\{\w+\.\.\.\}", "/(.*)", node))
        shown = node.replace("{", "\\{").replace("}", "\\}")
        blocks += (f"\t\t@n{number} path_regexp ^{pattern}$\n\t\thandle @n{number} {{\n"
                   f"\t\t\theader X-Route \"{{method}} {shown}\"\n"
                   f"\t\t\theader X-Raw {{http.request.orig_uri}}\n\t\t\trespond 200\n\t\t}}\n")
    (folder / "Caddyfile").write_text(
        (HERE / "Caddyfile.in").read_text().replace("@FOLDER@", str(folder)).replace("@HANDLERS@", blocks))


def needed(program):
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise AssertionError(f"{program} is not installed: run tools/setup")
    return path


class Servers(harness.DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.requests = make_requests()
        daemon = harness.Daemon({"a.policy": policy()})
        cls.addClassCleanup(daemon.finish)
        cls.folder = daemon.folder
        cls.nodes = {tree: cls.decide(daemon.client(), tree) for tree in ("loose", "strict")}

    def setUp(self):
        super().setUp()
        self.routes = self.folder / "routes.json"
        self.routes.write_text(json.dumps([{"method": m, "path": p} for m, p in ROUTES]))

    def start(self, name, command, **more):
        server = Server(name, self.folder, command, **more)
        self.addCleanup(server.stop)
        server.wait()
        return server

    @classmethod
    def decide(cls, client, tree):
        """For each request the node that authzd's decision is about, or None if it is refused."""
        def ask(entries):
            results = []
            for at in range(0, len(entries), 1000):
                results += client.call("authorize_many", tree=tree,
                                       requests=entries[at:at + 1000])["results"]
            return results
        entries = [{"method": method, "path": path} for method, path, _ in cls.requests]
        allowed = [number for number, result in enumerate(ask(
            [{**entry, "principal": "owner"} for entry in entries])) if result["allow"]]
        nodes = [None] * len(entries)
        for number, node in enumerate(NODES):
            results = ask([{**entries[at], "principal": f"n{number}"} for at in allowed])
            for at, result in zip(allowed, results):
                if result["allow"]:
                    assert nodes[at] is None, entries[at]
                    nodes[at] = node
        assert None not in [nodes[at] for at in allowed]
        return nodes

    def check(self, server, path_alone=False, decoded_twice=False):
        """Compares the decisions in both trees with what the server did. `path_alone`: the server
        routes by path, and the method is the application's. `decoded_twice`: values may differ."""
        name = server.name
        answers = server.ask(self.requests)
        routed = [answer for answer in answers if answer is not None]
        self.assertGreater(len(routed), PATHS // 10, f"{name} routed too few requests to prove anything")
        if server.process is not None:  # not one that nginx gave another path
            wrong = [(path, raw) for path, raw in server.raw
                     if raw != (re.sub("^/+", "/", path) if name in COLLAPSING else path)]
            self.assertEqual(wrong, [],
                             f"{name}: what PROTOCOL.md says to send is not the path as received")
        for tree in ("loose", "strict"):
            nodes = self.nodes[tree]
            compared = empty = 0
            for (method, path, headers), node, answer in zip(self.requests, nodes, answers):
                if node is None or answer is None:
                    continue
                compared += 1
                route, values = answer
                wanted = "GET" if method == "HEAD" and not path_alone else method
                if values and values[-1] == "" and not route.endswith("...}"):
                    self.assertEqual((tree, name in EMPTY, path.split("?")[0][-1]), ("loose", True, "/"),
                                     f"{name}, {tree}: {method} {path} is {route} with an empty value")
                    empty += 1
                    continue
                if node.endswith("...}") and values is not None:
                    values = [value.rstrip("/") for value in values if value.rstrip("/")]
                same = route == f"{wanted} {node}" and (
                    values is None or decoded_twice or values == values_of(node, path))
                self.assertTrue(same, f"{name}, {tree}: {method} {path} {headers} is allowed as {node}"
                                f" and routed to {route} with {values}")
            self.assertGreater(compared, PATHS // 20, f"{name}: too few to prove anything")
            self.assertEqual(empty > 0, tree == "loose" and name in EMPTY, f"{name}: {empty} mismatches")
            print(f"# {name}, {tree}: {len(self.requests)} requests, {len(routed)} routed, "
                  f"{compared} of them allowed", flush=True)

    def javascript(self, framework):
        modules = HERE / "js" / "node_modules"
        if not (modules / ".authz-lock").is_file():
            raise unittest.SkipTest(f"{modules} is missing, since npm had no registry: run tools/setup")
        return self.start(framework, [needed("node"), HERE / "js" / "server.js", framework,
                                      self.folder / f"{framework}.sock", self.routes])

    def nginx(self):
        nginx_conf(self.folder)
        return self.start("nginx", [needed("nginx"), "-p", self.folder, "-c", self.folder / "nginx.conf",
                                    "-e", self.folder / "nginx.log"])

    def caddy(self):
        caddy_conf(self.folder)
        return self.start("caddy", [needed("caddy"), "run", "--config", self.folder / "Caddyfile",
                                    "--adapter", "caddyfile"],
                          environment={"XDG_DATA_HOME": str(self.folder),
                                       "XDG_CONFIG_HOME": str(self.folder)})

    def proxy(self, name):
        """A server of the nginx or Caddy that runs."""
        proxy = Server(name, self.folder, None)
        self.addCleanup(proxy.stop)
        return proxy

    def test_express_4_and_nginx(self):
        express = self.javascript("express4")
        self.check(express)
        self.check(self.nginx(), path_alone=True)
        self.check(self.proxy("nginx-uri"), decoded_twice=True)
        self.check(self.proxy("nginx-rewrite"))

    def test_express_5(self):
        self.check(self.javascript("express5"))

    def test_fastify(self):
        self.check(self.javascript("fastify"))
        self.check(self.javascript("fastify-ignoring"))

    def test_caddy_alone_and_before_flask(self):
        self.start("flask", ["/usr/bin/python3", HERE / "flask_server.py", self.folder / "flask.sock",
                             self.routes])
        self.check(self.caddy(), path_alone=True)
        self.check(self.proxy("caddy-flask"))

    def test_caddy_before_express_4(self):
        self.javascript("express4")
        self.caddy()
        self.check(self.proxy("caddy-express"))

    def test_koa(self):
        self.check(self.javascript("koa"))

    def test_hono(self):
        self.check(self.javascript("hono"))

    def test_flask_and_nginx(self):
        self.check(self.start("flask", ["/usr/bin/python3", HERE / "flask_server.py",
                                        self.folder / "flask.sock", self.routes]))
        self.nginx()
        self.check(self.proxy("nginx-uri-flask"), decoded_twice=True)

    def test_go(self):
        program = self.folder / "server"
        subprocess.run(
            [needed("go"), "build", "-o", program, HERE / "server.go"], check=True,
            env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                 "GOCACHE": str(self.folder / "cache"), "GOFLAGS": ""})
        self.check(self.start("go", [program, self.folder / "go.sock", self.routes]))

    def test_php(self):
        port = harness.free_port()
        self.check(self.start("php", [needed("php"), "-S", f"127.0.0.1:{port}", HERE / "router.php"],
                              address=("127.0.0.1", port), environment={"ROUTES": str(self.routes)}))


if __name__ == "__main__":
    unittest.main()

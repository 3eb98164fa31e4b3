# SPDX-License-Identifier: Apache-2.0
"""Forward authentication with the real nginx and Caddy, before an application and a static file.

The web server asks authz-http about each request, and authz-http the daemon. What arrives at the
application is what it echoes; nothing but an allowed request may arrive there. The configurations are
those of the guide, client/WEB-SERVERS.md.
"""

import http.client
import json
import re
import signal
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
import web  # noqa: E402

POLICY = """\
environment live prefix liq_live_

tree api {
    /files { /{name} { read GET, delete DELETE } }
    /app {
        list GET, create POST
        /{id} { read GET, delete DELETE }
        /limited { GET }
    }
}

role reader { allow GET on api:/** }
role one { allow GET on api:/app/{id} }
principal ann { role reader }
principal bob { role one at api:/app/%41%20b }

stack other {
    authenticate required key
    authorize    required role
    authorize    required scope
}

stack limited {
    authenticate required key
    account      required quota name=few limit=1 period=1h per=key
    authorize    required role
}
"""

# Headers that a client may not set, in the spellings that CGI and its heirs take for the same.
SPOOFED = ["X-Authz-Principal", "x-authz-key", "X-Authz-Tenant", "X-Authz-Environment", "X-Authz-Reason",
           "X-Authz-Renew", "X-Authz-Status", "X_Authz_Principal", "X-Authz_Key", "X_authz-tenant"]


class Door(web.WebTest):
    """A daemon, authz-http, an application and a web server before it, each at a socket of the folder."""

    family = "nginx"
    mode = "0600"  # of authz-http's socket
    port = None  # where the web server listens, if it cannot at web.sock

    def start_all(self, *lines, timeout="60s"):
        """timeout: of authz-http, for an answer of the daemon; of a minute, since a machine may be slow."""
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        self.folder = self.d.folder
        self.ann, self.key = self.make_key("ann")
        self.app = web.serve(self, web.EchoServer(str(self.folder / "app.sock"), web.Echo))
        (self.folder / "site" / "files").mkdir(parents=True)
        (self.folder / "site" / "files" / "a.txt").write_text("a file\n")
        self.authz_http = self.start_authz_http("\n".join([
            f"authz {self.d.socket}", f"listen {self.folder}/http.sock {self.mode}", f"family {self.family}",
            f"timeout {timeout}", *lines, ""]))
        self.start_web()

    def make_key(self, principal):
        made = self.c.call("keys.create", principal=principal)
        return made["id"], made["secret"]

    def ask(self, method, target, token=True, **headers):
        """(status, headers, body) of a request at the web server."""
        connection = http.client.HTTPConnection("localhost", timeout=harness.DEADLINE)
        connection.sock = socket.socket(socket.AF_INET if self.port else socket.AF_UNIX)
        connection.sock.settimeout(harness.DEADLINE)
        connection.sock.connect(("127.0.0.1", self.port) if self.port else str(self.folder / "web.sock"))
        token = self.key if token is True else token
        try:
            connection.putrequest(method, target, skip_host=False)
            for name, value in headers.items():
                connection.putheader(name, value)
            if token:
                connection.putheader("Authorization", f"Bearer {token}")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def status(self, *words, **more):
        return self.ask(*words, **more)[0]

    def seen(self, method, target, headers=None, **more):
        """The request as the application saw it: {name: value} of its headers, in small letters."""
        status, _, body = self.ask(method, target, **more, **(headers or {}))
        self.assertEqual(status, 200, body)
        echoed = json.loads(body)
        return echoed["target"], {name.lower(): value for name, value in echoed["headers"]}


class Tests:
    """What holds for each web server."""

    serves_files = True
    no_answer = 503  # where authz-http is not there
    own_answers = {}  # to paths about which the server does not ask

    def test_every_status_reaches_the_client(self):
        self.start_all()
        if self.serves_files:
            self.assertEqual(self.ask("GET", "/files/a.txt")[2], b"a file\n")
        for method, target, token, wanted in (
                ("GET", "/app/7", True, 200), ("GET", "/app/7?x=%20", True, 200),
                ("GET", "/app/7", None, 401), ("GET", "/app/7", "liq_live_nonsense", 401),
                ("DELETE", "/app/7", True, 403), ("GET", "/app/none/none", True, 404),
                ("GET", "/app/a%2Fb", True, 400), ("GET", "/files/a.txt", None, 401)):
            with self.subTest((method, target, token)):
                before = self.app.count
                status, headers, _ = self.ask(method, target, token=token)
                self.assertEqual(status, wanted)
                self.assertEqual("WWW-Authenticate" in headers, wanted == 401)
                self.assertEqual(self.app.count - before, 1 if wanted == 200 else 0)

    def test_head_is_get_and_options_has_to_be_allowed(self):
        self.start_all()
        status, headers, body = self.ask("HEAD", "/files/a.txt")
        self.assertEqual((status, body), (200, b""))
        if self.serves_files:
            self.assertEqual(headers["Content-Length"], "7")
        self.assertEqual(self.status("HEAD", "/files/a.txt", token=None), 401)
        self.assertEqual(self.status("OPTIONS", "/app/7"), 403)

    def test_the_application_sees_the_identity_and_nothing_spoofed(self):
        self.start_all()
        spoofed = {name: "spoofed" for name in SPOOFED}
        _, headers = self.seen("GET", "/app/7", spoofed)
        self.assertNotIn("spoofed", headers.values())
        self.assertEqual((headers["x-authz-principal"], headers["x-authz-key"]), ("ann", self.ann))
        self.assertFalse([name for name in headers if "_" in name])
        # A key without a principal: nothing stands for it, neither the client's header nor a placeholder.
        secret = self.c.call("keys.create", roles=["reader"])["secret"]
        _, headers = self.seen("GET", "/app/7", spoofed, token=secret)
        self.assertNotIn("spoofed", headers.values())
        self.assertEqual(headers.get("x-authz-principal", ""), "")

    def test_what_is_left_out_of_the_answer_does_not_come_from_the_client(self):
        self.start_all("answer_headers principal")
        _, headers = self.seen("GET", "/app/7", {name: "spoofed" for name in SPOOFED})
        self.assertNotIn("spoofed", headers.values())
        self.assertNotIn(self.ann, headers.values())
        self.assertEqual(headers["x-authz-principal"], "ann")

    def test_encoded_paths_are_decided_as_they_were_sent(self):
        """What the daemon decides is about the path as it was sent, and so is what the application gets."""
        self.start_all()
        _, bob = self.make_key("bob")
        # Only the encoded spelling is bob's place: a server that decodes would ask for another.
        for target in ("/app/A%20b", "/app/%41%20b", "/app/A%20b?x=/../y"):
            with self.subTest(target):
                got, _ = self.seen("GET", target, token=bob)
                self.assertEqual(got, target)
        for target in ("/app/A+b", "/app/A%2520b", "/app/x/../A%20b", "/app/./A%20b", "/app//A%20b",
                       "/app/A%20b%2f..", "/app/A%20b;x", "/app/A%20b%00", "/app/A%20b#x"):
            with self.subTest(target):
                direct = self.c.call("authorize", token=bob, method="GET", path=target)
                self.assertFalse(direct["allow"])
                self.assertEqual(self.status("GET", target, token=bob),
                                 self.own_answers.get(target, direct["status"]))

    def test_a_daemon_that_is_stopped_is_503_and_well_again(self):
        self.start_all(timeout="1s")
        harness.wait_until(lambda: self.status("GET", "/app/7") == 200, what="the daemon answers in time")
        self.d.pause()
        before = self.app.count
        try:
            status, headers, _ = self.ask("GET", "/app/7")
        finally:
            self.d.signal(signal.SIGCONT)
        self.assertEqual((status, headers["Retry-After"], self.app.count), (503, "1", before))
        harness.wait_until(lambda: self.status("GET", "/app/7") == 200, what="it is well again")

    def test_a_quota_is_429_with_the_time_to_wait(self):
        self.start_all("service limited")
        self.assertEqual(self.status("GET", "/app/7"), 200)
        status, headers, _ = self.ask("GET", "/app/7")
        self.assertEqual(status, 429)
        self.assertGreater(int(headers["Retry-After"]), 0)

    def test_a_preflight_passes_only_without_a_token_and_as_one(self):
        self.start_all("preflight pass")
        ask = {"Origin": "https://site.example", "Access-Control-Request-Method": "DELETE"}
        before = self.app.count
        self.assertEqual(self.status("OPTIONS", "/app/7", token=None, **ask), 200)
        self.assertEqual(self.app.count, before + 1)
        for other in ({}, {"Origin": ask["Origin"]}):
            self.assertEqual(self.status("OPTIONS", "/app/7", token=None, **other), 401)
        self.assertEqual(self.status("DELETE", "/app/7", token=None, **ask), 401)
        self.assertEqual(self.app.count, before + 1)

    def test_without_authz_http_nothing_passes(self):
        self.start_all()
        self.authz_http.terminate()
        self.authz_http.wait()
        before = self.app.count
        self.assertEqual((self.status("GET", "/app/7"), self.app.count), (self.no_answer, before))

    def test_headers_of_other_proxies_neither_help_nor_hinder(self):
        self.start_all()
        others = {"X-Forwarded-Uri": "/app/7", "X-Forwarded-Method": "GET", "X-Original-URI": "/app/7",
                  "X-Original-Method": "GET"}
        self.assertEqual(self.status("GET", "/app/8", **others), 200)
        self.assertEqual(self.status("DELETE", "/app/8", **others), 403)

    def test_a_method_override_is_refused(self):
        self.start_all()
        self.assertEqual(self.status("GET", "/app/7", **{"X-HTTP-Method-Override": "DELETE"}), 400)


class Nginx(Tests, Door):
    """The full recipe of the guide."""

    def start_web(self):
        text = web.replaced(
            web.block("### Every status, identity, and a fast connection", "nginx"),
            ("/run/authz-http/http.sock", f"{self.folder}/http.sock"),
            ("listen 127.0.0.1:8080", f"listen unix:{self.folder}/web.sock"),
            ("/srv/site", f"{self.folder}/site"),
            ("http://127.0.0.1:8000", f"http://unix:{self.folder}/app.sock"))
        self.start_nginx(text, self.folder / "web.sock")


class Caddy(Tests, Door):
    family = "forwarded"
    no_answer = 502

    def start_web(self):
        site = web.replaced(
            web.block("## Protect Caddy in ten lines", "caddyfile"),
            ("/run/authz-http/http.sock", f"{self.folder}/http.sock"),
            ("reverse_proxy 127.0.0.1:8000",
             f"file_server /files/* {{\n\t\troot {self.folder}/site\n\t}}\n"
             f"\treverse_proxy unix/{self.folder}/app.sock"))
        self.start_caddy(f"http:// {{\n\tbind unix/{self.folder}/web.sock\n{site}\n}}\n",
                         self.folder / "web.sock")


class Haproxy(Tests, Door):
    family = "forwarded"
    serves_files = False
    lua = None  # that of the guide

    def start_web(self):
        section = "## HAProxy"
        lua = self.lua or web.replaced(web.block(section, "lua"),
                                       ("/run/authz-http/http.sock", f"{self.folder}/http.sock"))
        text = web.replaced(
            web.block(section, "haproxy"), ("bind 127.0.0.1:8080", f"bind unix@{self.folder}/web.sock"),
            ("server one 127.0.0.1:8000", f"server one unix@{self.folder}/app.sock"))
        self.start_haproxy(text, lua, self.folder / "web.sock")

    def test_an_action_that_fails_lets_nothing_pass(self):
        self.lua = 'core.register_action("authz", { "http-req" }, function(txn) error("x") end)'
        self.start_all()
        before = self.app.count
        self.assertEqual((self.status("GET", "/app/7"), self.app.count), (503, before))


class Apache(Tests, Door):
    family = "forwarded"
    mode = "0666"  # run as root, Apache is another user
    own_answers = {"/app/A%20b%00": 404}

    def start_web(self):
        section = "## Apache httpd"
        self.port = harness.free_port()
        lua = web.replaced(web.block(section, "lua"),
                           ("/run/authz-http/http.sock", f"{self.folder}/http.sock"))
        text = web.replaced(web.block(section, "apache"),
                            ("http://127.0.0.1:8000/app/",
                             f"unix:{self.folder}/app.sock|http://localhost/app/"))
        (self.folder / "app.sock").chmod(0o666)
        self.start_apache(text, lua, self.port)


class Headers(Door):
    """Traefik and Envoy are no packages of Debian: authz-http is sent what they send."""

    def start_web(self):
        pass

    def send(self, lines):
        """(status, headers) of authz-http's answer to a request of these lines."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(harness.DEADLINE)
            connection.connect(str(self.folder / "http.sock"))
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            return answer.status, answer.headers

    def traefik(self, method, uri, token):
        """The client's headers, and those of the table "Forward-Request Headers" of
        https://doc.traefik.io/traefik/v3.3/reference/routing-configuration/http/middlewares/forwardauth"""
        return self.send([
            "GET /check HTTP/1.1", "Host: 127.0.0.1:9180", "User-Agent: curl/7.88.1", "Accept: */*",
            *([f"Authorization: Bearer {token}"] if token else []), "X-Forwarded-For: 192.0.2.7",
            "X-Forwarded-Host: site.example", f"X-Forwarded-Method: {method}", "X-Forwarded-Port: 443",
            "X-Forwarded-Proto: https", "X-Forwarded-Server: traefik", f"X-Forwarded-Uri: {uri}",
            "X-Real-Ip: 192.0.2.7", "Accept-Encoding: gzip"])

    def envoy(self, method, uri, token, prefix="/check"):
        """Method, path after path_prefix, Host, an empty body, Authorization and the allowed headers, of
        https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_authz/v3/ext_authz.proto
        (HttpService), and what Envoy adds to each request of its own."""
        return self.send([
            f"{method} {prefix}{uri} HTTP/1.1", "host: site.example", "content-length: 0",
            *([f"authorization: Bearer {token}"] if token else []), "x-envoy-internal: true",
            "x-forwarded-for: 10.0.0.5", "x-envoy-expected-rq-timeout-ms: 2000"])

    def test_what_traefik_sends_is_understood(self):
        self.family = "forwarded"
        self.start_all()
        status, headers = self.traefik("GET", "/app/7?x=1", self.key)
        self.assertEqual((status, headers["X-Authz-Principal"], headers["X-Authz-Key"]),
                         (204, "ann", self.ann))
        self.assertEqual(self.traefik("DELETE", "/app/7", self.key)[0], 403)
        self.assertEqual(self.traefik("GET", "/app/a%2Fb", self.key)[0], 400)
        self.assertEqual(self.traefik("GET", "/app/none/none", self.key)[0], 404)
        status, headers = self.traefik("GET", "/app/7", None)
        self.assertEqual((status, "WWW-Authenticate" in headers), (401, True))

    def test_what_envoy_sends_is_understood(self):
        self.family = "envoy"
        self.start_all()
        prefix = re.findall(r"path_prefix: (\S+)", web.block("## Envoy", "yaml"))[0]
        status, headers = self.envoy("GET", "/app/7?x=1", self.key, prefix)
        self.assertEqual((status, headers["X-Authz-Principal"], headers["X-Authz-Key"]),
                         (200, "ann", self.ann))
        for method, uri, token, wanted in (
                ("HEAD", "/app/7", self.key, 200), ("DELETE", "/app/7", self.key, 403),
                ("POST", "/app", self.key, 403), ("GET", "/app/a%2Fb", self.key, 400),
                ("GET", "/app/none/none", self.key, 404), ("GET", "/app/7", None, 401),
                ("GET", "/app/../app/7", self.key, 400), ("GET", "", self.key, 400)):
            with self.subTest((method, uri)):
                self.assertEqual(self.envoy(method, uri, token)[0], wanted)

    def check(self, *words):
        """(exit status, document) of authzcheck http-check with ann's token."""
        done = harness.run_tool("http-check", "--json", "--token", "-", *words, text=self.key)
        return done.returncode, json.loads(done.stdout)

    def check_tool(self):
        url = f"unix:{self.folder}/http.sock"
        status, found = self.check(url, "GET", "/app/7")
        self.assertEqual((status, found["family"], found["identity"]["X-Authz-Principal"]),
                         (0, self.family, "ann"))
        for method, path, wanted in (("DELETE", "/app/7", "403 role"), ("GET", "/no", "404 unknown_resource"),
                                     ("GET", "/a%2Fb", "400 malformed_path")):
            status, found = self.check(url, method, path)
            self.assertEqual((status, found["family"], f"{found['status']} {found['reason']}"),
                             (1, self.family, wanted))
        other = "forwarded" if self.family == "nginx" else "nginx"
        status, found = self.check("--family", other, url, "GET", "/app/7")
        self.assertEqual((status, found["error"]["code"]), (2, "invalid_request"))
        self.d.pause()
        try:
            status, found = self.check(url, "GET", "/app/7")
        finally:
            self.d.signal(signal.SIGCONT)
        self.assertEqual((status, found["error"]["code"]), (3, "unavailable"))

    def test_authzcheck_finds_a_listener_of_nginx(self):
        self.start_all(timeout="1s")
        self.check_tool()

    def test_authzcheck_finds_a_listener_of_forwarded_headers(self):
        self.family = "forwarded"
        self.start_all(timeout="1s")
        self.check_tool()

    def test_authzcheck_finds_a_listener_of_envoy(self):
        self.family = "envoy"
        self.start_all(timeout="1s")
        self.check_tool()


if __name__ == "__main__":
    unittest.main()

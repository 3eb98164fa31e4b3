# SPDX-License-Identifier: Apache-2.0
"""authz-http with `console on`: each call is its caller's."""

import concurrent.futures
import json
import subprocess
import unittest

from console_program import BUILT
from http_program import AUTHZ_HTTP, HttpTest, harness

POLICY = {"a.policy": harness.SMALL_POLICY + """
role seer {
    allow list, read on authz:/keys/**
}

role boss {
    allow all on authz:/**
}
"""}
ORIGIN = "https://console.example.org"


class Team(HttpTest):
    """Requests as a web server passes them on."""

    def make_daemon(self):
        return self.daemon(POLICY)

    def setUp(self):
        super().setUp()
        client = self.d.client()
        self.tokens = {}
        for name, role in (("ann", "boss"), ("bob", "seer"), ("eve", None)):
            client.call("principals.create", id=name)
            if role:
                client.call("assignments.create", principal=name, role=role)
            self.tokens[name] = client.call("keys.create", principal=name)["secret"]

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body)"""
        sent = {"Host": "console.example.org", "Connection": "close"}
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.update({"Content-Type": "application/json", "Origin": ORIGIN, "Content-Length": str(len(body))})
        for name, value in headers.items():
            sent[name.replace("_", "-")] = value
        fields = (f"{name}: {value}" for name, value in sent.items() if value is not None)
        lines = [f"{method} {path} HTTP/1.1", *fields]
        answer = self.exchange("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        head, _, rest = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), rest

    def call(self, method, params=None, /, **headers):
        """(status, the JSON of the answer)"""
        status, _, body = self.ask("POST", "/console/call", {"method": method, "params": params or {}}, **headers)
        return status, json.loads(body)

    def bearer(self, name):
        return {"Authorization": f"Bearer {self.tokens[name]}"}


@unittest.skipUnless(BUILT, "built without the console's page")
class Tokens(Team):
    def setUp(self):
        super().setUp()
        self.configure("console on", f"console_origin {ORIGIN}", "token header X-API-Key", "token cookie key",
                       "service web", "metrics on")
        self.process = self.start()

    def test_the_page_is_served_beside_decisions(self):
        status, headers, body = self.ask("GET", "/console/")
        self.assertEqual((status, headers["Content-Encoding"], body[:2]), (200, "gzip", b"\x1f\x8b"))
        self.assertIn("script-src 'sha256-", headers["Content-Security-Policy"])
        self.assertEqual(self.ask("GET", "/console")[:2][0], 303)
        self.assertEqual(self.ask("GET", "/")[0], 404)
        for name, status in (("ann", 403), (None, 403)):
            sent = self.bearer(name) if name else {}
            self.assertEqual(self.ask("GET", "/check", X_Original_Method="GET", X_Original_URI="/loans", **sent)[0],
                             status)
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertNotIn("Content-Security-Policy", self.ask("GET", "/healthz")[1])

    def test_the_callers_key_decides(self):
        for headers in (self.bearer("bob"), {"X_API_Key": self.tokens["bob"]},
                        {"Cookie": f"a=b; key={self.tokens['bob']}"}):
            status, answer = self.call("keys.list", **headers)
            self.assertEqual((status, len(answer["result"]["items"])), (200, 3))
            self.assertEqual(self.call("principals.create", {"id": "x"}, **headers)[0], 403)
        self.assertEqual(self.call("principals.create", {"id": "x"}, **self.bearer("ann"))[0], 200)
        self.assertEqual(self.call("keys.list", **self.bearer("eve"))[0], 403)
        # Without a node of the tree `authz:` it is for peers: authz-http, which is one, lends nobody its rights.
        self.assertEqual(self.call("policy.status", **self.bearer("ann"))[0], 403)
        self.assertEqual(self.call("folder.status", **self.bearer("ann")), (404, {"error": {
            "code": "unknown_method", "message": "this console has no policy folder"}}))

    def test_without_a_token_nothing_is_answered_by_the_daemon(self):
        for headers in ({}, {"Authorization": "Basic YW5uOng="}, {"Cookie": "other=x"},
                        {**self.bearer("ann"), "X_API_Key": self.tokens["bob"]}, {"Authorization": "Bearer "},
                        {"X_Remote_User": "ann"}):
            for method in ("keys.list", "status", "whoami"):
                status, answer = self.call(method, **headers)
                self.assertEqual((status, answer["error"]["code"], answer["mode"]), (401, "unauthenticated", "team"))
            status, _, body = self.ask("GET", "/console/session", **headers)
            answer = json.loads(body)
            self.assertEqual((status, answer["error"]["code"], answer["mode"]), (401, "unauthenticated", "team"))
        # In the query it is not a token.
        self.assertEqual(self.ask("POST", f"/console/call?key={self.tokens['ann']}", {"method": "keys.list"})[0], 401)

    def test_a_session_is_the_tokens(self):
        status, headers, body = self.ask("GET", "/console/session", **self.bearer("bob"))
        session = json.loads(body)
        self.assertEqual((status, session["mode"], session["folder"], session["service"]), (200, "team", False, "web"))
        self.assertEqual(session["caller"]["principal"], "bob")
        self.assertEqual(session["caller"]["items"], [{"resource": "authz:/keys", "actions": ["list"]},
                                                      {"resource": "authz:/keys/{key}", "actions": ["read"]}])
        self.assertNotIn("Set-Cookie", headers)
        self.d.client().call("keys.revoke", id=session["caller"]["key"])
        for token in (self.tokens["bob"], "nothing", "x" * 600):
            status, _, body = self.ask("GET", "/console/session", Authorization=f"Bearer {token}")
            self.assertEqual((status, json.loads(body)), (401, {"mode": "team", "error": {
                "code": "unauthenticated", "message": "the token is not accepted"}}))
        for method in ("POST", "DELETE"):
            self.assertEqual(self.ask(method, "/console/session", {"ticket": "0" * 64}, **self.bearer("bob"))[0], 405)

    def test_the_page_cannot_say_who_calls(self):
        for name in ("token", "impersonate"):
            status, answer = self.call("keys.list", {name: self.tokens["ann"]}, **self.bearer("bob"))
            self.assertEqual((status, answer["error"]["param"]), (400, name))

    def test_other_origins_and_hosts_are_refused(self):
        for headers in ({"Host": "evil.example", "Origin": "https://evil.example"}, {"Origin": "https://evil.example"},
                        {"Origin": "http://console.example.org"}, {"Origin": None}, {"Sec_Fetch_Site": "cross-site"},
                        {"Host": "127.0.0.1"}):
            status, answer = self.call("keys.list", **self.bearer("ann"), **headers)
            self.assertEqual((status, answer["error"]["code"]), (403, "forbidden"), headers)
        self.assertEqual(self.call("keys.list", **self.bearer("ann"), Content_Type="text/plain")[0], 400)
        self.assertEqual(self.ask("GET", "/console/session", **self.bearer("ann"), Sec_Fetch_Site="cross-site")[0], 403)

    def test_no_token_or_secret_stays_or_is_logged(self):
        secrets = []
        for _ in range(10):
            status, answer = self.call("keys.create", {"principal": "ann"}, **self.bearer("ann"))
            self.assertEqual(status, 200)
            secrets.append(answer["result"]["secret"])
        for secret in (self.tokens["ann"], self.tokens["bob"]):
            self.call("keys.list", **{"X_API_Key": secret})
        parts = [secret.rsplit("_", 1)[1].encode() for secret in (*secrets, *self.tokens.values())]
        harness.wait_until(lambda: "\nauthz_http_connections 1\n" in self.get("/metrics")[1], what="idle")
        self.assertEqual(harness.search_memory(self.process.pid, parts, sure=self.d.socket), [])
        log = self.log()
        self.assertFalse([part for part in parts if part.decode() in log])

    def test_hundreds_of_calls_are_outstanding_beside_a_slow_one(self):
        slow = self.connect()
        slow.sendall(b"POST /console/call HTTP/1.1\r\nHost: console.example.org\r\nContent-Length: 9\r\n\r\n{")
        with concurrent.futures.ThreadPoolExecutor(300) as pool:
            calls = [pool.submit(self.call, "keys.list", **self.bearer("bob")) for _ in range(1000)]
            self.assertEqual({call.result()[0] for call in calls}, {200})

    def test_a_restarted_daemon_is_asked_again(self):
        self.assertEqual(self.call("keys.list", **self.bearer("bob"))[0], 200)
        self.d.stop()
        status, answer = self.call("keys.list", **self.bearer("bob"))
        self.assertEqual((status, answer["error"]["code"]), (503, "no_daemon"))
        self.d.start()
        self.assertEqual(self.call("keys.list", **self.bearer("bob"))[0], 200)


@unittest.skipUnless(BUILT, "built without the console's page")
class Identity(Team):
    def make_daemon(self):
        return self.daemon(POLICY, *self.configured(harness.may_impersonate()))

    def setUp(self):
        super().setUp()
        self.configure("console on", "identity header X-Remote-User")
        self.process = self.start()

    def session(self, **headers):
        status, _, body = self.ask("GET", "/console/session", **headers)
        return status, json.loads(body)

    def test_the_user_whom_the_web_server_names_decides(self):
        status, session = self.session(X_Remote_User="bob")
        self.assertEqual((status, session["caller"]["actor"]), (200, "principal:bob"))
        self.assertFalse(session["caller"]["everything"])
        self.assertEqual(len(self.call("keys.list", X_Remote_User="bob")[1]["result"]["items"]), 3)
        self.assertEqual(self.call("principals.create", {"id": "x"}, X_Remote_User="bob")[0], 403)
        self.assertEqual(self.call("keys.list", X_Remote_User="eve")[0], 403)
        self.assertEqual(self.call("principals.create", {"id": "x"}, X_Remote_User="ann")[0], 200)
        self.assertEqual(self.d.client().call("principals.get", id="x")["created_by"], "principal:ann")
        # What the peer may, which is root or the daemon's own user, counts for nobody.
        for method in ("policy.status", "status", "hosts.list"):
            self.assertEqual(self.call(method, X_Remote_User="ann")[0], 403, method)

    def test_a_user_who_is_no_principal_is_not_signed_in(self):
        for name in ("mallory", "uid:0", "../ann", "a" * 300):
            status, session = self.session(X_Remote_User=name)
            self.assertEqual((status, session["error"]["code"]), (401, "unauthenticated"), name)
            self.assertIn(self.call("keys.list", X_Remote_User=name)[0], (400, 403))
        self.d.client().call("principals.disable", id="bob")
        self.assertEqual(self.session(X_Remote_User="bob")[0], 401)

    def test_the_console_may_have_a_socket_of_its_own(self):
        self.end(self.process)
        self.conf.write_text(f"authz {self.d.folder}/none.sock\nconsole_authz {self.d.socket}\n"
                             f"listen {self.path} 0600\nconsole on\nidentity header X-Remote-User\n")
        log = open(self.d.folder / "second.log", "wb")
        with log:
            process = subprocess.Popen([AUTHZ_HTTP, "--config", str(self.conf)], stdin=subprocess.DEVNULL, stderr=log,
                                       preexec_fn=harness.die_with_parent)
        self.addCleanup(self.end, process)
        harness.wait_until(lambda: self.status("/healthz"), what="authz-http answers")
        self.assertEqual(self.status("/readyz"), 503)
        self.assertEqual(self.call("keys.list", X_Remote_User="bob")[0], 200)

    def test_a_token_and_an_identity_are_refused(self):
        status, answer = self.call("keys.list", **self.bearer("ann"), X_Remote_User="bob")
        self.assertEqual((status, answer["error"]["code"]), (401, "unauthenticated"))

    def test_another_spelling_of_the_header_is_refused(self):
        for headers in ({"X_Remote_User": "ann\r\nX-Remote-User: bob"}, {"X_Remote_User": ""}):
            self.assertEqual(self.call("keys.list", **headers)[0], 400)
        status, _, _ = self.ask("POST", "/console/call", {"method": "keys.list"},
                                Accept="x\r\nX_Remote_User: ann")
        self.assertEqual(status, 400)

    def test_without_configured_origins_it_is_the_requests_own_host(self):
        self.assertEqual(self.call("keys.list", **self.bearer("bob"))[0], 200)
        self.assertEqual(self.call("keys.list", **self.bearer("bob"), Origin="http://console.example.org")[0], 200)
        self.assertEqual(self.call("keys.list", **self.bearer("bob"), Origin="https://evil.example")[0], 403)


@unittest.skipUnless(BUILT, "built without the console's page")
class NotAllowed(Team):
    def test_a_daemon_without_the_line_takes_no_user(self):
        self.configure("console on", "identity header X-Remote-User")
        self.start()
        self.assertEqual(self.call("keys.list", X_Remote_User="ann")[0], 403)
        status, _, body = self.ask("GET", "/console/session", X_Remote_User="ann")
        self.assertEqual((status, json.loads(body)["error"]["code"]), (401, "unauthenticated"))


class Without(Team):
    def test_a_listener_without_the_line_has_no_console(self):
        self.configure()
        self.start()
        for method, path in (("GET", "/console/"), ("GET", "/console/session"), ("POST", "/console/call")):
            self.assertEqual(self.ask(method, path, {} if method == "POST" else None)[0], 404)

    @unittest.skipIf(BUILT, "built with the console's page")
    def test_a_program_without_the_page_says_how_to_get_it(self):
        self.configure("console on")
        for command in ([AUTHZ_HTTP, "--check", "--config", str(self.conf)],
                        [harness.AUTHZCHECK, "console", "--socket", str(self.d.socket)]):
            run = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                 timeout=harness.DEADLINE, check=False)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(b"tools/setup", run.stderr)
            self.assertIn(b"-Dconsole=enabled", run.stderr)


if __name__ == "__main__":
    unittest.main()

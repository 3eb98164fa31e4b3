# SPDX-License-Identifier: Apache-2.0
"""What protects PHP applications: the guard, the middleware of PSR-15, and Laravel by the class that
client/README.md writes out; with PHP's own server and with FPM and nginx."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402

POLICY = """\
tree api {
    /health { GET }
    /loans { list GET, /{loan} { read GET, delete DELETE } }
    /notes/{note} { GET, DELETE }
}
facts { resource.owner string }
role anyone { allow GET on api:/health }
role viewer {
    allow GET on api:/loans/**
    allow GET on api:/notes/{note} when resource.owner is principal.id
}
stack web {
    authenticate required key
    authorize required role
}
stack open {
    authenticate required key anonymous=allow
    authorize required role
}
stack counted {
    authenticate sufficient key
    account required quota name=counted limit=1 period=24h per=principal
    authorize required role
}
"""
GUIDES = harness.ROOT / "client" / "README.md"

FPM = """\
[global]
daemonize = no
error_log = {folder}/fpm.log
[www]
listen = {folder}/fpm.sock
pm = static
pm.max_children = 1
clear_env = yes
catch_workers_output = yes
php_admin_flag[opcache.enable] = off
{user}
{environment}
"""
NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME {script};
            fastcgi_param SCRIPT_NAME /index.php;
            fastcgi_pass unix:{folder}/fpm.sock;
        }}
    }}
}}
"""


def recipe():
    """The middleware for Laravel of the guide."""
    return re.search(r"`app/Http/Middleware/Authz.php`:\n\n```php\n(.*?)```", GUIDES.read_text(), re.DOTALL)[1]


class Web(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.real = self.daemon({"a.policy": POLICY})
        self.real.call("principals.create", id="ann")
        self.real.call("assignments.create", principal="ann", role="viewer")
        self.token = self.real.call("keys.create", principal="ann")["secret"]
        self.bearer = {"Authorization": f"Bearer {self.token}"}

    def start(self, command, listens, **environment):
        log = open(self.real.folder / "server.log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=harness.die_with_parent, env={**harness.environment(self.real.folder), **environment})

        def stop():
            process.terminate()
            process.wait(harness.DEADLINE)

        def listening():
            with socket.socket(socket.AF_UNIX if isinstance(listens, str) else socket.AF_INET) as probe:
                if probe.connect_ex(listens) == 0:
                    return True
            assert process.poll() is None, (self.real.folder / "server.log").read_text()
            return False

        self.addCleanup(stop)
        harness.wait_until(listening, what=f"{command[0]} listens")

    def environment(self, service):
        middleware = self.real.folder / "Authz.php"
        middleware.write_text(recipe())
        return {"AUTHZ_SOCKET": str(self.real.socket), "SERVICE": service, "MIDDLEWARE": str(middleware)}

    def built_in(self, script, service="web", **environment):
        """PHP's own server; its port."""
        port = harness.free_port()
        self.start(["php", "-d", "display_errors=stderr", "-S", f"127.0.0.1:{port}", HERE / "php" / script],
                   ("127.0.0.1", port), **self.environment(service), **environment)
        return port

    def fpm(self, script, service="web"):
        """FPM and nginx; the port of nginx."""
        folder, port, is_root = self.real.folder, harness.free_port(), os.geteuid() == 0
        variables = "".join(f"env[{name}] = {value}\n" for name, value in self.environment(service).items())
        (folder / "fpm.conf").write_text(FPM.format(
            folder=folder, user="user = root\ngroup = root" if is_root else "", environment=variables))
        (folder / "nginx.conf").write_text(NGINX.format(
            folder=folder, port=port, script=HERE / "php" / script, user="user root;" if is_root else ""))
        program = next(Path("/usr/sbin").glob("php-fpm[0-9]*"), None)
        self.assertIsNotNone(program, "FPM is not installed: run tools/setup")
        self.start([program, "-y", folder / "fpm.conf", *(["-R"] if is_root else [])], f"{folder}/fpm.sock")
        self.start(["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"],
                   ("127.0.0.1", port))
        return port

    @staticmethod
    def ask(port, method, target, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.DEADLINE)
        try:
            connection.putrequest(method, target)
            for name, value in dict(headers).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def expect(self, port, status, method, target, headers=()):
        """The answer, which must have this status and, if it is a denial, problem details; its body."""
        answer, body = self.ask(port, method, target, headers)
        self.assertEqual(answer.status, status, f"{method} {target} {headers}: {body}")
        if status != 200:
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json", body)
            self.assertEqual(json.loads(body)["status"], status)
            self.assertNotIn("the application", body)
        return answer, body

    maxDiff = None

    def protects(self, port, overrides=False):
        """What every application that asks the daemon does, whatever serves it."""
        answer, body = self.expect(port, 200, "GET", "/loans/7%20a?x=1", self.bearer)
        self.assertEqual((answer.headers["X-Principal"], body), ("ann", "the application has GET /loans/7%20a?x=1"))
        _, body = self.expect(port, 403, "DELETE", "/loans/7", self.bearer)
        self.assertEqual(json.loads(body), {"type": "about:blank", "title": "Forbidden", "status": 403,
                                            "reason": "role"})
        self.expect(port, 404, "GET", "/nowhere", self.bearer)

        answer, body = self.expect(port, 401, "GET", "/loans/7")
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="authz"')
        answer, body = self.expect(port, 401, "GET", "/loans/7", {"Authorization": "Bearer hello"})
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="authz", error="invalid_token"')
        self.assertNotIn("reason", json.loads(body))

        self.expect(port, 200, "GET", "/loans/7", {"X-API-Key": self.token})
        self.expect(port, 200, "GET", "/loans/7", {"Cookie": f"a=b; session={self.token}"})
        self.expect(port, 200, "GET", "/loans/7", {**self.bearer, "X-API-Key": self.token})
        self.expect(port, 401, "GET", "/loans/7", {**self.bearer, "X-API-Key": "other"})
        self.expect(port, 401, "GET", "/loans/7", {"Authorization": "Bearer ", "X-API-Key": self.token})
        self.expect(port, 401, "GET", "/loans/7", {**self.bearer, "Cookie": "session=other"})
        self.expect(port, 401, "GET", f"/loans/7?access_token={self.token}&session={self.token}")

        for target in ("/loans/a%2Fb", "/loans/../health", "/loans/%zz", "//loans/7"):
            answer, body = self.ask(port, "GET", target, self.bearer)  # nginx answers one of them by itself
            self.assertEqual((answer.status, "the application" in body), (400, False), target)
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            headers = {**self.bearer, name: "DELETE", "Content-Length": "0"}
            if overrides:  # as the framework routes: Laravel takes one of these, and for POST alone
                asked = "role" if name == "X-HTTP-Method-Override" else "unknown_action"
                _, body = self.expect(port, 403, "POST", "/loans/7", headers)
                self.assertEqual(json.loads(body)["reason"], asked)
                self.expect(port, 200, "GET", "/loans/7", headers)
            else:
                answer, body = self.expect(port, 400, "GET", "/loans/7", headers)
                self.assertEqual(json.loads(body)["reason"], "method_override")

        self.real.stop()
        answer, _ = self.expect(port, 503, "GET", "/health", self.bearer)
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.real.start()
        self.expect(port, 200, "GET", "/health", self.bearer)

    def test_a_program_without_a_framework(self):
        self.protects(self.built_in("plain.php"))

    def test_a_program_without_a_framework_in_fpm(self):
        self.protects(self.fpm("plain.php"))

    def test_a_handler_of_psr_15(self):
        self.protects(self.built_in("psr15.php"))

    def test_a_handler_of_psr_15_in_fpm(self):
        self.protects(self.fpm("psr15.php"))

    def test_laravel(self):
        self.protects(self.built_in("laravel.php"), overrides=True)

    def test_laravel_in_fpm(self):
        self.protects(self.fpm("laravel.php"), overrides=True)

    def test_what_lacks_facts_is_denied_and_passes_only_if_that_is_wanted(self):
        for script in ("plain.php", "psr15.php", "laravel.php"):
            with self.subTest(script=script):
                port = self.built_in(script)
                _, body = self.expect(port, 403, "GET", "/notes/7", self.bearer)
                self.assertEqual(json.loads(body)["reason"], "missing_fact")
                port = self.built_in(script, MISSING_PASS="1")
                answer, _ = self.expect(port, 200, "GET", "/notes/7", self.bearer)
                self.assertEqual((answer.headers["X-Principal"], answer.headers["X-Missing"]), ("ann", "resource.owner"))
                answer, _ = self.expect(port, 200, "GET", "/loans/7", self.bearer)
                self.assertEqual(answer.headers["X-Missing"] or "", "")
                self.expect(port, 403, "DELETE", "/notes/7", self.bearer)
                self.expect(port, 401, "GET", "/notes/7")
                self.expect(port, 404, "GET", "/nowhere", self.bearer)

    def test_a_used_up_quota_is_429_and_says_when_to_come_again(self):
        port = self.built_in("psr15.php", "counted")
        self.expect(port, 200, "GET", "/loans/7", self.bearer)
        answer, body = self.expect(port, 429, "GET", "/loans/7", self.bearer)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertRegex(answer.headers["RateLimit"], r'^"default";r=0;t=[1-9][0-9]*$')
        self.assertEqual(json.loads(body)["reason"], "quota")

    def test_without_a_token_a_caller_has_what_anyone_has(self):
        port = self.built_in("plain.php", "open")
        self.assertEqual(self.expect(port, 200, "GET", "/health")[0].headers["X-Principal"], "-")
        self.expect(port, 403, "GET", "/loans/7")

    def test_an_absolute_target_is_decided_by_its_path(self):
        port = self.built_in("psr15.php")
        self.expect(port, 200, "GET", "http://127.0.0.1/loans/7", self.bearer)
        self.expect(port, 403, "DELETE", "http://127.0.0.1/loans/7", self.bearer)


if __name__ == "__main__":
    unittest.main()

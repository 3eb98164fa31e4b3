# SPDX-License-Identifier: Apache-2.0
"""`authzcheck console`: its routes, whom it refuses, and what it keeps."""

import base64
import concurrent.futures
import gzip
import hashlib
import os
import re
import signal
import socket
import subprocess
import time
import unittest

from console_program import INSTRUMENTED, Console, ConsoleTest, harness, scripted

SECURE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class EndsAtChange(scripted.Scripted):
    """A daemon that ends when it is asked for a key."""

    def answer(self, connection, lock, number, method, params):
        if method != "keys.create":
            super().answer(connection, lock, number, method, params)
            return
        self.asked.append((method, params))
        self.listener.shutdown(socket.SHUT_RDWR)
        connection.shutdown(socket.SHUT_RDWR)


class Routes(ConsoleTest):
    def assert_secure(self, answer):
        for name, value in SECURE.items():
            self.assertEqual(answer.headers.get_all(name), [value], name)
        self.assertEqual(len(answer.headers.get_all("Content-Security-Policy")), 1)
        self.assertIn("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])
        self.assertNotIn("Access-Control-Allow-Origin", answer.headers)

    def test_the_page_is_one_file_whose_script_and_style_alone_may_run(self):
        answer = Console(self, self.d).request("GET", "/console/")
        self.assert_secure(answer)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        page = gzip.decompress(answer.body).decode()
        policy = answer.headers["Content-Security-Policy"]
        for name in ("script", "style"):
            parts = re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)
            self.assertEqual(len(parts), 1, name)
            digest = base64.b64encode(hashlib.sha256(parts[0].encode()).digest()).decode()
            self.assertIn(f"{name}-src 'sha256-{digest}';", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotRegex(page, r"(src|href)=[\"']?(https?:)?//")
        self.assertLess(len(answer.body), 150 * 1024)

    def test_the_page_needs_no_session_and_head_has_no_body(self):
        console = Console(self, self.d)
        answer = console.request("HEAD", "/console/")
        self.assertEqual((answer.status, answer.body), (200, b""))
        for path, where in (("/", "/console/"), ("/console", "console/")):
            answer = console.request("GET", path)
            self.assert_secure(answer)
            self.assertEqual((answer.status, answer.headers["Location"]), (303, where))

    def test_a_link_gives_a_session(self):
        console = Console(self, self.d)
        answer = console.request("GET", "/console/session")
        self.assertEqual((answer.status, answer.json()["mode"]), (401, "local"))
        answer = console.open_link()
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assert_secure(answer)
        name, *attributes = answer.headers["Set-Cookie"].split("; ")
        self.assertRegex(name, f"^authz-console-{console.port}=[0-9a-f]{{64}}$")
        self.assertEqual(sorted(attributes), ["HttpOnly", "Path=/console", "SameSite=Strict"])
        answer = console.request("GET", "/console/session")
        self.assertEqual(answer.status, 200)
        self.assert_secure(answer)
        session = answer.json()
        self.assertEqual((session["mode"], session["version"], session["service"]), ("local", "0.1.0", None))
        self.assertEqual(set(session), {"mode", "version", "caller", "folder", "service"})
        caller = session["caller"]
        self.assertEqual((caller["actor"], caller["everything"]), (f"uid:{os.geteuid()}", True))

    def test_calls_are_those_of_the_daemon(self):
        console = self.console()
        self.assertEqual(console.result("principals.create", id="ann")["id"], "ann")
        key = console.result("keys.create", principal="ann", name='a "b" \u00fc <script>')
        self.assertTrue(key["secret"])
        self.assertTrue(self.d.client().call("authorize", token=key["secret"], action="keys", resource="api:/")
                        is not None)
        found = console.result("keys.list")["items"]
        self.assertEqual([(item["id"], item["name"]) for item in found], [(key["id"], 'a "b" \u00fc <script>')])
        self.assertIsInstance(found[0]["created_at"], int)
        self.assertEqual(console.result("status")["store"]["keys"], 1)
        answer = console.call("keys.get", id=key["id"])
        self.assert_secure(answer)
        self.assertEqual(answer.headers["Content-Type"], "application/json")

    def test_errors_have_their_status_and_all_that_the_daemon_says(self):
        console = self.console()
        for method, params, status, code, param in (
                ("keys.list", {"limit": 0}, 400, "invalid_request", "limit"),
                ("keys.list", {"nothing": 1}, 400, "invalid_request", "nothing"),
                ("keys.get", {"id": "0" * 12}, 404, "not_found", None),
                ("store.backup", {}, 404, "unknown_method", None),
                ("folder.nothing", {}, 404, "unknown_method", None)):
            with self.subTest(method):
                answer = console.call(method, **params)
                error = answer.json()["error"]
                self.assertEqual((answer.status, error["code"], error.get("param")), (status, code, param))
                self.assertTrue(error["message"])
                self.assert_secure(answer)
        console.result("principals.create", id="ann")
        self.assertEqual(console.call("principals.create", id="ann").status, 409)
        self.d.write("a.policy", "tree")
        answer = console.call("policy.reload")
        self.assertEqual((answer.status, answer.code()), (422, "invalid_policy"))
        self.assertTrue(answer.json()["error"]["diagnostics"][0]["line"])

    def test_without_the_daemon_it_says_so_and_goes_on_when_it_is_back(self):
        console = self.console()
        self.d.stop()
        answer = console.call("status")
        self.assertEqual((answer.status, answer.code()), (503, "no_daemon"))
        answer = console.request("GET", "/console/session")
        self.assertEqual((answer.status, answer.code()), (503, "no_daemon"))
        self.d.start()
        self.assertEqual(console.call("status").status, 200)

    def test_a_call_that_may_take_minutes_does_not_wait_as_long_for_a_daemon_that_is_away(self):
        """Minutes are 120 s: the answer comes long before."""
        console = self.console()
        for away, back in ((self.d.stop, self.d.start), (self.d.pause, lambda: self.d.signal(signal.SIGCONT))):
            away()
            for method in ("keys.audit", "audit.verify", "policy.reload"):
                begun = time.monotonic()
                answer = console.call(method)
                self.assertLess(time.monotonic() - begun, 60)
                self.assertEqual((answer.status, answer.code()), (503, "no_daemon"))
                # It was not even begun.
                self.assertNotIn("may_stand", answer.json()["error"])
            back()
            for method in ("keys.audit", "audit.verify", "policy.reload"):
                self.assertEqual(console.call(method).status, 200)

    def test_a_change_that_was_sent_before_the_daemon_ended_may_stand(self):
        served = EndsAtChange({"whoami": {"actor": "uid:0"}, "policy.status": {"folder": "/policy"}})
        self.addCleanup(served.finish)
        console = Console(self, served)
        self.assertEqual(console.open_link().status, 204)
        answer = console.call("keys.create", name="x", everywhere=True)
        self.assertEqual((answer.status, answer.code()), (503, "no_daemon"))
        self.assertEqual([method for method, _ in served.asked][-2:], ["whoami", "keys.create"])
        self.assertIs(answer.json()["error"].get("may_stand"), True)

    def test_other_paths_methods_and_bodies_are_refused_in_json(self):
        console = self.console()
        for method, path, body, status in (
                ("GET", "/console/nothing", None, 404), ("GET", "/check", None, 404), ("GET", "/metrics", None, 404),
                ("GET", "/console/../console/", None, 404), ("GET", "//console/", None, 404),
                ("GET", "/console/call", None, 405), ("PUT", "/console/session", {}, 405),
                ("POST", "/console/", {}, 405), ("OPTIONS", "/console/call", None, 405),
                ("POST", "/console/call", b"x" * (128 * 1024 + 1), 413),
                ("POST", "/console/session", b" " * 1025, 413)):
            with self.subTest(f"{method} {path}"):
                answer = console.request(method, path, body)
                self.assertEqual(answer.status, status)
                self.assertTrue(answer.json()["error"]["message"])
                self.assert_secure(answer)
        for body in (b"", b"{", b"[]", b'{"method":"status","params":{"a":1.5}}', b"[" * 100000,
                     b'{"method":"status","method":"status"}', b'{"method":"status","params":{"token":"x"}}',
                     b'{"method":"keys.list","params":{"impersonate":"root"}}', b'{"method":"\\u0000"}',
                     b'{"method":"status"}\x00'):
            answer = console.request("POST", "/console/call", body)
            self.assertEqual((answer.status, answer.code()), (400, "invalid_request"), body[:40])
        self.assertEqual(console.call("status").status, 200)

    def test_a_call_of_the_largest_size_reaches_the_daemon(self):
        console = self.console()
        frame = len('{"method": "principals.create", "params": {"id": ""}}')
        answer = console.call("principals.create", id="x" * (128 * 1024 - frame))
        self.assertEqual((answer.status, answer.json()["error"]["param"]), (400, "id"))

    def test_many_calls_wait_for_none(self):
        """Beside one whose answer takes as long as the daemon is stopped."""
        console = self.console()
        with concurrent.futures.ThreadPoolExecutor(33) as pool:
            self.d.process.send_signal(signal.SIGSTOP)
            slow = pool.submit(console.call, "audit.verify")
            pages = [pool.submit(console.request, "GET", "/console/") for _ in range(100)]
            self.assertEqual({page.result().status for page in pages}, {200})
            self.assertFalse(slow.done())
            self.d.process.send_signal(signal.SIGCONT)
            self.assertEqual(slow.result().status, 200)
            calls = [pool.submit(console.call, "status") for _ in range(1000)]
            self.assertEqual({call.result().status for call in calls}, {200})

    def test_a_slow_body_makes_nobody_wait(self):
        console = self.console()
        slow = socket.create_connection((console.host, console.port), harness.DEADLINE)
        self.addCleanup(slow.close)
        slow.sendall(f"POST /console/call HTTP/1.1\r\nHost: {console.host}:{console.port}\r\nOrigin: "
                     f"{console.origin}\r\nCookie: {console.cookie}\r\nContent-Type: application/json\r\n"
                     "Content-Length: 19\r\n\r\n".encode() + b'{"method":')
        self.assertEqual(console.call("status").status, 200)
        slow.sendall(b'"status"}')
        self.assertIn(b"200 OK", slow.recv(4096))

    def test_it_takes_little_memory(self):
        console = self.console()
        for _ in range(50):
            console.call("status")
            console.request("GET", "/console/")
        console.request("POST", "/console/call", b'{"method":"who","params":{"a":[' + b"1," * 60000 + b"1]}}")
        if INSTRUMENTED:
            self.skipTest("a sanitizer takes memory of its own")
        with open(f"/proc/{console.process.pid}/status", encoding="ascii") as status:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
        self.assertLess(peak, 20 * 1024)


class Attacks(ConsoleTest):
    def test_a_link_works_once_and_a_new_one_voids_it(self):
        console = Console(self, self.d)
        old = console.ticket
        console.press_enter()
        self.assertNotEqual(old, console.ticket)
        self.assertEqual(console.open_link(old).status, 401)
        self.assertEqual(console.open_link().status, 204)
        cookie = console.cookie
        for ticket in (console.ticket, old, "", "0" * 64, console.ticket[:-1], cookie.split("=")[1]):
            answer = console.request("POST", "/console/session", {"ticket": ticket}, Cookie=None)
            self.assertEqual((answer.status, answer.code()), (401, "unauthenticated"))
            self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(console.call("status").status, 200)

    def test_another_host_is_refused_even_with_the_cookie(self):
        """DNS rebinding."""
        console = self.console()
        for host in ("evil.example", f"evil.example:{console.port}", f"localhost:{console.port}", "127.0.0.1",
                     f"127.0.0.1:{console.port + 1}", ""):
            for method, path in (("GET", "/"), ("GET", "/console/"), ("GET", "/console/session"),
                                 ("POST", "/console/call"), ("POST", "/console/session")):
                answer = console.request(method, path, {} if method == "POST" else None, Host=host,
                                         Origin=f"http://{host}")
                self.assertEqual((answer.status, answer.code()), (403, "forbidden"), f"{method} {path} {host}")

    def test_another_origin_is_refused_and_changes_nothing(self):
        """CSRF."""
        console = self.console()
        body = {"method": "principals.create", "params": {"id": "mallory"}}
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": None},
                        {"Origin": f"https://127.0.0.1:{console.port}"},
                        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "none"}):
            answer = console.request("POST", "/console/call", body, **headers)
            self.assertEqual((answer.status, answer.code()), (403, "forbidden"), headers)
            self.assertEqual(console.request("DELETE", "/console/session", **headers).status, 403)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
            answer = console.request("POST", "/console/call", body, Content_Type=kind)
            self.assertEqual((answer.status, answer.code()), (400, "invalid_request"), kind)
        self.assertEqual(console.result("principals.list")["items"], [])

    def test_a_cookie_that_is_not_a_session_is_refused(self):
        console, other = self.console(), self.console()
        value = console.cookie.split("=")[1]
        own = console.cookie
        for cookie in (None, "", other.cookie, f"authz-console-{console.port}={other.cookie.split('=')[1]}",
                       own[:-1], own + "0", own.replace("=", "x="), f"x{own}", own.upper(),
                       f"authz-console-{console.port}=", value, own.replace(value, value[::-1])):
            answer = console.request("POST", "/console/call", {"method": "status"}, Cookie=cookie)
            self.assertEqual((answer.status, answer.code(), answer.json()["mode"]), (401, "unauthenticated", "local"),
                             cookie)
        for cookie in (own, f"a=b; {own}; c=d", f"authz-console-{console.port}=x; {own}"):
            self.assertEqual(console.request("POST", "/console/call", {"method": "status"}, Cookie=cookie).status, 200)

    def test_a_session_that_ended_is_over(self):
        console = self.console()
        answer = console.request("DELETE", "/console/session")
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["Set-Cookie"])
        self.assertEqual(console.call("status").status, 401)
        self.assertEqual(console.request("DELETE", "/console/session").status, 204)

    def test_there_are_sixteen_sessions(self):
        console = Console(self, self.d)
        cookies = []
        for _ in range(17):
            console.cookie = None
            self.assertEqual(console.open_link().status, 204)
            cookies.append(console.cookie)
            console.press_enter()
        statuses = [console.request("GET", "/console/session", Cookie=cookie).status for cookie in cookies]
        self.assertEqual(statuses, [401] + [200] * 16)

    def test_requests_whose_end_is_in_doubt_are_refused(self):
        console = self.console()
        for framing in ("Content-Length: 2\r\nContent-Length: 3", "Content-Length: 2\r\nTransfer-Encoding: chunked",
                        "Transfer-Encoding: gzip, chunked", "Content-Length: +2", " Folded: x"):
            with socket.create_connection((console.host, console.port), harness.DEADLINE) as connection:
                connection.sendall(
                    f"POST /console/call HTTP/1.1\r\nHost: {console.host}:{console.port}\r\nOrigin: {console.origin}"
                    f"\r\nCookie: {console.cookie}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{{}}".encode())
                head = connection.recv(65536)
                self.assertRegex(head, rb"^HTTP/1\.1 400 |^$", framing)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_users_program_is_refused_whatever_it_knows(self):
        console = self.console()
        script = (
            "import http.client, sys\n"
            "host, port, cookie, ticket = sys.argv[1:]\n"
            "for method, path, body in (('GET', '/console/', None), ('GET', '/console/session', None),\n"
            "        ('POST', '/console/call', '{\"method\":\"status\"}'),\n"
            "        ('POST', '/console/session', '{\"ticket\":\"%s\"}' % ticket)):\n"
            "    connection = http.client.HTTPConnection(host, int(port))\n"
            "    connection.request(method, path, body, {'Cookie': cookie, 'Origin': f'http://{host}:{port}',\n"
            "        'Content-Type': 'application/json'})\n"
            "    print(connection.getresponse().status)\n")
        console.press_enter()
        arguments = ["/usr/bin/python3", "-c", script, console.host, str(console.port), console.cookie, console.ticket]
        for user, expected in (("65534", ["403"] * 4), ("0", ["200", "200", "200", "204"])):
            out = subprocess.run(["setpriv", f"--reuid={user}", "--clear-groups", *arguments], check=True,
                                 stdout=subprocess.PIPE, timeout=harness.DEADLINE, cwd="/").stdout.decode().split()
            self.assertEqual(out, expected, user)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_users_connections_take_no_room(self):
        console = self.console()
        crowd = subprocess.Popen(
            ["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c",
             "import socket, sys\n"
             "crowd = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(100)]\n"
             "ended = [one for one in crowd[8:] if one.recv(1) == b'']\n"
             "print(len(ended), flush=True)\nsys.stdin.read()", console.host, str(console.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", preexec_fn=harness.die_with_parent)
        self.addCleanup(crowd.wait)
        self.addCleanup(crowd.kill)
        with crowd.stdout, crowd.stdin:
            self.assertEqual(crowd.stdout.readline(), b"92\n")
            for _ in range(20):
                self.assertEqual(console.call("status").status, 200)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_who_started_it_by_sudo_may_connect(self):
        console = Console(self, self.d, env={"SUDO_UID": "65534"})
        for user, status in (("65534", "200"), ("65533", "403")):
            out = subprocess.run(
                ["setpriv", f"--reuid={user}", "--clear-groups", "/usr/bin/python3", "-c",
                 "import http.client, sys\nc = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]))\n"
                 "c.request('GET', '/console/')\nprint(c.getresponse().status)", console.host, str(console.port)],
                check=True, stdout=subprocess.PIPE, timeout=harness.DEADLINE, cwd="/").stdout.decode().strip()
            self.assertEqual(out, status, user)


class Secrets(ConsoleTest):
    def test_no_new_secret_stays_in_its_memory(self):
        console = self.console()
        console.result("principals.create", id="ann")
        secrets = []
        for _ in range(20):
            key = console.result("keys.create", principal="ann")
            secrets.append(key["secret"])
            secrets.append(console.result("keys.rotate", id=key["id"], mode="immediate")["secret"])
        parts = [secret.rsplit("_", 1)[1].encode() for secret in secrets]
        self.assertEqual(len(set(parts)), 40)
        console.call("status")
        self.assertEqual(harness.search_memory(console.process.pid, parts, sure=self.d.socket), [])
        self.assertFalse([part for part in parts if part in console.text])

    def test_an_answer_that_nobody_reads_is_wiped_too(self):
        console = self.console()
        console.result("principals.create", id="ann")
        self.d.process.send_signal(signal.SIGSTOP)
        connection = socket.create_connection((console.host, console.port), harness.DEADLINE)
        body = b'{"method":"keys.create","params":{"principal":"ann","name":"unread"}}'
        connection.sendall(f"POST /console/call HTTP/1.1\r\nHost: {console.host}:{console.port}\r\nOrigin: "
                           f"{console.origin}\r\nCookie: {console.cookie}\r\nContent-Type: application/json\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.assertEqual(console.request("GET", "/console/").status, 200)
        connection.close()
        self.d.process.send_signal(signal.SIGCONT)
        harness.wait_until(lambda: console.result("keys.list")["items"], what="the key is made")
        self.assertEqual(harness.search_memory(console.process.pid, [b'"secret":"', b"\xa6secret\xd9"],
                                               sure=self.d.socket), [])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Many connections, and a daemon that is restarted while they ask."""

import json
import re
import resource
import signal
import threading
import unittest
from pathlib import Path

from http_program import HttpTest, harness
from supervisor import listening, pass_sockets

IDLE = 10_000
MEMORY = 64 << 20  # bytes that authz-http may have with them
AT_A_TIME = 1200  # questions: more than AUTHZ_MAX_REQUESTS
CHECK = b"GET /check HTTP/1.1\r\nHost: a\r\nX-Original-Method: GET\r\nX-Original-URI: /loans\r\n"
CORE = 0.3  # seconds of one, of those that the deadline has
CALLERS = 150  # more than authz-http keeps answers for
ASKING = 3  # connections that ask one request after the other, of each kind
RESTARTS = 3


def memory_of(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) << 10


def core_seconds(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


class Many(HttpTest):
    def raise_descriptors(self, connections):
        need = connections + 256  # authz-http has its own limit, of the same height
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < need:
            self.skipTest(f"{connections} connections need {need} descriptors, and the hard limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_ten_thousand_idle_connections_that_asked_take_less_than_64_mib(self):
        self.raise_descriptors(IDLE)
        self.configure(f"connections {IDLE + 16}", "metrics on")
        process = self.start()
        for _ in range(IDLE):
            connection = self.connect()
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200 "))
        self.assertIn(f"\nauthz_http_connections {IDLE + 1}\n", self.get("/metrics")[1])
        if "a build with a sanitizer" not in self.log():
            harness.wait_until(lambda: memory_of(process.pid) < MEMORY, what="memory of those that rest given back")

    def test_more_questions_at_a_time_than_one_connection_to_the_daemon_takes_are_all_answered(self):
        self.raise_descriptors(AT_A_TIME)
        self.configure(f"connections {AT_A_TIME + 16}")
        secret = self.d.client().call("keys.create", roles=["viewer"])["secret"]
        self.start()
        connections = [self.connect() for _ in range(AT_A_TIME)]
        self.d.pause()
        self.addCleanup(self.d.signal, signal.SIGCONT)
        for connection in connections:
            connection.sendall(CHECK + f"Authorization: Bearer {secret}\r\n\r\n".encode())
        self.assertEqual(self.status("/healthz"), 200)  # all were read before
        self.d.signal(signal.SIGCONT)
        answers = {connection.recv(4096).split(b"\r\n")[0] for connection in connections}
        self.assertEqual(answers, {b"HTTP/1.1 204 No Content"})

    def test_of_many_callers_in_turns_each_gets_an_answer_about_itself(self):
        client = self.d.client()
        keys = [client.call("keys.create", roles=["viewer"]) for _ in range(CALLERS)]
        self.start()
        connections = [self.connect() for _ in range(ASKING)]
        for _ in range(2):
            for key in keys:
                for connection in connections:
                    connection.sendall(CHECK + f"Authorization: Bearer {key['secret']}\r\n\r\n".encode())
                for connection in connections:
                    answer = connection.recv(4096).decode()
                    self.assertIn(f"\r\nX-Authz-Key: {key['id']}\r\n", answer)
                    self.assertEqual(answer.count("\r\nDate: "), 1, answer)

    def test_what_waits_for_a_daemon_that_does_not_answer_takes_hardly_any_time_of_a_core(self):
        self.configure(timeout="1s")
        process = self.start()
        waiting, other = self.connect(), self.connect()
        self.d.pause()
        self.addCleanup(self.d.signal, signal.SIGCONT)
        before = core_seconds(process.pid)
        waiting.sendall(CHECK + b"\r\n")
        other.sendall(CHECK + b"\r\n" + CHECK + b"\r\n")
        answers = waiting.recv(4096), other.recv(4096)
        self.assertEqual({answer.split(b"\r\n")[0] for answer in answers}, {b"HTTP/1.1 403 Forbidden"})
        self.assertIn(b"X-Authz-Status: 503", answers[0])
        self.assertLess(core_seconds(process.pid) - before, CORE)


class Restart(HttpTest):
    def make_daemon(self):
        daemon = self.daemon(start=False)
        pass_sockets(daemon, [("", listening(self, daemon.socket))])
        daemon.start()
        return daemon

    def ask(self, request, ended):
        """Asks until the end, at least once, and counts the answers of each kind."""
        connection = self.connect()
        while True:
            connection.sendall(request)
            answer = connection.recv(65536).split(b"\r\n")[0]
            with self.lock:
                self.answers[answer] = self.answers.get(answer, 0) + 1
            if ended.is_set() or not answer:
                return

    def test_a_planned_restart_of_an_activated_daemon_loses_no_request(self):
        secret = self.d.client().call("keys.create", roles=["viewer"])["secret"]
        request = "\r\n".join(["GET /check HTTP/1.1", "Host: a", "X-Original-Method: GET", "X-Original-URI: /loans",
                               f"Authorization: Bearer {secret}", "", ""]).encode()
        body = json.dumps({"subject": {"type": "token", "id": secret}, "action": {"name": "GET"},
                           "resource": {"type": "api", "id": "/loans"}})
        evaluation = "\r\n".join(["POST /access/v1/evaluation HTTP/1.1", "Host: a", "Content-Type: application/json",
                                  f"Content-Length: {len(body)}", "", body]).encode()
        self.configure("authzen https://pdp.example.com")
        self.start()
        self.lock, self.answers, ended = threading.Lock(), {}, threading.Event()
        threads = [threading.Thread(target=self.ask, args=(asked, ended))
                   for asked in (request, evaluation) for _ in range(ASKING)]
        for thread in threads:
            thread.start()
            self.addCleanup(thread.join)
        self.addCleanup(ended.set)
        for _ in range(RESTARTS):
            before = sum(self.answers.values())
            harness.wait_until(lambda count=before: sum(self.answers.values()) > count + 20, what="answers")
            self.d.stop()
            self.d.start()
        before = sum(self.answers.values())
        harness.wait_until(lambda: sum(self.answers.values()) > before + 20, what="answers")
        ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(set(self.answers), {b"HTTP/1.1 204 No Content", b"HTTP/1.1 200 OK"}, self.answers)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""authz-http ends: what has begun is answered, and nobody waits for what has not."""

import signal
import subprocess
import threading
import unittest

from http_program import HttpTest, harness
from supervisor import PASS, listening

CHECK = b"GET /check HTTP/1.1\r\nHost: a\r\nX-Original-Method: GET\r\nX-Original-URI: /loans\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
RESTARTS = 5
ASKING = 3  # of each kind


class Keyed(HttpTest):
    def setUp(self):
        super().setUp()
        bearer = self.d.client().call("keys.create", roles=["viewer"])["secret"]
        self.check = CHECK + f"Authorization: Bearer {bearer}\r\n\r\n".encode()


class Drain(Keyed):
    def ask(self, request=HEALTH):
        """A connection that sent this request."""
        connection = self.connect()
        connection.sendall(request)
        return connection

    def rest(self):
        """One whose request was answered."""
        connection = self.ask()
        self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200 "))
        return connection

    def all_of(self, connection):
        """What comes until its end."""
        data = b""
        while part := connection.recv(4096):
            data += part
        return data

    def hold(self):
        """The daemon does not answer from now on."""
        self.d.pause()
        self.addCleanup(self.d.signal, signal.SIGCONT)

    def asked(self):
        """A connection whose question the daemon has, after hold()."""
        connection = self.ask(self.check)
        self.rest()  # what came before it was read
        return connection

    def terminate(self, process):
        """Returns when nobody is listened to any more."""
        resting = self.rest()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.all_of(resting), b"")

    def test_requests_that_have_begun_are_answered_and_their_connections_end(self):
        self.configure("drain 10m")
        process = self.start()
        half = self.ask(self.check[:-20])
        resting, silent = self.rest(), self.connect()
        self.hold()
        waiting = [self.asked() for _ in range(3)]
        pipelined = self.ask(self.check + HEALTH)
        self.rest()
        self.terminate(process)
        self.assertEqual(self.all_of(resting), b"")
        self.assertRaises(OSError, self.connect)
        half.sendall(self.check[-20:])
        self.assertEqual(self.all_of(silent), b"")
        self.assertIsNone(process.poll())
        self.d.signal(signal.SIGCONT)
        for connection in [*waiting, half, pipelined]:
            answer = self.all_of(connection)
            self.assertTrue(answer.startswith(b"HTTP/1.1 204 "), answer)
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertEqual(process.wait(harness.DEADLINE), 0)

    def test_one_that_does_not_send_its_request_does_not_keep_it(self):
        self.configure("drain 10m")
        process = self.start()
        clients = [self.ask(data) for data in (b"", b"\r\n", b"G", self.check[:-20],
                                               b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")]
        again = self.rest()
        again.sendall(self.check[:9])
        self.terminate(process)
        for connection in [*clients, again]:
            self.assertNotIn(b"HTTP/1.1 2", self.all_of(connection))
        self.assertEqual(process.wait(harness.DEADLINE), 0)

    def test_after_its_time_it_ends_all_the_same(self):
        self.configure("drain 1s")
        process = self.start()
        self.hold()
        waiting = self.asked()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        self.assertEqual(self.all_of(waiting), b"")
        self.assertIn("requests are not answered in time", self.log())

    def test_a_second_signal_ends_it_at_once(self):
        self.configure("drain 10m")
        process = self.start()
        self.hold()
        waiting = self.asked()
        self.terminate(process)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        self.assertEqual(self.all_of(waiting), b"")

    def test_it_leaves_the_socket_of_its_successor_alone(self):
        self.configure("drain 10m")
        process = self.start()
        self.hold()
        waiting = self.asked()
        self.terminate(process)
        self.configure()
        successor = subprocess.Popen([*process.args], stderr=subprocess.DEVNULL, preexec_fn=harness.die_with_parent)
        self.addCleanup(self.end, successor)
        harness.wait_until(lambda: self.status("/healthz"), what="the successor answers")
        self.d.signal(signal.SIGCONT)
        self.assertTrue(self.all_of(waiting).startswith(b"HTTP/1.1 204 "))
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        self.assertEqual(self.status("/healthz"), 200)


class Restart(Keyed):
    """authz-http is restarted, and its supervisor holds the socket, as systemd does."""

    def start(self):
        fd = self.listening.fileno()
        return super().start(prefix=("/usr/bin/python3", "-c", PASS, "", "1", str(fd)), pass_fds=[fd])

    def keep_asking(self, stays):
        """Asks on one connection, or each time on another. One that ended while nothing was sent on it, or before
        a byte of an answer came to what could not be sent, is made again, as web servers do."""
        connection, fresh = self.connect(), True
        while not self.ended.is_set():
            answer = b""
            try:
                connection.sendall(self.check)
                answer = connection.recv(4096)
            except (BrokenPipeError, ConnectionResetError):
                pass
            if answer or fresh:
                self.answers.append(answer.split(b"\r\n")[0])
            fresh = not answer or not stays or b"Connection: close" in answer
            if fresh:
                connection.close()
                connection = self.connect()

    def test_a_restart_loses_no_request(self):
        self.configure("drain 10m")
        self.listening = listening(self, self.path)
        self.answers, self.ended = [], threading.Event()
        process = self.start()
        threads = [threading.Thread(target=self.keep_asking, args=(stays,))
                   for stays in (True, False) for _ in range(ASKING)]
        for thread in threads:
            thread.start()
            self.addCleanup(thread.join)
        self.addCleanup(self.ended.set)
        for _ in range(RESTARTS):
            before = len(self.answers)
            harness.wait_until(lambda count=before: len(self.answers) > count + 20, what="answers")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(harness.DEADLINE), 0)
            process = self.start()
        self.ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(set(self.answers), {b"HTTP/1.1 204 No Content"})


if __name__ == "__main__":
    unittest.main()

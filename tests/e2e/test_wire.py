# SPDX-License-Identifier: Apache-2.0
"""Input on the socket: malformed, huge, slow, many; other connections are not affected."""

import os
import signal
import socket
import struct
import threading
import time
import unittest

import harness
import msgpack
import people
from harness import Client, Error, wait_until

ALLOWED = {"principal": "ann", "method": "GET", "path": "/loans"}

POLICY = """\
tree api {
    /loans { list GET, create POST }
}

role viewer {
    allow GET on api:/**
}

principal ann {
    role viewer
}
"""

MIB = 1 << 20


def nested(depth):
    """A request with nested arrays as parameters, `depth` deep in all."""
    inner = 1
    for _ in range(depth - 3):
        inner = [inner]
    return msgpack.packb([0, 1, "authorize", [{"x": inner}]])


# name, bytes, the id of the error, a word of its message
MALFORMED = [
    ("a byte that is never used", b"\xc1", None, "MessagePack"),
    ("text that is not a message", b"GET / HTTP/1.1\r\n\r\n", None, ""),
    ("an array of four thousand million", b"\xdd\xff\xff\xff\xff", None, "256 KiB"),
    ("a string of four gigabytes", b"\x94\x00\x01\xdb\xff\xff\xff\xff", None, "256 KiB"),
    ("one byte more than the bound", b"\x94\x00\x01\xdb" + struct.pack(">I", 256 * 1024), None,
     "256 KiB"),
    ("deeper than the bound", nested(18), None, "deep"),
    ("a map", msgpack.packb({"method": "status"}), None, ""),
    ("an empty array", msgpack.packb([]), None, ""),
    ("a notification", msgpack.packb([2, "status", []]), None, ""),
    ("a response", msgpack.packb([1, 7, None, None]), 7, ""),
    ("three elements", msgpack.packb([0, 7, "status"]), None, ""),
    ("five elements", msgpack.packb([0, 7, "status", [], 1]), None, ""),
    ("a negative id", msgpack.packb([0, -1, "status", []]), None, ""),
    ("an id of 33 bits", msgpack.packb([0, 1 << 32, "status", []]), None, ""),
    ("an id of text", msgpack.packb([0, "7", "status", []]), None, ""),
    ("a method of number", msgpack.packb([0, 7, 8, []]), 7, ""),
]

# name, method, parameters, code, param
REFUSED = [
    ("an unknown method", "authorise", None, "unknown_method", None),
    ("a method with a NUL after its name", "status\0", None, "unknown_method", None),
    ("a NUL and much more", "authorize\0" + "x" * 100_000, None, "unknown_method", None),
    ("an empty method", "", None, "unknown_method", None),
    ("an unknown parameter", "authorize", {**ALLOWED, "princpal": "x"}, "invalid_request", "princpal"),
    ("what might be a token", "authorize", {**ALLOWED, "ak_live_1xpOlHKA7AXu_XTk": 1},
     "invalid_request", None),
    ("the same in an entry", "authorize_many",
     {**ALLOWED, "requests": [{}, {"ak_live_1xpOlHKA7AXu_XTk": 1}]}, "invalid_request",
     "requests[1]"),
    ("an ill-typed parameter", "authorize", {**ALLOWED, "principal": 7}, "invalid_request", "principal"),
    ("a list of parameters", "authorize", [1], "invalid_request", None),
    ("text that is not UTF-8", "authorize", {**ALLOWED, "principal": b"\xff"}, "invalid_request",
     "principal"),
]


class Malformed(harness.DaemonTest):
    def test_one_error_then_closed_and_others_live_on(self):
        daemon = self.daemon({"a.policy": POLICY})
        good = daemon.client()
        for name, data, number, word in MALFORMED:
            with self.subTest(name), Client(daemon.socket) as client:
                client.send_bytes(data)
                message = client.receive_message()
                self.assertIsNotNone(message)
                self.assertEqual(message[:2], [1, number])
                self.assertEqual(message[2]["code"], "invalid_request")
                self.assertIn(word, message[2]["message"])
                self.assertIsNone(message[3])
                self.assertTrue(client.is_closed())
                self.assertTrue(good.call("authorize", **ALLOWED)["allow"])

    def test_requests_before_the_malformed_one_are_answered(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        client.send_bytes(Client.request(1, "authorize", ALLOWED) + b"\xc1"
                          + Client.request(2, "authorize", ALLOWED))
        self.assertTrue(client.receive(1)["allow"])
        self.assertIsNone(client.receive_message()[1])
        self.assertTrue(client.is_closed())

    def test_a_good_shape_with_bad_content_keeps_the_connection(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        for name, method, params, code, param in REFUSED:
            with self.subTest(name):
                with self.assertRaises(Error) as caught:
                    client.receive(client.send(method, params))
                self.assertEqual(caught.exception.code, code)
                self.assertEqual(caught.exception.error.get("param"), param)
                self.assertNotIn("ak_live", str(caught.exception.error))
        self.assertTrue(client.call("authorize", **ALLOWED)["allow"])

    def test_a_duplicate_parameter_is_refused(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        pair = msgpack.packb("principal") + msgpack.packb("ann")
        client.send_bytes(b"\x94\x00\x09\xa9authorize\x91\x82" + pair + pair)
        with self.assertRaises(Error) as caught:
            client.receive(9)
        self.assertEqual(caught.exception.error["param"], "principal")

    def test_random_bytes_end_nothing_but_their_connection(self):
        import random
        daemon = self.daemon({"a.policy": POLICY})
        rng = random.Random(4711)
        good = daemon.client()
        for _ in range(300):
            request = bytearray(Client.request(1, "authorize", ALLOWED))
            for _ in range(rng.randrange(1, 4)):
                request[rng.randrange(len(request))] = rng.randrange(256)
            with Client(daemon.socket) as client:
                client.send_bytes(bytes(request))
                client.socket.shutdown(socket.SHUT_WR)
                while client.receive_message() is not None:
                    pass
        self.assertTrue(good.call("authorize", **ALLOWED)["allow"])


class Pieces(harness.DaemonTest):
    def test_a_request_may_come_byte_by_byte(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        for number in range(3):
            for byte in Client.request(number, "authorize", ALLOWED):
                client.send_bytes(bytes([byte]))
            self.assertTrue(client.receive(number)["allow"])

    def test_a_message_of_exactly_the_bound_is_taken(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        bare = len(Client.request(1, "authorize", {"path": "x" * 70000}))
        data = Client.request(1, "authorize", {"path": "x" * (70000 + 256 * 1024 - bare)})
        self.assertEqual(len(data), 256 * 1024)
        client.send_bytes(data)
        with self.assertRaises(Error):
            client.receive(1)
        self.assertTrue(client.call("authorize", **ALLOWED)["allow"])

    def test_a_client_that_has_shut_down_sending_gets_all_answers(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        client.send_bytes(b"".join(Client.request(n, "authorize", ALLOWED) for n in range(2000)))
        client.socket.shutdown(socket.SHUT_WR)
        for number in range(2000):
            self.assertTrue(client.receive(number)["allow"])
        self.assertTrue(client.is_closed())

    def test_pipelined_requests_are_all_answered(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        answers = client.call_many([("authorize", ALLOWED)] * 20000, window=900)
        self.assertTrue(all(answer["allow"] for answer in answers))

    def test_tokens_among_others_are_each_judged_by_themselves(self):
        import random
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        asked = {"method": "GET", "path": "/loans"}
        kinds = [(ALLOWED, 200), ({**asked, "principal": "nobody"}, 401),
                 # bytes that look like a token's parameter longer than the message
                 ({**ALLOWED, "path": "/\u0165token\u0665xyz"}, 404),
                 ({**asked, "token": "ak_live_" + "1" * 49}, 401),
                 ({**asked, "token": "x" * 200}, 401), ({**asked, "token": ""}, 401)]
        for number in range(20):
            client.call("principals.create", id=f"u{number}", name="x", kind="user")
            if number % 2:
                client.call("assignments.create", principal=f"u{number}", role="viewer")
            key = client.call("keys.create", principal=f"u{number}", name="k")
            if number % 5 == 0:
                client.call("keys.revoke", id=key["id"])
            status = 401 if number % 5 == 0 else 200 if number % 2 else 403
            kinds.append(({**asked, "token": key["secret"]}, status))
        rng = random.Random(11)
        for _ in range(20):
            chosen = rng.choices(kinds, k=rng.randrange(2, 400))
            client.send_bytes(b"".join(Client.request(number, "authorize", params)
                                       for number, (params, _) in enumerate(chosen)))
            for number, (params, status) in enumerate(chosen):
                self.assertEqual(client.receive(number)["status"], status, params)
        # as many as are prefetched together, and more, before bytes that are not a request
        for count in (7, 8, 9, 16):
            with Client(daemon.socket) as last:
                last.send_bytes(b"".join(Client.request(number, "authorize", kinds[-1][0])
                                         for number in range(count)) + b"\xc1")
                for number in range(count):
                    self.assertEqual(last.receive(number)["status"], kinds[-1][1])
                self.assertIsNone(last.receive_message()[1])
                self.assertTrue(last.is_closed())

    def test_a_message_in_part_has_ten_seconds(self):
        daemon = self.daemon({"a.policy": POLICY})
        half, good = daemon.client(), daemon.client()
        begin = time.monotonic()
        half.send_bytes(Client.request(1, "authorize", ALLOWED)[:-1])
        idle = daemon.client()
        message = half.receive_message()
        took = time.monotonic() - begin
        self.assertEqual(message[1:], [None, message[2], None])
        self.assertIn("10 seconds", message[2]["message"])
        self.assertTrue(half.is_closed())
        self.assertGreater(took, 9.5)
        # A connection that is idle between messages has no deadline.
        self.assertTrue(good.call("authorize", **ALLOWED)["allow"])
        self.assertTrue(idle.call("authorize", **ALLOWED)["allow"])


class Flood(harness.DaemonTest):
    def test_reading_stops_while_answers_are_not_read(self):
        daemon = self.daemon({"a.policy": POLICY})
        rude = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(rude.close)
        rude.connect(str(daemon.socket))
        rude.setblocking(False)
        data = b"".join(Client.request(n, "authorize", ALLOWED) for n in range(1000))
        sent = 0
        stalled_since = None
        while sent < 256 * MIB:
            try:
                sent += rude.send(data[sent % len(data):])
                stalled_since = None
            except BlockingIOError:
                now = time.monotonic()
                stalled_since = stalled_since or now
                if now - stalled_since > 1:
                    break
        self.assertLess(sent, 32 * MIB)
        self.assertTrue(daemon.call("authorize", **ALLOWED)["allow"])
        # It continues when they are read: every request sent is answered.
        unpacker = msgpack.Unpacker()
        rude.settimeout(harness.DEADLINE)
        answered = 0
        whole = sum(1 for _ in messages(data * (sent // len(data)) + data[:sent % len(data)]))
        while answered < whole:
            unpacker.feed(rude.recv(1 << 20))
            answered += sum(1 for _ in unpacker)
        self.assertEqual(answered, whole)

    def test_a_good_client_is_served_beside_a_flood(self):
        daemon = self.daemon({"a.policy": POLICY}, "--workers", "1")
        stop = threading.Event()
        data = b"".join(Client.request(n, "authorize", ALLOWED) for n in range(2000))

        def flood():
            with Client(daemon.socket) as client:
                client.socket.settimeout(0.2)
                while not stop.is_set():
                    try:
                        client.socket.sendall(data)
                    except OSError:
                        client.socket.settimeout(0.2)
                    try:
                        client.socket.recv(1 << 20)
                    except OSError:
                        pass

        floods = [threading.Thread(target=flood) for _ in range(4)]
        for thread in floods:
            thread.start()
        try:
            good = daemon.client()
            for _ in range(300):
                self.assertTrue(good.call("authorize", **ALLOWED)["allow"])
        finally:
            stop.set()
            for thread in floods:
                thread.join()

    def test_many_connections_of_one_user_are_one_share_beside_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        daemon = self.daemon({"a.policy": POLICY}, "--workers", "1")
        os.chmod(daemon.folder, 0o711)
        os.chmod(daemon.socket, 0o666)
        good = daemon.client()
        good.call("status")
        with people.as_user():
            flood = [daemon.client() for _ in range(30)]
        for client in flood:
            client.call("authorize", method="GET", path="/health")
        heavy = {"method": "GET", "path": "/" + "%25" * 1364, "requests": [{}] * 1024}
        # Everything is there when the daemon continues, the flood first.
        daemon.pause()
        for client in flood:
            client.send("authorize_many", heavy)
        status = good.send("status")
        daemon.signal(signal.SIGCONT)
        counters = good.receive(status)["counters"]
        self.assertLessEqual(counters["allowed"] + counters["denied"], 30 + 4 * 1024)
        for client in flood:
            self.assertEqual(len(client.receive(1)["results"]), 1024)

    def test_more_changes_than_may_be_queued_are_all_made(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        calls = [("principals.create", {"id": f"p{n}", "name": "x", "kind": "user"})
                 for n in range(3000)]
        # All at once, more than may be unanswered, so that the daemon must stop reading.
        answers = client.call_many(calls, window=3000)
        failed = [answer for answer in answers if isinstance(answer, Error)]
        self.assertEqual(failed, [])
        self.assertEqual(daemon.call("status")["store"]["principals"], 3000)


def messages(data):
    unpacker = msgpack.Unpacker(max_buffer_size=len(data) + 1)
    unpacker.feed(data)
    return unpacker


class Ends(harness.DaemonTest):
    def test_a_peer_that_leaves_without_reading_does_no_harm(self):
        daemon = self.daemon({"a.policy": POLICY})
        for number in range(50):
            client = Client(daemon.socket)
            client.send_bytes(Client.request(1, "authorize", ALLOWED) * 100)
            client.send("principals.create", {"id": f"q{number}", "name": "x", "kind": "user"})
            client.close()
        wait_until(lambda: daemon.call("status")["counters"]["connections"] <= 1,
                   what="all connections closed")
        self.assertTrue(daemon.call("authorize", **ALLOWED)["allow"])

    def test_status_counts_every_decision_of_every_connection(self):
        daemon = self.daemon({"a.policy": POLICY}, "--workers", "3")
        for _ in range(12):
            with harness.Client(daemon.socket) as client:
                client.call("authorize", **ALLOWED)
                client.call("authorize_many", requests=[ALLOWED, {**ALLOWED, "method": "POST"}])
        counters = daemon.call("status")["counters"]
        self.assertEqual((counters["allowed"], counters["denied"]), (24, 12))

    def test_status_counts_what_happened(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        for _ in range(10):
            client.call("authorize", **ALLOWED)
            client.call("authorize", **{**ALLOWED, "method": "POST"})
        status = client.call("status")
        self.assertEqual(status["counters"]["allowed"], 10)
        self.assertEqual(status["counters"]["denied"], 10)
        self.assertEqual(status["counters"]["requests"], 21)
        self.assertGreater(status["latency_ns"]["p50"], 0)
        self.assertTrue(status["policy"]["ok"])


if __name__ == "__main__":
    unittest.main()

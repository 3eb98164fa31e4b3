# SPDX-License-Identifier: Apache-2.0
"""libauthz, loaded as other languages load it, over restarts of the real daemon."""

import ctypes
import os
import threading
import unittest

import harness

LIBRARY = os.environ.get("LIBAUTHZ", str(harness.ROOT / "build" / "client" / "libauthz.so"))
RESTARTS = 4
TIMEOUT_MS = int(harness.DEADLINE * 1000)


class Options(ctypes.Structure):
    _fields_ = [("socket", ctypes.c_char_p), ("timeout_ms", ctypes.c_int),
                ("server_uid", ctypes.c_uint32), ("on_disconnect", ctypes.c_void_p),
                ("data", ctypes.c_void_p)]


class Request(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in
                ("token", "principal", "method", "path", "tree", "action", "resource", "service",
                 "environment", "tenant", "ip")] + [
                     ("mfa_at", ctypes.c_int64), ("time", ctypes.c_int64),
                     ("facts", ctypes.c_void_p), ("fact_count", ctypes.c_size_t),
                     ("ignore_undeclared", ctypes.c_bool)]


class Decision(ctypes.Structure):
    _fields_ = [("verdict", ctypes.c_int), ("status", ctypes.c_int), ("reason", ctypes.c_char * 64),
                ("rest", ctypes.c_char * 4096)]  # more than the others take


class Handle:
    def __init__(self, daemon, timeout_ms=TIMEOUT_MS):
        self.library = ctypes.CDLL(LIBRARY)
        self.handle = ctypes.c_void_p()
        options = Options(socket=os.fsencode(daemon.socket), timeout_ms=timeout_ms)
        assert self.library.authz_create(ctypes.byref(options), ctypes.byref(self.handle)) == 0

    def check(self, **fields):
        """(the function's result, allowed, reason)."""
        request = Request(**{name: text.encode() for name, text in fields.items()})
        decision = Decision(verdict=1)
        error = self.library.authz_check(self.handle, ctypes.byref(request), ctypes.byref(decision))
        return error, decision.verdict == 1, decision.reason.decode()

    def close(self):
        self.library.authz_destroy(self.handle)


POLICY = harness.SMALL_POLICY + "principal ann { role viewer }\n"
QUESTION = {"principal": "ann", "method": "GET", "path": "/loans/7"}
ALLOWED = (0, True, "ok")


@unittest.skipIf("LIBAUTHZ" in os.environ and not os.environ["LIBAUTHZ"], "a sanitizer's library")
class Restarts(harness.DaemonTest):
    def handle(self, daemon, timeout_ms=TIMEOUT_MS):
        handle = Handle(daemon, timeout_ms)
        self.addCleanup(handle.close)
        return handle

    def test_a_restart_loses_no_question(self):
        daemon = self.daemon({"a.policy": POLICY})
        handle = self.handle(daemon)
        done = threading.Event()
        answers = []

        def ask():
            while not done.is_set():
                answers.append(handle.check(**QUESTION))

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            for _ in range(RESTARTS):
                before = len(answers)
                harness.wait_until(lambda: len(answers) > before, what="an answer")
                daemon.stop()
                daemon.start()
            before = len(answers)
            harness.wait_until(lambda: len(answers) > before + 1, what="an answer after the restart")
        finally:
            done.set()
            asker.join()
        self.assertEqual(set(answers), {ALLOWED})

    def test_a_question_asked_while_the_daemon_is_away_waits_for_it(self):
        daemon = self.daemon({"a.policy": POLICY})
        handle = self.handle(daemon)
        self.assertEqual(handle.check(**QUESTION), ALLOWED)
        daemon.stop()
        self.assertFalse(daemon.socket.exists())
        answers = []
        asker = threading.Thread(target=lambda: answers.append(handle.check(**QUESTION)))
        asker.start()
        daemon.start()
        asker.join()
        self.assertEqual(answers, [ALLOWED])

    def test_a_daemon_that_stays_away_denies_at_the_deadline(self):
        daemon = self.daemon({"a.policy": POLICY})
        handle = self.handle(daemon)
        self.assertEqual(handle.check(**QUESTION), ALLOWED)
        for end in (daemon.stop, daemon.kill):
            end()
            handle.library.authz_set_timeout(handle.handle, 200)
            error, allowed, reason = handle.check(**QUESTION)
            self.assertLess(error, 0)
            self.assertEqual((allowed, reason), (False, "unavailable"))
            daemon.start()
            handle.library.authz_set_timeout(handle.handle, TIMEOUT_MS)
            self.assertEqual(handle.check(**QUESTION), ALLOWED)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""What the daemon reports to the program that started it: ready, reloading, alive, ending."""

import ctypes
import os
import signal
import time
import unittest
from pathlib import Path

import harness
from supervisor import Supervised

WATCHDOG = 200_000  # microseconds

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000


def ptrace(request, thread):
    harness.LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    harness.LIBC.ptrace.restype = ctypes.c_long
    if harness.LIBC.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Stopped:
    """One thread of another process stands still."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.thread)
        ptrace(PTRACE_INTERRUPT, self.thread)
        os.waitpid(self.thread, WALL)

    def __exit__(self, *_):
        ptrace(PTRACE_DETACH, self.thread)


class Notices(harness.DaemonTest):
    def supervised(self, **options):
        daemon = Supervised(**options)
        self.addCleanup(daemon.finish)
        return daemon

    def reload(self, daemon):
        """Its notices after SIGHUP are of a reload that began later."""
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        daemon.signal(signal.SIGHUP)
        notice = daemon.notice()
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertEqual(notice["RELOADING"], "1")
        self.assertLessEqual(before, int(notice["MONOTONIC_USEC"]))
        self.assertLessEqual(int(notice["MONOTONIC_USEC"]), after)
        self.assertEqual(daemon.notice(), {"READY": "1"})

    def test_a_reload_by_signal_is_reported_and_then_the_new_policy_answers(self):
        daemon = self.supervised()
        daemon.write("small.policy", harness.SMALL_POLICY + "principal ann { role viewer }\n")
        self.reload(daemon)
        self.assertTrue(daemon.call("authorize", principal="ann", method="GET", path="/loans")["allow"])

    def test_a_refused_policy_ends_the_reload_too(self):
        daemon = self.supervised()
        daemon.write("small.policy", "role {\n")
        self.reload(daemon)
        self.assertFalse(daemon.call("policy.status")["ok"])
        self.reload(daemon)

    def test_the_end_is_reported(self):
        daemon = self.supervised()
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.notice(), {"STOPPING": "1"})
        self.assertEqual(daemon.wait(), 0)

    def test_a_supervisor_that_did_not_ask_gets_no_sign_of_life(self):
        for prefix in ([], ["env", "WATCHDOG_USEC=0"], ["env", "WATCHDOG_USEC=x"],
                       ["env", f"WATCHDOG_USEC={WATCHDOG}", "WATCHDOG_PID=1"]):
            daemon = self.supervised(start=False)
            daemon.prefix = prefix
            daemon.start()
            self.reload(daemon)
            daemon.stop()
            self.assertEqual(daemon.notice(), {"STOPPING": "1"}, prefix)


class Watchdog(harness.DaemonTest):
    WORKERS = 2

    def watched(self):
        daemon = Supervised(None, "--workers", str(self.WORKERS), watchdog=WATCHDOG)
        self.addCleanup(daemon.finish)
        return daemon

    def test_a_sign_of_life_comes_again_and_again(self):
        daemon = self.watched()
        for _ in range(6):
            self.assertEqual(daemon.notice(), {"WATCHDOG": "1"})
        # When it is busy, too.
        client = daemon.client()
        for _ in range(6):
            client.call("principals.list")
            self.assertEqual(daemon.notice(), {"WATCHDOG": "1"})

    def lives_without(self, daemon, thread):
        """Do signs of life go on while this thread stands still?"""
        with Stopped(thread):
            daemon.notices.settimeout(5 * WATCHDOG / 1e6)
            try:
                # One may be on its way, and one is for what the thread answered before.
                for _ in range(20):
                    daemon.notice()
                return True
            except TimeoutError:
                return False
            finally:
                daemon.notices.settimeout(harness.DEADLINE)

    @unittest.skipUnless(os.geteuid() == 0, "only root may stop a thread of the daemon")
    def test_there_is_none_while_a_worker_or_the_writer_stands_still(self):
        daemon = self.watched()
        threads = [int(path.name) for path in Path(f"/proc/{daemon.pid}/task").iterdir()]
        needed = []
        for thread in threads:
            if not self.lives_without(daemon, thread):
                needed.append(thread)
            self.assertEqual(daemon.notice(), {"WATCHDOG": "1"}, "it goes on when the thread does")
        # main, the workers and the writer. On a slow machine others may seem to be needed as well.
        self.assertIn(daemon.pid, needed)
        self.assertGreaterEqual(len(needed), self.WORKERS + 2)
        self.assertGreater(len(threads), self.WORKERS + 2)


if __name__ == "__main__":
    unittest.main()

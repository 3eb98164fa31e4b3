#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""authz-http starts, refuses to start, and ends: the real program, the real daemon."""
import resource
import signal
import socket
import subprocess
import unittest

from http_program import AUTHZ_HTTP, HttpTest, harness


class Start(HttpTest):
    def refused(self, **more):
        """What it says when it does not start."""
        found = subprocess.run([AUTHZ_HTTP, "--config", str(self.conf)], capture_output=True, text=True,
                               timeout=harness.DEADLINE, check=False, **more)
        self.assertEqual(found.returncode, 1, found.stderr)
        return found.stderr

    def test_it_answers_and_ends_by_sigterm_without_its_socket(self):
        process = self.start()
        self.assertEqual((self.status(), self.status("/healthz"), self.status("/nowhere")), (200, 200, 404))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=harness.DEADLINE), 0)
        self.assertFalse(self.path.exists())

    def test_a_second_one_leaves_the_first_ones_socket_alone(self):
        self.start()
        self.assertIn("another process serves it", self.refused())
        self.assertEqual(self.status(), 200)

    def test_a_dead_socket_is_replaced_and_another_file_is_not(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.start()
        self.assertEqual(self.status(), 200)
        self.path = self.d.folder / "file"
        self.path.write_text("kept")
        self.configure()
        self.assertIn("something that is not a socket", self.refused())
        self.assertEqual(self.path.read_text(), "kept")

    def test_too_few_descriptors_are_said_at_the_start(self):
        self.configure("connections 1000")

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))

        said = self.refused(preexec_fn=limit)
        self.assertIn("1000 connections need 1128 descriptors, and the limit is 500", said)
        self.assertFalse(self.path.exists())

    def test_metrics_are_there_only_when_they_are_configured(self):
        process = self.start()
        self.assertEqual(self.status("/metrics"), 404)
        process.terminate()
        process.wait(timeout=harness.DEADLINE)
        self.configure("metrics on")
        self.start()
        self.assertEqual(self.status("/metrics"), 200)

    def test_a_daemon_that_went_and_came_is_found_again(self):
        self.configure(timeout="1s")
        self.start()
        self.d.stop()
        self.assertEqual((self.status(), self.status("/healthz")), (503, 200))
        self.d.start()
        harness.wait_until(lambda: self.status() == 200, what="the daemon is found")


if __name__ == "__main__":
    unittest.main()

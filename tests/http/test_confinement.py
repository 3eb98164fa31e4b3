# SPDX-License-Identifier: Apache-2.0
"""authz-http gives up what it does not need: code that got into it can do nothing but answer and ask.

That code is tests/http/intruder.c, which is preloaded and makes an attempt when a request names it.
"""

import os
import signal
import unittest
from pathlib import Path

from http_program import HttpTest, harness

INTRUDER = os.environ.get("AUTHZ_HTTP_INTRUDER")
ENDING = {  # attempts that end the program: what is tried
    "execve": "executes a program",
    "fork": "makes a process",
    "thread": "starts a thread",
    "ptrace": "traces",
    "network": "makes a socket of the network",
    "datagram": "makes a socket that reaches others without a connection",
    "listen": "listens once more",
    "bind": "binds a socket",
    "open": "opens a file",
    "read-process": "reads another process",
    "signal-process": "signals another process",
    "code": "makes code of data",
}


class Confinement(HttpTest):
    def begin(self, *options, intruder=True):
        environment = dict(os.environ)
        if intruder:
            environment["LD_PRELOAD"] = INTRUDER
        process = self.start(*options, env=environment)
        if "a build with a sanitizer" in self.log():
            self.skipTest("a build with a sanitizer is not confined")
        return process

    def test_the_log_and_the_metrics_say_what_is_in_force(self):
        self.configure("metrics on")
        process = self.begin(intruder=False)
        self.assertRegex(self.log(), r"info: confined seccomp=yes landlock=[1-9]\d* capabilities=none\n")
        page = self.get("/metrics")[1]
        for by in ("seccomp", "landlock"):
            self.assertIn(f'\nauthz_http_confined{{by="{by}"}} 1\n', page)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        self.assertRegex(status, r"\nSeccomp:\s2\n")
        self.assertRegex(status, r"\nCapEff:\s0{16}\n")

    def test_no_confinement_is_an_option_that_warns(self):
        process = self.start("--no-confinement")
        self.assertIn("warn: not confined: files and system calls are not limited", self.log())
        self.assertRegex(Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"), r"\nSeccomp:\s0\n")

    def test_a_kernel_without_one_of_the_limits_is_a_warning(self):
        self.end(self.begin(intruder=False))
        for call, warning, others in (
                ("landlock_create_ruleset", "this kernel has no Landlock", "seccomp=yes landlock=0"),
                ("seccomp", "this kernel has no seccomp", "seccomp=no landlock=")):
            with self.subTest(call):
                process = self.start(prefix=["/usr/bin/python3", "-c", harness.WITHOUT_CALL, call])
                self.assertIn(f"warn: {warning}", self.log())
                self.assertIn(f"confined {others}", self.log())
                self.assertEqual(self.get("/readyz")[0], 200)
                self.end(process)

    @unittest.skipUnless(INTRUDER, "a build with a sanitizer is not confined")
    def test_a_call_that_answering_does_not_need_ends_it(self):
        for name, tried in ENDING.items():
            with self.subTest(tried):
                process = self.begin()
                self.assertEqual(self.get("/readyz")[0], 200)
                self.get(f"/intrude/{name}")
                self.assertEqual(process.wait(harness.DEADLINE), -signal.SIGSYS)
                if name != "thread":  # pthread_create(3) blocks every signal, and with it the log's line
                    self.assertIn("ended: a system call that this program does not make was refused",
                                  self.log().splitlines()[-1])
                self.path.unlink()

    @unittest.skipUnless(INTRUDER, "a build with a sanitizer is not confined")
    def test_files_of_others_stay(self):
        elsewhere = Path(os.environ["AUTHZ_HTTP_ELSEWHERE"])
        elsewhere.write_text("")
        self.addCleanup(elsewhere.unlink, missing_ok=True)
        self.begin()
        self.assertEqual(self.get("/intrude/remove")[0], 404)
        self.assertEqual(self.log().splitlines()[-1], "failed")
        self.assertTrue(elsewhere.exists())
        self.get("/intrude/stream")  # as for another connection to the daemon
        self.assertEqual(self.log().splitlines()[-1], "done")

    @unittest.skipUnless(INTRUDER, "a build with a sanitizer is not confined")
    def test_without_confinement_the_same_attempts_succeed(self):
        self.begin("--no-confinement")
        for name in ("thread", "network", "datagram", "open", "signal-process", "code"):
            self.get(f"/intrude/{name}")
            self.assertEqual(self.log().splitlines()[-1], "done", name)

    def test_it_ends_cleanly_and_removes_its_socket(self):
        process = self.begin(intruder=False)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        self.assertFalse(self.path.exists())


if __name__ == "__main__":
    unittest.main()

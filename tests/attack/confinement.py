# SPDX-License-Identifier: Apache-2.0
"""Code that got into the daemon wants to start programs, reach other processes and open other files.

It is played by a module (tests/modules/intruder.c), which makes one attempt a decision: nothing that
a worker does could be less limited than what a module does.
"""

import json
import shutil
import signal
import tempfile
import unittest
from pathlib import Path

import attack
import harness
from modules import Strangers

ATTEMPTS = {  # that end the daemon: what is tried
    "execve": "executes a program",
    "fork": "makes a process",
    "ptrace": "traces",
    "socket": "makes a socket",
    "connect": "connects a socket",
    "listen": "listens at a socket once more, as the user of now",
    "change-namespace": "makes a user namespace",
    "read-process": "reads another process",
    "signal-process": "signals another process",
    "take-over-handler": "ignores the signal of a refused call",
    "take-over-handler-by-half": "ignores it by a number of which the kernel sees the low half",
    "map-writable-code": "maps memory that is writable and code",
    "make-code-of-data": "makes code of data",
}
FILES = {  # that fail: what is tried
    "read-outside": "reads /etc/passwd",
    "read-memory": "opens /proc/self/mem",
    "write-outside": "makes a file elsewhere",
    "write-module": "makes a module",
    "write-policy": "makes a policy file",
    "rename-state": "moves the state folder away",
}
POLICY = """\
tree api {
    /loans { list GET }
}
role reader {
    allow GET on api:/**
}
stack loans {
    authenticate  required  principal
    account       required  intruder
    authorize     required  role
}
""" + "".join(f"principal {name} {{\n    role reader\n}}\n" for name in ["ann", *ATTEMPTS, *FILES])


class Confinement(attack.Attack):
    def setUp(self):
        self.strangers = Strangers()
        self.addCleanup(self.strangers.finish)
        self.folder = Path(tempfile.mkdtemp(prefix="authz-confinement-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.modules = self.folder / "modules"
        self.modules.mkdir()
        self.elsewhere = self.folder / "elsewhere"
        config = self.folder / "authzd.conf"
        config.write_text(f"modules {self.modules}\n")
        self.subject = self.daemon({"a.policy": POLICY}, "--config", str(config), start=False)
        self.strangers.build("intruder.c", self.modules / "intruder.so", **{
            name: f'"{path}"' for name, path in (
                ("ELSEWHERE", self.elsewhere), ("MODULES", self.modules),
                ("POLICY", self.subject.policy), ("STATE", self.subject.state))})

    def begin(self):
        self.subject.start()
        if "a build with a sanitizer" in self.subject.log():
            self.skipTest("a build with a sanitizer is not confined")

    def attempt(self, name):
        return self.subject.call("authorize", service="loans", principal=name, method="GET",
                                 path="/loans")

    def test_a_call_that_serving_does_not_need_ends_the_daemon(self):
        for name, tried in ATTEMPTS.items():
            self.begin()
            self.assertTrue(self.attempt("ann")["allow"])
            with self.assertRaises((AssertionError, OSError), msg=tried):
                self.attempt(name)
            self.assertEqual(self.subject.wait(), -signal.SIGSYS, tried)
            line = self.subject.log().splitlines()[-1]
            self.assertIn("ended: a system call that this program does not make was refused", line)
            self.failed(tried, line.split(": ")[-1])
        self.subject.start("--log-format", "json")
        self.assertTrue(self.attempt("ann")["allow"])
        with self.assertRaises((AssertionError, OSError)):
            self.attempt("socket")
        self.assertEqual(self.subject.wait(), -signal.SIGSYS)
        line = json.loads(self.subject.log().splitlines()[-1])
        self.assertEqual(line["level"], "error")
        self.assertIsInstance(line["call"], int)

    def test_files_beyond_the_configured_folders_stay_closed(self):
        self.begin()
        for name, tried in FILES.items():
            self.denied(tried, self.attempt(name), "failed")
        self.assertFalse(self.elsewhere.exists())
        self.assertEqual(sorted(path.name for path in self.modules.iterdir()), ["intruder.so"])
        self.assertEqual([path.name for path in self.subject.policy.iterdir()], ["a.policy"])
        self.assertTrue(self.attempt("ann")["allow"])

    def test_without_confinement_the_same_attempts_succeed(self):
        self.subject.start("--no-confinement")
        for name in FILES:
            if name not in ("read-memory", "rename-state"):
                self.assertEqual(self.attempt(name)["reason"], "done", name)
        for name in ("socket", "map-writable-code", "make-code-of-data", "take-over-handler",
                     "take-over-handler-by-half"):
            self.assertEqual(self.attempt(name)["reason"], "done", name)

    def test_a_module_does_not_make_the_stacks_executable(self):
        self.begin()
        source = harness.ROOT / "tests" / "modules" / "bad.c"
        for tried, flags, why in (
                ("asks for an executable stack", ["-Wl,-z,execstack"], "asks for an executable stack"),
                ("has code that is writable", ["-DWRITABLE_CODE"], "both writable and code"),
                ("has code that the loader changes", ["-DCHANGED_CODE", "-Wl,-z,notext"],
                 "changes its code when it is loaded"),
        ):
            with self.subTest(tried):
                aside = self.modules / ".bad.so"
                self.strangers.compile('-DNAME="bad"', source, "-o", aside, *flags)
                aside.rename(self.modules / "bad.so")
                self.subject.replace("a.policy", POLICY.replace(" intruder", " bad"))
                with self.assertRaises(harness.Error) as caught:
                    self.subject.call("policy.reload")
                message = str(caught.exception.error["diagnostics"])
                self.assertIn(why, message)
                self.failed(f"a module that {tried}", "refused")
        maps = Path(f"/proc/{self.subject.pid}/maps").read_text()
        self.assertNotIn("rwx", maps)
        self.assertTrue(self.attempt("ann")["allow"])


if __name__ == "__main__":
    unittest.main()

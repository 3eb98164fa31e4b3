# SPDX-License-Identifier: Apache-2.0
"""`authzcheck console` as a program: how it begins, what opens the browser, and what ends it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from console_program import INSTRUMENTED, LINK, Console, ConsoleTest, harness

SEER = "role seer {\n    allow list, read on authz:/keys/**\n}\n"


class Browser(ConsoleTest):
    """What opens the browser, as a program that says how it was called."""

    def setUp(self):
        super().setUp()
        self.bin = Path(tempfile.mkdtemp(prefix="authz-bin-"))
        self.addCleanup(shutil.rmtree, self.bin)
        self.bin.chmod(0o777)
        opener = self.bin / "xdg-open"
        opener.write_text('#!/bin/sh\nprintf "%s\\n" "$#" "$1" "${AUTHZ_TOKEN-none}" "$(readlink /proc/self/fd/0)" '
                          f'>{self.bin}/new\nmv {self.bin}/new {self.bin}/opened\n')
        opener.chmod(0o755)
        self.opened = self.bin / "opened"
        self.env = {"PATH": f"{self.bin}:{os.environ['PATH']}", "DISPLAY": ":0", "WAYLAND_DISPLAY": None}

    def begin(self, **more):
        """As a user who is not root, if the test's is."""
        if os.geteuid() == 0:
            self.d.folder.chmod(0o711)
            self.d.socket.chmod(0o666)
            more = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/", **more}
        return Console(self, self.d, browser=True, env={**self.env, **more.pop("env", {})}, **more)

    def test_the_link_is_opened_where_there_is_a_screen(self):
        console = self.begin()
        harness.wait_until(self.opened.exists, what="the browser is opened")
        self.assertEqual(self.opened.read_text().splitlines(),
                         ["1", f"{console.origin}/console/#{console.ticket}", "none", "/dev/null"])
        console.process.send_signal(signal.SIGINT)
        self.assertEqual(console.process.wait(harness.DEADLINE), 0)

    def test_a_new_link_opens_none_and_a_browser_gets_no_token(self):
        client = self.d.client()
        client.call("principals.create", id="ann")
        console = self.begin(env={"AUTHZ_TOKEN": client.call("keys.create", principal="ann")["secret"]})
        harness.wait_until(self.opened.exists, what="the browser is opened")
        self.assertEqual(self.opened.read_text().splitlines()[2], "none")
        self.opened.unlink()
        console.press_enter()
        self.assertEqual(console.open_link().status, 204)
        self.assertFalse(self.opened.exists())

    def test_without_a_screen_or_for_root_none_is_opened(self):
        self.env["DISPLAY"] = None
        self.assertEqual(self.begin().open_link().status, 204)
        if os.geteuid() == 0:
            self.assertEqual(self.begin(user=0, env={"DISPLAY": ":0"}).open_link().status, 204)
        self.assertFalse(self.opened.exists())


class Life(ConsoleTest):
    def test_signals_end_it_with_a_clean_status(self):
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            console = self.console()
            console.process.send_signal(number)
            self.assertEqual(console.process.wait(harness.DEADLINE), 0)

    def test_the_end_of_the_terminal_ends_it(self):
        console = self.console()
        os.write(console.terminal, b"\x04")
        self.assertEqual(console.process.wait(harness.DEADLINE), 0)
        console = self.console()
        os.close(console.terminal)
        console.terminal = None
        self.assertEqual(console.process.wait(harness.DEADLINE), 0)

    def test_in_the_background_of_its_terminal_it_takes_no_line_and_is_not_stopped(self):
        console = self.console(background=True)
        os.write(console.terminal, b"\n")
        self.assertEqual(console.call("status").status, 200)
        self.assertEqual(console.call("status").status, 200)
        os.close(console.terminal)
        console.terminal = None

        def has_ended():
            with socket.socket() as probe:
                return probe.connect_ex((console.host, console.port)) != 0
        harness.wait_until(has_ended, what="it ends with the terminal")

    def test_without_a_terminal_it_goes_on_until_a_signal(self):
        console = self.console(terminal=False)
        self.assertEqual(console.call("status").status, 200)
        self.assertIsNone(console.process.poll())

    def test_it_listens_where_it_is_asked_to(self):
        port = harness.free_port()
        console = self.console("--listen", f"127.0.0.1:{port}")
        self.assertEqual(console.port, port)
        self.assertEqual(console.call("status").status, 200)
        console = self.console("--listen", "[::1]:0")
        self.assertEqual((console.host, console.call("status").status), ("[::1]", 200))

    def run_tool(self, *arguments, **more):
        return subprocess.run([harness.AUTHZCHECK, "console", "--no-browser", *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=harness.DEADLINE,
                              env={**harness.environment(self.d.folder), **more}, check=False)

    def test_other_addresses_are_refused_and_say_why(self):
        for address in ("0.0.0.0:0", "192.0.2.1:80", "[::]:0", "localhost:80", "127.0.0.2:80", ":80", "80", ""):
            run = self.run_tool("--socket", str(self.d.socket), "--listen", address)
            self.assertEqual(run.returncode, 2, address)
            self.assertIn(b"acts as you", run.stderr)
            self.assertIn(b"authz-http.conf(5)", run.stderr)
        for address in ("127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "[::1]:1x"):
            run = self.run_tool("--socket", str(self.d.socket), "--listen", address)
            self.assertEqual(run.returncode, 2, address)
            self.assertIn(b"write a port", run.stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            run = self.run_tool("--socket", str(self.d.socket), "--listen", "127.0.0.1:%d" % taken.getsockname()[1])
            self.assertEqual(run.returncode, 3)
            self.assertIn(b"Address already in use", run.stderr)

    def test_without_a_daemon_it_does_not_begin(self):
        run = self.run_tool("--socket", str(self.d.folder / "none.sock"))
        self.assertEqual(run.returncode, 3)
        self.assertIsNone(LINK.search(run.stdout))

    def test_with_a_token_each_call_is_that_keys(self):
        self.d.write("seer.policy", SEER)
        client = self.d.client()
        client.call("policy.reload")
        client.call("principals.create", id="ann")
        client.call("assignments.create", principal="ann", role="seer")
        key = client.call("keys.create", principal="ann")
        file = self.d.folder / "token"
        file.write_text(key["secret"])
        for console in (self.console("--token-file", str(file)), self.console(env={"AUTHZ_TOKEN": key["secret"]})):
            self.assertEqual([item["id"] for item in console.result("keys.list")["items"]], [key["id"]])
            self.assertEqual(console.call("principals.create", id="bob").status, 403)
            self.assertEqual(console.call("policy.status").status, 403)
            self.assertFalse(console.request("GET", "/console/session").json()["folder"])
            client.call("keys.disable", id=key["id"])
            self.assertEqual(console.call("keys.list").status, 403)
            client.call("keys.enable", id=key["id"])

    def test_it_can_open_nothing_and_start_nothing(self):
        console = self.console()
        with open(f"/proc/{console.process.pid}/status", encoding="ascii") as status:
            text = status.read()
        self.assertIn("NoNewPrivs:\t1", text)
        if not INSTRUMENTED:
            self.assertIn("Seccomp:\t2", text)


if __name__ == "__main__":
    unittest.main()

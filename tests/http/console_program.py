# SPDX-License-Identifier: Apache-2.0
"""`authzcheck console` on a terminal of its own, before a real daemon, and a browser's requests to it."""

import contextlib
import fcntl
import http.client
import json
import os
import pty
import re
import subprocess
import sys
import termios
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402
import scripted  # noqa: E402, F401

LINK = re.compile(rb"http://(127\.0\.0\.1|\[::1\]):(\d+)/console/#([0-9a-f]{64})")
JSON = {"Content-Type": "application/json"}

INSTRUMENTED = any(mark in Path(harness.AUTHZCHECK).read_bytes() for mark in (b"__asan_init", b"__tsan_init",
                                                                             b"__gcov_"))
BUILT = os.environ.get("AUTHZ_CONSOLE", "yes") == "yes"


# Runs a command in the background of the terminal, as a shell does.
BACKGROUND = ("/usr/bin/python3", "-c",
              "import subprocess, sys\nsys.exit(subprocess.Popen(sys.argv[1:], process_group=0).wait())")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["error"]["code"]


class Console:
    """The program, and the browser that opened its link."""

    def __init__(self, test, daemon, *options, terminal=True, background=False, browser=False, env=None,
                 **more):
        parent, child = pty.openpty()
        mode = termios.tcgetattr(child)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(child, termios.TCSANOW, mode)

        def begin():
            harness.die_with_parent()
            os.setsid()
            if background:
                fcntl.ioctl(child, termios.TIOCSCTTY, 0)

        ours = {**harness.environment(daemon.folder), **(env or {})}
        self.daemon = daemon
        self.terminal = parent
        self.text = b""
        self.cookie = None
        self.process = subprocess.Popen(
            [*(BACKGROUND if background else ()), harness.AUTHZCHECK, "console", "--socket", str(daemon.socket),
             *(() if browser else ("--no-browser",)), *options],
            stdin=child if terminal else subprocess.DEVNULL, stdout=child, stderr=child,
            env={name: value for name, value in ours.items() if value is not None}, preexec_fn=begin, **more)
        os.close(child)
        test.addCleanup(self.close)
        self.host, self.port, self.ticket = self.read_link()

    def close(self):
        self.process.kill()
        self.process.wait()
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    def read_link(self):
        """Waits for the next link."""
        while not (found := LINK.search(self.text)):
            try:
                part = os.read(self.terminal, 65536)
            except OSError:
                part = b""
            if not part:
                raise AssertionError(f"no link, but: {self.text!r}")
            self.text += part
        self.text = self.text[found.end():]
        return found[1].decode(), int(found[2]), found[3].decode()

    def press_enter(self):
        os.write(self.terminal, b"\n")
        _, _, self.ticket = self.read_link()

    @property
    def origin(self):
        return f"http://{self.host}:{self.port}"

    def connect(self):
        return contextlib.closing(http.client.HTTPConnection(
            self.host.strip("[]"), self.port, timeout=harness.DEADLINE))

    def request(self, method, path, body=None, /, **headers):
        """As the page's script sends it; a header that is None is left out. Underscores stand for dashes."""
        sent = {"Host": f"{self.host}:{self.port}"}
        if method != "GET":
            sent.update(JSON, Origin=self.origin)
        if self.cookie:
            sent["Cookie"] = self.cookie
        for name, value in headers.items():
            sent[name.replace("_", "-")] = value
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with self.connect() as connection:
            connection.request(method, path, body,
                               {name: value for name, value in sent.items() if value is not None})
            return Answer(connection.getresponse())

    def open_link(self, ticket=None):
        answer = self.request("POST", "/console/session", {"ticket": ticket or self.ticket})
        if answer.status == 204:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return answer

    def call(self, method, /, **params):
        return self.request("POST", "/console/call", {"method": method, "params": params})

    def result(self, method, /, **params):
        answer = self.call(method, **params)
        assert answer.status == 200, answer.body
        return answer.json()["result"]


@unittest.skipUnless(BUILT, "built without the console's page")
class ConsoleTest(harness.DaemonTest):
    def console(self, *options, **more):
        """One whose link is open already."""
        console = Console(self, self.d, *options, **more)
        assert console.open_link().status == 204
        return console

    def setUp(self):
        super().setUp()
        self.d = self.make_daemon()

    def make_daemon(self):
        return self.daemon()

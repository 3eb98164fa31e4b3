# SPDX-License-Identifier: Apache-2.0
"""A page in headless Chromium, driven by the Chrome DevTools Protocol over two pipes.

No server and no port: the protocol's messages are JSON, each ended by a NUL, on descriptors 3 and 4.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import harness

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Root may not use the browser's own sandbox; the page is the test's own.
OPTIONS = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
           "--disable-extensions", "--disable-component-update", "--disable-background-networking",
           "--disable-dev-shm-usage", "--hide-scrollbars"]

KEYS = {"ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35,
        "Enter": 13, "Tab": 9, "/": 191}


class Page:
    """One page. `problems` has what the console, the policy of the page and exceptions said, and
    `requests` every URL that it asked for."""

    def __init__(self):
        self.problems = []
        self.requests = []
        self.number = 0
        self.answers = {}
        self.loaded = False
        self.left = b""
        self.session = None
        self.home = tempfile.mkdtemp(prefix="authz-browser-")
        commands, self.write_end = os.pipe()
        self.read_end, answers = os.pipe()
        # The shell puts the pipes where the browser wants them.
        line = f'exec "$@" 3<&{commands} 4>&{answers}'
        with open(os.path.join(self.home, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", line, "bash", CHROMIUM, *OPTIONS,
                 f"--user-data-dir={self.home}/profile", "about:blank"],
                pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "HOME": self.home})
        os.close(commands)
        os.close(answers)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        with contextlib.suppress(OSError):
            self.session = None
            self.call("Browser.close")
        os.close(self.write_end)
        try:
            self.process.wait(harness.DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        shutil.rmtree(self.home, ignore_errors=True)

    def _take(self, message):
        params = message.get("params", {})
        method = message.get("method")
        if "id" in message:
            self.answers[message["id"]] = message
        elif method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(json.dumps(params["args"]))

    def _read(self, until):
        end = time.monotonic() + harness.DEADLINE
        while not until():
            ready, _, _ = select.select([self.read_end], [], [], max(0, end - time.monotonic()))
            data = os.read(self.read_end, 1 << 20) if ready else b""
            if not data:
                with open(os.path.join(self.home, "log"), encoding="utf-8", errors="replace") as log:
                    raise OSError(f"the browser does not answer: {log.read()[-2000:]}")
            *messages, self.left = (self.left + data).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    def call(self, method, **params):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        self._read(lambda: number in self.answers)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, path, hash_part=""):
        """Loads a file, again even if only the part after # differs."""
        self._navigate("about:blank")
        self.problems.clear()
        self.requests.clear()
        self._navigate(f"file://{path}{hash_part}")

    def _navigate(self, url):
        self.loaded = False
        self.call("Page.navigate", url=url)
        self._read(lambda: self.loaded)

    def eval(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def key(self, name):
        text = "\r" if name == "Enter" else name if len(name) == 1 else ""
        common = {"key": name, "windowsVirtualKeyCode": KEYS.get(name, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def look(self, width, height=900, dark=False):
        """Sets the window and the theme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

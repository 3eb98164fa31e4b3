# SPDX-License-Identifier: Apache-2.0
"""authzcheck's lists of many pages, and answers that a daemon should not give: the test is the daemon."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import msgpack

import harness

PAGE = 1000

# (arguments, the calls before the list, the name of the array, members before it, members after it)
LISTS = (
    (("key", "list"), (), "items", {}, {}),
    (("key", "audit"), (), "items", {}, {}),
    (("key", "disable", "--all", "--dry-run"), (), "items", {}, {}),
    (("principal", "list"), (), "items", {}, {}),
    (("role", "list"), (), "items", {}, {}),
    (("tenant", "list"), (), "items", {}, {}),
    (("log",), (), "items", {}, {}),
    (("log", "--verify"), (), "items", {}, {"checked": 15, "ok": False}),
    (("can", "--principal", "p"), (), "items", {"status": 200, "reason": "ok", "revision": "r"}, {}),
    (("principal", "show", "p"), ({"id": "p", "assignments": [1]}, *[{"items": []}] * 4), "assignments",
     {"id": "p", "keys": [], "permissions": [], "everyone": [], "anyone": []}, {}),
)


class Fake:
    """A socket whose calls the test answers one by one, and the tool that calls. Its standard output
    is a file."""

    def __init__(self, *arguments):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-"))
        self.output = self.folder / "output"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.listener.settimeout(harness.DEADLINE)
        self.listener.bind(str(self.folder / "socket"))
        self.listener.listen()
        env = harness.environment(self.folder)
        # Freed memory that a sanitizer keeps is not what the tool holds.
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [harness.AUTHZCHECK, "--socket", self.folder / "socket", "--timeout",
                 str(int(harness.DEADLINE)), *arguments], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.PIPE, env=env, preexec_fn=harness.die_with_parent)
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(harness.DEADLINE)
        self.calls = msgpack.Unpacker(raw=False)
        self.id = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.connection.close()
        self.listener.close()
        shutil.rmtree(self.folder)

    def call(self):
        """Waits for the tool's next call. It has done by then what it does with the last answer."""
        while True:
            for _, self.id, method, _ in self.calls:
                return method
            data = self.connection.recv(1 << 16)
            assert data, "the tool closed the connection"
            self.calls.feed(data)

    def answer(self, result, error=None):
        self.connection.sendall(msgpack.packb([1, self.id, error, result]))

    def done(self):
        """Waits for the end of the tool: exit status, standard output, standard error."""
        error = self.process.communicate(timeout=harness.DEADLINE)[1].decode()
        return self.process.returncode, self.printed(), error

    def printed(self):
        return self.output.read_text(encoding="utf-8")

    def peak(self):
        """The most memory that the tool has had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(status.split("VmHWM:")[1].split()[0])


def item(number):
    return {"id": f"{number:012}", "name": f"na\"me {number} ü", "scopes": ["loans:read", "x"],
            "attributes": {"team": "a\nb"}, "narrower": [], "none": {}, "sequence": number}


def page(number, more=True, size=PAGE):
    """Every page has the fields of each kind of list."""
    return {"items": [item(number * PAGE + i) for i in range(size)], "status": 200, "reason": "ok",
            "revision": "r", "checked": 5, "total": 15, **({"cursor": "c"} if more else {})}


def printed(document):
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class Pages(unittest.TestCase):
    def begin(self, *arguments):
        fake = Fake(*arguments)
        self.addCleanup(fake.__exit__)
        return fake

    def begin_list(self, arguments, calls):
        fake = self.begin("--json", *arguments)
        for result in calls:
            fake.call()
            fake.answer(result)
        return fake

    def test_each_page_is_printed_before_the_next_one_is_asked_for(self):
        for arguments, calls, array, before, after in LISTS:
            with self.subTest(arguments):
                fake = self.begin_list(arguments, calls)
                for number in range(2):
                    fake.call()
                    fake.answer(page(number))
                fake.call()
                # A part of the last page may still be in the buffer of the tool.
                self.assertIn(f'"id": "{PAGE + PAGE // 2:012}"', fake.printed())
                fake.answer(page(2, more=False))
                items = [item(number) for number in range(3 * PAGE)]
                self.assertEqual(fake.done()[1], printed({**before, array: items, **after}))

    def test_an_empty_list_is_an_empty_array(self):
        for arguments, calls, array, before, after in LISTS:
            with self.subTest(arguments):
                fake = self.begin_list(arguments, calls)
                fake.call()
                fake.answer(page(0, more=False, size=0))
                if after:
                    after = {"checked": 5, "ok": True}
                self.assertEqual(
                    fake.done(), (0, printed({**before, array: [], **after}), ""))

    def test_the_memory_of_a_list_is_that_of_a_page(self):
        fake = self.begin("key", "list", "--json")
        for number in range(40):
            self.assertEqual(fake.call(), "keys.list")
            if number == 4:
                first, size = fake.peak(), os.path.getsize(fake.output)
            fake.answer(page(number))
        fake.call()
        text = os.path.getsize(fake.output) - size
        self.assertGreater(text, 8 << 20)
        self.assertLess(fake.peak() - first, text // 4)

    def test_an_error_in_the_middle_follows_the_items(self):
        error = {"code": "overloaded", "message": "no memory", "more": [1]}
        for arguments, calls, array, before, _ in LISTS:
            with self.subTest(arguments):
                fake = self.begin_list(arguments, calls)
                fake.call()
                fake.answer(page(0, size=2))
                fake.call()
                fake.answer(None, error)
                status, out, err = fake.done()
                self.assertEqual((status, err), (3, "authzcheck: overloaded: no memory\n"))
                self.assertEqual(out, printed({**before, array: [item(0), item(1)], "error": error}))

    def test_an_error_of_the_first_page_is_the_whole_document(self):
        for arguments, calls, _, _, _ in LISTS:
            with self.subTest(arguments):
                fake = self.begin_list(arguments, calls)
                fake.call()
                fake.answer(None, {"code": "forbidden", "message": "no"})
                self.assertEqual(fake.done(), (
                    1, printed({"error": {"code": "forbidden", "message": "no"}}),
                    "authzcheck: forbidden: no\n"))

    def test_a_daemon_that_ends_in_the_middle_is_an_error_after_the_items(self):
        fake = self.begin_list(("key", "list"), ())
        fake.call()
        fake.answer(page(0, size=1))
        fake.call()
        fake.connection.close()
        # It asks once more, on another connection.
        again, _ = fake.listener.accept()
        again.close()
        status, out, err = fake.done()
        document = json.loads(out)
        self.assertEqual((status, document["items"]), (3, [item(0)]), err)
        self.assertEqual(document["error"]["code"], "unavailable")


class Secrets(unittest.TestCase):
    def test_a_missing_secret_is_an_error(self):
        for arguments in (("key", "create", "--role", "r"), ("key", "rotate", "1AbCdEfGhIj0"),
                          ("key", "renew", "--token", "t")):
            for form in ((), ("--json",)):
                with self.subTest(arguments + form), Fake(*form, *arguments) as fake:
                    fake.call()
                    fake.answer({"id": "1AbCdEfGhIj0"})
                    status, out, err = fake.done()
                    self.assertEqual(status, 3)
                    self.assertIn("made a secret and did not send it", err)
                    if form:
                        self.assertEqual(json.loads(out)["error"]["code"], "internal")
                    else:
                        self.assertEqual(out, "")


if __name__ == "__main__":
    unittest.main()

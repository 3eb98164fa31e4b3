# SPDX-License-Identifier: Apache-2.0
"""A real daemon in a temporary folder, and a client that speaks to it byte by byte.

    class Deciding(harness.DaemonTest):
        def test_a_viewer_reads_and_does_not_write(self):
            daemon = self.daemon({"a.policy": "..."})
            client = daemon.client()
            self.assertTrue(client.call("authorize", principal="p", method="GET", path="/")["allow"])

Nothing here sleeps to let something happen: the daemon says when it is ready (NOTIFY_SOCKET), a
process's end is waited for, and whatever else must come true is asked for by wait_until. A daemon
dies with the test that started it. The programs are found through the environment that meson sets:
AUTHZD, AUTHZCHECK and AUTHZ_SOURCE_ROOT.
"""

import contextlib
import ctypes
import os
import pwd
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import msgpack

# Bounds a hang and nothing else: no test passes or fails by how fast the machine is.
DEADLINE = float(os.environ.get("AUTHZ_TEST_DEADLINE", "300"))

# What authzcheck is given so that it waits for a slow disk longer than it does by itself.
PATIENT = ("--timeout", f"{DEADLINE:g}")

ROOT = Path(os.environ.get("AUTHZ_SOURCE_ROOT", Path(__file__).resolve().parents[2]))
AUTHZD = os.environ.get("AUTHZD", str(ROOT / "build" / "daemon" / "authzd"))
AUTHZCHECK = os.environ.get("AUTHZCHECK", str(ROOT / "build" / "tools" / "authzcheck"))

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

# A policy that allows and denies something, for tests that are about something else.
SMALL_POLICY = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}

role viewer {
    allow GET on api:/**
}

role clerk inherits viewer {
    allow create on api:/loans
}
"""

# Runs a command that is answered ENOSYS when it makes the call.
WITHOUT_CALL = """
import ctypes, errno, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
lib.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
lib.seccomp_load.argtypes = [ctypes.c_void_p]
filter = lib.seccomp_init(0x7fff0000)
number = lib.seccomp_syscall_resolve_name(sys.argv[1].encode())
assert lib.seccomp_rule_add(filter, 0x00050000 | errno.ENOSYS, number, 0) == 0
assert lib.seccomp_load(filter) == 0
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Error(Exception):
    """The error that a method answered: code, message and the fields that the code adds."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.message = error.get("message")
        self.error = error


def wait_until(condition, deadline=DEADLINE, what="condition"):
    """Waits until condition() is true and returns its value; AssertionError at the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} was not so within {deadline:g} s (last: {value!r})")
        time.sleep(0.002)  # between two checks of the condition


# Below them the kernel takes no port of its own accord (ip_local_port_range).
PORTS = (20000, 32767)


def free_port():
    """A port of 127.0.0.1 for a server that is started next. Not one that the kernel may give to a connection in
    between, even to that which asks whether the server listens: such a one would be connected to itself."""
    while True:
        port = random.SystemRandom().randint(*PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def environment(home):
    """The environment of the tests, without variables that would lead a program out of its folder."""
    ours = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("XDG_", "AUTHZ_SERVER_USER", "AUTHZ_SOCKET", "AUTHZ_TOKEN",
                                "LISTEN_", "NOTIFY_", "WATCHDOG_"))
    }
    return {**ours, "HOME": str(home), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def may_impersonate():
    """The line of a configuration by which the tests' own user may call for any principal."""
    return f"impersonate user {pwd.getpwuid(os.geteuid()).pw_name}\n"


def search_memory(pid, parts, sure):
    """[(name of the mapping, place, first bytes)] of these parts in the memory of a process, which must have
    the text `sure`."""
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root may read the memory of a process that gave up its rights")
    wanted = re.compile(b"|".join(re.escape(part) for part in parts))
    found, looked, is_sure = [], 0, False
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        try:
            memory = open(f"/proc/{pid}/mem", "rb", 0)
        except PermissionError:
            raise unittest.SkipTest("this host lets nobody read a process's memory") from None
        with memory:
            for line in maps:
                bounds, rights, *_, = line.split()
                name = line[73:].strip()
                if "r" not in rights or name in ("[vvar]", "[vsyscall]") or name.endswith("store.mdb"):
                    continue
                begin, end = (int(bound, 16) for bound in bounds.split("-"))
                if end - begin > 1 << 30:  # a sanitizer's shadow
                    continue
                try:
                    memory.seek(begin)
                    data = memory.read(end - begin)
                except (OSError, OverflowError):
                    continue
                looked += len(data)
                is_sure = is_sure or str(sure).encode() in data
                found += [(name or "anonymous", match.start(), match.group()[:4])
                          for match in wanted.finditer(data)]
    assert is_sure, f"what must be there was not found in {looked} bytes"
    return found


class Daemon:
    """One authzd, its policy folder, store and socket below `folder`."""

    def __init__(self, policy=None, *arguments, folder=None, start=True, prefix=()):
        """policy: {file name: text}, a folder that is copied, or the small policy above. prefix: a
        command that runs the daemon, such as taskset."""
        self.own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="authz-"))
        self.policy = self.folder / "policy"
        self.state = self.folder / "state"
        self.socket = self.folder / "authz.sock"
        self.stderr = self.folder / "stderr"
        self.arguments = list(arguments)
        self.prefix = list(prefix)
        self.process = None
        self.clients = []
        self.pass_fds = ()  # descriptors that the daemon inherits
        self.policy.mkdir(exist_ok=True)
        self.state.mkdir(mode=0o700, exist_ok=True)
        if isinstance(policy, (str, Path)):
            shutil.copytree(policy, self.policy, dirs_exist_ok=True)
        else:
            for name, text in (policy or {"small.policy": SMALL_POLICY}).items():
                self.write(name, text)
        if start:
            self.start()

    # Policy files

    def write(self, name, text):
        """Writes a file of the policy in place, as editors do that do not rename."""
        path = self.policy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def replace(self, name, text):
        """Writes another file and renames it to that of the policy, as most editors do."""
        path = self.policy / name
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(text, encoding="utf-8")
        aside.rename(path)
        return path

    # The process

    def command(self, *more):
        return [*self.prefix, AUTHZD, "--policy", str(self.policy), "--state", str(self.state),
                "--socket", str(self.socket), *self.arguments, *more]

    def start(self, *more):
        """Starts the daemon and waits for READY=1; AssertionError if it ends or never sends it."""
        assert self.process is None, "already started"
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with notices:
            path = self.folder / "notify"
            path.unlink(missing_ok=True)
            notices.bind(str(path))
            path.chmod(0o777)  # the daemon may have changed its user by then, which a supervisor permits
            with open(self.stderr, "ab") as stderr:
                self.process = subprocess.Popen(
                    self.command(*more), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                    env={**environment(self.folder), "NOTIFY_SOCKET": str(path)},
                    cwd=self.folder, preexec_fn=die_with_parent, pass_fds=self.pass_fds,
                )
            self.await_notice(notices)
        return self

    def await_notice(self, notices):
        end = time.monotonic() + DEADLINE
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while True:
                left = end - time.monotonic()
                ready, _, _ = select.select([notices, pidfd], [], [], max(left, 0))
                if notices in ready:
                    if b"READY=1" in notices.recv(4096).split(b"\n"):
                        return
                elif ready:
                    status = self.process.wait()
                    self.process = None
                    raise AssertionError(f"authzd ended with {status} at start:\n{self.log()}")
                elif left <= 0:
                    self.kill()
                    raise AssertionError(f"authzd was not ready in {DEADLINE:g} s:\n{self.log()}")
        finally:
            os.close(pidfd)

    def refuses_to_start(self, *more):
        """Runs a daemon that must not start; returns its exit status and its messages."""
        done = subprocess.run(
            self.command(*more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=environment(self.folder), cwd=self.folder,
            preexec_fn=die_with_parent, timeout=DEADLINE, check=False, pass_fds=self.pass_fds,
        )
        return done.returncode, done.stdout

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """Stops all threads, and returns when they stand; SIGCONT goes on."""
        self.signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.pid}/task")
        wait_until(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                               for task in tasks.iterdir()), what="a stopped daemon")

    def wait(self, deadline=DEADLINE):
        """Waits until the daemon ends and returns its exit status; a signal's number is negative."""
        try:
            status = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"authzd did not end in {deadline:g} s:\n{self.log()}") from None
        self.process = None
        return status

    def stop(self):
        """Sends SIGTERM; the daemon must exit with 0."""
        self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == 0, f"authzd ended with {status}:\n{self.log()}"

    def kill(self):
        """Sends SIGKILL, as a power cut would end it, and waits for its end."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self):
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    def wait_for_log(self, *texts):
        """Waits until the log has all these texts, since no request waits for the log; returns it."""
        wait_until(lambda: all(text in self.log() for text in texts), what=f"{texts} in the log")
        return self.log()

    def finish(self):
        """Closes the clients, stops the daemon, and removes the folder."""
        try:
            for client in self.clients:
                client.close()
            if self.process is not None:
                self.stop()
        finally:
            if self.process is not None:
                self.kill()
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    # Clients

    def client(self):
        client = Client(self.socket)
        self.clients.append(client)
        return client

    def call(self, method, /, **params):
        """One call on a connection of its own."""
        with Client(self.socket) as client:
            return client.call(method, **params)

    def tool(self, *arguments, text=None, env=None):
        """Runs authzcheck against this daemon; see run_tool. It is patient, unless an argument says otherwise."""
        patience = () if "--timeout" in arguments else PATIENT
        return run_tool("--socket", str(self.socket), *patience, *arguments, text=text, env=env, home=self.folder)


def run_tool(*arguments, text=None, env=None, home="/nonexistent", user=None):
    """Runs authzcheck; returns .returncode, .stdout and .stderr. text is its standard input. user:
    the number of the user and group that it runs as, for tests that run as root."""
    other = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.run(
        [AUTHZCHECK, *(str(word) for word in arguments)], input=text or "", capture_output=True,
        text=True, env={**environment(home), **(env or {})}, timeout=DEADLINE, check=False, **other,
    )


def run_tool_out_of_room(*arguments, home="/nonexistent"):
    """The same where no file can have more than 512 bytes, as on a disk that is full."""
    line = "trap '' XFSZ; ulimit -f 1; exec \"$@\""
    return subprocess.run(
        ["sh", "-c", line, "sh", AUTHZCHECK, *(str(word) for word in arguments)], capture_output=True, text=True,
        env=environment(home), timeout=DEADLINE, check=False)


class Client:
    """MessagePack-RPC on one connection, every byte under the test's control."""

    def __init__(self, path, timeout=DEADLINE):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=1 << 26)
        self.next_id = 0
        self.early = {}  # answers received while waiting for another, by id

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def request(number, method, params):
        return msgpack.packb([0, number, method, [] if params is None else [params]])

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, method, params=None):
        """Sends a request without waiting; returns its id."""
        number = self.next_id
        self.next_id += 1
        self.send_bytes(self.request(number, method, params))
        return number

    def receive_message(self):
        """The next message, or None when the daemon has closed the connection."""
        while True:
            for message in self.unpacker:
                return message
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.unpacker.feed(data)

    def receive(self, number):
        """The result of the request with this id; keeps other answers; raises Error for an error."""
        while number not in self.early:
            message = self.receive_message()
            assert message is not None, f"closed before request {number} was answered"
            assert isinstance(message, list) and len(message) == 4 and message[0] == 1, message
            self.early[message[1]] = message
        _, _, error, result = self.early.pop(number)
        if error is not None:
            assert result is None, f"both an error and a result: {error} {result}"
            raise Error(error)
        return result

    def call(self, method, /, **params):
        return self.receive(self.send(method, params or None))

    def pages(self, method, /, limit=1000, **params):
        """(the items of all pages, the last page); no page may have more than `limit`."""
        items = []
        while True:
            page = self.call(method, limit=limit, **params)
            assert len(page["items"]) <= limit, f"{len(page['items'])} items for a limit of {limit}"
            items += page["items"]
            if "cursor" not in page:
                return items, page
            params["cursor"] = page["cursor"]

    def call_many(self, calls, window=256):
        """[(method, params)…] pipelined, at most `window` unanswered; answers in order. A
        request that was answered with an error has an Error in the list."""
        answers = []
        waiting = []
        for method, params in calls:
            waiting.append(self.send(method, params))
            if len(waiting) == window:
                answers.append(self.result_or_error(waiting.pop(0)))
        answers.extend(self.result_or_error(number) for number in waiting)
        return answers

    def result_or_error(self, number):
        try:
            return self.receive(number)
        except Error as error:
            return error

    def is_closed(self):
        """True when the daemon closes the connection without another message."""
        return self.receive_message() is None


class DaemonTest(unittest.TestCase):
    """A test that starts daemons; each is stopped when the test ends, and must exit with 0."""

    def daemon(self, policy=None, *arguments, **options):
        daemon = Daemon(policy, *arguments, **options)
        self.addCleanup(daemon.finish)
        return daemon

    def configured(self, text):
        """The arguments of a daemon with this configuration."""
        folder = tempfile.TemporaryDirectory(prefix="authz-conf-")
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "authzd.conf"
        path.write_text(text, encoding="utf-8")
        return ["--config", str(path)]

    def assert_error(self, code, call, /, *arguments, **params):
        """The call must fail with this code; returns the Error."""
        with self.assertRaises(Error) as caught:
            call(*arguments, **params)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception
